//! A fully connected layer.

use crate::activation::{Activation, Identity, Softmax};
use crate::executor::{Executor, Kernel, split};
use crate::init::{Fan, Init};
use crate::kernel::dense;
use crate::kernel::vector::Vector;
use crate::layer::{Layer, Pair};
use crate::sgd::Sgd;
use crate::tensor::Tensor;
use crate::text::Text;
use core::marker::PhantomData;
use rand_core::Rng;
use zerocopy::{FromBytes, Immutable, KnownLayout};

/// Every one of `IN` inputs joined to every one of `OUT` outputs, then the activation `A`.
///
/// a_j = A(Σ_i x_i·w_ij + b_j): the book's equation 25. Zero outputs are allowed (the book has 784-0-10).
#[derive(FromBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Dense<const IN: usize, const OUT: usize, A: Activation = Identity> {
    /// `weights[i][j]` leads from input i to output j (the book's w_ji).
    pub weights: [[f32; OUT]; IN],
    /// One for each output.
    pub bias: [f32; OUT],
    activation: PhantomData<A>,
}

/// The fewest multiplications that are worth a second thread.
const SPLIT: usize = 20_000;

impl<const IN: usize, const OUT: usize, A: Activation> Layer<[f32; IN]> for Dense<IN, OUT, A> {
    type Out = [f32; OUT];
    type Tape = Pair<[f32; OUT]>;
    type Activation = A;

    const ZERO: Self = Self { weights: Tensor::ZERO, bias: Tensor::ZERO, activation: PhantomData };
    const BLANK: Self::Tape = Pair { output: Tensor::ZERO, gradient: Tensor::ZERO };
    const PARAMETERS: usize = IN * OUT + OUT;
    const MACS: usize = IN * OUT;
    const ARCHITECTURE: Text = Text::EMPTY.then("dense ").then_number(OUT).then(A::NAME);
    const IN_PLACE: bool = false;
    const FRONT: usize = IN;
    const BACK: usize = OUT;

    fn initialize(&mut self, init: Init, rng: &mut impl Rng) {
        let fan = Fan { fan_in: IN, fan_out: OUT as f32, softmax: A::NAME == Softmax::NAME };
        init.draw(fan, self.weights.as_flattened_mut(), &mut self.bias, rng);
    }

    fn visit(&self, visitor: &mut impl FnMut(&[f32])) {
        visitor(self.weights.as_flattened());
        visitor(&self.bias);
    }

    fn visit_mut(&mut self, visitor: &mut impl FnMut(&mut [f32])) {
        visitor(self.weights.as_flattened_mut());
        visitor(&mut self.bias);
    }

    #[inline(always)]
    fn infer<V: Vector, S>(&self, batch: &mut [S], view: impl Fn(&mut S) -> (&mut [f32], &mut [f32]) + Copy) {
        for images in batch.chunks_mut(dense::IMAGES) {
            let mut pairs = heapless::Vec::<(&[f32; IN], &mut [f32; OUT]), { dense::IMAGES }>::new();
            for image in images {
                let (front, back) = view(image);
                if let (Some(x), Some(z)) = (front.first_chunk(), back.first_chunk_mut()) {
                    // There is room for as many as the chunk has.
                    let _ = pairs.push((x, z));
                }
            }
            dense::forward::<V, _, IN, OUT>(&self.weights, &self.bias, &mut pairs, |(x, z)| (x, z));
            for (_, z) in &mut pairs {
                A::forward(*z);
            }
        }
    }

    fn output(tape: &Self::Tape) -> &Self::Out {
        &tape.output
    }

    fn output_and_gradient(tape: &mut Self::Tape) -> (&Self::Out, &mut Self::Out) {
        (&tape.output, &mut tape.gradient)
    }

    #[inline(always)]
    fn activation_gradient(tape: &mut Self::Tape) {
        A::backward(&tape.output, &mut tape.gradient);
    }

    fn forward<S>(
        &self,
        batch: &mut [S],
        view: impl Fn(&mut S) -> (&[f32; IN], &mut Self::Tape, &mut u64) + Copy,
        executor: &impl Executor,
    ) {
        executor.vectorize(Forward { layer: self, batch, view });
    }

    fn input_gradient<S>(
        &self,
        batch: &mut [S],
        view: impl Fn(&mut S) -> (&mut Self::Tape, &mut [f32; IN]) + Copy,
        executor: &impl Executor,
    ) {
        executor.vectorize(InputGradient { layer: self, batch, view });
    }

    fn update<S: Sync>(
        &mut self,
        batch: &[S],
        view: impl Fn(&S) -> (&[f32; IN], &Self::Tape) + Copy + Sync,
        sgd: &Sgd,
        executor: &impl Executor,
    ) {
        let pieces = if IN * OUT * batch.len() < SPLIT { 1 } else { executor.threads() };
        split(&mut self.weights, 0, pieces, executor, &|rows, first| {
            executor.vectorize(Update { rows, first, batch, view, sgd });
        });
        dense::update_bias(&mut self.bias, batch, |sample| &view(sample).1.gradient, sgd);
    }
}

struct Forward<'a, S, View, const IN: usize, const OUT: usize, A: Activation> {
    layer: &'a Dense<IN, OUT, A>,
    batch: &'a mut [S],
    view: View,
}

impl<S, View, const IN: usize, const OUT: usize, A: Activation> Kernel for Forward<'_, S, View, IN, OUT, A>
where
    View: Fn(&mut S) -> (&[f32; IN], &mut Pair<[f32; OUT]>, &mut u64),
{
    #[inline(always)]
    fn run<V: Vector>(self) {
        dense::forward::<V, _, IN, OUT>(&self.layer.weights, &self.layer.bias, self.batch, |sample| {
            let (x, tape, _) = (self.view)(sample);
            (x, &mut tape.output)
        });
        for sample in self.batch {
            A::forward(&mut (self.view)(sample).1.output);
        }
    }
}

struct InputGradient<'a, S, View, const IN: usize, const OUT: usize, A: Activation> {
    layer: &'a Dense<IN, OUT, A>,
    batch: &'a mut [S],
    view: View,
}

impl<S, View, const IN: usize, const OUT: usize, A: Activation> Kernel for InputGradient<'_, S, View, IN, OUT, A>
where
    View: Fn(&mut S) -> (&mut Pair<[f32; OUT]>, &mut [f32; IN]),
{
    #[inline(always)]
    fn run<V: Vector>(self) {
        dense::input_gradient::<V, _, IN, OUT>(&self.layer.weights, self.batch, |sample| {
            let (tape, gradient) = (self.view)(sample);
            (&tape.gradient, gradient)
        });
    }
}

struct Update<'a, S, View, const OUT: usize> {
    rows: &'a mut [[f32; OUT]],
    first: usize,
    batch: &'a [S],
    view: View,
    sgd: &'a Sgd,
}

impl<S, View, const IN: usize, const OUT: usize> Kernel for Update<'_, S, View, OUT>
where
    View: Fn(&S) -> (&[f32; IN], &Pair<[f32; OUT]>),
{
    #[inline(always)]
    fn run<V: Vector>(self) {
        dense::update::<V, _, IN, OUT>(
            self.rows,
            self.first,
            self.batch,
            |sample| {
                let (x, tape) = (self.view)(sample);
                (x, &tape.gradient)
            },
            self.sgd,
        );
    }
}
