//! `host import`

use super::{check_output, command_line, grouped, print, print_json, short};
use clap::Args;
use minnet::model::Metadata;
use minnet_host::description::Description;
use minnet_host::error::Result;
use minnet_host::exchange::{self, Imported, Layout, Options};
use minnet_host::file::check_apart;
use minnet_host::nets::Net;
use serde::Serialize;
use std::path::PathBuf;

#[derive(Args)]
pub struct Arguments {
    /// A network: ONNX, safetensors, NumPy's .npz, or JSON as the book's network2.py saves it
    network: PathBuf,
    /// Which network the tensors are of, by name or text; for safetensors and .npz
    #[arg(long, value_name = "NAME|TEXT")]
    net: Option<String>,
    /// The cost that it is trained with from now on [default: the network's]
    #[arg(long)]
    cost: Option<String>,
    /// How the tensors lie [default: found out]
    #[arg(long, value_name = "torch|keras", value_parser = layout)]
    layout: Option<Layout>,
    /// The names of the tensors' layers in order, if they do not tell it themselves
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    order: Vec<String>,
    /// What batch normalization adds to a variance; for safetensors and .npz [default: 1e-5, in Keras's layout 1e-3]
    #[arg(long, value_name = "ε", value_parser = number)]
    epsilon: Option<f64>,
    /// What a pixel, 0 to 255, was multiplied by, such as 1/255 [default: 1/256]
    #[arg(long, value_name = "S", value_parser = number)]
    scale: Option<f64>,
    /// What was then taken away: one number, or one for each channel
    #[arg(long, value_name = "M,…", value_delimiter = ',', value_parser = number, allow_hyphen_values = true)]
    mean: Vec<f64>,
    /// What it was then divided by: one number, or one for each channel
    #[arg(long, value_name = "D,…", value_delimiter = ',', value_parser = number)]
    std: Vec<f64>,
    /// The model to write
    #[arg(long, value_name = "FILE", default_value = "digits.minnet")]
    out: PathBuf,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

fn layout(text: &str) -> std::result::Result<Layout, String> {
    let known = Layout::ALL.iter().copied().find(|layout| layout.name() == text);
    known.ok_or_else(|| "give torch or keras".into())
}

/// A number, or a fraction such as 1/255.
fn number(text: &str) -> std::result::Result<f64, String> {
    let (above, below) = text.split_once('/').unwrap_or((text, "1"));
    match (above.trim().parse::<f64>(), below.trim().parse::<f64>()) {
        (Ok(above), Ok(below)) if (above / below).is_finite() => Ok(above / below),
        _ => Err("give a number, or a fraction such as 1/255".into()),
    }
}

/// What `--json` prints.
#[derive(Serialize)]
struct Report {
    form: &'static str,
    /// How the tensors lay, where the file does not say it.
    layout: Option<&'static str>,
    /// Batch normalizations that were taken to stand before the activation, and folded.
    batch_norms: usize,
    net: Net,
    weight_hash: String,
    model: PathBuf,
}

pub fn run(arguments: Arguments) -> Result<()> {
    let Arguments { network: path, net, cost, layout, order, epsilon, scale, mean, std, out, json } = arguments;
    check_apart(&path, &out)?;
    check_output(&out, "--out")?;
    let options = Options { net, cost, layout, order, epsilon, scale, mean, std };
    let Imported { net, network, preparation, form, tensors } = exchange::import(&path, &options)?;
    // Where the preparation has no room in the weights, the model says it.
    let mut description = Description::default();
    let network = preparation.fold_into(&network).unwrap_or_else(|| {
        description.set_normalization(&preparation.channels());
        network
    });
    // How it was trained is not in the file.
    let metadata = Metadata {
        cost: short(net.cost.name()),
        validation_accuracy: f32::NAN,
        test_accuracy: f32::NAN,
        command: short(&command_line()),
        ..Metadata::default()
    };
    network.save(&out, &metadata, &description)?;
    let weight_hash = format!("{:016x}", network.weight_hash());
    let report = Report {
        form: form.name(),
        layout: tensors.map(|tensors| tensors.layout.name()),
        batch_norms: tensors.map_or(0, |tensors| tensors.batch_norms),
        net,
        weight_hash,
        model: out,
    };
    if json { print_json(&report) } else { print(&report.text()) }
}

impl Report {
    fn text(&self) -> String {
        let Net { name, cost, architecture, .. } = &self.net;
        let model = self.model.display();
        let layout = self.layout.map_or_else(String::new, |layout| format!(", layout {layout}"));
        let norms = match self.batch_norms {
            0 => String::new(),
            count => format!("; {count} batch normalization(s) folded, each taken to stand before the activation"),
        };
        format!(
            "{name}, {}: {} weights and biases, hash {}\nfrom: {}{layout}{norms}\nmodel: {model}\n\nNext:\n  {} eval {}\n",
            cost.name(),
            grouped(architecture.parameters()),
            self.weight_hash,
            self.form,
            super::program(),
            super::path_word(&self.model)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_may_be_fractions() {
        assert_eq!(number("1/255"), Ok(1.0 / 255.0));
        assert_eq!(number("-0.5"), Ok(-0.5));
        for text in ["", "1/0", "1/", "/255", "nan", "inf", "one"] {
            assert!(number(text).is_err(), "{text}");
        }
    }
}
