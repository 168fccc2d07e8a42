//! The forward pass on a microcontroller, in the least stack: no list of what is not zero, no window's weights side by
//! side. The innermost loops are in assembly (`arm.rs`) for a Cortex-M with an FPU, and here as [`plain`] ones.
//!
//! The functions with loops in them are compiled once, for sizes that are known when the program runs: what the compiler
//! would copy into each layer, or unroll for its sizes, is flash, and saves next to no time.

#[cfg(minnet_m4f)]
use super::arm as inner;
use super::conv::Image;
use crate::op::Conv;
use crate::pool::Pooling;
#[cfg(not(minnet_m4f))]
use plain as inner;

/// Inputs that some sums share: `runs` of them, each `run` values long, that begin `stride` values apart.
pub(crate) struct Window<'a> {
    pub(super) x: &'a [f32],
    pub(super) run: usize,
    pub(super) runs: usize,
    pub(super) stride: usize,
}

impl Window<'_> {
    /// Whether all of it is there, and a row of `outputs` weights for each input, of which `columns` are used.
    #[inline(always)]
    pub(super) fn fits(&self, weights: &[f32], outputs: usize, columns: usize) -> bool {
        let &Window { x, run, runs, stride } = self;
        run > 0
            && runs > 0
            && run <= stride
            && columns <= outputs
            && x.len() >= (runs - 1) * stride + run
            && weights.len() >= (runs * run - 1) * outputs + columns
    }
}

/// z_j = Σ_i x_i·w_ij + b_j.
#[cfg_attr(target_os = "none", inline(never))]
pub(crate) fn dense(weights: &[f32], bias: &[f32], x: &[f32], z: &mut [f32]) {
    z.fill(0.0);
    let (inputs, outputs) = (x.len(), z.len());
    if inputs > 0 {
        sum(&Window { x, run: inputs, runs: 1, stride: inputs }, weights, outputs, 0, z);
    }
    add_bias(z, bias);
}

/// Convolution, pooling, and bias. Images of one channel under filters of 5x5 go by squares of positions, the others
/// position by position; which of these it is, is known where the layer is.
#[inline(always)]
pub(crate) fn convolve(op: Conv, weights: &[f32], bias: &[f32], image: &mut Image) {
    let by_squares = (op.channels, op.filter_height, op.filter_width) == (1, 5, 5)
        && op.filters.is_multiple_of(4)
        && op.pooling == Pooling::Max2
        && image.origins.is_none();
    if by_squares {
        by_squares_of_positions(op, weights, bias, image.pixels, image.values);
    } else {
        by_positions(op, weights, bias, image);
    }
}

#[inline(always)]
fn by_squares_of_positions(op: Conv, weights: &[f32], bias: &[f32], pixels: &[f32], values: &mut [f32]) {
    let (width, filters) = (op.width, op.filters.max(1));
    let mut start = 0;
    for row in values.chunks_exact_mut((op.out_width() * filters).max(1)) {
        for (place, left) in row.chunks_exact_mut(filters).zip((start..).step_by(2)) {
            squares(pixels.get(left..).unwrap_or(&[]), width, weights, bias, place);
        }
        start += 2 * width;
    }
}

/// Filters whose sums are pooled at a time.
const FILTERS: usize = 20;

#[inline(always)]
fn by_positions(op: Conv, weights: &[f32], bias: &[f32], image: &mut Image) {
    let Conv { width, channels, filter_height, filter_width, pooling, .. } = op;
    let (filters, side) = (op.filters.max(1), pooling.side());
    let window = |first| Window {
        x: image.pixels.get(first..).unwrap_or(&[]),
        run: filter_width * channels,
        runs: filter_height,
        stride: width * channels,
    };
    let mut origins = image.origins.as_deref_mut().unwrap_or_default().chunks_exact_mut(filters);
    let mut row = 0;
    for places in image.values.chunks_exact_mut((op.out_width() * filters).max(1)) {
        let mut corner = row;
        for place in places.chunks_exact_mut(filters) {
            let mut origins = origins.next().unwrap_or_default().chunks_mut(FILTERS);
            let mut first = 0;
            for best in place.chunks_mut(FILTERS) {
                let origins = origins.next().unwrap_or_default();
                let mut rivals = [0.0; FILTERS];
                let rivals = rivals.get_mut(..best.len()).unwrap_or_default();
                origins.fill(0);
                sum(&window(corner), weights, filters, first, best);
                for at in 1..side * side {
                    let (right, down) = pooling.backward(at as u8);
                    sum(&window(corner + (down * width + right) * channels), weights, filters, first, rivals);
                    keep_greater(pooling, at as u8, rivals, best, origins);
                }
                add_bias(best, bias.get(first..).unwrap_or(&[]));
                first += FILTERS;
            }
            corner += side * channels;
        }
        row += side * width * channels;
    }
}

/// Pools the sums of the position `at` of a square with those before; `origins`, if there are any, remember it.
#[cfg_attr(target_os = "none", inline(never))]
fn keep_greater(pooling: Pooling, at: u8, rivals: &[f32], best: &mut [f32], origins: &mut [u8]) {
    let pairs = best.iter_mut().zip(rivals);
    if origins.is_empty() {
        pairs.for_each(|(best, rival)| pooling.forward_one(best, &mut 0, at, *rival));
    } else {
        pairs.zip(origins).for_each(|((best, rival), origin)| pooling.forward_one(best, origin, at, *rival));
    }
}

/// z_j += b_j.
#[cfg_attr(target_os = "none", inline(never))]
fn add_bias(z: &mut [f32], bias: &[f32]) {
    super::dense::add_bias(z, bias);
}

/// The sums of a window, each with its column of weights, from the column `from` on: z_j = Σ_i x_i·w_ij.
#[inline(never)]
fn sum(window: &Window, weights: &[f32], outputs: usize, from: usize, z: &mut [f32]) {
    let weights = weights.get(from..).unwrap_or(&[]);
    let mut first = 0;
    macro_rules! blocks {
        ($($columns:literal $rows:ident),*) => {$(
            while let Some(block) = z.get_mut(first..).and_then(|z| z.first_chunk_mut::<$columns>()) {
                inner::$rows(window, weights.get(first..).unwrap_or(&[]), outputs, block);
                first += $columns;
            }
        )*};
    }
    blocks!(20 rows_20, 12 rows_12, 10 rows_10, 4 rows_4, 1 rows_1);
}

/// The outputs of a square of 2x2 positions over an image of one channel, pooled, with the bias.
#[inline(never)]
fn squares(x: &[f32], width: usize, weights: &[f32], bias: &[f32], out: &mut [f32]) {
    let outputs = out.len();
    let blocks = out.as_chunks_mut().0.iter_mut().zip(bias.as_chunks().0);
    for ((out, bias), first) in blocks.zip((0..).step_by(4)) {
        inner::square(x, width, weights.get(first..).unwrap_or(&[]), outputs, bias, out);
    }
}

/// The innermost loops, in safe Rust: what those in assembly must match to the last bit.
#[cfg(not(minnet_m4f))]
pub(super) mod plain {
    use super::Window;

    /// Σ_i x_i·w_ij for the first `N` columns of `weights`, which has a row of `outputs` for each input.
    pub(super) fn rows<const N: usize>(window: &Window, weights: &[f32], outputs: usize, sums: &mut [f32; N]) {
        if !window.fits(weights, outputs, N) {
            return;
        }
        let inputs = window.x.chunks(window.stride).take(window.runs).flat_map(|run| run.iter().take(window.run));
        *sums = [0.0; N];
        for (x, row) in inputs.zip(weights.chunks(outputs)).filter(|(x, _)| **x != 0.0) {
            sums.iter_mut().zip(row).for_each(|(sum, weight)| *sum += x * weight);
        }
    }
    pub(super) use {rows as rows_20, rows as rows_12, rows as rows_10, rows as rows_4, rows as rows_1};

    /// The greatest of the four sums over 5x5 pixels each of a square of positions, for the first four columns of
    /// `weights`, plus the bias.
    pub(super) fn square(
        x: &[f32],
        width: usize,
        weights: &[f32],
        outputs: usize,
        bias: &[f32; 4],
        out: &mut [f32; 4],
    ) {
        let mut best = [0.0; 4];
        for at in [0, 1, width, width + 1] {
            let mut sums = [0.0; 4];
            let window = Window { x: x.get(at..).unwrap_or(&[]), run: 5, runs: 5, stride: width };
            rows(&window, weights, outputs, &mut sums);
            best.iter_mut().zip(sums).filter(|(best, sum)| at == 0 || sum > *best).for_each(|(best, sum)| *best = sum);
        }
        for ((out, best), bias) in out.iter_mut().zip(best).zip(bias) {
            *out = best + bias;
        }
    }
}
