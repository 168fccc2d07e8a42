//! `cargo xtask own-data`: data sets as users have them, from the files to an answer in integers, beside scikit-learn's
//! MLP; docs/own-data.md's table.

use super::document::rewrite;
use super::{replace, rivals};
use crate::{Error, host};
use emulator::process::{find_program, read, run};
use emulator::{Missing, top};
use serde::{Deserialize, Serialize};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

const SEEDS: [&str; 3] = ["1", "2", "3"];

/// What to measure.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// Measure these data sets again, even if docs/own-data.json has them already
    #[arg(long, value_name = "NAME", num_args = 1.., value_parser = SETS.map(|set| set.name))]
    again: Vec<String>,
}

/// A data set, and the options that it needs.
struct Set {
    /// Its name, by which the script knows it.
    name: &'static str,
    /// What the table calls it.
    what: &'static str,
    /// Where it lies in the folder.
    path: &'static str,
    /// What every command needs to read it.
    read: &'static [&'static str],
    /// What `train` is told besides.
    train: &'static [&'static str],
}

const SETS: [Set; 8] = [
    Set { name: "digits-csv", what: "digits, CSV", path: "digits-csv", read: &[], train: &[] },
    Set { name: "digits", what: "digits, npz", path: "digits.npz", read: &[], train: &[] },
    Set { name: "wine", what: "wine, CSV", path: "wine", read: &[], train: &[] },
    Set { name: "fashion", what: "Fashion-MNIST, IDX", path: "fashion", read: &[], train: &["--epochs", "3"] },
    Set { name: "shapes", what: "shapes, PNG and JPEG", path: "shapes", read: &[], train: &["--shape", "32x32x3"] },
    Set { name: "gestures", what: "gestures, CSV windows", path: "gestures", read: &[], train: &[] },
    Set { name: "characters", what: "characters, IDX", path: "characters", read: &["--transpose"], train: &[] },
    Set { name: "diabetes", what: "diabetes, CSV: a number", path: "diabetes", read: &[], train: &[] },
];

/// How a data set did; `docs/own-data.json` has a list of these. Scores are shares of right answers, or root mean square
/// errors: of the test part, one for each seed.
#[derive(Debug, Serialize, Deserialize)]
struct Measured {
    name: String,
    net: String,
    are_numbers: bool,
    seconds: Vec<f64>,
    float: Vec<f64>,
    integer: Vec<f64>,
    rival: Vec<f64>,
}

/// What `host train --json` prints, in part.
#[derive(Deserialize)]
struct Trained {
    net: Net,
    seconds: f64,
}

#[derive(Deserialize)]
struct Net {
    name: String,
}

/// What `host quantize --json` prints, in part.
#[derive(Deserialize)]
struct Quantized {
    float: Scores,
    integer: Scores,
}

#[derive(Deserialize)]
struct Scores {
    test: Score,
}

#[derive(Deserialize)]
struct Score {
    right: u64,
    images: u64,
    errors: Option<Errors>,
}

#[derive(Deserialize)]
struct Errors {
    root_mean_square: f64,
}

impl Score {
    fn value(&self) -> f64 {
        match &self.errors {
            Some(errors) => errors.root_mean_square,
            None => self.right as f64 / self.images.max(1) as f64,
        }
    }
}

/// Makes the data sets, measures those that are not measured yet, and writes the table.
///
/// # Errors
/// A program that is missing, or fails; a file that cannot be written.
pub fn own_data(options: &Options) -> Result<(), Error> {
    let root = top();
    let requirements = root.join("benches/rivals/own-data-requirements.txt");
    let python = rivals::provide_python(&root.join("target/own-data-python"), &requirements)?;
    let script = || {
        let mut command = Command::new(&python);
        command.arg(root.join("benches/rivals/own_data.py"));
        command
    };
    let folder = root.join("target/own-data");
    let record = root.join("docs/own-data.json");
    let mut all = load(&record)?;
    all.retain(|measured| !options.again.contains(&measured.name));
    if SETS.iter().any(|set| !all.iter().any(|measured| measured.name == set.name)) {
        run(script().arg("make").arg(&folder).arg(fashion(&root)?))?;
    }
    for set in &SETS {
        if all.iter().any(|measured| measured.name == set.name) {
            continue;
        }
        let rival = read(script().arg("rival").arg(&folder).arg(set.name))?;
        let rival = serde_json::from_str(&rival)
            .map_err(|cause| Error::Answer { program: "own_data.py".into(), said: format!("{cause} in {rival}") })?;
        all.push(set.measure(&folder, rival)?);
        let text = serde_json::to_string_pretty(&all)
            .map_err(|cause| Error::Answer { program: record.display().to_string(), said: cause.to_string() })?;
        replace(&record, &(text + "\n"))?;
    }
    rewrite(&root.join("docs/own-data.md"), "own-data", &table(&all))
}

fn load(record: &Path) -> Result<Vec<Measured>, Error> {
    match std::fs::read(record) {
        Ok(bytes) => serde_json::from_slice(&bytes)
            .map_err(|cause| Error::Answer { program: record.display().to_string(), said: cause.to_string() }),
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(cause) => Err(Error::io("read", record)(cause)),
    }
}

/// The directory of Fashion-MNIST's files: Debian's, as it is installed, or unpacked in `target`.
pub(super) fn fashion(root: &Path) -> Result<PathBuf, Error> {
    const PACKAGE: &str = "dataset-fashion-mnist";
    const PLACE: &str = "usr/share/datasets/fashion-mnist";
    let unpacked = root.join("target").join(PACKAGE);
    let found = || [Path::new("/").join(PLACE), unpacked.join(PLACE)].into_iter().find(|path| path.is_dir());
    if let Some(path) = found() {
        return Ok(path);
    }
    if let (Some(apt), Some(dpkg)) = (find_program("apt-get"), find_program("dpkg-deb")) {
        std::fs::create_dir_all(&unpacked).map_err(Error::io("create", &unpacked))?;
        run(Command::new(apt).args(["download", PACKAGE]).current_dir(&unpacked))?;
        for entry in std::fs::read_dir(&unpacked).map_err(Error::io("read", &unpacked))?.flatten() {
            if entry.path().extension().is_some_and(|extension| extension == "deb") {
                run(Command::new(&dpkg).arg("-x").arg(entry.path()).arg(&unpacked))?;
            }
        }
    }
    let missing = || Missing {
        what: format!("no Fashion-MNIST in /{PLACE}"),
        remedies: vec![
            format!("apt install {PACKAGE}"),
            format!("its four files, by hand, in {}", unpacked.join(PLACE).display()),
        ],
    };
    Ok(found().ok_or_else(missing)?)
}

impl Set {
    /// Trains and quantizes with each seed.
    fn measure(&self, folder: &Path, rival: Vec<f64>) -> Result<Measured, Error> {
        let path = |name: &str| folder.join(name).display().to_string();
        let (data, model, integers) = (path(self.path), path("model.minnet"), path("integers.minnet"));
        let data = [&["--data", &data], self.read].concat();
        let (name, net) = (self.name.into(), String::new());
        let (seconds, float, integer) = Default::default();
        let mut measured = Measured { name, net, are_numbers: false, seconds, float, integer, rival };
        for seed in SEEDS {
            let train = [&["train", "--seed", seed, "--out", &model], self.train, &data].concat();
            let trained: Trained = host::json(&train)?;
            let quantized: Quantized = host::json(&[&["quantize", &model, "--out", &integers], &data[..]].concat())?;
            measured.net = trained.net.name;
            measured.seconds.push(trained.seconds);
            measured.are_numbers = quantized.float.test.errors.is_some();
            measured.float.push(quantized.float.test.value());
            measured.integer.push(quantized.integer.test.value());
        }
        Ok(measured)
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

fn table(all: &[Measured]) -> String {
    let mut text = String::from(
        "\n| Data | Network | Training | Floats | 8 bits | scikit-learn's MLP |\n|---|---|--:|--:|--:|--:|\n",
    );
    for set in &SETS {
        let Some(measured) = all.iter().find(|measured| measured.name == set.name) else { continue };
        let cell = |values: &[f64]| match measured.are_numbers {
            true => format!("{:.2}", mean(values)),
            false => format!("{:.2} %", 100.0 * mean(values)),
        };
        let [float, integer, rival] = [&measured.float, &measured.integer, &measured.rival].map(|values| cell(values));
        let (what, net, seconds) = (set.what, &measured.net, mean(&measured.seconds));
        // Writing to a string does not fail.
        let _ = writeln!(text, "| {what} | `{net}` | {seconds:.0} s | {float} | {integer} | {rival} |");
    }
    text + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_has_means_over_the_seeds() {
        let measured = |name: &str, are_numbers, scores: [f64; 3]| Measured {
            name: name.into(),
            net: "13: dense 3 softmax".into(),
            are_numbers,
            seconds: vec![1.0, 2.0],
            float: scores.to_vec(),
            integer: scores.to_vec(),
            rival: vec![0.5],
        };
        let text = table(&[measured("diabetes", true, [50.0, 60.0, 61.0]), measured("wine", false, [0.9, 1.0, 0.95])]);
        let wine = "| wine, CSV | `13: dense 3 softmax` | 2 s | 95.00 % | 95.00 % | 50.00 % |\n";
        assert!(text.contains(wine), "{text}");
        assert!(text.contains("| 57.00 | 57.00 | 0.50 |"), "{text}");
    }
}
