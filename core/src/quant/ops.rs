//! What integers need to know of a list of operators: which lists they can do, and what room these take.
//!
//! All of it is `const`: for a network that is a type the compiler does it, for a list on a PC the program.

use super::input::Input;
use super::kernel::{group, halves_mut, padded, ram};
use super::requantize::{Hidden, Numbers, Scale, logit};
use super::weights::{Width, Word, is_in_range};
use crate::model::ModelError;
use crate::op::{Conv, GlobalAvgPool, Op};
use core::fmt;

/// The most inputs of an output: so many products of a weight and an activation leave room for a bias in 32 bits.
const INPUTS: usize = 1 << 15;

/// How a layer takes its inputs, and so how the layer before puts them down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// As a vector: all values in groups of four.
    Vector,
    /// As an image.
    Image(Layout),
    /// Nobody takes them: they are the logits.
    Nobody,
}

/// How an image lies in RAM, in halves of words: by rows, pixels, and channels. A pixel's channels are padded to groups of
/// four, unless there is but one; a row of such pixels is padded to words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Pixels of a row.
    width: usize,
    /// Channels of a pixel.
    channels: usize,
    /// Where the first pixel lies: behind the padding of a convolution.
    pub(super) first: usize,
    /// From one row to the next.
    pub(super) row: usize,
    /// From one pixel to the next.
    pub(super) pixel: usize,
    /// Halves in all.
    pub(super) len: usize,
    /// Whether there is padding around the pixels.
    is_padded: bool,
}

impl Layout {
    /// As a convolution takes its image.
    pub(super) const fn of_conv(op: Conv) -> Self {
        let view = op.in_kernels();
        let pixel = padded(op.channels);
        let row = Self::row(view);
        let (top, left) = op.before();
        // A column's pixels lie as those of a row do.
        let down = if op.is_column() { pixel } else { row };
        // Single channels are computed in pairs of positions, of which the last may lie behind the image.
        let behind = if pixel == 1 && !view.columns().is_multiple_of(2) { 2 } else { 0 };
        Self {
            width: op.width,
            channels: op.channels,
            first: top * down + left * pixel,
            row: down,
            pixel,
            len: view.height * row + behind,
            is_padded: op.padded_inputs() != op.inputs(),
        }
    }

    /// From one row to the next of an image that has its padding.
    pub(super) const fn row(view: Conv) -> usize {
        (view.width * padded(view.channels)).next_multiple_of(2)
    }

    /// As global average pooling takes its image.
    pub(super) const fn of_pool(op: GlobalAvgPool) -> Self {
        let pixel = padded(op.channels);
        let row = op.width * pixel;
        Self { width: op.width, channels: op.channels, first: 0, row, pixel, len: op.height * row, is_padded: false }
    }

    /// Whether all of it is pixels of a single channel, one behind the other.
    const fn is_dense(self) -> bool {
        !self.is_padded && self.pixel == 1 && self.row == self.width
    }

    /// Whether there is a convolution's padding around the pixels.
    pub(super) const fn is_padded(self) -> bool {
        self.is_padded
    }

    /// Whether a pixel's channels lie in groups of four.
    pub(super) const fn is_grouped(self) -> bool {
        self.pixel > 1
    }
}

impl Layout {
    /// As [`Loader::load`]. A pixel takes as long for any number of channels as for those of its groups: behind the
    /// last, a group has what comes next, which weights of 0 wait for.
    fn load(self, mut pixels: &[u8], zero: u8, front: &mut [u32]) {
        if self.is_padded || !self.is_grouped() {
            front.fill(u32::from(zero) * 0x1_0001);
        }
        if !self.is_grouped() {
            let places = halves_mut(front).as_flattened_mut();
            let rows = places.get_mut(self.first..).unwrap_or_default().chunks_mut(self.row.max(1));
            for (row, pixels) in rows.zip(pixels.chunks(self.width.max(1))) {
                row.iter_mut().zip(pixels).for_each(|(half, pixel)| *half = u16::from(*pixel));
            }
            return;
        }
        let (row, pixel) = (self.row / 2, self.pixel / 2);
        let rows = front.get_mut(self.first / 2..self.len / 2).unwrap_or_default().chunks_mut(row.max(1));
        for place in rows.flat_map(|row| row.chunks_exact_mut(pixel).take(self.width)) {
            let (groups, _) = place.as_chunks_mut();
            // The last pixel goes slowly, whatever it has: otherwise fewer channels would take longer.
            match pixels.get(..2 * pixel).filter(|_| pixels.len() > self.channels) {
                Some(channels) => {
                    groups.iter_mut().zip(channels.as_chunks().0).for_each(|(place, four)| *place = group(*four, true));
                }
                None => {
                    for (place, first) in groups.iter_mut().zip((0..).step_by(4)) {
                        *place = group(four_of(pixels.get(first..).unwrap_or_default(), zero), true);
                    }
                }
            }
            pixels = pixels.get(self.channels..).unwrap_or_default();
        }
    }
}

/// The first four pixels; `zero` for those that are not there.
#[inline(always)]
fn four_of(pixels: &[u8], zero: u8) -> [u8; 4] {
    let mut four = [zero; 4];
    four.iter_mut().zip(pixels).for_each(|(place, pixel)| *place = *pixel);
    four
}

/// Puts pixels into groups, or one behind the other. The last group goes slowly, as in [`Layout::load`].
fn load_vector(pixels: &[u8], zero: u8, front: &mut [u32], grouped: bool) {
    let (places, others) = front.as_chunks_mut();
    let fours = pixels.len().saturating_sub(1) / 4;
    let (fast, slow) = places.split_at_mut(fours.min(places.len()));
    for (place, four) in fast.iter_mut().zip(pixels.as_chunks().0) {
        *place = group(*four, grouped);
    }
    let mut rest = pixels.get(4 * fours..).unwrap_or_default();
    for place in slow {
        *place = group(four_of(rest, zero), grouped);
        rest = &[];
    }
    // Of an odd number of words, the last.
    let [word, _] = group(four_of(rest, zero), grouped);
    others.fill(word);
}

impl Next {
    /// How these operators take what comes before them: as the first that computes something does.
    pub const fn before(mut ops: &[Op]) -> Self {
        while let Some((op, rest)) = ops.split_first() {
            match op {
                Op::Dense(_) => return Self::Vector,
                Op::Conv(op) => return Self::Image(Layout::of_conv(*op)),
                Op::GlobalAvgPool(op) => return Self::Image(Layout::of_pool(*op)),
                Op::Flatten(_) | Op::Dropout(_) => ops = rest,
            }
        }
        Self::Nobody
    }

    /// A layer's activation in its place; `None` for the last.
    #[inline(always)]
    pub(super) const fn hidden(self, hidden: Option<Hidden>) -> Option<Hidden> {
        match self {
            Self::Nobody => None,
            _ => hidden,
        }
    }

    /// What is given out for a sum: an activation or a logit.
    #[inline(always)]
    pub(super) fn value(self, hidden: Option<Hidden>, sum: i32, scale: Scale) -> u16 {
        match self.hidden(hidden) {
            Some(hidden) => hidden.activate(sum, scale),
            None => logit(sum, scale) as u16,
        }
    }
}

/// How a network takes its input.
#[derive(Clone, Copy)]
pub(super) struct Loader {
    values: usize,
    next: Next,
}

impl Loader {
    /// Of these operators.
    pub(super) const fn of(ops: &[Op]) -> Self {
        let values = match ops {
            [first, ..] => first.inputs(),
            [] => 0,
        };
        Self { values, next: Next::before(ops) }
    }

    /// Puts pixels, or other bytes, into their places, and `zero` where they do not suffice and around them. Those beyond
    /// the input's size are left out.
    #[inline(never)]
    pub(super) fn load(&self, pixels: &[u8], zero: u8, front: &mut [u32]) {
        let pixels = pixels.get(..self.values).unwrap_or(pixels);
        match self.next {
            Next::Image(layout) if !layout.is_dense() => layout.load(pixels, zero, front),
            next => load_vector(pixels, zero, front, next == Next::Vector),
        }
    }
}

/// Why a network has no integer form.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum QuantError {
    /// A layer before the last has another activation than ReLU or sigmoid.
    Activation(Place),
    /// An output has too many inputs.
    Inputs(Place),
    /// A layer's sizes do not go with each other, or with those of the layer before.
    Sizes(Place),
    /// No layer has weights.
    NoWeights,
    /// A layer's parameters, or its activations in the calibration, are infinite or not a number.
    NotFinite(Place),
    /// A layer's parameters are too large or too small.
    Range(Place),
    /// A slice has another length than the list of operators asks for.
    Length {
        /// What the slice holds.
        what: &'static str,
        /// Its length for these operators.
        expected: usize,
        /// Its length.
        found: usize,
    },
}

/// A layer of a list.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    /// Its place, counted from 1.
    pub number: usize,
    /// What it computes.
    pub op: Op,
}

impl QuantError {
    /// What is wrong and what to do, in words that do not depend on numbers.
    pub const fn message(self) -> &'static str {
        match self {
            Self::Activation(_) => "a quantized network's hidden layers need ReLU or sigmoid",
            Self::Inputs(_) => "a quantized layer takes at most 32,768 inputs for each output: sums have 32 bits",
            Self::Sizes(_) => "the layer does not take what the layer before gives",
            Self::NoWeights => "a network without weights has nothing to quantize: add a dense layer or a convolution",
            Self::NotFinite(_) => {
                "a parameter or an activation is infinite or not a number: train again, with a smaller --eta"
            }
            Self::Range(_) => {
                "its weights are too large or too small for integers: train again, with a smaller --eta or with --l2"
            }
            Self::Length { .. } => "a slice's length is not that of the network",
        }
    }
}

impl fmt::Display for QuantError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Activation(layer)
            | Self::Inputs(layer)
            | Self::Sizes(layer)
            | Self::NotFinite(layer)
            | Self::Range(layer) => write!(f, "layer {}, `{}`: {}", layer.number, layer.op.text(), self.message()),
            Self::NoWeights => f.write_str(self.message()),
            Self::Length { what, expected, found } => {
                write!(f, "{} ({what}: {found} instead of {expected})", self.message())
            }
        }
    }
}

impl core::error::Error for QuantError {}

/// Whether a network of these operators can be in integers.
///
/// # Errors
/// The first layer that cannot, and why.
pub const fn check(ops: &[Op]) -> Result<(), QuantError> {
    let (mut rest, mut number, mut values, mut has_weights) = (ops, 0, None, false);
    while let Some((&op, after)) = rest.split_first() {
        number += 1;
        let layer = Place { number, op };
        if let Op::Conv(op) = op {
            let is_under = 0 < op.filter_height && op.filter_height <= op.padded_height();
            if !(is_under && 0 < op.filter_width && op.filter_width <= op.padded_width() && op.stride > 0) {
                return Err(QuantError::Sizes(layer));
            }
        }
        if let Some(values) = values
            && values != op.inputs()
        {
            return Err(QuantError::Sizes(layer));
        }
        if products(op) > INPUTS {
            return Err(QuantError::Inputs(layer));
        }
        if op.biases() > 0 {
            has_weights = true;
            if op.activation().hidden().is_none() && !matches!(Next::before(after), Next::Nobody) {
                return Err(QuantError::Activation(layer));
            }
        }
        values = Some(op.outputs());
        rest = after;
    }
    if has_weights { Ok(()) } else { Err(QuantError::NoWeights) }
}

/// Products of a weight and an activation that are summed for an output.
pub(super) const fn products(op: Op) -> usize {
    match op {
        Op::Dense(op) => op.inputs,
        Op::Conv(op) => op.taps() * op.averaged(),
        Op::Flatten(_) | Op::Dropout(_) | Op::GlobalAvgPool(_) => 0,
    }
}

/// The weights that lead to an output: rows, each of which begins a word where they have 8 bits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rows {
    /// How many rows.
    pub(super) rows: usize,
    /// The pixels that a row's weights belong to; a vector is one.
    pub(super) pixels: usize,
    /// The weights of a pixel.
    pub(super) channels: usize,
    /// The places for them; zeros are in the others.
    pub(super) padded: usize,
}

impl Rows {
    pub(super) const fn of(op: Op) -> Self {
        match op {
            Op::Dense(op) => Self { rows: 1, pixels: 1, channels: op.inputs, padded: op.inputs },
            Op::Conv(op) => {
                let Conv { filter_height, filter_width, channels, .. } = op.in_kernels();
                Self { rows: filter_height, pixels: filter_width, channels, padded: padded(channels) }
            }
            Op::Flatten(_) | Op::Dropout(_) | Op::GlobalAvgPool(_) => {
                Self { rows: 0, pixels: 0, channels: 0, padded: 0 }
            }
        }
    }

    /// Places of a row.
    pub(super) const fn length(self) -> usize {
        self.pixels * self.padded
    }

    /// How many weights they are.
    pub(super) const fn weights(self) -> usize {
        self.rows * self.pixels * self.channels
    }

    /// Writes them, one byte each, to their places.
    pub(super) fn place(self, mut weights: impl Iterator<Item = u8>, places: &mut [u8]) {
        for row in places.chunks_exact_mut(self.length().next_multiple_of(4).max(1)) {
            for pixel in row.chunks_mut(self.padded.max(1)).take(self.pixels) {
                pixel.iter_mut().zip(weights.by_ref().take(self.channels)).for_each(|(place, weight)| *place = weight);
            }
        }
    }

    /// Words that they take with 8 bits each.
    pub(super) const fn words(self) -> usize {
        self.rows * self.length().div_ceil(4)
    }

    /// Whether a place of a row has a weight.
    const fn is_weight(self, place: usize) -> bool {
        place < self.length() && (self.padded == self.channels || place % self.padded < self.channels)
    }

    /// Whether the word's places without a weight hold 0.
    const fn is_padded(self, word: usize, weights: Word) -> bool {
        let mut place = 0;
        while place < 4 {
            if !self.is_weight(word * 4 + place) && weights[place] != 0 {
                return false;
            }
            place += 1;
        }
        true
    }
}

/// The width of an operator's weights, where the network's is `width`.
#[inline(always)]
pub(super) const fn width_of(op: Op, width: Width) -> Width {
    match op.bits() {
        Some(own) => own,
        None => width,
    }
}

/// Words of an operator's weights, where the network's are of `width`.
#[inline(always)]
pub(super) const fn weight_words(op: Op, width: Width) -> usize {
    let rows = Rows::of(op);
    match width_of(op, width) {
        Width::Eight => op.biases() * rows.words(),
        packed => (op.biases() * packed.bytes(rows.weights())).div_ceil(4),
    }
}

/// Words of an operator's weights, biases and scales.
#[inline(always)]
pub(super) const fn words_of(op: Op, width: Width) -> usize {
    weight_words(op, width) + op.biases()
}

/// Words of RAM that the weights of a filter are unpacked into. On a Cortex-M0 those of two filters of many channels are
/// unpacked side by side, a word for each two weights.
pub(super) const fn scratch(mut ops: &[Op], width: Width, is_thumb1: bool) -> usize {
    let mut words = 0;
    while let Some((op, rest)) = ops.split_first() {
        if let Op::Conv(conv) = op
            && !matches!(width_of(*op, width), Width::Eight)
        {
            let times = if is_thumb1 && conv.channels > 1 { 5 } else { 1 };
            words = max(words, times * Rows::of(*op).words());
        }
        ops = rest;
    }
    words
}

/// Words of the weights, biases and scales of these operators.
pub(super) const fn layer_words(mut ops: &[Op], width: Width) -> usize {
    let mut words = 0;
    while let Some((op, rest)) = ops.split_first() {
        words += words_of(*op, width);
        ops = rest;
    }
    words
}

/// Words of a network of these operators that takes pixels: those of its layers, and the value of a logit's step. One that
/// takes something else has [`Input::WORDS`] more.
pub const fn words(ops: &[Op], width: Width) -> usize {
    layer_words(ops, width) + 1
}

/// Words of RAM that an operator's inputs take.
pub(super) const fn taken(op: Op) -> usize {
    match op {
        Op::Conv(op) => Layout::of_conv(op).len.div_ceil(2),
        Op::GlobalAvgPool(op) => Layout::of_pool(op).len.div_ceil(2),
        op => ram(op.inputs()),
    }
}

/// Words of RAM that inference needs in the buffer of the input, and in the other.
pub(super) const fn buffers(mut ops: &[Op]) -> [usize; 2] {
    let (mut here, mut there, mut is_swapped) = (0, 0, false);
    while let Some((op, rest)) = ops.split_first() {
        here = max(here, taken(*op));
        if op.in_place() {
            here = max(here, ram(op.outputs()));
        } else {
            (here, there, is_swapped) = (max(there, ram(op.outputs())), here, !is_swapped);
        }
        ops = rest;
    }
    if is_swapped { [there, here] } else { [here, there] }
}

/// Words of RAM that inference needs on this processor, its input included.
pub const fn ram_words(ops: &[Op], width: Width) -> usize {
    ram_words_of(ops, width, cfg!(minnet_thumb1))
}

/// As [`ram_words`], on a Cortex-M0 or M0+, or on any other processor.
pub const fn ram_words_of(ops: &[Op], width: Width, is_thumb1: bool) -> usize {
    let [front, back] = buffers(ops);
    front + back + scratch(ops, width, is_thumb1)
}

/// Whether these are the words of a network of these operators: `docs/model-format.md` lists what that takes.
///
/// # Errors
/// The first defect found.
pub const fn validate(mut ops: &[Op], width: Width, mut words: &[Word]) -> Result<(), ModelError> {
    if words.len() < self::words(ops, width) {
        return Err(ModelError::Layout);
    }
    while let Some((op, after)) = ops.split_first() {
        let (own, rest) = words.split_at(words_of(*op, width));
        let (weights, numbers) = own.split_at(weight_words(*op, width));
        if let Err(error) = validate_weights(*op, width_of(*op, width), weights) {
            return Err(error);
        }
        if let Err(error) = validate_numbers(numbers) {
            return Err(error);
        }
        (ops, words) = (after, rest);
    }
    let Some((step, input)) = words.split_first() else { return Err(ModelError::Layout) };
    if !is_positive(f32::from_le_bytes(*step)) {
        return Err(ModelError::Step);
    }
    match Input::parse(input) {
        Ok(_) => Ok(()),
        Err(error) => Err(error),
    }
}

const fn validate_weights(op: Op, width: Width, words: &[Word]) -> Result<(), ModelError> {
    let rows = Rows::of(op);
    if let Width::Eight = width {
        let (row, mut rest, mut place) = (rows.length().div_ceil(4), words, 0);
        while let Some((word, after)) = rest.split_first() {
            if !is_in_range(*word) {
                return Err(ModelError::Weight);
            }
            if !rows.is_padded(place, *word) {
                return Err(ModelError::RowPadding);
            }
            place = if place + 1 == row { 0 } else { place + 1 };
            rest = after;
        }
        return Ok(());
    }
    let (bytes, mut rest, mut output) = (width.bytes(rows.weights()), words.as_flattened(), 0);
    while output < op.biases() {
        let (own, after) = rest.split_at(bytes);
        if !width.is_valid(own, rows.weights()) {
            return Err(ModelError::Weight);
        }
        (rest, output) = (after, output + 1);
    }
    while let Some((byte, after)) = rest.split_first() {
        if *byte != 0 {
            return Err(ModelError::RowPadding);
        }
        rest = after;
    }
    Ok(())
}

const fn validate_numbers(mut words: &[Word]) -> Result<(), ModelError> {
    while let Some((word, after)) = words.split_first() {
        if let Err(error) = Numbers::check(*word) {
            return Err(error);
        }
        words = after;
    }
    Ok(())
}

/// Whether it is finite and above 0.
pub(super) const fn is_positive(step: f32) -> bool {
    0.0 < step && step < f32::INFINITY
}

const fn max(a: usize, b: usize) -> usize {
    if a > b { a } else { b }
}
