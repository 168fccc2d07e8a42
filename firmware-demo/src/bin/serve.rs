//! Serves requests over the serial port: `host device` asks, and this answers.
#![no_std]
#![no_main]

use core::fmt::Write;
use cortex_m_rt::entry;
use firmware_demo::board::{Board, Chosen, memory};
use firmware_demo::nets::{BUFFERS, DIGITS, LEARNING, PIXELS};
use firmware_demo::service::{About, Device};
use wire::Server;

#[entry]
fn main() -> ! {
    let mut board = Chosen::start();
    // For a person at a terminal; `host device` takes it for noise. Nobody need be there to read it.
    let _ = write!(board, "\n{} is ready for `host device`\n\0", Chosen::NAME);
    let board = &board;
    let about = About {
        board: Chosen::NAME,
        flash: memory::flash() as u32,
        ram: memory::statics() as u32,
        stack: &|| memory::stack_peak() as u32,
        ticks: &|| board.ticks(),
    };
    // Without a scratch of its own the embedded network works in the memory of the one that learns: there is no room
    // for both.
    let device = Device::new(about, &DIGITS, &mut [], Some(LEARNING.take()), PIXELS.take());
    let mut server = Server::new(device, BUFFERS.take());
    loop {
        server.push(board.receive()).iter().for_each(|&byte| board.send(byte));
    }
}
