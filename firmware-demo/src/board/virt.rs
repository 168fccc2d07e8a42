//! QEMU's `virt`, a RISC-V machine that stands for no chip: a 16550 UART, and a device that ends QEMU.
//!
//! The UART is at work when the program starts, and has no rate that would matter.

use super::Board;
use super::register::Register;
use crate::processor;
use riscv::register::{Permission, Range, pmpaddr0, pmpcfg0};

/// Data, to send and received, and the line's status (bit 0: a byte has come; bit 5: room for a byte).
const UART_DATA: Register<u8> = Register::at(0x1000_0000);
const UART_LSR: Register<u8> = Register::at(0x1000_0005);

/// The device for tests: ends QEMU, with exit code 0, or with the one in the upper 16 bits.
const TEST: Register = Register::at(0x10_0000);
const TEST_PASS: u32 = 0x5555;
const TEST_FAIL: u32 = 0x3333;

const _: () = assert!(
    matches!(env!("TARGET").as_bytes(), b"riscv32imac-unknown-none-elf"),
    "give --target riscv32imac-unknown-none-elf"
);

/// The board; there is nothing to keep.
pub struct Virt;

impl Board for Virt {
    const NAME: &'static str = "QEMU's virt (RISC-V)";
    const TICK: &'static str = "an instruction";

    fn start() -> Self {
        protect_flash();
        Self
    }

    fn receive(&self) -> u8 {
        while UART_LSR.read() & 1 == 0 {}
        UART_DATA.read()
    }

    fn send(&self, byte: u8) {
        while UART_LSR.read() & 1 << 5 == 0 {}
        UART_DATA.write(byte);
    }

    fn ticks(&self) -> u32 {
        processor::instructions()
    }

    fn exit(success: bool) {
        TEST.write(if success { TEST_PASS } else { 1 << 16 | TEST_FAIL });
    }
}

/// Makes a fault of what a chip would not let happen: writing to flash, where also a stack ends up that grows too far.
#[allow(unsafe_code)]
fn protect_flash() {
    let (start, size) = (0x8000_0000, 1 << 20);
    // SAFETY: the program can still do with all of its memory what it does.
    unsafe {
        // An address and a size, a power of two, in one number; it counts words.
        pmpaddr0::write(start >> 2 | ((size >> 3) - 1));
        pmpcfg0::set_pmp(0, Range::NAPOT, Permission::RX, true);
    }
}
