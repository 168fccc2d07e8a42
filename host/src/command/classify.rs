//! `host classify`

use super::{print, print_json};
use clap::Args;
use host::data::{Image, Samples};
use host::error::Result;
use host::executor::{Threads, Vectors};
use host::model::File;
use host::picture;
use minnet::prelude::*;
use serde::Serialize;
use std::fmt::Write;
use std::path::PathBuf;

#[derive(Args)]
pub struct Arguments {
    /// The model file, as `host train` writes it
    model: PathBuf,
    /// PNG pictures of one digit each: any size, dark on light or light on dark
    #[arg(required = true, value_name = "PICTURE")]
    pictures: Vec<PathBuf>,
    /// Show each digit as the network sees it
    #[arg(long)]
    show: bool,
    /// Print the results as JSON
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: Arguments) -> Result<()> {
    let contents = File::read(&arguments.model)?.contents()?;
    let executor = Threads::new(1, Vectors::detect())?;
    let images = arguments.pictures.iter().map(|picture| picture::load(picture)).collect::<Result<Vec<_>>>()?;
    // What they are is not known.
    let labels = vec![0; images.len()];
    let outputs = contents.outputs(Samples { images: &images, labels: &labels }, &executor)?;
    let mut answers = Answers::new(arguments.show);
    for ((picture, pixels), output) in arguments.pictures.into_iter().zip(&images).zip(outputs.iter()) {
        answers.add(picture, pixels, output.to_vec());
    }
    answers.print(arguments.json)
}

/// What `--json` prints of each picture.
#[derive(Serialize)]
struct Answer {
    picture: PathBuf,
    digit: usize,
    scores: Vec<f32>,
}

/// What was made of some pictures.
pub struct Answers {
    show: bool,
    answers: Vec<Answer>,
    text: String,
}

impl Answers {
    /// None yet; with `show`, each digit will be shown as the network sees it.
    pub fn new(show: bool) -> Self {
        Self { show, answers: Vec::new(), text: String::new() }
    }

    /// Adds a picture with the network's outputs.
    pub fn add(&mut self, picture: PathBuf, pixels: &Image, scores: Vec<f32>) {
        let digit = argmax(&scores);
        if self.show {
            self.text += &picture::ascii_art(pixels);
        }
        // Writing to a string does not fail.
        let _ = write!(self.text, "{}: {digit}  (", picture.display());
        let mut ranks: Vec<_> = scores.iter().enumerate().collect();
        ranks.sort_by(|a, b| b.1.total_cmp(a.1));
        for (place, (digit, score)) in ranks.into_iter().take(3).enumerate() {
            let _ = write!(self.text, "{}{digit}: {score:.3}", if place > 0 { ", " } else { "" });
        }
        self.text += ")\n";
        self.answers.push(Answer { picture, digit, scores });
    }

    /// Prints them, as text or as JSON.
    pub fn print(&self, json: bool) -> Result<()> {
        if json { print_json(&self.answers) } else { print(&self.text) }
    }
}
