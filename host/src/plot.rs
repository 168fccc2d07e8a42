//! Line plots as SVG and PNG files, both of the same drawing.

mod axis;

use std::path::{Path, PathBuf};
use std::slice;

use crate::drawing::{Anchor, Drawing, Place, Rgb, Style, fitting, width_of};
use crate::error::Result;
use crate::file::write_atomically;
use axis::{Axis, LARGEST};

/// The size of a chart; PNG files have twice as many pixels.
const WIDTH: f64 = 900.0;
const HEIGHT: f64 = 460.0;

const TITLE: Style = Style { size: 18.0, bold: true, colour: [0x1a; 3] };
const LABEL: Style = Style { size: 14.0, bold: false, colour: [0x33; 3] };
const TICK: Style = Style { size: 13.0, bold: false, colour: [0x44; 3] };

const FRAME: Rgb = [0x55; 3];
const ROWS: Rgb = [0xe4; 3];
const COLUMNS: Rgb = [0xf0; 3];

/// Okabe and Ito's colours, which the colour-blind can tell apart; their yellow is too pale for lines on white.
const COLOURS: [Rgb; 7] = [
    [0x00, 0x72, 0xb2],
    [0xd5, 0x5e, 0x00],
    [0x00, 0x9e, 0x73],
    [0xcc, 0x79, 0xa7],
    [0xe6, 0x9f, 0x00],
    [0x56, 0xb4, 0xe9],
    [0x00, 0x00, 0x00],
];

/// Lines of more series than there are colours are told apart by their dashes.
const DASHES: [&[f32]; 3] = [&[], &[8.0, 4.0], &[2.0, 3.0]];

/// Lines of up to so many points have their points marked.
const MOST_MARKED: usize = 40;

/// One line of a chart.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    /// Its name in the legend.
    pub label: String,
    /// Its points (x, y), in the order in which the line joins them. It is broken where a number is not finite, beyond
    /// 1e300, below the chart's lowest or, on a logarithmic axis, not positive.
    pub points: Vec<(f64, f64)>,
}

/// A line plot.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Chart {
    /// What it shows; written smaller if it is too long for one line.
    pub title: String,
    /// What x is, with its unit.
    pub x_label: String,
    /// What y is, with its unit.
    pub y_label: String,
    /// The lines. The legend is left out for a single line without a label.
    pub series: Vec<Series>,
    /// Whether the x axis is logarithmic.
    pub log_x: bool,
    /// Whether the y axis is logarithmic.
    pub log_y: bool,
    /// What lies below is not drawn.
    pub lowest_y: Option<f64>,
    /// Whether the y axis begins at 0 or below, so that heights compare as the values do; not for a logarithmic axis.
    pub from_zero: bool,
}

impl Chart {
    /// Writes the chart as `path_stem.svg` and `path_stem.png`, and returns these paths.
    ///
    /// # Errors
    ///
    /// Those of [`write_atomically`].
    pub fn save(&self, path_stem: &Path) -> Result<[PathBuf; 2]> {
        save(slice::from_ref(self), path_stem)
    }

    /// Draws the chart with its upper left corner at (0, `top`).
    fn draw(&self, drawing: &mut Drawing, top: f64) {
        let points = || self.series.iter().flat_map(|series| &series.points).filter(|point| self.shows(point));
        let x_axis = Axis::new(points().map(|point| point.0), self.log_x);
        let zero = (self.from_zero && !self.log_y).then_some(0.0);
        let y_axis = Axis::new(points().map(|point| point.1).chain(zero), self.log_y);
        let is_empty = points().next().is_none();

        // The frame of the plot: as much is left around it as the texts need.
        let tick_width = y_axis.ticks.iter().map(|tick| width_of(&tick.label, TICK)).fold(0.0, f64::max);
        let left = 52.0 + tick_width;
        let right = WIDTH - 32.0;
        drawing.text((WIDTH / 2.0, top + 34.0), Anchor::Middle, &self.title, fitting(&self.title, TITLE, WIDTH - 40.0));
        let upper = self.legend(drawing, left, right, top + 62.0);
        let lower = top + HEIGHT - 62.0;
        let x_place = |x: f64| left + x_axis.place(x) * (right - left);
        let y_place = |y: f64| lower - y_axis.place(y) * (lower - upper);

        for tick in &y_axis.ticks {
            let y = y_place(tick.value);
            drawing.rule((left, y), (right, y), ROWS);
            drawing.text((left - 9.0, y + 4.5), Anchor::End, &tick.label, TICK);
        }
        for tick in &x_axis.ticks {
            let x = x_place(tick.value);
            drawing.rule((x, upper), (x, lower), COLUMNS);
            drawing.rule((x, lower), (x, lower + 5.0), FRAME);
            drawing.text((x, lower + 21.0), Anchor::Middle, &tick.label, TICK);
        }
        drawing.rule((left, upper), (left, lower), FRAME);
        drawing.rule((left, lower), (right, lower), FRAME);
        let middle = ((left + right) / 2.0, (upper + lower) / 2.0);
        let x_style = fitting(&self.x_label, LABEL, right - left);
        drawing.text((middle.0, lower + 46.0), Anchor::Middle, &self.x_label, x_style);
        let y_style = fitting(&self.y_label, LABEL, lower - upper + 40.0);
        drawing.upright_text((26.0, middle.1), Anchor::Middle, &self.y_label, y_style);

        for (index, series) in self.series.iter().enumerate() {
            let place = |&(x, y): &(f64, f64)| (x_place(x), y_place(y));
            for part in series.points.split(|point| !self.shows(point)).filter(|part| !part.is_empty()) {
                let places: Vec<Place> = part.iter().map(place).collect();
                curve(drawing, &places, index, series.points.len() <= MOST_MARKED || places.len() == 1);
            }
        }
        if is_empty {
            drawing.text(middle, Anchor::Middle, "no data", LABEL);
        }
    }

    fn shows(&self, &(x, y): &(f64, f64)) -> bool {
        let is_high_enough = self.lowest_y.is_none_or(|lowest| y >= lowest) && !(self.log_y && y <= 0.0);
        x.abs() <= LARGEST && y.abs() <= LARGEST && is_high_enough && !(self.log_x && x <= 0.0)
    }

    /// Draws the legend in as many rows as it needs, and returns where the plot below it begins.
    fn legend(&self, drawing: &mut Drawing, left: f64, right: f64, top: f64) -> f64 {
        if self.series.iter().all(|series| series.label.is_empty()) {
            return top;
        }
        let room = right - left - 36.0;
        let widest = self.series.iter().map(|series| width_of(&series.label, LABEL)).fold(0.0, f64::max);
        let cell = 36.0 + widest.min(room) + 20.0;
        let columns = ((right - left + 20.0) / cell).max(1.0) as usize;
        for (index, series) in self.series.iter().enumerate() {
            let (x, y) = (left + (index % columns) as f64 * cell, top + (index / columns) as f64 * 22.0);
            curve(drawing, &[(x, y), (x + 28.0, y)], index, false);
            drawing.text((x + 36.0, y + 5.0), Anchor::Start, &series.label, fitting(&series.label, LABEL, room));
        }
        top + 22.0 * self.series.len().div_ceil(columns) as f64 - 2.0
    }
}

/// Draws the line of series `index`, whose look follows from its number.
fn curve(drawing: &mut Drawing, places: &[Place], index: usize, is_marked: bool) {
    let colour = COLOURS[index % COLOURS.len()];
    drawing.curve(places, colour, DASHES[index / COLOURS.len() % DASHES.len()]);
    for &place in places.iter().filter(|_| is_marked) {
        drawing.dot(place, colour);
    }
}

/// The files that charts are written to: `path_stem.svg` and `path_stem.png`.
pub fn paths(path_stem: &Path) -> [PathBuf; 2] {
    // Not `with_extension`, which would take `.5` from `rate-0.5`.
    ["svg", "png"].map(|extension| {
        let mut path = path_stem.as_os_str().to_owned();
        path.push(".");
        path.push(extension);
        PathBuf::from(path)
    })
}

/// Writes charts, one above the other, as `path_stem.svg` and `path_stem.png`, and returns these paths.
///
/// # Errors
///
/// Those of [`write_atomically`].
pub fn save(charts: &[Chart], path_stem: &Path) -> Result<[PathBuf; 2]> {
    let mut drawing = Drawing::new(WIDTH, HEIGHT * charts.len().max(1) as f64);
    for (index, chart) in charts.iter().enumerate() {
        chart.draw(&mut drawing, index as f64 * HEIGHT);
    }
    let paths = paths(path_stem);
    write_atomically(&paths[0], |file| file.write_all(drawing.svg().as_bytes()))?;
    write_atomically(&paths[1], |file| file.write_all(&drawing.raster(2.0)?.png()?))?;
    Ok(paths)
}

/// What is known of a network after an epoch of training; what is not known stays out of the plot.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct EpochStats {
    /// The number of epochs done, from 1; 0 for the network before training.
    pub epoch: usize,
    /// The mean cost on the training samples.
    pub train_cost: Option<f64>,
    /// The mean cost on the validation samples.
    pub validation_cost: Option<f64>,
    /// The share of training samples recognised, from 0 to 1.
    pub train_accuracy: Option<f64>,
    /// The share of validation samples recognised, from 0 to 1.
    pub validation_accuracy: Option<f64>,
}

/// Writes the course of a training, the cost above the accuracy in percent, as `path_stem.svg` and `path_stem.png`, and
/// returns these paths. It names the hash of the weights that came of it.
///
/// # Errors
///
/// Those of [`write_atomically`].
pub fn training_curve(title: &str, weights: &str, epochs: &[EpochStats], path_stem: &Path) -> Result<[PathBuf; 2]> {
    let series = |label: &str, value: fn(&EpochStats) -> Option<f64>| {
        let points = epochs.iter().filter_map(|stats| Some((stats.epoch as f64, value(stats)?))).collect();
        Series { label: label.into(), points }
    };
    let chart = |title: String, y_label: &str, series: [Series; 2]| Chart {
        title,
        x_label: format!("Epoch (weights: {weights})"),
        y_label: y_label.into(),
        series: series.into_iter().filter(|series| !series.points.is_empty()).collect(),
        ..Chart::default()
    };
    let cost = chart(
        format!("{title}: cost"),
        "Mean cost",
        [series("Training", |stats| stats.train_cost), series("Validation", |stats| stats.validation_cost)],
    );
    let accuracy = chart(
        format!("{title}: accuracy"),
        "Accuracy (%)",
        [
            series("Training", |stats| stats.train_accuracy.map(|share| 100.0 * share)),
            series("Validation", |stats| stats.validation_accuracy.map(|share| 100.0 * share)),
        ],
    );
    save(&[cost, accuracy], path_stem)
}

#[cfg(test)]
mod tests;
