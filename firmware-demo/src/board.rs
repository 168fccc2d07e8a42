//! What the programs need of a board, and the choice of one.
//!
//! A board is a feature, two files in `board/` of the feature's name (the code, and the linker's memory layout), and
//! two lines here.

use core::fmt;

pub mod memory;
#[cfg(feature = "microbit")]
mod microbit;
#[cfg(feature = "mps2_an386")]
mod mps2_an386;
mod register;
#[cfg(feature = "stm32f405")]
mod stm32f405;
#[cfg(feature = "virt")]
mod virt;

#[cfg(feature = "microbit")]
pub use microbit::Microbit as Chosen;
#[cfg(feature = "mps2_an386")]
pub use mps2_an386::Mps2An386 as Chosen;
#[cfg(feature = "stm32f405")]
pub use stm32f405::Stm32f405 as Chosen;
#[cfg(feature = "virt")]
pub use virt::Virt as Chosen;

/// A board, as a serial port and a counter. In text a line feed is sent with a carriage return before it.
pub trait Board: fmt::Write + Sized {
    /// The microcontroller's name.
    const NAME: &'static str;
    /// What one tick of the counter is, in words.
    const TICK: &'static str;

    /// Sets up the port and the counter. It may be called again, and a handler of panics and faults does so: it then
    /// finds the port usable, whatever was being done.
    fn start() -> Self;

    /// Waits for a byte from the serial port. Bytes that arrive while nobody waits may be lost.
    fn receive(&self) -> u8;

    /// Sends a byte as it is.
    fn send(&self, byte: u8);

    /// The counter, which runs on from 2³² - 1 to 0.
    fn ticks(&self) -> u32;

    /// Ends QEMU, with exit code 0 on success and 1 else; on silicon, returns.
    fn exit(success: bool);
}

impl fmt::Write for Chosen {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            if byte == b'\n' {
                self.send(b'\r');
            }
            self.send(byte);
        }
        Ok(())
    }
}
