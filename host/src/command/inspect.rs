//! `host inspect`

use super::{grouped, percent, print, print_json};
use clap::Args;
use minnet::model::Metadata;
use minnet::normalization::Normalization;
use minnet::quant::Input;
use minnet_host::error::Result;
use minnet_host::model::{Contents, File};
use minnet_host::nets::Net;
use minnet_host::network::Network;
use serde::Serialize;
use std::fmt::Write;
use std::path::PathBuf;

#[derive(Args)]
pub struct Arguments {
    /// The model file, as `host train` writes it
    model: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: Arguments) -> Result<()> {
    let file = File::read(&arguments.model)?;
    let report = Report::of(&file)?;
    if arguments.json { print_json(&report) } else { print(&report.text()) }
}

/// What `--json` prints.
#[derive(Serialize)]
struct Report {
    net: Net,
    fingerprint: String,
    file_bytes: usize,
    weights: String,
    flash_bytes: usize,
    ram_bytes: usize,
    input: String,
    metadata: Metadata,
    /// The names of the classes; none if they are numbers only.
    classes: Vec<String>,
    /// The checksum of the data that it was trained on, if it is known.
    data: Option<String>,
    weight_hash: String,
    /// Of a float network.
    parameters: Vec<Run>,
    rust_type: String,
}

/// A layer's weights, or its biases.
#[derive(Serialize)]
struct Run {
    layer: String,
    what: &'static str,
    count: usize,
    mean: f64,
    deviation: f64,
    least: f32,
    greatest: f32,
}

impl Run {
    fn of(layer: &str, what: &'static str, values: &[f32]) -> Self {
        let count = values.len().max(1) as f64;
        let mean = values.iter().map(|&value| f64::from(value)).sum::<f64>() / count;
        let variance = values.iter().map(|&value| (f64::from(value) - mean).powi(2)).sum::<f64>() / count;
        Self {
            layer: layer.to_owned(),
            what,
            count: values.len(),
            mean,
            deviation: variance.sqrt(),
            least: values.iter().copied().fold(f32::INFINITY, f32::min),
            greatest: values.iter().copied().fold(f32::NEG_INFINITY, f32::max),
        }
    }
}

/// What each layer's parameters are like.
fn runs(network: &Network) -> Vec<Run> {
    let layers = network.each_layer().filter(|(op, ..)| op.parameters() > 0);
    let runs = layers.flat_map(|(op, weights, biases)| {
        let text = op.text().to_string();
        [Run::of(&text, "weights", weights), Run::of(&text, "biases", biases)]
    });
    runs.collect()
}

impl Report {
    fn of(file: &File) -> Result<Self> {
        let (net, contents) = (file.net()?, file.contents()?);
        let (metadata, description) = (file.metadata()?, file.description()?);
        let data = (description.data != 0).then(|| format!("{:016x}", description.data));
        let raw = match description.normalization() {
            Normalization::PIXELS => format!("pixels, divided by {}", metadata.pixel_divisor),
            _ => "values less the mean of their channel, over its deviation".into(),
        };
        let (weights, flash_bytes, ram_bytes, input, parameters) = match &contents {
            Contents::Floats(network) => {
                let architecture = &net.architecture;
                let (flash, ram) = (architecture.flash_bytes(), architecture.ram_bytes());
                ("32-bit floats".to_owned(), flash, ram, raw, runs(network))
            }
            Contents::Integers(integers) => {
                let weights = format!("integers, {}", integers.width().name());
                let input = match integers.list().input() {
                    Input::PIXELS => raw,
                    Input { step, zero } => format!("bytes in steps of {step}, of which {zero} is 0"),
                };
                (weights, integers.flash_bytes(), integers.ram_bytes(), input, Vec::new())
            }
        };
        Ok(Self {
            fingerprint: format!("{:08x}", net.architecture.fingerprint()),
            file_bytes: file.bytes().len(),
            weights,
            flash_bytes,
            ram_bytes,
            input,
            metadata,
            classes: description.classes,
            data,
            weight_hash: format!("{:016x}", contents.weight_hash()),
            parameters,
            rust_type: net.architecture.rust_type(),
            net,
        })
    }

    fn text(&self) -> String {
        let Metadata { architecture, cost, seed, epochs, training_images, command, .. } = &self.metadata;
        let accuracy = |share: f32| if share.is_nan() { "not measured".into() } else { percent(share.into()) };
        let mut text = String::new();
        for (what, value) in [
            ("network", self.net.name.clone()),
            ("architecture", architecture.to_string()),
            ("fingerprint", self.fingerprint.clone()),
            ("file", format!("{} bytes", grouped(self.file_bytes))),
            ("parameters", grouped(self.net.architecture.parameters())),
            ("weights", self.weights.clone()),
            ("MACs", grouped(self.net.architecture.macs())),
            ("flash", format!("{} bytes for the parameters", grouped(self.flash_bytes))),
            ("RAM", format!("{} bytes for one inference", grouped(self.ram_bytes))),
            ("input", self.input.clone()),
            ("cost", cost.to_string()),
            ("trained", format!("{epochs} epochs of {} images, seed {seed}", grouped(*training_images as usize))),
            ("validation", accuracy(self.metadata.validation_accuracy)),
            ("test", accuracy(self.metadata.test_accuracy)),
            ("command", command.to_string()),
            ("weight hash", self.weight_hash.clone()),
        ] {
            // Writing to a string does not fail.
            let _ = writeln!(text, "{what:14}{value}");
        }
        if !self.classes.is_empty() {
            let _ = writeln!(text, "{:14}{}", "classes", self.classes.join(", "));
        }
        if let Some(data) = &self.data {
            let _ = writeln!(text, "{:14}{data}", "data");
        }
        if !self.parameters.is_empty() {
            let width = self.parameters.iter().map(|run| run.layer.len()).max().unwrap_or(0);
            let _ = writeln!(
                text,
                "\n{:width$}  {:7}{:>10}{:>12}{:>12}{:>12}{:>12}",
                "layer", "", "count", "mean", "deviation", "least", "greatest"
            );
            for Run { layer, what, count, mean, deviation, least, greatest } in &self.parameters {
                let count = grouped(*count);
                let _ = writeln!(
                    text,
                    "{layer:width$}  {what:7}{count:>10}{mean:>12.5}{deviation:>12.5}{least:>12.5}{greatest:>12.5}"
                );
            }
        }
        let _ = write!(text, "\nIn your firmware:\n\n{}", self.rust_type);
        text
    }
}
