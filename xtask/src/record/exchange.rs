//! `cargo xtask exchange`: networks to and from PyTorch, Keras, onnxruntime and NumPy, and docs/import.md's table of how
//! alike everyone's answers are.

use super::document::rewrite;
use super::rivals;
use crate::{Error, suite};
use emulator::process::{read, run};
use emulator::top;
use std::process::Command;

/// Sets up what is needed, compares, and writes the table.
///
/// # Errors
/// A program that is missing, or fails: the script does if answers differ.
pub fn exchange() -> Result<(), Error> {
    let root = top();
    let folder = tempfile::tempdir().map_err(Error::io("create", "a temporary folder"))?;
    let requirements = root.join("benches/rivals/exchange-requirements.txt");
    let python = rivals::provide_python(&root.join("target/exchange-python"), &requirements)?;
    run(suite::cargo().args([
        "build",
        "--locked",
        "--release",
        "--package",
        "minnet-host",
        "--package",
        "tests",
        "--bins",
    ]))?;
    let program = |name: &str| root.join("target/release").join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    let mut script = Command::new(python);
    script.arg(root.join("benches/rivals/exchange.py")).args([program("host"), program("outputs")]).arg(folder.path());
    rewrite(&root.join("docs/import.md"), "exchange", &format!("\n{}\n\n", read(&mut script)?))
}
