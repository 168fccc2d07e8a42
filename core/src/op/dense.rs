//! A fully connected layer's operator.

use crate::activation::{self, Function};
use crate::batch::{Images, Place, pair};
use crate::executor::{Executor, Wave, pieces, split, split_rows};
use crate::init::{Fan, Init};
use crate::kernel::dense;
use crate::quant::Width;
use crate::sgd::Sgd;
use crate::text::Text;
use core::ops::Range;
use rand_core::Rng;

/// Every one of `inputs` inputs joined to every one of `outputs` outputs, then the activation.
///
/// a_j = A(Σ_i x_i·w_ij + b_j): the book's equation 25. The weight of input i and output j is number i·outputs + j.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dense {
    /// Values that it takes.
    pub inputs: usize,
    /// Values that it gives.
    pub outputs: usize,
    /// What turns the weighted inputs z into activations a.
    pub activation: Function,
    /// The width of its weights as integers; `None` for that of the network.
    pub bits: Option<Width>,
}

impl Dense {
    /// How many weights it has.
    pub const fn weights(self) -> usize {
        self.inputs * self.outputs
    }

    /// Values that training remembers of one image: the outputs, and the gradient of the cost in them.
    pub const fn saved(self) -> usize {
        2 * self.outputs
    }

    /// Its words in the architecture's text.
    pub const fn text(self) -> Text {
        Width::append(self.bits, self.activation.append(Text::EMPTY.then("dense ").then_number(self.outputs)))
    }
}

/// Something of each of at most [`dense::IMAGES`] images.
type Together<T> = heapless::Vec<T, { dense::IMAGES }>;

/// The fewest inputs of a layer with few weights whose rows threads share, too.
const ROWS: usize = 256;
/// The fewest outputs of a layer that may be computed in panels.
const WIDE: usize = if cfg!(target_os = "none") { usize::MAX } else { 4 * dense::PANEL };
/// The fewest weights that do not fit in a core's cache beside other data.
const LARGE: usize = 256 * 1024;
/// The fewest weights that take longer to move between cores than threads take to wait for each other.
const OWNED: usize = if cfg!(target_os = "none") { usize::MAX } else { 32 * 1024 };

impl Dense {
    /// Whether threads share the layer by its weights: each thread has some rows of them, the same in all passes. To
    /// write what another core has read takes many times as long as to read what it has written.
    pub const fn is_large(self) -> bool {
        self.weights() >= OWNED
    }

    /// Whether the forward pass goes through the weights in panels: where they do not fit in a cache.
    const fn in_panels(self) -> bool {
        self.outputs >= WIDE && self.weights() >= LARGE
    }

    /// Draws weights and biases.
    pub fn initialize(self, init: Init, weights: &mut [f32], bias: &mut [f32], rng: &mut impl Rng) {
        let softmax = matches!(self.activation, Function::Softmax);
        let fan = Fan { fan_in: self.inputs, fan_out: self.outputs as f32, softmax };
        init.draw(fan, weights, bias, rng);
    }

    /// Where its output lies, given where what it saves begins.
    pub const fn output(self, own: usize) -> Place {
        Place { values: own, gradient: Some(own + self.outputs) }
    }

    /// Computes the outputs of inference: from the values at `from` to those at `to`. The executor's threads share the
    /// images, or what there is to do for a single one.
    #[cfg_attr(target_os = "none", inline(always))]
    pub fn infer(
        self,
        weights: &[f32],
        bias: &[f32],
        mut images: Images,
        from: usize,
        to: usize,
        executor: &impl Executor,
    ) {
        for mut chunk in images.chunks(dense::IMAGES) {
            let mut images = self.pairs(&mut chunk, from, to);
            if self.in_panels() {
                images.iter_mut().for_each(|(_, z)| z.fill(0.0));
                let columns = images.iter_mut().map(|(x, z)| (*x, &mut **z));
                self.add_columns(weights, 0..self.inputs, 0, columns.collect(), executor.threads(), executor);
                dense::Finish { bias, activation: self.activation, images: &mut images }.on(executor.vectors());
            } else {
                self.share_images(weights, bias, &mut images, executor);
            }
        }
    }

    /// Computes the outputs in training.
    #[cfg_attr(target_os = "none", inline(always))]
    pub fn forward(
        self,
        weights: &[f32],
        bias: &[f32],
        mut images: Images,
        input: Place,
        own: usize,
        executor: &impl Executor,
    ) {
        for mut chunk in images.chunks(dense::IMAGES) {
            self.activations(weights, bias, &mut self.pairs(&mut chunk, input.values, own), executor);
        }
    }

    /// Turns the gradient in the output, ∂C/∂a, into δ = ∂C/∂z, the gradient in the weighted input.
    #[cfg_attr(target_os = "none", inline(always))]
    pub fn activation_gradient(self, images: Images, own: usize, executor: &impl Executor) {
        activation::gradient(self.activation, self.outputs, images, own, executor);
    }

    /// From δ, computes the gradient in the input, if anybody asks for it.
    #[cfg_attr(target_os = "none", inline(always))]
    pub fn backward(self, weights: &[f32], mut images: Images, input: Place, own: usize, executor: &impl Executor) {
        let Some(gradient) = input.gradient else { return };
        let delta = own + self.outputs;
        for mut chunk in images.chunks(dense::IMAGES) {
            let images = chunk.iter_mut().map(|image| pair(image, delta, self.outputs, gradient, self.inputs));
            let mut images: Together<_> = images.collect();
            if self.is_large() {
                let pieces = self.pieces(images.len(), executor);
                self.input_gradient_rows(weights, images, pieces, executor);
                continue;
            }
            let (rows, outputs) = (weights, self.outputs);
            let pieces = pieces(self.weights() * images.len(), executor);
            if pieces == 1 {
                // A device needs no code that shares: 2 kB of its flash.
                dense::InputGradient { rows, outputs, images: &mut images }.on(executor.vectors());
                continue;
            }
            split(&mut images, 0, pieces, executor, &|images, _| {
                dense::InputGradient { rows, outputs, images }.on(executor.vectors());
            });
        }
    }

    /// Takes a step down the gradient of the batch's cost.
    #[cfg_attr(target_os = "none", inline(always))]
    #[expect(clippy::too_many_arguments, reason = "as every operator's")]
    pub fn update(
        self,
        weights: &mut [f32],
        bias: &mut [f32],
        images: &Images,
        input: Place,
        own: usize,
        sgd: &Sgd,
        executor: &impl Executor,
    ) {
        let (memory, stride) = images.memory();
        let (outputs, delta) = (self.outputs, own + self.outputs);
        let deltas = memory.chunks_exact(stride).map(|image| image.get(delta..delta + outputs).unwrap_or(&[]));
        let pieces = self.pieces(images.len(), executor);
        if dense::TURNED && images.len() <= dense::ACROSS {
            let inputs = memory.chunks_exact(stride);
            let inputs = inputs.map(|image| image.get(input.values..input.values + self.inputs).unwrap_or(&[]));
            let (inputs, deltas): (Together<_>, Together<_>) = (inputs.collect(), deltas.clone().collect());
            split_rows(weights, outputs, 0, pieces, executor, &|rows, first| {
                let (inputs, deltas) = (&inputs, &deltas);
                executor.scratch(dense::update_scratch(outputs, inputs.len()), |scratch| {
                    dense::Update { rows, outputs, first, inputs, deltas, sgd, scratch }.on(executor.vectors());
                });
            });
        } else {
            let input = input.values;
            if pieces == 1 {
                // A device needs no code that shares: 2 kB of its flash.
                let (rows, first) = (weights, 0);
                dense::UpdateRows { rows, outputs, first, memory, stride, input, delta, sgd }.on(executor.vectors());
            } else {
                split_rows(weights, outputs, 0, pieces, executor, &|rows, first| {
                    let update = dense::UpdateRows { rows, outputs, first, memory, stride, input, delta, sgd };
                    update.on(executor.vectors());
                });
            }
        }
        dense::update_bias(bias, deltas, sgd);
    }

    /// [`backward`](Self::backward), then [`update`](Self::update): of a layer with more weights than a cache holds, both
    /// in one pass over them.
    #[cfg_attr(target_os = "none", inline(always))]
    #[expect(clippy::too_many_arguments, reason = "as every operator's")]
    pub fn step(
        self,
        weights: &mut [f32],
        bias: &mut [f32],
        mut images: Images,
        input: Place,
        own: usize,
        sgd: &Sgd,
        executor: &impl Executor,
    ) {
        let (true, Some(gradient)) = (dense::TURNED && images.len() <= dense::ACROSS, input.gradient) else {
            self.backward(weights, images.reborrow(), input, own, executor);
            return self.update(weights, bias, &images, input, own, sgd, executor);
        };
        let outputs = self.outputs;
        let (mut inputs, mut pairs) = (Together::<&[f32]>::new(), Together::<dense::Image>::new());
        for image in images.iter_mut() {
            // The input's gradient lies behind the input, and this layer's δ behind both.
            let Some((before, own)) = image.split_at_mut_checked(own) else { continue };
            let Some((values, gradients)) = before.split_at_mut_checked(gradient) else { continue };
            let (Some(x), Some(delta), Some(gradient)) = (
                values.get(input.values..input.values + self.inputs),
                own.get(outputs..2 * outputs),
                gradients.get_mut(..self.inputs),
            ) else {
                continue;
            };
            // There is room for as many as there are.
            let _ = (inputs.push(x), pairs.push((delta, gradient)));
        }
        dense::update_bias(bias, pairs.iter().map(|(delta, _)| *delta), sgd);
        let pieces = self.pieces(pairs.len(), executor);
        self.input_gradient_and_update_rows(weights, 0, &inputs, pairs, pieces, sgd, executor);
    }

    /// The forward pass of at most [`dense::IMAGES`] images.
    #[cfg_attr(target_os = "none", inline(always))]
    fn activations(self, weights: &[f32], bias: &[f32], images: &mut [dense::Image], executor: &impl Executor) {
        if !self.is_large() {
            return self.share_images(weights, bias, images, executor);
        }
        let threads = self.pieces(images.len(), executor).min(self.inputs).max(1);
        let rows = |thread| self.inputs * thread / threads..self.inputs * (thread + 1) / threads;
        if !self.in_panels() {
            let piece = if threads == 1 { images.len() } else { dense::group(images.len()) };
            for step in (Wave { threads, items: images.len(), piece: piece.max(1) }).steps() {
                let images = images.get_mut(step.items()).unwrap_or_default();
                let cut = |images: _, middle| <[_]>::split_at_mut_checked(images, middle).unwrap_or_default();
                let work = |images: &mut [_], _, thread| self.add_rows(weights, bias, rows(thread), images, executor);
                step.run(images, &cut, &work, executor);
            }
            return;
        }
        images.iter_mut().for_each(|(_, z)| z.fill(0.0));
        // One thread has nobody to wait for.
        let piece = if threads == 1 { self.outputs } else { dense::PANEL };
        for step in (Wave { threads, items: self.outputs, piece }).steps() {
            let columns = images.iter_mut().map(|(x, z)| (*x, z.get_mut(step.items()).unwrap_or_default()));
            let cut = |images: _, middle| halves(images, |(x, z)| cut_values(x, z, middle));
            let work = |images: Together<_>, first, thread| {
                self.add_columns(weights, rows(thread), first, images, 1, executor);
            };
            step.run(columns.collect(), &cut, &work, executor);
        }
        dense::Finish { bias, activation: self.activation, images }.on(executor.vectors());
    }

    /// The outputs of some images, some of them on each thread.
    #[cfg_attr(target_os = "none", inline(always))]
    fn share_images(self, weights: &[f32], bias: &[f32], images: &mut [dense::Image], executor: &impl Executor) {
        let pieces = pieces(self.weights() * images.len(), executor);
        if pieces == 1 {
            // Not by the closure below, which layers would share: then nothing would fold.
            return self.add_rows(weights, bias, 0..self.inputs, images, executor);
        }
        split(images, 0, pieces, executor, &|images, _| {
            self.add_rows(weights, bias, 0..self.inputs, images, executor);
        });
    }

    /// Each image's inputs and outputs.
    #[cfg_attr(target_os = "none", inline(always))]
    fn pairs<'a>(self, images: &'a mut Images, from: usize, to: usize) -> Together<dense::Image<'a>> {
        images.iter_mut().map(|image| pair(image, from, self.inputs, to, self.outputs)).collect()
    }

    /// What some inputs add; after the last, bias and activation.
    #[cfg_attr(target_os = "none", inline(always))]
    fn add_rows(
        self,
        weights: &[f32],
        bias: &[f32],
        inputs: Range<usize>,
        images: &mut [dense::Image],
        executor: &impl Executor,
    ) {
        if dense::ROOM == 0 || images.len() < dense::READS {
            // Few images are not worth a copy of the weights. No closure, which layers would share on a device.
            let scratch = &mut [];
            return dense::Forward { op: self, weights, bias, inputs, images, scratch }.on(executor.vectors());
        }
        executor.scratch(dense::ROOM, |scratch| {
            dense::Forward { op: self, weights, bias, inputs, images, scratch }.on(executor.vectors());
        });
    }

    /// What the inputs `rows` add to some columns of z, some of the columns on each thread, from the column `first` on.
    fn add_columns(
        self,
        weights: &[f32],
        inputs: Range<usize>,
        first: usize,
        mut images: Together<dense::Image>,
        pieces: usize,
        executor: &impl Executor,
    ) {
        let columns = images.first().map_or(0, |(_, z)| z.len());
        let half = pieces.min(columns / dense::PANEL) / 2;
        if half == 0 {
            let (images, panel) = (images.as_mut_slice(), dense::PANEL);
            return executor.scratch(dense::ROOM, |scratch| {
                dense::AddInputs { op: self, weights, inputs, first, panel, images, scratch }.on(executor.vectors());
            });
        }
        let middle = (columns * half / pieces).next_multiple_of(dense::PANEL);
        let (left, right) = halves(images, |(x, z)| cut_values(x, z, middle));
        executor.join(
            || self.add_columns(weights, inputs.clone(), first, left, half, executor),
            || self.add_columns(weights, inputs.clone(), first + middle, right, pieces - half, executor),
        );
    }

    /// Input gradients, some rows of the weights on each thread. `images` holds δ, and where the gradients of these rows
    /// go.
    fn input_gradient_rows(
        self,
        rows: &[f32],
        mut images: Together<dense::Image>,
        pieces: usize,
        executor: &impl Executor,
    ) {
        let outputs = self.outputs;
        let count = rows.len() / outputs.max(1);
        let pieces = pieces.min(count);
        let half = pieces / 2;
        if half == 0 {
            return dense::InputGradient { rows, outputs, images: &mut images }.on(executor.vectors());
        }
        let middle = count * half / pieces;
        let (upper, lower) = rows.split_at_checked(middle * outputs).unwrap_or_default();
        let (left, right) = halves(images, |(delta, gradient)| cut_values(delta, gradient, middle));
        executor.join(
            || self.input_gradient_rows(upper, left, half, executor),
            || self.input_gradient_rows(lower, right, pieces - half, executor),
        );
    }

    /// Input gradients and the step, some rows of the weights on each thread, from the row `first` on. `images` holds δ,
    /// and where the gradients of these rows go.
    #[expect(clippy::too_many_arguments, reason = "a recursion")]
    fn input_gradient_and_update_rows<'a>(
        self,
        rows: &mut [f32],
        first: usize,
        inputs: &[&'a [f32]],
        mut images: Together<dense::Image<'a>>,
        pieces: usize,
        sgd: &Sgd,
        executor: &impl Executor,
    ) {
        let outputs = self.outputs;
        let count = rows.len() / outputs.max(1);
        let pieces = pieces.min(count);
        let half = pieces / 2;
        if half == 0 {
            let images = images.as_mut_slice();
            return executor.scratch(dense::update_scratch(outputs, inputs.len()), |scratch| {
                let update = dense::InputGradientAndUpdate { rows, outputs, first, inputs, images, sgd, scratch };
                update.on(executor.vectors());
            });
        }
        let middle = count * half / pieces;
        let (upper, lower) = rows.split_at_mut_checked(middle * outputs).unwrap_or_default();
        let (left, right) = halves(images, |(delta, gradient)| cut_values(delta, gradient, middle));
        executor.join(
            || self.input_gradient_and_update_rows(upper, first, inputs, left, half, sgd, executor),
            || self.input_gradient_and_update_rows(lower, first + middle, inputs, right, pieces - half, sgd, executor),
        );
    }

    /// Among how many threads the rows of the weights are shared, for so many images.
    fn pieces(self, images: usize, executor: &impl Executor) -> usize {
        // Few short rows are not worth it: what each image costs is paid by each thread.
        let is_worth_it = self.is_large() || self.inputs >= ROWS;
        if is_worth_it { pieces(self.weights() * images, executor) } else { 1 }
    }
}

/// The first so many of an image's places, and the rest.
fn cut_values<'a>(x: &'a [f32], places: &'a mut [f32], middle: usize) -> (dense::Image<'a>, dense::Image<'a>) {
    let (left, right) = places.split_at_mut_checked(middle).unwrap_or_default();
    ((x, left), (x, right))
}

fn halves<T>(images: Together<T>, cut: impl Fn(T) -> (T, T)) -> (Together<T>, Together<T>) {
    let (mut left, mut right) = (Together::new(), Together::new());
    for (a, b) in images.into_iter().map(cut) {
        // There is room for as many as there were.
        let _ = (left.push(a), right.push(b));
    }
    (left, right)
}
