//! `host quantize`

use super::{Parts, Resources, accuracy, check_output, command_line, grouped, percent, print, print_json, short};
use clap::Args;
use minnet::model::Metadata;
use minnet::quant::{self, Width};
use minnet_host::error::{Error, Result};
use minnet_host::file::check_apart;
use minnet_host::model::File;
use minnet_host::quantize::{Finetune, Integers, finetune};
use minnet_host::report;
use minnet_host::samples::Samples;
use minnet_host::shell;
use minnet_host::train::{Score, check_samples, evaluate};
use serde::Serialize;
use std::fmt::Write;
use std::path::PathBuf;

#[derive(Args)]
pub struct Arguments {
    /// A float model, as `host train` writes it
    model: PathBuf,
    /// The width of the weights in bits, but for layers whose text has its own
    #[arg(long, value_name = "8|4|3|2|ternary", default_value = "8", value_parser = width)]
    bits: Width,
    /// Train for N more epochs with rounded weights: what 4 bits and fewer want
    #[arg(long, value_name = "N", default_value_t = 0)]
    finetune: u32,
    /// The learning rate η of the first of these epochs; the last one's is a twentieth
    #[arg(long, value_name = "RATE", default_value_t = 0.02, value_parser = super::train::positive)]
    eta: f32,
    /// The seed of these epochs
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// The model to write [default: the model's name with -int8, -int4, …]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Write the model even if it gives other answers than the float one for most training samples
    #[arg(long)]
    force: bool,
    /// Do not read the test images: they are for figures to be reported, not for choosing
    #[arg(long)]
    no_test: bool,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    resources: Resources,
}

fn width(text: &str) -> std::result::Result<Width, String> {
    match text {
        "8" => Ok(Width::Eight),
        "4" => Ok(Width::Four),
        "3" => Ok(Width::Three),
        "2" => Ok(Width::Two),
        "ternary" => Ok(Width::Ternary),
        _ => Err("give 8, 4, 3, 2 or ternary".into()),
    }
}

/// Training images whose activations' ranges are taken.
const CALIBRATION: usize = 5_000;
/// The share of these on which integers give the floats' answer without a word, and with a warning.
const GOOD_AGREEMENT: f64 = 0.99;
const LEAST_AGREEMENT: f64 = 0.5;
/// The share of values beyond the calibration's that goes without a word.
const MOST_CLIPPED: f64 = 0.001;

pub fn run(arguments: Arguments) -> Result<()> {
    let file = File::read(&arguments.model)?;
    if file.width()?.is_some() {
        return Err(Error::QuantizedAlready { path: arguments.model });
    }
    let (net, mut network, metadata) = (file.net()?, file.network()?, file.metadata()?);
    // What cannot be done is said before the data are loaded.
    quant::check(net.architecture.layers()).map_err(|cause| Error::Quantize { cause })?;
    let name = arguments.bits.name().to_owned();
    let stem = arguments.model.file_stem().unwrap_or_default().to_string_lossy();
    let default = arguments.model.with_file_name(format!("{stem}-{name}.minnet"));
    let out = arguments.out.clone().unwrap_or(default);
    check_output(&out, "--out")?;
    check_apart(&arguments.model, &out)?;
    let executor = arguments.resources.executor()?;
    let data = arguments.resources.source.open(Some(net.architecture.input()))?;
    let description = file.description()?;
    super::compare_data(&description, &data);
    let Parts { training, validation, test, all } = Parts::of(&data, &description).met_by(&metadata);
    let test = if arguments.no_test { test.split_at(0).0 } else { test };
    check_samples(&net.architecture, all)?;

    let measure = |set: Samples<'_>| -> Result<_> {
        Ok(Some(evaluate(&network, net.cost, set, &executor)?).filter(|_| !set.is_empty()))
    };
    let float = Scores { validation: measure(validation)?, test: measure(test)? };
    if arguments.finetune > 0 {
        let settings = Finetune {
            epochs: arguments.finetune,
            batch: 10,
            eta: arguments.eta,
            final_eta: arguments.eta / 20.0,
            seed: arguments.seed,
        };
        let observe = &mut |epoch, Score { right, images, errors, .. }: Score| match errors {
            Some(errors) => {
                report!("epoch {epoch}/{}: validation error {:.4}", settings.epochs, errors.root_mean_square);
            }
            None if images == 0 => report!("epoch {epoch}/{}", settings.epochs),
            None => report!("epoch {epoch}/{}: validation {right} / {images}", settings.epochs),
        };
        finetune(&mut network, arguments.bits, training, validation, &settings, &executor, observe)?;
    }
    let integers = Integers::of(&network, arguments.bits, training.split_at(CALIBRATION).0, &executor)?;
    let agreement = integers.agreement(&network, training.split_at(CALIBRATION).0, &executor)?;
    if agreement < LEAST_AGREEMENT && !arguments.force {
        return Err(Error::Disagreement { path: arguments.model, agreement: percent(agreement) });
    }
    if agreement < GOOD_AGREEMENT {
        report!(
            "warning: integers and floats agree on {} of the training samples only; try --finetune N, more --bits, or train with \
             widths in the network's text",
            percent(agreement)
        );
    }
    let clipped = integers.clipped(validation);
    if clipped > MOST_CLIPPED {
        report!(
            "warning: {} of the validation values lie beyond those of the {} training samples that the bytes' range was \
             taken from; look for outliers with `host data`",
            percent(clipped),
            grouped(CALIBRATION.min(training.len()))
        );
    }
    let measure = |set: Samples<'_>| -> Result<_> {
        Ok(Some(integers.evaluate(net.cost, set, &executor)?).filter(|_| !set.is_empty()))
    };
    let integer = Scores { validation: measure(validation)?, test: measure(test)? };
    let metadata = Metadata {
        validation_accuracy: accuracy(integer.validation),
        test_accuracy: accuracy(integer.test),
        command: short(&command_line()),
        ..metadata
    };
    integers.save(&out, &metadata, &description)?;
    let report = Report {
        net: net.name,
        weights: name,
        float,
        integer,
        float_flash_bytes: net.architecture.flash_bytes(),
        flash_bytes: integers.flash_bytes(),
        float_ram_bytes: net.architecture.ram_bytes(),
        ram_bytes: integers.ram_bytes(),
        model: out,
        source: arguments.resources.source.arguments(),
    };
    if arguments.json { print_json(&report) } else { print(&report.text()) }
}

/// What `--json` prints.
#[derive(Serialize)]
struct Report {
    net: String,
    weights: String,
    float: Scores,
    integer: Scores,
    float_flash_bytes: usize,
    flash_bytes: usize,
    float_ram_bytes: usize,
    ram_bytes: usize,
    model: PathBuf,
    /// Where the data came from, as words of a command.
    #[serde(skip)]
    source: Vec<String>,
}

#[derive(Clone, Copy, Serialize)]
struct Scores {
    validation: Option<Score>,
    test: Option<Score>,
}

impl Report {
    fn text(&self) -> String {
        let mut text = format!("{}, {}\n\n{:12}{:>12}{:>12}\n", self.net, self.weights, "", "floats", "integers");
        // Of numbers, the root mean square error.
        let share = |score: Option<Score>| match score {
            None => "none".into(),
            Some(Score { errors: Some(errors), .. }) => format!("{:.4}", errors.root_mean_square),
            Some(score) => percent(score.accuracy()),
        };
        for (what, float, integer) in [
            ("validation", share(self.float.validation), share(self.integer.validation)),
            ("test", share(self.float.test), share(self.integer.test)),
            ("flash", grouped(self.float_flash_bytes), grouped(self.flash_bytes)),
            ("RAM", grouped(self.float_ram_bytes), grouped(self.ram_bytes)),
        ] {
            // Writing to a string does not fail.
            let _ = writeln!(text, "{what:12}{float:>12}{integer:>12}");
        }
        let (model, host) = (self.model.display(), super::program());
        let words = [&["eval".into(), self.model.display().to_string()], &self.source[..]].concat();
        let _ = writeln!(text, "\nmodel: {model}\n\nNext:\n  {host} {}", shell::line(words));
        text
    }
}
