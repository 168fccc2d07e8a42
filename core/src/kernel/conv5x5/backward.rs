//! The way back through a 5x5 convolution: only the δ that are not zero, each with the pixels under its filter.

use super::{Filters, Image};
use crate::kernel::vector::{Tile, Vector, columns};
use crate::pool::Pool;
use crate::sgd::Sgd;

/// One filter, its channels side by side.
pub(crate) type Filter<const C: usize> = [[[f32; C]; 5]; 5];

/// A δ that is not zero: its value, its image's number in the mini-batch, and the pixel under its filter's corner.
#[derive(Clone, Copy)]
struct Hit {
    delta: f32,
    image: u32,
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
        let (mut count, mut rest) = (self.count, None);
        for (y, (delta, which)) in rows.enumerate().skip(from) {
            if count + width > HITS {
                rest = Some(y);
                break;
            }
            for (x, (delta, which)) in delta.iter().zip(which).enumerate() {
                let which = usize::from(which[o]);
                let pixel = (y * P::SIDE + which / P::SIDE) * W + x * P::SIDE + which % P::SIDE;
                // No branch, as in `list_nonzero`.
                if let Some(place) = self.list.get_mut(count) {
                    *place = Hit { delta: delta[o], image: image as u32, pixel: pixel as u16 };
                }
                count += usize::from(delta[o] != 0.0);
            }
        }
        self.count = count;
        rest
    }
}

/// Filters whose gradients are held at the same time.
pub(crate) const FILTERS: usize = if cfg!(target_os = "none") { 1 } else { 40 };

/// The gradients of the filters from `first` on; `view` shows a sample's input, its δ and the positions.
#[inline(always)]
pub(crate) fn gradient<V: Vector, S, P: Pool, const H: usize, const W: usize, const C: usize, const O: usize>(
    gradients: &mut [Filter<C>],
    first: usize,
    batch: &[S],
    view: impl Fn(&S) -> (&Image<H, W, C>, &[f32], &[u8]),
) {
    if 5 * C < V::LANES && V::LANES > 1 {
        return gradient::<V::Half, S, P, H, W, C, O>(gradients, first, batch, view);
    }
    let mut hits = Hits::NONE;
    for (gradient, o) in gradients.iter_mut().zip(first..O) {
        gradient.as_flattened_mut().as_flattened_mut().fill(0.0);
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
            let together = together::<V, C>();
            for (gradient, first) in gradient.chunks_mut(together).zip((0..).step_by(together)) {
                for pass in 0..Row::<V, C>::PASSES {
                    let mut sums = [(); 5].map(|()| Row::<V, C>::zero());
                    for (sums, gradient) in sums.iter_mut().zip(gradient.iter()) {
                        *sums = Row::<V, C>::load(gradient.as_flattened(), pass);
                    }
                    for hit in hits.all() {
                        let Some(sample) = batch.get(hit.image as usize) else { continue };
                        let start = usize::from(hit.pixel) + first * W;
                        let pixels = view(sample).0.as_flattened();
                        let Some(window) = pixels.get(start..start + (gradient.len() - 1) * W + 5) else { continue };
                        for (sums, row) in sums.iter_mut().zip(window.chunks(W)).take(together) {
                            if let Some(run) = row.first_chunk::<5>() {
                                sums.add_product(run.as_flattened(), pass, hit.delta);
                            }
                        }
                    }
                    for (sums, gradient) in sums.iter().zip(gradient.iter_mut()) {
                        sums.store(gradient.as_flattened_mut(), pass);
                    }
                }
            }
        }
    }
}

/// The sums of a filter's row.
type Row<V, const C: usize> = Tile<V, [[f32; C]; 5], 1>;

/// How many rows of a filter the registers hold.
#[inline(always)]
fn together<V: Vector, const C: usize>() -> usize {
    (V::SUMS / Row::<V, C>::VECTORS.max(1)).clamp(1, 5)
}

/// The step of the filters from `first` on, whose gradients these are; for the taps from `tap` on. A tap is one weight
/// of each filter.
#[inline(always)]
pub(crate) fn step<const C: usize, const O: usize>(
    taps: &mut [[f32; O]],
    tap: usize,
    gradients: &[Filter<C>],
    first: usize,
    sgd: &Sgd,
) {
    let end = tap + taps.len();
    let (fours, rest) = gradients.as_chunks::<4>();
    for (gradients, o) in fours.iter().zip((first..).step_by(4)) {
        columns(gradients.each_ref().map(|gradient| run(gradient, tap, end)), |tap, gradients| {
            let weights = taps.get_mut(tap).and_then(|tap| tap.get_mut(o..)).unwrap_or_default();
            for (weight, gradient) in weights.iter_mut().zip(gradients) {
                *weight = sgd.weight(*weight, gradient);
            }
        });
    }
    for (gradient, o) in rest.iter().zip(first + 4 * fours.len()..O) {
        for (weights, gradient) in taps.iter_mut().zip(run(gradient, tap, end)) {
            weights[o] = sgd.weight(weights[o], *gradient);
        }
    }
}

/// A filter's weights from `start` to `end`.
fn run<const C: usize>(filter: &Filter<C>, start: usize, end: usize) -> &[f32] {
    filter.as_flattened().as_flattened().get(start..end).unwrap_or(&[])
}

/// Filters that are taken out of the weights together; a microcontroller has little stack.
const GROUP: usize = if cfg!(target_os = "none") { 1 } else { 4 };

/// The filters from `first` on, at most [`GROUP`], each in one piece.
#[inline(always)]
fn turn<const C: usize, const O: usize>(filters: &Filters<C, O>, first: usize) -> [Filter<C>; GROUP] {
    let mut turned = [[[[0.0; C]; 5]; 5]; GROUP];
    let last = O.min(first + GROUP);
    let (fours, rest) = filters.as_flattened().as_flattened().as_chunks::<4>();
    for (taps, number) in fours.iter().zip(0..) {
        columns(taps.each_ref().map(|weights| weights.get(first..last).unwrap_or(&[])), |filter, weights| {
            let filter = turned.get_mut(filter).map(|filter| filter.as_flattened_mut().as_flattened_mut());
            if let Some(place) = filter.and_then(|filter| filter.as_chunks_mut::<4>().0.get_mut(number)) {
                *place = weights;
            }
        });
    }
    for (weights, tap) in rest.iter().zip(4 * fours.len()..) {
        for (weight, filter) in weights.iter().skip(first).zip(turned.iter_mut()) {
            if let Some(place) = filter.as_flattened_mut().as_flattened_mut().get_mut(tap) {
                *place = *weight;
            }
        }
    }
    turned
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
    for first in (0..O).step_by(GROUP) {
        let turned = turn(filters, first);
        for sample in batch.iter_mut() {
            let (delta, which, gradient) = view(sample);
            let pixels = gradient.as_flattened_mut();
            for (filter, o) in turned.iter().zip(first..O) {
                let mut rest = Some(0);
                while let Some(from) = rest {
                    hits.count = 0;
                    rest = hits.fill::<P, W, O>(o, 0, (delta, which), from);
                    for hit in hits.all() {
                        for (filter, ky) in filter.iter().zip(0..) {
                            let Some(run) = pixels.get_mut(usize::from(hit.pixel) + ky * W..) else { continue };
                            let Some(run) = run.first_chunk_mut::<5>() else { continue };
                            let run = run.as_flattened_mut();
                            for pass in 0..Row::<V, C>::PASSES {
                                let mut sums = Row::<V, C>::load(run, pass);
                                sums.add_product(filter.as_flattened(), pass, hit.delta);
                                sums.store(run, pass);
                            }
                        }
                    }
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
