//! Samples of any shape with what is to be learned of them, in one piece of memory, and cheap views of it.

use std::fmt;
use std::ops::Range;

use zerocopy::IntoBytes;

use super::open::Options;
use super::problem::Problem;
use super::split::{self, Part};
use crate::architecture::Shape;
use crate::error::Error;

/// The values of all samples, one sample after the other; of an image row by row, the channels of a pixel together.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// Pixels, mostly.
    Bytes(Vec<u8>),
    /// Anything else; all are finite.
    Floats(Vec<f32>),
}

impl Values {
    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Self::Bytes(values) => values.len(),
            Self::Floats(values) => values.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All of them, borrowed.
    pub fn as_slice(&self) -> Sample<'_> {
        match self {
            Self::Bytes(values) => Sample::Bytes(values),
            Self::Floats(values) => Sample::Floats(values),
        }
    }

    /// Bytes become floats; what is there is copied.
    pub(super) fn into_floats(self) -> Vec<f32> {
        match self {
            Self::Bytes(values) => values.into_iter().map(f32::from).collect(),
            Self::Floats(values) => values,
        }
    }

    /// Exchanges samples `a` and `b`, of `size` values each.
    fn swap(&mut self, a: usize, b: usize, size: usize) {
        match self {
            Self::Bytes(values) => swap(values, a, b, size),
            Self::Floats(values) => swap(values, a, b, size),
        }
    }
}

/// Exchanges the items `a` and `b`, of `size` values each.
fn swap<T>(values: &mut [T], a: usize, b: usize, size: usize) {
    let (first, last) = (a.min(b), a.max(b));
    if first < last {
        let (before, after) = values.split_at_mut(last * size);
        before[first * size..][..size].swap_with_slice(&mut after[..size]);
    }
}

/// Those of a shape's sizes that are not 1.
fn sizes(shape: Shape) -> Vec<usize> {
    let sizes = match shape {
        Shape::Vector(length) => [length, 1, 1],
        Shape::Image { height, width, channels } => [height, width, channels],
    };
    sizes.into_iter().filter(|&size| size != 1).collect()
}

/// Exchanges the rows and columns of each image of these sizes.
fn transpose<T: Copy>(values: &mut [T], height: usize, width: usize, channels: usize) {
    let mut before = Vec::with_capacity(height * width * channels);
    for image in values.chunks_exact_mut(height * width * channels) {
        before.clear();
        before.extend_from_slice(image);
        for (place, pixel) in image.chunks_exact_mut(channels).enumerate() {
            let (row, column) = (place % height, place / height);
            pixel.copy_from_slice(&before[(row * width + column) * channels..][..channels]);
        }
    }
}

/// The values of a sample, or of several, one after the other: borrowed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Sample<'a> {
    /// As in [`Values::Bytes`].
    Bytes(&'a [u8]),
    /// As in [`Values::Floats`].
    Floats(&'a [f32]),
}

impl<'a> Sample<'a> {
    /// How many values it has.
    pub fn len(self) -> usize {
        match self {
            Self::Bytes(values) => values.len(),
            Self::Floats(values) => values.len(),
        }
    }

    /// Whether it has no values.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// Some of its values.
    ///
    /// # Panics
    ///
    /// If there are not so many, as a slice does.
    pub fn slice(self, range: Range<usize>) -> Self {
        match self {
            Self::Bytes(values) => Self::Bytes(&values[range]),
            Self::Floats(values) => Self::Floats(&values[range]),
        }
    }

    /// Its values as floats; a byte is a whole number from 0 to 255.
    pub fn floats(self) -> impl ExactSizeIterator<Item = f32> + 'a {
        (0..self.len()).map(move |index| self.get(index))
    }

    /// A value as a float.
    ///
    /// # Panics
    ///
    /// If there is no such value, as a slice does.
    pub fn get(self, index: usize) -> f32 {
        match self {
            Self::Bytes(values) => values[index].into(),
            Self::Floats(values) => values[index],
        }
    }
}

/// What is to be learned of each sample.
#[derive(Clone, Debug, PartialEq)]
pub enum Targets {
    /// The class of each, counted from 0.
    Classes(Vec<u16>),
    /// Numbers: those of the first sample, then those of the second, and so on; all are finite.
    Numbers {
        /// The numbers.
        values: Vec<f32>,
        /// How many belong to each sample.
        per_sample: usize,
    },
}

impl Targets {
    /// How many samples they are for.
    pub fn len(&self) -> usize {
        match self {
            Self::Classes(classes) => classes.len(),
            Self::Numbers { values, per_sample } => values.len().checked_div(*per_sample).unwrap_or(0),
        }
    }

    /// Whether they are for no samples.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn swap(&mut self, a: usize, b: usize) {
        match self {
            Self::Classes(classes) => classes.swap(a, b),
            Self::Numbers { values, per_sample } => swap(values, a, b, *per_sample),
        }
    }
}

/// What is to be learned of one sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Target<'a> {
    /// Its class, counted from 0.
    Class(u16),
    /// Its numbers.
    Numbers(&'a [f32]),
}

/// Samples of one shape, and their targets.
#[derive(Clone, Debug, PartialEq)]
pub struct Set {
    shape: Shape,
    values: Values,
    targets: Targets,
}

impl Set {
    /// Puts samples and their targets together; nothing is copied.
    ///
    /// # Errors
    ///
    /// [`Problem::Sizes`] if the values are not those of as many samples of this shape as there are targets, and
    /// [`Problem::NotFinite`] for a value or a number that is infinite or none.
    pub fn new(shape: Shape, values: Values, targets: Targets) -> Result<Self, Problem> {
        let size = shape.values();
        let samples = targets.len();
        let is_whole = match &targets {
            Targets::Classes(_) => true,
            Targets::Numbers { values, per_sample } => samples * per_sample == values.len(),
        };
        if size == 0 || !is_whole || samples.checked_mul(size) != Some(values.len()) {
            return Err(Problem::Sizes { values: values.len(), shape, targets: samples });
        }
        let check = |values: &[f32], size: usize| match values.iter().position(|value| !value.is_finite()) {
            Some(place) => Err(Problem::NotFinite { value: values[place], sample: place / size, index: place % size }),
            None => Ok(()),
        };
        if let Values::Floats(values) = &values {
            check(values, size)?;
        }
        if let Targets::Numbers { values, per_sample } = &targets {
            check(values, *per_sample)?;
        }
        Ok(Self { shape, values, targets })
    }

    /// What a sample is: a vector or an image.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// The values of all samples.
    pub fn values(&self) -> &Values {
        &self.values
    }

    /// The targets of all samples.
    pub fn targets(&self) -> &Targets {
        &self.targets
    }

    /// How many samples there are.
    pub fn len(&self) -> usize {
        self.targets.len()
    }

    /// Whether there are no samples.
    pub fn is_empty(&self) -> bool {
        self.targets.is_empty()
    }

    /// All of it, as a view.
    pub fn view(&self) -> View<'_> {
        let targets = match &self.targets {
            Targets::Classes(classes) => ViewTargets::Classes(classes),
            Targets::Numbers { values, per_sample } => ViewTargets::Numbers(values, *per_sample),
        };
        View { shape: self.shape, values: self.values.as_slice(), targets }
    }

    /// Adds samples at the end.
    ///
    /// # Errors
    ///
    /// [`Problem::OtherKind`] if they are of another shape or type, or have other targets; nothing is added then.
    pub fn extend(&mut self, more: View<'_>) -> Result<(), Problem> {
        let (found, expected) = (more.kind(), self.view().kind());
        if found != expected {
            return Err(Problem::OtherKind { found, expected });
        }
        match (&mut self.values, more.values) {
            (Values::Bytes(values), Sample::Bytes(more)) => values.extend_from_slice(more),
            (Values::Floats(values), Sample::Floats(more)) => values.extend_from_slice(more),
            // They are of one kind.
            _ => {}
        }
        match (&mut self.targets, more.targets) {
            (Targets::Classes(classes), ViewTargets::Classes(more)) => classes.extend_from_slice(more),
            (Targets::Numbers { values, .. }, ViewTargets::Numbers(more, _)) => values.extend_from_slice(more),
            _ => {}
        }
        Ok(())
    }

    /// Makes the samples what is asked for: transposed, and of a shape. A vector's values are those of the shape before it
    /// is transposed.
    pub(super) fn shape_as(&mut self, options: &Options) -> Result<(), Problem> {
        let is_vector = matches!(self.shape, Shape::Vector(_));
        match options.shape {
            Some(Shape::Image { height, width, channels }) if options.transpose && is_vector => {
                self.reshape(Shape::Image { height: width, width: height, channels })?;
                self.transpose();
                Ok(())
            }
            wanted => {
                if options.transpose {
                    self.transpose();
                }
                wanted.map_or(Ok(()), |wanted| self.reshape(wanted))
            }
        }
    }

    /// Takes the same values for samples of another shape, in which they lie in the same order: a vector for an image,
    /// or the other way round, or images whose sizes of 1 stand at other places.
    fn reshape(&mut self, wanted: Shape) -> Result<(), Problem> {
        let is_vector = [self.shape, wanted].iter().any(|shape| matches!(shape, Shape::Vector(_)));
        let is_alike = self.shape.values() == wanted.values() && (is_vector || sizes(self.shape) == sizes(wanted));
        if !is_alike {
            return Err(Problem::Wanted { found: self.shape, wanted });
        }
        self.shape = wanted;
        Ok(())
    }

    /// Exchanges the rows and columns of each sample, where it lies; a vector has none.
    fn transpose(&mut self) {
        let Shape::Image { height, width, channels } = self.shape else { return };
        match &mut self.values {
            Values::Bytes(values) => transpose(values, height, width, channels),
            Values::Floats(values) => transpose(values, height, width, channels),
        }
        self.shape = Shape::Image { height: width, width: height, channels };
    }

    /// Exchanges two samples.
    pub(super) fn swap(&mut self, a: usize, b: usize) {
        self.values.swap(a, b, self.shape.values());
        self.targets.swap(a, b);
    }
}

/// A stretch of samples, borrowed: cheap to copy and to cut.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct View<'a> {
    shape: Shape,
    values: Sample<'a>,
    targets: ViewTargets<'a>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum ViewTargets<'a> {
    Classes(&'a [u16]),
    /// The numbers, and how many belong to each sample.
    Numbers(&'a [f32], usize),
}

impl<'a> View<'a> {
    /// Samples with classes that lie in memory of the caller's, one sample after the other.
    ///
    /// # Errors
    ///
    /// [`Problem::Sizes`] if the values are not those of as many samples of this shape as there are classes.
    pub fn of_classes(shape: Shape, values: Sample<'a>, classes: &'a [u16]) -> Result<Self, Problem> {
        Self::new(shape, values, classes.len(), ViewTargets::Classes(classes))
    }

    /// Samples with numbers, `per_sample` of each, that lie in memory of the caller's, one sample after the other.
    ///
    /// # Errors
    ///
    /// [`Problem::Sizes`] if the values are not those of as many samples of this shape as there are such numbers.
    pub fn of_numbers(
        shape: Shape,
        values: Sample<'a>,
        numbers: &'a [f32],
        per_sample: usize,
    ) -> Result<Self, Problem> {
        // Numbers that are no whole targets are those of no samples.
        let samples = if numbers.len().is_multiple_of(per_sample) { numbers.len() / per_sample.max(1) } else { 0 };
        Self::new(shape, values, samples, ViewTargets::Numbers(numbers, per_sample))
    }

    fn new(shape: Shape, values: Sample<'a>, samples: usize, targets: ViewTargets<'a>) -> Result<Self, Problem> {
        if shape.values() == 0 || samples.checked_mul(shape.values()) != Some(values.len()) {
            return Err(Problem::Sizes { values: values.len(), shape, targets: samples });
        }
        Ok(Self { shape, values, targets })
    }

    /// Images of bytes with their classes; as many as there are of both.
    pub(super) fn images(shape: Shape, bytes: &'a [u8], classes: &'a [u16]) -> Self {
        let count = classes.len().min(bytes.len() / shape.values().max(1));
        let values = Sample::Bytes(&bytes[..count * shape.values()]);
        Self { shape, values, targets: ViewTargets::Classes(&classes[..count]) }
    }

    /// What a sample is: a vector or an image.
    pub fn shape(self) -> Shape {
        self.shape
    }

    /// How many samples there are.
    pub fn len(self) -> usize {
        self.values.len() / self.shape.values()
    }

    /// Whether there are no samples.
    pub fn is_empty(self) -> bool {
        self.values.is_empty()
    }

    /// The first `count` samples and the rest; all and none if there are not so many.
    pub fn split_at(self, count: usize) -> (Self, Self) {
        let (all, count) = (self.len(), count.min(self.len()));
        (self.slice(0..count), self.slice(count..all))
    }

    /// The first `count` samples, or all if there are not so many.
    pub fn take(self, count: usize) -> Self {
        self.split_at(count).0
    }

    /// Some of the samples.
    ///
    /// # Panics
    ///
    /// If there are not so many, as a slice does.
    pub fn slice(self, range: Range<usize>) -> Self {
        let size = self.shape.values();
        let targets = match self.targets {
            ViewTargets::Classes(classes) => ViewTargets::Classes(&classes[range.clone()]),
            ViewTargets::Numbers(values, per_sample) => {
                ViewTargets::Numbers(&values[range.start * per_sample..range.end * per_sample], per_sample)
            }
        };
        Self { shape: self.shape, values: self.values.slice(range.start * size..range.end * size), targets }
    }

    /// The values of all samples, one sample after the other.
    pub fn values(self) -> Sample<'a> {
        self.values
    }

    /// The values of a sample.
    ///
    /// # Panics
    ///
    /// If there is no such sample, as a slice does.
    pub fn sample(self, index: usize) -> Sample<'a> {
        let size = self.shape.values();
        self.values.slice(index * size..(index + 1) * size)
    }

    /// What is to be learned of a sample.
    ///
    /// # Panics
    ///
    /// If there is no such sample, as a slice does.
    pub fn target(self, index: usize) -> Target<'a> {
        match self.targets {
            ViewTargets::Classes(classes) => Target::Class(classes[index]),
            ViewTargets::Numbers(values, per_sample) => {
                Target::Numbers(&values[index * per_sample..(index + 1) * per_sample])
            }
        }
    }

    /// The class of a sample, counted from 0; none if there is no such sample, or its target is numbers.
    pub fn label(self, index: usize) -> Option<u16> {
        self.labels()?.get(index).copied()
    }

    /// The classes of all samples; none if the targets are numbers.
    pub fn labels(self) -> Option<&'a [u16]> {
        match self.targets {
            ViewTargets::Classes(classes) => Some(classes),
            ViewTargets::Numbers(..) => None,
        }
    }

    /// How many outputs a network for them has: one for each class up to the greatest there is, or for each number.
    pub fn outputs(self) -> usize {
        match self.targets {
            ViewTargets::Classes(labels) => labels.iter().max().map_or(0, |&label| usize::from(label) + 1),
            ViewTargets::Numbers(_, per_sample) => per_sample,
        }
    }

    /// The numbers of all samples, and how many belong to each; none if the targets are classes.
    pub fn numbers(self) -> Option<(&'a [f32], usize)> {
        match self.targets {
            ViewTargets::Classes(_) => None,
            ViewTargets::Numbers(values, per_sample) => Some((values, per_sample)),
        }
    }

    /// Each sample with its target, in order.
    pub fn iter(self) -> impl ExactSizeIterator<Item = (Sample<'a>, Target<'a>)> {
        (0..self.len()).map(move |index| (self.sample(index), self.target(index)))
    }

    /// The height, the width and the channels of the samples, if they are images of bytes, which can be augmented.
    ///
    /// # Errors
    ///
    /// [`Error::Augment`].
    pub(crate) fn image_sizes(self) -> Result<[usize; 3], Error> {
        match (self.shape, self.values) {
            (Shape::Image { height, width, channels }, Sample::Bytes(_)) if height > 1 && width > 1 => {
                Ok([height, width, channels])
            }
            _ => Err(Error::Augment { found: self.kind() }),
        }
    }

    /// For messages: "28x28x1 bytes with classes".
    pub(super) fn kind(self) -> String {
        let values = match self.values {
            Sample::Bytes(_) => "bytes",
            Sample::Floats(_) => "floats",
        };
        match self.targets {
            ViewTargets::Classes(_) => format!("{} {values} with classes", self.shape),
            ViewTargets::Numbers(_, 1) => format!("{} {values} with a number each", self.shape),
            ViewTargets::Numbers(_, count) => format!("{} {values} with {count} numbers each", self.shape),
        }
    }
}

/// A data set as it was found: its samples, in parts, and what they are called.
#[derive(Clone, Debug, PartialEq)]
pub struct Data {
    /// The samples of all parts: first those to train on, then those to validate with, then those to test with.
    pub(super) set: Set,
    /// How many samples train.
    train: usize,
    /// How many samples validate.
    validation: usize,
    /// The names of the classes, in the order of their numbers; none if the targets are numbers.
    pub classes: Vec<String>,
    /// The names of a sample's values, or of a signal's channels, if the source names them.
    pub columns: Vec<String>,
    /// What the source is, in words: its format and its type.
    pub found: String,
    /// What was done to it that a user should know, and what was noticed, a sentence each.
    pub notes: Vec<String>,
}

impl Data {
    /// Puts a set whose samples are in order, `train` to train on, `validation` to validate with, and the rest to test
    /// with, under the names of its classes.
    ///
    /// # Errors
    ///
    /// [`Problem::Parts`] if there are not so many samples or none to train on, and [`Problem::Label`] for a class that
    /// has no name.
    pub fn new(set: Set, train: usize, validation: usize, classes: Vec<String>) -> Result<Self, Problem> {
        if train == 0 || train.saturating_add(validation) > set.len() {
            return Err(Problem::Parts { train, validation, samples: set.len() });
        }
        if let Targets::Classes(labels) = &set.targets {
            let is_unnamed = |label: &&u16| usize::from(**label) >= classes.len();
            if let Some(&label) = labels.iter().find(is_unnamed) {
                return Err(Problem::Label { label, classes: classes.len() });
            }
        }
        let (columns, found, notes) = (Vec::new(), String::new(), Vec::new());
        Ok(Self { set, train, validation, classes, columns, found, notes })
    }

    /// Like [`Data::new`] for samples in any order, each with its part: they are put in the order of their parts, where
    /// they lie.
    pub(super) fn of_parts(mut set: Set, parts: &mut [Part], classes: Vec<String>) -> Result<Self, Problem> {
        let [train, validation, _] = split::arrange(&mut set, parts);
        Self::new(set, train, validation, classes)
    }

    /// The samples of all parts: first those to train on, then those to validate with, then those to test with.
    pub fn all(&self) -> View<'_> {
        self.set.view()
    }

    /// What a sample is: a vector or an image.
    pub fn shape(&self) -> Shape {
        self.set.shape
    }

    /// The samples to train on.
    pub fn train(&self) -> View<'_> {
        self.all().take(self.train)
    }

    /// The samples to validate with, if there are any.
    pub fn validation(&self) -> Option<View<'_>> {
        Some(self.part(Part::Validation)).filter(|part| !part.is_empty())
    }

    /// The samples to test with, if there are any.
    pub fn test(&self) -> Option<View<'_>> {
        Some(self.part(Part::Test)).filter(|part| !part.is_empty())
    }

    /// The samples of a part, which may be none.
    pub fn part(&self, part: Part) -> View<'_> {
        let validation_end = self.train + self.validation;
        self.all().slice(match part {
            Part::Train => 0..self.train,
            Part::Validation => self.train..validation_end,
            Part::Test => validation_end..self.set.len(),
        })
    }

    /// What tells it from other data: CRC-64/XZ over the sizes of its parts and of a sample, its values and its targets,
    /// in this order, numbers little-endian. It does not depend on how files are packed or named, nor on whether a sample
    /// is an image or a vector. It is computed anew: a gigabyte takes about a second.
    pub fn checksum(&self) -> u64 {
        let mut digest = split::CRC.digest();
        for size in [self.train, self.validation, self.set.len(), self.set.shape.values()] {
            digest.update(&(size as u64).to_le_bytes());
        }
        match &self.set.values {
            Values::Bytes(values) => digest.update(values),
            Values::Floats(values) => digest.update(values.as_bytes()),
        }
        match &self.set.targets {
            Targets::Classes(classes) => digest.update(classes.as_bytes()),
            Targets::Numbers { values, .. } => digest.update(values.as_bytes()),
        }
        digest.finalize()
    }
}

/// What it is, in a line: "IDX files: 70,000 samples of 28x28x1 bytes with classes (10)".
impl fmt::Display for Data {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} samples of {}", self.found, self.set.len(), self.all().kind())?;
        if self.classes.is_empty() { Ok(()) } else { write!(f, " ({})", self.classes.len()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAIR: Shape = Shape::Vector(2);

    fn set(values: &[u8], classes: &[u16]) -> Result<Set, Problem> {
        Set::new(PAIR, Values::Bytes(values.to_vec()), Targets::Classes(classes.to_vec()))
    }

    fn numbers(values: &[f32], numbers: &[f32], per_sample: usize) -> Result<Set, Problem> {
        let targets = Targets::Numbers { values: numbers.to_vec(), per_sample };
        Set::new(PAIR, Values::Floats(values.to_vec()), targets)
    }

    #[test]
    fn what_does_not_belong_together_is_refused() {
        assert_eq!(set(&[1, 2, 3], &[0]), Err(Problem::Sizes { values: 3, shape: PAIR, targets: 1 }));
        let empty = Set::new(Shape::Vector(0), Values::Bytes(vec![]), Targets::Classes(vec![]));
        assert!(matches!(empty, Err(Problem::Sizes { .. })));
        assert!(matches!(numbers(&[1.0, 2.0], &[1.0, 2.0, 3.0], 2), Err(Problem::Sizes { .. })));
        assert!(matches!(numbers(&[1.0, 2.0], &[1.0], 0), Err(Problem::Sizes { .. })));
        let error = numbers(&[1.0, 2.0, 3.0, f32::NAN], &[1.0, 2.0], 1).unwrap_err();
        assert!(error.to_string().starts_with("sample 1, value 1, is NaN"), "{error}");
        let error = numbers(&[1.0, 2.0], &[f32::INFINITY], 1).unwrap_err();
        assert!(matches!(error, Problem::NotFinite { sample: 0, index: 0, .. }));
        let set = set(&[1, 2, 3, 4], &[0, 3]).unwrap();
        let names = |count: usize| (0..count).map(|class| class.to_string()).collect();
        assert_eq!(Data::new(set.clone(), 1, 1, names(3)), Err(Problem::Label { label: 3, classes: 3 }));
        for (train, validation) in [(0, 1), (2, 1), (usize::MAX, 1)] {
            assert!(matches!(Data::new(set.clone(), train, validation, names(4)), Err(Problem::Parts { .. })));
        }
        assert!(Data::new(set, 1, 1, names(4)).is_ok());
    }

    #[test]
    fn sets_grow_by_samples_of_their_kind() {
        let mut bytes = set(&[1, 2], &[0]).unwrap();
        let more = set(&[3, 4, 5, 6], &[1, 2]).unwrap();
        bytes.extend(more.view().slice(1..2)).unwrap();
        assert_eq!(bytes, set(&[1, 2, 5, 6], &[0, 2]).unwrap());
        let floats = numbers(&[1.0, 2.0], &[7.0, 8.0], 2).unwrap();
        let error = bytes.extend(floats.view()).unwrap_err().to_string();
        assert!(error.starts_with("2 floats with 2 numbers each cannot be added to 2 bytes with classes"), "{error}");
        assert!(numbers(&[1.0, 2.0], &[7.0], 1).unwrap().extend(floats.view()).is_err());
        let mut twice = floats.clone();
        twice.extend(floats.view()).unwrap();
        assert_eq!(twice, numbers(&[1.0, 2.0, 1.0, 2.0], &[7.0, 8.0, 7.0, 8.0], 2).unwrap());
    }

    #[test]
    fn views_are_cut() {
        let set = numbers(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], &[1.5, 2.5, 3.5], 1).unwrap();
        let (first, rest) = set.view().split_at(1);
        assert_eq!((first.len(), rest.len()), (1, 2));
        assert_eq!((rest.sample(0), rest.target(1)), (Sample::Floats(&[3.0, 4.0]), Target::Numbers(&[3.5])));
        assert_eq!((rest.label(0), rest.numbers()), (None, Some((&[2.5, 3.5][..], 1))));
        assert_eq!((set.view().take(9).len(), set.view().split_at(9).1.is_empty()), (3, true));
        let same = View::of_numbers(PAIR, Sample::Floats(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]), &[1.5, 2.5, 3.5], 1);
        assert_eq!(same, Ok(set.view()));
        let view = View::of_classes(PAIR, Sample::Bytes(&[1, 2, 3, 4]), &[1, 0]).unwrap();
        assert_eq!(view.iter().last(), Some((Sample::Bytes(&[3, 4]), Target::Class(0))));
        assert_eq!((view.label(0), view.label(2)), (Some(1), None));
        assert!(View::of_classes(PAIR, Sample::Bytes(&[1, 2, 3]), &[1, 0]).is_err());
        assert!(View::of_numbers(PAIR, Sample::Bytes(&[1, 2]), &[1.0, 2.0, 3.0], 2).is_err());
        assert!(View::of_numbers(PAIR, Sample::Bytes(&[1, 2]), &[1.0], 0).is_err());
    }

    #[test]
    fn the_checksum_tells_data_apart() {
        let names = || vec!["a".to_owned(), "b".to_owned()];
        let data = |values: &[u8], classes: &[u16], train| Data::new(set(values, classes).unwrap(), train, 0, names());
        let checksum = |values: &[u8], classes: &[u16], train| data(values, classes, train).unwrap().checksum();
        let all = [
            checksum(&[1, 2, 3, 4], &[0, 1], 2),
            checksum(&[1, 2, 3, 5], &[0, 1], 2),
            checksum(&[1, 2, 3, 4], &[0, 0], 2),
            checksum(&[1, 2, 3, 4], &[0, 1], 1),
            checksum(&[3, 4, 1, 2], &[1, 0], 2),
        ];
        for (place, sum) in all.iter().enumerate() {
            assert!(!all[..place].contains(sum), "{place}");
        }
        assert_eq!(checksum(&[1, 2, 3, 4], &[0, 1], 2), all[0]);
    }
}
