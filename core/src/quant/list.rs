//! A network in integers whose layers are a list, used where it lies.

use super::input::Input;
use super::kernel::halves;
use super::net::{words_in, zero_of};
use super::ops::{Loader, Next, buffers, check, layer_words, ram_words, validate, width_of, words, words_of};
use super::weights::{Width, Word};
use super::{conv, dense, global_avg_pool};
use crate::model::ModelError;
use crate::net::CRC;
use crate::op::Op;

/// A network of any operators, where its words lie in a model file: what [`Quantized`](super::Quantized) is for a type,
/// with the same bits.
#[derive(Clone, Copy, Debug)]
pub struct QuantizedList<'a> {
    ops: &'a [Op],
    width: Width,
    words: &'a [Word],
}

impl<'a> QuantizedList<'a> {
    /// The network of these operators in a model file's block.
    ///
    /// # Errors
    /// [`ModelError::Layers`] if there are no such networks ([`check`] says why); what [`validate`] finds.
    pub fn new(ops: &'a [Op], width: Width, block: &'a [u8]) -> Result<Self, ModelError> {
        check(ops).map_err(|_| ModelError::Layers)?;
        let words = words_in(block)?;
        validate(ops, width, words)?;
        Ok(Self::unchecked(ops, width, words))
    }

    pub(super) const fn unchecked(ops: &'a [Op], width: Width, words: &'a [Word]) -> Self {
        Self { ops, width, words }
    }

    /// Its operators, in order.
    pub const fn ops(&self) -> &'a [Op] {
        self.ops
    }

    /// The width of the weights of layers that have none of their own.
    pub const fn width(&self) -> Width {
        self.width
    }

    /// The bytes of its words.
    pub const fn block(&self) -> &'a [u8] {
        self.words.as_flattened()
    }

    /// A hash of these bytes: CRC-64/XZ. Equal hashes mean equal networks.
    pub const fn weight_hash(&self) -> u64 {
        CRC.checksum(self.block())
    }

    /// The value of a logit's step: a logit times this is the weighted input z of an output neuron.
    pub fn step(&self) -> f32 {
        let step = self.words.get(layer_words(self.ops, self.width));
        step.map_or(0.0, |word| f32::from_le_bytes(*word))
    }

    /// What the bytes that it takes stand for.
    pub fn input(&self) -> Input {
        let input = self.words.get(words(self.ops, self.width)..).unwrap_or_default();
        Input::parse(input).unwrap_or(Input::PIXELS)
    }

    /// The logits for an image of 8-bit pixels, or other bytes ([`input`](Self::input)), computed in `ram`, which needs
    /// [`ram_words`](super::ram_words) words; no logits if it is shorter. Pixels beyond the input's size are left out; where there are too few, the rest is 0.
    pub fn infer_pixels_with<'r>(&self, pixels: &[u8], ram: &'r mut [u32]) -> &'r [i16] {
        let Some(ram) = ram.get_mut(..ram_words(self.ops, self.width)) else { return &[] };
        let [first, second] = buffers(self.ops);
        let (mut front, rest) = ram.split_at_mut(first);
        let (mut back, scratch) = rest.split_at_mut(second);
        let inputs = self.ops.first().map_or(0, |op| op.inputs());
        Loader::of(self.ops).load(pixels, zero_of(self.words, words(self.ops, self.width)), front);
        let (mut words, mut outputs) = (self.words, inputs);
        for (index, op) in self.ops.iter().enumerate() {
            let Some((own, rest)) = words.split_at_checked(words_of(*op, self.width)) else { return &[] };
            let next = Next::before(self.ops.get(index + 1..).unwrap_or_default());
            run(*op, width_of(*op, self.width), own, front, back, scratch, next);
            if !op.in_place() {
                (front, back) = (back, front);
            }
            (words, outputs) = (rest, op.outputs());
        }
        halves(front).as_flattened().get(..outputs).unwrap_or_default()
    }

    /// What the float network would give for these logits, computed in `outputs`: the last layer's activation, and the
    /// dropout after it.
    pub fn outputs(&self, logits: &[i16], outputs: &mut [f32]) {
        for (output, logit) in outputs.iter_mut().zip(logits) {
            *output = f32::from(*logit) * self.step();
        }
        let last = self.ops.iter().rposition(|op| !op.in_place()).unwrap_or(0);
        for op in self.ops.get(last..).unwrap_or_default() {
            match op {
                Op::Dense(_) | Op::Conv(_) => op.activation().forward(outputs),
                Op::Flatten(_) | Op::GlobalAvgPool(_) => {}
                Op::Dropout(op) => outputs.iter_mut().for_each(|output| *output *= op.staying()),
            }
        }
    }
}

/// Computes a layer.
#[inline(never)]
fn run(op: Op, width: Width, words: &[Word], front: &mut [u32], back: &mut [u32], scratch: &mut [u32], next: Next) {
    match op {
        Op::Dense(op) => dense::run(op, width, words, front, back, next),
        Op::Conv(op) => conv::run(op, width, words, front, back, scratch, next),
        Op::GlobalAvgPool(op) => global_avg_pool::run(op, front, back, next),
        Op::Flatten(_) | Op::Dropout(_) => {}
    }
}
