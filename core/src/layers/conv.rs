//! A convolution, and the pooling after it.

use crate::activation::{Elementwise, Identity};
use crate::batch::{Images, Place};
use crate::executor::{Executor, LENT};
use crate::init::Init;
use crate::layer::{Layer, Parameters};
use crate::op::{self, Op, Ops};
use crate::pool::{NoPool, Pool};
use crate::quant::{Bits, Inherit};
use crate::sgd::Sgd;
use crate::shape::{Placement, Side, Size, Valid, Window};
use crate::tensor::Tensor;
use crate::text::Text;
use core::marker::PhantomData;
use rand_core::Rng;
use zerocopy::{FromBytes, Immutable, KnownLayout};

/// An image of `H` rows, `W` columns and `C` channels.
pub(crate) type Image<const H: usize, const W: usize, const C: usize> = [[[f32; C]; W]; H];

/// `OUT` filters of `KH` x `KW` pixels over `IN` channels, placed by `S` ([`Valid`], [`Same`](crate::shape::Same), or
/// [`Stride`](crate::shape::Stride)); then the pooling `P`, then the activation `A`: the book's `network3.ConvPoolLayer` and
/// equation 125. The image's size comes from the layer before. For signals, an image of one row, or one column, and a
/// filter of one: `Conv<1, 9, …>` over `[[[f32; 3]; 128]; 1]`. As integers its weights have the width `B`, such as
/// [`Int4`](crate::quant::Int4), or else that of the network.
///
/// As in most libraries, the filter is not mirrored (the book's Theano mirrors it: the same set of functions).
#[derive(FromBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Conv<
    const KH: usize,
    const KW: usize,
    const IN: usize,
    const OUT: usize,
    P: Pool = NoPool,
    A: Elementwise = Identity,
    S: Placement = Valid,
    B: Bits = Inherit,
> {
    /// `filters[ky][kx][c][o]` leads from channel c of the pixel (s·y + ky, s·x + kx) to channel o of (y, x), with the
    /// stride s.
    pub filters: [[[[f32; OUT]; IN]; KW]; KH],
    /// One for each filter.
    pub bias: [f32; OUT],
    kind: PhantomData<(P, A, S, B)>,
}

/// Filters of 5x5 pixels, as in the book, that stay inside the image.
pub type Conv5x5<const IN: usize, const OUT: usize, P = NoPool, A = Identity> = Conv<5, 5, IN, OUT, P, A>;

impl<
    const KH: usize,
    const KW: usize,
    const IN: usize,
    const OUT: usize,
    P: Pool,
    A: Elementwise,
    S: Placement,
    B: Bits,
> Conv<KH, KW, IN, OUT, P, A, S, B>
{
    /// What it computes of an image of `H` x `W` pixels.
    #[inline(always)]
    pub const fn op<const H: usize, const W: usize>() -> op::Conv {
        // A filter on the way back, with zeros beside its rows, is what takes most scratch.
        const {
            assert!(
                KH * (KW + 3) * IN <= LENT,
                "a filter has at most 32,768 weights, three columns more of them counted"
            )
        }
        op::Conv {
            height: H,
            width: W,
            channels: IN,
            filter_height: KH,
            filter_width: KW,
            filters: OUT,
            stride: S::STRIDE,
            padding: S::PADDING,
            pooling: P::POOLING,
            activation: A::FUNCTION,
            bits: B::WIDTH,
        }
    }
}

/// What a side of an image becomes.
type Left<const N: usize, const K: usize, S, P> = <Size<N> as Window<K, S, P>>::Out;

/// What is left of an image of `H` x `W` pixels, with `O` values at each position.
type Map<const KH: usize, const KW: usize, S, P, const H: usize, const W: usize, const O: usize> =
    <Left<H, KH, S, P> as Side>::Rows<f32, <Left<W, KW, S, P> as Side>::Rows<f32, [f32; O]>>;

impl<
    const H: usize,
    const W: usize,
    const KH: usize,
    const KW: usize,
    const IN: usize,
    const OUT: usize,
    P: Pool,
    A: Elementwise,
    S: Placement,
    B: Bits,
> Layer<Image<H, W, IN>> for Conv<KH, KW, IN, OUT, P, A, S, B>
where
    Size<H>: Window<KH, S, P>,
    Size<W>: Window<KW, S, P>,
{
    type Out = Map<KH, KW, S, P, H, W, OUT>;
    type Activation = A;

    const ZERO: Self = Self { filters: Tensor::ZERO, bias: Tensor::ZERO, kind: PhantomData };
    const PARAMETERS: usize = KH * KW * IN * OUT + OUT;
    const MACS: usize = Self::op::<H, W>().macs();
    const SAVED: usize = Self::op::<H, W>().saved();
    const OPS: Ops = Ops::one(Op::Conv(Self::op::<H, W>()));
    const ARCHITECTURE: Text = Self::op::<H, W>().text();
    const IN_PLACE: bool = false;
    const FRONT: usize = Self::op::<H, W>().padded_inputs();
    const BACK: usize = Self::op::<H, W>().outputs();

    fn initialize(&mut self, init: Init, rng: &mut impl Rng) {
        const { Self::op::<H, W>() }.initialize(init, self.filters.flat_mut(), &mut self.bias, rng);
    }

    fn visit(&self, visitor: &mut impl FnMut(Parameters, &[f32])) {
        visitor(Parameters::Weights, self.filters.flat());
        visitor(Parameters::Biases, &self.bias);
    }

    fn visit_mut(&mut self, visitor: &mut impl FnMut(Parameters, &mut [f32])) {
        visitor(Parameters::Weights, self.filters.flat_mut());
        visitor(Parameters::Biases, &mut self.bias);
    }

    #[cfg_attr(target_os = "none", inline(always))]
    fn infer(&self, images: Images, from: usize, to: usize, executor: &impl Executor) {
        const { Self::op::<H, W>() }.infer(self.filters.flat(), &self.bias, images, from, to, executor);
    }

    #[inline(always)]
    fn output(_: Place, own: usize) -> Place {
        const { Self::op::<H, W>() }.output(own)
    }

    #[cfg_attr(target_os = "none", inline(always))]
    fn forward(&self, images: Images, input: Place, own: usize, executor: &impl Executor) {
        const { Self::op::<H, W>() }.forward(self.filters.flat(), &self.bias, images, input, own, executor);
    }

    #[cfg_attr(target_os = "none", inline(always))]
    fn activation_gradient(images: Images, own: usize, executor: &impl Executor) {
        const { Self::op::<H, W>() }.activation_gradient(images, own, executor);
    }

    #[cfg_attr(target_os = "none", inline(always))]
    fn backward(&self, images: Images, input: Place, own: usize, executor: &impl Executor) {
        const { Self::op::<H, W>() }.backward(self.filters.flat(), images, input, own, executor);
    }

    #[cfg_attr(target_os = "none", inline(always))]
    fn update(&mut self, images: &Images, input: Place, own: usize, sgd: &Sgd, executor: &impl Executor) {
        const { Self::op::<H, W>() }.update(self.filters.flat_mut(), &mut self.bias, images, input, own, sgd, executor);
    }
}
