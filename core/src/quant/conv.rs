//! A convolution, its pooling and its activation, in integers.
//!
//! Four positions are summed together, so that each weight is read once for all of them: the squares of the pooling, or
//! four neighbours. Only what the pooling makes of their sums is scaled: a map is never stored before it is pooled.

#[cfg(minnet_dsp)]
use super::kernel::dsp;
#[cfg(minnet_thumb1)]
use super::kernel::thumb1;
use super::kernel::{Four, halves, halves_mut, multiply_add, padded, place};
use super::ops::{Layout, Next, Rows, weight_words};
use super::requantize::{Hidden, Numbers, Scale};
#[cfg(minnet_thumb1)]
use super::weights::unpack_two;
use super::weights::{Bits, Width, Word, unpack};
use crate::activation::Elementwise;
use crate::layers;
use crate::op::{Conv, Op};
use crate::pool::Pool;
#[cfg(minnet_thumb1)]
use crate::pool::Pooling;
use crate::shape::Placement;
use core::array;
use core::hint::black_box;
use core::marker::PhantomData;
use zerocopy::IntoBytes;

/// For each row of a filter of one channel, and each word of the pixels under it, the pair of weights for positions whose
/// window begins a word, and the one for those whose window begins in the middle.
type Pair = [u32; 2];

/// Four positions that are summed together: from the first to each, in halves of words.
pub(super) type Steps = [usize; 4];

/// A convolution's operator, as a value or as a type, and its loops.
pub(super) trait Operator: Copy {
    fn op(self) -> Conv;

    /// Whether squares of 2x2 positions are summed together, if the pooling takes them.
    #[inline(always)]
    fn has_squares(self) -> bool {
        true
    }

    /// Writes the pairs of weights of a filter of one channel.
    #[inline(always)]
    fn pair(self, filter: &[Word], pairs: &mut [Pair]) {
        pair(filter, self.op().in_kernels().filter_width, pairs);
    }

    /// What is under four positions: those of a square, and neighbours.
    #[cfg(minnet_thumb1)]
    #[inline(always)]
    fn windows(self) -> [Window; 2] {
        [true, false].map(|square| Window::of(self.op(), square))
    }

    /// The sums of four positions in an image whose channels come in groups of four, from where the first one's window
    /// begins.
    #[inline(always)]
    fn grouped<const SQUARE: bool>(self, filter: &[Word], window: &[u32]) -> [i32; 4] {
        let view = self.op().in_kernels();
        grouped(view, filter, window, steps(view, SQUARE))
    }

    /// The same in an image of one channel.
    #[inline(always)]
    fn single<const SQUARE: bool>(self, pairs: &[Pair], window: &[u32]) -> [i32; 4] {
        let view = self.op().in_kernels();
        single(view, pairs, window, steps(view, SQUARE))
    }

    /// The same without pairs, if there is a loop for it.
    #[cfg(minnet_thumb1)]
    #[inline(always)]
    fn by_weights<const SQUARE: bool>(self, _filter: &[Word], _window: &[u32]) -> Option<[i32; 4]> {
        None
    }

    /// The greatest sums of a row of squares in such an image, if there is a loop for it.
    #[cfg(minnet_thumb1)]
    #[inline(always)]
    fn row_of_single(self, _filter: &[Word], _window: &[u32], _greatest: &mut [i32; 32]) -> bool {
        false
    }
}

/// What is known only when the program runs.
impl Operator for Conv {
    #[inline(always)]
    fn op(self) -> Conv {
        self
    }
}

/// What the compiler knows of [`Conv`](crate::layers::Conv): where there is a loop in assembly, it is taken.
pub(super) struct Constant<
    const HEIGHT: usize,
    const WIDTH: usize,
    const KH: usize,
    const KW: usize,
    const IN: usize,
    const OUT: usize,
    P,
    A,
    S,
    B,
>(PhantomData<(P, A, S, B)>);

/// A convolution that the compiler knows.
pub(super) trait Known {
    const OP: Conv;
}

impl<
    const HEIGHT: usize,
    const WIDTH: usize,
    const KH: usize,
    const KW: usize,
    const IN: usize,
    const OUT: usize,
    P: Pool,
    A: Elementwise,
    S: Placement,
    B: Bits,
> Known for Constant<HEIGHT, WIDTH, KH, KW, IN, OUT, P, A, S, B>
{
    const OP: Conv = layers::Conv::<KH, KW, IN, OUT, P, A, S, B>::op::<HEIGHT, WIDTH>();
}

/// The loops of a convolution that the compiler knows.
pub(super) struct Loops<K>(PhantomData<K>);

impl<K> Loops<K> {
    pub(super) const VALUE: Self = Self(PhantomData);
}

impl<K> Clone for Loops<K> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K> Copy for Loops<K> {}

/// What a loop in assembly knows of four positions and what is under them. Distances are in bytes.
#[cfg(any(minnet_dsp, minnet_thumb1))]
#[derive(Clone, Copy)]
pub(super) struct Window {
    /// Rows of a filter.
    pub(super) rows: usize,
    /// Columns of a filter.
    pub(super) columns: usize,
    /// Groups of four weights in a row of a filter.
    pub(super) groups: usize,
    /// From a row of the image to the next.
    pub(super) row: usize,
    /// From the first position to each.
    pub(super) steps: Steps,
    /// Words under the four positions, from the first to the last.
    pub(super) words: usize,
}

#[cfg(any(minnet_dsp, minnet_thumb1))]
impl Window {
    const fn of(op: Conv, square: bool) -> Self {
        let view = op.in_kernels();
        let (row, pixel) = (Layout::row(view), padded(view.channels));
        let [_, b, c, d] = steps(view, square);
        let last = (view.filter_height - 1) * row + view.filter_width * pixel;
        Self {
            rows: view.filter_height,
            columns: view.filter_width,
            groups: view.filter_width * pixel / 4,
            row: 2 * row,
            steps: [0, 2 * b, 2 * c, 2 * d],
            words: (d + last).div_ceil(2),
        }
    }
}

/// A [`Window`] as a type.
#[cfg(any(minnet_dsp, minnet_thumb1))]
pub(super) trait Windows {
    const WINDOW: Window;
}

/// The windows of squares, or of neighbours.
#[cfg(any(minnet_dsp, minnet_thumb1))]
struct Under<K, const SQUARE: bool>(PhantomData<K>);

#[cfg(any(minnet_dsp, minnet_thumb1))]
impl<K: Known, const SQUARE: bool> Windows for Under<K, SQUARE> {
    const WINDOW: Window = Window::of(K::OP, SQUARE);
}

/// Whether neighbours lie side by side in a row, one pixel from each other, and there are four.
#[cfg(minnet_dsp)]
const fn are_side_by_side(view: Conv, square: bool) -> bool {
    view.stride == 1 && (square || view.columns() >= 4)
}

impl<K: Known> Operator for Loops<K> {
    #[inline(always)]
    fn op(self) -> Conv {
        K::OP
    }

    #[cfg(minnet_dsp)]
    #[inline(always)]
    fn has_squares(self) -> bool {
        const { K::OP.channels == 1 || dsp::reaches(Window::of(K::OP, true)) }
    }

    #[cfg(minnet_dsp)]
    #[inline(always)]
    fn grouped<const SQUARE: bool>(self, filter: &[Word], window: &[u32]) -> [i32; 4] {
        if const { dsp::reaches(Window::of(K::OP, SQUARE)) } {
            return dsp::four_positions::<Under<K, SQUARE>>(filter, window);
        }
        grouped(K::OP.in_kernels(), filter, window, const { steps(K::OP.in_kernels(), SQUARE) })
    }

    #[cfg(minnet_dsp)]
    #[inline(always)]
    fn single<const SQUARE: bool>(self, pairs: &[Pair], window: &[u32]) -> [i32; 4] {
        let view = const { K::OP.in_kernels() };
        if const { are_side_by_side(K::OP.in_kernels(), SQUARE) && dsp::has_pairs(Window::of(K::OP, SQUARE)) } {
            return dsp::four_of_single::<Under<K, SQUARE>>(pairs, window);
        }
        single(view, pairs, window, const { steps(K::OP.in_kernels(), SQUARE) })
    }

    #[cfg(minnet_thumb1)]
    #[inline(always)]
    fn windows(self) -> [Window; 2] {
        const { [Window::of(K::OP, true), Window::of(K::OP, false)] }
    }

    #[cfg(minnet_thumb1)]
    #[inline(always)]
    fn pair(self, filter: &[Word], pairs: &mut [Pair]) {
        if const { !has_loop(K::OP) } {
            pair(filter, K::OP.in_kernels().filter_width, pairs);
        }
    }

    #[cfg(minnet_thumb1)]
    #[inline(always)]
    fn grouped<const SQUARE: bool>(self, filter: &[Word], window: &[u32]) -> [i32; 4] {
        thumb1::four_positions::<Under<K, SQUARE>>(filter, window)
    }

    #[cfg(minnet_thumb1)]
    #[inline(always)]
    fn by_weights<const SQUARE: bool>(self, filter: &[Word], window: &[u32]) -> Option<[i32; 4]> {
        if const { has_loop(K::OP) } {
            return Some(thumb1::four_of_single::<Under<K, SQUARE>>(filter, window));
        }
        None
    }

    #[cfg(minnet_thumb1)]
    #[inline(always)]
    fn row_of_single(self, filter: &[Word], window: &[u32], greatest: &mut [i32; 32]) -> bool {
        if const { has_row(K::OP) } {
            thumb1::row_of_single::<Under<K, true>>(filter, window, greatest);
        }
        const { has_row(K::OP) }
    }
}

/// Whether there is a loop for four positions of an image of one channel, wherever they lie.
#[cfg(minnet_thumb1)]
const fn has_loop(op: Conv) -> bool {
    thumb1::has_weights(Window::of(op, false))
}

/// Whether there is a loop for a row of squares.
#[cfg(minnet_thumb1)]
const fn has_row(op: Conv) -> bool {
    let view = op.in_kernels();
    let is_square = matches!(view.pooling, Pooling::Max2) && view.pooled() == 4 && view.stride == 1;
    has_loop(op) && is_square && view.filter_height == view.filter_width && view.filter_width < 7
}

/// Four positions: a square's, or four neighbours in a row, or in a column of a map that has but one. Of fewer, the last
/// counts more than once.
const fn steps(view: Conv, square: bool) -> Steps {
    let (down, right) = (view.stride * Layout::row(view), view.stride * padded(view.channels));
    if square {
        return [0, right, down, down + right];
    }
    let (step, count) = line(view);
    let mut steps = [0; 4];
    let mut at = 1;
    while at < 4 {
        steps[at] = if at < count { steps[at - 1] + step } else { steps[at - 1] };
        at += 1;
    }
    steps
}

/// From one position to its neighbour, and how many are in a line.
const fn line(view: Conv) -> (usize, usize) {
    let (down, right) = (view.stride * Layout::row(view), view.stride * padded(view.channels));
    if view.columns() == 1 { (down, view.rows()) } else { (right, view.columns()) }
}

/// Where a channel's outputs go, in halves of words.
#[derive(Clone, Copy)]
struct Places {
    first: usize,
    /// From one line of the output to the next, and within it.
    line: usize,
    step: usize,
    /// Whether these are numbers of values, each of which has a place in a group.
    are_scattered: bool,
}

impl Places {
    #[inline(always)]
    fn of(op: Conv, o: usize, next: Next) -> Self {
        let filters = op.filters;
        match next {
            Next::Image(layout) => Self {
                first: layout.first + place(o, layout.is_grouped()),
                line: layout.row,
                step: if op.columns() == 1 { layout.row } else { layout.pixel },
                are_scattered: false,
            },
            _ => {
                let in_groups = matches!(next, Next::Vector) && filters.is_multiple_of(4);
                Self {
                    first: place(o, in_groups),
                    line: op.out_width() * filters,
                    step: filters,
                    are_scattered: matches!(next, Next::Vector) && !in_groups,
                }
            }
        }
    }
}

/// Computes the layer from its words; what is too short is left as it is. Packed weights of a filter are unpacked in
/// `scratch`.
#[inline(always)]
pub(super) fn run(
    operator: impl Operator,
    width: Width,
    words: &[Word],
    front: &mut [u32],
    back: &mut [u32],
    scratch: &mut [u32],
    next: Next,
) {
    let op = operator.op();
    let rows = Rows::of(Op::Conv(op));
    let Some((_, numbers)) = words.split_at_checked(weight_words(Op::Conv(op), width)) else { return };
    let Some(image) = front.get(..Layout::of_conv(op).len.div_ceil(2)) else { return };
    let outputs = halves_mut(back).as_flattened_mut();
    if let Next::Image(layout) = next
        && layout.is_padded()
    {
        outputs.get_mut(..layout.len).unwrap_or_default().fill(0);
    }
    // With what follows the weights: so that packed ones can be read some bytes at a time to the end.
    let filters = Filters { filters: words, width, rows, numbers, image, next };
    // As many pairs of weights as the filters have; those that have more are summed weight by weight. Not by a constant of
    // the operator: then the compiler chooses its registers worse.
    match if op.channels == 1 { rows.rows * across(rows.pixels) } else { 0 } {
        0 => channels::<_, 0>(operator, filters, scratch, outputs),
        1..=SMALL => channels::<_, SMALL>(operator, filters, scratch, outputs),
        _ => channels::<_, LARGE>(operator, filters, scratch, outputs),
    }
}

/// Pairs of weights of filters of 5x5.
const SMALL: usize = 15;
/// Pairs of weights of filters of 7x7, and of 11x11 on a PC.
const LARGE: usize = if cfg!(target_os = "none") { 28 } else { 66 };

/// What all channels of a layer need.
#[derive(Clone, Copy)]
struct Filters<'a> {
    filters: &'a [Word],
    width: Width,
    rows: Rows,
    /// A word for each filter.
    numbers: &'a [Word],
    image: &'a [u32],
    next: Next,
}

#[inline(always)]
fn channels<O: Operator, const PAIRS: usize>(operator: O, filters: Filters, scratch: &mut [u32], outputs: &mut [u16]) {
    let op = operator.op();
    #[cfg(minnet_thumb1)]
    if op.channels > 1 && filters.width != Width::Eight {
        return two_channels(operator, filters, scratch, outputs);
    }
    let Filters { filters, width, rows, numbers, image, next } = filters;
    let size = rows.words();
    let mut pairs = [[0; 2]; PAIRS];
    // The compiler would unroll a loop of few channels whose end it knows.
    for o in 0..black_box(op.filters) {
        let filter = match width {
            Width::Eight => filters.get(o * size..).and_then(|rest| rest.get(..size)),
            packed => {
                let own = filters.as_flattened().get(o * packed.bytes(rows.weights())..).unwrap_or_default();
                unpack(packed, own, rows, scratch);
                scratch.as_bytes().as_chunks().0.get(..size)
            }
        };
        let (Some(filter), Some(number)) = (filter, numbers.get(o)) else { return };
        if op.channels == 1 {
            operator.pair(filter, &mut pairs);
        }
        let output = Output::of(op, o, *number, next);
        channel(op, One { operator, filter, pairs: &pairs }, image, outputs, [output]);
    }
}

/// As [`channels`], two at a time.
#[cfg(minnet_thumb1)]
#[inline(always)]
fn two_channels(operator: impl Operator, filters: Filters, scratch: &mut [u32], outputs: &mut [u16]) {
    let op = operator.op();
    let Filters { filters, width, rows, numbers, image, next } = filters;
    let Some((pairs, words)) = scratch.split_at_mut_checked(4 * rows.words()) else { return };
    let Some(words) = words.get_mut(..rows.words()) else { return };
    let windows = operator.windows().map(|window| thumb1::TwoFilters::new(window, width.terms()));
    let shift = width.factor().trailing_zeros();
    for first in (0..black_box(op.filters)).step_by(2) {
        // The last is two with itself.
        let both = [first, (first + 1).min(op.filters - 1)];
        let own = both.map(|o| filters.as_flattened().get(o * width.bytes(rows.weights())..).unwrap_or_default());
        unpack_two(width, own, rows, pairs, words);
        let [Some(a), Some(b)] = both.map(|o| numbers.get(o)) else { return };
        let output = [Output::of(op, both[0], *a, next), Output::of(op, both[1], *b, next)];
        channel(op, Two { windows: &windows, pairs, shift }, image, outputs, output);
    }
}

/// The sums of four positions, of so many filters.
trait Sums<const N: usize> {
    /// Whether four positions may be those of a square.
    fn has_squares(&self) -> bool;

    /// The sums of four positions, whose first window begins with `window`.
    fn four<const SQUARE: bool>(&self, window: &[u32]) -> [[i32; 4]; N];

    /// The greatest sums of a row of squares, if there is a loop for it.
    #[cfg(minnet_thumb1)]
    #[inline(always)]
    fn row(&self, _window: &[u32], _greatest: &mut [i32; 32]) -> bool {
        false
    }
}

/// Those of one filter.
struct One<'a, O> {
    operator: O,
    filter: &'a [Word],
    pairs: &'a [Pair],
}

impl<O: Operator> Sums<1> for One<'_, O> {
    #[inline(always)]
    fn has_squares(&self) -> bool {
        self.operator.has_squares()
    }

    #[inline(always)]
    fn four<const SQUARE: bool>(&self, window: &[u32]) -> [[i32; 4]; 1] {
        [four::<O, SQUARE>(self.operator, self.filter, self.pairs, window)]
    }

    #[cfg(minnet_thumb1)]
    #[inline(always)]
    fn row(&self, window: &[u32], greatest: &mut [i32; 32]) -> bool {
        self.operator.op().channels == 1 && self.operator.row_of_single(self.filter, window, greatest)
    }
}

/// Those of two filters of packed weights, for squares and for neighbours.
#[cfg(minnet_thumb1)]
struct Two<'a> {
    windows: &'a [thumb1::TwoFilters; 2],
    pairs: &'a [u32],
    /// The factor of the weights, as a shift.
    shift: u32,
}

#[cfg(minnet_thumb1)]
impl Sums<2> for Two<'_> {
    #[inline(always)]
    fn has_squares(&self) -> bool {
        true
    }

    #[inline(always)]
    fn four<const SQUARE: bool>(&self, window: &[u32]) -> [[i32; 4]; 2] {
        let [square, line] = self.windows;
        let sums = if SQUARE { square } else { line }.four_positions(self.pairs, window);
        [0, 1].map(|filter| sums.map(|both| both[filter] << self.shift))
    }
}

/// What a channel's sums become, and where they go.
#[derive(Clone, Copy)]
struct Output {
    places: Places,
    hidden: Option<Hidden>,
    bias: i32,
    scale: Scale,
    next: Next,
}

impl Output {
    #[inline(always)]
    fn of(op: Conv, o: usize, number: Word, next: Next) -> Self {
        let Numbers { bias, scale } = Numbers::unpack(number);
        Self { places: Places::of(op, o, next), hidden: op.activation.hidden(), bias, scale, next }
    }

    /// Puts down what a sum becomes; `at` is a place, or the number of a value that has one.
    #[inline(always)]
    fn put(&self, outputs: &mut [u16], at: usize, sum: i32) {
        let value = self.next.value(self.hidden, sum.wrapping_add(self.bias), self.scale);
        if let Some(output) = outputs.get_mut(if self.places.are_scattered { place(at, true) } else { at }) {
            *output = value;
        }
    }
}

/// Computes a channel of the output, or two.
#[inline(always)]
fn channel<const N: usize>(op: Conv, filter: impl Sums<N>, image: &[u32], outputs: &mut [u16], output: [Output; N]) {
    let view = op.in_kernels();
    let pooling = view.pooling;
    // They differ in their first place only, not in their steps.
    let Some(Output { places: Places { first, line: next_line, step: next, .. }, .. }) = output.first().copied() else {
        return;
    };
    let mut put = |at, sums: [i32; N]| {
        for (n, (output, sum)) in output.iter().zip(sums).enumerate() {
            output.put(outputs, if n == 0 { at } else { at - first + output.places.first }, sum);
        }
    };
    let (down, right) = (view.stride * Layout::row(view), view.stride * padded(view.channels));
    let window = |start: usize| image.get(start / 2..).unwrap_or_default();
    if view.pooled() == 4 && filter.has_squares() {
        #[cfg(minnet_thumb1)]
        let mut greatest = [0; 32];
        for y in 0..view.out_height() {
            let (start, mut at) = (2 * y * down, first + y * next_line);
            #[cfg(minnet_thumb1)]
            if filter.row(window(start), &mut greatest) {
                for sum in greatest.iter().take(view.out_width()) {
                    put(at, [*sum; N]);
                    at += next;
                }
                continue;
            }
            for x in 0..view.out_width() {
                let sums = filter.four::<true>(window(start + 2 * x * right));
                put(at, sums.map(|sums| pooling.of_sums(sums)));
                at += next;
            }
        }
        return;
    }
    let (step, count) = line(view);
    // Positions of a line that become one, and lines.
    let (along, lines) = if view.columns() == 1 { (view.pool_height(), 1) } else { (view.pool_width(), view.rows()) };
    let across = if lines > 1 { view.pool_height() } else { 1 };
    // The last four overlap those before; those of a single channel begin at a word.
    let last = if view.channels == 1 { count.next_multiple_of(2) } else { count }.saturating_sub(4);
    for y in 0..lines / across {
        let (start, place) = (y * across * down, first + y * next_line);
        for done in (0..count).step_by(4) {
            let begin = done.min(last);
            let start = start + begin * step;
            let sums = filter.four::<false>(window(start));
            let mut at = place + begin / along * next;
            if along == 2 {
                let [upper, lower] = match across {
                    2 => {
                        let below = filter.four::<false>(window(start + down));
                        let pair = |n: usize, at: usize| [sums[n][at], sums[n][at + 1], below[n][at], below[n][at + 1]];
                        [0, 2].map(|at| array::from_fn(|n| pooling.of_sums(pair(n, at))))
                    }
                    _ => [0, 2].map(|at| sums.map(|sums| pooling.of_sums([sums[at], sums[at + 1]]))),
                };
                put(at, upper);
                if begin + 2 < count {
                    put(at + next, lower);
                }
            } else {
                let positions: [[i32; N]; 4] = array::from_fn(|position| sums.map(|sums| sums[position]));
                if begin + 4 <= count {
                    for sums in positions {
                        put(at, sums);
                        at += next;
                    }
                } else {
                    for sums in positions.iter().take(count - begin) {
                        put(at, *sums);
                        at += next;
                    }
                }
            }
        }
    }
}

/// The sums of four positions, whose first window begins with `window`.
#[inline(always)]
fn four<O: Operator, const SQUARE: bool>(operator: O, filter: &[Word], pairs: &[Pair], window: &[u32]) -> [i32; 4] {
    let view = operator.op().in_kernels();
    if view.channels > 1 {
        return operator.grouped::<SQUARE>(filter, window);
    }
    #[cfg(minnet_thumb1)]
    if let Some(sums) = operator.by_weights::<SQUARE>(filter, window) {
        return sums;
    }
    if view.filter_height * across(view.filter_width) > pairs.len() {
        return by_weights(view, filter, window, steps(view, SQUARE));
    }
    operator.single::<SQUARE>(pairs, window)
}

/// The sums of four positions in groups of channels.
#[inline(always)]
fn grouped(view: Conv, filter: &[Word], window: &[u32], steps: Steps) -> [i32; 4] {
    let below = Layout::row(view) / 2;
    let groups = view.filter_width * padded(view.channels) / 4;
    let mut sums = [0i32; 4];
    let [_, _, _, last] = steps;
    let Some(window) = window.get(..last / 2 + (view.filter_height - 1) * below + 2 * groups) else { return sums };
    let Some(filter) = filter.get(..view.filter_height * groups) else { return sums };
    for (ky, row) in filter.chunks_exact(groups.max(1)).enumerate() {
        for (group, word) in row.iter().enumerate() {
            let four = Four::new(u32::from_le_bytes(*word));
            for (sum, step) in sums.iter_mut().zip(steps) {
                let first = ky * below + step / 2 + 2 * group;
                if let Some(x) = window.get(first..).and_then(|rest| rest.first_chunk()) {
                    *sum = four.multiply_add(*x, *sum);
                }
            }
        }
    }
    sums
}

/// The sums of four positions in an image of one channel, weight by weight.
#[inline(never)]
fn by_weights(view: Conv, filter: &[Word], window: &[u32], steps: Steps) -> [i32; 4] {
    let pixels = halves(window).as_flattened();
    let mut sums = [0i32; 4];
    for (ky, row) in filter.chunks_exact(view.filter_width.div_ceil(4).max(1)).enumerate() {
        for (kx, weight) in row.as_flattened().iter().enumerate().take(view.filter_width) {
            for (sum, step) in sums.iter_mut().zip(steps) {
                let x = pixels.get(ky * Layout::row(view) + step + kx).copied().unwrap_or(0);
                *sum = sum.wrapping_add(i32::from(*weight as i8) * i32::from(x));
            }
        }
    }
    sums
}

/// Words under a row of a filter in an image of one channel, wherever it begins.
#[inline(always)]
const fn across(filter_width: usize) -> usize {
    filter_width / 2 + 1
}

/// The pairs of weights of a filter of one channel, of rows of `width` weights.
#[inline(always)]
fn pair(filter: &[Word], width: usize, pairs: &mut [Pair]) {
    let rows = filter.chunks_exact(width.div_ceil(4).max(1));
    for (pairs, row) in pairs.chunks_exact_mut(across(width)).zip(rows) {
        // The weight before, in the lower half.
        let mut before = 0;
        for (group, pairs) in pairs.chunks_mut(2).enumerate() {
            // Of the weights a to d: (a, c) and (b, d).
            let Four { even, odd } = Four::new(row.get(group).map_or(0, |word| u32::from_le_bytes(*word)));
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

/// The sums of four positions in an image of one channel.
#[inline(always)]
fn single(view: Conv, pairs: &[Pair], window: &[u32], steps: Steps) -> [i32; 4] {
    let mut sums = [0; 4];
    let (across, below) = (across(view.filter_width), Layout::row(view) / 2);
    for (ky, row) in pairs.chunks_exact(across).enumerate().take(view.filter_height) {
        for (sum, step) in sums.iter_mut().zip(steps) {
            let words = window.get(ky * below + step / 2..).unwrap_or_default();
            for (&[left, right], word) in row.iter().zip(words) {
                *sum = multiply_add(if step % 2 == 0 { left } else { right }, *word, *sum);
            }
        }
    }
    sums
}
