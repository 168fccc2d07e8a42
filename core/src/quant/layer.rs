//! What a layer is in integers, and how layers in sequence make one.

use super::conv::Constant;
use super::ops::{Next, Ops, layer_words};
use super::weights::{Weights, Word};
use super::{conv, dense};
use crate::activation::{Activation, Elementwise};
use crate::layer::{Layer, Seq};
use crate::layers::Image;
use crate::layers::{Conv5x5, Dense, Dropout, Flatten};
use crate::op::{self, Op};
use crate::pool::Pool;
use crate::shape::{Size, Window};
use crate::tensor::Tensor;

/// A layer that has an integer form.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no integer form for the input `{In}`",
    note = "quantized networks are made of `Conv5x5`, `Dense`, `Flatten` and `Dropout`, with ReLU or sigmoid in \
            hidden layers"
)]
pub trait QuantLayer<In: Tensor>: Layer<In> {
    /// Its operators, in order.
    const OPS: Ops;

    /// Computes the output from the layer's words. The buffers are those of [`Layer::infer`], in words. What is too
    /// short is left as it is.
    fn run<W: Weights>(words: &[Word], front: &mut [u32], back: &mut [u32], next: Next);
}

impl<In: Tensor, A: QuantLayer<In>, B: QuantLayer<A::Out>> QuantLayer<In> for Seq<A, B> {
    const OPS: Ops = A::OPS.then(B::OPS.as_slice());

    #[inline(always)]
    fn run<W: Weights>(words: &[Word], front: &mut [u32], back: &mut [u32], next: Next) {
        let Some((first, second)) = words.split_at_checked(const { layer_words(A::OPS.as_slice(), W::WIDTH) }) else {
            return;
        };
        let after = const { Next::before(B::OPS.as_slice()) };
        A::run::<W>(first, front, back, if let Next::Nobody = after { next } else { after });
        if A::IN_PLACE { B::run::<W>(second, front, back, next) } else { B::run::<W>(second, back, front, next) }
    }
}

impl<const IN: usize, const OUT: usize, A: Activation> QuantLayer<[f32; IN]> for Dense<IN, OUT, A> {
    const OPS: Ops = Ops::one(Op::Dense(op::Dense { inputs: IN, outputs: OUT, activation: A::FUNCTION }));

    #[inline(always)]
    fn run<W: Weights>(words: &[Word], front: &mut [u32], back: &mut [u32], next: Next) {
        let op = const { op::Dense { inputs: IN, outputs: OUT, activation: A::FUNCTION } };
        dense::run::<W>(op, words, front, back, next);
    }
}

impl<P: Pool, A: Elementwise, const HEIGHT: usize, const WIDTH: usize, const IN: usize, const OUT: usize>
    QuantLayer<Image<HEIGHT, WIDTH, IN>> for Conv5x5<IN, OUT, P, A>
where
    Size<HEIGHT>: Window<P>,
    Size<WIDTH>: Window<P>,
{
    const OPS: Ops = Ops::one(Op::Conv(Constant::<HEIGHT, WIDTH, IN, OUT, P, A>::OP));

    #[inline(always)]
    fn run<W: Weights>(words: &[Word], front: &mut [u32], back: &mut [u32], next: Next) {
        conv::run::<W>(Constant::<HEIGHT, WIDTH, IN, OUT, P, A>::VALUE, words, front, back, next);
    }
}

/// Nothing moves.
impl<In: Tensor> QuantLayer<In> for Flatten
where
    Self: Layer<In>,
{
    const OPS: Ops = Ops::one(Op::Flatten(In::LEN));

    #[inline(always)]
    fn run<W: Weights>(_: &[Word], _: &mut [u32], _: &mut [u32], _: Next) {}
}

/// The probability of staying goes into the value of a step.
impl<In: Tensor, const PERCENT: u8> QuantLayer<In> for Dropout<PERCENT> {
    const OPS: Ops = Ops::one(Op::Dropout(op::Dropout { values: In::LEN, percent: PERCENT }));

    #[inline(always)]
    fn run<W: Weights>(_: &[Word], _: &mut [u32], _: &mut [u32], _: Next) {}
}
