//! `host export`

use super::{check_output, print};
use clap::Args;
use minnet_host::error::Result;
use minnet_host::exchange::{self, Form};
use minnet_host::file::check_apart;
use minnet_host::model::File;
use std::path::PathBuf;

#[derive(Args)]
pub struct Arguments {
    /// The model file, as `host train` writes it; for C, as `host quantize` does
    model: PathBuf,
    /// The form of the file
    #[arg(long, value_name = "network2|safetensors|npz|onnx|c", default_value = "network2", value_parser = form)]
    to: Form,
    /// The file to write [default: the model's name with .json, .safetensors, .npz, .onnx or .h]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

fn form(text: &str) -> std::result::Result<Form, String> {
    let names = || Form::ALL.iter().map(|form| form.name()).collect::<Vec<_>>().join(", ");
    Form::ALL.iter().copied().find(|form| form.name() == text).ok_or_else(|| format!("give one of {}", names()))
}

pub fn run(arguments: Arguments) -> Result<()> {
    let Arguments { model, to, out } = arguments;
    let out = out.unwrap_or_else(|| exchange::default_path(&model, to));
    check_output(&out, "--out")?;
    let file = File::read(&model)?;
    let (net, contents) = (file.net()?, file.contents()?);
    check_apart(&model, &out)?;
    exchange::write(&out, &exchange::export(&model, &contents, to)?)?;
    let mut text = format!("{}, {}: {}\n", net.name, net.cost.name(), out.display());
    if to == Form::Safetensors {
        text += &format!("\nIn PyTorch, for pixels / 256:\n\n{}", exchange::torch_code(&net.architecture));
    }
    print(&text)
}
