//! For tests on a PC, in lines for a program to read: every bit of two hundred inferences, with floats and with
//! integers, and, where the board has the memory, of two training runs.
//!
//! - `kernels exact`: layers of odd sizes give the bits of plain loops;
//! - `out INDEX HEX…`: the ten outputs for a test image, each as the eight hexadecimal digits of its 32 bits;
//! - `ticks N`: the counter's ticks in the last inference;
//! - `int8 INDEX N…`: the ten logits of the integer network, and its `ticks of int8 N`;
//! - `hash HEX` and `augmented HEX`: the hash of the weights after training, on the images as they are and on changed ones;
//! - `stack N`: the most bytes of stack in use at any time.
#![no_std]
#![no_main]

use core::fmt;
use firmware_demo::board::{Board, memory};
use firmware_demo::images;
use firmware_demo::nets::{DIGITS, DIGITS_INT8, SCRATCH, SCRATCH_INT8};
use firmware_demo::processor::entry;
use firmware_demo::run::run;

#[entry]
fn main() -> ! {
    run(test)
}

fn test<B: Board>(board: &mut B) -> fmt::Result {
    let scratch = SCRATCH.take();
    let mut ticks = 0;
    for (index, image) in images::TEST.pixels.iter().enumerate() {
        let start = board.ticks();
        let output = DIGITS.infer_pixels(image, scratch);
        ticks = board.ticks().wrapping_sub(start);
        write!(board, "out {index}")?;
        for value in output {
            write!(board, " {:08x}", value.to_bits())?;
        }
        writeln!(board)?;
    }
    writeln!(board, "ticks {ticks}")?;
    let scratch = SCRATCH_INT8.take();
    for (index, image) in images::TEST.pixels.iter().enumerate() {
        let start = board.ticks();
        let logits = DIGITS_INT8.infer_pixels(image, scratch);
        ticks = board.ticks().wrapping_sub(start);
        write!(board, "int8 {index}")?;
        for logit in logits {
            write!(board, " {logit}")?;
        }
        writeln!(board)?;
    }
    writeln!(board, "ticks of int8 {ticks}")?;
    #[cfg(feature = "training")]
    train(board)?;
    writeln!(board, "stack {}", memory::stack_peak())
}

#[cfg(feature = "training")]
fn train<B: Board>(board: &mut B) -> fmt::Result {
    use device::training;
    use firmware_demo::nets::{BATCH, SMALL};

    writeln!(board, "kernels {}", if firmware_demo::kernels::are_exact() { "exact" } else { "differ" })?;
    let images::Images { pixels, labels } = images::TRAINING;
    let (net, batch) = (SMALL.take(), BATCH.take());
    for (name, course) in [("hash", training::PLAIN), ("augmented", training::AUGMENTED)] {
        let hash = training::run(net, batch, pixels, labels, &course, &minnet::prelude::Serial, |_| {});
        writeln!(board, "{name} {hash:016x}")?;
    }
    Ok(())
}
