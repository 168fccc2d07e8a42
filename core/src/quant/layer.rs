//! What a layer is in integers, and how layers in sequence make one.

use super::requantize::{Hidden, Scale, logit};
use super::weights::{Weights, Word};
use super::Build;
use crate::layer::{Layer, Seq};
use crate::layers::{Dropout, Flatten};
use crate::tensor::Tensor;

/// A layer that has an integer form with the weights `W`.
///
/// In a file it is [`WORDS`](Self::WORDS) words; in RAM its activations take half a word each.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no integer form for the input `{In}`",
    note = "quantized networks are made of `Conv5x5`, `Dense`, `Flatten` and `Dropout`, with ReLU or sigmoid in \
            hidden layers"
)]
pub trait QuantLayer<In: Tensor, W: Weights>: Layer<In> {
    /// Words of weights, biases and scales.
    const WORDS: usize;
    /// Words of RAM in the buffer of the input.
    const FRONT_WORDS: usize;
    /// Words of RAM in the other buffer.
    const BACK_WORDS: usize;
    /// Whether it takes its input in groups of four.
    const GROUPED: bool;
    /// Whether it may stand before another layer.
    const INNER: bool;

    /// Computes the output from the layer's words. The buffers are those of [`Layer::infer`], in words. What is too
    /// short is left as it is.
    fn run(words: &[Word], front: &mut [u32], back: &mut [u32], next: Next);

    /// Whether the layer's scales are in their ranges; `words` are those of the layer.
    fn is_valid(words: &[Word]) -> bool;

    /// Turns the layer's parameters into integers, and gives the value of a step of its outputs.
    fn build(&self, input_step: f32, next: Next, build: &mut Build<'_>) -> f32;

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
    /// A layer's activation in its place; `None` for the last.
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

/// What comes after the first of two layers.
const fn after(grouped: bool) -> Next {
    if grouped { Next::Grouped } else { Next::Layer }
}

impl<In: Tensor, W: Weights, A: QuantLayer<In, W>, B: QuantLayer<A::Out, W>> QuantLayer<In, W> for Seq<A, B> {
    const WORDS: usize = A::WORDS + B::WORDS;
    const FRONT_WORDS: usize = max(A::FRONT_WORDS, if A::IN_PLACE { B::FRONT_WORDS } else { B::BACK_WORDS });
    const BACK_WORDS: usize = max(A::BACK_WORDS, if A::IN_PLACE { B::BACK_WORDS } else { B::FRONT_WORDS });
    const GROUPED: bool = A::GROUPED;
    const INNER: bool = {
        assert!(A::INNER, "a quantized network's hidden layers need ReLU or sigmoid");
        B::INNER
    };

    #[inline(always)]
    fn run(words: &[Word], front: &mut [u32], back: &mut [u32], next: Next) {
        let Some((first, second)) = words.split_at_checked(A::WORDS) else { return };
        A::run(first, front, back, const { after(B::GROUPED) });
        if A::IN_PLACE { B::run(second, front, back, next) } else { B::run(second, back, front, next) }
    }

    fn is_valid(words: &[Word]) -> bool {
        words.split_at_checked(A::WORDS).is_some_and(|(first, second)| A::is_valid(first) && B::is_valid(second))
    }

    fn build(&self, input_step: f32, next: Next, build: &mut Build<'_>) -> f32 {
        let step = self.0.build(input_step, after(B::GROUPED), build);
        self.1.build(step, next, build)
    }
}

macro_rules! nothing_to_store {
    () => {
        const WORDS: usize = 0;
        const FRONT_WORDS: usize = 0;
        const BACK_WORDS: usize = 0;
        const GROUPED: bool = true;
        const INNER: bool = true;

        #[inline(always)]
        fn run(_: &[Word], _: &mut [u32], _: &mut [u32], _: Next) {}

        fn is_valid(_: &[Word]) -> bool {
            true
        }
    };
}

/// Nothing moves: a dense layer comes after it, which takes groups of four of the vector.
impl<In: Tensor, W: Weights> QuantLayer<In, W> for Flatten
where
    Self: Layer<In>,
{
    nothing_to_store!();

    fn build(&self, input_step: f32, _: Next, _: &mut Build<'_>) -> f32 {
        input_step
    }
}

/// The probability of staying goes into the value of a step. Dropout stands before dense layers.
impl<In: Tensor, W: Weights, const PERCENT: u8> QuantLayer<In, W> for Dropout<PERCENT> {
    nothing_to_store!();

    fn build(&self, input_step: f32, _: Next, _: &mut Build<'_>) -> f32 {
        input_step * Self::op(1).staying()
    }
}

const fn max(a: usize, b: usize) -> usize {
    if a > b { a } else { b }
}
