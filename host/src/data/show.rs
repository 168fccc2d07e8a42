//! Pictures of data: a sheet of samples, or plots of signals or of a table.

use std::path::{Path, PathBuf};

use super::describe::Looks;
use super::set::{Data, Sample, Target, View};
use crate::architecture::Shape;
use crate::error::Result;
use crate::plot::{self, Chart, Series};
use crate::sheet::{self, Picture};
use minnet::augment::{Augment, random};

/// Pictures of each class on a sheet.
const OF_EACH: usize = 10;
/// Changed copies of a sample on a sheet.
const COPIES: u32 = 4;
/// Classes whose signals are plotted.
const MOST_CHARTS: usize = 8;
/// Lines in a chart.
const MOST_LINES: usize = 14;
/// Steps of a signal in a chart, or a few more.
const MOST_STEPS: usize = 10_000;
/// Parts that the range of numbers to be learned is cut in.
const BINS: usize = 40;

impl Data {
    /// Draws samples to train on: pictures as a sheet, a PNG file of this name; signals (one of each class) and tables
    /// (the means of each class, or how many samples have which target) as plots, a PNG and an SVG file. Returns the
    /// files' names. With `augment`, each picture is followed by copies of it: what the first epochs with the seed 1 see.
    ///
    /// # Errors
    ///
    /// Those of [`write_atomically`](crate::file::write_atomically), and [`Error::Augment`](crate::error::Error::Augment) if the samples cannot be
    /// augmented.
    pub fn draw(&self, title: &str, augment: Option<&Augment>, path: &Path) -> Result<Vec<PathBuf>> {
        let sizes = |augment| self.train().image_sizes().map(|sizes| (augment, sizes));
        let changes = augment.map(sizes).transpose()?;
        let charts = match Looks::of(self.shape()) {
            Looks::Picture => {
                self.sheet(title, changes, path)?;
                return Ok(vec![path.to_path_buf()]);
            }
            Looks::Signal(channels) => self.signals(title, channels),
            Looks::Row if self.classes.is_empty() => vec![self.histogram(title)],
            Looks::Row => vec![self.profile(title)],
        };
        Ok(plot::save(&charts, &path.with_extension(""))?.to_vec())
    }

    /// The files that [`draw`](Self::draw) would write.
    pub fn drawings(&self, path: &Path) -> Vec<PathBuf> {
        match Looks::of(self.shape()) {
            Looks::Picture => vec![path.to_path_buf()],
            Looks::Signal(_) | Looks::Row => plot::paths(&path.with_extension("")).to_vec(),
        }
    }

    /// Places of samples to train on: up to `count` of each class, or the first if the targets are numbers.
    fn some(&self, count: usize) -> Vec<usize> {
        let train = self.train();
        let Some(labels) = train.labels() else { return (0..train.len().min(sheet::MOST)).collect() };
        let mut of_class = vec![Vec::new(); self.classes.len()];
        for (place, &label) in labels.iter().enumerate() {
            let places = &mut of_class[usize::from(label)];
            if places.len() < count {
                places.push(place);
            }
        }
        of_class.concat()
    }

    fn sheet(&self, title: &str, changes: Option<(&Augment, [usize; 3])>, path: &Path) -> Result<()> {
        let Shape::Image { width, channels, .. } = self.shape() else { return Ok(()) };
        let (train, range) = (self.train(), range(self.train()));
        let together = if changes.is_some() { 1 + COPIES as usize } else { 1 };
        let of_each = (sheet::MOST / together / self.classes.len().max(1)).clamp(1, OF_EACH / together);
        let picture = |sample: Sample<'_>, caption| Picture {
            pixels: pixels(sample, channels, range),
            width,
            channels: if channels == 3 { 3 } else { 1 },
            caption,
        };
        let mut pictures = Vec::new();
        for place in self.some(of_each).into_iter().take(sheet::MOST / together) {
            let sample = train.sample(place);
            pictures.push(picture(sample, self.caption(train.target(place))));
            if let (Some((augment, sizes)), Sample::Bytes(image)) = (changes, sample) {
                for epoch in 0..COPIES {
                    let mut copy = image.to_vec();
                    augment.apply(image, sizes, random(1, epoch, place as u32), &mut copy);
                    pictures.push(picture(Sample::Bytes(&copy), String::new()));
                }
            }
        }
        let columns = match changes {
            None if self.classes.is_empty() => None,
            _ => Some(columns(self.classes.len(), of_each * together)),
        };
        sheet::save_pictures(title, &pictures, columns, path)
    }

    fn caption(&self, target: Target<'_>) -> String {
        match target {
            Target::Class(class) => self.classes.get(usize::from(class)).cloned().unwrap_or_default(),
            Target::Numbers(numbers) => numbers.iter().map(f32::to_string).collect::<Vec<_>>().join(", "),
        }
    }

    /// A chart for each class: the channels of its first signal.
    fn signals(&self, title: &str, channels: usize) -> Vec<Chart> {
        let (train, names) = (self.train(), self.names());
        let mut places = self.some(1);
        places.truncate(MOST_CHARTS);
        let chart = |place: usize| {
            let values: Vec<f32> = train.sample(place).floats().collect();
            let line = |channel: usize| {
                let every = (values.len() / channels / MOST_STEPS).max(1);
                let values = values.iter().skip(channel).step_by(channels).enumerate().step_by(every);
                Series {
                    label: if channels > 1 { names[channel].clone() } else { String::new() },
                    points: values.map(|(step, &value)| (step as f64, value.into())).collect(),
                }
            };
            Chart {
                title: format!("{title}: {}", self.caption(train.target(place))),
                x_label: "Step".into(),
                y_label: "Value".into(),
                series: (0..channels.min(MOST_LINES)).map(line).collect(),
                ..Chart::default()
            }
        };
        places.into_iter().map(chart).collect()
    }

    /// The mean of each class in each column, in deviations of the column from its mean.
    fn profile(&self, title: &str) -> Chart {
        let (train, ranges) = (self.train(), self.ranges());
        let mut sums = vec![(0_usize, vec![0.0; ranges.len()]); self.classes.len().min(MOST_LINES)];
        for (index, &label) in train.labels().unwrap_or_default().iter().enumerate() {
            let Some((count, sums)) = sums.get_mut(usize::from(label)) else { continue };
            *count += 1;
            for (sum, (value, range)) in sums.iter_mut().zip(train.sample(index).floats().zip(&ranges)) {
                let scale = if range.deviation > 0.0 { range.deviation } else { 1.0 };
                *sum += (f64::from(value) - range.mean) / scale;
            }
        }
        let line = |(name, (count, sums)): (&String, &(usize, Vec<f64>))| Series {
            label: name.clone(),
            points: (1..).zip(sums).map(|(column, sum)| (f64::from(column), sum / (*count).max(1) as f64)).collect(),
        };
        Chart {
            title: format!("{title}: the mean of each class"),
            x_label: "Column".into(),
            y_label: "Deviations from the mean of all".into(),
            series: self.classes.iter().zip(&sums).map(line).collect(),
            ..Chart::default()
        }
    }

    /// How many samples have a target from a number to the next.
    fn histogram(&self, title: &str) -> Chart {
        let (values, per_sample) = self.train().numbers().unwrap_or((&[], 1));
        let line = |place: usize| {
            let values = || values.iter().skip(place).step_by(per_sample.max(1)).map(|&value| f64::from(value));
            let (least, most) = values().fold((f64::MAX, f64::MIN), |(a, b), value| (a.min(value), b.max(value)));
            let width = ((most - least) / BINS as f64).max(f64::MIN_POSITIVE);
            let mut counts = [0; BINS];
            values().for_each(|value| counts[(((value - least) / width) as usize).min(BINS - 1)] += 1);
            let middle = |bin: usize| least + (bin as f64 + 0.5) * width;
            Series {
                label: if per_sample > 1 { format!("target {}", place + 1) } else { String::new() },
                points: counts.iter().enumerate().map(|(bin, &count)| (middle(bin), f64::from(count))).collect(),
            }
        };
        Chart {
            title: format!("{title}: the numbers to be predicted"),
            x_label: "Number".into(),
            y_label: "Samples to train on".into(),
            series: (0..per_sample.min(MOST_LINES)).map(line).collect(),
            from_zero: true,
            ..Chart::default()
        }
    }
}

/// Columns of a sheet: each class has a row of its own, or several share one.
fn columns(classes: usize, of_each: usize) -> usize {
    let classes_in_row = (classes as f64 / 10.0).sqrt().ceil().max(1.0) as usize;
    (classes_in_row * of_each).min(20)
}

/// The least and the greatest value that a picture shows.
fn range(samples: View<'_>) -> (f32, f32) {
    match samples.values() {
        Sample::Bytes(_) => (0.0, 255.0),
        Sample::Floats(values) => {
            values.iter().fold((f32::MAX, f32::MIN), |(least, most), &value| (least.min(value), most.max(value)))
        }
    }
}

/// The pixels of a sample as bytes: all three channels, or the first.
fn pixels(sample: Sample<'_>, channels: usize, (least, most): (f32, f32)) -> Vec<u8> {
    let step = if channels == 3 { 1 } else { channels.max(1) };
    let scale = 255.0 / (most - least).max(f32::MIN_POSITIVE);
    sample.floats().step_by(step).map(|value| ((value - least) * scale).round() as u8).collect()
}
