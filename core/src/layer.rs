//! What a layer is, and how layers in sequence make one.

use crate::activation::Activation;
use crate::executor::{Executor, Kernel, split_images};
use crate::init::Init;
use crate::kernel::dense;
use crate::kernel::vector::Vector;
use crate::sgd::Sgd;
use crate::tensor::Tensor;
use crate::text::Text;
use core::marker::PhantomData;
use rand_core::Rng;
use zerocopy::{FromBytes, Immutable, KnownLayout};

/// A layer that takes `In`.
///
/// A layer holds its weights and biases and nothing else, so its bytes are its parameters, and a value of the same
/// type can hold a gradient. What training must remember of one image lies in a [`Tape`](Self::Tape).
///
/// The training methods work on a mini-batch: `batch` is any slice of samples, and `view` shows the parts of a sample
/// that belong to this layer. The images of a batch are independent of each other in all methods but
/// [`update`](Self::update), which sums over them in their order.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot take `{In}` as its input: these layers do not fit together",
    label = "the layer before gives `{In}`, or this is not a layer",
    note = "`Dense<N, _>` takes `[f32; N]`; `Conv5x5<C, _>` takes an image of `C` channels, `[[[f32; C]; W]; H]`; \
            `Flatten` turns an image into `[f32; H * W * C]`"
)]
pub trait Layer<In: Tensor>: FromBytes + Immutable + KnownLayout + Send + Sync + Sized + 'static {
    /// What comes out.
    type Out: Tensor;
    /// What training remembers of one image: at least the output, and the gradient of the cost in it.
    type Tape: FromBytes + Send + Sync + 'static;
    /// The activation of the last layer in here, which a [`Cost`](crate::cost::Cost) must go with.
    type Activation: Activation;

    /// All weights and biases 0.
    const ZERO: Self;
    /// A tape before its first use.
    const BLANK: Self::Tape;
    /// Weights and biases.
    const PARAMETERS: usize;
    /// Multiplications with a weight, for one image.
    const MACS: usize;
    /// Its words in the architecture's text.
    const ARCHITECTURE: Text;
    /// Whether inference leaves the output in the buffer of the input ([`infer`](Self::infer)).
    const IN_PLACE: bool;
    /// Whether there are so many weights in a layer that threads should share it by its weights, so that none of them
    /// changes cores. Layers with few weights are best shared by the images of a mini-batch, all layers at a time.
    const LARGE: bool = false;
    /// Values that inference needs in the buffer of the input.
    const FRONT: usize;
    /// Values that inference needs in the other buffer.
    const BACK: usize;

    /// Draws weights and biases.
    fn initialize(&mut self, init: Init, rng: &mut impl Rng);

    /// Shows each run of parameters, in the order of memory.
    fn visit(&self, visitor: &mut impl FnMut(&[f32]));

    /// As [`visit`](Self::visit), to write.
    fn visit_mut(&mut self, visitor: &mut impl FnMut(&mut [f32]));

    /// Computes the outputs as a trained network does, and remembers nothing. `view` shows an image's two buffers,
    /// `front` and `back`: the input is taken from the first values of `front`, and the output left in the first of
    /// `back`, or of `front` if [`IN_PLACE`](Self::IN_PLACE). Does nothing for an image whose `front` is shorter than
    /// [`FRONT`](Self::FRONT) or whose `back` is shorter than [`BACK`](Self::BACK). The executor's threads share the
    /// images, or what there is to do for a single one.
    fn infer<S: Send>(
        &self,
        batch: &mut [S],
        view: impl Fn(&mut S) -> (&mut [f32], &mut [f32]) + Copy + Sync,
        executor: &impl Executor,
    );

    /// The output that [`forward`](Self::forward) left.
    fn output(tape: &Self::Tape) -> &Self::Out;

    /// The output, and the gradient of the cost in it, to write.
    fn output_and_gradient(tape: &mut Self::Tape) -> (&Self::Out, &mut Self::Out);

    /// Turns the gradient in the output, ∂C/∂a, into δ = ∂C/∂z, the gradient in the weighted input.
    fn activation_gradient(tape: &mut Self::Tape);

    /// Computes the outputs, as training does (dropout drops). `view` shows a sample's input, tape, and the state of
    /// its random numbers.
    fn forward<S: Send>(
        &self,
        batch: &mut [S],
        view: impl Fn(&mut S) -> (&In, &mut Self::Tape, &mut u64) + Copy + Sync,
        executor: &impl Executor,
    );

    /// From δ of the last layer in here, computes δ of all the others. A single layer has no others.
    fn backward<S: Send>(
        &self,
        _batch: &mut [S],
        _view: impl Fn(&mut S) -> &mut Self::Tape + Copy + Sync,
        _executor: &impl Executor,
    ) {
    }

    /// As [`backward`](Self::backward), and on to ∂C/∂(input). `view` shows a sample's tape and where that goes.
    fn input_gradient<S: Send>(
        &self,
        batch: &mut [S],
        view: impl Fn(&mut S) -> (&mut Self::Tape, &mut In) + Copy + Sync,
        executor: &impl Executor,
    );

    /// Takes a step down the gradient of the batch's cost. `view` shows a sample's input and its tape, which holds δ.
    fn update<S: Sync>(
        &mut self,
        batch: &[S],
        view: impl Fn(&S) -> (&In, &Self::Tape) + Copy + Sync,
        sgd: &Sgd,
        executor: &impl Executor,
    );

    /// [`backward`](Self::backward), then [`update`](Self::update), of at most [`TOGETHER`] images. `view` shows a
    /// sample's input and its tape.
    fn backward_and_update<S: Send>(
        &mut self,
        batch: &mut [S],
        view: impl Fn(&mut S) -> (&In, &mut Self::Tape) + Copy + Sync,
        sgd: &Sgd,
        executor: &impl Executor,
    ) {
        self.backward(batch, move |sample| view(sample).1, executor);
        let images: Together<_> = batch.iter_mut().map(view).collect();
        self.update(&images, |(input, tape)| (*input, &**tape), sgd, executor);
    }

    /// [`input_gradient`](Self::input_gradient), then [`update`](Self::update), of at most [`TOGETHER`] images: a layer
    /// with more weights than a cache holds does both in one pass over them. `view` shows a sample's input, its tape,
    /// and where ∂C/∂(input) goes.
    fn input_gradient_and_update<S: Send>(
        &mut self,
        batch: &mut [S],
        view: impl Fn(&mut S) -> (&In, &mut Self::Tape, &mut In) + Copy + Sync,
        sgd: &Sgd,
        executor: &impl Executor,
    ) {
        self.input_gradient(
            batch,
            move |sample| {
                let (_, tape, gradient) = view(sample);
                (tape, gradient)
            },
            executor,
        );
        let images: Together<_> = batch.iter_mut().map(view).collect();
        self.update(&images, |(input, tape, _)| (*input, &**tape), sgd, executor);
    }
}

/// How many images [`Layer::backward_and_update`] takes.
pub const TOGETHER: usize = dense::IMAGES;

/// Something of each of at most [`TOGETHER`] images.
pub(crate) type Together<T> = heapless::Vec<T, TOGETHER>;

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

/// The output of a layer, and the gradient of the cost in it: the whole tape of a layer that remembers no more.
#[derive(FromBytes)]
#[repr(C)]
pub struct Pair<T> {
    pub(crate) output: T,
    pub(crate) gradient: T,
}

impl<In: Tensor, A: Layer<In>, B: Layer<A::Out>> Layer<In> for Seq<A, B> {
    type Out = B::Out;
    type Tape = Seq<A::Tape, B::Tape>;
    type Activation = B::Activation;

    const ZERO: Self = Self(A::ZERO, B::ZERO);
    const BLANK: Self::Tape = Seq(A::BLANK, B::BLANK);
    const PARAMETERS: usize = A::PARAMETERS + B::PARAMETERS;
    const MACS: usize = A::MACS + B::MACS;
    const ARCHITECTURE: Text = A::ARCHITECTURE.then(", ").then(B::ARCHITECTURE.as_str());
    const IN_PLACE: bool = A::IN_PLACE == B::IN_PLACE;
    const LARGE: bool = A::LARGE || B::LARGE;
    const FRONT: usize = max(A::FRONT, if A::IN_PLACE { B::FRONT } else { B::BACK });
    const BACK: usize = max(A::BACK, if A::IN_PLACE { B::BACK } else { B::FRONT });

    fn initialize(&mut self, init: Init, rng: &mut impl Rng) {
        self.0.initialize(init, rng);
        self.1.initialize(init, rng);
    }

    fn visit(&self, visitor: &mut impl FnMut(&[f32])) {
        self.0.visit(visitor);
        self.1.visit(visitor);
    }

    fn visit_mut(&mut self, visitor: &mut impl FnMut(&mut [f32])) {
        self.0.visit_mut(visitor);
        self.1.visit_mut(visitor);
    }

    fn infer<S: Send>(
        &self,
        batch: &mut [S],
        view: impl Fn(&mut S) -> (&mut [f32], &mut [f32]) + Copy + Sync,
        executor: &impl Executor,
    ) {
        self.0.infer(batch, view, executor);
        self.1.infer(
            batch,
            move |image| {
                let (front, back) = view(image);
                if A::IN_PLACE { (front, back) } else { (back, front) }
            },
            executor,
        );
    }

    fn output(tape: &Self::Tape) -> &Self::Out {
        B::output(&tape.1)
    }

    fn output_and_gradient(tape: &mut Self::Tape) -> (&Self::Out, &mut Self::Out) {
        B::output_and_gradient(&mut tape.1)
    }

    fn activation_gradient(tape: &mut Self::Tape) {
        B::activation_gradient(&mut tape.1);
    }

    fn forward<S: Send>(
        &self,
        batch: &mut [S],
        view: impl Fn(&mut S) -> (&In, &mut Self::Tape, &mut u64) + Copy + Sync,
        executor: &impl Executor,
    ) {
        self.0.forward(
            batch,
            move |sample| {
                let (input, tape, random) = view(sample);
                (input, &mut tape.0, random)
            },
            executor,
        );
        self.1.forward(
            batch,
            move |sample| {
                let (_, tape, random) = view(sample);
                (A::output(&tape.0), &mut tape.1, random)
            },
            executor,
        );
    }

    fn backward<S: Send>(
        &self,
        batch: &mut [S],
        view: impl Fn(&mut S) -> &mut Self::Tape + Copy + Sync,
        executor: &impl Executor,
    ) {
        self.1.input_gradient(
            batch,
            move |sample| {
                let tape = view(sample);
                (&mut tape.1, A::output_and_gradient(&mut tape.0).1)
            },
            executor,
        );
        activation_gradient::<S, In, A>(batch, |sample| &mut view(sample).0, executor);
        self.0.backward(batch, move |sample| &mut view(sample).0, executor);
    }

    fn input_gradient<S: Send>(
        &self,
        batch: &mut [S],
        view: impl Fn(&mut S) -> (&mut Self::Tape, &mut In) + Copy + Sync,
        executor: &impl Executor,
    ) {
        self.1.input_gradient(
            batch,
            move |sample| {
                let (tape, _) = view(sample);
                (&mut tape.1, A::output_and_gradient(&mut tape.0).1)
            },
            executor,
        );
        activation_gradient::<S, In, A>(batch, |sample| &mut view(sample).0.0, executor);
        self.0.input_gradient(
            batch,
            move |sample| {
                let (tape, gradient) = view(sample);
                (&mut tape.0, gradient)
            },
            executor,
        );
    }

    fn update<S: Sync>(
        &mut self,
        batch: &[S],
        view: impl Fn(&S) -> (&In, &Self::Tape) + Copy + Sync,
        sgd: &Sgd,
        executor: &impl Executor,
    ) {
        self.1.update(
            batch,
            move |sample| {
                let (_, tape) = view(sample);
                (A::output(&tape.0), &tape.1)
            },
            sgd,
            executor,
        );
        self.0.update(
            batch,
            move |sample| {
                let (input, tape) = view(sample);
                (input, &tape.0)
            },
            sgd,
            executor,
        );
    }

    fn backward_and_update<S: Send>(
        &mut self,
        batch: &mut [S],
        view: impl Fn(&mut S) -> (&In, &mut Self::Tape) + Copy + Sync,
        sgd: &Sgd,
        executor: &impl Executor,
    ) {
        self.1.input_gradient_and_update(batch, move |sample| between::<In, A, B>(view(sample).1), sgd, executor);
        activation_gradient::<S, In, A>(batch, |sample| &mut view(sample).1.0, executor);
        self.0.backward_and_update(
            batch,
            move |sample| {
                let (input, tape) = view(sample);
                (input, &mut tape.0)
            },
            sgd,
            executor,
        );
    }

    fn input_gradient_and_update<S: Send>(
        &mut self,
        batch: &mut [S],
        view: impl Fn(&mut S) -> (&In, &mut Self::Tape, &mut In) + Copy + Sync,
        sgd: &Sgd,
        executor: &impl Executor,
    ) {
        self.1.input_gradient_and_update(batch, move |sample| between::<In, A, B>(view(sample).1), sgd, executor);
        activation_gradient::<S, In, A>(batch, |sample| &mut view(sample).1.0, executor);
        self.0.input_gradient_and_update(
            batch,
            move |sample| {
                let (input, tape, gradient) = view(sample);
                (input, &mut tape.0, gradient)
            },
            sgd,
            executor,
        );
    }
}

/// From the tape of two layers, what the second needs: its input, its tape, and where the gradient in its input goes.
fn between<In: Tensor, A: Layer<In>, B: Layer<A::Out>>(
    tape: &mut Seq<A::Tape, B::Tape>,
) -> (&A::Out, &mut B::Tape, &mut A::Out) {
    let (output, gradient) = A::output_and_gradient(&mut tape.0);
    (output, &mut tape.1, gradient)
}

/// [`Layer::activation_gradient`] for a mini-batch.
fn activation_gradient<S: Send, In: Tensor, A: Layer<In>>(
    batch: &mut [S],
    tape: impl Fn(&mut S) -> &mut A::Tape + Copy + Sync,
    executor: &impl Executor,
) {
    split_images(batch, A::Out::LEN, executor, &|batch| {
        executor.vectorize(ActivationGradient { batch, tape, layer: PhantomData::<(In, A)> });
    });
}

struct ActivationGradient<'a, S, T, In, A> {
    batch: &'a mut [S],
    tape: T,
    layer: PhantomData<(In, A)>,
}

impl<S, T: Fn(&mut S) -> &mut A::Tape, In: Tensor, A: Layer<In>> Kernel for ActivationGradient<'_, S, T, In, A> {
    #[inline(always)]
    fn run<V: Vector>(self) {
        for sample in self.batch {
            A::activation_gradient((self.tape)(sample));
        }
    }
}

const fn max(a: usize, b: usize) -> usize {
    if a > b { a } else { b }
}
