//! The plots of an experiment: which results, as lines over what.

use super::store::Results;
use crate::plot::{Chart, Series};

/// A plot, before there are results.
#[derive(Clone, Debug)]
pub struct Plot {
    /// What its files' names end in; empty for an experiment's only plot.
    pub name: &'static str,
    /// What it shows.
    pub title: String,
    /// What x is.
    pub x_label: &'static str,
    /// What y is.
    pub y_label: &'static str,
    /// Its lines.
    pub lines: Vec<Line>,
    /// Whether the x axis is logarithmic.
    pub log_x: bool,
    /// Whether the y axis is logarithmic.
    pub log_y: bool,
    /// What lies below is not drawn.
    pub lowest_y: Option<f64>,
}

/// A line of a plot.
#[derive(Clone, Debug)]
pub struct Line {
    /// Its name in the legend.
    pub label: String,
    /// Where its points come from.
    pub points: Points,
}

/// Where a line's points come from.
#[derive(Clone, Debug)]
pub enum Points {
    /// A result over its epochs, counted from 0 as the book does, from this epoch on.
    Epochs {
        /// The part.
        part: String,
        /// The result's name.
        curve: &'static str,
        /// The first epoch shown.
        from: usize,
    },
    /// The last number of a result of several parts, over a number that each of them has.
    Across {
        /// The numbers and the parts.
        parts: Vec<(f64, String)>,
        /// The result's name.
        curve: &'static str,
    },
    /// What the rerun printed: points of x and y.
    Rerun(Vec<(f64, f64)>),
}

impl Plot {
    /// A plot over epochs on even axes.
    pub fn over_epochs(name: &'static str, title: &str, y_label: &'static str, lines: Vec<Line>) -> Self {
        let title = title.to_owned();
        Self { name, title, x_label: "Epoch", y_label, lines, log_x: false, log_y: false, lowest_y: None }
    }

    /// The same plot with every epoch and every height, for runs too short to reach those that it shows.
    pub(super) fn whole(mut self) -> Self {
        self.lowest_y = None;
        for line in &mut self.lines {
            if let Points::Epochs { from, .. } = &mut line.points {
                *from = 0;
            }
        }
        self
    }

    /// The name of its files without the extension.
    pub fn stem(&self, experiment: &str) -> String {
        if self.name.is_empty() { experiment.to_owned() } else { format!("{experiment}-{}", self.name) }
    }

    /// The plot of these results: means over the seeds.
    pub fn chart(&self, results: &Results) -> Chart {
        let seeds = results.seeds();
        let mean = if seeds > 1 { format!(" (mean of {seeds} seeds)") } else { String::new() };
        Chart {
            title: format!("{}{mean}", self.title),
            x_label: self.x_label.into(),
            y_label: self.y_label.into(),
            series: self.lines.iter().map(|line| line.series(results)).collect(),
            log_x: self.log_x,
            log_y: self.log_y,
            lowest_y: self.lowest_y,
            ..Chart::default()
        }
    }
}

impl Line {
    /// A result over its epochs.
    pub fn epochs(label: &str, part: &str, curve: &'static str) -> Self {
        Self { label: label.into(), points: Points::Epochs { part: part.into(), curve, from: 0 } }
    }

    /// What the rerun printed, epoch by epoch.
    pub fn rerun(numbers: &[f64]) -> Self {
        let points = numbers.iter().enumerate().map(|(epoch, &number)| (epoch as f64, number)).collect();
        Self { label: "The rerun".into(), points: Points::Rerun(points) }
    }

    fn series(&self, results: &Results) -> Series {
        let points = match &self.points {
            Points::Epochs { part, curve, from } => {
                let mean = results.mean(part, curve);
                mean.into_iter().enumerate().skip(*from).map(|(epoch, number)| (epoch as f64, number)).collect()
            }
            Points::Across { parts, curve } => {
                let last = |part: &String| results.mean(part, curve).last().copied();
                parts.iter().filter_map(|(x, part)| Some((*x, last(part)?))).collect()
            }
            Points::Rerun(points) => points.clone(),
        };
        Series { label: self.label.clone(), points }
    }
}
