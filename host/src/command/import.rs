//! `host import`

use super::{command_line, grouped, print, print_json, short};
use clap::Args;
use host::error::Result;
use host::file::check_writable;
use host::model;
use host::nets::{self, Layers, Named, Visitor};
use host::network2::Network2;
use minnet::prelude::*;
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
    net: &'static Named,
    weight_hash: String,
    model: PathBuf,
}

pub fn run(arguments: Arguments) -> Result<()> {
    check_writable(&arguments.out)?;
    let (network, named) = Network2::read(&arguments.network)?;
    nets::visit(named, Import { arguments, network }).unwrap_or(Ok(()))
}

struct Import {
    arguments: Arguments,
    network: Network2,
}

impl Visitor for Import {
    type Output = Result<()>;

    fn visit<In: Tensor, L: Layers<In>, C: Cost<L::Activation>>(self, named: &'static Named) -> Result<()> {
        let mut net = model::zeroed::<In, L>()?;
        self.network.fill(&mut net);
        // How it was trained is not in the file.
        let metadata = Metadata {
            cost: short(C::NAME),
            validation_accuracy: f32::NAN,
            test_accuracy: f32::NAN,
            command: short(&command_line()),
            ..Metadata::default()
        };
        let Arguments { out, json, .. } = self.arguments;
        model::save(&out, &net, &metadata)?;
        let report = Report { net: named, weight_hash: format!("{:016x}", net.weight_hash()), model: out };
        if json { print_json(&report) } else { print(&report.text()) }
    }
}

impl Report {
    fn text(&self) -> String {
        let Named { name, cost, parameters, .. } = self.net;
        let model = self.model.display();
        format!(
            "{name}, {cost}: {} weights and biases, hash {}\nmodel: {model}\n\nNext:\n  {} eval {model}\n",
            grouped(*parameters),
            self.weight_hash,
            super::program()
        )
    }
}
