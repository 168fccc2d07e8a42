//! The firmware on emulated microcontrollers: the same bits as on this machine, and nothing where it should not be.
//!
//! Where QEMU or a toolchain for the board is missing, the tests are reported as ignored, with the reason and the
//! remedy; `cargo xtask test` provides both first.

use ::device::layers::Memory;
use emulator::board::{BOARDS, Board};
use emulator::serial::{Emulated, PROGRAM};
use emulator::{Missing, Toolchain, elf, firmware, qemu, top};
use host::architecture::Architecture;
use host::data::{Mnist, default_directory};
use host::device::{Client, Faults, Timing, Which, connect};
use host::executor::{Threads, Vectors};
use host::model::{Contents, File};
use libtest_mimic::{Arguments, Failed, Trial};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// Images that `selftest` classifies.
const IMAGES: usize = 200;
/// Images that are streamed to it.
const STREAMED: usize = 300;
/// One byte in so many is spoiled on the way.
const FAULTS: u32 = 1000;
/// A board, or a host, that stands still for so long is not given up.
const STILL: Duration = Duration::from_secs(10);
/// The longest that a firmware may run: many times what it takes.
const LIMIT: Duration = Duration::from_secs(300);

/// The model that the board's firmware embeds; `kind` is `-int8` for its integer form.
fn model(board: &Board, kind: &str) -> Result<File, Failed> {
    Ok(File::read(&top().join(format!("models/{}{kind}.minnet", board.model)))?)
}

/// Whether the board's firmware trains a network.
fn trains(board: &Board) -> bool {
    board.name != "microbit"
}

fn main() {
    let arguments = Arguments::from_args();
    // The boards by turns: the tests of one wait for each other's builds.
    let mut trials: Vec<_> = BOARDS.iter().flat_map(|board| trials(board).into_iter().enumerate()).collect();
    trials.sort_by_key(|(turn, _)| *turn);
    libtest_mimic::run(&arguments, trials.into_iter().map(|(_, trial)| trial).collect()).exit();
}

fn trials(board: &'static Board) -> Vec<Trial> {
    let found = found(board);
    if let Err(missing) = &found {
        eprintln!("the tests on {} are ignored: {missing}", board.name);
    }
    let is_ignored = found.is_err();
    let device = Arc::new(Device { board, selftest: OnceLock::new(), demo: OnceLock::new() });
    let mut tests: Vec<(&str, Test)> = vec![
        ("classifies_with_the_host_s_bits", classifies_with_the_host_s_bits),
        ("classifies_in_integers_as_the_host", classifies_in_integers_as_the_host),
        ("recognizes_the_demo_s_digits", recognizes_the_demo_s_digits),
        ("serves_with_the_host_s_bits_on_a_bad_line", serves_with_the_host_s_bits_on_a_bad_line),
        ("serves_integers_as_the_host_on_a_bad_line", serves_integers_as_the_host_on_a_bad_line),
        ("trains_other_shapes_to_the_list_s_bits", trains_other_shapes_to_the_list_s_bits),
        ("infers_layers_of_any_size_with_the_list_s_bits", infers_layers_of_any_size_with_the_list_s_bits),
        ("has_no_heap", has_no_heap),
        ("leaves_the_weights_in_flash", leaves_the_weights_in_flash),
        ("fits_the_board_s_memory", fits_the_board_s_memory),
    ];
    if board.name == BOARDS[0].name && cfg!(unix) {
        tests.push(("goes_on_after_it_stood_still", goes_on_after_it_stood_still));
        tests.push(("goes_on_after_the_host_stood_still", goes_on_after_the_host_stood_still));
    }
    if trains(board) {
        tests.push(("trains_to_the_host_s_bits", trains_to_the_host_s_bits));
        tests.push(("learns_from_changed_images_to_the_host_s_bits", learns_from_changed_images_to_the_host_s_bits));
        tests.push(("computes_odd_layers_like_plain_loops", computes_odd_layers_like_plain_loops));
        tests.push(("learns_what_it_is_sent", learns_what_it_is_sent));
    }
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

    /// A conversation with the firmware's service, as long as the board lives, over a line that spoils one byte in so many.
    fn client(&self, one_in: u32) -> Result<(Client, Emulated), Failed> {
        let emulated = Emulated::start(self.board, &self.build(PROGRAM)?)?;
        let line = Faults::new(connect(&emulated.address().to_string())?, one_in, 1);
        Ok((Client::connect(Box::new(line), self.board.name, Timing::default())?.0, emulated))
    }

    fn build(&self, bin: &str) -> Result<PathBuf, String> {
        let toolchain = found(self.board).map_err(|missing| missing.to_string())?;
        firmware::build(&toolchain, self.board, bin, &["qemu"]).map_err(|error| error.to_string())
    }

    fn run(&self, bin: &str) -> Result<Run, String> {
        let elf = self.build(bin)?;
        let ended = firmware::run_in_qemu(self.board, &elf, false, LIMIT).map_err(|error| error.to_string())?;
        let output = String::from_utf8_lossy(&ended.stdout).into_owned();
        if ended.status.success() { Ok(Run { elf, output }) } else { Err(format!("{bin} failed:\n{output}")) }
    }
}

fn classifies_in_integers_as_the_host(device: &Device) -> Result<(), Failed> {
    let mnist = Mnist::load(&default_directory()?)?;
    let file = model(device.board, "-int8")?;
    let images = mnist.test.samples().split_at(IMAGES).0;
    let Contents::Integers(integers) = file.contents()? else { return Err("the model has floats".into()) };
    let logits = integers.logits(images, &Threads::new(0, Vectors::detect())?)?;
    let lines: Vec<&str> = device.selftest()?.output.lines().filter(|line| line.starts_with("int8 ")).collect();
    let expected = logits.chunks(integers.architecture().outputs()).enumerate().map(|(index, logits)| {
        let logits: String = logits.iter().map(|logit| format!(" {logit}")).collect();
        format!("int8 {index}{logits}")
    });
    let expected: Vec<String> = expected.collect();
    match lines.iter().zip(&expected).find(|(line, expected)| line != expected) {
        Some((line, expected)) => Err(format!("the device: {line}\nthe host:   {expected}").into()),
        None if lines.len() == IMAGES => Ok(()),
        None => Err(format!("{} outputs instead of {IMAGES}", lines.len()).into()),
    }
}

fn classifies_with_the_host_s_bits(device: &Device) -> Result<(), Failed> {
    let mnist = Mnist::load(&default_directory()?)?;
    let network = model(device.board, "")?.network()?;
    let images = mnist.test.samples().split_at(IMAGES).0;
    let expected = host::train::outputs(network.layers(), images, &Threads::new(0, Vectors::detect())?)?;
    let lines: Vec<&str> = device.selftest()?.output.lines().filter(|line| line.starts_with("out ")).collect();
    if lines.len() != IMAGES {
        return Err(format!("{} outputs instead of {IMAGES}", lines.len()).into());
    }
    for (index, (line, output)) in lines.iter().zip(expected.iter()).enumerate() {
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

fn learns_from_changed_images_to_the_host_s_bits(device: &Device) -> Result<(), Failed> {
    let expected = format!("augmented {}", tests::training::AUGMENTED_HASH);
    let output = &device.selftest()?.output;
    if output.lines().any(|line| line == expected) {
        Ok(())
    } else {
        Err(format!("{expected} is not in:\n{output}").into())
    }
}

fn trains_other_shapes_to_the_list_s_bits(device: &Device) -> Result<(), Failed> {
    let Run { output, .. } = device.run("shapes")?;
    for (name, hash) in tests::shapes::hashes() {
        let expected = format!("shape {name} {hash:016x}");
        if !output.lines().any(|line| line == expected) {
            return Err(format!("{expected} is not in:\n{output}").into());
        }
    }
    Ok(())
}

fn infers_layers_of_any_size_with_the_list_s_bits(device: &Device) -> Result<(), Failed> {
    let Run { output, .. } = device.run("layers")?;
    let lines: Vec<_> = output.lines().filter_map(|line| line.strip_prefix("layers ")).collect();
    let mut memory = Box::new(Memory::<20_000, 9216>::NEW);
    let large = if trains(device.board) { 2 } else { 0 };
    if lines.len() != 15 + large {
        return Err(format!("another number of networks:\n{output}").into());
    }
    for line in lines {
        let (text, hashes) = line.split_once("; ").ok_or_else(|| line.to_owned())?;
        let network = Architecture::parse(text)?;
        let expected = memory.of_list(network.layers()).ok_or("the network does not fit")?;
        let expected = expected.map(|hash| format!("{hash:016x}")).join(" ");
        if hashes != expected {
            return Err(format!("{text}: {hashes} there, {expected} here (floats, then each width)").into());
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

fn serves_with_the_host_s_bits_on_a_bad_line(device: &Device) -> Result<(), Failed> {
    let mnist = Mnist::load(&default_directory()?)?;
    let (images, _) = mnist.test.samples().split_at(STREAMED);
    let network = model(device.board, "")?.network()?;
    let expected = host::train::outputs(network.layers(), images, &Threads::new(0, Vectors::detect())?)?;
    let (mut client, _board) = device.client(FAULTS)?;
    for (index, ((image, _), expected)) in images.digits().zip(expected.iter()).enumerate() {
        let outputs = client.classify(Which::Embedded, image)?.values();
        if outputs != expected {
            return Err(format!("image {index}: {outputs:?} there, {expected:?} here").into());
        }
    }
    Ok(())
}

fn serves_integers_as_the_host_on_a_bad_line(device: &Device) -> Result<(), Failed> {
    let mnist = Mnist::load(&default_directory()?)?;
    let (images, _) = mnist.test.samples().split_at(STREAMED);
    let file = model(device.board, "-int8")?;
    let Contents::Integers(integers) = file.contents()? else { return Err("the model has floats".into()) };
    let logits = integers.logits(images, &Threads::new(0, Vectors::detect())?)?;
    let (mut client, _board) = device.client(FAULTS)?;
    let expected = logits.chunks(integers.architecture().outputs());
    for (index, ((image, _), expected)) in images.digits().zip(expected).enumerate() {
        let logits = client.classify(Which::Integers, image)?.logits();
        if logits != expected {
            return Err(format!("image {index}: {logits:?} there, {expected:?} here").into());
        }
    }
    Ok(())
}

fn goes_on_after_it_stood_still(device: &Device) -> Result<(), Failed> {
    let mnist = Mnist::load(&default_directory()?)?;
    let (images, _) = mnist.test.samples().split_at(10);
    let network = model(device.board, "")?.network()?;
    let expected = host::train::outputs(network.layers(), images, &Threads::new(0, Vectors::detect())?)?;
    let (mut client, board) = device.client(0)?;
    for (index, ((image, _), expected)) in images.digits().zip(expected.iter()).enumerate() {
        let going_on = (index == 5).then(|| stand_still(&format!("-{}", board.group())));
        if client.classify(Which::Embedded, image)?.values() != expected {
            return Err(format!("image {index}: other outputs").into());
        }
        going_on.map(Still::go_on).transpose()?;
    }
    Ok(())
}

fn goes_on_after_the_host_stood_still(device: &Device) -> Result<(), Failed> {
    let emulated = Emulated::start(device.board, &device.build(PROGRAM)?)?;
    let host = tests::build::programs(&["--bin", "host"], env!("CARGO_TARGET_TMPDIR")).join("host");
    let (address, images) = (emulated.address().to_string(), 200);
    let mut host = Command::new(host);
    host.args(["device", "--tcp", &address, "eval", "--images", &images.to_string(), "--json"]);
    let child = host.stdout(Stdio::piped()).spawn()?;
    // It has begun by then, and is not done: the emulated board alone takes longer for so many images.
    std::thread::sleep(Duration::from_secs(1));
    stand_still(&child.id().to_string()).go_on()?;
    let output = child.wait_with_output()?;
    let json: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    match json["agree"].as_u64() {
        Some(agree) if agree == images => Ok(()),
        agree => Err(format!("{agree:?} of {images} images").into()),
    }
}

/// A process that stands still.
struct Still(std::thread::JoinHandle<std::io::Result<std::process::ExitStatus>>);

/// Stops a process, or with a `-` before its number a group of them, for a while.
fn stand_still(process: &str) -> Still {
    let signal = |name: &str, process: &str| Command::new("kill").args([name, "--", process]).status();
    let process = process.to_owned();
    // Before anything else is done with it.
    let stopped = signal("-STOP", &process);
    Still(std::thread::spawn(move || {
        stopped?;
        std::thread::sleep(STILL);
        signal("-CONT", &process)
    }))
}

impl Still {
    /// Waits until it goes on.
    fn go_on(self) -> Result<(), Failed> {
        let status = self.0.join().map_err(|_| "the thread has panicked")??;
        if status.success() { Ok(()) } else { Err("it ended before".into()) }
    }
}

fn learns_what_it_is_sent(device: &Device) -> Result<(), Failed> {
    let mnist = Mnist::load(&default_directory()?)?;
    let (training, _) = mnist.train.samples().split_at(STREAMED);
    let (mut client, _board) = device.client(FAULTS)?;
    let [there, here] = tests::device::train(&mut client, training)?;
    let identity = client.identity()?;
    let ram = identity.ram_bytes + identity.stack_bytes;
    match (there == here, ram <= 108_000) {
        (true, true) => Ok(()),
        (true, false) => Err(format!("it takes {ram} bytes of RAM, stack included").into()),
        (false, _) => Err(format!("the weights' hash is {there:016x} there, {here:016x} here").into()),
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
    let size = 4 * model(device.board, "")?.network()?.parameters().len() as u64;
    match report.symbol("firmware_demo::nets::DIGITS") {
        Some(symbol)
            if device.board.flash.contains(&symbol.address) && symbol.section == ".rodata" && symbol.size == size =>
        {
            Ok(())
        }
        other => Err(format!("the {size} bytes of weights are at {other:?}").into()),
    }
}

fn fits_the_board_s_memory(device: &Device) -> Result<(), Failed> {
    let (flash, ram) = (&device.board.flash, &device.board.ram);
    for run in [device.selftest()?, device.demo()?] {
        let report = elf::Report::read(&run.elf, device.board)?;
        if report.flash > flash.end - flash.start || report.ram + report.stack > ram.end - ram.start {
            return Err(format!("{} takes {report:?}", run.elf.display()).into());
        }
    }
    let Run { elf, output } = device.selftest()?;
    let stack = elf::Report::read(elf, device.board)?.stack;
    let peak = output.lines().find_map(|line| line.strip_prefix("stack ")?.parse::<u64>().ok());
    match peak {
        // A stack that was painted nowhere, or overwritten everywhere, would seem full.
        Some(peak) if 0 < peak && peak < stack => Ok(()),
        other => Err(format!("{other:?} of {stack} bytes of stack are in use").into()),
    }
}
