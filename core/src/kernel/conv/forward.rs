//! Convolution, pooling, and bias.

use super::single;
use crate::kernel::device;
use crate::kernel::run::{Body, Part, Span, Tile, dispatch, parts};
use crate::kernel::vector::{Kernel, Vector, compiled_once, list_nonzero};
use crate::op::Conv;
use zerocopy::{FromBytes, IntoBytes};

/// Columns of positions that use the same weights before the next, for as long as those are in the cache.
const ACROSS: usize = 8;
/// The bytes of weights that are used together.
const CACHED: usize = 32 * 1024;

/// Some rows of an image, and where their results go.
pub(crate) struct Image<'a> {
    /// Whole rows of pixels.
    pub(crate) pixels: &'a [f32],
    /// One value for each pooled position and filter.
    pub(crate) values: &'a mut [f32],
    /// The position in its square that each value came from, by rows; inference has no use for it.
    pub(crate) origins: Option<&'a mut [u8]>,
}

/// Convolution, pooling, bias and activation, for each image.
pub(crate) struct Forward<'a, 'b> {
    pub(crate) op: Conv,
    pub(crate) weights: &'a [f32],
    pub(crate) bias: &'a [f32],
    pub(crate) images: &'a mut [Image<'b>],
    /// [`forward_scratch`] values; with fewer it takes longer.
    pub(crate) scratch: &'a mut [f32],
}

/// Values of scratch that [`Forward`] works in.
pub(crate) const fn forward_scratch(op: Conv) -> usize {
    if cfg!(target_os = "none") {
        0
    } else if single::fits(op) {
        single::forward_scratch(op)
    } else {
        taps(op) + sums(op) + list(op)
    }
}

/// Values of the weights by columns, for positions that lie below each other: `[kx][c][slot of ky][o]`, so that a pixel's
/// value meets the weights for all positions above it that it belongs to, side by side. One row more, unused, makes them
/// begin at the start of a cache line more often.
const fn taps(op: Conv) -> usize {
    op.filter_width * op.channels * (op.filter_height + 1) * op.filters
}

/// Values of the sums of a strip of positions, by columns.
const fn sums(op: Conv) -> usize {
    across(op) * op.rows() * op.filters
}

/// Columns of a strip: so many that a list of their pixels can count them, in pairs; 0 if that is not even two.
const fn across(op: Conv) -> usize {
    let pixels = u16::MAX as usize / (op.channels + (op.channels == 0) as usize);
    let positions = if pixels < op.filter_width { 0 } else { (pixels - op.filter_width) / op.stride + 1 };
    if positions < ACROSS { positions / 2 * 2 } else { ACROSS }
}

/// Where the row `ky` of a filter lies among the rows of its taps: those that a pixel meets, one of every `stride`, lie
/// side by side, the lowest first.
const fn slot(op: Conv, ky: usize) -> usize {
    let phase = ky % op.stride;
    // Rows of the phases before, and of this one.
    let (long, height) = (op.filter_height % op.stride, op.filter_height / op.stride);
    let before = phase * height + if phase < long { phase } else { long };
    let count = height + (phase < long) as usize;
    before + count - 1 - ky / op.stride
}

/// Values of the list of what is not zero: two numbers in each.
const fn list(op: Conv) -> usize {
    (across(op) * op.stride + op.filter_width) * (op.channels + 1) / 2 + 1
}

impl Kernel for Forward<'_, '_> {
    #[inline(always)]
    fn run<V: Vector>(self) {
        let Self { op, weights, bias, images, scratch } = self;
        let is_listed = single::fits(op) || across(op) > 0;
        if scratch.len() < forward_scratch(op) || !is_listed || cfg!(target_os = "none") {
            for image in images.iter_mut() {
                device::convolve(op, weights, bias, image);
            }
        } else if V::LANES > 1 && op.filters < V::LANES {
            return V::Half::outline(Forward { op, weights, bias, images, scratch });
        } else if single::fits(op) {
            single::forward::<V>(op, weights, bias, images, scratch);
        } else {
            by_strips::<V>(op, weights, bias, images, scratch);
        }
        // Not by a closure, here and above: layers would share it, and nothing would fold.
        for image in images {
            op.activation.forward(image.values);
        }
    }
}

#[inline(always)]
fn by_strips<V: Vector>(op: Conv, weights: &[f32], bias: &[f32], images: &mut [Image], scratch: &mut [f32]) {
    let (taps, scratch) = scratch.split_at_mut(taps(op));
    let (sums, list) = scratch.split_at_mut(sums(op));
    let rows_of_taps = (op.filter_height + 1) * op.filters;
    for (row, ky) in weights.chunks_exact(op.filter_width * op.channels * op.filters).zip(0..) {
        for (weights, taps) in row.chunks_exact(op.filters).zip(taps.chunks_exact_mut(rows_of_taps)) {
            let start = slot(op, ky) * op.filters;
            if let Some(place) = taps.get_mut(start..start + op.filters) {
                place.copy_from_slice(weights);
            }
        }
    }
    for image in images {
        for left in (0..op.columns()).step_by(across(op)) {
            strip::<V>(op, taps, bias, image, left, sums, list);
        }
    }
}

/// The positions of a strip's columns, from `left` on.
#[inline(always)]
fn strip<V: Vector>(
    op: Conv,
    taps: &[f32],
    bias: &[f32],
    image: &mut Image,
    left: usize,
    sums: &mut [f32],
    list: &mut [f32],
) {
    let Conv { width, channels, filter_height, filter_width, filters, stride, .. } = op;
    let across = (op.columns() - left).min(across(op));
    let positions = op.positions(image.pixels.len() / (width * channels));
    let column = positions * filters;
    let Some(sums) = sums.get_mut(..across * column) else { return };
    sums.fill(0.0);
    let list = <[u16]>::mut_from_bytes(list.as_mut_bytes()).unwrap_or_default();
    // Columns of a filter that are used together.
    let together = (CACHED / (4 * filter_height * channels * filters + 1)).clamp(1, filter_width);
    for (row, pixels) in image.pixels.chunks_exact(width * channels).enumerate() {
        let (first, end) = (left * stride, (left + across - 1) * stride + filter_width);
        let pixels = pixels.get(first * channels..end * channels).unwrap_or(&[]);
        let Some(nonzero) = Nonzero::list::<V>(list, pixels, channels) else { return };
        // The positions that this row of pixels is under.
        let top = (row + 1).saturating_sub(filter_height).div_ceil(stride);
        let bottom = (row / stride).min(positions.saturating_sub(1));
        if top > bottom {
            continue;
        }
        for first in (0..filter_width).step_by(together) {
            let end = (first + together).min(filter_width);
            let shift = slot(op, row - top * stride) * filters;
            for part in parts::<V>((bottom + 1 - top) * filters, 1) {
                let sums = AddTaps {
                    taps,
                    stride: (filter_height + 1) * filters,
                    next: stride * channels,
                    shift: shift + part.start,
                    sums: &mut *sums,
                    column,
                    start: top * filters + part.start,
                    pixels,
                    nonzero,
                    step: stride,
                    kx: (first, end),
                    part,
                };
                dispatch::<V, _>(part.vectors, sums);
            }
        }
    }
    let (pool_height, pool_width) = (op.pool_height(), op.pool_width());
    let steps = core::array::from_fn(|at| at % pool_width * column + at / pool_width * filters);
    for y in 0..positions / pool_height {
        PoolRow {
            op,
            sums: sums.get(y * pool_height * filters..).unwrap_or(&[]),
            next: pool_width * column,
            steps,
            bias,
            out: y * op.out_width() + left / pool_width,
            out_next: 1,
            count: across / pool_width,
        }
        .run::<V>(image);
    }
}

/// The values of a run of pixels that are not zero.
#[derive(Clone, Copy)]
struct Nonzero<'a> {
    /// How many lie before each pixel.
    starts: &'a [u16],
    /// Indices in the run, all channels of a pixel side by side.
    indices: &'a [u16],
}

impl<'a> Nonzero<'a> {
    #[inline(always)]
    fn list<V: Vector>(list: &'a mut [u16], pixels: &[f32], channels: usize) -> Option<Self> {
        let (starts, indices) = list.split_at_mut_checked(pixels.len() / channels + 1)?;
        let mut count = 0;
        let (first, ends) = starts.split_first_mut()?;
        *first = 0;
        for ((pixel, end), first) in pixels.chunks_exact(channels).zip(ends).zip((0..).step_by(channels)) {
            count = list_nonzero::<V>(indices, count, pixel, first);
            *end = count as u16;
        }
        Some(Self { starts, indices })
    }

    /// Those of the pixels from `first` up to `end`.
    #[inline(always)]
    fn pixels(&self, first: usize, end: usize) -> &'a [u16] {
        let [first, end] = [first, end].map(|pixel| self.starts.get(pixel).copied().unwrap_or(0).into());
        self.indices.get(first..end).unwrap_or(&[])
    }
}

/// Adds to the sums of the columns of a strip what a row of pixels gives.
struct AddTaps<'a> {
    taps: &'a [f32],
    /// From the taps of one value of a pixel to those of the next, and where the run begins there.
    stride: usize,
    shift: usize,
    sums: &'a mut [f32],
    /// From one column of sums to the next, and where the run begins there.
    column: usize,
    start: usize,
    pixels: &'a [f32],
    nonzero: Nonzero<'a>,
    /// From the window of one column to that of the next, in pixels and in values.
    step: usize,
    next: usize,
    /// The columns of the filter, up to the second.
    kx: (usize, usize),
    part: Part,
}

impl Body for AddTaps<'_> {
    const SHARE: usize = 1;
    // A run holds the filters of several positions.
    const SHORT: usize = usize::MAX;

    #[inline(always)]
    fn run<V: Vector, const N: usize>(self) {
        let Some(span) = Span::<V, N>::new(self.part.len) else { return };
        let Some(taps) = self.taps.get(self.shift..).and_then(|taps| span.source(taps)) else { return };
        let (pixels, stride) = (self.pixels, self.stride);
        for (x, column) in self.sums.chunks_exact_mut(self.column).enumerate() {
            let Some(mut run) = span.run_mut(column, self.start) else { continue };
            let mut tile = Tile::begun(&run);
            let (pixel, first) = (x * self.step, x * self.next);
            for &index in self.nonzero.pixels(pixel + self.kx.0, pixel + self.kx.1) {
                let index = usize::from(index);
                if let (Some(value), Some(weights)) =
                    (pixels.get(index), taps.at(index.wrapping_sub(first).wrapping_mul(stride)))
                {
                    tile.add_product(weights, V::splat(*value));
                }
            }
            tile.store(&mut run);
        }
    }
}

/// Pools a row of squares of positions, and adds the bias.
pub(super) struct PoolRow<'a> {
    pub(super) op: Conv,
    /// The sums, from the first position of the first square on.
    pub(super) sums: &'a [f32],
    /// From one square to the next.
    pub(super) next: usize,
    /// From a square's first position to each of its positions, by rows.
    pub(super) steps: [usize; 4],
    pub(super) bias: &'a [f32],
    /// The number of the first pooled position, and from one to the next.
    pub(super) out: usize,
    pub(super) out_next: usize,
    /// How many squares.
    pub(super) count: usize,
}

impl PoolRow<'_> {
    #[inline(always)]
    pub(super) fn run<V: Vector>(&self, image: &mut Image) {
        for part in parts::<V>(self.op.filters, 2) {
            dispatch::<V, _>(part.vectors, PoolPart { row: self, image, part });
        }
    }
}

struct PoolPart<'a, 'b> {
    row: &'a PoolRow<'a>,
    image: &'a mut Image<'b>,
    part: Part,
}

impl Body for PoolPart<'_, '_> {
    const SHARE: usize = 2;

    #[inline(always)]
    fn run<V: Vector, const N: usize>(self) {
        let PoolRow { op, sums, next, steps, bias, out, out_next, count } = *self.row;
        let start = self.part.start;
        let Some(span) = Span::<V, N>::new(self.part.len) else { return };
        let (Some(bias), Some(sums)) = (span.run(bias, start), span.source(sums)) else { return };
        let pooled_together = op.pooled();
        for square in 0..count {
            let position = |at: usize| sums.at(square * next + steps.get(at)? + start);
            let Some((mut pooled, origins)) = op.pooling.forward(pooled_together, position) else { return };
            pooled.add(bias);
            let place = (out + square * out_next) * op.filters + start;
            if let Some(mut run) = span.run_mut(self.image.values, place) {
                pooled.store(&mut run);
            }
            if let Some(bytes) = self.image.origins.as_deref_mut().and_then(|bytes| bytes.get_mut(place..)) {
                origins.store_bytes(span, bytes);
            }
        }
    }
}

compiled_once!(; device inline Forward<'_, '_>);
