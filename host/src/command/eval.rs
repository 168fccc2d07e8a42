//! `host eval`

use super::{Resources, grouped, percent, print, print_json};
use clap::{Args, ValueEnum};
use host::confusion::Confusion;
use host::data::{Mnist, Samples};
use host::error::Result;
use host::file;
use host::model::File;
use host::sheet::{self, Digit};
use host::train::check_digits;
use minnet::prelude::*;
use serde::Serialize;
use std::path::PathBuf;

#[derive(Args)]
pub struct Arguments {
    /// The model file, as `host train` writes it
    model: PathBuf,
    /// The images to test on
    #[arg(long, value_enum, default_value = "test")]
    set: Set,
    /// Where to put the sheet of the digits it got wrong, the surest mistakes first
    #[arg(long, value_name = "FILE", default_value = "misclassified.png", value_parser = png)]
    sheet: PathBuf,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    resources: Resources,
}

/// A picture's name, so that no slip of the pen replaces a model.
fn png(name: &str) -> std::result::Result<PathBuf, String> {
    let path = PathBuf::from(name);
    if path.extension().is_some_and(|extension| extension == "png") {
        Ok(path)
    } else {
        Err("give a name that ends in .png".into())
    }
}

#[derive(Clone, Copy, ValueEnum)]
enum Set {
    /// The 10,000 test images
    Test,
    /// The last 10,000 training images
    Validation,
    /// The first 50,000 training images
    Training,
}

impl Set {
    fn of(self, mnist: &Mnist) -> Samples<'_> {
        match self {
            Self::Test => mnist.test.samples(),
            Self::Validation => mnist.split().1,
            Self::Training => mnist.split().0,
        }
    }
}

pub fn run(arguments: Arguments) -> Result<()> {
    file::check_writable(&arguments.sheet)?;
    let file = File::read(&arguments.model)?;
    let net = file.net()?;
    let contents = file.contents()?;
    check_digits(&net.architecture)?;
    let executor = arguments.resources.executor()?;
    let mnist = arguments.resources.mnist()?;
    let set = arguments.set.of(&mnist);
    let outputs = contents.outputs(set, &executor)?;
    let mut confusion = Confusion::new(net.architecture.outputs());
    let mut wrong = Vec::new();
    for ((image, label), output) in set.iter().zip(outputs.iter()) {
        let predicted = argmax(output);
        let score = output.get(predicted).copied().unwrap_or(0.0);
        confusion.count(label, predicted);
        if predicted != usize::from(label) {
            wrong.push(Digit { image, width: 28, label, predicted, score: Some(score) });
        }
    }
    wrong.sort_by(|a, b| b.score.unwrap_or(0.0).total_cmp(&a.score.unwrap_or(0.0)));
    let title = format!("{}: {} of {} wrong", net.name, grouped(wrong.len()), grouped(set.len()));
    sheet::save(&title, &wrong, &arguments.sheet)?;
    let right = set.len() - wrong.len();
    let report = Report { net: net.name, right, images: set.len(), confusion, sheet: arguments.sheet };
    if arguments.json { print_json(&report) } else { print(&report.text()) }
}

/// What `--json` prints.
#[derive(Serialize)]
struct Report {
    net: String,
    right: usize,
    images: usize,
    confusion: Confusion,
    sheet: PathBuf,
}

impl Report {
    fn text(&self) -> String {
        let Self { net, confusion, sheet, .. } = self;
        let share = percent(self.right as f64 / self.images.max(1) as f64);
        let (right, images) = (grouped(self.right), grouped(self.images));
        format!("{net}: {right} of {images} right ({share})\n\n{confusion}\nwhat it got wrong: {}\n", sheet.display())
    }
}
