//! QEMU's mps2-an386, a Cortex-M4F on ARM's board for trying out processors: it has room for networks that no chip of
//! that kind takes, which can be counted here. UART0 sends; a counter of the board's own runs at 25 MHz.
//!
//! Addresses and bits are from ARM's application note 386 and the CMSDK's technical reference manual.

use super::Board;
use super::register::Register;
use crate::processor;

/// Data, state (bit 0: no room for a byte; bit 1: a byte has come), control (bit 0: sends; bit 1: receives), clock divisor (at least 16).
const UART0_DATA: Register = Register::at(0x4000_4000);
const UART0_STATE: Register = Register::at(0x4000_4004);
const UART0_CTRL: Register = Register::at(0x4000_4008);
const UART0_BAUDDIV: Register = Register::at(0x4000_4010);

/// Counts from the start on, and is 32 bits wide.
const COUNTER: Register = Register::at(0x4002_8018);

/// The board; there is nothing to keep.
pub struct Mps2An386;

impl Board for Mps2An386 {
    const NAME: &'static str = "MPS2 AN386";
    const TICK: &'static str = "a cycle at 25 MHz; in QEMU with -icount shift=0, 40 instructions";

    fn start() -> Self {
        UART0_BAUDDIV.write(16);
        UART0_CTRL.write(3);
        Self
    }

    fn receive(&self) -> u8 {
        while UART0_STATE.read() & 2 == 0 {}
        UART0_DATA.read() as u8
    }

    fn send(&self, byte: u8) {
        while UART0_STATE.read() & 1 != 0 {}
        UART0_DATA.write(u32::from(byte));
    }

    fn ticks(&self) -> u32 {
        COUNTER.read()
    }

    fn exit(success: bool) {
        processor::exit(success);
    }
}
