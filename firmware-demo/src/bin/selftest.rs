//! For tests on a PC: every bit of two hundred inferences and of a training run, in lines for a program to read.
//!
//! - `kernels exact`: layers of odd sizes give the bits of plain loops;
//! - `out INDEX HEX…`: the ten outputs for a test image, each as the eight hexadecimal digits of its 32 bits;
//! - `ticks N`: the counter's ticks in the last inference;
//! - `hash HEX`: the hash of the weights after training;
//! - `stack N`: the most bytes of stack in use at any time.
#![no_std]
#![no_main]

use core::fmt;
use cortex_m_rt::entry;
use firmware_demo::board::{Board, Chosen, memory};
use firmware_demo::end::end;
use firmware_demo::images;
use firmware_demo::kernels;
use firmware_demo::nets::{BATCH, DIGITS, SCRATCH, SMALL};
use firmware_demo::training;
use minnet::prelude::*;

#[entry]
fn main() -> ! {
    end(test(&mut Chosen::start()))
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
    writeln!(board, "kernels {}", if kernels::are_exact() { "exact" } else { "differ" })?;
    let images::Images { pixels, labels } = images::TRAINING;
    let hash = training::run(SMALL.take(), BATCH.take(), pixels, labels, &Serial, |_| {});
    writeln!(board, "hash {hash:016x}")?;
    writeln!(board, "stack {}", memory::stack_peak())
}
