//! Dropout of a layer's inputs.

use crate::activation::Identity;
use crate::batch::{Images, Place};
use crate::executor::Executor;
use crate::init::Init;
use crate::layer::{Layer, Parameters};
use crate::op::{self, Op, Ops};
use crate::sgd::Sgd;
use crate::tensor::Tensor;
use crate::text::Text;
use rand_core::Rng;
use zerocopy::{FromBytes, Immutable, KnownLayout};

/// In training, sets each value to 0 with a probability of `PERCENT` in a hundred. In inference, multiplies each by
/// the probability that it would have stayed.
///
/// As in the book's `network3.py`, it stands before the layer whose inputs it drops, and nothing is scaled up in
/// training. Each image of a mini-batch has random numbers of its own, so that threads change nothing.
#[derive(FromBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Dropout<const PERCENT: u8>;

impl<const PERCENT: u8> Dropout<PERCENT> {
    /// What it computes of so many values.
    #[inline(always)]
    pub const fn op(values: usize) -> op::Dropout {
        const { assert!(PERCENT < 100, "`Dropout<PERCENT>` must leave something: PERCENT is at most 99") }
        op::Dropout { values, percent: PERCENT }
    }
}

impl<In: Tensor, const PERCENT: u8> Layer<In> for Dropout<PERCENT> {
    type Out = In;
    type Activation = Identity;

    const ZERO: Self = Self;
    const PARAMETERS: usize = 0;
    const MACS: usize = 0;
    const SAVED: usize = Self::op(In::LEN).saved();
    const OPS: Ops = Ops::one(Op::Dropout(Self::op(In::LEN)));
    const ARCHITECTURE: Text = Self::op(In::LEN).text();
    const IN_PLACE: bool = true;
    const FRONT: usize = In::LEN;
    const BACK: usize = 0;

    fn initialize(&mut self, _: Init, _: &mut impl Rng) {}

    fn visit(&self, _: &mut impl FnMut(Parameters, &[f32])) {}

    fn visit_mut(&mut self, _: &mut impl FnMut(Parameters, &mut [f32])) {}

    #[cfg_attr(target_os = "none", inline(always))]
    fn infer(&self, images: Images, from: usize, _: usize, _: &impl Executor) {
        Self::op(In::LEN).infer(images, from);
    }

    #[inline(always)]
    fn output(_: Place, own: usize) -> Place {
        Self::op(In::LEN).output(own)
    }

    #[cfg_attr(target_os = "none", inline(always))]
    fn forward(&self, images: Images, input: Place, own: usize, executor: &impl Executor) {
        Self::op(In::LEN).forward(images, input, own, executor);
    }

    #[inline(always)]
    fn activation_gradient(_: Images, _: usize, _: &impl Executor) {}

    #[cfg_attr(target_os = "none", inline(always))]
    fn backward(&self, images: Images, input: Place, own: usize, executor: &impl Executor) {
        Self::op(In::LEN).backward(images, input, own, executor);
    }

    #[inline(always)]
    fn update(&mut self, _: &Images, _: Place, _: usize, _: &Sgd, _: &impl Executor) {}
}
