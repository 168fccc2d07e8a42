//! The firmware on emulated microcontrollers: the same bits as on this machine, and nothing where it should not be.
//!
//! Where QEMU or a toolchain for the board is missing, the tests are reported as ignored, with the reason and the
//! remedy; `cargo xtask test` provides both first.

use host::data::{Mnist, default_directory};
use host::executor::{Threads, Vectors};
use host::model::File;
use host::train::outputs;
use libtest_mimic::{Arguments, Failed, Trial};
use minnet::prelude::*;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use xtask::board::{BOARDS, Board};
use xtask::{Missing, Toolchain, elf, firmware, qemu, top};

type Image = [[[f32; 1]; 28]; 28];
type Layers = seq![
    Conv5x5<1, 20, MaxPool2, Relu>,
    Conv5x5<20, 40, MaxPool2, Relu>,
    Flatten,
    Dense<640, 100, Relu>,
    Dense<100, 10, Softmax>
];

/// Images that `selftest` classifies.
const IMAGES: usize = 200;
/// The longest that a firmware may run: many times what it takes.
const LIMIT: Duration = Duration::from_secs(300);

fn main() {
    let arguments = Arguments::from_args();
    let trials = BOARDS.iter().flat_map(trials).collect();
    libtest_mimic::run(&arguments, trials).exit();
}

fn trials(board: &'static Board) -> Vec<Trial> {
    let found = found(board);
    if let Err(missing) = &found {
        eprintln!("the tests on {} are ignored: {missing}", board.name);
    }
    let is_ignored = found.is_err();
    let device = Arc::new(Device { board, selftest: OnceLock::new(), demo: OnceLock::new() });
    let tests: [(&str, Test); 6] = [
        ("computes_odd_layers_like_plain_loops", computes_odd_layers_like_plain_loops),
        ("classifies_with_the_host_s_bits", classifies_with_the_host_s_bits),
        ("trains_to_the_host_s_bits", trains_to_the_host_s_bits),
        ("recognizes_the_demo_s_digits", recognizes_the_demo_s_digits),
        ("has_no_heap", has_no_heap),
        ("leaves_the_weights_in_flash", leaves_the_weights_in_flash),
    ];
    let trial = |(name, test): (&str, Test)| {
        let device = Arc::clone(&device);
        Trial::test(format!("{}::{name}", board.name), move || test(&device)).with_ignored_flag(is_ignored)
    };
    tests.into_iter().map(trial).collect()
}

type Test = fn(&Device) -> Result<(), Failed>;

fn found(board: &Board) -> Result<Toolchain, Missing> {
    qemu::find(board.emulator)?;
    Toolchain::find(board.target)
}

/// An emulated board. Its firmware is built and run by the first test that asks, and waited for by the others.
struct Device {
    board: &'static Board,
    selftest: OnceLock<Result<Run, String>>,
    demo: OnceLock<Result<Run, String>>,
}

struct Run {
    elf: PathBuf,
    output: String,
}

impl Device {
    fn selftest(&self) -> Result<&Run, Failed> {
        self.selftest.get_or_init(|| self.run("selftest")).as_ref().map_err(Failed::from)
    }

    fn demo(&self) -> Result<&Run, Failed> {
        self.demo.get_or_init(|| self.run("demo")).as_ref().map_err(Failed::from)
    }

    fn run(&self, bin: &str) -> Result<Run, String> {
        let toolchain = found(self.board).map_err(|missing| missing.to_string())?;
        let elf = firmware::build(&toolchain, self.board, bin, &["qemu"]).map_err(|error| error.to_string())?;
        let ended = firmware::run_in_qemu(self.board, &elf, false, LIMIT).map_err(|error| error.to_string())?;
        let output = String::from_utf8_lossy(&ended.stdout).into_owned();
        if ended.status.success() { Ok(Run { elf, output }) } else { Err(format!("{bin} failed:\n{output}")) }
    }
}

fn classifies_with_the_host_s_bits(device: &Device) -> Result<(), Failed> {
    let mnist = Mnist::load(&default_directory()?)?;
    let file = File::read(&top().join("models/digits.minnet"))?;
    let model = file.model::<Image, Layers>()?;
    let executor = Threads::new(0, Vectors::detect())?;
    let expected = outputs(model.net, mnist.test.samples().split_at(IMAGES).0, &executor)?;
    let lines: Vec<&str> = device.selftest()?.output.lines().filter(|line| line.starts_with("out ")).collect();
    if lines.len() != IMAGES {
        return Err(format!("{} outputs instead of {IMAGES}", lines.len()).into());
    }
    for (index, (line, output)) in lines.iter().zip(&expected).enumerate() {
        let bits: Vec<String> = output.iter().map(|value| format!("{:08x}", value.to_bits())).collect();
        let expected = format!("out {index} {}", bits.join(" "));
        if *line != expected {
            return Err(format!("the device: {line}\nthe host:   {expected}").into());
        }
    }
    Ok(())
}

fn computes_odd_layers_like_plain_loops(device: &Device) -> Result<(), Failed> {
    let output = &device.selftest()?.output;
    match output.lines().any(|line| line == "kernels exact") {
        true => Ok(()),
        false => Err(output.into()),
    }
}

fn trains_to_the_host_s_bits(device: &Device) -> Result<(), Failed> {
    let expected = format!("hash {}", tests::training::HASH);
    for run in [device.selftest()?, device.demo()?] {
        if !run.output.contains(tests::training::HASH) {
            return Err(format!("{expected} is not in:\n{}", run.output).into());
        }
    }
    Ok(())
}

fn recognizes_the_demo_s_digits(device: &Device) -> Result<(), Failed> {
    let output = &device.demo()?.output;
    match output.contains("10 of 10") {
        true => Ok(()),
        false => Err(output.into()),
    }
}

fn has_no_heap(device: &Device) -> Result<(), Failed> {
    let report = elf::Report::read(&device.demo()?.elf, device.board)?;
    match report.heap_symbols.is_empty() {
        true => Ok(()),
        false => Err(format!("heap symbols: {:?}", report.heap_symbols).into()),
    }
}

fn leaves_the_weights_in_flash(device: &Device) -> Result<(), Failed> {
    let report = elf::Report::read(&device.demo()?.elf, device.board)?;
    match report.symbol("firmware_demo::nets::DIGITS") {
        Some(symbol) if device.board.flash.contains(&symbol.address) && symbol.size == 342_680 => Ok(()),
        other => Err(format!("the weights are at {other:?}").into()),
    }
}
