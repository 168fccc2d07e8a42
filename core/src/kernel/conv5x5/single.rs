//! Convolution of images with a single channel: there, a row of a filter has only five weights, and runs of values
//! that are not zero are short. So a square of 2x2 positions is summed as a whole, as a dense layer from the 36 pixels
//! under it; and on the way back, the 25 pixels under a position are made to lie side by side.

use super::{FILTERS, Filter, Filters, Image, forward::Output};
use crate::kernel::vector::{Aligned, Tile, Vector, add_rows};
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
    view: impl Fn(&mut S) -> (&[[[f32; C]; W]], Output),
) {
    let square = Aligned(square(filters));
    for sample in batch {
        let (image, mut out) = view(sample);
        // A bit for each pixel that is not zero.
        let mut rows = [0u64; H];
        for (bits, row) in rows.iter_mut().zip(image) {
            for (x, value) in row.as_flattened().iter().enumerate() {
                *bits |= u64::from(*value != 0.0) << x;
            }
        }
        let mut sums = Aligned([[[0.0; O]; 4]; W]);
        for top in (0..image.len().saturating_sub(4)).step_by(2) {
            for (sums, left) in sums.0.iter_mut().zip((0..W - 4).step_by(2)) {
                let mut window = 0;
                for (bits, y) in rows.iter().skip(top).zip(0..SIDE) {
                    window |= (bits >> left & 0b11_1111) << (y * SIDE);
                }
                let pixels = image.as_flattened().as_flattened().get(top * W + left..).unwrap_or(&[]);
                let terms = Bits(window).filter_map(|at| Some((at, *pixels.get(at / SIDE * W + at % SIDE)?)));
                *sums = [[0.0; O]; 4];
                add_rows::<V, [[f32; O]; 4]>(sums, &square.0, terms);
            }
            // Pooling comes after the whole row, when the sums have reached the cache.
            for (sums, left) in sums.0.iter().zip((0..W - 4).step_by(2)) {
                for y in (0..2).step_by(P::POOLING.side()) {
                    for x in (0..2).step_by(P::POOLING.side()) {
                        let index = (top + y) / P::POOLING.side() * ((W - 4) / P::POOLING.side())
                            + (left + x) / P::POOLING.side();
                        out.pool::<V, P, O>(index, bias, |at| {
                            sums.get((y + at / P::POOLING.side()) * 2 + x + at % P::POOLING.side())
                        });
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

/// The 25 pixels under a position, and what follows up to whole vectors.
const WINDOW: usize = 32;

/// As [`gradient`](super::gradient), where it [`fits`]: all δ, those that are zero too.
#[inline(always)]
pub(super) fn gradient<V: Vector, S, P: Pool, const H: usize, const W: usize, const C: usize, const O: usize>(
    gradients: &mut [Option<Filter<C>>],
    first: usize,
    batch: &[S],
    view: impl Fn(&S) -> (&Image<H, W, C>, &[f32], &[u8]),
) {
    let mut sums = [[0.0; WINDOW]; FILTERS];
    let mut columns = [[0.0; H]; W];
    // The five pixels from each one down: those of five neighbours are a window, by columns.
    let mut windows = [[[0.0; 5]; W]; H];
    for sample in batch {
        let (image, delta, which) = view(sample);
        for (y, row) in image.iter().enumerate() {
            for (column, pixel) in columns.iter_mut().zip(row.as_flattened()) {
                column[y] = *pixel;
            }
        }
        for (y, row) in windows.iter_mut().enumerate() {
            for (window, column) in row.iter_mut().zip(&columns) {
                if let Some(pixels) = column.get(y..).and_then(|column| column.first_chunk()) {
                    *window = *pixels;
                }
            }
        }
        let windows = windows.as_flattened().as_flattened();
        let hits = (delta.as_chunks::<O>().0, which.as_chunks::<O>().0);
        let sums = sums.get_mut(..gradients.len()).unwrap_or_default();
        // Side by side, for one filter alone would wait for each addition before the next; no more than the registers
        // hold.
        let mut done = 0;
        macro_rules! filters {
            ($($together:literal),*) => {$(
                while $together == 1 || Tile::<V, [f32; WINDOW], $together>::PASSES == 1 {
                    let sums = sums.get_mut(done..).and_then(|sums| sums.first_chunk_mut::<$together>());
                    let Some(sums) = sums else { break };
                    add_windows::<V, P, W, O, $together>(sums, first + done, windows, hits);
                    done += $together;
                }
            )*};
        }
        filters!(4, 2, 1);
    }
    for (gradient, sums) in gradients.iter_mut().zip(&sums) {
        let gradient = gradient.insert([[[0.0; C]; 5]; 5]);
        for (ky, row) in gradient.iter_mut().enumerate() {
            for (kx, weight) in row.iter_mut().enumerate() {
                *weight = [sums[kx * 5 + ky]; C];
            }
        }
    }
}

/// Adds to the sums of the filters from `o` on the window under each position, times its δ.
#[inline(always)]
fn add_windows<V: Vector, P: Pool, const W: usize, const O: usize, const N: usize>(
    sums: &mut [[f32; WINDOW]; N],
    o: usize,
    windows: &[f32],
    (delta, which): (&[[f32; O]], &[[u8; O]]),
) {
    let width = (W - 4) / P::POOLING.side();
    for pass in 0..Tile::<V, [f32; WINDOW], N>::PASSES {
        let mut tiles = [Tile::<V, [f32; WINDOW], N>::zero(); N];
        for (tile, sums) in tiles.iter_mut().zip(sums.iter()) {
            *tile = Tile::load(sums, pass);
        }
        for (y, (delta, which)) in delta.chunks(width).zip(which.chunks(width)).enumerate() {
            for (x, (delta, which)) in delta.iter().zip(which).enumerate() {
                let corner = (y * W + x) * P::POOLING.side() * 5;
                let (Some(delta), Some(which)) = (delta.get(o..o + N), which.get(o..o + N)) else { return };
                for ((tile, delta), which) in tiles.iter_mut().zip(delta).zip(which) {
                    let which = usize::from(*which);
                    let at = corner + (which / P::POOLING.side() * W + which % P::POOLING.side()) * 5;
                    tile.add_product(windows.get(at..).unwrap_or(&[]), pass, *delta);
                }
            }
        }
        for (tile, sums) in tiles.iter().zip(sums.iter_mut()) {
            tile.store(sums, pass);
        }
    }
}
