//! What a whole test set comes to that is streamed to each board in QEMU, and a training run there: docs/device.md's
//! second part. What `host device` said stays in docs/stream.json; an interrupted run goes on where it stopped.

use super::document::{rewrite, thousands};
use super::replace;
use crate::{Error, host};
use emulator::board::BOARDS;
use emulator::serial::{Emulated, PROGRAM};
use emulator::{Board, Toolchain, firmware, qemu, top};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::fs;
use std::path::PathBuf;

/// One byte in so many is spoiled on the way, in the second run of each model.
const FAULTS: &str = "1000";
/// What `host device eval --json` prints, in part.
#[derive(Deserialize)]
struct Eval {
    board: String,
    net: String,
    weights: String,
    images: u64,
    right: u64,
    agree: u64,
    repeats: u64,
    seconds: f64,
}

/// What `host device train --json` prints, in part.
#[derive(Deserialize)]
struct Train {
    board: String,
    net: String,
    images: u64,
    weight_hash: String,
    device_weight_hash: Option<String>,
    test: Score,
    ticks: u64,
    repeats: u64,
    ram_bytes: u64,
    stack_bytes: Option<u64>,
    seconds: f64,
}

#[derive(Deserialize)]
struct Score {
    right: u64,
    images: u64,
}

/// Streams the test set to every board, to its integer network, and to that in floats where there is an FPU, over a good
/// line and over a bad one; has that board learn; and writes the document. With `again`, nothing is taken from the record.
///
/// # Errors
/// Those of [`Toolchain::provide`] and [`qemu::provide`]; [`emulator::Error::Failed`] where a board does not give this machine's
/// bytes; [`Error::Answer`] for a damaged record; [`emulator::Error::Io`] where record or document cannot be written.
pub fn stream(again: bool) -> Result<(), Error> {
    for board in BOARDS {
        qemu::provide(board.emulator)?;
    }
    let mut record = Record::open(again)?;
    let mut text = "\n| board | network | line | right | same bytes as the host | requests repeated | seconds |\n\
                    |---|---|---|---|---|---|---|\n"
        .to_owned();
    for (board, kind) in BOARDS.iter().map(|board| (board, "-int8")).chain([(&BOARDS[0], "")]) {
        for faults in ["0", FAULTS] {
            let model = format!("models/{}{kind}.minnet", board.model);
            let eval = record.of(board, &["--faults", faults, "eval", "--model", &model])?;
            text += &evaluated(&read(eval)?, faults);
        }
    }
    for faults in ["0", FAULTS] {
        let train = record.of(&BOARDS[0], &["--faults", faults, "train"])?;
        text += &trained(&read(train)?, faults);
    }
    rewrite(&top().join("docs/device.md"), "stream", &(text + "\n"))
}

/// What was said to each command so far.
struct Record {
    path: PathBuf,
    said: Map<String, Value>,
}

impl Record {
    fn open(again: bool) -> Result<Self, Error> {
        let path = top().join("docs/stream.json");
        if again || !path.exists() {
            return Ok(Self { path, said: Map::new() });
        }
        let text = fs::read_to_string(&path).map_err(Error::io("read", &path))?;
        Ok(Self { said: serde_json::from_str(&text).map_err(unexpected)?, path })
    }

    /// What `cargo xtask device BOARD` says to these arguments.
    fn of(&mut self, board: &Board, arguments: &[&str]) -> Result<Value, Error> {
        let command = format!("device {} {}", board.name, arguments.join(" "));
        if let Some(said) = self.said.get(&command) {
            return Ok(said.clone());
        }
        let elf = firmware::build(&Toolchain::provide(board.target)?, board, PROGRAM, &["qemu"])?;
        let emulated = Emulated::start(board, &elf)?;
        let address = emulated.address().to_string();
        let said: Value = host::json(&[&["device", "--tcp", &address], arguments].concat())?;
        self.said.insert(command, said.clone());
        let text = serde_json::to_string_pretty(&self.said).map_err(unexpected)?;
        replace(&self.path, &(text + "\n"))?;
        Ok(said)
    }
}

fn read<T: serde::de::DeserializeOwned>(said: Value) -> Result<T, Error> {
    serde_json::from_value(said).map_err(unexpected)
}

fn unexpected(error: serde_json::Error) -> Error {
    Error::Answer {
        program: "docs/stream.json".into(),
        said: format!("{error}; `cargo xtask stream --again` makes it"),
    }
}

/// What is said of a line.
fn line(faults: &str) -> &'static str {
    if faults == "0" { "good" } else { "1 byte in 1,000 spoiled" }
}

fn evaluated(eval: &Eval, faults: &str) -> String {
    let Eval { board, net, weights, repeats, seconds, .. } = eval;
    let [images, right, agree, repeats] = [eval.images, eval.right, eval.agree, *repeats].map(thousands);
    let line = line(faults);
    format!("| {board} | `{net}`, {weights} | {line} | {right} | {agree} of {images} | {repeats} | {seconds:.0} |\n")
}

fn trained(train: &Train, faults: &str) -> String {
    let Train { board, net, weight_hash, repeats, seconds, .. } = train;
    let line = line(faults);
    let there = train.device_weight_hash.as_deref().unwrap_or("unknown");
    let stack = train.stack_bytes.unwrap_or(0);
    format!(
        "\n{board} learned a fresh `{net}` from {} images (line: {line}): the weights' hash is {there} there and \
         {weight_hash} here; {} of {} test images right; {} instructions a step; {} bytes of RAM, {} of them stack; {} \
         repeated; {seconds:.0} s.\n",
        thousands(train.images),
        thousands(train.test.right),
        thousands(train.test.images),
        // A tick of the first board's counter is an instruction in QEMU.
        thousands(train.ticks),
        thousands(train.ram_bytes + stack),
        thousands(stack),
        if *repeats == 1 { "1 request".into() } else { format!("{} requests", thousands(*repeats)) }
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_training_run_is_told_with_all_its_ram() {
        let said = serde_json::json!({
            "board": "a board", "net": "784-30-10", "images": 10_000, "weight_hash": "ab", "device_weight_hash": "ab",
            "test": { "right": 8_900, "images": 10_000 }, "ticks": 100_000, "repeats": 3, "ram_bytes": 100_000,
            "stack_bytes": 1_500, "seconds": 9.6
        });
        let text = trained(&read(said).unwrap(), "0");
        assert!(text.contains("100,000 instructions a step; 101,500 bytes of RAM, 1,500 of them stack"), "{text}");
        assert!(text.contains("8,900 of 10,000 test images right"), "{text}");
    }
}
