//! What a layer is in integers, and how layers in sequence make one.

use super::conv::{Constant, Loops};
use super::ops::{Next, layer_words, width_of};
use super::weights::{Bits, Weights, Word};
use super::{conv, dense, global_avg_pool};
use crate::activation::{Activation, Elementwise};
use crate::layer::{Layer, Seq};
use crate::layers::Image;
use crate::layers::{Conv, Dense, Dropout, Flatten, GlobalAvgPool};
use crate::op::Op;
use crate::pool::Pool;
use crate::shape::{Placement, Size, Window};
use crate::tensor::Tensor;

/// A layer that has an integer form.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no integer form for the input `{In}`",
    note = "quantized networks are made of `Conv`, `Dense`, `GlobalAvgPool`, `Flatten` and `Dropout`, with ReLU or \
            sigmoid in hidden layers"
)]
pub trait QuantLayer<In: Tensor>: Layer<In> {
    /// Computes the output from the layer's words; `W` is the width of the weights of layers that have none of their own. The
    /// buffers are those of [`Layer::infer`], in words. What is too short is left as it is.
    fn run<W: Weights>(words: &[Word], front: &mut [u32], back: &mut [u32], scratch: &mut [u32], next: Next);
}

impl<In: Tensor, A: QuantLayer<In>, B: QuantLayer<A::Out>> QuantLayer<In> for Seq<A, B> {
    #[inline(always)]
    fn run<W: Weights>(words: &[Word], front: &mut [u32], back: &mut [u32], scratch: &mut [u32], next: Next) {
        let Some((first, second)) = words.split_at_checked(const { layer_words(A::OPS.as_slice(), W::WIDTH) }) else {
            return;
        };
        let after = const { Next::before(B::OPS.as_slice()) };
        A::run::<W>(first, front, back, scratch, if let Next::Nobody = after { next } else { after });
        if A::IN_PLACE {
            B::run::<W>(second, front, back, scratch, next)
        } else {
            B::run::<W>(second, back, front, scratch, next)
        }
    }
}

impl<const IN: usize, const OUT: usize, A: Activation, B: Bits> QuantLayer<[f32; IN]> for Dense<IN, OUT, A, B> {
    #[inline(always)]
    fn run<W: Weights>(words: &[Word], front: &mut [u32], back: &mut [u32], _: &mut [u32], next: Next) {
        dense::run(Self::OP, const { width_of(Op::Dense(Self::OP), W::WIDTH) }, words, front, back, next);
    }
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
> QuantLayer<Image<HEIGHT, WIDTH, IN>> for Conv<KH, KW, IN, OUT, P, A, S, B>
where
    Size<HEIGHT>: Window<KH, S, P>,
    Size<WIDTH>: Window<KW, S, P>,
{
    #[inline(always)]
    fn run<W: Weights>(words: &[Word], front: &mut [u32], back: &mut [u32], scratch: &mut [u32], next: Next) {
        let loops = Loops::<Constant<HEIGHT, WIDTH, KH, KW, IN, OUT, P, A, S, B>>::VALUE;
        let width = const { width_of(Op::Conv(Self::op::<HEIGHT, WIDTH>()), W::WIDTH) };
        conv::run(loops, width, words, front, back, scratch, next);
    }
}

/// Means need no weights.
impl<const HEIGHT: usize, const WIDTH: usize, const C: usize> QuantLayer<Image<HEIGHT, WIDTH, C>> for GlobalAvgPool {
    #[inline(always)]
    fn run<W: Weights>(_: &[Word], front: &mut [u32], back: &mut [u32], _: &mut [u32], next: Next) {
        global_avg_pool::run(Self::op(HEIGHT, WIDTH, C), front, back, next);
    }
}

/// Nothing moves.
impl<In: Tensor, F> QuantLayer<In> for Flatten<F>
where
    Self: Layer<In>,
{
    #[inline(always)]
    fn run<W: Weights>(_: &[Word], _: &mut [u32], _: &mut [u32], _: &mut [u32], _: Next) {}
}

/// The probability of staying goes into the value of a step.
impl<In: Tensor, const PERCENT: u8> QuantLayer<In> for Dropout<PERCENT> {
    #[inline(always)]
    fn run<W: Weights>(_: &[Word], _: &mut [u32], _: &mut [u32], _: &mut [u32], _: Next) {}
}
