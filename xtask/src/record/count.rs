//! `cargo xtask count`: what one inference takes on a microcontroller, in instructions and in bytes.
//!
//! The firmware's program `count` runs in QEMU with a clock that counts instructions; its ELF file says how long the
//! code is. `docs/device.json` keeps what came out, and of which compiler; `docs/device.md` shows it beside the
//! rivals' figures, and [`check`] compares. The same goes for single layers, by the program `count_layers`, and
//! `layers.json` in the folder of the program `host`, which foretells a network's instructions by it.

mod judge;
mod layers;
mod table;

use super::replace;
use crate::Error;
use emulator::{Board, Toolchain, elf, firmware, qemu, top};
use layers::{Layers, Record};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What is counted: a network of the firmware's program `count`, on a board.
struct Row {
    /// The network's name in the document; in lower case, the cargo feature of the firmware that chooses it.
    network: &'static str,
    /// What its weights are; `int8` and `int4` are cargo features of the firmware, too.
    element: &'static str,
    rig: &'static Rig,
}

/// A processor, and how many instructions are a tick of its board's counter in QEMU.
struct Rig {
    /// The processor whose code it runs.
    processor: &'static str,
    board: Board,
    instructions: f64,
}

/// QEMU's Cortex-M4F with room for every network: N2's weights are 1.2 MB.
static M4F: Rig = rig("Cortex-M4F", "thumbv7em-none-eabihf");
/// The same machine with code for a Cortex-M0, which it runs, too.
static M0: Rig = rig("Cortex-M0", "thumbv6m-none-eabi");

const fn rig(processor: &'static str, target: &'static str) -> Rig {
    let board = Board {
        name: "mps2_an386",
        chip: None,
        target,
        emulator: qemu::ARM,
        machine: "mps2-an386",
        flash: 0..4 << 20,
        ram: 0x2000_0000..0x2040_0000,
        model: "digits-small",
    };
    Rig { processor, board, instructions: 40.0 }
}

/// Every row of the document.
const ROWS: &[Row] = &[
    Row { network: "N1", element: "f32", rig: &M4F },
    Row { network: "N2", element: "f32", rig: &M4F },
    Row { network: "N3", element: "f32", rig: &M4F },
    Row { network: "N4", element: "f32", rig: &M4F },
    Row { network: "N1", element: "int8", rig: &M4F },
    Row { network: "N2", element: "int8", rig: &M4F },
    Row { network: "N3", element: "int8", rig: &M4F },
    Row { network: "N4", element: "int8", rig: &M4F },
    Row { network: "N3", element: "int4", rig: &M4F },
    Row { network: "N1", element: "int8", rig: &M0 },
    Row { network: "N2", element: "int8", rig: &M0 },
    Row { network: "N3", element: "int8", rig: &M0 },
    Row { network: "N4", element: "int8", rig: &M0 },
];

/// The longest that a program may run: many times what it takes.
const LIMIT: Duration = Duration::from_secs(120);

/// What one inference takes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Count {
    network: String,
    element: String,
    processor: String,
    /// What compiled it.
    compiler: String,
    /// Multiplications with a weight, zeros included.
    macs: u64,
    /// For a digit, with random weights.
    instructions: u64,
    /// The same where no value is zero.
    instructions_without_zeros: u64,
    /// Bytes of the inference's functions.
    code: u64,
    /// Bytes that it works in, the image included.
    ram: u64,
    /// Bytes of stack that it takes.
    stack: u64,
}

/// A count, and what its program must be without.
struct Counted {
    count: Count,
    /// A function that code which may panic calls.
    panic: Option<String>,
    /// The functions of a heap.
    heap: Vec<String>,
}

/// Counts every row and the layers, and writes the document.
///
/// # Errors
/// Those of [`Toolchain::provide`], [`qemu::provide`] and [`firmware::build`]; [`Error::Answer`] where a program does
/// not say what it should; [`Error::Grown`] where one has a path to a panic, or a heap, or where a layer takes more than
/// a larger one; [`emulator::Error::Io`] where a document cannot be written.
pub fn count() -> Result<(), Error> {
    let (measured, layers) = (measure()?, layers::measure()?);
    let counts: Vec<Count> = measured.iter().map(|counted| counted.count.clone()).collect();
    let mut records: Vec<Record> = layers.iter().map(Layers::record).collect();
    // Growth is what is recorded here; what must never be is not.
    report((&measured, &counts), (&layers, &records))?;
    records.extend(layers::measure_more()?.iter().map(Layers::record));
    write(&record(NETWORKS), &counts)?;
    write(&record(LAYERS), &records)?;
    table::write(&top().join("docs/device.md"), &counts, &layers)
}

/// Counts every row and the layers, and compares with what is recorded.
///
/// # Errors
/// Those of [`count`]; [`Error::Grown`] where a count is too far over the recorded one ([`judge`] says how far that is), or
/// is not recorded.
pub fn check() -> Result<(), Error> {
    let (counts, records) = (read::<Count>(&record(NETWORKS))?, read::<Record>(&record(LAYERS))?);
    report((&measure()?, &counts), (&layers::measure()?, &records))
}

/// Says what is to be said of what was measured, each against what is recorded.
fn report(networks: (&[Counted], &[Count]), layers: (&[Layers], &[Record])) -> Result<(), Error> {
    let mut objections = Vec::new();
    for counted in networks.0 {
        let verdict = judge::judge(counted, networks.1);
        verdict.remarks.iter().for_each(|remark| println!("{remark}: of another compiler, so not judged"));
        objections.extend(verdict.objections);
    }
    objections.extend(layers.0.iter().flat_map(|counted| judge::judge_layers(counted, layers.1)));
    if objections.is_empty() { Ok(()) } else { Err(Error::Grown(objections)) }
}

/// Where the counts are recorded: those of the networks, and those of the layers.
const NETWORKS: &str = "docs/device.json";
const LAYERS: &str = "host/src/instructions/layers.json";

fn record(name: &str) -> PathBuf {
    top().join(name)
}

fn read<T: DeserializeOwned>(file: &Path) -> Result<Vec<T>, Error> {
    let text = fs::read_to_string(file).map_err(Error::io("read", file))?;
    serde_json::from_str(&text).map_err(|error| unexpected(file, error))
}

fn write(file: &Path, records: &impl Serialize) -> Result<(), Error> {
    let json = serde_json::to_string_pretty(records).map_err(|error| unexpected(file, error))?;
    replace(file, &(json + "\n"))
}

fn measure() -> Result<Vec<Counted>, Error> {
    println!(
        "{:<8}{:<9}{:<12}{:>13}{:>9}{:>14}{:>9}{:>7}{:>8}{:>7}",
        "network",
        "element",
        "processor",
        "instructions",
        "per MAC",
        "without zeros",
        "per MAC",
        "code",
        "RAM",
        "stack"
    );
    let mut counts = Vec::new();
    for row in ROWS {
        let counted = one(row)?;
        let count = &counted.count;
        let per_mac = |instructions: u64| instructions as f64 / count.macs as f64;
        println!(
            "{:<8}{:<9}{:<12}{:>13}{:>9.2}{:>14}{:>9.2}{:>7}{:>8}{:>7}",
            count.network,
            count.element,
            count.processor,
            count.instructions,
            per_mac(count.instructions),
            count.instructions_without_zeros,
            per_mac(count.instructions_without_zeros),
            count.code,
            count.ram,
            count.stack
        );
        counts.push(counted);
    }
    Ok(counts)
}

/// A program that ran to its end.
struct Ran {
    elf: PathBuf,
    /// What it printed.
    said: String,
    report: elf::Report,
    compiler: String,
}

impl Ran {
    /// The number behind a name at the beginning of a line.
    fn number(&self, name: &str) -> Result<u64, Error> {
        let values = self.said.lines().filter_map(|line| line.split_once(' '));
        let found = values.filter(|(own, _)| *own == name).find_map(|(_, value)| value.parse().ok());
        found.ok_or_else(|| unexpected(&self.elf, format!("no line `{name} NUMBER`")))
    }
}

/// Builds and runs one of the firmware's programs. They share a target folder, so that only what depends on the network
/// and the board is built again.
fn run(program: &str, rig: &Rig, toolchain: &Toolchain, features: &[&str]) -> Result<Ran, Error> {
    let board = &rig.board;
    qemu::provide(board.emulator)?;
    let elf = firmware::build_in("count", toolchain, board, program, features)?;
    let ended = firmware::run_in_qemu(board, &elf, true, LIMIT)?;
    let said = String::from_utf8_lossy(&ended.stdout).into_owned();
    if !ended.status.success() {
        return Err(unexpected(&elf, said));
    }
    Ok(Ran { report: elf::Report::read(&elf, board)?, elf, said, compiler: toolchain.compiler()? })
}

/// Counts a row.
fn one(row: &Row) -> Result<Counted, Error> {
    let network = row.network.to_lowercase();
    let features = ["qemu", &network, row.element];
    let features = if row.element == "f32" { &features[..2] } else { &features };
    let ran = run("count", row.rig, &Toolchain::provide(row.rig.board.target)?, features)?;
    let number = |name| ran.number(name);
    let instructions = |ticks: u64| Ok::<_, Error>(row.rig.instructions(ticks, ran.number("inferences")?));
    let count = Count {
        network: row.network.into(),
        element: row.element.into(),
        processor: row.rig.processor.into(),
        compiler: ran.compiler.clone(),
        macs: number("macs")?,
        instructions: instructions(number("ticks")?)?,
        instructions_without_zeros: instructions(number("dense")?)?,
        code: code(&ran.report),
        ram: number("ram")?,
        stack: number("stack")?,
    };
    Ok(Counted { count, panic: ran.report.panic_symbol().map(str::to_owned), heap: ran.report.heap_symbols })
}

/// What an inference in integers of the embedded models takes on a processor.
pub(super) struct Embedded {
    pub(super) processor: &'static str,
    pub(super) compiler: String,
    pub(super) macs: u64,
    pub(super) instructions: u64,
    /// Bytes that it works in, and bytes of stack.
    pub(super) ram: u64,
    pub(super) stack: u64,
}

/// Counts the models that the toolchains name in the environment of what they build.
pub(super) fn embedded(provide: &dyn Fn(&str) -> Result<Toolchain, Error>) -> Result<Vec<Embedded>, Error> {
    let count = |rig: &Rig| {
        let ran = run("count", rig, &provide(rig.board.target)?, &["qemu", "embedded", "int8"])?;
        let instructions = rig.instructions(ran.number("ticks")?, ran.number("inferences")?);
        Ok(Embedded {
            processor: rig.processor,
            macs: ran.number("macs")?,
            instructions,
            ram: ran.number("ram")?,
            stack: ran.number("stack")?,
            compiler: ran.compiler,
        })
    };
    [&M4F, &M0].into_iter().map(count).collect()
}

impl Rig {
    /// So many ticks of its counter, for so many inferences.
    fn instructions(&self, ticks: u64, inferences: u64) -> u64 {
        (ticks as f64 * self.instructions / inferences.max(1) as f64).round() as u64
    }
}

/// Bytes of the inference's functions: the program's `infer`, the library's, and the compiler's for arithmetic and
/// memory, which do what the processor has no instruction for.
fn code(report: &elf::Report) -> u64 {
    let of_inference = |name: &str| {
        name == "count::kind::infer"
            || ["minnet::", "<minnet::", "compiler_builtins::", "__aeabi_"].iter().any(|start| name.starts_with(start))
    };
    let functions = report.symbols.iter().filter(|symbol| symbol.section == ".text" && of_inference(&symbol.name));
    // One function may have several names.
    functions.map(|symbol| (symbol.address, symbol.size)).collect::<BTreeMap<_, _>>().values().sum()
}

fn unexpected(program: &Path, said: impl ToString) -> Error {
    Error::Answer { program: program.display().to_string(), said: said.to_string() }
}
