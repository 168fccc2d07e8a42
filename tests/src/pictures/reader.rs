//! Reads pictures as `host classify` does.

use super::{Page, Picture};
use host::data::{Sample, View};
use host::error::Result;
use host::executor::{Threads, Vectors};
use host::model::{Contents, File};
use host::picture::{Digit, SURE, read_bytes};
use host::samples::Samples;
use minnet::prelude::*;
use std::path::Path;

/// A network of digits.
pub struct Reader {
    file: File,
    contents: Contents,
    executor: Threads,
}

/// What was made of a picture.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// A digit, with its score; no answer if that is less than [`SURE`].
    Digit(u16, f32),
    /// No digit, several, or an error: what it says.
    None(String),
}

impl Outcome {
    /// The answer that is given, with its score.
    pub fn answer(&self) -> Option<(u16, f32)> {
        match *self {
            Self::Digit(digit, score) if score >= SURE => Some((digit, score)),
            _ => None,
        }
    }
}

impl Reader {
    /// With the model in a file, or with the one that comes with the program.
    ///
    /// # Errors
    ///
    /// That it is no model, or not of digits.
    pub fn new(model: Option<&Path>) -> Result<Self> {
        let file = model.map_or_else(|| Ok(File::bundled()), File::read)?;
        Ok(Self { contents: file.contents()?, executor: Threads::new(1, Vectors::detect())?, file })
    }

    /// Reads a picture of one digit.
    pub fn read(&self, picture: &Picture) -> Outcome {
        let digit = read_bytes(Path::new("picture"), &picture.bytes, false)
            .and_then(|reading| Ok(self.scores(std::slice::from_ref(reading.only()?))?.remove(0)));
        match digit {
            Ok((digit, score)) => Outcome::Digit(digit, score),
            Err(error) => Outcome::None(error.to_string()),
        }
    }

    /// Reads a page: how many digits are right, how many there are, and in how many other cells one was seen.
    ///
    /// # Errors
    ///
    /// That the page cannot be read.
    pub fn read_page(&self, page: &Page) -> Result<[usize; 3]> {
        let digits = read_bytes(Path::new("page"), &page.bytes, true)?.digits;
        let scores = self.scores(&digits)?;
        let mut found = vec![Vec::new(); page.cells.len()];
        for (digit, (answer, _)) in digits.iter().zip(scores) {
            let middle = |from: usize, to: usize| (from + to) as f32 / 2.0;
            let [x, y] = [middle(digit.area.left, digit.area.right), middle(digit.area.top, digit.area.bottom)];
            let away = |cell: usize| (page.cells[cell].1[0] - x).powi(2) + (page.cells[cell].1[1] - y).powi(2);
            let nearest = (0..found.len()).min_by(|&a, &b| away(a).total_cmp(&away(b)));
            nearest.into_iter().for_each(|cell| found[cell].push(answer));
        }
        let cells = || page.cells.iter().zip(&found);
        let right = cells().filter(|((digit, _), found)| digit.is_some_and(|digit| found[..] == [digit])).count();
        let all = cells().filter(|((digit, _), _)| digit.is_some()).count();
        let other = cells().filter(|((digit, _), found)| digit.is_none() && !found.is_empty()).count();
        Ok([right, all, other])
    }

    /// The answers to digits, with their scores.
    fn scores(&self, digits: &[Digit]) -> Result<Vec<(u16, f32)>> {
        let pixels: Vec<u8> = digits.iter().flat_map(|digit| digit.image).collect();
        let labels = vec![0; digits.len()];
        let description = self.file.description()?;
        let view = View::of_classes(self.contents.architecture().input(), Sample::Bytes(&pixels), &labels)?;
        let outputs = self.contents.outputs(Samples::new(view, description.normalization()), &self.executor)?;
        Ok(outputs.iter().map(|scores| (argmax(scores) as u16, scores[argmax(scores)])).collect())
    }
}
