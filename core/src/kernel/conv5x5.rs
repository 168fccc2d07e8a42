//! A 5x5 convolution's inner loops, on images with channels last.
//!
//! `filters[ky][kx][c][o]` leads from channel c of the pixel (y + ky, x + kx) to channel o of the position (y, x).
//! An output is δ after pooling: each value of it belongs to one position of the map, which `which` remembers.

use super::vector::{Tile, Vector, add_rows, list_nonzero};
use crate::pool::Pool;
use crate::sgd::Sgd;

/// An image, channels last.
pub(crate) type Image<const H: usize, const W: usize, const C: usize> = [[[f32; C]; W]; H];
/// The weights of `O` filters over `C` channels.
pub(crate) type Filters<const C: usize, const O: usize> = [[[[f32; O]; C]; 5]; 5];
/// One filter, its channels side by side.
type Filter<const C: usize> = [[[f32; C]; 5]; 5];

/// Neighbouring positions that use the same row of filters before the next: on a host, for as long as it is in the
/// cache; on a microcontroller, the two of a pooling square.
const ACROSS: usize = if cfg!(target_os = "none") { 2 } else { 8 };

/// The values of an image's row that are not zero.
#[derive(Clone, Copy)]
struct Nonzero<const W: usize, const C: usize> {
    /// Indices in the row, all channels of a pixel side by side.
    indices: [[u16; C]; W],
    /// How many lie in each pixel and those before it.
    ends: [u16; W],
}

impl<const W: usize, const C: usize> Nonzero<W, C> {
    const NONE: Self = Self { indices: [[0; C]; W], ends: [0; W] };

    #[inline(always)]
    fn list(&mut self, row: &[[f32; C]; W]) {
        let list = self.indices.as_flattened_mut();
        let mut count = 0;
        for ((pixel, end), first) in row.iter().zip(&mut self.ends).zip((0..).step_by(C)) {
            count = list_nonzero(list, count, pixel, first);
            *end = count as u16;
        }
    }

    /// Those of the five pixels from `x` on.
    #[inline(always)]
    fn window(&self, x: usize) -> &[u16] {
        let start = x.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        let end = self.ends.get(x + 4).copied().unwrap_or(0);
        self.indices.as_flattened().get(usize::from(start)..usize::from(end)).unwrap_or(&[])
    }
}

/// Convolution, pooling, and bias, for one image.
///
/// `out` has one value for each pooled position and filter; `which`, if given, gets the position in its square that
/// each of them came from, by rows.
///
/// Two rows of positions are summed at a time, so that each value that is not zero meets the filters' row for the
/// upper position and the row above it for the lower one.
#[inline(always)]
pub(crate) fn forward<V: Vector, P: Pool, const H: usize, const W: usize, const C: usize, const O: usize>(
    image: &Image<H, W, C>,
    filters: &Filters<C, O>,
    bias: &[f32; O],
    out: &mut [f32],
    mut which: Option<&mut [u8]>,
) {
    if O < V::LANES && V::LANES > 1 {
        return forward::<V::Half, P, H, W, C, O>(image, filters, bias, out, which);
    }
    let (height, width) = (H - 4, W - 4);
    // The lists of the six rows under a pair of positions, each at its row's number modulo 6.
    let mut lists = [Nonzero::<W, C>::NONE; 6];
    let mut listed = 0;
    for top in (0..height).step_by(2) {
        let pair = height - top > 1;
        let below = top + if pair { 6 } else { 5 };
        while listed < below {
            lists[listed % 6].list(&image[listed]);
            listed += 1;
        }
        for left in (0..width).step_by(ACROSS) {
            let across = ACROSS.min(width - left);
            let mut sums = [[[0.0; O]; ACROSS]; 2];
            let [upper, lower] = &mut sums;
            for y in top..below {
                let (row, list) = (image[y].as_flattened(), &lists[y % 6]);
                for ((upper, lower), x) in upper.iter_mut().zip(lower.iter_mut()).zip(left..left + across) {
                    let window = list.window(x);
                    let filters_upper = filters.get(y - top).map(|filters| filters.as_flattened());
                    let filters_lower =
                        (y - top).checked_sub(1).and_then(|ky| filters.get(ky)).map(|filters| filters.as_flattened());
                    match (filters_upper, filters_lower.filter(|_| pair)) {
                        (Some(u), Some(l)) => add_rows::<V, 2, O>([upper, lower], [u, l], row, window, x * C),
                        (Some(u), None) => add_rows::<V, 1, O>([upper], [u], row, window, x * C),
                        (None, Some(l)) => add_rows::<V, 1, O>([lower], [l], row, window, x * C),
                        (None, None) => {}
                    }
                }
            }
            let rows = if pair { 2 } else { 1 };
            for y in 0..rows / P::SIDE {
                for x in 0..across / P::SIDE {
                    let index = ((top / P::SIDE) + y) * (width / P::SIDE) + left / P::SIDE + x;
                    let Some(out) = out.as_chunks_mut::<O>().0.get_mut(index) else { continue };
                    let mut best = sums[y * P::SIDE][x * P::SIDE];
                    let mut best_at = [0u8; O];
                    for position in 1..P::SIDE * P::SIDE {
                        let sums = &sums[y * P::SIDE + position / P::SIDE][x * P::SIDE + position % P::SIDE];
                        for ((best, at), &sum) in best.iter_mut().zip(&mut best_at).zip(sums) {
                            *at = if sum > *best { position as u8 } else { *at };
                            *best = if sum > *best { sum } else { *best };
                        }
                    }
                    for ((out, best), bias) in out.iter_mut().zip(best).zip(bias) {
                        *out = best + bias;
                    }
                    if let Some(which) =
                        which.as_deref_mut().and_then(|which| which.as_chunks_mut::<O>().0.get_mut(index))
                    {
                        *which = best_at;
                    }
                }
            }
        }
    }
}

/// A δ that is not zero: its value, its image's number in the mini-batch, and the pixel under its filter's corner.
#[derive(Clone, Copy)]
struct Hit {
    delta: f32,
    image: u16,
    pixel: u16,
}

/// The hits of one filter, as many as are kept at a time.
struct Hits {
    list: [Hit; HITS],
    count: usize,
}

/// At least as many as the positions of a row.
const HITS: usize = if cfg!(target_os = "none") { 64 } else { 256 };

impl Hits {
    const NONE: Self = Self { list: [Hit { delta: 0.0, image: 0, pixel: 0 }; HITS], count: 0 };

    fn all(&self) -> &[Hit] {
        self.list.get(..self.count).unwrap_or(&[])
    }

    /// Appends an image's hits of filter `o`, from a row of δ on. Gives the row that found no more room, if any.
    #[inline(always)]
    fn fill<P: Pool, const W: usize, const O: usize>(
        &mut self,
        o: usize,
        image: usize,
        (delta, which): (&[f32], &[u8]),
        from: usize,
    ) -> Option<usize> {
        let width = (W - 4) / P::SIDE;
        let rows = delta.as_chunks::<O>().0.chunks(width).zip(which.as_chunks::<O>().0.chunks(width));
        for (y, (delta, which)) in rows.enumerate().skip(from) {
            if self.count + width > HITS {
                return Some(y);
            }
            for (x, (delta, which)) in delta.iter().zip(which).enumerate() {
                let which = usize::from(which[o]);
                let pixel = (y * P::SIDE + which / P::SIDE) * W + x * P::SIDE + which % P::SIDE;
                // No branch, as in `list_nonzero`.
                if let Some(place) = self.list.get_mut(self.count) {
                    *place = Hit { delta: delta[o], image: image as u16, pixel: pixel as u16 };
                }
                self.count += usize::from(delta[o] != 0.0);
            }
        }
        None
    }
}

/// ∂C/∂(image): each δ that is not zero adds its filter to the pixels under it. `view` shows a sample's δ, its
/// positions, and where its gradient goes.
#[inline(always)]
pub(crate) fn input_gradient<V: Vector, S, P: Pool, const H: usize, const W: usize, const C: usize, const O: usize>(
    filters: &Filters<C, O>,
    batch: &mut [S],
    view: impl Fn(&mut S) -> (&[f32], &[u8], &mut Image<H, W, C>),
) {
    if 5 * C < V::LANES && V::LANES > 1 {
        return input_gradient::<V::Half, S, P, H, W, C, O>(filters, batch, view);
    }
    for sample in batch.iter_mut() {
        view(sample).2.as_flattened_mut().as_flattened_mut().fill(0.0);
    }
    let mut hits = Hits::NONE;
    for o in 0..O {
        let mut filter: Filter<C> = [[[0.0; C]; 5]; 5];
        let taps = filters.as_flattened().as_flattened();
        for (w, tap) in filter.as_flattened_mut().as_flattened_mut().iter_mut().zip(taps) {
            *w = tap[o];
        }
        for sample in batch.iter_mut() {
            let (delta, which, gradient) = view(sample);
            let pixels = gradient.as_flattened_mut();
            let mut rest = Some(0);
            while let Some(from) = rest {
                hits.count = 0;
                rest = hits.fill::<P, W, O>(o, 0, (delta, which), from);
                for hit in hits.all() {
                    for (filter, ky) in filter.iter().zip(0..) {
                        let Some(run) = pixels.get_mut(usize::from(hit.pixel) + ky * W..) else { continue };
                        let Some(run) = run.first_chunk_mut::<5>() else { continue };
                        let run = run.as_flattened_mut();
                        for pass in 0..Tile::<V, [[f32; C]; 5], 1>::PASSES {
                            let mut sums = Tile::<V, [[f32; C]; 5], 1>::load(run, pass);
                            sums.add_product(filter.as_flattened(), pass, hit.delta);
                            sums.store(run, pass);
                        }
                    }
                }
            }
        }
    }
}

/// Gradient and step of the filters' rows from `first` on, and of no others; `view` shows a sample's input, its δ
/// and the positions.
#[inline(always)]
pub(crate) fn update<V: Vector, S, P: Pool, const H: usize, const W: usize, const C: usize, const O: usize>(
    rows: &mut [[[[f32; O]; C]; 5]],
    first: usize,
    batch: &[S],
    view: impl Fn(&S) -> (&Image<H, W, C>, &[f32], &[u8]),
    sgd: &Sgd,
) {
    if 5 * C < V::LANES && V::LANES > 1 {
        return update::<V::Half, S, P, H, W, C, O>(rows, first, batch, view, sgd);
    }
    let mut hits = Hits::NONE;
    for o in 0..O {
        let mut gradient: Filter<C> = [[[0.0; C]; 5]; 5];
        let (mut image, mut from) = (0, 0);
        while image < batch.len() {
            hits.count = 0;
            while let Some(sample) = batch.get(image) {
                let (_, delta, which) = view(sample);
                if let Some(rest) = hits.fill::<P, W, O>(o, image, (delta, which), from) {
                    from = rest;
                    break;
                }
                (image, from) = (image + 1, 0);
            }
            for (gradient, row) in gradient.iter_mut().take(rows.len()).zip(first..) {
                for pass in 0..Tile::<V, [[f32; C]; 5], 1>::PASSES {
                    let mut sums = Tile::<V, [[f32; C]; 5], 1>::load(gradient.as_flattened(), pass);
                    for hit in hits.all() {
                        let Some(sample) = batch.get(usize::from(hit.image)) else { continue };
                        let pixels = view(sample).0.as_flattened();
                        let Some(run) = pixels.get(usize::from(hit.pixel) + row * W..) else { continue };
                        let Some(run) = run.first_chunk::<5>() else { continue };
                        sums.add_product(run.as_flattened(), pass, hit.delta);
                    }
                    sums.store(gradient.as_flattened_mut(), pass);
                }
            }
        }
        for (row, gradient) in rows.iter_mut().zip(&gradient) {
            for (tap, gradient) in row.iter_mut().zip(gradient) {
                for (w, &gradient) in tap.iter_mut().zip(gradient) {
                    w[o] = sgd.weight(w[o], gradient);
                }
            }
        }
    }
}

/// b_o - rate·Σδ_o over the samples and positions; `view` shows a sample's δ.
#[inline(always)]
pub(crate) fn update_bias<S, const O: usize>(bias: &mut [f32; O], batch: &[S], view: impl Fn(&S) -> &[f32], sgd: &Sgd) {
    let mut gradient = [0.0; O];
    for sample in batch {
        for delta in view(sample).as_chunks::<O>().0 {
            for (gradient, delta) in gradient.iter_mut().zip(delta) {
                *gradient += delta;
            }
        }
    }
    for (bias, gradient) in bias.iter_mut().zip(gradient) {
        *bias = sgd.bias(*bias, gradient);
    }
}
