//! From an image to a vector.

use crate::activation::Identity;
use crate::batch::{Images, Place};
use crate::executor::Executor;
use crate::init::Init;
use crate::layer::{Layer, Parameters};
use crate::layers::Image;
use crate::op::{Op, Ops};
use crate::sgd::Sgd;
use crate::shape::{Flat, Table};
use crate::tensor::Tensor;
use crate::text::Text;
use core::marker::PhantomData;
use rand_core::Rng;
use zerocopy::{FromBytes, Immutable, KnownLayout};

/// An image's values as one vector, by rows, columns, and channels. Nothing moves. Which images it takes is `F`'s matter
/// ([`Flat`]): by default the square ones of a table.
#[derive(FromBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Flatten<F = Table>(PhantomData<F>);

impl<const H: usize, const W: usize, const C: usize, F: Flat<Image<H, W, C>>> Layer<Image<H, W, C>> for Flatten<F> {
    type Out = F::Vector;
    type Activation = Identity;

    const ZERO: Self = Self(PhantomData);
    const PARAMETERS: usize = 0;
    const MACS: usize = 0;
    const SAVED: usize = 0;
    const OPS: Ops = Ops::one(Op::Flatten(H * W * C));
    const ARCHITECTURE: Text = Op::Flatten(H * W * C).text();
    const IN_PLACE: bool = true;
    const FRONT: usize = {
        assert!(F::Vector::LEN == H * W * C, "`Flat::Vector` must have as many values as the image");
        H * W * C
    };
    const BACK: usize = 0;

    fn initialize(&mut self, _: Init, _: &mut impl Rng) {}

    fn visit(&self, _: &mut impl FnMut(Parameters, &[f32])) {}

    fn visit_mut(&mut self, _: &mut impl FnMut(Parameters, &mut [f32])) {}

    #[inline(always)]
    fn infer(&self, _: Images, _: usize, _: usize, _: &impl Executor) {}

    #[inline(always)]
    fn output(input: Place, _: usize) -> Place {
        input
    }

    #[inline(always)]
    fn forward(&self, _: Images, _: Place, _: usize, _: &impl Executor) {}

    #[inline(always)]
    fn activation_gradient(_: Images, _: usize, _: &impl Executor) {}

    #[inline(always)]
    fn backward(&self, _: Images, _: Place, _: usize, _: &impl Executor) {}

    #[inline(always)]
    fn update(&mut self, _: &Images, _: Place, _: usize, _: &Sgd, _: &impl Executor) {}
}
