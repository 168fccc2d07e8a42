//! `cargo xtask ablation`: what each ingredient of the zoo's training gives, one left out or put in at a time; the second
//! table of docs/accuracy.md. Figures are of the validation images.

use super::document::{rewrite, thousands};
use super::{do_all, replace, threads_each};
use crate::{Error, host};
use emulator::top;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// How to measure.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// Train so many at a time, each on its share of the cores
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    jobs: u32,
}

const SEEDS: [u32; 3] = [1, 2, 3];

/// The zoo's network of 3.2 kB and its settings, for fewer epochs.
const BASE: &[(&str, &str)] = &[
    (
        "--net",
        "28x28x1: conv5x5 8 stride 2 relu int4, conv3x3 12 maxpool2 relu int2, conv3x3 24 relu int2, flatten, \
         dense 30 relu int2, dense 10 softmax int4",
    ),
    ("--epochs", "15"),
    ("--batch", "100"),
    ("--optimizer", "adamw"),
    ("--eta", "0.015"),
    ("--weight-decay", "0.01"),
    ("--schedule", "cosine"),
    ("--warmup", "1"),
    ("--batch-norm", ""),
    ("--freeze-norm", "2"),
    ("--augment", "shift 1, rotate 8, scale 8, shear 5, elastic 1.8"),
];

/// A training that differs from [`BASE`].
struct Variant {
    name: &'static str,
    /// What the table calls it.
    what: &'static str,
    /// Flags with other values, or further ones.
    set: &'static [(&'static str, &'static str)],
    /// Flags that are left out.
    without: &'static [&'static str],
    /// What `quantize` is told besides.
    quantize: &'static [&'static str],
}

const fn variant(name: &'static str, what: &'static str, set: &'static [(&'static str, &'static str)]) -> Variant {
    Variant { name, what, set, without: &[], quantize: &[] }
}

/// The same network without widths.
const FLOAT: &str = "28x28x1: conv5x5 8 stride 2 relu, conv3x3 12 maxpool2 relu, conv3x3 24 relu, flatten, \
                     dense 30 relu, dense 10 softmax";
/// The network that teaches.
const TEACHER: &str = "28x28x1: conv5x5 10 maxpool2 relu, conv3x3 32 same maxpool2 relu, conv3x3 48 relu, \
                       conv3x3 48 relu, flatten, dense 10 softmax";
const TAUGHT: &str = "target/ablation/teacher.minnet";

const VARIANTS: &[Variant] = &[
    variant("base", "the zoo's settings", &[]),
    Variant { without: &["--augment"], ..variant("no-augment", "no augmentation", &[]) },
    variant("affine", "augmentation without elastic", &[("--augment", "shift 1, rotate 8, scale 8, shear 5")]),
    variant(
        "strong",
        "augmentation half as strong again",
        &[("--augment", "shift 1.5, rotate 12, scale 12, shear 8, elastic 2.7")],
    ),
    Variant {
        without: &["--weight-decay"],
        ..variant("nesterov", "Nesterov's momentum, η 0.1", &[("--optimizer", "nesterov"), ("--eta", "0.1")])
    },
    Variant {
        without: &["--weight-decay"],
        ..variant("sgd", "plain SGD, η 0.5", &[("--optimizer", "sgd"), ("--eta", "0.5")])
    },
    variant("constant", "η stays as it is", &[("--schedule", "constant"), ("--eta", "0.004")]),
    Variant {
        without: &["--batch-norm", "--freeze-norm"],
        ..variant("no-norm", "no batch normalization, η 0.004", &[("--eta", "0.004")])
    },
    Variant { without: &["--freeze-norm"], ..variant("no-freeze", "batch statistics not frozen at the end", &[]) },
    variant("smooth", "label smoothing, 0.05", &[("--label-smoothing", "0.05")]),
    variant("average", "an average of the weights, 0.998", &[("--average", "0.998")]),
    variant("teacher", "distillation from a network of 40,000 parameters", &[("--teacher", TAUGHT)]),
    variant("twice", "twice the epochs", &[("--epochs", "30")]),
    Variant {
        quantize: &["--bits", "8"],
        ..variant("float", "no rounding while training; 8 bits at the end (11 kB)", &[("--net", FLOAT)])
    },
    Variant {
        quantize: &["--bits", "2"],
        ..variant("late", "no rounding while training; 2 bits at the end", &[("--net", FLOAT)])
    },
    variant(
        "int8",
        "8 bits, as many bytes",
        &[(
            "--net",
            "28x28x1: conv5x5 4 stride 2 relu int8, conv3x3 8 maxpool2 relu int8, conv3x3 12 relu int8, flatten, \
             dense 14 relu int8, dense 10 softmax int8",
        )],
    ),
    variant(
        "int4",
        "4 bits, as many bytes",
        &[(
            "--net",
            "28x28x1: conv5x5 8 stride 2 relu int4, conv3x3 8 maxpool2 relu int4, conv3x3 16 relu int4, flatten, \
             dense 25 relu int4, dense 10 softmax int4",
        )],
    ),
    variant(
        "int3",
        "3 bits, as many bytes",
        &[(
            "--net",
            "28x28x1: conv5x5 8 stride 2 relu int4, conv3x3 8 maxpool2 relu int3, conv3x3 20 relu int3, flatten, \
             dense 27 relu int3, dense 10 softmax int4",
        )],
    ),
    variant(
        "ternary",
        "ternary, as many bytes",
        &[(
            "--net",
            "28x28x1: conv5x5 8 stride 2 relu int4, conv3x3 12 maxpool2 relu ternary, conv3x3 28 relu ternary, \
             flatten, dense 34 relu ternary, dense 10 softmax int4",
        )],
    ),
];

/// How a variant did; docs/ablation.json has a list of these.
#[derive(Debug, Serialize, Deserialize)]
struct Measured {
    name: String,
    /// Bytes of flash of the integer network.
    flash: u64,
    /// Validation images that its integers get right, for each seed, and all of them.
    right: BTreeMap<u32, u64>,
    images: u64,
}

/// What `host quantize --json` prints, in part.
#[derive(Deserialize)]
struct Quantized {
    integer: Scores,
    flash_bytes: u64,
}

#[derive(Deserialize)]
struct Scores {
    validation: Score,
}

#[derive(Deserialize)]
struct Score {
    right: u64,
    images: u64,
}

/// Trains each variant with each seed that is not measured yet, and writes the table.
///
/// # Errors
/// A command that fails, or says something else than it should; a file that cannot be read or written.
pub fn ablation(options: &Options) -> Result<(), Error> {
    let root = top();
    let record = root.join("docs/ablation.json");
    let mut all: Vec<Measured> = match fs::read(&record) {
        Ok(bytes) => serde_json::from_slice(&bytes).map_err(|cause| unexpected(&record, &cause))?,
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        Err(cause) => return Err(Error::io("read", &record)(cause)),
    };
    let folder = root.join("target/ablation");
    fs::create_dir_all(&folder).map_err(Error::io("create", &folder))?;
    let is_known = |name: &str, seed| all.iter().any(|own| own.name == name && own.right.contains_key(&seed));
    let pairs = VARIANTS.iter().flat_map(|variant| SEEDS.map(|seed| (variant, seed)));
    let missing: Vec<_> = pairs.filter(|(variant, seed)| !is_known(variant.name, *seed)).collect();
    let is_taught = |variant: &Variant| variant.set.iter().any(|(flag, _)| *flag == "--teacher");
    if missing.iter().any(|(variant, _)| is_taught(variant)) && !root.join(TAUGHT).exists() {
        let _: serde_json::Value = host::json(&arguments(&[("--net", TEACHER)], &[], (1, "0"), TAUGHT).line())?;
    }
    let jobs = options.jobs as usize;
    let shared = Mutex::new(&mut all);
    do_all(jobs, missing, &|(variant, seed)| {
        let model = format!("target/ablation/{}-{seed}.minnet", variant.name);
        let integers = format!("target/ablation/{}-{seed}-integers.minnet", variant.name);
        let own = (seed, &*threads_each(jobs));
        let _: serde_json::Value = host::json(&arguments(variant.set, variant.without, own, &model).line())?;
        // Whether rounding at the end does well is what is asked.
        let line = [&["quantize", &model, "--out", &integers, "--no-test", "--force"], variant.quantize].concat();
        let Quantized { integer, flash_bytes: flash } = host::json(&line)?;
        let mut all = shared.lock().unwrap_or_else(PoisonError::into_inner);
        let index = all.iter().position(|own| own.name == variant.name).unwrap_or(all.len());
        if index == all.len() {
            let (name, images) = (variant.name.into(), integer.validation.images);
            all.push(Measured { name, flash, right: BTreeMap::new(), images });
        }
        all[index].right.insert(seed, integer.validation.right);
        let text = serde_json::to_string_pretty(&**all).map_err(|cause| unexpected(&record, &cause))?;
        replace(&record, &(text + "\n"))
    })?;
    rewrite(&root.join("docs/accuracy.md"), "ablation", &table(&all))
}

/// The words of a `host train`.
struct Line(Vec<String>);

impl Line {
    fn line(&self) -> Vec<&str> {
        self.0.iter().map(String::as_str).collect()
    }
}

fn arguments(set: &[(&str, &str)], without: &[&str], (seed, threads): (u32, &str), out: &str) -> Line {
    let mut flags: Vec<(&str, &str)> = BASE.to_vec();
    flags.retain(|(flag, _)| !without.contains(flag));
    for (flag, value) in set {
        match flags.iter_mut().find(|(own, _)| own == flag) {
            Some((_, own)) => *own = value,
            None => flags.push((flag, value)),
        }
    }
    let seed = seed.to_string();
    flags.extend([("--seed", &*seed), ("--threads", threads), ("--out", out), ("--no-test", "")]);
    let words = flags.iter().flat_map(|(flag, value)| [*flag, *value]).filter(|word| !word.is_empty());
    Line(std::iter::once("train").chain(words).map(str::to_owned).collect())
}

fn unexpected(path: &Path, cause: &serde_json::Error) -> Error {
    Error::Answer { program: path.display().to_string(), said: cause.to_string() }
}

fn table(all: &[Measured]) -> String {
    let mut text = String::from(
        "\n| what | bytes | validation | from the least to the greatest | gives |\n|---|--:|--:|--:|--:|\n",
    );
    let percent = |right: u64, images: u64| 100.0 * right as f64 / images.max(1) as f64;
    let mean = |own: &Measured| percent(own.right.values().sum(), own.images) / own.right.len().max(1) as f64;
    let base = all.iter().find(|measured| measured.name == "base").map(mean);
    for variant in VARIANTS {
        let Some(own) = all.iter().find(|measured| measured.name == variant.name) else { continue };
        let [least, greatest] = [own.right.values().min(), own.right.values().max()]
            .map(|right| percent(right.copied().unwrap_or(0), own.images));
        let against = match base {
            Some(base) if variant.name != "base" => format!("{:+.2}", mean(own) - base),
            _ => String::new(),
        };
        let (what, flash, mean) = (variant.what, thousands(own.flash), mean(own));
        // Writing to a string does not fail.
        let _ = writeln!(text, "| {what} | {flash} | {mean:.2} % | {least:.2} to {greatest:.2} % | {against} |");
    }
    text + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variant_changes_adds_and_leaves_out() {
        let line = arguments(&[("--eta", "0.1"), ("--l1", "2")], &["--augment", "--batch-norm"], (3, "1"), "m")
            .line()
            .join(" ");
        assert!(line.starts_with("train --net 28x28x1: conv5x5 8 stride 2 "), "{line}");
        for words in [" --eta 0.1 ", " --l1 2 ", " --seed 3 --threads 1 --out m --no-test"] {
            assert!(line.contains(words), "{line}");
        }
        for flag in ["--augment", "--batch-norm", "0.015"] {
            assert!(!line.contains(flag), "{line}");
        }
    }

    #[test]
    fn a_row_stands_beside_the_base() {
        let measured = |name: &str, right: [u64; 3]| Measured {
            name: name.into(),
            flash: 3080,
            right: (1..).zip(right).collect(),
            images: 10_000,
        };
        let text = table(&[measured("base", [9900, 9910, 9920]), measured("sgd", [9880, 9890, 9900])]);
        assert!(text.contains("| the zoo's settings | 3,080 | 99.10 % | 99.00 to 99.20 % |  |"), "{text}");
        assert!(text.contains("| plain SGD, η 0.5 | 3,080 | 98.90 % | 98.80 to 99.00 % | -0.20 |"), "{text}");
    }
}
