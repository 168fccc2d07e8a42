//! A convolution with filters of 5x5 pixels, and the pooling after it.

use crate::activation::{Elementwise, Identity};
use crate::executor::{Executor, Kernel, pieces, split, split_images};
use crate::init::{Fan, Init};
use crate::kernel::conv5x5::{self, FILTERS, Filter, Filters, Image, Output};
use crate::kernel::vector::Vector;
use crate::layer::{Layer, TOGETHER, Together};
use crate::pool::{NoPool, Pool};
use crate::sgd::Sgd;
use crate::shape::{Size, Window};
use crate::tensor::Tensor;
use crate::text::Text;
use core::marker::PhantomData;
use rand_core::Rng;
use zerocopy::{FromBytes, Immutable, KnownLayout};

/// `OUT` filters of 5x5 pixels over `IN` channels, stride 1, no padding; then the pooling `P`, then the activation
/// `A`: the book's `network3.ConvPoolLayer` and equation 125. The image's size comes from the layer before.
///
/// As in most libraries, the filter is not mirrored (the book's Theano mirrors it: the same set of functions).
#[derive(FromBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Conv5x5<const IN: usize, const OUT: usize, P: Pool = NoPool, A: Elementwise = Identity> {
    /// `filters[ky][kx][c][o]` leads from channel c of the pixel (y + ky, x + kx) to channel o of (y, x).
    pub filters: Filters<IN, OUT>,
    /// One for each filter.
    pub bias: [f32; OUT],
    kind: PhantomData<(P, A)>,
}

/// What training remembers of a convolution's image. `Out` holds the pooled values; `Which` the position in its
/// square that each of them came from.
#[derive(FromBytes)]
#[repr(C)]
pub struct ConvTape<Out, Which> {
    output: Out,
    gradient: Out,
    which: Which,
}

/// What is left of an image of `H` x `W` pixels, with `O` values of type `E` at each position.
type Map<E, P, const H: usize, const W: usize, const O: usize> =
    <Size<H> as Window<P>>::Rows<E, <Size<W> as Window<P>>::Rows<E, [E; O]>>;

/// The fewest weights whose step is worth a second thread.
const WEIGHTS: usize = 10_000;

impl<const H: usize, const W: usize, const IN: usize, const OUT: usize, P: Pool, A: Elementwise> Layer<Image<H, W, IN>>
    for Conv5x5<IN, OUT, P, A>
where
    Size<H>: Window<P>,
    Size<W>: Window<P>,
{
    type Out = Map<f32, P, H, W, OUT>;
    type Tape = ConvTape<Self::Out, Map<u8, P, H, W, OUT>>;
    type Activation = A;

    const ZERO: Self = Self { filters: Tensor::ZERO, bias: Tensor::ZERO, kind: PhantomData };
    const BLANK: Self::Tape = ConvTape { output: Tensor::ZERO, gradient: Tensor::ZERO, which: Tensor::ZERO };
    const PARAMETERS: usize = 25 * IN * OUT + OUT;
    const MACS: usize = (H - 4) * (W - 4) * 25 * IN * OUT;
    const ARCHITECTURE: Text = A::FUNCTION.append(P::POOLING.append(Text::EMPTY.then("conv5x5 ").then_number(OUT)));
    const IN_PLACE: bool = false;
    const FRONT: usize = <Image<H, W, IN> as Tensor>::LEN;
    const BACK: usize = <Self::Out as Tensor>::LEN;

    fn initialize(&mut self, init: Init, rng: &mut impl Rng) {
        // `network3.py` divides by the pool's size even though the pool comes later.
        let fan_out = (OUT * 25) as f32 / (P::POOLING.side() * P::POOLING.side()) as f32;
        let fan = Fan { fan_in: 25 * IN, fan_out, softmax: false };
        init.draw(fan, <Filters<IN, OUT>>::flat_mut(&mut self.filters), &mut self.bias, rng);
    }

    fn visit(&self, visitor: &mut impl FnMut(&[f32])) {
        visitor(self.filters.flat());
        visitor(&self.bias);
    }

    fn visit_mut(&mut self, visitor: &mut impl FnMut(&mut [f32])) {
        visitor(self.filters.flat_mut());
        visitor(&mut self.bias);
    }

    fn infer<S: Send>(
        &self,
        batch: &mut [S],
        view: impl Fn(&mut S) -> (&mut [f32], &mut [f32]) + Copy + Sync,
        executor: &impl Executor,
    ) {
        for images in batch.chunks_mut(TOGETHER) {
            let mut pairs = Together::<Rows<W, IN>>::new();
            for image in images {
                let (front, back) = view(image);
                let image = <Image<H, W, IN>>::nest(front).first();
                if let (Some(image), Some(out)) = (image, back.get_mut(..<Self as Layer<Image<H, W, IN>>>::BACK)) {
                    // There is room for as many as the chunk has.
                    let _ = pairs.push((image.as_slice(), out));
                }
            }
            let macs = <Self as Layer<Image<H, W, IN>>>::MACS;
            if pairs.len() < executor.threads() {
                for (rows, out) in pairs {
                    self.infer_rows::<H, W>(rows, out, pieces(macs, executor), executor);
                }
            } else {
                split_images(&mut pairs, macs, executor, &|images| {
                    executor.vectorize(Infer::<_, _, H, W, _, _> { layer: self, images });
                });
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
        A::FUNCTION.backward(tape.output.flat(), tape.gradient.flat_mut());
    }

    fn forward<S: Send>(
        &self,
        batch: &mut [S],
        view: impl Fn(&mut S) -> (&Image<H, W, IN>, &mut Self::Tape, &mut u64) + Copy + Sync,
        executor: &impl Executor,
    ) {
        split_images(batch, <Self as Layer<Image<H, W, IN>>>::MACS, executor, &|batch| {
            executor.vectorize(Forward { layer: self, batch, view });
        });
    }

    fn input_gradient<S: Send>(
        &self,
        batch: &mut [S],
        view: impl Fn(&mut S) -> (&mut Self::Tape, &mut Image<H, W, IN>) + Copy + Sync,
        executor: &impl Executor,
    ) {
        split_images(batch, <Self as Layer<Image<H, W, IN>>>::MACS, executor, &|batch| {
            executor.vectorize(InputGradient { layer: self, batch, view });
        });
    }

    fn update<S: Sync>(
        &mut self,
        batch: &[S],
        view: impl Fn(&S) -> (&Image<H, W, IN>, &Self::Tape) + Copy + Sync,
        sgd: &Sgd,
        executor: &impl Executor,
    ) {
        let pieces = pieces(<Self as Layer<Image<H, W, IN>>>::MACS * batch.len(), executor);
        // Threads share the filters for the gradient, and their taps for the step.
        for first in (0..OUT).step_by(FILTERS) {
            // Nothing is written here that another thread will write.
            let mut gradients = [const { None }; FILTERS];
            let gradients = gradients.get_mut(..FILTERS.min(OUT - first)).unwrap_or_default();
            split(gradients, first, pieces, executor, &|gradients, first| {
                let kind = PhantomData::<(P, [f32; OUT])>;
                executor.vectorize(Gradient { gradients, first, batch, view, kind });
            });
            let pieces = if 25 * IN * OUT < WEIGHTS { 1 } else { pieces };
            split(self.filters.as_flattened_mut().as_flattened_mut(), 0, pieces, executor, &|taps, tap| {
                executor.vectorize(Step { taps, tap, gradients, first, sgd });
            });
        }
        conv5x5::update_bias(&mut self.bias, batch, |sample| view(sample).1.gradient.flat(), sgd);
    }
}

/// Some rows of an image, and where their results go.
type Rows<'a, const W: usize, const C: usize> = (&'a [[[f32; C]; W]], &'a mut [f32]);

impl<const IN: usize, const OUT: usize, P: Pool, A: Elementwise> Conv5x5<IN, OUT, P, A> {
    /// Some rows' results, some of them on each thread.
    fn infer_rows<const H: usize, const W: usize>(
        &self,
        rows: &[[[f32; IN]; W]],
        out: &mut [f32],
        pieces: usize,
        executor: &impl Executor,
    ) {
        let results = rows.len().saturating_sub(4) / P::POOLING.side();
        let half = pieces.min(results) / 2;
        if half == 0 {
            return executor.vectorize(Infer::<_, _, H, W, _, _> { layer: self, images: &mut [(rows, out)] });
        }
        let middle = results * half / pieces;
        let (upper, lower) = out.split_at_mut_checked(middle * ((W - 4) / P::POOLING.side()) * OUT).unwrap_or_default();
        let middle = middle * P::POOLING.side();
        executor.join(
            || self.infer_rows::<H, W>(rows.get(..middle + 4).unwrap_or(&[]), upper, half, executor),
            || self.infer_rows::<H, W>(rows.get(middle..).unwrap_or(&[]), lower, pieces - half, executor),
        );
    }
}

struct Infer<'a, 'b, P: Pool, A: Elementwise, const H: usize, const W: usize, const IN: usize, const OUT: usize> {
    layer: &'a Conv5x5<IN, OUT, P, A>,
    images: &'a mut [Rows<'b, W, IN>],
}

impl<P, A, const H: usize, const W: usize, const IN: usize, const OUT: usize> Kernel
    for Infer<'_, '_, P, A, H, W, IN, OUT>
where
    P: Pool,
    A: Elementwise,
{
    #[inline(always)]
    fn run<V: Vector>(self) {
        let Conv5x5 { filters, bias, .. } = self.layer;
        conv5x5::forward::<V, _, P, H, W, IN, OUT>(filters, bias, self.images, |(rows, out)| {
            (rows, Output { values: out, which: None })
        });
        for (_, out) in self.images {
            A::FUNCTION.forward(out);
        }
    }
}

struct Forward<'a, S, View, const IN: usize, const OUT: usize, P: Pool, A: Elementwise> {
    layer: &'a Conv5x5<IN, OUT, P, A>,
    batch: &'a mut [S],
    view: View,
}

impl<S, View, Out, Which, P, A, const H: usize, const W: usize, const IN: usize, const OUT: usize> Kernel
    for Forward<'_, S, View, IN, OUT, P, A>
where
    View: Fn(&mut S) -> (&Image<H, W, IN>, &mut ConvTape<Out, Which>, &mut u64),
    Out: Tensor,
    Which: Tensor<u8>,
    P: Pool,
    A: Elementwise,
{
    #[inline(always)]
    fn run<V: Vector>(self) {
        let Conv5x5 { filters, bias, .. } = self.layer;
        conv5x5::forward::<V, _, P, H, W, IN, OUT>(filters, bias, self.batch, |sample| {
            let (image, tape, _) = (self.view)(sample);
            (image, Output { values: tape.output.flat_mut(), which: Some(tape.which.flat_mut()) })
        });
        for sample in self.batch {
            A::FUNCTION.forward((self.view)(sample).1.output.flat_mut());
        }
    }
}

struct InputGradient<'a, S, View, const IN: usize, const OUT: usize, P: Pool, A: Elementwise> {
    layer: &'a Conv5x5<IN, OUT, P, A>,
    batch: &'a mut [S],
    view: View,
}

impl<S, View, Out, Which, P, A, const H: usize, const W: usize, const IN: usize, const OUT: usize> Kernel
    for InputGradient<'_, S, View, IN, OUT, P, A>
where
    View: Fn(&mut S) -> (&mut ConvTape<Out, Which>, &mut Image<H, W, IN>),
    Out: Tensor,
    Which: Tensor<u8>,
    P: Pool,
    A: Elementwise,
{
    #[inline(always)]
    fn run<V: Vector>(self) {
        conv5x5::input_gradient::<V, _, P, H, W, IN, OUT>(&self.layer.filters, self.batch, |sample| {
            let (tape, gradient) = (self.view)(sample);
            (tape.gradient.flat(), tape.which.flat(), gradient)
        });
    }
}

struct Gradient<'a, S, View, P, const IN: usize, const OUT: usize> {
    gradients: &'a mut [Option<Filter<IN>>],
    first: usize,
    batch: &'a [S],
    view: View,
    kind: PhantomData<(P, [f32; OUT])>,
}

impl<S, View, Out, Which, P, const H: usize, const W: usize, const IN: usize, const OUT: usize> Kernel
    for Gradient<'_, S, View, P, IN, OUT>
where
    View: Fn(&S) -> (&Image<H, W, IN>, &ConvTape<Out, Which>),
    Out: Tensor,
    Which: Tensor<u8>,
    P: Pool,
{
    #[inline(always)]
    fn run<V: Vector>(self) {
        conv5x5::gradient::<V, _, P, H, W, IN, OUT>(self.gradients, self.first, self.batch, |sample| {
            let (image, tape) = (self.view)(sample);
            (image, tape.gradient.flat(), tape.which.flat())
        });
    }
}

struct Step<'a, const IN: usize, const OUT: usize> {
    taps: &'a mut [[f32; OUT]],
    tap: usize,
    gradients: &'a [Option<Filter<IN>>],
    first: usize,
    sgd: &'a Sgd,
}

impl<const IN: usize, const OUT: usize> Kernel for Step<'_, IN, OUT> {
    #[inline(always)]
    fn run<V: Vector>(self) {
        conv5x5::step::<V, IN, OUT>(self.taps, self.tap, self.gradients, self.first, self.sgd);
    }
}
