//! The `host` program, as the records in the documents ask it.

use crate::{Error, process, suite};
use serde::de::DeserializeOwned;

/// Runs it, and reads the JSON that it prints.
///
/// # Errors
/// [`Error::Start`] and [`Error::Failed`]; [`Error::Answer`] where it prints something else.
pub(crate) fn json<T: DeserializeOwned>(arguments: &[&str]) -> Result<T, Error> {
    let mut command = suite::cargo();
    command.args(["run", "--quiet", "--release", "-p", "host", "--"]).args(arguments).arg("--json");
    eprintln!("host {}", arguments.join(" "));
    let said = process::read(&mut command)?;
    serde_json::from_str(&said)
        .map_err(|error| Error::Answer { program: "host".into(), said: format!("{error} in {said}") })
}
