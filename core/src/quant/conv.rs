//! A convolution, its pooling and its activation, in integers.
//!
//! The positions that are pooled together are summed together, so that each weight is read once for all of them, and
//! only what the pooling makes of their sums is scaled: a map is never stored before it is pooled.

#[cfg(minnet_dsp)]
use super::kernel::dsp;
#[cfg(minnet_thumb1)]
use super::kernel::thumb1;
use super::kernel::{Four, halves, halves_mut, multiply_add, place, ram};
use super::ops::Next;
use super::requantize::Scale;
use super::weights::{Weights, Word};
use crate::op::Conv;
#[cfg(minnet_thumb1)]
use crate::pool::Pooling;

/// For each row of a filter of one channel, and each word of the pixels under it, the pair of weights for the left
/// positions of a square, and the one for the right positions, which begin a pixel later.
type Pair = [u32; 2];

/// How the sums of a square of 2x2 positions are computed.
pub(super) trait Squares {
    /// As many pairs of weights as a filter may have.
    type Pairs: AsRef<[Pair]> + AsMut<[Pair]>;
    const NO_PAIRS: Self::Pairs;

    /// In an image whose channels come in groups of four, from where the square's window begins.
    #[inline(always)]
    fn grouped<W: Weights>(op: Conv, filter: &[Word], window: &[u32]) -> [i32; 4] {
        grouped::<W>(op, filter, window)
    }

    /// In an image of one channel and an even width, from where the square's window begins.
    #[inline(always)]
    fn single(op: Conv, pairs: &Self::Pairs, window: &[u32]) -> [i32; 4] {
        single(op, pairs.as_ref(), window)
    }

    /// The greatest sums of a row of squares in such an image, if there is a loop for it.
    #[inline(always)]
    #[cfg(minnet_thumb1)]
    fn row_of_single<W: Weights>(_op: Conv, _filter: &[Word], _window: &[u32], _greatest: &mut [i32; 32]) -> bool {
        false
    }
}

/// For sizes that are known when the program runs.
pub(super) struct Variable;

impl Squares for Variable {
    // Enough for 9x9 pixels; larger filters are summed one by one.
    type Pairs = [Pair; 48];
    const NO_PAIRS: Self::Pairs = [[0; 2]; 48];
}

/// For filters of 5x5 over images of `WIDTH` pixels and `IN` channels, which the compiler knows: where there is a loop
/// in assembly for them, by that.
pub(super) struct Constant<const WIDTH: usize, const IN: usize>;

impl<const WIDTH: usize, const IN: usize> Squares for Constant<WIDTH, IN> {
    type Pairs = [Pair; 15];
    const NO_PAIRS: Self::Pairs = [[0; 2]; 15];

    #[cfg(minnet_dsp)]
    #[inline(always)]
    fn grouped<W: Weights>(op: Conv, filter: &[Word], window: &[u32]) -> [i32; 4] {
        if const { W::GROUPS == 1 && dsp::reaches(WIDTH, IN) } && op.pooling.side() == 2 {
            return dsp::square::<IN, WIDTH>(filter, window);
        }
        grouped::<W>(op, filter, window)
    }

    #[cfg(minnet_dsp)]
    #[inline(always)]
    fn single(op: Conv, pairs: &Self::Pairs, window: &[u32]) -> [i32; 4] {
        if const { dsp::reaches_single(WIDTH) } {
            return dsp::square_of_single::<WIDTH>(pairs, window);
        }
        single(op, pairs, window)
    }

    #[cfg(minnet_thumb1)]
    #[inline(always)]
    fn grouped<W: Weights>(op: Conv, filter: &[Word], window: &[u32]) -> [i32; 4] {
        if W::GROUPS == 1 && op.pooling.side() == 2 {
            return thumb1::square::<IN, WIDTH>(filter, window);
        }
        grouped::<W>(op, filter, window)
    }

    #[cfg(minnet_thumb1)]
    #[inline(always)]
    fn row_of_single<W: Weights>(op: Conv, filter: &[Word], window: &[u32], greatest: &mut [i32; 32]) -> bool {
        let is_there = W::GROUPS == 1 && matches!(op.pooling, Pooling::Max2);
        if is_there {
            thumb1::row_of_single::<WIDTH>(filter, window, greatest);
        }
        is_there
    }
}

/// Computes the layer from its words; what is too short is left as it is.
#[inline(always)]
pub(super) fn run<W: Weights, S: Squares>(op: Conv, words: &[Word], front: &mut [u32], back: &mut [u32], next: Next) {
    let Conv { width, channels, filters: outputs, pooling, .. } = op;
    let size = op.filter_height * W::WIDTH.words(op.filter_width * channels);
    let Some((filters, numbers)) = words.split_at_checked(outputs * size) else { return };
    let Some((biases, scales)) = numbers.split_at_checked(outputs) else { return };
    let Some(image) = front.get(..ram(op.inputs())) else { return };
    let values = halves_mut(back).as_flattened_mut();
    let hidden = op.activation.hidden();
    let mut pairs = S::NO_PAIRS;
    let is_single = channels == 1
        && pooling.side() == 2
        && width.is_multiple_of(2)
        && op.filter_height * across(op) <= pairs.as_ref().len();
    let numbers = biases.iter().zip(scales).enumerate();
    for (filter, (o, (bias, scale))) in filters.chunks_exact(size.max(1)).zip(numbers) {
        let (bias, scale) = (i32::from_le_bytes(*bias), Scale::from_word(*scale));
        if is_single {
            pair::<W>(op, filter, pairs.as_mut());
        }
        // All positions of a channel are at the same place of their group, or in no group.
        let mut at = place(o, next == Next::Grouped && outputs.is_multiple_of(4));
        #[cfg(minnet_thumb1)]
        let mut greatest = [0; 32];
        for y in 0..op.out_height() {
            #[cfg(minnet_thumb1)]
            let is_row = is_single
                && S::row_of_single::<W>(op, filter, image.get(y * width..).unwrap_or_default(), &mut greatest);
            #[cfg(not(minnet_thumb1))]
            let is_row = false;
            for x in 0..op.out_width() {
                let start = (y * width + x) * pooling.side() * channels;
                let sum = if is_row {
                    #[cfg(minnet_thumb1)]
                    {
                        greatest.get(x).copied().unwrap_or(0)
                    }
                    #[cfg(not(minnet_thumb1))]
                    0
                } else if is_single {
                    pooling.of_sums(S::single(op, &pairs, image.get(start / 2..).unwrap_or_default()))
                } else if channels.is_multiple_of(4) {
                    pooling.of_sums(S::grouped::<W>(op, filter, image.get(start / 2..).unwrap_or_default()))
                } else {
                    pooling.of_sums(one_by_one::<W>(op, filter, halves(image).as_flattened(), start))
                };
                let value = next.value(hidden, sum.wrapping_add(bias), scale);
                let index = if next == Next::Grouped && !outputs.is_multiple_of(4) { place(at, true) } else { at };
                if let Some(output) = values.get_mut(index) {
                    *output = value;
                }
                at += outputs;
            }
        }
    }
}

/// The sums of the positions of one square of the pooling, whose window begins with `window`, in groups of channels.
#[inline(always)]
fn grouped<W: Weights>(op: Conv, filter: &[Word], window: &[u32]) -> [i32; 4] {
    let (side, length) = (op.pooling.side(), op.filter_width * op.channels);
    let (row, groups) = (W::WIDTH.words(length), length / 4);
    // In words: to the next pixel, and to the pixel below.
    let (right, below) = (op.channels / 2, op.width * op.channels / 2);
    let mut sums = [0i32; 4];
    let end = (op.filter_height + side - 2) * below + (op.filter_width + side - 1) * right;
    let Some(window) = window.get(..end) else { return sums };
    let Some(filter) = filter.get(..op.filter_height * row) else { return sums };
    for (ky, row) in filter.chunks_exact(row.max(1)).enumerate() {
        for (at, word) in row.iter().enumerate() {
            for (part, four) in W::unpack(*word).into_iter().enumerate().take(W::GROUPS) {
                let group = at * W::GROUPS + part;
                if group >= groups {
                    break;
                }
                let four = Four::new(four);
                for (position, sum) in sums.iter_mut().enumerate().take(side * side) {
                    let first = (ky + position / side) * below + position % side * right + 2 * group;
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
fn one_by_one<W: Weights>(op: Conv, filter: &[Word], image: &[i16], start: usize) -> [i32; 4] {
    let (side, length) = (op.pooling.side(), op.filter_width * op.channels);
    let mut sums = [0i32; 4];
    for (ky, row) in filter.chunks_exact(W::WIDTH.words(length).max(1)).enumerate() {
        let groups = row.iter().flat_map(|word| W::unpack(*word).into_iter().take(W::GROUPS));
        let weights = groups.flat_map(u32::to_le_bytes).take(length);
        for (at, weight) in weights.enumerate() {
            for (position, sum) in sums.iter_mut().enumerate().take(side * side) {
                let pixel = start + ((ky + position / side) * op.width + position % side) * op.channels + at;
                let x = image.get(pixel).copied().unwrap_or(0);
                *sum = sum.wrapping_add(i32::from(weight as i8) * i32::from(x));
            }
        }
    }
    sums
}

/// Words under a row of a square's windows in an image of one channel.
#[inline(always)]
const fn across(op: Conv) -> usize {
    op.filter_width / 2 + 1
}

/// The pairs of weights of a filter of one channel.
#[inline(always)]
fn pair<W: Weights>(op: Conv, filter: &[Word], pairs: &mut [Pair]) {
    let rows = filter.chunks_exact(W::WIDTH.words(op.filter_width).max(1));
    for (pairs, row) in pairs.chunks_exact_mut(across(op)).zip(rows) {
        let groups = row.iter().flat_map(|word| W::unpack(*word).into_iter().take(W::GROUPS));
        let mut weights = groups.flat_map(u32::to_le_bytes).map(|byte| u32::from(byte as i8 as u16));
        let mut before = 0;
        for pair in pairs {
            let [even, odd] = core::array::from_fn(|_| weights.next().unwrap_or(0));
            *pair = [even | odd << 16, before | even << 16];
            before = odd;
        }
    }
}

/// The sums of a square whose window begins with `window`, in an image of one channel.
#[inline(always)]
fn single(op: Conv, pairs: &[Pair], window: &[u32]) -> [i32; 4] {
    let [mut a, mut b, mut c, mut d] = [0; 4];
    let (across, below) = (across(op), op.width / 2);
    for (ky, row) in pairs.chunks_exact(across).enumerate().take(op.filter_height) {
        let words = |y: usize| window.get(y * below..).and_then(|rest| rest.get(..across)).unwrap_or_default();
        for ((&[left, right], upper), lower) in row.iter().zip(words(ky)).zip(words(ky + 1)) {
            a = multiply_add(left, *upper, a);
            b = multiply_add(right, *upper, b);
            c = multiply_add(left, *lower, c);
            d = multiply_add(right, *lower, d);
        }
    }
    [a, b, c, d]
}
