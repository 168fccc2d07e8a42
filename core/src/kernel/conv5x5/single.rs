//! Convolution of images with a single channel: there, a row of a filter has only five weights, and runs of values
//! that are not zero are short. So a square of 2x2 positions is summed as a whole, as a dense layer from the 36 pixels
//! under it.

use super::{Filters, Image, forward::Output};
use crate::kernel::vector::{Vector, add_rows};
use crate::pool::Pool;

/// The side of the window under a square of positions.
const SIDE: usize = 6;

/// The weights that lead from each pixel of a window to the four positions of its square; 0 where a filter does not
/// reach.
type Square<const O: usize> = [[[f32; O]; 4]; SIDE * SIDE];

/// Whether images of this size are convolved here. The weights of a square are too large for a microcontroller's
/// stack.
pub(super) const fn fits(height: usize, width: usize, channels: usize) -> bool {
    channels == 1 && height.is_multiple_of(2) && width.is_multiple_of(2) && width <= 64 && !cfg!(target_os = "none")
}

/// As [`forward`](super::forward()), where it [`fits`].
#[inline(always)]
pub(super) fn forward<V: Vector, S, P: Pool, const H: usize, const W: usize, const C: usize, const O: usize>(
    filters: &Filters<C, O>,
    bias: &[f32; O],
    batch: &mut [S],
    view: impl Fn(&mut S) -> (&Image<H, W, C>, Output),
) {
    let square = square(filters);
    for sample in batch {
        let (image, mut out) = view(sample);
        // A bit for each pixel that is not zero.
        let mut rows = [0u64; H];
        for (bits, row) in rows.iter_mut().zip(image) {
            for (x, value) in row.as_flattened().iter().enumerate() {
                *bits |= u64::from(*value != 0.0) << x;
            }
        }
        for top in (0..H - 4).step_by(2) {
            for left in (0..W - 4).step_by(2) {
                let mut window = 0;
                for (bits, y) in rows.iter().skip(top).zip(0..SIDE) {
                    window |= (bits >> left & 0b11_1111) << (y * SIDE);
                }
                let pixels = image.as_flattened().as_flattened().get(top * W + left..).unwrap_or(&[]);
                let terms = Bits(window).filter_map(|at| Some((at, *pixels.get(at / SIDE * W + at % SIDE)?)));
                let mut sums = [[0.0; O]; 4];
                add_rows::<V, [[f32; O]; 4], 1>([&mut sums], [&square], terms);
                for y in (0..2).step_by(P::SIDE) {
                    for x in (0..2).step_by(P::SIDE) {
                        let index = (top + y) / P::SIDE * ((W - 4) / P::SIDE) + (left + x) / P::SIDE;
                        out.pool::<V, P, O>(index, bias, |at| sums.get((y + at / P::SIDE) * 2 + x + at % P::SIDE));
                    }
                }
            }
        }
    }
}

#[inline(always)]
fn square<const C: usize, const O: usize>(filters: &Filters<C, O>) -> Square<O> {
    let mut square = [[[0.0; O]; 4]; SIDE * SIDE];
    for (at, positions) in square.iter_mut().enumerate() {
        for (position, weights) in positions.iter_mut().enumerate() {
            let (ky, kx) = ((at / SIDE).wrapping_sub(position / 2), (at % SIDE).wrapping_sub(position % 2));
            let tap = filters.get(ky).and_then(|row| row.get(kx)).and_then(|tap| tap.first());
            *weights = tap.copied().unwrap_or([0.0; O]);
        }
    }
    square
}

/// The numbers of the bits that are 1, ascending.
#[derive(Clone)]
struct Bits(u64);

impl Iterator for Bits {
    type Item = usize;

    #[inline(always)]
    fn next(&mut self) -> Option<usize> {
        if self.0 == 0 {
            return None;
        }
        let number = self.0.trailing_zeros() as usize;
        self.0 &= self.0 - 1;
        Some(number)
    }
}
