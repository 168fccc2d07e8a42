//! A convolution's operator, with the pooling and the activation after it.

use crate::activation::{self, Function};
use crate::batch::{Images, Place, pair};
use crate::executor::{Executor, pieces, split_images, split_rows};
use crate::init::{Fan, Init};
use crate::kernel::conv::{self, FILTERS, Samples, pad};
use crate::pool::Pooling;
use crate::quant::Width;
use crate::sgd::Sgd;
use crate::text::Text;
use rand_core::Rng;
use zerocopy::IntoBytes;

/// What a filter meets beyond an image's edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Padding {
    /// Nothing: it stays inside.
    Valid,
    /// Zeros, (k - 1) / 2 before a side and k / 2 after it for a filter's side k: with a stride of 1, the map is as large
    /// as the image. A stride takes every so many positions of that map, from the first on.
    Same,
}

/// Filters over an image; then the pooling, then the activation: the book's `network3.ConvPoolLayer` and equation 125.
///
/// The weight that leads from channel c of the pixel (s·y + ky, s·x + kx) to channel o of the position (y, x), with the
/// stride s, is number ((ky·filter_width + kx)·channels + c)·filters + o.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Conv {
    /// Rows of the image.
    pub height: usize,
    /// Columns of the image.
    pub width: usize,
    /// Channels of the image.
    pub channels: usize,
    /// Rows of a filter; without padding, at most `height`.
    pub filter_height: usize,
    /// Columns of a filter; without padding, at most `width`.
    pub filter_width: usize,
    /// Channels that come out.
    pub filters: usize,
    /// Pixels from one position to the next; at least 1.
    pub stride: usize,
    /// What a filter meets beyond the edge.
    pub padding: Padding,
    /// What is done to the map before the activation.
    pub pooling: Pooling,
    /// What turns the pooled sums into activations; one that works on each value alone.
    pub activation: Function,
    /// The width of its weights as integers; `None` for that of the network.
    pub bits: Option<Width>,
}

impl Conv {
    /// Values that it takes.
    pub const fn inputs(self) -> usize {
        self.height * self.width * self.channels
    }

    /// Rows of the image with its padding.
    pub const fn padded_height(self) -> usize {
        match self.padding {
            Padding::Valid => self.height,
            Padding::Same => self.height + self.filter_height.saturating_sub(1),
        }
    }

    /// Columns of the image with its padding.
    pub const fn padded_width(self) -> usize {
        match self.padding {
            Padding::Valid => self.width,
            Padding::Same => self.width + self.filter_width.saturating_sub(1),
        }
    }

    /// Values of the image with its padding.
    pub const fn padded_inputs(self) -> usize {
        self.padded_height() * self.padded_width() * self.channels
    }

    /// Rows of positions over so many rows of pixels.
    pub const fn positions(self, rows: usize) -> usize {
        positions(rows, self.filter_height, self.stride)
    }

    /// Rows of the map, before the pooling.
    pub const fn rows(self) -> usize {
        self.positions(self.padded_height())
    }

    /// Columns of the map, before the pooling.
    pub const fn columns(self) -> usize {
        positions(self.padded_width(), self.filter_width, self.stride)
    }

    /// Rows of positions that are pooled together.
    pub const fn pool_height(self) -> usize {
        self.pooling.of_side(self.rows())
    }

    /// Columns of positions that are pooled together.
    pub const fn pool_width(self) -> usize {
        self.pooling.of_side(self.columns())
    }

    /// Positions that are pooled together.
    pub const fn pooled(self) -> usize {
        self.pool_height() * self.pool_width()
    }

    /// Positions whose sums are added for an average; 1 where the pooling takes none.
    pub(crate) const fn averaged(self) -> usize {
        match self.pooling {
            Pooling::Avg2 => self.pooled(),
            Pooling::None | Pooling::Max2 => 1,
        }
    }

    /// Rows of what comes out.
    pub const fn out_height(self) -> usize {
        self.rows() / self.pool_height()
    }

    /// Columns of what comes out.
    pub const fn out_width(self) -> usize {
        self.columns() / self.pool_width()
    }

    /// Values that it gives.
    pub const fn outputs(self) -> usize {
        self.out_height() * self.out_width() * self.filters
    }

    /// Weights of one filter: pixels under it times channels.
    pub const fn taps(self) -> usize {
        self.filter_height * self.filter_width * self.channels
    }

    /// How many weights it has.
    pub const fn weights(self) -> usize {
        self.taps() * self.filters
    }

    /// Multiplications with a weight, for one image; those with the padding's zeros count.
    pub const fn macs(self) -> usize {
        self.rows() * self.columns() * self.weights()
    }

    /// Values that training remembers of one image: the padded image and the gradient in it, if there is padding; the
    /// outputs, the gradient of the cost in them, and, four to a value, the positions that they came from.
    pub const fn saved(self) -> usize {
        self.room() + 2 * self.outputs() + self.outputs().div_ceil(4)
    }

    /// Values of the padded image and the gradient in it, if there is padding.
    const fn room(self) -> usize {
        match self.padding {
            Padding::Valid => 0,
            Padding::Same => 2 * self.padded_inputs(),
        }
    }

    /// The same convolution as its kernels take it: the padding is in the image, and a column of pixels, which lie in
    /// memory as a row does, is a row.
    pub(crate) const fn in_kernels(self) -> Self {
        let (height, width) = (self.padded_height(), self.padded_width());
        // A stride of 0 gives no outputs; kernels divide by it.
        let stride = if self.stride == 0 { 1 } else { self.stride };
        let padded = Self { height, width, stride, padding: Padding::Valid, ..self };
        if !self.is_column() {
            return padded;
        }
        Self { height: 1, width: height, filter_height: 1, filter_width: self.filter_height, ..padded }
    }

    /// Whether image and filters are a column of pixels.
    pub(crate) const fn is_column(self) -> bool {
        self.width == 1 && self.filter_width == 1
    }

    /// Rows of padding before the image, and columns.
    pub(crate) const fn before(self) -> (usize, usize) {
        ((self.padded_height() - self.height) / 2, (self.padded_width() - self.width) / 2)
    }

    /// Its words in the architecture's text.
    pub const fn text(self) -> Text {
        let text = Text::EMPTY.then("conv").then_number(self.filter_height).then("x").then_number(self.filter_width);
        let mut text = text.then(" ").then_number(self.filters);
        if self.stride != 1 {
            text = text.then(" stride ").then_number(self.stride);
        }
        if let Padding::Same = self.padding {
            text = text.then(" same");
        }
        Width::append(self.bits, self.activation.append(self.pooling.append(text)))
    }
}

/// Positions of a filter's side along an image's; none if one of the sizes makes no sense.
const fn positions(side: usize, filter: usize, stride: usize) -> usize {
    match side.checked_sub(filter) {
        Some(rest) if stride > 0 => rest / stride + 1,
        _ => 0,
    }
}

/// Something of each of at most [`conv::IMAGES`] images.
type Together<T> = heapless::Vec<T, { conv::IMAGES }>;

/// The fewest weights whose step is worth a second thread.
const WEIGHTS: usize = 10_000;

impl Conv {
    /// Draws weights and biases.
    pub fn initialize(self, init: Init, weights: &mut [f32], bias: &mut [f32], rng: &mut impl Rng) {
        // `network3.py` divides by the pool's size even though the pool comes later.
        let window = self.filter_height * self.filter_width;
        let fan_out = (self.filters * window) as f32 / self.pooled() as f32;
        init.draw(Fan { fan_in: self.taps(), fan_out, softmax: false }, weights, bias, rng);
    }

    /// Where its output lies, given where what it saves begins.
    pub const fn output(self, own: usize) -> Place {
        let values = own + self.room();
        Place { values, gradient: Some(values + self.outputs()) }
    }

    /// Computes the outputs of inference: from the values at `from`, where there is room for the padded image, to those at
    /// `to`. The executor's threads share the images, or the rows of a single one.
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
        if let Padding::Same = self.padding {
            for image in images.iter_mut() {
                pad::in_place(self, image.get_mut(from..from + self.padded_inputs()).unwrap_or_default());
            }
        }
        self.in_kernels().infer_padded(weights, bias, images, from, to, executor);
    }

    /// Computes the outputs in training.
    #[cfg_attr(target_os = "none", inline(always))]
    pub fn forward(
        self,
        weights: &[f32],
        bias: &[f32],
        mut images: Images,
        mut input: Place,
        own: usize,
        executor: &impl Executor,
    ) {
        if let Padding::Same = self.padding {
            for image in images.iter_mut() {
                let (pixels, padded) = pair(image, input.values, self.inputs(), own, self.padded_inputs());
                pad::copy(self, pixels, padded);
            }
            input = self.padded_place(own);
        }
        self.in_kernels().forward_padded(weights, bias, images, input, own + self.room(), executor);
    }

    /// Turns the gradient in the output, ∂C/∂a, into δ = ∂C/∂z, the gradient in the weighted input.
    #[cfg_attr(target_os = "none", inline(always))]
    pub fn activation_gradient(self, images: Images, own: usize, executor: &impl Executor) {
        activation::gradient(self.activation, self.outputs(), images, own + self.room(), executor);
    }

    /// From δ, computes the gradient in the input, if anybody asks for it.
    #[cfg_attr(target_os = "none", inline(always))]
    pub fn backward(self, weights: &[f32], mut images: Images, input: Place, own: usize, executor: &impl Executor) {
        let Some(gradient) = input.gradient else { return };
        let Padding::Same = self.padding else {
            return self.in_kernels().backward_padded(weights, images, gradient, own, executor);
        };
        let padded = own + self.padded_inputs();
        self.in_kernels().backward_padded(weights, images.reborrow(), padded, own + self.room(), executor);
        for image in images.iter_mut() {
            let (padded, pixels) = pair(image, padded, self.padded_inputs(), gradient, self.inputs());
            pad::crop(self, padded, pixels);
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
        mut input: Place,
        own: usize,
        sgd: &Sgd,
        executor: &impl Executor,
    ) {
        if let Padding::Same = self.padding {
            input = self.padded_place(own);
        }
        self.in_kernels().update_padded(weights, bias, images, input.values, own + self.room(), sgd, executor);
    }

    /// Where the padded image lies.
    const fn padded_place(self, own: usize) -> Place {
        Place { values: own, gradient: Some(own + self.padded_inputs()) }
    }
}

/// The same for an image that has its padding.
impl Conv {
    /// Where the positions lie that its values came from.
    const fn origins(self, own: usize) -> usize {
        own + 2 * self.outputs()
    }

    #[cfg_attr(target_os = "none", inline(always))]
    fn infer_padded(
        self,
        weights: &[f32],
        bias: &[f32],
        mut images: Images,
        from: usize,
        to: usize,
        executor: &impl Executor,
    ) {
        if images.len() == 1 || images.len() < executor.threads() {
            for image in images.iter_mut() {
                let (pixels, values) = pair(image, from, self.inputs(), to, self.outputs());
                self.infer_rows(weights, bias, pixels, values, pieces(self.macs(), executor), executor);
            }
            return;
        }
        split_images(images, self.macs(), executor, &|mut images| {
            for mut chunk in images.chunks(conv::IMAGES) {
                let images = chunk.iter_mut().map(|image| {
                    let (pixels, values) = pair(image, from, self.inputs(), to, self.outputs());
                    conv::Image { pixels, values, origins: None }
                });
                self.convolve(weights, bias, &mut images.collect::<Together<_>>(), executor);
            }
        });
    }

    #[cfg_attr(target_os = "none", inline(always))]
    fn forward_padded(
        self,
        weights: &[f32],
        bias: &[f32],
        images: Images,
        input: Place,
        own: usize,
        executor: &impl Executor,
    ) {
        split_images(images, self.macs(), executor, &|mut images| {
            for mut chunk in images.chunks(conv::IMAGES) {
                let images = chunk.iter_mut().map(|image| {
                    let (before, origins) = image.split_at_mut_checked(self.origins(own)).unwrap_or_default();
                    let (pixels, values) = pair(before, input.values, self.inputs(), own, self.outputs());
                    let origins = origins.as_mut_bytes().get_mut(..self.outputs());
                    conv::Image { pixels, values, origins }
                });
                self.convolve(weights, bias, &mut images.collect::<Together<_>>(), executor);
            }
        });
    }

    #[cfg_attr(target_os = "none", inline(always))]
    fn backward_padded(self, weights: &[f32], images: Images, gradient: usize, own: usize, executor: &impl Executor) {
        let delta = own + self.outputs();
        split_images(images, self.macs(), executor, &|mut images| {
            executor.scratch(conv::input_gradient_scratch(self), |scratch| {
                for mut chunk in images.chunks(conv::IMAGES) {
                    let images = chunk.iter_mut().map(|image| {
                        let (before, origins) = image.split_at_mut_checked(self.origins(own)).unwrap_or_default();
                        let (delta, gradient) = pair(before, delta, self.outputs(), gradient, self.inputs());
                        let origins = origins.as_bytes().get(..self.outputs()).unwrap_or(&[]);
                        conv::Backward { delta, origins, gradient }
                    });
                    let images = &mut images.collect::<Together<_>>();
                    conv::InputGradient { op: self, weights, images, scratch }.on(executor.vectors());
                }
            });
        });
    }

    #[cfg_attr(target_os = "none", inline(always))]
    #[expect(clippy::too_many_arguments, reason = "as every operator's")]
    fn update_padded(
        self,
        weights: &mut [f32],
        bias: &mut [f32],
        images: &Images,
        input: usize,
        own: usize,
        sgd: &Sgd,
        executor: &impl Executor,
    ) {
        let (memory, stride) = images.memory();
        let (delta, origins) = (own + self.outputs(), self.origins(own));
        let samples = Samples { memory, stride, input, delta, origins };
        let pieces = pieces(self.macs() * images.len(), executor);
        let step_pieces = if self.weights() < WEIGHTS { 1 } else { pieces };
        // Threads share the filters for the gradient, and their taps for the step.
        executor.scratch(FILTERS.min(self.filters) * self.taps(), |gradients| {
            let together = (gradients.len() / self.taps().max(1)).clamp(1, FILTERS);
            for first in (0..self.filters).step_by(together) {
                let count = together.min(self.filters - first);
                let gradients = gradients.get_mut(..count * self.taps()).unwrap_or_default();
                // Nothing is written here that another thread will write.
                split_rows(gradients, self.taps(), first, pieces, executor, &|gradients, first| {
                    let filters = gradients.len() / self.taps().max(1);
                    executor.scratch(conv::gradient_scratch(self, filters), |scratch| {
                        conv::Gradient { op: self, gradients, first, samples, scratch }.on(executor.vectors());
                    });
                });
                split_rows(weights, self.filters, 0, step_pieces, executor, &|taps, tap| {
                    conv::Step { op: self, taps, tap, gradients, first, sgd }.on(executor.vectors());
                });
            }
        });
        conv::update_bias(self, bias, &samples, sgd);
    }

    #[cfg_attr(target_os = "none", inline(always))]
    fn convolve(self, weights: &[f32], bias: &[f32], images: &mut [conv::Image], executor: &impl Executor) {
        let scratch = conv::forward_scratch(self);
        if scratch == 0 {
            // Not by the closure below, which layers would share: then nothing would fold.
            return conv::Forward { op: self, weights, bias, images, scratch: &mut [] }.on(executor.vectors());
        }
        executor.scratch(scratch, |scratch| {
            conv::Forward { op: self, weights, bias, images, scratch }.on(executor.vectors());
        });
    }

    /// The results of some rows of pixels, some of them on each thread.
    #[cfg_attr(target_os = "none", inline(always))]
    fn infer_rows(
        self,
        weights: &[f32],
        bias: &[f32],
        pixels: &[f32],
        values: &mut [f32],
        pieces: usize,
        executor: &impl Executor,
    ) {
        let row = self.width * self.channels;
        let results = self.positions(pixels.len() / row.max(1)) / self.pool_height();
        let pieces = pieces.min(results);
        let half = pieces / 2;
        if half == 0 {
            return self.convolve(weights, bias, &mut [conv::Image { pixels, values, origins: None }], executor);
        }
        self.infer_halves(weights, bias, pixels, values, (results * half / pieces, half, pieces), executor);
    }

    /// As [`infer_rows`](Self::infer_rows), cut at a row of results.
    fn infer_halves(
        self,
        weights: &[f32],
        bias: &[f32],
        pixels: &[f32],
        values: &mut [f32],
        (middle, half, pieces): (usize, usize, usize),
        executor: &impl Executor,
    ) {
        let row = self.width * self.channels;
        let (upper, lower) = values.split_at_mut_checked(middle * self.out_width() * self.filters).unwrap_or_default();
        let first = middle * self.pool_height() * self.stride;
        let end = (first + self.filter_height).saturating_sub(self.stride);
        let (above, below) = (pixels.get(..end * row), pixels.get(first * row..));
        executor.join(
            || self.infer_rows(weights, bias, above.unwrap_or(&[]), upper, half, executor),
            || self.infer_rows(weights, bias, below.unwrap_or(&[]), lower, pieces - half, executor),
        );
    }
}
