//! `host nets`

use super::{grouped, print, print_json};
use minnet::quant::{self, Width};
use minnet_host::architecture::Architecture;
use minnet_host::error::Result;
use minnet_host::instructions::Processor;
use minnet_host::nets::{self, DEFAULT, NAMED, Net};
use minnet_host::quantize::{flash_bytes, ram_bytes, ram_bytes_m0};
use serde::Serialize;
use std::fmt::Write;

#[derive(clap::Args)]
pub struct Arguments {
    /// One network to describe: its name, or a text such as "784: dense 30 sigmoid, dense 10 softmax"
    ///
    /// A text is an input, a colon, and layers with commas between them. The input is a vector's length, or an image's
    /// rows, columns and channels (28x28x1); a signal is an image of one row (1x128x3). Layers are `dense N`,
    /// `convHxW N` (N filters of H rows and W columns), `globalavgpool`, `flatten` and `dropout PERCENT`. What may
    /// follow a convolution's N, in this order: `stride S`; `same`, for zeros around the image; `maxpool2` or
    /// `avgpool2`. Then, and for dense layers too, an activation: sigmoid, tanh, relu, fast-sigmoid, fast-tanh, or, for
    /// dense layers only, softmax. Behind it a width of the layer's weights as integers: int8, int4, int3, int2, or
    /// ternary; without one, `host quantize --bits` says it.
    #[arg(value_name = "NAME|TEXT")]
    net: Option<String>,
    /// Its cost: quadratic, cross-entropy, or log-likelihood
    #[arg(long, value_name = "COST", requires = "net")]
    cost: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: Arguments) -> Result<()> {
    match arguments.net {
        Some(net) => {
            let report = Report::of(nets::find(&net, arguments.cost.as_deref())?);
            if arguments.json { print_json(&report) } else { print(&report.text()) }
        }
        None => {
            let nets = named()?;
            if arguments.json { print_json(&nets) } else { print(&list(&nets)) }
        }
    }
}

/// Every named network, once for each cost that the book trains it with.
fn named() -> Result<Vec<Net>> {
    let pairs = NAMED.iter().flat_map(|named| named.costs.iter().map(move |cost| (named.text, cost.name())));
    pairs.map(|(text, cost)| nets::find(text, Some(cost))).collect()
}

fn list(nets: &[Net]) -> String {
    let width = nets.iter().map(|net| net.name.len()).max().unwrap_or(0);
    let mut text = format!(
        "{:width$}  {:14}  {:>10}  {:>9}  {:>11}  {:>9}\n",
        "name", "cost", "parameters", "MACs", "flash bytes", "RAM bytes"
    );
    for Net { name, about, architecture, cost } in nets {
        let mark = if name == DEFAULT { " (default)" } else { "" };
        // Writing to a string does not fail.
        let _ = writeln!(
            text,
            "{name:width$}  {:14}  {:>10}  {:>9}  {:>11}  {:>9}\n    {about}{mark}\n    {architecture}",
            cost.name(),
            grouped(architecture.parameters()),
            grouped(architecture.macs()),
            grouped(architecture.flash_bytes()),
            grouped(architecture.ram_bytes()),
        );
    }
    text += "\nMACs: multiplications with a weight for one image. Flash holds the parameters; RAM holds an image and\n\
             the activations of one inference. `host nets NAME` says more of one, and `host nets TEXT` of any other.\n";
    text
}

/// What `--json` prints of one network.
#[derive(Serialize)]
struct Report {
    #[serde(flatten)]
    net: Net,
    costs: Vec<&'static str>,
    fingerprint: String,
    layers: Vec<Row>,
    /// What it needs in integers of each width; empty if there is no such network.
    integers: Vec<Integers>,
    /// Why there is none.
    no_integers: Option<String>,
    rust_type: String,
}

/// What an integer network needs.
#[derive(Serialize)]
struct Integers {
    weights: &'static str,
    flash_bytes: usize,
    ram_bytes: usize,
    /// On a Cortex-M0.
    ram_bytes_m0: usize,
    /// Foretold instructions of an inference: of a Cortex-M4 with its DSP instructions, and of a Cortex-M0.
    instructions: [u64; 2],
}

/// One layer.
#[derive(Serialize)]
struct Row {
    layer: String,
    output: String,
    parameters: usize,
    macs: usize,
}

impl Report {
    fn of(net: Net) -> Self {
        let architecture: &Architecture = &net.architecture;
        let layers = architecture.layers().iter().zip(architecture.shapes()).map(|(op, shape)| Row {
            layer: op.text().to_string(),
            output: shape.to_string(),
            parameters: op.parameters(),
            macs: op.macs(),
        });
        let no_integers = quant::check(architecture.layers()).err().map(|cause| cause.to_string());
        // Where each layer has a width of its own, the network's says nothing.
        let is_open = architecture.layers().iter().any(|op| op.weights() > 0 && op.bits().is_none());
        let widths = if no_integers.is_some() {
            &[]
        } else if is_open {
            Width::ALL
        } else {
            &Width::ALL[..1]
        };
        let integers = widths.iter().map(|&width| Integers {
            weights: if is_open { width.name() } else { "integers" },
            flash_bytes: flash_bytes(architecture, width),
            ram_bytes: ram_bytes(architecture, width),
            ram_bytes_m0: ram_bytes_m0(architecture, width),
            instructions: Processor::ALL.map(|processor| processor.instructions(architecture, width)),
        });
        Self {
            integers: integers.collect(),
            no_integers,
            costs: net.costs().map(|cost| cost.name()).collect(),
            fingerprint: format!("{:08x}", architecture.fingerprint()),
            layers: layers.collect(),
            rust_type: architecture.rust_type(),
            net,
        }
    }

    fn text(&self) -> String {
        let Net { name, about, architecture, cost } = &self.net;
        let mut text = String::new();
        let named = [("network", name.clone()), ("about", (*about).to_owned())];
        let others = [
            ("architecture", architecture.to_string()),
            ("fingerprint", self.fingerprint.clone()),
            ("cost", format!("{} (it goes with: {})", cost.name(), self.costs.join(", "))),
            ("parameters", grouped(architecture.parameters())),
            ("MACs", grouped(architecture.macs())),
            ("flash", format!("{} bytes for the parameters", grouped(architecture.flash_bytes()))),
            ("RAM", format!("{} bytes for one inference", grouped(architecture.ram_bytes()))),
        ];
        for (what, value) in named.into_iter().filter(|_| !about.is_empty()).chain(others) {
            // Writing to a string does not fail.
            let _ = writeln!(text, "{what:14}{value}");
        }
        if !self.integers.is_empty() {
            let _ = writeln!(
                text,
                "
{:14}{:>9}{:>25}{:>25}",
                "", "", "on a Cortex-M4", "on a Cortex-M0"
            );
            let [ram, count] = ["RAM", "instructions"];
            let _ = writeln!(text, "{:14}{:>9}{ram:>9}{count:>16}{ram:>9}{count:>16}", "integers", "flash");
        }
        for Integers { weights, flash_bytes, ram_bytes, ram_bytes_m0, instructions } in &self.integers {
            let [flash, ram, m0_ram] = [*flash_bytes, *ram_bytes, *ram_bytes_m0].map(grouped);
            let [m4, m0] = instructions.map(|count| grouped(count as usize));
            let name = format!("as {weights}");
            let _ = writeln!(text, "{name:14}{flash:>9}{ram:>9}{m4:>16}{m0_ram:>9}{m0:>16}");
        }
        if let Some(why) = &self.no_integers {
            let _ = writeln!(text, "{:14}no: {why}", "in integers");
        }
        let width = self.layers.iter().map(|row| row.layer.len()).max().unwrap_or(0).max("input".len());
        let _ = writeln!(text, "\n{:width$}  {:>12}  {:>12}  {:>14}", "layer", "output", "parameters", "MACs");
        let _ = writeln!(text, "{:width$}  {:>12}", "input", architecture.input().to_string());
        for Row { layer, output, parameters, macs } in &self.layers {
            let _ =
                writeln!(text, "{layer:width$}  {output:>12}  {:>12}  {:>14}", grouped(*parameters), grouped(*macs));
        }
        let _ = write!(text, "\nIn your firmware:\n\n{}", self.rust_type);
        text
    }
}
