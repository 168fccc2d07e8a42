//! What is in data: how many samples of each class and part, the range of their values, and what looks wrong.

use serde::{Serialize, Serializer};

use super::set::{Data, Sample, View};
use super::split::{self, Part};
use crate::architecture::Shape;

/// A class has so many times fewer samples than another: that looks wrong.
const UNEQUAL: usize = 10;

/// A value is so many times the middle half's width beyond that half: that looks wrong.
const FAR: f32 = 20.0;

/// One of so many values, or fewer, are rare.
const RARE: usize = 20;

/// The middle half is found among so many values.
const ENOUGH: usize = 100_000;

/// Fewer samples of a class are few.
const FEW: usize = 10;

/// At most so many names are listed in a sentence.
const MOST_NAMES: usize = 5;

/// All parts, in order.
pub const PARTS: [Part; 3] = [Part::Train, Part::Validation, Part::Test];

/// What data are like.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// What the source is.
    pub found: String,
    /// All samples.
    pub samples: usize,
    /// What a sample is, as a network's text begins: `28x28x1`.
    pub shape: String,
    /// `bytes` or `floats`.
    pub values: &'static str,
    /// Samples to train on, to validate with and to test with.
    #[serde(serialize_with = "by_part")]
    pub parts: [usize; 3],
    /// The classes; none if the targets are numbers.
    pub classes: Vec<Class>,
    /// The targets if they are numbers; of all samples.
    pub targets: Vec<Range>,
    /// The columns of a vector or the channels of an image; of the samples to train on.
    pub ranges: Vec<Range>,
    /// All values of the samples to train on.
    pub range: Range,
    /// What tells the data from others, in hexadecimal.
    pub checksum: String,
    /// What was done while they were read.
    pub notes: Vec<String>,
    /// What looks wrong.
    pub warnings: Vec<String>,
}

/// A class with its samples.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Class {
    /// Its name.
    pub name: String,
    /// Samples to train on, to validate with and to test with.
    #[serde(serialize_with = "by_part")]
    pub parts: [usize; 3],
}

/// Counts under the names of their parts.
fn by_part<S: Serializer>(counts: &[usize; 3], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(PARTS.iter().zip(counts))
}

/// Where numbers lie.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Range {
    /// What they are.
    pub name: String,
    /// The least.
    pub least: f32,
    /// The greatest.
    pub greatest: f32,
    /// Their mean.
    pub mean: f64,
    /// Their standard deviation.
    pub deviation: f64,
}

impl Range {
    /// The ranges of numbers of which each belongs to the next name in turn.
    fn of(values: impl Iterator<Item = f32> + Clone, names: Vec<String>) -> Vec<Self> {
        let count = names.len().max(1);
        let mut ranges: Vec<Self> = names
            .into_iter()
            .map(|name| Self { name, least: f32::INFINITY, greatest: f32::NEG_INFINITY, mean: 0.0, deviation: 0.0 })
            .collect();
        let mut place = 0;
        let mut total = 0_usize;
        for value in values.clone() {
            let range = &mut ranges[place];
            range.least = range.least.min(value);
            range.greatest = range.greatest.max(value);
            range.mean += f64::from(value);
            total += 1;
            place = if place + 1 == count { 0 } else { place + 1 };
        }
        let each = (total / count).max(1) as f64;
        ranges.iter_mut().for_each(|range| range.mean /= each);
        place = 0;
        for value in values {
            let range = &mut ranges[place];
            range.deviation += (f64::from(value) - range.mean).powi(2);
            place = if place + 1 == count { 0 } else { place + 1 };
        }
        ranges.iter_mut().for_each(|range| range.deviation = (range.deviation / each).sqrt());
        ranges
    }

    /// Several ranges of as many numbers each, as one.
    fn joined(ranges: &[Self]) -> Self {
        let count = ranges.len().max(1) as f64;
        let mean = ranges.iter().map(|range| range.mean).sum::<f64>() / count;
        let square = |range: &Self| range.deviation.powi(2) + (range.mean - mean).powi(2);
        Self {
            name: "all values".into(),
            least: ranges.iter().map(|range| range.least).fold(f32::INFINITY, f32::min),
            greatest: ranges.iter().map(|range| range.greatest).fold(f32::NEG_INFINITY, f32::max),
            mean,
            deviation: (ranges.iter().map(square).sum::<f64>() / count).sqrt(),
        }
    }
}

/// Whether samples are tables' rows, signals or pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Looks {
    Row,
    /// So many channels.
    Signal(usize),
    Picture,
}

impl Looks {
    pub(super) fn of(shape: Shape) -> Self {
        match shape {
            Shape::Vector(_) => Self::Row,
            Shape::Image { height: 1, channels, .. } | Shape::Image { width: 1, channels, .. } => {
                Self::Signal(channels)
            }
            Shape::Image { .. } => Self::Picture,
        }
    }
}

impl Data {
    /// The names of a vector's columns or of an image's channels: those of the source, else numbers from 1.
    pub(super) fn names(&self) -> Vec<String> {
        let (what, count) = match self.shape() {
            Shape::Vector(count) => ("column", count),
            Shape::Image { channels, .. } => ("channel", channels),
        };
        if self.columns.len() == count {
            return self.columns.clone();
        }
        match (self.shape(), count) {
            (Shape::Image { .. }, 1) => vec!["values".into()],
            (Shape::Image { .. }, 3) if Looks::of(self.shape()) == Looks::Picture => {
                ["red", "green", "blue"].map(str::to_owned).into()
            }
            _ => (1..=count).map(|number| format!("{what} {number}")).collect(),
        }
    }

    /// The ranges of a vector's columns or of an image's channels, in the samples to train on.
    pub(super) fn ranges(&self) -> Vec<Range> {
        Range::of(floats(self.train().values()), self.names())
    }

    /// What is in the data, and what looks wrong.
    pub fn summary(&self) -> Summary {
        let all = self.all();
        let parts = PARTS.map(|part| self.part(part).len());
        let classes = classes(self);
        let ranges = self.ranges();
        let targets = match all.numbers() {
            None => Vec::new(),
            Some((values, per_sample)) => {
                let name = |number: usize| {
                    if per_sample == 1 { "target".into() } else { format!("target {number}") }
                };
                Range::of(values.iter().copied(), (1..=per_sample).map(name).collect())
            }
        };
        let mut summary = Summary {
            found: self.found.clone(),
            samples: all.len(),
            shape: self.shape().to_string(),
            values: if matches!(all.values(), Sample::Bytes(_)) { "bytes" } else { "floats" },
            parts,
            classes,
            targets,
            range: Range::joined(&ranges),
            ranges,
            checksum: format!("{:016x}", self.checksum()),
            notes: self.notes.clone(),
            warnings: Vec::new(),
        };
        summary.warnings = warnings(self, &summary);
        summary
    }
}

fn floats(values: Sample<'_>) -> impl Iterator<Item = f32> + Clone {
    (0..values.len()).map(move |index| values.get(index))
}

fn classes(data: &Data) -> Vec<Class> {
    let mut classes: Vec<Class> = data.classes.iter().map(|name| Class { name: name.clone(), parts: [0; 3] }).collect();
    for part in PARTS {
        for &label in data.part(part).labels().unwrap_or_default() {
            if let Some(class) = classes.get_mut(usize::from(label)) {
                class.parts[part as usize] += 1;
            }
        }
    }
    classes
}

fn warnings(data: &Data, summary: &Summary) -> Vec<String> {
    let mut warnings = Vec::new();
    let mut warn = |names: &[&str], one: &str, many: &str| match names {
        [] => {}
        [name] => warnings.push(format!("{name} {one}")),
        names => {
            let more = if names.len() > MOST_NAMES { format!(", … ({} in all)", names.len()) } else { String::new() };
            warnings.push(format!("{}{more} {many}", names[..names.len().min(MOST_NAMES)].join(", ")));
        }
    };

    // The classes.
    let total = |class: &Class| class.parts.iter().sum::<usize>();
    let named = |is: &dyn Fn(&Class) -> bool| -> Vec<&str> {
        summary.classes.iter().filter(|class| is(class)).map(|class| &*class.name).collect()
    };
    warn(&named(&|class| total(class) == 0), "is a class without a sample", "are classes without a sample");
    warn(&named(&|class| total(class) == 1), "is a class with one sample", "are classes with one sample each");
    let untrained = |class: &Class| total(class) > 0 && class.parts[0] == 0;
    warn(&named(&untrained), "is a class with no sample to train on", "are classes with no sample to train on");
    let untested = |class: &Class| total(class) > 1 && class.parts[2] == 0;
    if data.test().is_some() {
        warn(&named(&untested), "is a class with no sample to test with", "are classes with no sample to test with");
    }

    // The values.
    let is_picture = Looks::of(data.shape()) == Looks::Picture;
    let constant: Vec<&str> =
        summary.ranges.iter().filter(|range| range.least == range.greatest).map(|range| &*range.name).collect();
    if data.train().len() > 1 {
        let what = if is_picture { "in all pictures" } else { "in all samples" };
        warn(&constant, &format!("is the same {what}"), &format!("are the same {what}"));
    }

    let filled = || summary.classes.iter().filter(|class| class.parts[0] > 0);
    if let (Some(least), Some(most)) =
        (filled().min_by_key(|class| class.parts[0]), filled().max_by_key(|class| class.parts[0]))
        && most.parts[0] > UNEQUAL * least.parts[0]
    {
        let (few, many) = (least.parts[0], most.parts[0]);
        warnings.push(format!(
            "the classes are very unequal: {} has {many} samples to train on, {} has {few}",
            most.name, least.name
        ));
    }
    for (part, other) in [(Part::Train, Part::Test), (Part::Train, Part::Validation), (Part::Validation, Part::Test)] {
        let count = shared(data.part(part), data.part(other));
        if count > 0 {
            let are = if count == 1 { "is" } else { "are" };
            warnings
                .push(format!("{count} of the {other} samples {are} among the {part} samples, too, value for value"));
        }
    }
    if !is_picture && matches!(data.all().values(), Sample::Floats(_)) {
        warnings.extend(far(data.train(), &summary.ranges));
    }
    if let Shape::Image { height: height @ ..=4, width, channels } = data.shape()
        && channels > 8
        && width > 8
    {
        warnings.push(format!("pictures of {height} rows and {channels} channels: do their channels come first?"));
    }
    let (train, classes) = (summary.parts[0], summary.classes.len());
    if train < FEW * classes {
        warnings.push(format!(
            "there are few samples: {train} to train on, of {classes} {}",
            if classes == 1 { "class" } else { "classes" }
        ));
    }
    warnings
}

/// How many samples of one part are in another, too.
fn shared(part: View<'_>, other: View<'_>) -> usize {
    if other.is_empty() || part.is_empty() {
        return 0;
    }
    let mut hashes: Vec<u64> = (0..part.len()).map(|index| split::hash(part.sample(index))).collect();
    hashes.sort_unstable();
    (0..other.len()).filter(|&index| hashes.binary_search(&split::hash(other.sample(index))).is_ok()).count()
}

/// Says which columns have values that are very far from the others, such as a 9999 for one that is not known.
fn far(train: View<'_>, ranges: &[Range]) -> Vec<String> {
    let (values, columns) = (train.values(), ranges.len());
    let rows = values.len() / columns;
    let column = |place: usize| (0..rows).map(move |row| values.get(row * columns + place));
    let text = |(place, range): (usize, &Range)| {
        let some = (0..rows).step_by(rows.div_ceil(ENOUGH).max(1));
        let mut some: Vec<f32> = some.map(|row| values.get(row * columns + place)).collect();
        some.sort_unstable_by(f32::total_cmp);
        let (low, high) = (some[some.len() / 4], some[some.len() * 3 / 4]);
        let reach = FAR * (high - low);
        let is_far = |value: &f32| *value < low - reach || *value > high + reach;
        let count = column(place).filter(is_far).count();
        let (name, values) = (&range.name, if count == 1 { "a value".into() } else { format!("{count} values") });
        let farthest = column(place).max_by(|a, b| (a - low).abs().total_cmp(&(b - low).abs()))?;
        // Many such values are no mistake, but what the column is like.
        (count > 0 && count * RARE < rows && reach > 0.0).then(|| {
            format!("{name} has {values} far from the others, such as {farthest}: half of all lie from {low} to {high}")
        })
    };
    ranges.iter().enumerate().filter_map(text).take(MOST_NAMES).collect()
}
