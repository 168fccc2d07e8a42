//! `cargo xtask`: the project's commands that cargo has none for.

mod device;
mod error;
mod fuzz;
mod host;
mod licences;
mod package;
mod record;
mod suite;

use clap::{Parser, Subcommand};
use emulator::elf::Report;
use emulator::process::{find_program, run};
use emulator::{Board, Missing, Toolchain, firmware, qemu, top};
use error::Error;
use record::{ablation, accuracy, count, exchange, own_data, rivals, stream, zoo};
use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Instant;

#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", about = "The project's commands that cargo has none for")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Provide the toolchain and QEMU, then run every test, those of the firmware too
    Test {
        /// Handed on to `cargo test`
        #[arg(last = true)]
        arguments: Vec<String>,
    },
    /// Check the format, clippy's lints, the documentation, and the licences and sources of what we depend on
    Lint,
    /// Give every parser and the wire hostile inputs (docs/fuzzing.md)
    Fuzz {
        /// Build with counters, so that inputs are kept that reach something new
        #[arg(long)]
        guided: bool,
        /// What the program `fuzz` is to do: `run`, `replay`, `shrink`, with their options
        #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    /// Make the packages for crates.io, install `host` from them, and use it in an empty folder
    Package {
        /// Make the packages and look into them, but build nothing
        #[arg(long)]
        quick: bool,
    },
    /// Compare speed and memory with PyTorch, JAX, Burn and candle, and write docs/performance.md's tables
    BenchRivals(rivals::Options),
    /// Count the instructions and bytes of an inference in QEMU, and write docs/device.md's tables
    Count {
        /// Write nothing, and fail where a count is too far over the recorded one
        #[arg(long)]
        check: bool,
    },
    /// Stream the test set to every board in QEMU, have one learn, and write docs/device.md's record
    Stream {
        /// Measure anew what is in the record docs/stream.json
        #[arg(long)]
        again: bool,
    },
    /// Train and quantize over three seeds, and write docs/quantization.md's table
    Accuracy,
    /// Exchange networks with PyTorch, Keras, onnxruntime and NumPy, and write docs/import.md's table
    Exchange,
    /// Train on data sets of many kinds beside scikit-learn's MLP, and write docs/own-data.md's table
    OwnData(own_data::Options),
    /// Train the small networks of models/zoo, run them on emulated boards, and write docs/accuracy.md's tables
    Zoo(zoo::Options),
    /// Train the zoo's network of 3.2 kB with one ingredient less or more, and write docs/accuracy.md's second table
    Ablation(ablation::Options),
    /// Build the demo and run it in QEMU
    Qemu {
        /// The board; the first one if not given
        board: Option<String>,
    },
    /// Build the program that answers over the serial port, run it in QEMU, and talk to it with `host device`
    Device {
        /// The board
        board: String,
        /// Run this firmware, instead of building it
        #[arg(long, value_name = "FILE")]
        elf: Option<PathBuf>,
        /// What `host device` is to do: `info`, `eval`, `classify`, `train`, with their options
        #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    /// Build the demo and run it on a board, through probe-rs
    Flash {
        /// The board; the first one if not given
        board: Option<String>,
    },
    /// Print what the demo takes of the board's memory, and check that it has no heap
    Size {
        /// The board; the first one if not given
        board: Option<String>,
    },
}

fn main() -> ExitCode {
    let done = match Arguments::parse().task {
        Task::Test { arguments } => suite::run(&arguments),
        Task::Lint => lint(),
        Task::Fuzz { guided, arguments } => fuzz::fuzz(guided, &arguments),
        Task::Package { quick } => package::package(quick),
        Task::BenchRivals(options) => rivals::bench(&options),
        Task::Count { check } => {
            if check {
                count::check()
            } else {
                count::count()
            }
        }
        Task::Stream { again } => stream::stream(again),
        Task::Accuracy => accuracy::accuracy(),
        Task::Exchange => exchange::exchange(),
        Task::OwnData(options) => own_data::own_data(&options),
        Task::Ablation(options) => ablation::ablation(&options),
        Task::Zoo(options) => zoo::zoo(&options),
        Task::Qemu { board } => named(board.as_deref()).and_then(qemu),
        Task::Device { board, elf, arguments } => {
            named(Some(&board)).and_then(|board| device::device(board, elf, &toolchain(board)?, &arguments))
        }
        Task::Flash { board } => named(board.as_deref()).and_then(flash),
        Task::Size { board } => named(board.as_deref()).and_then(size),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn named(board: Option<&str>) -> Result<&'static Board, Error> {
    Ok(Board::named(board)?)
}

fn lint() -> Result<(), Error> {
    licences::check()?;
    step("format", &["fmt", "--all", "--check"], None)?;
    step("format of the firmware", &["fmt", "--manifest-path", "firmware-demo/Cargo.toml", "--check"], None)?;
    step(
        "clippy",
        &["clippy", "--locked", "--workspace", "--all-targets", "--all-features", "--", "-D", "warnings"],
        None,
    )?;
    step(
        "documentation",
        &["doc", "--locked", "--workspace", "--all-features", "--no-deps"],
        Some(("RUSTDOCFLAGS", "-D warnings")),
    )
}

fn step(name: &str, arguments: &[&str], variable: Option<(&str, &str)>) -> Result<(), Error> {
    eprintln!("lint: {name}: cargo {}", arguments.join(" "));
    let begin = Instant::now();
    run(suite::cargo().args(arguments).envs(variable))?;
    eprintln!("lint: {name}: ok, {:.1} s", begin.elapsed().as_secs_f64());
    Ok(())
}

/// What builds for a board, with the network of the user's own model if the environment names one.
fn toolchain(board: &Board) -> Result<Toolchain, Error> {
    let toolchain = Toolchain::provide(board.target)?;
    let Some(model) = env::var_os("MINNET_MODEL") else { return Ok(toolchain) };
    // As the firmware's build script looks for it: here, then at the top of the repository.
    let here = env::current_dir().map_err(Error::io("find", Path::new(".")))?.join(&model);
    let model = if here.is_file() { here } else { top().join(model) };
    Ok(toolchain.with("MINNET_NETWORK", host::rust_type(&model)?))
}

fn qemu(board: &Board) -> Result<(), Error> {
    qemu::provide(board.emulator)?;
    let elf = firmware::build(&toolchain(board)?, board, "demo", &["qemu"])?;
    eprintln!("demo on QEMU's {}; Ctrl-A X ends it", board.machine);
    let ran = run(&mut qemu::command(board, &elf, "mon:stdio")?);
    print_memory(&Report::read(&elf, board)?, board);
    Ok(ran?)
}

fn flash(board: &Board) -> Result<(), Error> {
    let chip = board.chip.ok_or(Error::NoChip { board: board.name })?;
    let probe_rs = find_program("probe-rs").ok_or_else(|| Missing {
        what: "no probe-rs on PATH, which writes the firmware to a board".into(),
        remedies: vec![
            "cargo install probe-rs-tools --locked".into(),
            "brew install probe-rs    (macOS)".into(),
            "the installer at https://probe.rs".into(),
        ],
    })?;
    let elf = firmware::build(&toolchain(board)?, board, "demo", &[])?;
    Ok(run(Command::new(probe_rs).args(["run", "--chip", chip]).arg(elf))?)
}

fn size(board: &Board) -> Result<(), Error> {
    let path = firmware::build(&toolchain(board)?, board, "demo", &[])?;
    let report = Report::read(&path, board)?;
    print_memory(&report, board);
    if report.heap_symbols.is_empty() {
        println!("{:<12}{:>9}", "heap", "none");
        Ok(())
    } else {
        Err(Error::Heap { path, symbols: report.heap_symbols })
    }
}

fn print_memory(report: &Report, board: &Board) {
    println!("{:<12}{:>9}{:>10}{:>8}    (bytes, on {})", "memory", "used", "of", "share", board.name);
    for (name, used, all) in [
        ("flash", report.flash, &board.flash),
        ("static RAM", report.ram, &board.ram),
        ("stack", report.stack, &board.ram),
    ] {
        let all = all.end - all.start;
        println!("{name:<12}{used:>9}{all:>10}{:>6.1} %", 100.0 * used as f64 / all as f64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn what_follows_a_board_is_for_host() {
        let line = ["xtask", "device", "virt", "--elf", "a.elf", "--faults", "10", "eval", "--elf", "b"];
        let Task::Device { board, elf, arguments } = Arguments::parse_from(line).task else { panic!() };
        assert_eq!((board.as_str(), elf), ("virt", Some("a.elf".into())));
        assert_eq!(arguments, ["--faults", "10", "eval", "--elf", "b"]);
    }
}
