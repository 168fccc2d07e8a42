//! The forward pass on a microcontroller with an FPU, in the least stack: no list of what is not zero, no window's
//! weights side by side. The innermost loops are in assembly (`arm.rs`), and here as [`plain`] ones.

#[cfg(minnet_m4f)]
use super::arm as inner;
use super::conv5x5::{Filters, Image, Output};
use crate::pool::Pool;
use crate::tensor::Tensor;
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
#[inline(always)]
pub(crate) fn dense<const IN: usize, const OUT: usize>(
    weights: &[[f32; OUT]; IN],
    bias: &[f32; OUT],
    x: &[f32; IN],
    z: &mut [f32; OUT],
) {
    z.fill(0.0);
    sum(&Window { x, run: IN, runs: 1, stride: IN }, weights.as_flattened(), OUT, z);
    super::dense::add_bias(z, bias);
}

/// Convolution, pooling, and bias. Images of one channel go by squares of positions, the others position by position.
#[inline(always)]
pub(crate) fn convolve<P: Pool, const H: usize, const W: usize, const C: usize, const O: usize>(
    image: &Image<H, W, C>,
    filters: &Filters<C, O>,
    bias: &[f32; O],
    out: &mut Output,
) {
    let weights = filters.flat();
    let by_squares = C == 1 && O.is_multiple_of(4) && P::POOLING.side() == 2 && out.which.is_none();
    let which = out.which.as_deref_mut().unwrap_or_default();
    let mut rivals = [0.0; O];
    let mut places = out.values.as_chunks_mut::<O>().0.iter_mut().zip(0..);
    for top in (0..H - 4).step_by(P::POOLING.side()) {
        for left in (0..W - 4).step_by(P::POOLING.side()) {
            let Some((best, index)) = places.next() else { return };
            if by_squares {
                squares(image.flat().get(top * W + left..).unwrap_or(&[]), W, weights, bias, best);
                continue;
            }
            let which = which.as_chunks_mut::<O>().0.get_mut(index);
            let mut tags = [0; O];
            for at in 0..P::POOLING.side() * P::POOLING.side() {
                let x = image
                    .flat()
                    .get(((top + at / P::POOLING.side()) * W + left + at % P::POOLING.side()) * C..)
                    .unwrap_or(&[]);
                let window = Window { x, run: 5 * C, runs: 5, stride: W * C };
                if at == 0 {
                    sum(&window, weights, O, best);
                    continue;
                }
                sum(&window, weights, O, &mut rivals);
                for ((best, tag), rival) in best.iter_mut().zip(&mut tags).zip(&rivals) {
                    if rival > best {
                        (*best, *tag) = (*rival, at as u8);
                    }
                }
            }
            super::dense::add_bias(best, bias);
            if let Some(which) = which {
                *which = tags;
            }
        }
    }
}

/// The sums of a window, each with its column of weights: z_j = Σ_i x_i·w_ij.
#[inline(never)]
fn sum(window: &Window, weights: &[f32], outputs: usize, z: &mut [f32]) {
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
