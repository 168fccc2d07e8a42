//! `cargo xtask bench-rivals`: the same work in other frameworks and in ours, taking turns in one run.

mod contest;
mod ours;
mod table;

use crate::{Error, suite};
use contest::{Contestant, Setting};
use emulator::process::{find_program, read, run};
use emulator::{Missing, top};
use ours::Ours;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What to measure.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// The networks, of a, b, c, d and e
    #[arg(long, default_value = "abcde", value_parser = networks)]
    networks: String,
    /// Seconds that a contestant works at a time
    #[arg(long, default_value_t = 0.4)]
    seconds: f64,
    /// How often each contestant has its turn
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Measure these networks again, even if docs/performance.json has them already for this processor
    #[arg(long)]
    again: bool,
}

/// What was measured on a machine; `docs/performance.json` has a list of these.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Measured {
    machine: Machine,
    settings: Vec<Outcome>,
    ours: Vec<Ours>,
}

fn networks(text: &str) -> std::result::Result<String, &'static str> {
    let is_known = |network| ('a'..='e').contains(&network);
    if !text.is_empty() && text.chars().all(is_known) {
        Ok(text.to_owned())
    } else {
        Err("letters of `abcde`, such as `ac`")
    }
}

/// Where and when the first setting was measured.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Machine {
    processor: String,
    cores: usize,
    date: String,
    /// GFLOP/s of a large matrix product on one core.
    peak: f64,
}

/// A setting, and how everyone did in it.
#[derive(Debug, Serialize, Deserialize)]
struct Outcome {
    #[serde(flatten)]
    setting: Setting,
    results: Vec<Result>,
}

/// How one contestant did: medians over the rounds.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Result {
    framework: String,
    variant: String,
    images_per_second: f64,
    cpu_seconds_per_image: f64,
    peak_mib: f64,
}

/// Sets up what is needed, measures what is not measured yet, and writes the tables.
///
/// # Errors
/// A program that is missing, fails, or answers nonsense; a file that cannot be written.
pub fn bench(options: &Options) -> std::result::Result<(), Error> {
    let root = top();
    let python = provide_python(&root.join("target/rivals-python"), &root.join("benches/rivals/requirements.txt"))?;
    build(&root, &options.networks)?;
    let file = root.join("docs/performance.json");
    let mut machines = load(&file)?;
    let here = machines.iter().position(|measured| measured.machine.processor == processor());
    let here = here.unwrap_or_else(|| {
        machines.push(Measured::default());
        machines.len() - 1
    });
    let Measured { machine, settings, ours } = &mut machines[here];
    if options.again {
        settings.retain(|outcome| !outcome.setting.is_of(&options.networks));
        ours.retain(|ours| !options.networks.contains(ours.network));
    }
    if settings.is_empty() {
        *machine = this_machine(&root, &python)?;
    }
    for setting in Setting::all(&options.networks) {
        let contestants = Contestant::all(&root, &python, &setting);
        let of_setting = |outcome: &Outcome| outcome.setting == setting;
        let is_whole = |outcome: &Outcome| contestants.iter().all(|contestant| contestant.is_in(&outcome.results));
        let settings = &mut machines[here].settings;
        if settings.iter().any(|outcome| of_setting(outcome) && is_whole(outcome)) {
            continue;
        }
        eprintln!("{setting}");
        let results = contest::run(&contestants, &setting, options.seconds, options.rounds)?;
        settings.retain(|outcome| !of_setting(outcome));
        settings.push(Outcome { setting, results });
        settings.sort_by(|a, b| a.setting.cmp(&b.setting));
        save(&file, &machines)?;
    }
    for (network, batch) in Ours::all(&options.networks) {
        let ours = &mut machines[here].ours;
        if ours.iter().any(|ours| (ours.network, ours.batch) == (network, batch)) {
            continue;
        }
        eprintln!("({network}) train, batch {batch}: ours, in short turns");
        ours.push(Ours::measure(&root, network, batch)?);
        ours.sort_by_key(|ours| (ours.network, ours.batch));
        save(&file, &machines)?;
    }
    table::write(&root.join("docs/performance.md"), &machines)
}

/// This machine, today.
fn this_machine(root: &Path, python: &Path) -> std::result::Result<Machine, Error> {
    let mut today = Command::new(python);
    Ok(Machine {
        processor: processor(),
        cores: std::thread::available_parallelism().map_or(1, usize::from),
        date: read(today.args(["-c", "import datetime; print(datetime.date.today())"]))?,
        peak: peak(root, python)?,
    })
}

/// A virtual environment in `folder` with the packages of `requirements`.
///
/// # Errors
/// No Python on PATH, or packages that cannot be installed.
pub(super) fn provide_python(folder: &Path, requirements: &Path) -> std::result::Result<PathBuf, Error> {
    let python = folder.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
    if !python.is_file() {
        let system = find_program("python3").or_else(|| find_program("python")).ok_or_else(|| Missing {
            what: "no python3 on PATH, which other programs' networks run on".into(),
            remedies: vec!["apt install python3-venv".into(), "the installer at https://python.org".into()],
        })?;
        run(Command::new(system).args(["-m", "venv"]).arg(folder))?;
    }
    run(Command::new(&python).args(["-m", "pip", "install", "--quiet", "--requirement"]).arg(requirements))?;
    Ok(python)
}

/// Builds ours, once more with multiply and add fused, and the rivals that are Rust: with all of this processor's
/// instructions, as their users would.
fn build(root: &Path, networks: &str) -> std::result::Result<(), Error> {
    const OURS: [&str; 7] = ["build", "--locked", "--release", "--package", "benches", "--bin", "ours"];
    run(suite::cargo().args(OURS))?;
    // Other flags want a folder of their own, or each build would undo the other's.
    let mut fused = suite::cargo();
    fused.args(OURS).arg("--target-dir").arg(root.join("target/rivals-fused"));
    run(fused.env("RUSTFLAGS", "--cfg minnet_fused"))?;
    if networks == "e" {
        return Ok(());
    }
    let mut rivals = suite::cargo();
    rivals.args(["build", "--locked", "--release", "--manifest-path"]).arg(root.join("benches/rivals/rust/Cargo.toml"));
    rivals.env("RUSTFLAGS", "-Ctarget-cpu=native").arg("--target-dir").arg(root.join("target/rivals-rust"));
    Ok(run(&mut rivals)?)
}

/// GFLOP/s of a large matrix product on one core: what the processor does at its best.
fn peak(root: &Path, python: &Path) -> std::result::Result<f64, Error> {
    let mut command = Command::new(python);
    let text = read(command.arg(root.join("benches/rivals/peak.py")))?;
    text.parse().map_err(|_| Error::Answer { program: "peak.py".into(), said: text })
}

/// Its name, which may be that of several generations, and the numbers that tell them apart.
fn processor() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |name: &str| {
        let mut fields = text.lines().filter_map(|line| line.split_once(':'));
        fields.find(|(field, _)| field.trim() == name).map(|(_, value)| value.trim())
    };
    let numbers = field("cpu family").zip(field("model"));
    let numbers = numbers.map_or_else(String::new, |(family, model)| format!(", family {family}, model {model}"));
    let widest = [("avx512f", ", AVX-512"), ("avx2", ", AVX2")].into_iter().find(|(flag, _)| text.contains(flag));
    let vectors = widest.map_or("", |(_, vectors)| vectors);
    let name = field("model name").unwrap_or(std::env::consts::ARCH);
    format!("{name}{numbers}{vectors}")
}

fn load(file: &Path) -> std::result::Result<Vec<Measured>, Error> {
    match std::fs::read(file) {
        Ok(bytes) => serde_json::from_slice(&bytes)
            .map_err(|cause| Error::Answer { program: file.display().to_string(), said: cause.to_string() }),
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(cause) => Err(Error::io("read", file)(cause)),
    }
}

fn save(file: &Path, machines: &[Measured]) -> std::result::Result<(), Error> {
    let text = serde_json::to_string_pretty(machines)
        .map_err(|cause| Error::Answer { program: file.display().to_string(), said: cause.to_string() })?;
    super::replace(file, &(text + "\n"))
}
