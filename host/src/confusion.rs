//! The confusion matrix: what was predicted of images with each label.

use serde::Serialize;
use std::fmt;

/// `confusion[label][predicted]` counts images.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Confusion {
    counts: Vec<Vec<usize>>,
}

impl Confusion {
    /// No images yet, of ten labels, for a network of so many classes.
    pub fn new(classes: usize) -> Self {
        Self { counts: vec![vec![0; classes]; 10] }
    }

    /// Counts an image; a label or a class beyond the matrix is left out.
    pub fn count(&mut self, label: u8, predicted: usize) {
        if let Some(count) = self.counts.get_mut(usize::from(label)).and_then(|row| row.get_mut(predicted)) {
            *count += 1;
        }
    }
}

impl fmt::Display for Confusion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("          predicted\n   label")?;
        for class in 0..self.counts.first().map_or(0, Vec::len) {
            write!(f, "{class:>6}")?;
        }
        writeln!(f)?;
        for (label, row) in self.counts.iter().enumerate() {
            write!(f, "{label:>8}")?;
            for &count in row {
                if count == 0 { write!(f, "{:>6}", ".") } else { write!(f, "{count:>6}") }?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}
