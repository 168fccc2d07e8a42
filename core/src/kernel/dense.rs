//! A dense layer's inner loops. `weights[i][j]` leads from input i to output j.

use crate::sgd::Sgd;

/// z_j = Σ_i x_i·w_ij + b_j for one image.
#[inline(always)]
pub(crate) fn forward<const IN: usize, const OUT: usize>(
    x: &[f32; IN],
    weights: &[[f32; OUT]; IN],
    bias: &[f32; OUT],
    z: &mut [f32; OUT],
) {
    let mut j = 0;
    while let Some(done) = columns::<32, OUT>(x, weights, bias, z, j) {
        j = done;
    }
    while let Some(done) = columns::<8, OUT>(x, weights, bias, z, j) {
        j = done;
    }
    while let Some(done) = columns::<2, OUT>(x, weights, bias, z, j) {
        j = done;
    }
    while let Some(done) = columns::<1, OUT>(x, weights, bias, z, j) {
        j = done;
    }
}

/// `N` neighbouring outputs from `first` on, their sums in registers; gives the next output, or `None` where fewer
/// than `N` are left.
#[inline(always)]
fn columns<const N: usize, const OUT: usize>(
    x: &[f32],
    weights: &[[f32; OUT]],
    bias: &[f32; OUT],
    z: &mut [f32; OUT],
    first: usize,
) -> Option<usize> {
    let z = z.get_mut(first..)?.first_chunk_mut::<N>()?;
    let bias = bias.get(first..)?.first_chunk::<N>()?;
    let mut sums = [0.0; N];
    for (&x, row) in x.iter().zip(weights) {
        if x == 0.0 {
            continue;
        }
        let Some(row) = row.get(first..).and_then(|row| row.first_chunk::<N>()) else { continue };
        for (sum, w) in sums.iter_mut().zip(row) {
            *sum += x * w;
        }
    }
    for ((z, sum), bias) in z.iter_mut().zip(sums).zip(bias) {
        *z = sum + bias;
    }
    Some(first + N)
}

/// Inputs whose gradients are summed side by side.
const ROWS: usize = 16;
/// Outputs whose weights are turned at a time: a tile of 2 kB.
const COLUMNS: usize = 32;

/// ∂C/∂x_i = Σ_j δ_j·w_ij for each image of `batch`; `view` shows an image's δ and where its gradient goes.
///
/// The sums run along the rows of `weights`, so tiles of it are turned, once for the whole batch, and vectors run
/// across the inputs.
#[inline(always)]
pub(crate) fn input_gradient<S, const IN: usize, const OUT: usize>(
    weights: &[[f32; OUT]; IN],
    batch: &mut [S],
    view: impl Fn(&mut S) -> (&[f32; OUT], &mut [f32; IN]),
) {
    let mut tile = [[0.0; ROWS]; COLUMNS];
    for (block, rows) in weights.chunks(ROWS).enumerate() {
        for first in (0..OUT).step_by(COLUMNS) {
            for (column, turned) in (first..OUT).zip(&mut tile) {
                for (w, row) in turned.iter_mut().zip(rows) {
                    *w = row[column];
                }
            }
            for sample in batch.iter_mut() {
                let (delta, gradient) = view(sample);
                let Some(gradient) = gradient.chunks_mut(ROWS).nth(block) else { continue };
                let mut sums = [0.0; ROWS];
                if first > 0 {
                    for (sum, gradient) in sums.iter_mut().zip(gradient.iter()) {
                        *sum = *gradient;
                    }
                }
                for (&delta, turned) in delta.iter().skip(first).zip(&tile) {
                    if delta == 0.0 {
                        continue;
                    }
                    for (sum, w) in sums.iter_mut().zip(turned) {
                        *sum += delta * w;
                    }
                }
                for (gradient, sum) in gradient.iter_mut().zip(sums) {
                    *gradient = sum;
                }
            }
        }
    }
}

/// Gradient and step in one pass over the weights of the inputs from `first` on; `view` shows an image's whole input
/// and its δ.
#[inline(always)]
pub(crate) fn update<S, const IN: usize, const OUT: usize>(
    weights: &mut [[f32; OUT]],
    first: usize,
    batch: &[S],
    view: impl Fn(&S) -> (&[f32; IN], &[f32; OUT]),
    sgd: &Sgd,
) {
    for (row, i) in weights.iter_mut().zip(first..) {
        // A row that no image reaches has the gradient 0, and stays as it is where nothing decays.
        if sgd.decay == 1.0 && batch.iter().all(|sample| view(sample).0[i] == 0.0) {
            continue;
        }
        let (blocks, rest) = row.as_chunks_mut::<COLUMNS>();
        let mut j = 0;
        for block in blocks {
            step(block, j, i, batch, &view, sgd);
            j += COLUMNS;
        }
        let (blocks, rest) = rest.as_chunks_mut::<4>();
        for block in blocks {
            step(block, j, i, batch, &view, sgd);
            j += 4;
        }
        for weight in rest {
            step(core::array::from_mut(weight), j, i, batch, &view, sgd);
            j += 1;
        }
    }
}

/// The step of the `N` weights from input `i` to the outputs from `j` on, their gradients in registers.
#[inline(always)]
fn step<S, const N: usize, const IN: usize, const OUT: usize>(
    weights: &mut [f32; N],
    j: usize,
    i: usize,
    batch: &[S],
    view: impl Fn(&S) -> (&[f32; IN], &[f32; OUT]),
    sgd: &Sgd,
) {
    let mut gradient = [0.0; N];
    for sample in batch {
        let (x, delta) = view(sample);
        let x = x[i];
        let Some(delta) = delta.get(j..).and_then(|delta| delta.first_chunk::<N>()) else { continue };
        if x == 0.0 {
            continue;
        }
        for (sum, delta) in gradient.iter_mut().zip(delta) {
            *sum += x * delta;
        }
    }
    for (weight, gradient) in weights.iter_mut().zip(gradient) {
        *weight = sgd.weight(*weight, gradient);
    }
}

/// b_j - rate·Σδ_j over the images; `view` shows an image's δ.
#[inline(always)]
pub(crate) fn update_bias<S, const OUT: usize>(
    bias: &mut [f32; OUT],
    batch: &[S],
    view: impl Fn(&S) -> &[f32; OUT],
    sgd: &Sgd,
) {
    for (j, bias) in bias.iter_mut().enumerate() {
        let mut gradient = 0.0;
        for sample in batch {
            gradient += view(sample)[j];
        }
        *bias = sgd.bias(*bias, gradient);
    }
}
