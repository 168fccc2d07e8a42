//! What integers need to know of a list of operators: which lists they can do, and what room these take.
//!
//! All of it is `const`: for a network that is a type the compiler does it, for a list on a PC the program.

use super::kernel::ram;
use super::requantize::{Hidden, Scale, logit};
use super::weights::{Width, Word};
use crate::model::ModelError;
use crate::op::Op;
use core::fmt;

/// The most inputs of an output: so many products of a weight and an activation leave room for a bias in 32 bits.
const INPUTS: usize = 1 << 15;
/// The greatest bias, in units of the sum; the least is its negative.
pub(super) const BIAS: i32 = 1 << 30;

/// A type's operators, in order: at most 32, more than an architecture's text has room for.
#[derive(Clone, Copy)]
pub struct Ops {
    ops: [Op; 32],
    len: usize,
}

impl Ops {
    /// One operator.
    pub const fn one(op: Op) -> Self {
        Self { ops: [op; 32], len: 1 }
    }

    /// These operators, and then others.
    ///
    /// # Panics
    /// While compiling, if there are more than 32.
    pub const fn then(mut self, others: &[Op]) -> Self {
        assert!(self.len + others.len() <= self.ops.len(), "a quantized network has at most 32 layers");
        let mut i = 0;
        while i < others.len() {
            self.ops[self.len] = others[i];
            self.len += 1;
            i += 1;
        }
        self
    }

    /// The operators as a slice.
    pub const fn as_slice(&self) -> &[Op] {
        self.ops.split_at(self.len).0
    }
}

/// Who takes a layer's outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// A layer that takes them as they are.
    Layer,
    /// A layer that takes them in groups of four.
    Grouped,
    /// Nobody: they are the logits.
    Nobody,
}

impl Next {
    /// Who takes what comes before these operators: the first that computes something.
    pub const fn before(mut ops: &[Op]) -> Self {
        while let Some((op, rest)) = ops.split_first() {
            match op {
                Op::Dense(_) => return Self::Grouped,
                Op::Conv(op) => return if op.channels.is_multiple_of(4) { Self::Grouped } else { Self::Layer },
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
            let is_under = 0 < op.filter_height && op.filter_height <= op.height;
            if !(is_under && 0 < op.filter_width && op.filter_width <= op.width) {
                return Err(QuantError::Sizes(layer));
            }
        }
        if let Some(values) = values
            && values != op.inputs()
        {
            return Err(QuantError::Sizes(layer));
        }
        let (rows, length) = rows(op);
        if rows * length > INPUTS {
            return Err(QuantError::Inputs(layer));
        }
        if rows > 0 {
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

/// The rows of weights that lead to an output, and the weights of a row; each row begins a word.
pub(super) const fn rows(op: Op) -> (usize, usize) {
    match op {
        Op::Dense(op) => (1, op.inputs),
        Op::Conv(op) => (op.filter_height, op.filter_width * op.channels),
        Op::Flatten(_) | Op::Dropout(_) => (0, 0),
    }
}

/// Words of an operator's weights, biases and scales.
pub(super) const fn words_of(op: Op, width: Width) -> usize {
    let (rows, length) = rows(op);
    op.biases() * (rows * width.words(length) + 2)
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

/// Words of a network of these operators: those of its layers, and the value of a logit's step.
pub const fn words(ops: &[Op], width: Width) -> usize {
    layer_words(ops, width) + 1
}

/// Words of RAM that inference needs in the buffer of the input, and in the other.
pub(super) const fn buffers(mut ops: &[Op]) -> [usize; 2] {
    let (mut here, mut there, mut is_swapped) = (0, 0, false);
    while let Some((op, rest)) = ops.split_first() {
        here = max(here, ram(op.inputs()));
        if op.in_place() {
            here = max(here, ram(op.outputs()));
        } else {
            (here, there, is_swapped) = (max(there, ram(op.outputs())), here, !is_swapped);
        }
        ops = rest;
    }
    if is_swapped { [there, here] } else { [here, there] }
}

/// Words of RAM that inference needs, its input included.
pub const fn ram_words(ops: &[Op]) -> usize {
    let [front, back] = buffers(ops);
    front + back
}

/// Whether these are the words of a network of these operators: `docs/model-format.md` lists what that takes.
///
/// # Errors
/// The first defect found.
pub const fn validate(mut ops: &[Op], width: Width, mut words: &[Word]) -> Result<(), ModelError> {
    if words.len() != self::words(ops, width) {
        return Err(ModelError::Layout);
    }
    while let Some((op, after)) = ops.split_first() {
        let outputs = op.biases();
        let (own, rest) = words.split_at(words_of(*op, width));
        let (weights, numbers) = own.split_at(own.len() - 2 * outputs);
        let (biases, scales) = numbers.split_at(outputs);
        if let Err(error) = validate_layer(*op, width, [weights, biases, scales]) {
            return Err(error);
        }
        (ops, words) = (after, rest);
    }
    match words {
        [step] if is_positive(f32::from_le_bytes(*step)) => Ok(()),
        _ => Err(ModelError::Step),
    }
}

const fn validate_layer(op: Op, width: Width, [weights, biases, scales]: [&[Word]; 3]) -> Result<(), ModelError> {
    let (_, length) = rows(op);
    let (row, mut rest, mut place) = (width.words(length), weights, 0);
    while let Some((word, after)) = rest.split_first() {
        place += 1;
        if !width.is_in_range(*word) {
            return Err(ModelError::Weight);
        }
        if place == row {
            place = 0;
            if !width.is_padded(length, *word) {
                return Err(ModelError::RowPadding);
            }
        }
        rest = after;
    }
    rest = biases;
    while let Some((bias, after)) = rest.split_first() {
        let bias = i32::from_le_bytes(*bias);
        if bias < -BIAS || BIAS < bias {
            return Err(ModelError::Bias);
        }
        rest = after;
    }
    rest = scales;
    while let Some((scale, after)) = rest.split_first() {
        if !Scale::from_word(*scale).is_valid() {
            return Err(ModelError::Scale);
        }
        rest = after;
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
