//! A convolution with 5x5 filters, its pooling and its activation, in integers.
//!
//! The positions that are pooled together are summed together, so that each weight is read once for all of them, and
//! only their greatest sum is scaled: a map is never stored before it is pooled.

use super::build::Floats;
#[cfg(minnet_dsp)]
use super::kernel::dsp;
#[cfg(minnet_thumb1)]
use super::kernel::thumb1;
use super::kernel::{Four, halves, halves_mut, multiply_add, place, ram};
use super::layer::{Next, QuantLayer};
use super::requantize::{Rule, Scale, are_valid};
use super::weights::{Weights, Word, words};
use super::Build;
use crate::activation::Elementwise;
use crate::layers::Image;
use crate::layer::Layer;
use crate::layers::Conv5x5;
use crate::pool::Pool;
use crate::shape::{Size, Window};

impl<W, P, A, const HEIGHT: usize, const WIDTH: usize, const IN: usize, const OUT: usize>
    QuantLayer<Image<HEIGHT, WIDTH, IN>, W> for Conv5x5<IN, OUT, P, A>
where
    W: Weights,
    P: Pool,
    A: Elementwise + Rule,
    Size<HEIGHT>: Window<P>,
    Size<WIDTH>: Window<P>,
{
    const WORDS: usize = OUT * 5 * words::<W>(5 * IN) + 2 * OUT;
    const FRONT_WORDS: usize = ram(HEIGHT * WIDTH * IN);
    const BACK_WORDS: usize = ram(<Self as Layer<Image<HEIGHT, WIDTH, IN>>>::BACK);
    const GROUPED: bool = IN.is_multiple_of(4);
    const INNER: bool = A::HIDDEN.is_some();

    #[inline(always)]
    fn run(parameters: &[Word], front: &mut [u32], back: &mut [u32], next: Next) {
        const { assert!(25 * IN <= 1 << 15, "a quantized convolution takes at most 1310 channels: sums have 32 bits") }
        let row = words::<W>(5 * IN);
        let Some((filters, numbers)) = parameters.split_at_checked(OUT * 5 * row) else { return };
        let Some((biases, scales)) = numbers.split_at_checked(OUT) else { return };
        let Some(image) = front.get(..ram(HEIGHT * WIDTH * IN)) else { return };
        let outputs = halves_mut(back).as_flattened_mut();
        let numbers = biases.iter().zip(scales).enumerate();
        let is_single = IN == 1 && P::POOLING.side() == 2 && WIDTH.is_multiple_of(2);
        for (filter, (o, (bias, scale))) in filters.chunks_exact(5 * row).zip(numbers) {
            let (bias, scale) = (i32::from_le_bytes(*bias), Scale::from_word(*scale));
            let pairs = if IN == 1 { single::pairs::<W>(filter) } else { single::NONE };
            // All positions of a channel are at the same place of their group, or in no group.
            let mut at = place(o, next == Next::Grouped && OUT.is_multiple_of(4));
            #[cfg(minnet_thumb1)]
            let mut row = [0; 32];
            for y in 0..(HEIGHT - 4) / P::POOLING.side() {
                #[cfg(minnet_thumb1)]
                if is_single && W::GROUPS == 1 {
                    let window = image.get(y * WIDTH..).unwrap_or_default();
                    thumb1::row_of_single::<WIDTH>(filter, window, &mut row);
                }
                for x in 0..(WIDTH - 4) / P::POOLING.side() {
                    let start = (y * WIDTH + x) * P::POOLING.side() * IN;
                    let sums = if is_single {
                        #[cfg(minnet_thumb1)]
                        if W::GROUPS == 1 {
                            row.get(x).map_or([0; 4], |greatest| [*greatest; 4])
                        } else {
                            single::sums::<WIDTH>(&pairs, image.get(start / 2..).unwrap_or_default())
                        }
                        #[cfg(not(minnet_thumb1))]
                        single::sums::<WIDTH>(&pairs, image.get(start / 2..).unwrap_or_default())
                    } else if IN.is_multiple_of(4) {
                        grouped::<W, P, WIDTH, IN>(filter, image.get(start / 2..).unwrap_or_default())
                    } else {
                        one_by_one::<W, P, WIDTH, IN>(filter, halves(image).as_flattened(), start)
                    };
                    let sums = sums.iter().take(P::POOLING.side() * P::POOLING.side());
                    let greatest = sums.fold(i32::MIN, |greatest, &sum| if sum > greatest { sum } else { greatest });
                    let value = next.value(A::HIDDEN, greatest.wrapping_add(bias), scale);
                    let index = if next == Next::Grouped && !OUT.is_multiple_of(4) { place(at, true) } else { at };
                    if let Some(output) = outputs.get_mut(index) {
                        *output = value;
                    }
                    at += OUT;
                }
            }
        }
    }

    fn is_valid(words: &[Word]) -> bool {
        are_valid(words, OUT)
    }

    fn build(&self, input_step: f32, next: Next, build: &mut Build<'_>) -> f32 {
        let taps = self.filters.as_flattened().as_flattened();
        let weight = |o: usize, i: usize| taps.get(i).and_then(|tap| tap.get(o)).copied().unwrap_or(0.0);
        let floats = Floats { weights: 25 * IN, row: 5 * IN, weight, bias: &self.bias };
        build.layer::<W, OUT>(&floats, input_step, next.hidden(A::HIDDEN))
    }
}

/// The sums of the positions of one square of the pooling, whose window begins with `window`, in groups of channels.
#[inline(always)]
fn grouped<W: Weights, P: Pool, const WIDTH: usize, const IN: usize>(filter: &[Word], window: &[u32]) -> [i32; 4] {
    let (row, groups) = (words::<W>(5 * IN), 5 * IN / 4);
    // In words: to the next pixel, and to the pixel below.
    let (right, below) = (IN / 2, WIDTH * IN / 2);
    let mut sums = [0i32; 4];
    #[cfg(minnet_dsp)]
    if const { W::GROUPS == 1 && P::POOLING.side() == 2 && dsp::reaches(WIDTH, IN) } {
        return dsp::square::<IN, WIDTH>(filter, window);
    }
    #[cfg(minnet_thumb1)]
    if const { W::GROUPS == 1 && P::POOLING.side() == 2 } {
        return thumb1::square::<IN, WIDTH>(filter, window);
    }
    let Some(window) = window.get(..(3 + P::POOLING.side()) * below + (4 + P::POOLING.side()) * right) else {
        return sums;
    };
    let Some(filter) = filter.get(..5 * row) else { return sums };
    for (ky, row) in filter.chunks_exact(row).enumerate() {
        for (at, word) in row.iter().enumerate() {
            for (part, four) in W::unpack(*word).into_iter().enumerate().take(W::GROUPS) {
                let group = at * W::GROUPS + part;
                if group >= groups {
                    break;
                }
                let four = Four::new(four);
                for (position, sum) in sums.iter_mut().enumerate().take(P::POOLING.side() * P::POOLING.side()) {
                    let first =
                        (ky + position / P::POOLING.side()) * below + position % P::POOLING.side() * right + 2 * group;
                    if let Some(x) = window.get(first..).and_then(|rest| rest.first_chunk()) {
                        *sum = four.multiply_add(*x, *sum);
                    }
                }
            }
        }
    }
    sums
}

/// The same for any number of channels, in their natural order.
#[inline(always)]
fn one_by_one<W: Weights, P: Pool, const WIDTH: usize, const IN: usize>(
    filter: &[Word],
    image: &[i16],
    start: usize,
) -> [i32; 4] {
    let mut sums = [0i32; 4];
    for (ky, row) in filter.chunks_exact(words::<W>(5 * IN)).enumerate() {
        let groups = row.iter().flat_map(|word| W::unpack(*word).into_iter().take(W::GROUPS));
        let weights = groups.flat_map(u32::to_le_bytes).take(5 * IN);
        for (at, weight) in weights.enumerate() {
            for (position, sum) in sums.iter_mut().enumerate().take(P::POOLING.side() * P::POOLING.side()) {
                let pixel =
                    start + ((ky + position / P::POOLING.side()) * WIDTH + position % P::POOLING.side()) * IN + at;
                let x = image.get(pixel).copied().unwrap_or(0);
                *sum = sum.wrapping_add(i32::from(weight as i8) * i32::from(x));
            }
        }
    }
    sums
}

/// Images of one channel under squares of 2x2 positions: pixels come in pairs as they lie in a word, for positions at
/// an even and at an odd pixel.
mod single {
    #[cfg(minnet_dsp)]
    use super::dsp;
    use super::{Weights, Word, multiply_add, words};

    /// For each row of a filter and each word of the pixels under it, the pair of weights for the left positions of a
    /// square, and the one for the right positions, which begin a pixel later.
    pub type Pairs = [[[u32; 2]; 3]; 5];

    pub const NONE: Pairs = [[[0; 2]; 3]; 5];

    #[inline(always)]
    pub fn pairs<W: Weights>(filter: &[Word]) -> Pairs {
        let mut pairs = NONE;
        for (pairs, row) in pairs.iter_mut().zip(filter.chunks_exact(words::<W>(5))) {
            let groups = row.iter().flat_map(|word| W::unpack(*word).into_iter().take(W::GROUPS));
            let mut weights = groups.flat_map(u32::to_le_bytes).map(|byte| u32::from(byte as i8 as u16));
            let [a, b, c, d, e] = core::array::from_fn(|_| weights.next().unwrap_or(0));
            *pairs = [[a | b << 16, a << 16], [c | d << 16, b | c << 16], [e, d | e << 16]];
        }
        pairs
    }

    /// The sums of a square whose window begins with `window`.
    #[inline(always)]
    pub fn sums<const WIDTH: usize>(pairs: &Pairs, window: &[u32]) -> [i32; 4] {
        #[cfg(minnet_dsp)]
        if const { dsp::reaches_single(WIDTH) } {
            return dsp::square_of_single::<WIDTH>(pairs, window);
        }
        let [mut a, mut b, mut c, mut d] = [0; 4];
        let Some(window) = window.get(..5 * WIDTH / 2 + 3) else { return [0; 4] };
        for (ky, row) in pairs.iter().enumerate() {
            for (at, &[left, right]) in row.iter().enumerate() {
                let (upper, lower) = (window[ky * WIDTH / 2 + at], window[(ky + 1) * WIDTH / 2 + at]);
                a = multiply_add(left, upper, a);
                b = multiply_add(right, upper, b);
                c = multiply_add(left, lower, c);
                d = multiply_add(right, lower, d);
            }
        }
        [a, b, c, d]
    }
}
