//! Convolution, pooling, and bias.

use super::{Filters, Image, single};
use crate::kernel::device;
use crate::kernel::vector::{Tile, Vector, add_rows, list_nonzero, listed};
use crate::pool::Pool;

/// Neighbouring positions that use the same row of filters before the next: on a host, for as long as it is in the
/// cache; on a microcontroller, the two of a pooling square.
const ACROSS: usize = if cfg!(target_os = "none") { 2 } else { 8 };

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
        // Which position a sum came from, in the bits of a number that nothing is computed with.
        let mut tags = [0.0; O];
        for pass in 0..Tile::<V, [f32; O], 2>::PASSES {
            let mut best_at = Tile::<V, [f32; O], 2>::zero();
            let Some(first) = sums(0) else { return };
            let mut best = Tile::<V, [f32; O], 2>::load(first, pass);
            for position in 1..P::SIDE * P::SIDE {
                let Some(sums) = sums(position) else { return };
                let rival = Tile::load(sums, pass);
                best.keep_greater(&rival, &mut best_at, f32::from_bits(position as u32));
            }
            best.add(bias, pass);
            best.store(values, pass);
            best_at.store(&mut tags, pass);
        }
        let which = self.which.as_deref_mut().unwrap_or_default();
        if let Some(which) = which.as_chunks_mut::<O>().0.get_mut(index) {
            for (which, tag) in which.iter_mut().zip(tags) {
                *which = tag.to_bits() as u8;
            }
        }
    }
}

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
    fn list<V: Vector>(&mut self, row: &[[f32; C]; W]) {
        let list = self.indices.as_flattened_mut();
        let mut count = 0;
        for ((pixel, end), first) in row.iter().zip(&mut self.ends).zip((0..).step_by(C)) {
            count = list_nonzero::<V>(list, count, pixel, first);
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

/// Convolution, pooling, and bias, for each image of `batch`; `view` shows an image and where its results go.
///
/// Two rows of positions are summed at a time: a value that is not zero meets a row of the filters for the upper
/// position, and the row before it for the lower one.
#[inline(always)]
pub(crate) fn forward<V: Vector, S, P: Pool, const H: usize, const W: usize, const C: usize, const O: usize>(
    filters: &Filters<C, O>,
    bias: &[f32; O],
    batch: &mut [S],
    view: impl Fn(&mut S) -> (&Image<H, W, C>, Output),
) {
    if cfg!(minnet_m4f) {
        for sample in batch {
            let (image, mut out) = view(sample);
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
    let copy;
    let filters = if cfg!(target_os = "none") || batch.len() < 2 {
        filters
    } else {
        copy = Aligned(*filters);
        &copy.0
    };
    for sample in batch {
        let (image, out) = view(sample);
        convolve::<V, P, H, W, C, O>(image, filters, bias, out);
    }
}

/// At the start of a cache line, so that fewer vectors lie across the end of one.
#[repr(align(64))]
struct Aligned<T>(T);

#[inline(always)]
fn convolve<V: Vector, P: Pool, const H: usize, const W: usize, const C: usize, const O: usize>(
    image: &Image<H, W, C>,
    filters: &Filters<C, O>,
    bias: &[f32; O],
    mut out: Output,
) {
    let filters = filters.each_ref().map(|row| row.as_flattened());
    // The lists of the six rows under a pair of positions, each at its row's number modulo 6.
    let mut lists = [Nonzero::<W, C>::NONE; 6];
    let mut rows = image.iter().enumerate();
    for top in (0..H - 4).step_by(2) {
        let height = (H - 4 - top).min(2);
        let listed_rows = if top == 0 { 0 } else { top + 4 };
        for (y, row) in rows.by_ref().take(top + height + 4 - listed_rows) {
            lists[y % 6].list::<V>(row);
        }
        for left in (0..W - 4).step_by(ACROSS) {
            let width = (W - 4 - left).min(ACROSS);
            let mut sums = [[[0.0; O]; ACROSS]; 2];
            let [upper, lower] = &mut sums;
            for (row, ky) in image.iter().skip(top).take(height + 4).zip(0..) {
                let list = &lists[(top + ky) % 6];
                let above = if height == 2 { filters.get(ky.wrapping_sub(1)) } else { None };
                for ((upper, lower), x) in upper.iter_mut().zip(lower.iter_mut()).zip(left..left + width) {
                    let terms = listed(list.window(x), row.as_flattened(), x * C);
                    match (filters.get(ky), above) {
                        (Some(here), Some(above)) => {
                            add_rows::<V, [f32; O], 2>([upper, lower], [here, above], terms);
                        }
                        (Some(here), None) => add_rows::<V, [f32; O], 1>([upper], [here], terms),
                        (None, Some(above)) => add_rows::<V, [f32; O], 1>([lower], [above], terms),
                        (None, None) => {}
                    }
                }
            }
            for y in (0..height).step_by(P::SIDE) {
                for x in (0..width).step_by(P::SIDE) {
                    let index = (top + y) / P::SIDE * ((W - 4) / P::SIDE) + (left + x) / P::SIDE;
                    out.pool::<V, P, O>(index, bias, |at| sums.get(y + at / P::SIDE)?.get(x + at % P::SIDE));
                }
            }
        }
    }
}
