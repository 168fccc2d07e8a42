//! From an image to a vector.

use crate::activation::Identity;
use crate::batch::{Images, Place};
use crate::executor::Executor;
use crate::init::Init;
use crate::layer::{Layer, Parameters};
use crate::op::Op;
use crate::sgd::Sgd;
use crate::shape::{Flat, Volume};
use crate::text::Text;
use rand_core::Rng;
use zerocopy::{FromBytes, Immutable, KnownLayout};

/// A square image's values as one vector, by rows, columns, and channels. Nothing moves.
#[derive(FromBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Flatten;

impl<const SIDE: usize, const C: usize> Layer<[[[f32; C]; SIDE]; SIDE]> for Flatten
where
    Volume<SIDE, C>: Flat,
{
    type Out = <Volume<SIDE, C> as Flat>::Vector;
    type Activation = Identity;

    const ZERO: Self = Self;
    const PARAMETERS: usize = 0;
    const MACS: usize = 0;
    const SAVED: usize = 0;
    const ARCHITECTURE: Text = Op::Flatten(SIDE * SIDE * C).text();
    const IN_PLACE: bool = true;
    const FRONT: usize = SIDE * SIDE * C;
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
