//! A mini-batch's memory: for each image some values, side by side.

use crate::executor::{Executor, pieces, split_rows};
use crate::net::load_pixels;
use crate::tensor::argmax;
use core::ops::Range;
use zerocopy::IntoBytes;

/// Images as they lie in memory, `stride` values each. What of them belongs to a layer is a matter of places
/// ([`Place`]).
pub struct Images<'a> {
    memory: &'a mut [f32],
    stride: usize,
}

/// Where in an image's memory some values lie, and the gradient of the cost in them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Where the values begin.
    pub values: usize,
    /// Where the gradient in them begins; nobody asks for the gradient in a network's input.
    pub gradient: Option<usize>,
}

impl<'a> Images<'a> {
    /// As many images as `memory` holds.
    #[inline(always)]
    pub fn new(memory: &'a mut [f32], stride: usize) -> Self {
        let stride = stride.max(1);
        let whole = memory.len() / stride * stride;
        Self { memory: memory.get_mut(..whole).unwrap_or_default(), stride }
    }

    /// How many images.
    #[inline(always)]
    pub fn len(&self) -> usize {
        self.memory.len() / self.stride
    }

    /// Whether there are none.
    #[inline(always)]
    pub fn is_empty(&self) -> bool {
        self.memory.is_empty()
    }

    /// All of their memory, and how many values each image has.
    #[inline(always)]
    pub fn memory(&self) -> (&[f32], usize) {
        (self.memory, self.stride)
    }

    /// The same images, for a while.
    #[inline(always)]
    pub fn reborrow(&mut self) -> Images<'_> {
        Images { memory: self.memory, stride: self.stride }
    }

    /// The first so many images, and the rest.
    #[inline(always)]
    pub fn split_at(self, images: usize) -> (Self, Self) {
        let middle = (images * self.stride).min(self.memory.len());
        let (first, rest) = self.memory.split_at_mut(middle);
        (Self { memory: first, stride: self.stride }, Self { memory: rest, stride: self.stride })
    }

    /// Each image's memory.
    #[inline(always)]
    pub fn iter_mut(&mut self) -> core::slice::ChunksExactMut<'_, f32> {
        self.memory.chunks_exact_mut(self.stride)
    }

    /// The images in runs of at most so many.
    #[inline(always)]
    pub fn chunks(&mut self, images: usize) -> impl Iterator<Item = Images<'_>> {
        let stride = self.stride;
        self.memory.chunks_mut(images.max(1) * stride).map(move |memory| Images { memory, stride })
    }
}

/// The `len` values of an image from `from` on, and the `to_len` values from `to` on, to write; empty where one of them
/// is missing or they overlap.
#[inline(always)]
pub fn pair(image: &mut [f32], from: usize, len: usize, to: usize, to_len: usize) -> (&[f32], &mut [f32]) {
    let found = if from <= to {
        image.split_at_mut_checked(to).map(|(before, after)| (before.get(from..from + len), after.get_mut(..to_len)))
    } else {
        image.split_at_mut_checked(from).map(|(before, after)| (after.get(..len), before.get_mut(to..to + to_len)))
    };
    match found {
        Some((Some(from), Some(to))) => (from, to),
        _ => (&[], &mut []),
    }
}

/// Values in front of an image's target and input: the state of its random numbers.
pub(crate) const RANDOM: usize = 2;

/// The state of an image's random numbers.
#[inline(always)]
pub fn random(image: &[f32]) -> u64 {
    let bytes = image.as_bytes().first_chunk().copied();
    u64::from_le_bytes(bytes.unwrap_or_default())
}

/// Sets the state of an image's random numbers.
#[inline(always)]
pub fn set_random(image: &mut [f32], state: u64) {
    if let Some(bytes) = image.as_mut_bytes().first_chunk_mut() {
        *bytes = state.to_le_bytes();
    }
}

/// How an image's memory is laid out in training: random numbers, target, input, and what each layer saves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Values that the network takes.
    pub inputs: usize,
    /// Values that it gives.
    pub outputs: usize,
    /// Values that its layers save.
    pub saved: usize,
    /// Where the last layer's output lies, and δ.
    pub output: Place,
}

impl Layout {
    /// Where the target lies.
    pub(crate) const fn target(self) -> Range<usize> {
        RANDOM..RANDOM + self.outputs
    }

    /// Where the output lies.
    pub(crate) const fn output(self) -> Range<usize> {
        self.output.values..self.output.values + self.outputs
    }

    /// Where the network's input lies, and where what the layers save begins.
    pub const fn input(self) -> (Place, usize) {
        (Place { values: self.input_start(), gradient: None }, self.input_start() + self.inputs)
    }

    /// Values of one image.
    pub const fn stride(self) -> usize {
        RANDOM + self.outputs + self.inputs + self.saved
    }

    /// Where the input begins.
    const fn input_start(self) -> usize {
        RANDOM + self.outputs
    }
}

/// A mini-batch: images with their targets, and what training remembers of them.
///
/// The memory is the caller's: an array in a `static`, or on the heap. Each image takes
/// [`Net::SAMPLE`](crate::net::Net::SAMPLE) values.
pub struct Batch<'a> {
    pub(crate) images: Images<'a>,
    pub(crate) layout: Layout,
}

impl<'a> Batch<'a> {
    /// As many images as `memory` holds.
    pub fn new(memory: &'a mut [f32], layout: Layout) -> Self {
        Self { images: Images::new(memory, layout.stride()), layout }
    }

    /// How many images.
    pub fn len(&self) -> usize {
        self.images.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.images.is_empty()
    }

    /// The first so many images.
    pub fn first(&mut self, images: usize) -> Batch<'_> {
        Batch { images: self.images.reborrow().split_at(images).0, layout: self.layout }
    }

    /// What the network takes of an image; empty if there is no such image.
    pub fn input(&mut self, image: usize) -> &mut [f32] {
        let (start, len) = (self.layout.input_start(), self.layout.inputs);
        self.values_mut(image, start, len)
    }

    /// What it should give; empty if there is no such image.
    pub fn target(&mut self, image: usize) -> &mut [f32] {
        let len = self.layout.outputs;
        self.values_mut(image, RANDOM, len)
    }

    /// Puts in an image of 8-bit pixels and its class. Pixels are divided by 256, as in the book's data; pixels or
    /// classes beyond the network's size are left out.
    pub fn load(&mut self, image: usize, pixels: &[u8], class: usize) {
        load_pixels(pixels, self.input(image));
        set_class(self.target(image), class);
    }

    /// Puts in images, some on each thread: `fill` writes the input and the target of the image of a number.
    pub fn fill(&mut self, fill: impl Fn(usize, &mut [f32], &mut [f32]) + Sync, executor: &impl Executor) {
        let Layout { inputs, outputs, .. } = self.layout;
        let pieces = pieces(inputs * self.len(), executor);
        let (memory, stride) = (&mut *self.images.memory, self.images.stride);
        split_rows(memory, stride, 0, pieces, executor, &|memory, first| {
            for (image, memory) in memory.chunks_exact_mut(stride).enumerate() {
                let (target, rest) = memory.split_at_mut(RANDOM).1.split_at_mut(outputs);
                fill(first + image, &mut rest[..inputs], target);
            }
        });
    }

    /// What the network gave in the last training step, before the step; empty if there is no such image.
    pub fn output(&self, image: usize) -> &[f32] {
        self.values(image, self.layout.output.values, self.layout.outputs)
    }

    /// Whether the greatest output of the last training step stood where the greatest target stands.
    pub fn is_right(&self, image: usize) -> bool {
        argmax(self.output(image)) == argmax(self.values(image, RANDOM, self.layout.outputs))
    }

    /// The cost of the output of the last training step, by a function of the output and the target.
    pub fn cost(&self, image: usize, cost: impl Fn(&[f32], &[f32]) -> f32) -> f32 {
        cost(self.output(image), self.values(image, RANDOM, self.layout.outputs))
    }

    fn values(&self, image: usize, start: usize, len: usize) -> &[f32] {
        let (memory, stride) = self.images.memory();
        memory.get(image * stride + start..image * stride + start + len).unwrap_or(&[])
    }

    fn values_mut(&mut self, image: usize, start: usize, len: usize) -> &mut [f32] {
        let start = image * self.images.stride + start;
        self.images.memory.get_mut(start..start + len).unwrap_or_default()
    }
}

/// Writes what a network should give for a class: 1 for it, 0 elsewhere.
pub fn set_class(target: &mut [f32], class: usize) {
    for (index, value) in target.iter_mut().enumerate() {
        *value = if index == class { 1.0 } else { 0.0 };
    }
}
