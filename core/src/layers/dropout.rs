//! Dropout of a layer's inputs.

use crate::activation::Identity;
use crate::executor::{Executor, Kernel, split_images};
use crate::init::Init;
use crate::kernel::dropout::{self, Image};
use crate::kernel::vector::Vector;
use crate::layer::Layer;
use crate::sgd::Sgd;
use crate::tensor::Tensor;
use crate::text::Text;
use core::marker::PhantomData;
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

/// How many multiplications take as long as one random number.
const WORK: usize = 4;

/// What training remembers of an image's dropout: `kept` is 1 where a value stayed and 0 where it fell.
#[derive(FromBytes)]
#[repr(C)]
pub struct DropoutTape<T> {
    output: T,
    gradient: T,
    kept: T,
}

impl<const PERCENT: u8> Dropout<PERCENT> {
    const CHECKED: u32 = {
        assert!(PERCENT < 100, "`Dropout<PERCENT>` must leave something: PERCENT is at most 99");
        PERCENT as u32
    };
    /// A random number below this drops a value.
    const THRESHOLD: u32 = ((Self::CHECKED as u64 * (1 << 32)) / 100) as u32;
    pub(crate) const STAYING: f32 = (100 - Self::CHECKED) as f32 / 100.0;
}

impl<In: Tensor, const PERCENT: u8> Layer<In> for Dropout<PERCENT> {
    type Out = In;
    type Tape = DropoutTape<In>;
    type Activation = Identity;

    const ZERO: Self = Self;
    const BLANK: Self::Tape = DropoutTape { output: In::ZERO, gradient: In::ZERO, kept: In::ZERO };
    const PARAMETERS: usize = 0;
    const MACS: usize = 0;
    const ARCHITECTURE: Text = Text::EMPTY.then("dropout ").then_number(PERCENT as usize);
    const IN_PLACE: bool = true;
    const FRONT: usize = In::LEN;
    const BACK: usize = 0;

    fn initialize(&mut self, _: Init, _: &mut impl Rng) {}

    fn visit(&self, _: &mut impl FnMut(&[f32])) {}

    fn visit_mut(&mut self, _: &mut impl FnMut(&mut [f32])) {}

    fn infer<S: Send>(
        &self,
        batch: &mut [S],
        view: impl Fn(&mut S) -> (&mut [f32], &mut [f32]) + Copy + Sync,
        _: &impl Executor,
    ) {
        for image in batch {
            for value in view(image).0.iter_mut().take(In::LEN) {
                *value *= Self::STAYING;
            }
        }
    }

    fn output(tape: &Self::Tape) -> &Self::Out {
        &tape.output
    }

    fn output_and_gradient(tape: &mut Self::Tape) -> (&Self::Out, &mut Self::Out) {
        (&tape.output, &mut tape.gradient)
    }

    fn activation_gradient(_: &mut Self::Tape) {}

    fn forward<S: Send>(
        &self,
        batch: &mut [S],
        view: impl Fn(&mut S) -> (&In, &mut Self::Tape, &mut u64) + Copy + Sync,
        executor: &impl Executor,
    ) {
        split_images(batch, WORK * In::LEN, executor, &|batch| {
            executor.vectorize(Forward { batch, view, input: PhantomData::<In>, threshold: Self::THRESHOLD });
        });
    }

    fn input_gradient<S: Send>(
        &self,
        batch: &mut [S],
        view: impl Fn(&mut S) -> (&mut Self::Tape, &mut In) + Copy + Sync,
        executor: &impl Executor,
    ) {
        split_images(batch, In::LEN, executor, &|batch| {
            for sample in batch {
                let (tape, gradient) = view(sample);
                let values = tape.gradient.flat().iter().zip(tape.kept.flat()).zip(gradient.flat_mut());
                for ((delta, kept), gradient) in values {
                    *gradient = delta * kept;
                }
            }
        });
    }

    fn update<S: Sync>(
        &mut self,
        _: &[S],
        _: impl Fn(&S) -> (&In, &Self::Tape) + Copy + Sync,
        _: &Sgd,
        _: &impl Executor,
    ) {
    }
}

struct Forward<'a, S, View, In> {
    batch: &'a mut [S],
    view: View,
    input: PhantomData<In>,
    threshold: u32,
}

impl<S, View, In: Tensor> Kernel for Forward<'_, S, View, In>
where
    View: Fn(&mut S) -> (&In, &mut DropoutTape<In>, &mut u64),
{
    #[inline(always)]
    fn run<V: Vector>(self) {
        for samples in self.batch.chunks_mut(dropout::IMAGES) {
            let mut images = heapless::Vec::<Image, { dropout::IMAGES }>::new();
            for sample in samples {
                let (input, tape, random) = (self.view)(sample);
                let (kept, output) = (tape.kept.flat_mut(), tape.output.flat_mut());
                // There is room for as many as the chunk has.
                let _ = images.push(Image { random, input: input.flat(), kept, output });
            }
            dropout::forward(&mut images, self.threshold);
        }
    }
}
