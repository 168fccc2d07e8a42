//! QEMU's mps2-an386, a Cortex-M4F on ARM's board for trying out processors: it has room for networks that no chip of
//! that kind takes, which can be counted here. UART0 sends; a counter of the board's own runs at 25 MHz.
//!
//! Addresses and bits are from ARM's application note 386 and the CMSDK's technical reference manual.

use super::Board;
use core::fmt;

/// Data, state (bit 0: no room for a byte), control (bit 0: sends), clock divisor (at least 16).
const UART0_DATA: Register = Register(0x4000_4000);
const UART0_STATE: Register = Register(0x4000_4004);
const UART0_CTRL: Register = Register(0x4000_4008);
const UART0_BAUDDIV: Register = Register(0x4000_4010);

/// Counts from the start on, and is 32 bits wide.
const COUNTER: Register = Register(0x4002_8018);

/// The board; there is nothing to keep.
pub struct Mps2An386;

impl Board for Mps2An386 {
    const NAME: &'static str = "MPS2 AN386";
    const TICK: &'static str = "a cycle at 25 MHz; in QEMU with -icount shift=0, 40 instructions";

    fn start() -> Self {
        UART0_BAUDDIV.write(16);
        UART0_CTRL.write(1);
        Self
    }

    fn ticks(&self) -> u32 {
        COUNTER.read()
    }
}

impl fmt::Write for Mps2An386 {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            if byte == b'\n' {
                send(b'\r');
            }
            send(byte);
        }
        Ok(())
    }
}

fn send(byte: u8) {
    while UART0_STATE.read() & 1 != 0 {}
    UART0_DATA.write(u32::from(byte));
}

/// A register, by its address. None but those above may be made.
struct Register(usize);

#[allow(unsafe_code)]
impl Register {
    fn read(&self) -> u32 {
        // SAFETY: the address is that of a register of this board; reading those above changes nothing in memory.
        unsafe { (self.0 as *const u32).read_volatile() }
    }

    fn write(&self, value: u32) {
        // SAFETY: the address is that of a register of this board, and none of those above leads to memory.
        unsafe { (self.0 as *mut u32).write_volatile(value) }
    }
}
