//! The way back through a 5x5 convolution: only the δ that are not zero, each with the pixels under its filter.

use super::{Filters, Image, single};
use crate::kernel::turn::{columns, turn};
use crate::kernel::vector::{Aligned, Tile, Vector};
use crate::pool::Pool;
use crate::sgd::Sgd;
use core::marker::PhantomData;

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

/// The bytes of images that filter after filter meets, so that they stay in the cache.
const CACHED: usize = 36 * 1024;

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
        let width = (W - 4) / P::POOLING.side();
        let rows = delta.as_chunks::<O>().0.chunks(width).zip(which.as_chunks::<O>().0.chunks(width));
        let (mut count, mut rest) = (self.count, None);
        for (y, (delta, which)) in rows.enumerate().skip(from) {
            if count + width > HITS {
                rest = Some(y);
                break;
            }
            for (x, (delta, which)) in delta.iter().zip(which).enumerate() {
                let which = usize::from(which[o]);
                let pixel = (y * P::POOLING.side() + which / P::POOLING.side()) * W
                    + x * P::POOLING.side()
                    + which % P::POOLING.side();
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

/// Puts down the gradients of the filters from `first` on; `view` shows a sample's input, its δ and the positions.
#[inline(always)]
pub(crate) fn gradient<V: Vector, S, P: Pool, const H: usize, const W: usize, const C: usize, const O: usize>(
    gradients: &mut [Option<Filter<C>>],
    first: usize,
    batch: &[S],
    view: impl Fn(&S) -> (&Image<H, W, C>, &[f32], &[u8]),
) {
    if single::fits(H, W, C) {
        return single::gradient::<V, S, P, H, W, C, O>(gradients, first, batch, view);
    }
    if 5 * C < V::LANES && V::LANES > 1 {
        return gradient::<V::Half, S, P, H, W, C, O>(gradients, first, batch, view);
    }
    gradients.fill(Some([[[0.0; C]; 5]; 5]));
    let mut hits = Hits::NONE;
    let cached = (CACHED / size_of::<Image<H, W, C>>()).max(1);
    for batch in batch.chunks(cached) {
        for (gradient, o) in gradients.iter_mut().zip(first..O) {
            let Some(gradient) = gradient else { continue };
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
                let mut ky = 0;
                macro_rules! rows {
                    ($($together:literal),*) => {$(
                        while $together == 1 || $together * Row::<V, C>::VECTORS <= V::SUMS {
                            let rows = gradient.get_mut(ky..).and_then(|rows| rows.first_chunk_mut::<$together>());
                            let Some(rows) = rows else { break };
                            add_hits::<V, W, C, $together>(rows, hits.all(), |hit| {
                                let image = view(batch.get(hit.image as usize)?).0.as_flattened();
                                image.get(usize::from(hit.pixel) + ky * W..)
                            });
                            ky += $together;
                        }
                    )*};
                }
                // As many as the registers hold.
                rows!(5, 3, 2, 1);
            }
        }
    }
}

/// Adds the windows of the hits to some rows of a filter's gradient; `pixels` gives the pixels from the first row on.
#[inline(always)]
fn add_hits<'a, V: Vector, const W: usize, const C: usize, const N: usize>(
    gradient: &mut [[[f32; C]; 5]; N],
    hits: &[Hit],
    pixels: impl Fn(&Hit) -> Option<&'a [[f32; C]]>,
) {
    for pass in 0..Row::<V, C>::PASSES {
        let mut tiles = [Row::<V, C>::zero(); N];
        for (tile, gradient) in tiles.iter_mut().zip(gradient.iter()) {
            *tile = Row::<V, C>::load(gradient.as_flattened(), pass);
        }
        for hit in hits {
            let Some(window) = pixels(hit).and_then(|pixels| pixels.get(..(N - 1) * W + 5)) else { continue };
            for (tile, row) in tiles.iter_mut().zip(window.chunks(W)) {
                if let Some(run) = row.first_chunk::<5>() {
                    tile.add_product(run.as_flattened(), pass, hit.delta);
                }
            }
        }
        for (tile, gradient) in tiles.iter().zip(gradient.iter_mut()) {
            tile.store(gradient.as_flattened_mut(), pass);
        }
    }
}

/// The sums of a filter's row.
type Row<V, const C: usize> = Tile<V, [[f32; C]; 5], 1>;

/// Taps whose steps are taken together.
const TAPS: usize = 32;

/// The step of the filters from `first` on, whose gradients these are; for the taps from `tap` on. A tap is one weight
/// of each filter.
#[inline(always)]
pub(crate) fn step<V: Vector, const C: usize, const O: usize>(
    taps: &mut [[f32; O]],
    tap: usize,
    gradients: &[Option<Filter<C>>],
    first: usize,
    sgd: &Sgd,
) {
    let mut turned = Aligned([[0.0; FILTERS]; TAPS]);
    let mut runs = [[].as_slice(); FILTERS];
    let runs = runs.get_mut(..gradients.len()).unwrap_or_default();
    for (taps, start) in taps.chunks_mut(TAPS).zip((tap..).step_by(TAPS)) {
        for (run, gradient) in runs.iter_mut().zip(gradients) {
            *run = self::run(gradient, start, start + taps.len());
        }
        turn::<V, _, _, _>(runs, 0, &mut turned.0);
        for (weights, gradients) in taps.iter_mut().zip(&turned.0) {
            for (weight, gradient) in weights.iter_mut().skip(first).zip(gradients).take(runs.len()) {
                *weight = sgd.weight(*weight, *gradient);
            }
        }
    }
}

/// A filter's weights from `start` to `end`.
fn run<const C: usize>(filter: &Option<Filter<C>>, start: usize, end: usize) -> &[f32] {
    filter.as_ref().and_then(|filter| filter.as_flattened().as_flattened().get(start..end)).unwrap_or(&[])
}

/// Filters that are taken out of the weights together; a microcontroller has little stack.
const GROUP: usize = if cfg!(target_os = "none") { 1 } else { 40 };

/// One filter, with zeros for a pixel before each row and for two after it.
type Wide<const C: usize> = [[[f32; C]; 8]; 5];

/// The filters from `first` on, at most [`GROUP`], each in one piece.
#[inline(always)]
fn turn_filters<const C: usize, const O: usize>(filters: &Filters<C, O>, first: usize, turned: &mut [Wide<C>; GROUP]) {
    let last = O.min(first + GROUP);
    for (row, ky) in filters.iter().zip(0..5) {
        let (fours, rest) = row.as_flattened().as_chunks::<4>();
        for (taps, tap) in fours.iter().zip((C..).step_by(4)) {
            columns(taps.each_ref().map(|weights| weights.get(first..last).unwrap_or(&[])), |filter, weights| {
                let row = turned.get_mut(filter).map(|filter| filter[ky].as_flattened_mut());
                if let Some(place) = row.and_then(|row| row.get_mut(tap..)?.first_chunk_mut()) {
                    *place = weights;
                }
            });
        }
        for (weights, tap) in rest.iter().zip(C + 4 * fours.len()..) {
            for (weight, filter) in weights.iter().skip(first).zip(turned.iter_mut()) {
                if let Some(place) = filter[ky].as_flattened_mut().get_mut(tap) {
                    *place = *weight;
                }
            }
        }
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
    let mut hits = Hits::NONE;
    let mut turned = [[[[0.0; C]; 8]; 5]; GROUP];
    for first in (0..O).step_by(GROUP) {
        turn_filters(filters, first, &mut turned);
        for sample in batch.iter_mut() {
            let (delta, which, gradient) = view(sample);
            let mut add = |pixels: &mut [f32]| {
                for (filter, o) in turned.iter().zip(first..O) {
                    let mut rest = Some(0);
                    while let Some(from) = rest {
                        hits.count = 0;
                        rest = hits.fill::<P, W, O>(o, 0, (delta, which), from);
                        for hit in hits.all() {
                            for (row, ky) in filter.iter().zip(0..) {
                                add_row::<V, C>(pixels, usize::from(hit.pixel) + ky * W, row.as_flattened(), hit.delta);
                            }
                        }
                    }
                }
            };
            let begun = first > 0;
            if cfg!(target_os = "none") {
                if !begun {
                    gradient.as_flattened_mut().as_flattened_mut().fill(0.0);
                }
                add(gradient.as_flattened_mut().as_flattened_mut());
            } else {
                let mut aligned = Aligned(if begun { *gradient } else { [[[0.0; C]; W]; H] });
                add(aligned.0.as_flattened_mut().as_flattened_mut());
                *gradient = aligned.0;
            }
        }
    }
}

/// Adds a row of a filter times `delta` to the five pixels from `pixel` on.
///
/// Long vectors begin where a vector of the image begins, and take zeros of the row with them: to store across the end
/// of a cache line would take twice as long.
#[inline(always)]
fn add_row<V: Vector, const C: usize>(pixels: &mut [f32], pixel: usize, row: &[f32], delta: f32) {
    let start = pixel * C;
    let before = start % V::LANES;
    let count = Grid::<V, C>::VECTORS;
    if V::LANES > 4
        && before <= C
        && let Some(sums) = pixels.get_mut(start - before..start - before + count * V::LANES)
        && let Some(weights) = row.get(C - before..C - before + count * V::LANES)
    {
        for v in 0..count {
            let sums = &mut sums[v * V::LANES..];
            V::load(sums).add_product(V::load(&weights[v * V::LANES..]), V::splat(delta)).store(sums);
        }
        return;
    }
    let Some(sums) = pixels.get_mut(start..start + 5 * C) else { return };
    let row = row.get(C..).unwrap_or(&[]);
    for pass in 0..Row::<V, C>::PASSES {
        let mut tile = Row::<V, C>::load(sums, pass);
        tile.add_product(row, pass, delta);
        tile.store(sums, pass);
    }
}

/// The vectors of an image that five pixels may touch.
struct Grid<V, const C: usize>(PhantomData<V>);

impl<V: Vector, const C: usize> Grid<V, C> {
    const VECTORS: usize = {
        let step = 1 << C.trailing_zeros();
        let step = if step < V::LANES { step } else { V::LANES };
        (5 * C + V::LANES - step).div_ceil(V::LANES)
    };
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
