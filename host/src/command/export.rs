//! `host export`

use super::print;
use clap::Args;
use host::error::{Error, Result};
use host::file::check_writable;
use host::model::File;
use host::nets::{self, Layers, Named, Visitor};
use host::network2::Network2;
use minnet::prelude::*;
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
    let file = File::read(&arguments.model)?;
    nets::visit(file.named()?, Export { arguments, file }).unwrap_or(Ok(()))
}

struct Export {
    arguments: Arguments,
    file: File,
}

impl Visitor for Export {
    type Output = Result<()>;

    fn visit<In: Tensor, L: Layers<In>, C: Cost<L::Activation>>(self, named: &'static Named) -> Result<()> {
        let Arguments { model: path, out } = self.arguments;
        let model = self.file.model::<In, L>()?;
        let network =
            Network2::of(model.net, named).ok_or(Error::NotNetwork2 { path, architecture: named.architecture })?;
        network.write(&out)?;
        print(&format!("{}, {}: {}\n", named.name, named.cost, out.display()))
    }
}
