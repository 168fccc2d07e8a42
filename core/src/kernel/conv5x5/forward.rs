//! Convolution, pooling, and bias.

use super::{Filters, single};
use crate::kernel::device;
use crate::kernel::vector::{Aligned, Tile, Vector, add_products, list_nonzero};
use crate::pool::Pool;

/// Columns of positions that use the same weights before the next, for as long as those are in the cache.
const ACROSS: usize = 8;
/// The bytes of weights that are used together.
const CACHED: usize = 32 * 1024;

/// Where a convolution's results go: one value for each pooled position and filter.
pub(crate) struct Output<'a> {
    pub(crate) values: &'a mut [f32],
    /// The position in its square that each value came from, by rows; inference has no use for it.
    pub(crate) which: Option<&'a mut [u8]>,
}

impl Output<'_> {
    /// Takes the greatest sum of each square of positions (the first of equals, by rows), and adds the bias.
    #[inline(always)]
    pub(super) fn pool<'a, V: Vector, P: Pool, const O: usize>(
        &mut self,
        index: usize,
        bias: &[f32; O],
        sums: impl Fn(usize) -> Option<&'a [f32; O]>,
    ) {
        let Some(values) = self.values.as_chunks_mut::<O>().0.get_mut(index) else { return };
        let which = self.which.as_deref_mut().unwrap_or_default();
        let mut which = which.as_chunks_mut::<O>().0.get_mut(index);
        for pass in 0..Tile::<V, [f32; O], 2>::PASSES {
            // Which position a sum came from, in the bits of a number that nothing is computed with.
            let mut best_at = Tile::<V, [f32; O], 2>::zero();
            let Some(first) = sums(0) else { return };
            let mut best = Tile::<V, [f32; O], 2>::load(first, pass);
            for position in 1..P::POOLING.side() * P::POOLING.side() {
                let Some(sums) = sums(position) else { return };
                let rival = Tile::load(sums, pass);
                best.keep_greater(&rival, &mut best_at, f32::from_bits(position as u32));
            }
            best.add(bias, pass);
            best.store(values, pass);
            if let Some(which) = &mut which {
                best_at.store_bytes(*which, pass);
            }
        }
    }
}

/// The values of a run of pixels that are not zero.
#[derive(Clone, Copy)]
struct Nonzero<const C: usize> {
    /// Indices in the run, all channels of a pixel side by side.
    indices: [[u16; C]; ACROSS + 4],
    /// How many lie before each pixel.
    starts: [u16; ACROSS + 5],
}

impl<const C: usize> Nonzero<C> {
    const NONE: Self = Self { indices: [[0; C]; ACROSS + 4], starts: [0; ACROSS + 5] };

    #[inline(always)]
    fn list<V: Vector>(&mut self, pixels: &[[f32; C]]) {
        let list = self.indices.as_flattened_mut();
        let mut count = 0;
        for ((pixel, end), first) in pixels.iter().zip(&mut self.starts[1..]).zip((0..).step_by(C)) {
            count = list_nonzero::<V>(list, count, pixel, first);
            *end = count as u16;
        }
    }

    /// Those of the pixels from `first` up to `end`.
    #[inline(always)]
    fn pixels(&self, first: usize, end: usize) -> &[u16] {
        let [first, end] = [first, end].map(|pixel| self.starts.get(pixel).copied().unwrap_or(0).into());
        self.indices.as_flattened().get(first..end).unwrap_or(&[])
    }
}

/// The filters by columns, for positions that lie below each other: `taps[kx][c][4 - ky][o]`, so that a pixel's value
/// meets the weights for all positions above it that it belongs to, side by side. A sixth row, unused, makes them begin at
/// the start of a cache line more often.
#[repr(align(64))]
struct Taps<const C: usize, const O: usize>([[[[f32; O]; 6]; C]; 5]);

impl<const C: usize, const O: usize> Taps<C, O> {
    /// Columns of a filter that are used together.
    const TOGETHER: usize = {
        let columns = CACHED / (size_of::<[[[f32; O]; 5]; C]>() + 1);
        if columns < 1 {
            1
        } else if columns > 5 {
            5
        } else {
            columns
        }
    };

    const ZERO: Self = Self([[[[0.0; O]; 6]; C]; 5]);

    #[inline(always)]
    fn take(&mut self, filters: &Filters<C, O>) {
        for (row, k) in filters.iter().zip((0..5).rev()) {
            for (column, taps) in row.iter().zip(&mut self.0) {
                for (weights, taps) in column.iter().zip(taps) {
                    taps[k] = *weights;
                }
            }
        }
    }
}

/// Convolution, pooling, and bias, for each image of `batch`; `view` shows some rows of an image, at most `H`, and where
/// their results go.
#[inline(always)]
pub(crate) fn forward<V: Vector, S, P: Pool, const H: usize, const W: usize, const C: usize, const O: usize>(
    filters: &Filters<C, O>,
    bias: &[f32; O],
    batch: &mut [S],
    view: impl Fn(&mut S) -> (&[[[f32; C]; W]], Output),
) {
    if cfg!(target_os = "none") {
        for sample in batch {
            let (rows, mut out) = view(sample);
            let Ok(image) = rows.try_into() else { continue };
            device::convolve::<P, H, W, C, O>(image, filters, bias, &mut out);
        }
        return;
    }
    if O < V::LANES && V::LANES > 1 {
        return forward::<V::Half, S, P, H, W, C, O>(filters, bias, batch, view);
    }
    if single::fits(H, W, C) {
        return single::forward::<V, S, P, H, W, C, O>(filters, bias, batch, view);
    }
    let mut taps = Taps::ZERO;
    taps.take(filters);
    for sample in batch {
        let (rows, mut out) = view(sample);
        for left in (0..W - 4).step_by(ACROSS) {
            strip::<V, P, H, W, C, O>(&taps, bias, rows, left, &mut out);
        }
    }
}

/// The positions of at most [`ACROSS`] columns, from `left` on.
#[inline(always)]
fn strip<V: Vector, P: Pool, const H: usize, const W: usize, const C: usize, const O: usize>(
    taps: &Taps<C, O>,
    bias: &[f32; O],
    image: &[[[f32; C]; W]],
    left: usize,
    out: &mut Output,
) {
    let width = (W - 4 - left).min(ACROSS);
    // By columns. The last four rows of positions are not used.
    let mut sums = Aligned([[[0.0; O]; H]; ACROSS]);
    let mut list = Nonzero::<C>::NONE;
    for (row, pixels) in image.iter().enumerate() {
        let pixels = pixels.get(left..left + width + 4).unwrap_or(&[]);
        list.list::<V>(pixels);
        let (top, bottom) = (row.saturating_sub(4), row.min(image.len().saturating_sub(5)));
        for first in (0..5).step_by(Taps::<C, O>::TOGETHER) {
            let end = (first + Taps::<C, O>::TOGETHER).min(5);
            for (sums, x) in sums.0.iter_mut().zip(0..width) {
                let terms = list.pixels(x + first, x + end).iter().filter_map(|&index| {
                    let index = usize::from(index);
                    let taps = taps.0.as_flattened().get(index - x * C)?;
                    Some((taps.as_flattened().get((4 + top - row) * O..)?, *pixels.as_flattened().get(index)?))
                });
                let sums = sums.get_mut(top..=bottom).unwrap_or_default();
                macro_rules! add {
                    ($($rows:literal),*) => {
                        match sums.len() {
                            $($rows => add_products::<V, [[f32; O]; $rows]>(sums.as_flattened_mut(), terms),)*
                            _ => {}
                        }
                    };
                }
                add!(1, 2, 3, 4, 5);
            }
        }
    }
    for y in (0..image.len().saturating_sub(4)).step_by(P::POOLING.side()) {
        for x in (0..width).step_by(P::POOLING.side()) {
            let index = y / P::POOLING.side() * ((W - 4) / P::POOLING.side()) + (left + x) / P::POOLING.side();
            out.pool::<V, P, O>(index, bias, |at| {
                sums.0.get(x + at % P::POOLING.side())?.get(y + at / P::POOLING.side())
            });
        }
    }
}
