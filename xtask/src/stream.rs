//! What a whole test set comes to that is streamed to each board in QEMU, and a training run there: docs/device.md's
//! second part.

use crate::board::BOARDS;
use crate::document::{rewrite, thousands};
use crate::{Error, Toolchain, host, qemu, top};
use serde::Deserialize;
use std::fmt::Write;

/// One byte in so many is spoiled on the way, in the second run of each model.
const FAULTS: &str = "1000";
/// Instructions of a tick of the counter on the board that learns: it runs at 168 MHz.
const INSTRUCTIONS: f64 = 1000.0 / 168.0;

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

/// Streams the test set to every board, in floats and in integers, over a good line and over a bad one; has the first
/// board learn; and writes the document.
///
/// # Errors
/// Those of [`Toolchain::provide`] and [`qemu::provide`]; [`Error::Failed`] where a board does not give this machine's
/// bytes; [`Error::Io`] where the document cannot be written.
pub fn stream() -> Result<(), Error> {
    let mut text = "\n| board | network | line | right | same bytes as the host | requests repeated | seconds |\n\
                    |---|---|---|---|---|---|---|\n"
        .to_owned();
    for board in BOARDS {
        Toolchain::provide(board.target)?;
        qemu::provide(board.emulator)?;
        for kind in ["", "-int8"] {
            for faults in ["0", FAULTS] {
                let model = format!("models/{}{kind}.minnet", board.model);
                let eval: Eval =
                    host::json(&["device", "--qemu", board.name, "--faults", faults, "eval", "--model", &model])?;
                let Eval { board, net, weights, repeats, seconds, .. } = &eval;
                let line = if faults == FAULTS { "1 byte in 1,000 spoiled" } else { "good" };
                let [images, right, agree] = [eval.images, eval.right, eval.agree].map(thousands);
                // Writing to a string does not fail.
                let _ = writeln!(
                    text,
                    "| {board} | `{net}`, {weights} | {line} | {right} | {agree} of {images} | {repeats} | {seconds:.0} |"
                );
            }
        }
    }
    for faults in ["0", FAULTS] {
        let train: Train = host::json(&["device", "--qemu", BOARDS[0].name, "--faults", faults, "train"])?;
        text += &trained(&train, faults == FAULTS);
    }
    rewrite(&top().join("docs/device.md"), "stream", &(text + "\n"))
}

fn trained(train: &Train, on_a_bad_line: bool) -> String {
    let Train { board, net, weight_hash, repeats, seconds, .. } = train;
    let line = if on_a_bad_line { ", 1 byte in 1,000 spoiled" } else { "" };
    let there = train.device_weight_hash.as_deref().unwrap_or("unknown");
    let stack = train.stack_bytes.unwrap_or(0);
    let instructions = (train.ticks as f64 * INSTRUCTIONS).round() as u64;
    format!(
        "\n{board} learned a fresh `{net}` from {} images{line}: weights' hash {there} there, {weight_hash} here; {} of \
         {} test images right; {} instructions a step; {} bytes of RAM, {} of them stack; {repeats} requests repeated; \
         {seconds:.0} s.\n",
        thousands(train.images),
        thousands(train.test.right),
        thousands(train.test.images),
        thousands(instructions),
        thousands(train.ram_bytes + stack),
        thousands(stack)
    )
}
