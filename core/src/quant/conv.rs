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
use crate::activation::Activation;
use crate::op::Conv;
use crate::pool::Pool;
#[cfg(minnet_thumb1)]
use crate::pool::Pooling;
use core::hint::black_box;
use core::marker::PhantomData;

/// For each row of a filter of one channel, and each word of the pixels under it, the pair of weights for the left
/// positions of a square, and the one for the right positions, which begin a pixel later.
type Pair = [u32; 2];

/// A convolution's operator, as a value or as a type, and its loops.
pub(super) trait Operator: Copy {
    /// As many pairs of weights as a filter may have.
    type Pairs: AsRef<[Pair]> + AsMut<[Pair]>;
    const NO_PAIRS: Self::Pairs;

    fn op(self) -> Conv;

    /// The pairs of weights of a filter.
    #[inline(always)]
    fn pairs<W: Weights>(self, filter: &[Word]) -> Self::Pairs {
        let mut pairs = Self::NO_PAIRS;
        pair::<W>(filter, self.op().filter_width, pairs.as_mut());
        pairs
    }

    /// The sums of a square in an image whose channels come in groups of four, from where the square's window begins.
    #[inline(always)]
    fn grouped<W: Weights>(self, filter: &[Word], window: &[u32]) -> [i32; 4] {
        grouped::<W>(self.op(), filter, window)
    }

    /// The same in an image of one channel and an even width.
    #[inline(always)]
    fn single(self, pairs: &Self::Pairs, window: &[u32]) -> [i32; 4] {
        single(self.op(), pairs.as_ref(), window)
    }

    /// The greatest sums of a row of squares in such an image, if there is a loop for it.
    #[cfg(minnet_thumb1)]
    #[inline(always)]
    fn row_of_single<W: Weights>(self, _filter: &[Word], _window: &[u32], _greatest: &mut [i32; 32]) -> bool {
        false
    }
}

/// What is known only when the program runs.
impl Operator for Conv {
    // Enough for 9x9 pixels; larger filters are summed one by one.
    type Pairs = [Pair; 45];
    const NO_PAIRS: Self::Pairs = [[0; 2]; 45];

    #[inline(always)]
    fn op(self) -> Conv {
        self
    }
}

/// What the compiler knows of [`Conv5x5`](crate::layers::Conv5x5): where there is a loop in assembly, it is taken.
pub(super) struct Constant<const HEIGHT: usize, const WIDTH: usize, const IN: usize, const OUT: usize, P, A>(
    PhantomData<(P, A)>,
);

impl<const HEIGHT: usize, const WIDTH: usize, const IN: usize, const OUT: usize, P: Pool, A: Activation>
    Constant<HEIGHT, WIDTH, IN, OUT, P, A>
{
    pub(super) const VALUE: Self = Self(PhantomData);
    pub(super) const OP: Conv = Conv {
        height: HEIGHT,
        width: WIDTH,
        channels: IN,
        filter_height: 5,
        filter_width: 5,
        filters: OUT,
        pooling: P::POOLING,
        activation: A::FUNCTION,
    };
}

impl<const HEIGHT: usize, const WIDTH: usize, const IN: usize, const OUT: usize, P, A> Clone
    for Constant<HEIGHT, WIDTH, IN, OUT, P, A>
{
    fn clone(&self) -> Self {
        *self
    }
}

impl<const HEIGHT: usize, const WIDTH: usize, const IN: usize, const OUT: usize, P, A> Copy
    for Constant<HEIGHT, WIDTH, IN, OUT, P, A>
{
}

impl<const HEIGHT: usize, const WIDTH: usize, const IN: usize, const OUT: usize, P: Pool, A: Activation> Operator
    for Constant<HEIGHT, WIDTH, IN, OUT, P, A>
{
    type Pairs = [Pair; 15];
    const NO_PAIRS: Self::Pairs = [[0; 2]; 15];

    #[inline(always)]
    fn op(self) -> Conv {
        Self::OP
    }

    #[cfg(minnet_dsp)]
    #[inline(always)]
    fn grouped<W: Weights>(self, filter: &[Word], window: &[u32]) -> [i32; 4] {
        if const { W::GROUPS == 1 && P::POOLING.side() == 2 && dsp::reaches(WIDTH, IN) } {
            return dsp::square::<IN, WIDTH>(filter, window);
        }
        grouped::<W>(Self::OP, filter, window)
    }

    #[cfg(minnet_dsp)]
    #[inline(always)]
    fn single(self, pairs: &Self::Pairs, window: &[u32]) -> [i32; 4] {
        if const { dsp::reaches_single(WIDTH) } {
            return dsp::square_of_single::<WIDTH>(pairs, window);
        }
        single(Self::OP, pairs, window)
    }

    #[cfg(minnet_thumb1)]
    #[inline(always)]
    fn pairs<W: Weights>(self, filter: &[Word]) -> Self::Pairs {
        let mut pairs = Self::NO_PAIRS;
        if const { !has_row::<W>(P::POOLING) } {
            pair::<W>(filter, 5, &mut pairs);
        }
        pairs
    }

    #[cfg(minnet_thumb1)]
    #[inline(always)]
    fn grouped<W: Weights>(self, filter: &[Word], window: &[u32]) -> [i32; 4] {
        if const { W::GROUPS == 1 && P::POOLING.side() == 2 } {
            return thumb1::square::<IN, WIDTH>(filter, window);
        }
        grouped::<W>(Self::OP, filter, window)
    }

    #[cfg(minnet_thumb1)]
    #[inline(always)]
    fn row_of_single<W: Weights>(self, filter: &[Word], window: &[u32], greatest: &mut [i32; 32]) -> bool {
        if const { has_row::<W>(P::POOLING) } {
            thumb1::row_of_single::<WIDTH>(filter, window, greatest);
        }
        const { has_row::<W>(P::POOLING) }
    }
}

/// Whether there is a loop for a row of squares.
#[cfg(minnet_thumb1)]
const fn has_row<W: Weights>(pooling: Pooling) -> bool {
    W::GROUPS == 1 && matches!(pooling, Pooling::Max2)
}

/// Computes the layer from its words; what is too short is left as it is.
#[inline(always)]
pub(super) fn run<W: Weights>(
    operator: impl Operator,
    words: &[Word],
    front: &mut [u32],
    back: &mut [u32],
    next: Next,
) {
    let op = operator.op();
    let size = op.filter_height * W::WIDTH.words(op.filter_width * op.channels);
    let Some((filters, numbers)) = words.split_at_checked(op.filters * size) else { return };
    let Some((biases, scales)) = numbers.split_at_checked(op.filters) else { return };
    let Some(image) = front.get(..ram(op.inputs())) else { return };
    let outputs = halves_mut(back).as_flattened_mut();
    // The compiler would unroll a loop of few channels whose end it knows.
    for o in 0..black_box(op.filters) {
        let Some(filter) = filters.get(o * size..).and_then(|rest| rest.get(..size)) else { return };
        let (Some(bias), Some(scale)) = (biases.get(o), scales.get(o)) else { return };
        let (bias, scale) = (i32::from_le_bytes(*bias), Scale::from_word(*scale));
        channel::<W, _>(operator, filter, (bias, scale), image, outputs, o, next);
    }
}

/// Computes channel `o` of the output.
#[inline(always)]
fn channel<W: Weights, O: Operator>(
    operator: O,
    filter: &[Word],
    (bias, scale): (i32, Scale),
    image: &[u32],
    outputs: &mut [u16],
    o: usize,
    next: Next,
) {
    let op = operator.op();
    let Conv { width, channels, filters, pooling, .. } = op;
    let is_single = channels == 1
        && pooling.side() == 2
        && width.is_multiple_of(2)
        && op.filter_height * across(op.filter_width) <= O::NO_PAIRS.as_ref().len();
    let pairs = if is_single { operator.pairs::<W>(filter) } else { O::NO_PAIRS };
    // All positions of a channel are at the same place of their group, or in no group.
    let mut at = place(o, next == Next::Grouped && filters.is_multiple_of(4));
    #[cfg(minnet_thumb1)]
    let mut greatest = [0; 32];
    for y in 0..op.out_height() {
        let start = y * width * pooling.side() * channels;
        #[cfg(minnet_thumb1)]
        let is_row =
            is_single && operator.row_of_single::<W>(filter, image.get(start / 2..).unwrap_or_default(), &mut greatest);
        for x in 0..op.out_width() {
            let start = start + x * pooling.side() * channels;
            let window = image.get(start / 2..).unwrap_or_default();
            let sums = if is_single {
                operator.single(&pairs, window)
            } else if channels.is_multiple_of(4) {
                operator.grouped::<W>(filter, window)
            } else {
                one_by_one::<W>(op, filter, halves(image).as_flattened(), start)
            };
            let sum = pooling.of_sums(sums);
            #[cfg(minnet_thumb1)]
            let sum = if is_row { greatest.get(x).copied().unwrap_or(0) } else { sum };
            let value = next.value(op.activation.hidden(), sum.wrapping_add(bias), scale);
            let index = if next == Next::Grouped && !filters.is_multiple_of(4) { place(at, true) } else { at };
            if let Some(output) = outputs.get_mut(index) {
                *output = value;
            }
            at += filters;
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
const fn across(filter_width: usize) -> usize {
    filter_width / 2 + 1
}

/// The pairs of weights of a filter of one channel, of rows of `width` weights.
#[inline(always)]
fn pair<W: Weights>(filter: &[Word], width: usize, pairs: &mut [Pair]) {
    let rows = filter.chunks_exact(W::WIDTH.words(width).max(1));
    for (pairs, row) in pairs.chunks_exact_mut(across(width)).zip(rows) {
        // The weight before, in the lower half.
        let mut before = 0;
        for (group, pairs) in pairs.chunks_mut(2).enumerate() {
            let [first, second] = row.get(group / W::GROUPS).map_or([0; 2], |word| W::unpack(*word));
            // Of the weights a to d: (a, c) and (b, d).
            let Four { even, odd } = Four::new(if group % W::GROUPS == 0 { first } else { second });
            let (low, high) = (0xffff, 0xffff_0000);
            let left = [even & low | odd << 16, even >> 16 | odd & high];
            let right = [before | even << 16, odd & low | even & high];
            for (pair, (left, right)) in pairs.iter_mut().zip(left.into_iter().zip(right)) {
                *pair = [left, right];
            }
            before = odd >> 16;
        }
    }
}

/// The sums of a square whose window begins with `window`, in an image of one channel.
#[inline(always)]
fn single(op: Conv, pairs: &[Pair], window: &[u32]) -> [i32; 4] {
    let [mut a, mut b, mut c, mut d] = [0; 4];
    let (across, below) = (across(op.filter_width), op.width / 2);
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
