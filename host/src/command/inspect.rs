//! `host inspect`

use super::{grouped, percent, print, print_json};
use clap::Args;
use host::error::Result;
use host::model::File;
use host::nets::{self, Layers, Named, Visitor};
use minnet::model::Metadata;
use minnet::prelude::*;
use minnet::quant::{Int4, Int8, QuantLayer, Quantized, Weights};
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
    nets::visit(file.named()?, Inspect { arguments, file }).unwrap_or(Ok(()))
}

struct Inspect {
    arguments: Arguments,
    file: File,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Report {
    net: &'static Named,
    fingerprint: String,
    file_bytes: usize,
    weights: &'static str,
    ram_bytes: usize,
    metadata: Metadata,
    /// Of a float network.
    weight_hash: Option<String>,
    parameters: Vec<Run>,
}

/// A run of parameters: a layer's weights or its biases.
#[derive(Serialize)]
struct Run {
    count: usize,
    mean: f64,
    deviation: f64,
    least: f32,
    greatest: f32,
}

impl Run {
    fn of(values: &[f32]) -> Self {
        let count = values.len().max(1) as f64;
        let mean = values.iter().map(|&value| f64::from(value)).sum::<f64>() / count;
        let variance = values.iter().map(|&value| (f64::from(value) - mean).powi(2)).sum::<f64>() / count;
        Self {
            count: values.len(),
            mean,
            deviation: variance.sqrt(),
            least: values.iter().copied().fold(f32::INFINITY, f32::min),
            greatest: values.iter().copied().fold(f32::NEG_INFINITY, f32::max),
        }
    }
}

impl Visitor for Inspect {
    type Output = Result<()>;

    fn visit<In: Tensor, L: Layers<In>, C: Cost<L::Activation>>(self, net: &'static Named) -> Result<()> {
        let mut report = Report {
            net,
            fingerprint: format!("{:08x}", Net::<In, L>::FINGERPRINT),
            file_bytes: self.file.bytes().len(),
            weights: "32-bit floats",
            ram_bytes: net.ram_bytes,
            metadata: self.file.metadata()?,
            weight_hash: None,
            parameters: Vec::new(),
        };
        match self.file.element()? {
            Int8::ELEMENT => report.quantized(self.file.quantized::<In, L, Int8>()?.net),
            Int4::ELEMENT => report.quantized(self.file.quantized::<In, L, Int4>()?.net),
            _ => {
                let model = self.file.model::<In, L>()?;
                model.net.visit(|run| report.parameters.push(Run::of(run)));
                report.weight_hash = Some(format!("{:016x}", model.net.weight_hash()));
            }
        }
        if self.arguments.json { print_json(&report) } else { print(&report.text()) }
    }
}

impl Report {
    fn quantized<In: Tensor, L: QuantLayer<In, W>, W: Weights>(&mut self, _: Quantized<'_, Net<In, L>, W>) {
        self.weights = W::NAME;
        self.ram_bytes = Quantized::<Net<In, L>, W>::RAM_BYTES;
    }

    fn text(&self) -> String {
        let Metadata { architecture, cost, seed, epochs, training_images, command, .. } = &self.metadata;
        let accuracy = |share: f32| if share.is_nan() { "not measured".into() } else { percent(share.into()) };
        let mut text = String::new();
        for (what, value) in [
            ("network", self.net.name.to_owned()),
            ("architecture", architecture.to_string()),
            ("fingerprint", self.fingerprint.clone()),
            ("file", format!("{} bytes", grouped(self.file_bytes))),
            ("parameters", grouped(self.net.parameters)),
            ("weights", self.weights.to_owned()),
            ("MACs", grouped(self.net.macs)),
            ("RAM", format!("{} bytes for one inference", grouped(self.ram_bytes))),
            ("pixels", format!("divided by {}", self.metadata.pixel_divisor)),
            ("cost", cost.to_string()),
            ("trained", format!("{epochs} epochs of {} images, seed {seed}", grouped(*training_images as usize))),
            ("validation", accuracy(self.metadata.validation_accuracy)),
            ("test", accuracy(self.metadata.test_accuracy)),
            ("command", command.to_string()),
            ("weight hash", self.weight_hash.clone().unwrap_or("none: it is one of floats".into())),
        ] {
            // Writing to a string does not fail.
            let _ = writeln!(text, "{what:14}{value}");
        }
        if self.parameters.is_empty() {
            return text;
        }
        text += "\n     count        mean   deviation       least    greatest\n";
        for Run { count, mean, deviation, least, greatest } in &self.parameters {
            let count = grouped(*count);
            let _ = writeln!(text, "{count:>10}{mean:>12.5}{deviation:>12.5}{least:>12.5}{greatest:>12.5}");
        }
        text
    }
}
