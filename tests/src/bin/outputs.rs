//! Writes what a model gives for MNIST's test images to the standard output: 32-bit floats, little-endian, image by image.
//! Programs in other languages compare it with what they give (`benches/rivals/exchange.py`).

use host::data::{Mnist, default_directory};
use host::error::{Error, Result};
use host::executor::{Threads, Vectors};
use host::model::File;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let Some(model) = std::env::args_os().nth(1) else {
        eprintln!("error: name a model");
        return ExitCode::FAILURE;
    };
    match write(Path::new(&model)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn write(model: &Path) -> Result<()> {
    let mnist = Mnist::load(&default_directory()?)?;
    let executor = Threads::new(0, Vectors::detect())?;
    let outputs = File::read(model)?.contents()?.outputs(mnist.test.samples(), &executor)?;
    let bytes: Vec<u8> = outputs.iter().flatten().flat_map(|value| value.to_le_bytes()).collect();
    std::io::stdout().lock().write_all(&bytes).map_err(|cause| Error::Output { cause })
}
