//! Convolution of images with a single channel: there, a row of a filter has few weights, and runs of values that are
//! not zero are short. So a square of 2x2 positions is summed as a whole, as a dense layer from the pixels under it; and
//! on the way back, the pixels under a position are made to lie side by side.

use super::backward::Samples;
use super::forward::{Image, PoolRow};
use crate::kernel::run::{Body, Part, Span, Tile, dispatch, parts};
use crate::kernel::vector::{Kernel, Vector};
use crate::op::Conv;

/// As many pixels as a mask has bits: the most under a square, and the most in a row.
const BITS: usize = 64;

/// Whether these images are convolved here. The weights of a square are too large for a microcontroller's stack.
pub(super) const fn fits(op: Conv) -> bool {
    op.channels == 1
        && op.rows().is_multiple_of(2)
        && op.columns().is_multiple_of(2)
        && op.height <= BITS
        && op.width <= BITS
        && (op.filter_height + op.stride) * (op.filter_width + op.stride) <= BITS
        && !cfg!(target_os = "none")
}

/// Values of scratch that [`forward`] works in: the weights that lead from each pixel of a window to the four positions
/// of its square, and the sums of a row of squares.
pub(super) const fn forward_scratch(op: Conv) -> usize {
    (window_height(op) * window_width(op) + op.columns() / 2) * 4 * op.filters
}

/// Rows of pixels under a square of 2x2 positions.
const fn window_height(op: Conv) -> usize {
    op.filter_height + op.stride
}

/// Columns of pixels under a square of 2x2 positions.
const fn window_width(op: Conv) -> usize {
    op.filter_width + op.stride
}

/// As [`Forward`](super::Forward), where it [`fits`], without the activation.
#[inline(always)]
pub(super) fn forward<V: Vector>(op: Conv, weights: &[f32], bias: &[f32], images: &mut [Image], scratch: &mut [f32]) {
    let Conv { width, filters, stride: step, .. } = op;
    let (window_height, window_width) = (window_height(op), window_width(op));
    let stride = 4 * filters;
    let (square, sums) = scratch.split_at_mut(window_height * window_width * stride);
    take_square(op, weights, square);
    // From the first pixel of a window to each.
    let mut offsets = [0; BITS];
    for (at, offset) in offsets.iter_mut().enumerate().take(window_height * window_width) {
        *offset = at / window_width * width + at % window_width;
    }
    let side = op.pool_height();
    for image in images {
        // A bit for each pixel that is not zero.
        let mut rows = [0u64; BITS];
        let height = image.pixels.len() / width;
        for (bits, row) in rows.iter_mut().zip(image.pixels.chunks_exact(width)) {
            *bits = nonzero::<V>(row);
        }
        for top in (0..op.positions(height)).step_by(2) {
            let mut windows = [0u64; BITS / 2];
            let windows = windows.get_mut(..op.columns() / 2).unwrap_or_default();
            for (window, left) in windows.iter_mut().zip((0..).step_by(2 * step)) {
                for (bits, y) in rows.iter().skip(top * step).zip(0..window_height) {
                    *window |= (bits >> left & ((1 << window_width) - 1)) << (y * window_width);
                }
            }
            let pixels = image.pixels.get(top * step * width..).unwrap_or(&[]);
            for part in parts::<V>(stride, 1) {
                let sums = &mut *sums;
                dispatch::<V, _>(
                    part.vectors,
                    AddSquares { square, stride, sums, windows, pixels, next: 2 * step, offsets: &offsets, part },
                );
            }
            // Pooling comes after the whole row, when the sums have reached the cache.
            let row = |position: usize, y: usize, x: usize| PoolRow {
                op,
                sums: sums.get(position * filters..).unwrap_or(&[]),
                next: stride,
                steps: [0, filters, 2 * filters, 3 * filters],
                bias,
                out: (top / side + y) * op.out_width() + x,
                out_next: 2 / side,
                count: op.columns() / 2,
            };
            if side == 2 {
                row(0, 0, 0).run::<V>(image);
            } else {
                for position in 0..4 {
                    row(position, position / 2, position % 2).run::<V>(image);
                }
            }
        }
    }
}

/// A bit for each value that is not zero, from the lowest on.
#[inline(always)]
fn nonzero<V: Vector>(row: &[f32]) -> u64 {
    let mut bits = 0;
    let whole = row.len() / V::LANES * V::LANES;
    for (values, first) in row.chunks_exact(V::LANES).zip((0..).step_by(V::LANES)) {
        bits |= u64::from(V::load(values).nonzero()) << first;
    }
    for (&value, x) in row.iter().zip(0..).skip(whole) {
        bits |= u64::from(value != 0.0) << x;
    }
    bits
}

/// Writes the weights of a square: 0 where a filter does not reach.
#[inline(always)]
fn take_square(op: Conv, weights: &[f32], square: &mut [f32]) {
    let window_width = window_width(op);
    for (at, positions) in square.chunks_exact_mut(4 * op.filters).enumerate() {
        for (position, place) in positions.chunks_exact_mut(op.filters).enumerate() {
            let (down, right) = (position / 2 * op.stride, position % 2 * op.stride);
            let (ky, kx) = ((at / window_width).wrapping_sub(down), (at % window_width).wrapping_sub(right));
            let reaches = ky < op.filter_height && kx < op.filter_width;
            let tap = ky.wrapping_mul(op.filter_width).wrapping_add(kx).wrapping_mul(op.filters);
            match weights.get(tap..tap.wrapping_add(op.filters)) {
                Some(tap) if reaches => place.copy_from_slice(tap),
                _ => place.fill(0.0),
            }
        }
    }
}

/// The sums of a row of squares.
struct AddSquares<'a> {
    square: &'a [f32],
    /// From the weights of a pixel to those of the next, and from one square's sums to the next.
    stride: usize,
    sums: &'a mut [f32],
    /// Which pixels under each square are not zero.
    windows: &'a [u64],
    /// From the first pixel under the first square on.
    pixels: &'a [f32],
    /// From there to the first pixel under the next square.
    next: usize,
    offsets: &'a [usize; BITS],
    part: Part,
}

impl Body for AddSquares<'_> {
    const SHARE: usize = 1;
    // A run holds the filters of four positions.
    const SHORT: usize = usize::MAX;

    #[inline(always)]
    fn run<V: Vector, const N: usize>(self) {
        let Some(span) = Span::<V, N>::new(self.part.len) else { return };
        let Some(square) = self.square.get(self.part.start..).and_then(|square| span.source(square)) else { return };
        let places = self.sums.chunks_exact_mut(self.stride).zip(self.windows).zip((0..).step_by(self.next));
        for ((place, &window), left) in places {
            let pixels = self.pixels.get(left..).unwrap_or(&[]);
            let mut tile = Tile::<V, N>::zero();
            let mut bits = window;
            while bits != 0 {
                let at = bits.trailing_zeros() as usize;
                bits &= bits - 1;
                let pixel = self.offsets.get(at).and_then(|&offset| pixels.get(offset));
                if let (Some(value), Some(run)) = (pixel, square.at(at * self.stride)) {
                    tile.add_product(run, V::splat(*value));
                }
            }
            if let Some(mut run) = span.run_mut(place, self.part.start) {
                tile.store(&mut run);
            }
        }
    }
}

/// Values of scratch that [`gradient`] works in for so many filters: an image by columns, the pixels under each position
/// side by side, and the sums.
pub(super) const fn gradient_scratch(op: Conv, filters: usize) -> usize {
    op.inputs() + windows(op) + filters * op.taps()
}

/// Values of the pixels under each position of stride 1.
const fn windows(op: Conv) -> usize {
    (op.height + 1 - op.filter_height) * op.width * op.filter_height
}

/// As [`Gradient`](super::Gradient), where it [`fits`]: all δ, those that are zero too.
#[inline(always)]
pub(super) fn gradient<V: Vector>(
    op: Conv,
    gradients: &mut [f32],
    first: usize,
    samples: &Samples,
    scratch: &mut [f32],
) {
    let Conv { height, width, filter_height, .. } = op;
    let window = op.taps();
    let (columns, scratch) = scratch.split_at_mut(op.inputs());
    let (windows, sums) = scratch.split_at_mut(self::windows(op));
    let Some(sums) = sums.get_mut(..gradients.len()) else { return };
    sums.fill(0.0);
    for sample in samples.iter(op) {
        for (y, row) in sample.input.chunks_exact(width).enumerate() {
            for (column, pixel) in columns.chunks_exact_mut(height).zip(row) {
                if let Some(place) = column.get_mut(y) {
                    *place = *pixel;
                }
            }
        }
        // The pixels from each one down, as many as a filter has rows: those of neighbours are a window, by columns.
        for (y, row) in windows.chunks_exact_mut(width * filter_height).enumerate() {
            for (place, column) in row.chunks_exact_mut(filter_height).zip(columns.chunks_exact(height)) {
                if let Some(pixels) = column.get(y..y + filter_height) {
                    place.copy_from_slice(pixels);
                }
            }
        }
        add_filters::<V>(op, sums, first, windows, sample.delta, sample.origins);
    }
    for (gradient, sums) in gradients.chunks_exact_mut(window).zip(sums.chunks_exact(window)) {
        for (tap, weight) in gradient.iter_mut().enumerate() {
            let (ky, kx) = (tap / op.filter_width, tap % op.filter_width);
            *weight = sums.get(kx * filter_height + ky).copied().unwrap_or(0.0);
        }
    }
}

/// [`add_filters`] in a function of its own.
struct AddFilters<'a> {
    op: Conv,
    sums: &'a mut [f32],
    first: usize,
    windows: &'a [f32],
    delta: &'a [f32],
    origins: &'a [u8],
}

impl Kernel for AddFilters<'_> {
    #[inline(always)]
    fn run<V: Vector>(self) {
        add_filters::<V>(self.op, self.sums, self.first, self.windows, self.delta, self.origins);
    }
}

/// Adds an image's windows, each times its δ, to the sums of the filters from `first` on.
#[inline(always)]
fn add_filters<V: Vector>(op: Conv, sums: &mut [f32], first: usize, windows: &[f32], delta: &[f32], origins: &[u8]) {
    let window = op.taps();
    if V::LANES > 1 && window < V::LANES {
        return V::Half::outline(AddFilters { op, sums, first, windows, delta, origins });
    }
    let vectors = window.div_ceil(V::LANES);
    // Side by side, for one filter alone would wait for each addition before the next; no more than the registers hold.
    let (mut sums, mut first) = (sums, first);
    macro_rules! filters {
        ($($together:literal),*) => {$(
            while sums.len() >= $together * window && ($together == 1 || $together * vectors <= V::SUMS) {
                let (these, rest) = sums.split_at_mut($together * window);
                for part in parts::<V>(window, $together) {
                    let sums = &mut *these;
                    let body = AddWindows::<$together> { op, sums, first, windows, delta, origins, part };
                    dispatch::<V, _>(part.vectors, body);
                }
                sums = rest;
                first += $together;
            }
        )*};
    }
    filters!(4, 2, 1);
}

/// Adds the window under each position, times its δ, to the sums of `F` filters from `first` on.
struct AddWindows<'a, const F: usize> {
    op: Conv,
    sums: &'a mut [f32],
    first: usize,
    windows: &'a [f32],
    delta: &'a [f32],
    origins: &'a [u8],
    part: Part,
}

impl<const F: usize> Body for AddWindows<'_, F> {
    const SHARE: usize = F;
    const LONGEST: usize = BITS;

    #[inline(always)]
    fn run<V: Vector, const N: usize>(self) {
        let Self { op, sums, first, windows, delta, origins, part } = self;
        let Some(span) = Span::<V, N>::new(part.len) else { return };
        let window = op.taps();
        let (down, right) = (op.stride * op.width * op.filter_height, op.stride * op.filter_height);
        let (pooled, pool_height, pool_width) = (op.pooled(), op.pool_height(), op.pool_width());
        let Some(windows) = span.source(windows) else { return };
        let mut tiles = [Tile::<V, N>::zero(); F];
        for (tile, sums) in tiles.iter_mut().zip(sums.chunks_exact_mut(window)) {
            if let Some(run) = span.run_mut(sums, part.start) {
                *tile = Tile::begun(&run);
            }
        }
        let row = op.out_width() * op.filters;
        for (y, (delta, origins)) in delta.chunks_exact(row).zip(origins.chunks_exact(row)).enumerate() {
            let pixels = delta.chunks_exact(op.filters).zip(origins.chunks_exact(op.filters)).enumerate();
            for (x, (delta, origins)) in pixels {
                let corner = y * pool_height * down + x * pool_width * right + part.start;
                let (Some(delta), Some(origins)) = (delta.get(first..first + F), origins.get(first..first + F)) else {
                    return;
                };
                for ((tile, delta), origin) in tiles.iter_mut().zip(delta).zip(origins) {
                    let (first, end, share) = op.pooling.backward(*origin, pooled);
                    let delta = V::splat(share.map_or(*delta, |share| share * delta));
                    for at in first..end {
                        // As in `Hits::fill`.
                        let (y, x) = (at >> (pool_width - 1), at & (pool_width - 1));
                        if let Some(run) = windows.at(corner + y * down + x * right) {
                            tile.add_product(run, delta);
                        }
                    }
                }
            }
        }
        for (tile, sums) in tiles.iter().zip(sums.chunks_exact_mut(window)) {
            if let Some(mut run) = span.run_mut(sums, part.start) {
                tile.store(&mut run);
            }
        }
    }
}
