//! `host expand`

use super::{Digits, grouped, print, print_json};
use clap::Args;
use minnet_host::data::{Dataset, Mnist, expanded};
use minnet_host::error::{Error, Result};
use minnet_host::file::{is_same, make_directory};
use serde::Serialize;
use std::path::PathBuf;

#[derive(Args)]
pub struct Arguments {
    /// The directory for the four IDX files; it is made if it is missing
    #[arg(long, value_name = "DIR", default_value = "mnist-expanded")]
    out: PathBuf,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    data: Digits,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Report {
    out: PathBuf,
    training: usize,
    validation: usize,
    test: usize,
}

pub fn run(arguments: Arguments) -> Result<()> {
    let Arguments { out, json, data } = arguments;
    let mnist = data.mnist()?;
    if is_same(&out, &data.path()?) {
        return Err(Error::ReplacesData { directory: out });
    }
    let (training, validation) = mnist.split();
    let mut train = expanded(training);
    let validating = validation.len();
    train.extend(Dataset {
        images: mnist.train.images[training.len()..].to_vec(),
        labels: mnist.train.labels[training.len()..].to_vec(),
    });
    let mnist = Mnist { train, test: mnist.test };
    // The files do not say how many images validate: it is a rule, and a small set's copies would be among them.
    if mnist.split().1.len() != validating {
        return Err(Error::TooFewToExpand { validating });
    }
    make_directory(&out).map_err(|error| error.about("--out"))?;
    mnist.save(&out)?;
    let report = Report { out, training: mnist.split().0.len(), validation: validating, test: mnist.test.len() };
    if json { print_json(&report) } else { print(&report.text()) }
}

impl Report {
    fn text(&self) -> String {
        let Self { out, training, validation, test } = self;
        format!(
            "{}: {} training images, {} validation images, {} test images\n\nNext:\n  {} train --data {}\n",
            out.display(),
            grouped(*training),
            grouped(*validation),
            grouped(*test),
            super::program(),
            super::path_word(out)
        )
    }
}
