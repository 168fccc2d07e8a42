//! Global average pooling.

use crate::activation::Identity;
use crate::batch::{Images, Place};
use crate::executor::Executor;
use crate::init::Init;
use crate::layer::{Layer, Parameters};
use crate::layers::Image;
use crate::op::{self, Op, Ops};
use crate::sgd::Sgd;
use crate::text::Text;
use rand_core::Rng;
use zerocopy::{FromBytes, Immutable, KnownLayout};

/// The mean of each channel of an image of any size, as a vector: in place of [`Flatten`](crate::layers::Flatten), for a
/// dense layer of few weights.
#[derive(FromBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct GlobalAvgPool;

impl GlobalAvgPool {
    /// What it computes of an image of these rows, columns, and channels.
    #[inline(always)]
    pub const fn op(height: usize, width: usize, channels: usize) -> op::GlobalAvgPool {
        op::GlobalAvgPool { height, width, channels }
    }
}

impl<const H: usize, const W: usize, const C: usize> Layer<Image<H, W, C>> for GlobalAvgPool {
    type Out = [f32; C];
    type Activation = Identity;

    const ZERO: Self = Self;
    const PARAMETERS: usize = 0;
    const MACS: usize = 0;
    const SAVED: usize = Self::op(H, W, C).saved();
    const OPS: Ops = Ops::one(Op::GlobalAvgPool(Self::op(H, W, C)));
    const ARCHITECTURE: Text = Self::op(H, W, C).text();
    const IN_PLACE: bool = false;
    const FRONT: usize = H * W * C;
    const BACK: usize = C;

    fn initialize(&mut self, _: Init, _: &mut impl Rng) {}

    fn visit(&self, _: &mut impl FnMut(Parameters, &[f32])) {}

    fn visit_mut(&mut self, _: &mut impl FnMut(Parameters, &mut [f32])) {}

    #[cfg_attr(target_os = "none", inline(always))]
    fn infer(&self, images: Images, from: usize, to: usize, executor: &impl Executor) {
        Self::op(H, W, C).infer(images, from, to, executor);
    }

    #[inline(always)]
    fn output(_: Place, own: usize) -> Place {
        Self::op(H, W, C).output(own)
    }

    #[cfg_attr(target_os = "none", inline(always))]
    fn forward(&self, images: Images, input: Place, own: usize, executor: &impl Executor) {
        Self::op(H, W, C).forward(images, input, own, executor);
    }

    #[inline(always)]
    fn activation_gradient(_: Images, _: usize, _: &impl Executor) {}

    #[cfg_attr(target_os = "none", inline(always))]
    fn backward(&self, images: Images, input: Place, own: usize, executor: &impl Executor) {
        Self::op(H, W, C).backward(images, input, own, executor);
    }

    #[inline(always)]
    fn update(&mut self, _: &Images, _: Place, _: usize, _: &Sgd, _: &impl Executor) {}
}
