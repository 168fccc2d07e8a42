//! What training and measuring take: samples, and how a network's input is made of them.

use crate::architecture::Shape;
use crate::data::{Image, PIXELS, Sample, Target, View};
use minnet::augment::Augment;
use minnet::batch::set_class;
use minnet::net::load_pixels;
use minnet::normalization::Normalization;
use minnet::quant::Input;

/// A stretch of samples, borrowed, with the normalization of their values: cheap to copy and to cut.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Samples<'a> {
    view: View<'a>,
    normalization: Normalization<'a>,
    /// For each number that is to be learned a mean and a deviation; empty to take them as they are.
    scales: &'a [[f32; 2]],
}

impl<'a> Samples<'a> {
    /// These samples, whose values are normalized so.
    pub fn new(view: View<'a>, normalization: Normalization<'a>) -> Self {
        Self { view, normalization, scales: &[] }
    }

    /// The same samples with their numbers less a mean and over a deviation, a pair for each number.
    pub fn scaled(self, scales: &'a [[f32; 2]]) -> Self {
        Self { scales, ..self }
    }

    /// The mean and the deviation of each number that is to be learned.
    pub fn scales(self) -> Vec<[f32; 2]> {
        let Some((numbers, per_sample)) = self.view.numbers() else { return Vec::new() };
        let scale = |number: usize| {
            let [mean, deviation] = mean_and_deviation(numbers, number, per_sample).map(|value| value as f32);
            [mean, if deviation.is_normal() { deviation } else { 1.0 }]
        };
        (0..per_sample).map(scale).collect()
    }

    /// The samples as they are.
    pub fn view(self) -> View<'a> {
        self.view
    }

    /// How a network's input is made of them.
    pub fn normalization(self) -> Normalization<'a> {
        self.normalization
    }

    /// What a sample is: a vector or an image.
    pub fn shape(self) -> Shape {
        self.view.shape()
    }

    /// How many samples there are.
    pub fn len(self) -> usize {
        self.view.len()
    }

    /// Whether there are no samples.
    pub fn is_empty(self) -> bool {
        self.view.is_empty()
    }

    /// The first `count` samples and the rest; all and none if there are not so many.
    pub fn split_at(self, count: usize) -> (Self, Self) {
        let (first, rest) = self.view.split_at(count);
        (Self { view: first, ..self }, Self { view: rest, ..self })
    }

    /// The samples in runs of at most so many.
    pub fn chunks(self, count: usize) -> impl Iterator<Item = Self> {
        let (all, count) = (self.len(), count.max(1));
        let starts = (0..all).step_by(count);
        starts.map(move |start| Self { view: self.view.slice(start..all.min(start + count)), ..self })
    }

    /// Each digit with its label, if digits of 28x28 bytes are what the samples are.
    pub fn digits(self) -> impl ExactSizeIterator<Item = (&'a Image, u16)> {
        let (bytes, labels) = match (self.view.values(), self.view.labels()) {
            (Sample::Bytes(bytes), Some(labels)) if self.shape().values() == PIXELS => (bytes, labels),
            _ => (&[][..], &[][..]),
        };
        bytes.as_chunks().0.iter().zip(labels.iter().copied())
    }

    /// How many outputs a network for them has.
    pub fn outputs(self) -> usize {
        self.view.outputs()
    }

    /// Whether numbers are to be learned of them, not classes.
    pub fn are_numbers(self) -> bool {
        self.view.numbers().is_some()
    }

    /// Writes the network's input for a sample.
    ///
    /// # Panics
    /// If there is no such sample, as a slice does.
    pub fn load(self, index: usize, input: &mut [f32]) {
        self.load_raw(self.view.sample(index), input);
    }

    fn load_raw(self, sample: Sample<'_>, input: &mut [f32]) {
        match sample {
            Sample::Bytes(bytes) if self.normalization == Normalization::PIXELS => load_pixels(bytes, input),
            Sample::Bytes(bytes) => self.normalization.apply(bytes, input),
            Sample::Floats(floats) => self.normalization.apply(floats, input),
        }
    }

    /// As [`load`](Self::load), for what `augment` makes of a sample's image of these sizes; `copy` is memory for its
    /// bytes.
    ///
    /// # Panics
    /// If there is no such sample, as a slice does.
    pub(crate) fn load_augmented(
        self,
        index: usize,
        (augment, sizes, random): (&Augment, [usize; 3], u64),
        copy: &mut [u8],
        input: &mut [f32],
    ) {
        if let Sample::Bytes(image) = self.view.sample(index) {
            augment.apply(image, sizes, random, copy);
            self.load_raw(Sample::Bytes(copy), input);
        }
    }

    /// Writes the bytes that an integer network takes for a sample.
    ///
    /// # Panics
    /// If there is no such sample, as a slice does.
    pub fn load_bytes(self, index: usize, input: Input, bytes: &mut [u8]) {
        match self.view.sample(index) {
            Sample::Bytes(raw) if self.normalization == Normalization::PIXELS && input == Input::PIXELS => {
                bytes.copy_from_slice(raw);
            }
            Sample::Bytes(raw) => self.normalization.quantize(raw, input, bytes),
            Sample::Floats(raw) => self.normalization.quantize(raw, input, bytes),
        }
    }

    /// Writes what the network should give for a sample: 1 for its class and 0 for others, or its numbers.
    ///
    /// # Panics
    /// If there is no such sample, as a slice does.
    pub fn load_target(self, index: usize, target: &mut [f32]) {
        match self.view.target(index) {
            Target::Class(class) => set_class(target, class.into()),
            Target::Numbers(numbers) => {
                for (index, (place, number)) in target.iter_mut().zip(numbers).enumerate() {
                    let [mean, deviation] = self.scales.get(index).copied().unwrap_or([0.0, 1.0]);
                    *place = (number - mean) / deviation;
                }
            }
        }
    }
}

/// The mean and the deviation of every `step`-th value from a place on.
pub(crate) fn mean_and_deviation(values: &[f32], place: usize, step: usize) -> [f64; 2] {
    let own = || values.iter().skip(place).step_by(step).map(|&value| f64::from(value));
    let count = own().len().max(1) as f64;
    let mean = own().sum::<f64>() / count;
    [mean, (own().map(|value| (value - mean).powi(2)).sum::<f64>() / count).sqrt()]
}
