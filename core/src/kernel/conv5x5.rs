//! A 5x5 convolution's inner loops, on images with channels last.
//!
//! `filters[ky][kx][c][o]` leads from channel c of the pixel (y + ky, x + kx) to channel o of the position (y, x).
//! An output is δ after pooling: each value of it belongs to one position of the map, which `which` remembers.

use crate::pool::Pool;
use crate::sgd::Sgd;

/// An image, channels last.
pub(crate) type Image<const H: usize, const W: usize, const C: usize> = [[[f32; C]; W]; H];
/// The weights of `O` filters over `C` channels.
pub(crate) type Filters<const C: usize, const O: usize> = [[[[f32; O]; C]; 5]; 5];

/// Convolution, pooling, and bias, for one image.
///
/// `out` has one value for each pooled position and filter; `which`, if given, gets the position in its square that
/// each of them came from, by rows.
#[inline(always)]
pub(crate) fn forward<P: Pool, const H: usize, const W: usize, const C: usize, const O: usize>(
    image: &Image<H, W, C>,
    filters: &Filters<C, O>,
    bias: &[f32; O],
    out: &mut [f32],
    mut which: Option<&mut [u8]>,
) {
    let width = (W - 4) / P::SIDE;
    for (index, out) in out.as_chunks_mut::<O>().0.iter_mut().enumerate() {
        let which = which.as_deref_mut().and_then(|which| which.as_chunks_mut::<O>().0.get_mut(index));
        let corner = (index / width * P::SIDE, index % width * P::SIDE);
        let mut which = which.map(|which| &mut which[..]);
        let mut o = 0;
        while let Some(done) = block::<P, 32, H, W, C, O>(image, filters, bias, corner, out, &mut which, o) {
            o = done;
        }
        while let Some(done) = block::<P, 8, H, W, C, O>(image, filters, bias, corner, out, &mut which, o) {
            o = done;
        }
        while let Some(done) = block::<P, 4, H, W, C, O>(image, filters, bias, corner, out, &mut which, o) {
            o = done;
        }
        while let Some(done) = block::<P, 1, H, W, C, O>(image, filters, bias, corner, out, &mut which, o) {
            o = done;
        }
    }
}

/// `N` neighbouring channels of one pooling square, their sums in registers; gives the next channel, or `None` where
/// fewer than `N` are left.
#[inline(always)]
fn block<P: Pool, const N: usize, const H: usize, const W: usize, const C: usize, const O: usize>(
    image: &Image<H, W, C>,
    filters: &Filters<C, O>,
    bias: &[f32; O],
    (top, left): (usize, usize),
    out: &mut [f32; O],
    which: &mut Option<&mut [u8]>,
    first: usize,
) -> Option<usize> {
    let out = out.get_mut(first..)?.first_chunk_mut::<N>()?;
    let bias = bias.get(first..)?.first_chunk::<N>()?;
    // One sum for each position of the square: up to 2 x 2.
    let mut sums = [[0.0; N]; 4];
    let positions = P::SIDE * P::SIDE;
    for (ky, filters) in filters.iter().enumerate() {
        for (kx, filters) in filters.iter().enumerate() {
            for (c, filters) in filters.iter().enumerate() {
                let Some(w) = filters.get(first..).and_then(|w| w.first_chunk::<N>()) else { continue };
                for (position, sums) in sums.iter_mut().take(positions).enumerate() {
                    let (y, x) = (position / P::SIDE, position % P::SIDE);
                    let pixel = image[top + y + ky][left + x + kx][c];
                    for (sum, w) in sums.iter_mut().zip(w) {
                        *sum += pixel * w;
                    }
                }
            }
        }
    }
    let mut best = sums[0];
    let mut best_at = [0u8; N];
    for (position, sums) in sums.iter().take(positions).enumerate().skip(1) {
        for ((best, at), &sum) in best.iter_mut().zip(&mut best_at).zip(sums) {
            if sum > *best {
                *best = sum;
                *at = position as u8;
            }
        }
    }
    for ((out, best), bias) in out.iter_mut().zip(best).zip(bias) {
        *out = best + bias;
    }
    if let Some(which) = which.as_deref_mut().and_then(|w| w.get_mut(first..)).and_then(|w| w.first_chunk_mut::<N>()) {
        *which = best_at;
    }
    Some(first + N)
}

/// ∂C/∂(image): each δ that is not zero adds its filter to the pixels under it. `view` shows a sample's δ, its
/// positions, and where its gradient goes.
#[inline(always)]
pub(crate) fn input_gradient<S, P: Pool, const H: usize, const W: usize, const C: usize, const O: usize>(
    filters: &Filters<C, O>,
    batch: &mut [S],
    view: impl Fn(&mut S) -> (&[f32], &[u8], &mut Image<H, W, C>),
) {
    for sample in batch.iter_mut() {
        view(sample).2.as_flattened_mut().as_flattened_mut().fill(0.0);
    }
    for o in 0..O {
        let mut filter = [[[0.0; C]; 5]; 5];
        let taps = filters.as_flattened().as_flattened();
        for (w, tap) in filter.as_flattened_mut().as_flattened_mut().iter_mut().zip(taps) {
            *w = tap[o];
        }
        for sample in batch.iter_mut() {
            let (delta, which, gradient) = view(sample);
            for (delta, (y, x)) in hits::<P, W, O>(delta, which, o) {
                for (row, filter) in gradient[y..].iter_mut().zip(&filter) {
                    let Some(run) = row[x..].first_chunk_mut::<5>() else { continue };
                    for (pixel, w) in run.iter_mut().zip(filter) {
                        for (gradient, w) in pixel.iter_mut().zip(w) {
                            *gradient += delta * w;
                        }
                    }
                }
            }
        }
    }
}

/// The δ of channel `o` that are not zero, each with its row and column in the map.
#[inline(always)]
fn hits<P: Pool, const W: usize, const O: usize>(
    delta: &[f32],
    which: &[u8],
    o: usize,
) -> impl Iterator<Item = (f32, (usize, usize))> {
    let width = (W - 4) / P::SIDE;
    let positions = delta.as_chunks::<O>().0.iter().zip(which.as_chunks::<O>().0);
    positions.enumerate().filter_map(move |(index, (delta, which))| {
        let which = usize::from(which[o]);
        let at = (index / width * P::SIDE + which / P::SIDE, index % width * P::SIDE + which % P::SIDE);
        (delta[o] != 0.0).then_some((delta[o], at))
    })
}

/// Gradient and step of the filters' rows from `first` on, and of no others; `view` shows a sample's input, its δ
/// and the positions.
#[inline(always)]
pub(crate) fn update<S, P: Pool, const H: usize, const W: usize, const C: usize, const O: usize>(
    rows: &mut [[[[f32; O]; C]; 5]],
    first: usize,
    batch: &[S],
    view: impl Fn(&S) -> (&Image<H, W, C>, &[f32], &[u8]),
    sgd: &Sgd,
) {
    for o in 0..O {
        let mut gradient = [[[0.0; C]; 5]; 5];
        for sample in batch {
            let (pixels, delta, which) = view(sample);
            for (delta, (y, x)) in hits::<P, W, O>(delta, which, o) {
                for (sums, pixels) in gradient.iter_mut().take(rows.len()).zip(&pixels[y + first..]) {
                    let Some(run) = pixels[x..].first_chunk::<5>() else { continue };
                    for (sums, pixel) in sums.iter_mut().zip(run) {
                        for (sum, x) in sums.iter_mut().zip(pixel) {
                            *sum += x * delta;
                        }
                    }
                }
            }
        }
        for (row, gradient) in rows.iter_mut().zip(&gradient) {
            for (tap, gradient) in row.iter_mut().zip(gradient) {
                for (w, &gradient) in tap.iter_mut().zip(gradient) {
                    w[o] = sgd.weight(w[o], gradient);
                }
            }
        }
    }
}

/// b_o - rate·Σδ_o over the samples and positions; `view` shows a sample's δ.
#[inline(always)]
pub(crate) fn update_bias<S, const O: usize>(bias: &mut [f32; O], batch: &[S], view: impl Fn(&S) -> &[f32], sgd: &Sgd) {
    for (o, bias) in bias.iter_mut().enumerate() {
        let mut gradient = 0.0;
        for sample in batch {
            for delta in view(sample).as_chunks::<O>().0 {
                gradient += delta[o];
            }
        }
        *bias = sgd.bias(*bias, gradient);
    }
}
