//! What a layer is as a type, and how layers in sequence make one.

use crate::activation::Activation;
use crate::batch::{Images, Place};
use crate::executor::Executor;
use crate::init::Init;
use crate::op::Ops;
use crate::sgd::Sgd;
use crate::tensor::Tensor;
use crate::text::Text;
use rand_core::Rng;
use zerocopy::{FromBytes, Immutable, KnownLayout};

/// A layer that takes `In`.
///
/// A layer holds its weights and biases and nothing else, so its bytes are its parameters, and a value of the same
/// type can hold a gradient. What it computes is an operator's work ([`op`](crate::op)), on slices: its parameters, and a
/// mini-batch's [`Images`], of which each has some values of memory. Where in these the layer's input lies is an argument,
/// and so is where the [`SAVED`](Self::SAVED) values begin that the layer may keep for the way back.
///
/// The images of a batch are independent of each other in all methods but [`update`](Self::update), which sums over them
/// in their order.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot take `{In}` as its input: these layers do not fit together",
    label = "the layer before gives `{In}`, or this is not a layer",
    note = "`Dense<N, _>` takes `[f32; N]`; `Conv<_, _, C, _>` and `Conv5x5<C, _>` take an image of `C` channels, \
            `[[[f32; C]; W]; H]`; `Flatten` turns an image into `[f32; H * W * C]`, and `GlobalAvgPool` into `[f32; C]`"
)]
pub trait Layer<In: Tensor>: FromBytes + Immutable + KnownLayout + Send + Sync + Sized + 'static {
    /// What comes out.
    type Out: Tensor;
    /// The activation of the last layer in here, which a [`Cost`](crate::cost::Cost) must go with.
    type Activation: Activation;

    /// All weights and biases 0.
    const ZERO: Self;
    /// Weights and biases.
    const PARAMETERS: usize;
    /// Multiplications with a weight, for one image.
    const MACS: usize;
    /// Values that training remembers of one image: at least the output, and the gradient of the cost in it, unless these
    /// are the input's.
    const SAVED: usize;
    /// Its operators, in order.
    const OPS: Ops;
    /// Its words in the architecture's text.
    const ARCHITECTURE: Text;
    /// Whether inference leaves the output where the input was ([`infer`](Self::infer)).
    const IN_PLACE: bool;
    /// Whether there are so many weights in a layer that threads should share it by its weights, so that none of them
    /// changes cores. Layers with few weights are best shared by the images of a mini-batch, all layers at a time.
    const LARGE: bool = false;
    /// Values that inference needs where the input is.
    const FRONT: usize;
    /// Values that inference needs elsewhere.
    const BACK: usize;

    /// Draws weights and biases.
    fn initialize(&mut self, init: Init, rng: &mut impl Rng);

    /// Shows each run of parameters, in the order of memory.
    fn visit(&self, visitor: &mut impl FnMut(Parameters, &[f32]));

    /// As [`visit`](Self::visit), to write.
    fn visit_mut(&mut self, visitor: &mut impl FnMut(Parameters, &mut [f32]));

    /// Computes the outputs as a trained network does, and remembers nothing: from the values at `from` to those at `to`,
    /// or in their place if the layer is [`IN_PLACE`](Self::IN_PLACE). There are [`FRONT`](Self::FRONT) values at `from`,
    /// and [`BACK`](Self::BACK) at `to`. The executor's threads share the images, or what there is to do for a single
    /// one.
    fn infer(&self, images: Images, from: usize, to: usize, executor: &impl Executor);

    /// Where the output lies, and the gradient in it, given where the input lies and where what it saves begins.
    fn output(input: Place, own: usize) -> Place;

    /// Computes the outputs, as training does (dropout drops).
    fn forward(&self, images: Images, input: Place, own: usize, executor: &impl Executor);

    /// Turns the gradient in the output, ∂C/∂a, into δ = ∂C/∂z, the gradient in the weighted input.
    fn activation_gradient(images: Images, own: usize, executor: &impl Executor);

    /// From δ of the last layer in here, computes δ of all the others, and the gradient in the input if anybody asks for
    /// it.
    fn backward(&self, images: Images, input: Place, own: usize, executor: &impl Executor);

    /// Takes a step down the gradient of the batch's cost, given δ.
    fn update(&mut self, images: &Images, input: Place, own: usize, sgd: &Sgd, executor: &impl Executor);

    /// [`backward`](Self::backward), then [`update`](Self::update): a layer with more weights than a cache holds does both
    /// in one pass over them.
    fn step(&mut self, mut images: Images, input: Place, own: usize, sgd: &Sgd, executor: &impl Executor) {
        self.backward(images.reborrow(), input, own, executor);
        self.update(&images, input, own, sgd, executor);
    }
}

/// What a run of parameters is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parameters {
    /// What inputs are multiplied by.
    Weights,
    /// What is added to the sums.
    Biases,
    /// What batch normalization remembers of the mini-batches; no step of gradient descent is for it.
    Statistics,
}

/// The layer `A`, then the layer `B`. [`seq!`](crate::seq) writes it.
#[derive(FromBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Seq<A, B>(pub(crate) A, pub(crate) B);

/// Layers in sequence, as a type: `seq![A, B, C]` is `Seq<A, Seq<B, C>>`.
#[macro_export]
macro_rules! seq {
    ($layer:ty $(,)?) => { $layer };
    ($layer:ty, $($rest:tt)+) => { $crate::layer::Seq<$layer, $crate::seq![$($rest)+]> };
}

impl<In: Tensor, A: Layer<In>, B: Layer<A::Out>> Layer<In> for Seq<A, B> {
    type Out = B::Out;
    type Activation = B::Activation;

    const ZERO: Self = Self(A::ZERO, B::ZERO);
    const PARAMETERS: usize = A::PARAMETERS + B::PARAMETERS;
    const MACS: usize = A::MACS + B::MACS;
    const SAVED: usize = A::SAVED + B::SAVED;
    const OPS: Ops = A::OPS.then(B::OPS.as_slice());
    const ARCHITECTURE: Text = A::ARCHITECTURE.then(", ").then(B::ARCHITECTURE.as_str());
    const IN_PLACE: bool = A::IN_PLACE == B::IN_PLACE;
    const LARGE: bool = A::LARGE || B::LARGE;
    const FRONT: usize = max(A::FRONT, if A::IN_PLACE { B::FRONT } else { B::BACK });
    const BACK: usize = max(A::BACK, if A::IN_PLACE { B::BACK } else { B::FRONT });

    fn initialize(&mut self, init: Init, rng: &mut impl Rng) {
        self.0.initialize(init, rng);
        self.1.initialize(init, rng);
    }

    fn visit(&self, visitor: &mut impl FnMut(Parameters, &[f32])) {
        self.0.visit(visitor);
        self.1.visit(visitor);
    }

    fn visit_mut(&mut self, visitor: &mut impl FnMut(Parameters, &mut [f32])) {
        self.0.visit_mut(visitor);
        self.1.visit_mut(visitor);
    }

    #[cfg_attr(target_os = "none", inline(always))]
    fn infer(&self, mut images: Images, from: usize, to: usize, executor: &impl Executor) {
        self.0.infer(images.reborrow(), from, to, executor);
        let (from, to) = if A::IN_PLACE { (from, to) } else { (to, from) };
        self.1.infer(images, from, to, executor);
    }

    #[inline(always)]
    fn output(input: Place, own: usize) -> Place {
        B::output(A::output(input, own), own + A::SAVED)
    }

    #[cfg_attr(target_os = "none", inline(always))]
    fn forward(&self, mut images: Images, input: Place, own: usize, executor: &impl Executor) {
        self.0.forward(images.reborrow(), input, own, executor);
        self.1.forward(images, A::output(input, own), own + A::SAVED, executor);
    }

    #[cfg_attr(target_os = "none", inline(always))]
    fn activation_gradient(images: Images, own: usize, executor: &impl Executor) {
        B::activation_gradient(images, own + A::SAVED, executor);
    }

    #[cfg_attr(target_os = "none", inline(always))]
    fn backward(&self, mut images: Images, input: Place, own: usize, executor: &impl Executor) {
        self.1.backward(images.reborrow(), A::output(input, own), own + A::SAVED, executor);
        A::activation_gradient(images.reborrow(), own, executor);
        self.0.backward(images, input, own, executor);
    }

    #[cfg_attr(target_os = "none", inline(always))]
    fn update(&mut self, images: &Images, input: Place, own: usize, sgd: &Sgd, executor: &impl Executor) {
        self.1.update(images, A::output(input, own), own + A::SAVED, sgd, executor);
        self.0.update(images, input, own, sgd, executor);
    }

    #[cfg_attr(target_os = "none", inline(always))]
    fn step(&mut self, mut images: Images, input: Place, own: usize, sgd: &Sgd, executor: &impl Executor) {
        self.1.step(images.reborrow(), A::output(input, own), own + A::SAVED, sgd, executor);
        A::activation_gradient(images.reborrow(), own, executor);
        self.0.step(images, input, own, sgd, executor);
    }
}

const fn max(a: usize, b: usize) -> usize {
    if a > b { a } else { b }
}
