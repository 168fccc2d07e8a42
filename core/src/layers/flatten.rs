//! From an image to a vector.

use crate::activation::Identity;
use crate::executor::{Executor, split_images};
use crate::init::Init;
use crate::layer::{Layer, Pair};
use crate::sgd::Sgd;
use crate::shape::{Flat, Volume};
use crate::tensor::Tensor;
use crate::text::Text;
use rand_core::Rng;
use zerocopy::{FromBytes, Immutable, KnownLayout};

/// A square image's values as one vector, by rows, columns, and channels. Inference moves nothing.
#[derive(FromBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Flatten;

impl<const SIDE: usize, const C: usize> Layer<[[[f32; C]; SIDE]; SIDE]> for Flatten
where
    Volume<SIDE, C>: Flat,
{
    type Out = <Volume<SIDE, C> as Flat>::Vector;
    type Tape = Pair<Self::Out>;
    type Activation = Identity;

    const ZERO: Self = Self;
    const BLANK: Self::Tape = Pair { output: Tensor::ZERO, gradient: Tensor::ZERO };
    const PARAMETERS: usize = 0;
    const MACS: usize = 0;
    const ARCHITECTURE: Text = Text::EMPTY.then("flatten");
    const IN_PLACE: bool = true;
    const FRONT: usize = SIDE * SIDE * C;
    const BACK: usize = 0;

    fn initialize(&mut self, _: Init, _: &mut impl Rng) {}

    fn visit(&self, _: &mut impl FnMut(&[f32])) {}

    fn visit_mut(&mut self, _: &mut impl FnMut(&mut [f32])) {}

    #[inline(always)]
    fn infer<S: Send>(
        &self,
        _: &mut [S],
        _: impl Fn(&mut S) -> (&mut [f32], &mut [f32]) + Copy + Sync,
        _: &impl Executor,
    ) {
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
        view: impl Fn(&mut S) -> (&[[[f32; C]; SIDE]; SIDE], &mut Self::Tape, &mut u64) + Copy + Sync,
        executor: &impl Executor,
    ) {
        split_images(batch, SIDE * SIDE * C, executor, &|batch| {
            for sample in batch {
                let (image, tape, _) = view(sample);
                tape.output.flat_mut().copy_from_slice(image.flat());
            }
        });
    }

    fn input_gradient<S: Send>(
        &self,
        batch: &mut [S],
        view: impl Fn(&mut S) -> (&mut Self::Tape, &mut [[[f32; C]; SIDE]; SIDE]) + Copy + Sync,
        executor: &impl Executor,
    ) {
        split_images(batch, SIDE * SIDE * C, executor, &|batch| {
            for sample in batch {
                let (tape, gradient) = view(sample);
                gradient.flat_mut().copy_from_slice(tape.gradient.flat());
            }
        });
    }

    fn update<S: Sync>(
        &mut self,
        _: &[S],
        _: impl Fn(&S) -> (&[[[f32; C]; SIDE]; SIDE], &Self::Tape) + Copy + Sync,
        _: &Sgd,
        _: &impl Executor,
    ) {
    }
}
