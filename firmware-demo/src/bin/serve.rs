//! Serves requests over the serial port: `host device` asks, and this answers.
#![no_std]
#![no_main]

use core::fmt;
use device::{About, Device};
use firmware_demo::board::{Board, memory};
use firmware_demo::nets::{BUFFERS, DIGITS, DIGITS_INT8, PIXELS};
use firmware_demo::processor::entry;
use firmware_demo::run::run;
use wire::Server;

#[entry]
fn main() -> ! {
    run(serve)
}

fn serve<B: Board + Sync>(board: &mut B) -> fmt::Result {
    // For a person at a terminal; `host device` takes it for noise. Nobody need be there to read it.
    write!(board, "\n{} is ready for `host device`\n\0", B::NAME)?;
    let board = &*board;
    let about = About {
        board: B::NAME,
        flash: memory::flash() as u32,
        ram: memory::statics() as u32,
        stack: &|| memory::stack_peak() as u32,
        ticks: &|| board.ticks(),
    };
    // Without a scratch of their own the embedded networks work in the memory of the one that learns: a board that has
    // one has no room for both.
    #[cfg(feature = "training")]
    let (scratch, learning) = (&mut [], Some(firmware_demo::nets::LEARNING.take()));
    #[cfg(not(feature = "training"))]
    let (scratch, learning) = (firmware_demo::nets::SCRATCH_EITHER.take(), None);
    let device = Device::new(about, &DIGITS, DIGITS_INT8, scratch, learning, PIXELS.take());
    let mut server = Server::new(device, BUFFERS.take());
    loop {
        server.push(board.receive()).iter().for_each(|&byte| board.send(byte));
    }
}
