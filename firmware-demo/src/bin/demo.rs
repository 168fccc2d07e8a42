//! Recognizes ten digits with the embedded model, trains a small network where the board has the memory, and says what
//! it took.
#![no_std]
#![no_main]

use core::fmt;
use firmware_demo::board::{Board, memory};
use firmware_demo::images;
use firmware_demo::nets::{DIGITS, Digits, SCRATCH};
use firmware_demo::picture::{Decimal, Picture};
use firmware_demo::processor::entry;
use firmware_demo::run::run;
use minnet::prelude::*;

#[entry]
fn main() -> ! {
    run(demo)
}

fn demo<B: Board>(board: &mut B) -> fmt::Result {
    writeln!(board, "\nminnet on {}; a tick is {}", B::NAME, B::TICK)?;
    recognize(board)?;
    #[cfg(feature = "training")]
    train(board)?;
    sizes(board)?;
    writeln!(board, "done")
}

/// Shows ten digits that the model has not been trained on, and what it makes of them.
fn recognize<B: Board>(board: &mut B) -> fmt::Result {
    let scratch = SCRATCH.take();
    let mut right = 0;
    let mut ticks = 0;
    for (image, &label) in images::DIGITS.pixels.iter().zip(images::DIGITS.labels) {
        let start = board.ticks();
        let mut scores = DIGITS.infer_pixels(image, scratch);
        ticks = board.ticks().wrapping_sub(start);

        writeln!(board, "\n{}", Picture(image))?;
        write!(board, "label {label}, recognized as {}:", argmax(&scores))?;
        right += usize::from(argmax(&scores) == usize::from(label));
        for _ in 0..3 {
            let best = argmax(&scores);
            write!(board, "  {best} {}", Decimal(scores[best]))?;
            scores[best] = f32::NEG_INFINITY;
        }
        writeln!(board)?;
    }
    writeln!(board, "\n{right} of {} right; one inference takes {ticks} ticks", images::DIGITS.labels.len())
}

/// Trains the small network.
#[cfg(feature = "training")]
fn train<B: Board>(board: &mut B) -> fmt::Result {
    use device::training::{self, Small};
    use firmware_demo::nets::{BATCH, SMALL};
    let (net, batch) = (SMALL.take(), BATCH.take());
    let data = images::TRAINING;
    writeln!(board, "\ntraining {} on {} images", Small::ARCHITECTURE, data.labels.len())?;
    let (mut ticks, mut last) = (0, board.ticks());
    let mut written = Ok(());
    let hash = training::run(net, batch, data.pixels, data.labels, &training::PLAIN, &Serial, |progress| {
        let training::Progress { epoch, cost, accuracy } = progress;
        // The counter may begin again in a run of minutes, but not twice in an epoch.
        ticks += u64::from(board.ticks().wrapping_sub(last));
        last = board.ticks();
        let line = writeln!(board, "epoch {epoch}: cost {}, accuracy {}", Decimal(cost), Decimal(accuracy));
        written = written.and(line);
    });
    written?;
    writeln!(board, "hash of the weights: {hash:016x}, after {ticks} ticks")
}

/// What the program takes.
fn sizes<B: Board>(board: &mut B) -> fmt::Result {
    writeln!(board, "\nflash {} bytes, {} of them the model's weights", memory::flash(), Digits::FLASH_BYTES)?;
    writeln!(board, "static RAM {} bytes, {} of them for inference", memory::statics(), Digits::RAM_BYTES)?;
    writeln!(board, "stack at most {} of {} bytes", memory::stack_peak(), memory::stack())
}
