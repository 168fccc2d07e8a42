//! The confusion matrix: what was predicted of samples with each label.

use serde::Serialize;
use std::fmt::Write;

/// `confusion[label][predicted]` counts samples.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Confusion {
    counts: Vec<Vec<usize>>,
}

impl Confusion {
    /// No samples yet, for a network of so many classes.
    pub fn new(classes: usize) -> Self {
        Self { counts: vec![vec![0; classes]; classes] }
    }

    /// Counts a sample; a label or a class beyond the matrix is left out.
    pub fn count(&mut self, label: usize, predicted: usize) {
        if let Some(count) = self.counts.get_mut(label).and_then(|row| row.get_mut(predicted)) {
            *count += 1;
        }
    }
}

/// More classes than these are too many for a matrix on a screen.
const MOST: usize = 20;

impl Confusion {
    /// A matrix under the names of the classes; of very many classes, the most frequent mistakes.
    pub fn text(&self, classes: &[String]) -> String {
        let name = |class: usize| classes.get(class).map_or("?", String::as_str);
        if self.counts.len() > MOST {
            let each = |(label, row): (usize, &Vec<usize>)| {
                let counts = row.iter().enumerate().filter(move |&(predicted, count)| predicted != label && *count > 0);
                counts.map(move |(predicted, &count)| (count, label, predicted)).collect::<Vec<_>>()
            };
            let mut mistakes: Vec<_> = self.counts.iter().enumerate().flat_map(each).collect();
            mistakes.sort_by_key(|&(count, label, predicted)| (usize::MAX - count, label, predicted));
            let line = |&(count, label, predicted): &(usize, usize, usize)| {
                format!("{count:>6}  {} taken for {}\n", name(label), name(predicted))
            };
            return mistakes.iter().take(MOST).map(line).collect();
        }
        let wide = |index: usize| name(index).chars().count();
        let first = (0..self.counts.len()).map(wide).max().unwrap_or(0).max(8);
        let width = |class: usize| (wide(class) + 2).max(6);
        let mut text = format!("{:first$}  predicted\n{:>first$}", "", "label");
        // Writing to a string does not fail.
        for class in 0..self.counts.len() {
            let _ = write!(text, "{:>width$}", name(class), width = width(class));
        }
        text.push('\n');
        for (label, row) in self.counts.iter().enumerate() {
            let _ = write!(text, "{:>first$}", name(label));
            for (class, &count) in row.iter().enumerate() {
                let count = if count == 0 { ".".into() } else { count.to_string() };
                let _ = write!(text, "{count:>width$}", width = width(class));
            }
            text.push('\n');
        }
        text
    }
}
