//! For tests on a PC: trains small networks of other shapes than the demo's, on every board, and says what came of each, in
//! lines for a program to read: `shape NAME HEX`, the hash of the weights.
#![no_std]
#![no_main]

use core::fmt;
use device::shapes::{self, Averaged, Dropped, Flattened, MEMORY, Signal, Strided, Unpooled};
use firmware_demo::board::Board;
use firmware_demo::processor::entry;
use firmware_demo::run::run;
use minnet::prelude::{CrossEntropy, LogLikelihood, Quadratic};
use static_cell::ConstStaticCell;

static DROPPED: ConstStaticCell<Dropped> = ConstStaticCell::new(Dropped::ZERO);
static UNPOOLED: ConstStaticCell<Unpooled> = ConstStaticCell::new(Unpooled::ZERO);
static FLATTENED: ConstStaticCell<Flattened> = ConstStaticCell::new(Flattened::ZERO);
static AVERAGED: ConstStaticCell<Averaged> = ConstStaticCell::new(Averaged::ZERO);
static STRIDED: ConstStaticCell<Strided> = ConstStaticCell::new(Strided::ZERO);
static SIGNAL: ConstStaticCell<Signal> = ConstStaticCell::new(Signal::ZERO);
static MINI_BATCH: ConstStaticCell<[f32; MEMORY]> = ConstStaticCell::new([0.0; MEMORY]);

#[entry]
fn main() -> ! {
    run(train)
}

fn train<B: Board>(board: &mut B) -> fmt::Result {
    let memory = MINI_BATCH.take();
    let dropped = shapes::run::<_, _, CrossEntropy>(DROPPED.take(), memory);
    writeln!(board, "shape dropped {dropped:016x}")?;
    let unpooled = shapes::run::<_, _, LogLikelihood>(UNPOOLED.take(), memory);
    writeln!(board, "shape unpooled {unpooled:016x}")?;
    let flattened = shapes::run::<_, _, Quadratic>(FLATTENED.take(), memory);
    writeln!(board, "shape flattened {flattened:016x}")?;
    let averaged = shapes::run::<_, _, LogLikelihood>(AVERAGED.take(), memory);
    writeln!(board, "shape averaged {averaged:016x}")?;
    let strided = shapes::run::<_, _, CrossEntropy>(STRIDED.take(), memory);
    writeln!(board, "shape strided {strided:016x}")?;
    let signal = shapes::run::<_, _, LogLikelihood>(SIGNAL.take(), memory);
    writeln!(board, "shape signal {signal:016x}")
}
