//! A fully connected layer.

use crate::activation::{Activation, Identity};
use crate::batch::{Images, Place};
use crate::executor::Executor;
use crate::init::Init;
use crate::layer::{Layer, Parameters};
use crate::op::{self, Op, Ops};
use crate::quant::{Bits, Inherit};
use crate::sgd::Sgd;
use crate::tensor::Tensor;
use crate::text::Text;
use core::marker::PhantomData;
use rand_core::Rng;
use zerocopy::{FromBytes, Immutable, KnownLayout};

/// Every one of `IN` inputs joined to every one of `OUT` outputs, then the activation `A`.
///
/// a_j = A(Σ_i x_i·w_ij + b_j): the book's equation 25. Zero outputs are allowed (the book has 784-0-10). As integers its
/// weights have the width `B`, such as [`Int4`](crate::quant::Int4), or else that of the network.
#[derive(FromBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Dense<const IN: usize, const OUT: usize, A: Activation = Identity, B: Bits = Inherit> {
    /// `weights[i][j]` leads from input i to output j (the book's w_ji).
    pub weights: [[f32; OUT]; IN],
    /// One for each output.
    pub bias: [f32; OUT],
    kind: PhantomData<(A, B)>,
}

impl<const IN: usize, const OUT: usize, A: Activation, B: Bits> Dense<IN, OUT, A, B> {
    /// What it computes.
    pub const OP: op::Dense = op::Dense { inputs: IN, outputs: OUT, activation: A::FUNCTION, bits: B::WIDTH };
}

impl<const IN: usize, const OUT: usize, A: Activation, B: Bits> Layer<[f32; IN]> for Dense<IN, OUT, A, B> {
    type Out = [f32; OUT];
    type Activation = A;

    const ZERO: Self = Self { weights: Tensor::ZERO, bias: Tensor::ZERO, kind: PhantomData };
    const PARAMETERS: usize = IN * OUT + OUT;
    const MACS: usize = IN * OUT;
    const SAVED: usize = Self::OP.saved();
    const OPS: Ops = Ops::one(Op::Dense(Self::OP));
    const ARCHITECTURE: Text = Self::OP.text();
    const IN_PLACE: bool = false;
    const LARGE: bool = Self::OP.is_large();
    const FRONT: usize = IN;
    const BACK: usize = OUT;

    fn initialize(&mut self, init: Init, rng: &mut impl Rng) {
        Self::OP.initialize(init, self.weights.as_flattened_mut(), &mut self.bias, rng);
    }

    fn visit(&self, visitor: &mut impl FnMut(Parameters, &[f32])) {
        visitor(Parameters::Weights, self.weights.as_flattened());
        visitor(Parameters::Biases, &self.bias);
    }

    fn visit_mut(&mut self, visitor: &mut impl FnMut(Parameters, &mut [f32])) {
        visitor(Parameters::Weights, self.weights.as_flattened_mut());
        visitor(Parameters::Biases, &mut self.bias);
    }

    #[cfg_attr(target_os = "none", inline(always))]
    fn infer(&self, images: Images, from: usize, to: usize, executor: &impl Executor) {
        Self::OP.infer(self.weights.as_flattened(), &self.bias, images, from, to, executor);
    }

    #[inline(always)]
    fn output(_: Place, own: usize) -> Place {
        Self::OP.output(own)
    }

    #[cfg_attr(target_os = "none", inline(always))]
    fn forward(&self, images: Images, input: Place, own: usize, executor: &impl Executor) {
        Self::OP.forward(self.weights.as_flattened(), &self.bias, images, input, own, executor);
    }

    #[cfg_attr(target_os = "none", inline(always))]
    fn activation_gradient(images: Images, own: usize, executor: &impl Executor) {
        Self::OP.activation_gradient(images, own, executor);
    }

    #[cfg_attr(target_os = "none", inline(always))]
    fn backward(&self, images: Images, input: Place, own: usize, executor: &impl Executor) {
        Self::OP.backward(self.weights.as_flattened(), images, input, own, executor);
    }

    #[cfg_attr(target_os = "none", inline(always))]
    fn update(&mut self, images: &Images, input: Place, own: usize, sgd: &Sgd, executor: &impl Executor) {
        Self::OP.update(self.weights.as_flattened_mut(), &mut self.bias, images, input, own, sgd, executor);
    }

    #[cfg_attr(target_os = "none", inline(always))]
    fn step(&mut self, images: Images, input: Place, own: usize, sgd: &Sgd, executor: &impl Executor) {
        Self::OP.step(self.weights.as_flattened_mut(), &mut self.bias, images, input, own, sgd, executor);
    }
}
