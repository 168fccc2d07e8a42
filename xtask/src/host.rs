//! The program `host`, as the other commands run it.

use crate::{Error, suite};
use emulator::{process, top};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::path::Path;
use std::process::Command;

/// Runs it, and reads the JSON that it prints.
///
/// # Errors
/// [`emulator::Error::Start`] and [`emulator::Error::Failed`]; [`Error::Answer`] where it prints something else.
pub fn json<T: DeserializeOwned>(arguments: &[&str]) -> Result<T, Error> {
    eprintln!("host {}", arguments.join(" "));
    let said = process::read(command().current_dir(top()).args(arguments).arg("--json"))?;
    serde_json::from_str(&said)
        .map_err(|error| Error::Answer { program: "host".into(), said: format!("{error} in {said}") })
}

/// The type of a model's network, as a firmware needs it.
///
/// # Errors
/// Those of [`json`].
pub fn rust_type(model: &Path) -> Result<String, Error> {
    #[derive(Deserialize)]
    struct Inspected {
        rust_type: String,
    }
    let inspected: Inspected = json(&["inspect", &model.display().to_string()])?;
    Ok(inspected.rust_type)
}

/// The program, built if need be, ready for its arguments; it runs in the current folder.
pub fn command() -> Command {
    let mut cargo = suite::cargo();
    cargo.current_dir(".").args([
        "run",
        "--locked",
        "--quiet",
        "--release",
        "--package",
        "minnet-host",
        "--manifest-path",
    ]);
    cargo.arg(top().join("Cargo.toml")).arg("--");
    cargo
}
