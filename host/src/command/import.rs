//! `host import`

use super::{command_line, grouped, print, print_json, short};
use clap::Args;
use host::error::Result;
use host::file::check_writable;
use host::nets::Net;
use host::network2::Network2;
use minnet::model::Metadata;
use serde::Serialize;
use std::path::PathBuf;

#[derive(Args)]
pub struct Arguments {
    /// A network as the book's network2.py saves it: JSON
    network: PathBuf,
    /// The model to write
    #[arg(long, value_name = "FILE", default_value = "digits.minnet")]
    out: PathBuf,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Report {
    net: Net,
    weight_hash: String,
    model: PathBuf,
}

pub fn run(arguments: Arguments) -> Result<()> {
    check_writable(&arguments.out)?;
    let (net, network) = Network2::read(&arguments.network)?;
    // How it was trained is not in the file.
    let metadata = Metadata {
        cost: short(net.cost.name()),
        validation_accuracy: f32::NAN,
        test_accuracy: f32::NAN,
        command: short(&command_line()),
        ..Metadata::default()
    };
    let Arguments { out, json, .. } = arguments;
    network.save(&out, &metadata)?;
    let report = Report { net, weight_hash: format!("{:016x}", network.weight_hash()), model: out };
    if json { print_json(&report) } else { print(&report.text()) }
}

impl Report {
    fn text(&self) -> String {
        let Net { name, cost, architecture, .. } = &self.net;
        let model = self.model.display();
        format!(
            "{name}, {}: {} weights and biases, hash {}\nmodel: {model}\n\nNext:\n  {} eval {model}\n",
            cost.name(),
            grouped(architecture.parameters()),
            self.weight_hash,
            super::program()
        )
    }
}
