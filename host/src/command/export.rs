//! `host export`

use super::print;
use clap::Args;
use host::error::{Error, Result};
use host::file::check_writable;
use host::model::File;
use host::network2::Network2;
use std::path::PathBuf;

#[derive(Args)]
pub struct Arguments {
    /// The model file, as `host train` writes it
    model: PathBuf,
    /// The JSON file to write
    #[arg(long, value_name = "FILE", default_value = "network2.json")]
    out: PathBuf,
}

pub fn run(arguments: Arguments) -> Result<()> {
    check_writable(&arguments.out)?;
    let Arguments { model: path, out } = arguments;
    let file = File::read(&path)?;
    let (net, network) = (file.net()?, file.network()?);
    let architecture = net.architecture.to_string();
    Network2::of(&network).ok_or(Error::NotNetwork2 { path, architecture })?.write(&out)?;
    print(&format!("{}, {}: {}\n", net.name, net.cost.name(), out.display()))
}
