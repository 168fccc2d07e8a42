//! A fully connected layer.

use crate::activation::{Activation, Function, Identity};
use crate::executor::{Executor, Kernel, Wave, pieces, split, split_images};
use crate::init::{Fan, Init};
use crate::kernel::dense;
use crate::kernel::vector::Vector;
use crate::layer::{Layer, Pair, Together};
use crate::sgd::Sgd;
use crate::tensor::Tensor;
use crate::text::Text;
use core::marker::PhantomData;
use core::ops::Range;
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

/// From so many on, rows of a layer with few weights are shared too.
const ROWS: usize = 256;

impl<const IN: usize, const OUT: usize, A: Activation> Layer<[f32; IN]> for Dense<IN, OUT, A> {
    type Out = [f32; OUT];
    type Tape = Pair<[f32; OUT]>;
    type Activation = A;

    const ZERO: Self = Self { weights: Tensor::ZERO, bias: Tensor::ZERO, activation: PhantomData };
    const BLANK: Self::Tape = Pair { output: Tensor::ZERO, gradient: Tensor::ZERO };
    const PARAMETERS: usize = IN * OUT + OUT;
    const MACS: usize = IN * OUT;
    const ARCHITECTURE: Text = A::FUNCTION.append(Text::EMPTY.then("dense ").then_number(OUT));
    const IN_PLACE: bool = false;
    const LARGE: bool = Self::SHARED;
    const FRONT: usize = IN;
    const BACK: usize = OUT;

    fn initialize(&mut self, init: Init, rng: &mut impl Rng) {
        let fan = Fan { fan_in: IN, fan_out: OUT as f32, softmax: matches!(A::FUNCTION, Function::Softmax) };
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

    fn infer<S: Send>(
        &self,
        batch: &mut [S],
        view: impl Fn(&mut S) -> (&mut [f32], &mut [f32]) + Copy + Sync,
        executor: &impl Executor,
    ) {
        for batch in batch.chunks_mut(dense::IMAGES) {
            let mut images = Together::<Image<IN, OUT>>::new();
            for image in batch {
                let (front, back) = view(image);
                if let (Some(x), Some(z)) = (front.first_chunk(), back.first_chunk_mut()) {
                    // There is room for as many as the chunk has.
                    let _ = images.push((x, z));
                }
            }
            if Self::IN_PANELS {
                let columns = images.iter_mut().map(|(x, z)| {
                    z.fill(0.0);
                    (&**x, z.as_mut_slice())
                });
                add_columns(&self.weights, 0..IN, 0, columns.collect(), executor.threads(), executor);
                self.finish(&mut images, executor);
            } else {
                split_images(&mut images, IN * OUT, executor, &|images| self.add_rows(0..IN, images, executor));
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
        A::FUNCTION.backward(&tape.output, &mut tape.gradient);
    }

    fn forward<S: Send>(
        &self,
        batch: &mut [S],
        view: impl Fn(&mut S) -> (&[f32; IN], &mut Self::Tape, &mut u64) + Copy + Sync,
        executor: &impl Executor,
    ) {
        for batch in batch.chunks_mut(dense::IMAGES) {
            let images = batch.iter_mut().map(|sample| {
                let (x, tape, _) = view(sample);
                (x, &mut tape.output)
            });
            self.activations(&mut images.collect::<Together<_>>(), executor);
        }
    }

    fn input_gradient<S: Send>(
        &self,
        batch: &mut [S],
        view: impl Fn(&mut S) -> (&mut Self::Tape, &mut [f32; IN]) + Copy + Sync,
        executor: &impl Executor,
    ) {
        for batch in batch.chunks_mut(dense::IMAGES) {
            let images = batch.iter_mut().map(|sample| {
                let (tape, gradient) = view(sample);
                (&tape.gradient, gradient.as_mut_slice())
            });
            let mut images: Together<_> = images.collect();
            if Self::SHARED {
                let pieces = Self::pieces(images.len(), executor);
                input_gradient_rows(&self.weights, images, pieces, executor);
            } else {
                split_images(&mut images, IN * OUT, executor, &|images| {
                    executor.vectorize(InputGradient { rows: &self.weights, images });
                });
            }
        }
    }

    fn input_gradient_and_update<S: Send>(
        &mut self,
        batch: &mut [S],
        view: impl Fn(&mut S) -> (&[f32; IN], &mut Self::Tape, &mut [f32; IN]) + Copy + Sync,
        sgd: &Sgd,
        executor: &impl Executor,
    ) {
        let images = batch.iter_mut().map(|sample| {
            let (x, tape, gradient) = view(sample);
            (x, &tape.gradient, gradient.as_mut_slice())
        });
        let images: Together<_> = images.collect();
        let pieces = Self::pieces(images.len(), executor);
        dense::update_bias(&mut self.bias, &images, |(_, delta, _)| delta, sgd);
        input_gradient_and_update_rows(&mut self.weights, 0, images, pieces, sgd, executor);
    }

    fn update<S: Sync>(
        &mut self,
        batch: &[S],
        view: impl Fn(&S) -> (&[f32; IN], &Self::Tape) + Copy + Sync,
        sgd: &Sgd,
        executor: &impl Executor,
    ) {
        let pieces = Self::pieces(batch.len(), executor);
        if dense::TURNED && batch.len() <= dense::IMAGES {
            let images = batch.iter().map(|sample| {
                let (x, tape) = view(sample);
                (x, &tape.gradient)
            });
            let images: Together<_> = images.collect();
            split(&mut self.weights, 0, pieces, executor, &|rows, first| {
                executor.vectorize(Update { rows, first, images: &images, sgd });
            });
        } else {
            split(&mut self.weights, 0, pieces, executor, &|rows, first| {
                executor.vectorize(UpdateRows { rows, first, batch, view, sgd });
            });
        }
        dense::update_bias(&mut self.bias, batch, |sample| &view(sample).1.gradient, sgd);
    }
}

impl<const IN: usize, const OUT: usize, A: Activation> Dense<IN, OUT, A> {
    /// Whether threads share the layer by its weights ([`Layer::LARGE`]): each thread has some rows of them, the same
    /// in all passes. To write what another core has read takes many times as long as to read what it has written.
    const SHARED: bool = IN * OUT >= dense::OWNED;
    /// Whether the forward pass goes through the weights in panels: where they do not fit in a cache.
    const IN_PANELS: bool = OUT >= dense::WIDE && IN * OUT >= dense::LARGE;

    /// The forward pass of at most [`dense::IMAGES`] images.
    fn activations(&self, images: &mut [Image<'_, IN, OUT>], executor: &impl Executor) {
        if !Self::SHARED {
            return split_images(images, IN * OUT, executor, &|images| self.add_rows(0..IN, images, executor));
        }
        let threads = Self::pieces(images.len(), executor).min(IN).max(1);
        let rows = |thread| IN * thread / threads..IN * (thread + 1) / threads;
        if !Self::IN_PANELS {
            let piece = if threads == 1 { images.len() } else { dense::group(images.len()) };
            for step in (Wave { threads, items: images.len(), piece: piece.max(1) }).steps() {
                let images = images.get_mut(step.items()).unwrap_or_default();
                let cut = |images: _, middle| <[_]>::split_at_mut_checked(images, middle).unwrap_or_default();
                let work = |images: &mut [_], _, thread| self.add_rows(rows(thread), images, executor);
                step.run(images, &cut, &work, executor);
            }
            return;
        }
        images.iter_mut().for_each(|(_, z)| z.fill(0.0));
        // One thread has nobody to wait for.
        let piece = if threads == 1 { OUT } else { dense::PANEL };
        for step in (Wave { threads, items: OUT, piece }).steps() {
            let columns = images.iter_mut().map(|(x, z)| (&**x, z.get_mut(step.items()).unwrap_or_default()));
            let cut = |images: _, middle| halves(images, |image| cut_columns(image, middle));
            let work = |images: Together<_>, first, thread| {
                add_columns(&self.weights, rows(thread), first, images, 1, executor);
            };
            step.run(columns.collect(), &cut, &work, executor);
        }
        self.finish(images, executor);
    }

    /// What some inputs add; after the last, bias and activation.
    fn add_rows(&self, inputs: Range<usize>, images: &mut [Image<'_, IN, OUT>], executor: &impl Executor) {
        executor.vectorize(AddRows { layer: self, inputs, images });
    }

    /// Bias and activation.
    fn finish(&self, images: &mut [Image<'_, IN, OUT>], executor: &impl Executor) {
        executor.vectorize(Finish { layer: self, images });
    }

    /// Among how many threads the rows of the weights are shared, for so many images.
    fn pieces(images: usize, executor: &impl Executor) -> usize {
        // Few short rows are not worth it: what each image costs is paid by each thread.
        if Self::SHARED || IN >= ROWS { pieces(IN * OUT * images, executor) } else { 1 }
    }
}

/// An image's x, and where its z and then its activations go.
///
/// The inner loops take these, not the samples of some network, so that all networks with such a layer share them.
type Image<'a, const IN: usize, const OUT: usize> = (&'a [f32; IN], &'a mut [f32; OUT]);

/// An image's x, and some columns of its z.
type Columns<'a, const IN: usize> = (&'a [f32; IN], &'a mut [f32]);

/// What the inputs `rows` add to some columns of z, some of the columns on each thread, from the column `first` on.
/// `images` holds x and these columns.
fn add_columns<const IN: usize, const OUT: usize>(
    weights: &[[f32; OUT]; IN],
    rows: Range<usize>,
    first: usize,
    mut images: Together<Columns<'_, IN>>,
    pieces: usize,
    executor: &impl Executor,
) {
    let columns = images.first().map_or(0, |(_, z)| z.len());
    let half = pieces.min(columns / dense::PANEL) / 2;
    if half == 0 {
        return executor.vectorize(AddPanels { weights, rows, first, images: &mut images });
    }
    let middle = (columns * half / pieces).next_multiple_of(dense::PANEL);
    let (left, right) = halves(images, |image| cut_columns(image, middle));
    executor.join(
        || add_columns(weights, rows.clone(), first, left, half, executor),
        || add_columns(weights, rows.clone(), first + middle, right, pieces - half, executor),
    );
}

/// The first so many of an image's columns, and the rest.
fn cut_columns<const IN: usize>((x, z): Columns<'_, IN>, middle: usize) -> (Columns<'_, IN>, Columns<'_, IN>) {
    let (left, right) = z.split_at_mut_checked(middle).unwrap_or_default();
    ((x, left), (x, right))
}

/// Input gradients, some rows of the weights on each thread. `images` holds δ, and where the gradients of these rows go.
fn input_gradient_rows<'a, const OUT: usize>(
    rows: &[[f32; OUT]],
    mut images: Together<(&'a [f32; OUT], &'a mut [f32])>,
    pieces: usize,
    executor: &impl Executor,
) {
    let half = pieces.min(rows.len()) / 2;
    if half == 0 {
        return executor.vectorize(InputGradient { rows, images: &mut images });
    }
    let (upper, lower) = rows.split_at(rows.len() * half / pieces);
    let (left, right) = halves(images, |(delta, gradient)| {
        let (left, right) = gradient.split_at_mut_checked(upper.len()).unwrap_or_default();
        ((delta, left), (delta, right))
    });
    executor.join(
        || input_gradient_rows(upper, left, half, executor),
        || input_gradient_rows(lower, right, pieces - half, executor),
    );
}

/// Input gradients and the step, some rows of the weights on each thread, from the row `first` on. `images` holds x, δ,
/// and where the gradients of these rows go.
fn input_gradient_and_update_rows<'a, const IN: usize, const OUT: usize>(
    rows: &mut [[f32; OUT]],
    first: usize,
    mut images: Together<(&'a [f32; IN], &'a [f32; OUT], &'a mut [f32])>,
    pieces: usize,
    sgd: &Sgd,
    executor: &impl Executor,
) {
    let half = pieces.min(rows.len()) / 2;
    if half == 0 {
        return executor.vectorize(InputGradientAndUpdateRows { rows, first, images: &mut images, sgd });
    }
    let middle = rows.len() * half / pieces;
    let (upper, lower) = rows.split_at_mut(middle);
    let (left, right) = halves(images, |(x, delta, gradient)| {
        let (left, right) = gradient.split_at_mut_checked(middle).unwrap_or_default();
        ((x, delta, left), (x, delta, right))
    });
    executor.join(
        || input_gradient_and_update_rows(upper, first, left, half, sgd, executor),
        || input_gradient_and_update_rows(lower, first + middle, right, pieces - half, sgd, executor),
    );
}

fn halves<T>(images: Together<T>, cut: impl Fn(T) -> (T, T)) -> (Together<T>, Together<T>) {
    let (mut left, mut right) = (Together::new(), Together::new());
    for (a, b) in images.into_iter().map(cut) {
        // There is room for as many as there were.
        let _ = (left.push(a), right.push(b));
    }
    (left, right)
}

struct AddRows<'a, 'b, const IN: usize, const OUT: usize, A: Activation> {
    layer: &'a Dense<IN, OUT, A>,
    inputs: Range<usize>,
    images: &'a mut [Image<'b, IN, OUT>],
}

impl<const IN: usize, const OUT: usize, A: Activation> Kernel for AddRows<'_, '_, IN, OUT, A> {
    #[inline(always)]
    fn run<V: Vector>(self) {
        let Dense { weights, bias, .. } = self.layer;
        let last = self.inputs.end == IN;
        dense::forward::<V, _, IN, OUT>(weights, bias, self.inputs, self.images, |(x, z)| (x, z));
        if last {
            self.images.iter_mut().for_each(|(_, z)| A::FUNCTION.forward(*z));
        }
    }
}

struct AddPanels<'a, 'b, const IN: usize, const OUT: usize> {
    weights: &'a [[f32; OUT]; IN],
    rows: Range<usize>,
    first: usize,
    images: &'a mut [Columns<'b, IN>],
}

impl<const IN: usize, const OUT: usize> Kernel for AddPanels<'_, '_, IN, OUT> {
    #[inline(always)]
    fn run<V: Vector>(self) {
        dense::add_panels::<V, IN, OUT>(self.weights, self.rows, self.first, self.images);
    }
}

struct Finish<'a, 'b, const IN: usize, const OUT: usize, A: Activation> {
    layer: &'a Dense<IN, OUT, A>,
    images: &'a mut [Image<'b, IN, OUT>],
}

impl<const IN: usize, const OUT: usize, A: Activation> Kernel for Finish<'_, '_, IN, OUT, A> {
    #[inline(always)]
    fn run<V: Vector>(self) {
        for (_, z) in self.images {
            dense::add_bias(z, &self.layer.bias);
            A::FUNCTION.forward(*z);
        }
    }
}

struct Update<'a, const IN: usize, const OUT: usize> {
    rows: &'a mut [[f32; OUT]],
    first: usize,
    images: &'a [(&'a [f32; IN], &'a [f32; OUT])],
    sgd: &'a Sgd,
}

impl<const IN: usize, const OUT: usize> Kernel for Update<'_, IN, OUT> {
    #[inline(always)]
    fn run<V: Vector>(self) {
        dense::update::<V, _, IN, OUT>(self.rows, self.first, self.images, |(x, delta)| (x, delta), self.sgd);
    }
}

struct UpdateRows<'a, S, View, const OUT: usize> {
    rows: &'a mut [[f32; OUT]],
    first: usize,
    batch: &'a [S],
    view: View,
    sgd: &'a Sgd,
}

impl<S, View, const IN: usize, const OUT: usize> Kernel for UpdateRows<'_, S, View, OUT>
where
    View: Fn(&S) -> (&[f32; IN], &Pair<[f32; OUT]>),
{
    #[inline(always)]
    fn run<V: Vector>(self) {
        dense::update_rows::<V, S, IN, OUT>(
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

struct InputGradient<'a, 'b, const OUT: usize> {
    rows: &'a [[f32; OUT]],
    images: &'a mut [(&'b [f32; OUT], &'b mut [f32])],
}

impl<const OUT: usize> Kernel for InputGradient<'_, '_, OUT> {
    #[inline(always)]
    fn run<V: Vector>(self) {
        dense::input_gradient::<V, _, OUT>(self.rows, self.images, |(delta, gradient)| (delta, gradient));
    }
}

struct InputGradientAndUpdateRows<'a, 'b, const IN: usize, const OUT: usize> {
    rows: &'a mut [[f32; OUT]],
    first: usize,
    images: &'a mut [(&'b [f32; IN], &'b [f32; OUT], &'b mut [f32])],
    sgd: &'a Sgd,
}

impl<const IN: usize, const OUT: usize> Kernel for InputGradientAndUpdateRows<'_, '_, IN, OUT> {
    #[inline(always)]
    fn run<V: Vector>(self) {
        dense::input_gradient_and_update::<V, IN, OUT>(self.rows, self.first, self.images, self.sgd);
    }
}
