//! A dense layer's inner loops. `weights[i][j]` leads from input i to output j.

use super::vector::{Tile, Vector, add_rows, list_nonzero, listed, transpose};
use crate::sgd::Sgd;

/// Inputs whose weights are used by all images before the next: their rows stay in the cache.
const ROWS: usize = if cfg!(target_os = "none") { 32 } else { 64 };
/// Images whose non-zero values are listed at the same time. A microcontroller has one, and little stack.
pub(crate) const IMAGES: usize = if cfg!(target_os = "none") { 1 } else { 16 };

/// The indices of the values that are not zero in a block of at most `ROWS`.
#[derive(Clone, Copy)]
struct Nonzero {
    indices: [u16; ROWS],
    count: usize,
}

impl Nonzero {
    const NONE: Self = Self { indices: [0; ROWS], count: 0 };

    #[inline(always)]
    fn list(&mut self, values: &[f32]) {
        self.count = list_nonzero(&mut self.indices, 0, values, 0);
    }

    #[inline(always)]
    fn indices(&self) -> &[u16] {
        self.indices.get(..self.count).unwrap_or(&[])
    }
}

/// z_j = Σ_i x_i·w_ij + b_j for each image of `batch`; `view` shows an image's x and z.
#[inline(always)]
pub(crate) fn forward<V: Vector, S, const IN: usize, const OUT: usize>(
    weights: &[[f32; OUT]; IN],
    bias: &[f32; OUT],
    batch: &mut [S],
    view: impl Fn(&mut S) -> (&[f32; IN], &mut [f32; OUT]),
) {
    if OUT < V::LANES && V::LANES > 1 {
        return forward::<V::Half, S, IN, OUT>(weights, bias, batch, view);
    }
    for images in batch.chunks_mut(IMAGES) {
        for image in images.iter_mut() {
            view(image).1.fill(0.0);
        }
        for (rows, first) in weights.chunks(ROWS).zip((0..).step_by(ROWS)) {
            let mut lists = [Nonzero::NONE; IMAGES];
            for (image, list) in images.iter_mut().zip(&mut lists) {
                list.list(block(view(image).0, first));
            }
            for (image, list) in images.iter_mut().zip(&lists) {
                let (x, z) = view(image);
                add_rows::<V, [f32; OUT], 1>([z], [rows], listed(list.indices(), block(x, first), 0));
            }
        }
        for image in images {
            for (z, bias) in view(image).1.iter_mut().zip(bias) {
                *z += bias;
            }
        }
    }
}

/// The values from `first` on, at most [`ROWS`].
#[inline(always)]
fn block(values: &[f32], first: usize) -> &[f32] {
    let end = values.len().min(first + ROWS);
    values.get(first..end).unwrap_or(&[])
}

/// Inputs whose gradients are summed side by side.
const ACROSS: usize = if cfg!(target_os = "none") { 16 } else { 64 };

/// ∂C/∂x_i = Σ_j δ_j·w_ij for each image of `batch`; `view` shows an image's δ and where its gradient goes.
///
/// The sums run along the rows of `weights`, so tiles of it are turned, once for the whole batch, and vectors run
/// across the inputs.
#[inline(always)]
pub(crate) fn input_gradient<V: Vector, S, const IN: usize, const OUT: usize>(
    weights: &[[f32; OUT]; IN],
    batch: &mut [S],
    view: impl Fn(&mut S) -> (&[f32; OUT], &mut [f32; IN]),
) {
    let mut turned = [[0.0; ACROSS]; ROWS];
    for images in batch.chunks_mut(IMAGES) {
        for image in images.iter_mut() {
            view(image).1.fill(0.0);
        }
        for first in (0..OUT).step_by(ROWS) {
            let mut lists = [Nonzero::NONE; IMAGES];
            for (image, list) in images.iter_mut().zip(&mut lists) {
                list.list(block(view(image).0, first));
            }
            for (number, rows) in weights.chunks(ACROSS).enumerate() {
                turn(rows, first, &mut turned);
                for (image, list) in images.iter_mut().zip(&lists) {
                    let (delta, gradient) = view(image);
                    let terms = listed(list.indices(), block(delta, first), 0);
                    let (whole, rest) = gradient.as_chunks_mut::<ACROSS>();
                    if let Some(sums) = whole.get_mut(number) {
                        add_rows::<V, [f32; ACROSS], 1>([sums], [&turned], terms);
                    } else {
                        let mut sums = [0.0; ACROSS];
                        sums.iter_mut().zip(rest.iter()).for_each(|(sum, gradient)| *sum = *gradient);
                        add_rows::<V, [f32; ACROSS], 1>([&mut sums], [&turned], terms);
                        rest.iter_mut().zip(sums).for_each(|(gradient, sum)| *gradient = sum);
                    }
                }
            }
        }
    }
}

/// Writes the weights to the outputs from `first` on, by outputs.
#[inline(always)]
fn turn<const OUT: usize>(rows: &[[f32; OUT]], first: usize, turned: &mut [[f32; ACROSS]; ROWS]) {
    let (blocks, rest) = rows.as_chunks::<4>();
    for (number, rows) in blocks.iter().enumerate() {
        let rows = rows.each_ref().map(|row| block(row, first).as_chunks::<4>());
        let [a, b, c, d] = rows.map(|(blocks, _)| blocks);
        for ((((a, b), c), d), turned) in a.iter().zip(b).zip(c).zip(d).zip(turned.as_chunks_mut::<4>().0) {
            for (turned, column) in turned.iter_mut().zip(transpose([*a, *b, *c, *d])) {
                if let Some(place) = turned.as_chunks_mut::<4>().0.get_mut(number) {
                    *place = column;
                }
            }
        }
        for ((_, rest), i) in rows.iter().zip(4 * number..) {
            for (w, turned) in rest.iter().zip(turned.iter_mut().skip(4 * a.len())) {
                if let Some(place) = turned.get_mut(i) {
                    *place = *w;
                }
            }
        }
    }
    for (row, i) in rest.iter().zip(4 * blocks.len()..) {
        for (w, turned) in block(row, first).iter().zip(turned.iter_mut()) {
            if let Some(place) = turned.get_mut(i) {
                *place = *w;
            }
        }
    }
}

/// Gradient and step in one pass over the weights of the inputs from `first` on; `view` shows an image's whole input
/// and its δ.
#[inline(always)]
pub(crate) fn update<V: Vector, S, const IN: usize, const OUT: usize>(
    weights: &mut [[f32; OUT]],
    first: usize,
    batch: &[S],
    view: impl Fn(&S) -> (&[f32; IN], &[f32; OUT]),
    sgd: &Sgd,
) {
    if OUT < V::LANES && V::LANES > 1 {
        return update::<V::Half, S, IN, OUT>(weights, first, batch, view, sgd);
    }
    for (row, i) in weights.iter_mut().zip(first..) {
        // A row that no image reaches has the gradient 0, and stays as it is where nothing decays.
        if sgd.decay == 1.0 && batch.iter().all(|image| view(image).0[i] == 0.0) {
            continue;
        }
        for pass in 0..Tile::<V, [f32; OUT], 1>::PASSES {
            let mut gradient = Tile::<V, [f32; OUT], 1>::zero();
            for image in batch {
                let (x, delta) = view(image);
                if x[i] != 0.0 {
                    gradient.add_product(delta, pass, x[i]);
                }
            }
            gradient.step(row, pass, sgd);
        }
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
