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

/// Whether all pixels under a square of 2x2 positions are in `x`, an image of one channel from the first of them on, for
/// filters of `side` x `side`; and a row of `outputs` weights for each tap, of which `filters` are used.
#[inline(always)]
pub(super) fn has_square(
    side: usize,
    filters: usize,
    x: &[f32],
    width: usize,
    weights: &[f32],
    outputs: usize,
) -> bool {
    width > side
        && x.len() > side * width + side
        && outputs >= filters
        && weights.len() >= (side * side - 1) * outputs + filters
}

/// Columns of weights that are summed at a time.
const COLUMNS: usize = 20;

/// z_j = Σ_i x_i·w_ij + b_j.
#[cfg_attr(target_os = "none", inline(always))]
pub(crate) fn dense(weights: &[f32], bias: &[f32], x: &[f32], z: &mut [f32]) {
    let (inputs, outputs) = (x.len(), z.len());
    let window = Window { x, run: inputs, runs: 1, stride: inputs };
    for (z, first) in z.chunks_mut(COLUMNS).zip((0..).step_by(COLUMNS)) {
        sum(&window, weights, outputs, first, z);
    }
    add_bias(z, bias);
}

/// Convolution, pooling, and bias. Images of one channel, max-pooled, go by squares of positions, the others position by
/// position; which of these it is, is known where the layer is.
#[inline(always)]
pub(crate) fn convolve(op: Conv, weights: &[f32], bias: &[f32], image: &mut Image) {
    let by_squares = op.channels == 1
        && matches!((op.filter_height, op.filter_width), (3, 3) | (5, 5))
        && op.stride == 1
        && op.pooled() == 4
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
            let pixels = pixels.get(left..).unwrap_or(&[]);
            if op.filter_width == 3 {
                squares_of_3(pixels, width, weights, bias, place, filters);
            } else {
                squares_of_5(pixels, width, weights, bias, place, filters);
            }
        }
        start += 2 * width;
    }
}

#[inline(always)]
fn by_positions(op: Conv, weights: &[f32], bias: &[f32], image: &mut Image) {
    let Conv { width, channels, filter_height, filter_width, pooling, .. } = op;
    let filters = op.filters.max(1);
    let (down, right) = (op.stride * width * channels, op.stride * channels);
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
            let mut origins = origins.next().unwrap_or_default().chunks_mut(COLUMNS);
            let mut first = 0;
            for pooled in place.chunks_mut(COLUMNS) {
                let origins = origins.next().unwrap_or_default();
                let mut others = [0.0; COLUMNS];
                let others = others.get_mut(..pooled.len()).unwrap_or_default();
                origins.fill(0);
                sum(&window(corner), weights, filters, first, pooled);
                for at in 1..op.pooled() {
                    let position = corner + at / op.pool_width() * down + at % op.pool_width() * right;
                    sum(&window(position), weights, filters, first, others);
                    pool(pooling, at as u8, others, pooled, origins);
                }
                if pooling == Pooling::Avg2 {
                    scale(pooled, 1.0 / op.pooled() as f32);
                }
                add_bias(pooled, bias.get(first..).unwrap_or(&[]));
                first += COLUMNS;
            }
            corner += op.pool_width() * right;
        }
        row += op.pool_height() * down;
    }
}

/// Pools the sums of the position `at` of a square with those before; `origins`, if there are any, remember it.
#[cfg_attr(target_os = "none", inline(never))]
fn pool(pooling: Pooling, at: u8, others: &[f32], pooled: &mut [f32], origins: &mut [u8]) {
    let pairs = pooled.iter_mut().zip(others);
    if origins.is_empty() {
        pairs.for_each(|(pooled, other)| pooling.forward_one(pooled, &mut 0, at, *other));
    } else {
        pairs.zip(origins).for_each(|((pooled, other), origin)| pooling.forward_one(pooled, origin, at, *other));
    }
}

/// z_j *= factor.
#[cfg_attr(target_os = "none", inline(never))]
fn scale(z: &mut [f32], factor: f32) {
    z.iter_mut().for_each(|z| *z *= factor);
}

/// z_j += b_j.
#[cfg_attr(target_os = "none", inline(never))]
fn add_bias(z: &mut [f32], bias: &[f32]) {
    let (fours, rest) = z.as_chunks_mut::<4>();
    let (of_fours, of_rest) = bias.as_chunks::<4>();
    for (z, bias) in fours.iter_mut().zip(of_fours) {
        z.iter_mut().zip(bias).for_each(|(z, bias)| *z += bias);
    }
    super::dense::add_bias(rest, of_rest);
}

/// The sums of a window, each with its column of weights, from the column `from` on, at most [`COLUMNS`]:
/// z_j = Σ_i x_i·w_ij. Of `outputs` that are a constant, only the loops that they need are in the firmware.
#[inline(always)]
fn sum(window: &Window, weights: &[f32], outputs: usize, from: usize, z: &mut [f32]) {
    let weights = weights.get(from..).unwrap_or(&[]);
    let whole = if outputs < COLUMNS { 0 } else { COLUMNS };
    let count = if whole > 0 && z.len() == whole { whole } else { outputs % COLUMNS };
    if window.run == 0 {
        return z.fill(0.0);
    }
    macro_rules! columns {
        ($($columns:literal $rows:ident),*) => {
            match count {
                $($columns => if let Some(z) = z.first_chunk_mut::<$columns>() {
                    inner::$rows(window, weights, outputs, z);
                })*
                _ => {}
            }
        };
    }
    columns!(
        1 rows_1, 2 rows_2, 3 rows_3, 4 rows_4, 5 rows_5, 6 rows_6, 7 rows_7, 8 rows_8, 9 rows_9, 10 rows_10,
        11 rows_11, 12 rows_12, 13 rows_13, 14 rows_14, 15 rows_15, 16 rows_16, 17 rows_17, 18 rows_18, 19 rows_19,
        20 rows_20
    );
}

/// The outputs of a square under filters of a number of columns, pooled, with the bias: four filters at a time, of which
/// the last overlap those before, or fewer. Of `filters` that are a constant, only the loop that they need is in the
/// firmware.
macro_rules! squares {
    ($name:ident, $one:ident $two:ident $three:ident $four:ident) => {
        #[inline(always)]
        fn $name(x: &[f32], width: usize, weights: &[f32], bias: &[f32], out: &mut [f32], filters: usize) {
            macro_rules! some {
                ($rows:ident, $first:expr) => {{
                    let weights = weights.get($first..).unwrap_or(&[]);
                    let bias = bias.get($first..).and_then(|bias| bias.first_chunk());
                    let out = out.get_mut($first..).and_then(|out| out.first_chunk_mut());
                    if let (Some(bias), Some(out)) = (bias, out) {
                        inner::$rows(x, width, weights, filters, bias, out);
                    }
                }};
            }
            match filters {
                0 => {}
                1 => some!($one, 0),
                2 => some!($two, 0),
                3 => some!($three, 0),
                _ => {
                    let blocks = out.as_chunks_mut().0.iter_mut().zip(bias.as_chunks().0).zip((0..).step_by(4));
                    for ((out, bias), first) in blocks {
                        inner::$four(x, width, weights.get(first..).unwrap_or(&[]), filters, bias, out);
                    }
                    if !filters.is_multiple_of(4) {
                        some!($four, filters - 4);
                    }
                }
            }
        }
    };
}

squares!(squares_of_3, square_3_1 square_3_2 square_3_3 square_3_4);
squares!(squares_of_5, square_5_1 square_5_2 square_5_3 square_5_4);

/// The innermost loops, in safe Rust: what those in assembly must match to the last bit.
#[cfg(not(minnet_m4f))]
pub(super) mod plain {
    use super::{Window, has_square};

    /// Σ_i x_i·w_ij for the first columns of `weights`, as many as sums, which has a row of `outputs` for each input.
    #[inline(never)]
    fn rows(window: &Window, weights: &[f32], outputs: usize, sums: &mut [f32]) {
        if !window.fits(weights, outputs, sums.len()) {
            return;
        }
        let inputs = window.x.chunks(window.stride).take(window.runs).flat_map(|run| run.iter().take(window.run));
        sums.fill(0.0);
        for (x, row) in inputs.zip(weights.chunks(outputs)).filter(|(x, _)| **x != 0.0) {
            sums.iter_mut().zip(row).for_each(|(sum, weight)| *sum += x * weight);
        }
    }

    /// The greatest of the four sums of a square's positions, for the first filters, plus the bias.
    #[inline(never)]
    fn square(side: usize, x: &[f32], width: usize, weights: &[f32], outputs: usize, bias: &[f32], out: &mut [f32]) {
        if !has_square(side, out.len(), x, width, weights, outputs) {
            return;
        }
        let mut best = [0.0; 4];
        for at in [0, 1, width, width + 1] {
            let mut sums = [0.0; 4];
            let window = Window { x: x.get(at..).unwrap_or(&[]), run: side, runs: side, stride: width };
            rows(&window, weights, outputs, sums.get_mut(..out.len()).unwrap_or_default());
            best.iter_mut().zip(sums).filter(|(best, sum)| at == 0 || sum > *best).for_each(|(best, sum)| *best = sum);
        }
        for ((out, best), bias) in out.iter_mut().zip(best).zip(bias) {
            *out = best + bias;
        }
    }

    macro_rules! named {
        ($($columns:literal $rows:ident),*; $($filters:literal $side:literal $square:ident),*) => {
            $(pub(in super::super) fn $rows(window: &Window, weights: &[f32], outputs: usize, sums: &mut [f32; $columns]) {
                rows(window, weights, outputs, sums);
            })*
            $(pub(in super::super) fn $square(
                x: &[f32],
                width: usize,
                weights: &[f32],
                outputs: usize,
                bias: &[f32; $filters],
                out: &mut [f32; $filters],
            ) {
                square($side, x, width, weights, outputs, bias, out);
            })*
        };
    }

    named!(
        1 rows_1, 2 rows_2, 3 rows_3, 4 rows_4, 5 rows_5, 6 rows_6, 7 rows_7, 8 rows_8, 9 rows_9, 10 rows_10,
        11 rows_11, 12 rows_12, 13 rows_13, 14 rows_14, 15 rows_15, 16 rows_16, 17 rows_17, 18 rows_18, 19 rows_19,
        20 rows_20;
        1 3 square_3_1, 2 3 square_3_2, 3 3 square_3_3, 4 3 square_3_4,
        1 5 square_5_1, 2 5 square_5_2, 3 5 square_5_3, 4 5 square_5_4
    );
}
