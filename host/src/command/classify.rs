//! `host classify`

use super::{print, print_json};
use clap::Args;
use minnet::activation::Function;
use minnet::prelude::*;
use minnet_host::data::{PIXELS, Sample, Values, View, open_unlabelled};
use minnet_host::description::Description;
use minnet_host::error::Result;
use minnet_host::executor::{Threads, Vectors};
use minnet_host::model::File;
use minnet_host::picture;
use minnet_host::samples::Samples;
use serde::Serialize;
use std::fmt::Write;
use std::path::{Path, PathBuf};

#[derive(Args)]
pub struct Arguments {
    /// The model file, as `host train` writes it
    model: PathBuf,
    /// For a network of digits PNG pictures of one digit each: any size, dark on light or light on dark. For others, PNG or
    /// JPEG pictures, or CSV files without labels: a row for each sample, or for each step of a signal
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Show each digit as the network sees it
    #[arg(long)]
    show: bool,
    /// Print the results as JSON
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: Arguments) -> Result<()> {
    let file = File::read(&arguments.model)?;
    let (contents, description) = (file.contents()?, file.description()?);
    let shape = contents.architecture().input();
    // A network of digits gets them as MNIST has them; others get what is in the file.
    let is_digits = shape.values() == PIXELS && description.normalization() == Normalization::PIXELS;
    let executor = Threads::new(1, Vectors::detect())?;
    let mut answers = Answers::new(arguments.show, description.clone());
    for path in arguments.files {
        let values = if is_digits && description.classes.is_empty() {
            Values::Bytes(picture::load(&path)?.to_vec())
        } else {
            open_unlabelled(&path, shape)?
        };
        // What they are is not known.
        let labels = vec![0; values.len() / shape.values().max(1)];
        let samples = Samples::new(View::of_classes(shape, values.as_slice(), &labels)?, description.normalization());
        for (index, output) in contents.outputs(samples, &executor)?.iter().enumerate() {
            let pixels = match samples.view().sample(index) {
                Sample::Bytes(pixels) => pixels,
                Sample::Floats(_) => &[],
            };
            let number = (labels.len() > 1).then_some(index + 1);
            answers.add(&path, number, pixels, output.to_vec(), contents.architecture().activation());
        }
    }
    answers.print(arguments.json)
}

/// What `--json` prints of each sample.
#[derive(Serialize)]
struct Answer {
    #[serde(rename = "picture")]
    file: PathBuf,
    /// The row of a table, counted from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    row: Option<usize>,
    digit: usize,
    /// The name of the class.
    class: String,
    scores: Vec<f32>,
}

/// What was made of some files.
pub struct Answers {
    show: bool,
    description: Description,
    answers: Vec<Answer>,
    text: String,
}

impl Answers {
    /// None yet; with `show`, each digit will be shown as the network sees it.
    pub fn new(show: bool, description: Description) -> Self {
        Self { show, description, answers: Vec::new(), text: String::new() }
    }

    /// Adds a file, or a row of it, with the network's outputs, of which the last layer has this activation.
    pub fn add(&mut self, file: &Path, row: Option<usize>, pixels: &[u8], scores: Vec<f32>, last: Function) {
        let digit = argmax(&scores);
        if let (true, Ok(pixels)) = (self.show, pixels.try_into()) {
            self.text += &picture::ascii_art(pixels);
        }
        let row_text = row.map_or(String::new(), |row| format!(", row {row}"));
        // Writing to a string does not fail.
        let _ = write!(self.text, "{}{row_text}: ", file.display());
        if last == Function::Identity && self.description.classes.is_empty() {
            let numbers: Vec<_> = scores.iter().map(f32::to_string).collect();
            let _ = writeln!(self.text, "{}", numbers.join(", "));
        } else {
            let _ = write!(self.text, "{}  (", self.description.class(digit));
            let mut ranks: Vec<_> = scores.iter().enumerate().collect();
            ranks.sort_by(|a, b| b.1.total_cmp(a.1));
            for (place, (class, score)) in ranks.into_iter().take(3).enumerate() {
                let name = self.description.class(class);
                let _ = write!(self.text, "{}{name}: {score:.3}", if place > 0 { ", " } else { "" });
            }
            self.text += ")\n";
        }
        let class = self.description.class(digit);
        self.answers.push(Answer { file: file.to_owned(), row, digit, class, scores });
    }

    /// Prints them, as text or as JSON.
    pub fn print(&self, json: bool) -> Result<()> {
        if json { print_json(&self.answers) } else { print(&self.text) }
    }
}
