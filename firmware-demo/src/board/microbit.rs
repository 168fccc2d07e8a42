//! micro:bit, the first version: nRF51822. Its UART sends on P0.24 and receives on P0.25, which lead to the USB port, 115200 baud, 8N1; TIMER0
//! counts cycles.
//!
//! Core and timer run at 16 MHz. Addresses and bits are from the nRF51 Series Reference Manual, version 3.0.

use super::Board;
use super::register::Register;
use crate::processor;

/// Starts the crystal, and tells that it runs: the oscillator after a reset is too inexact for a UART.
const CLOCK_TASKS_HFCLKSTART: Register = Register::at(0x4000_0000);
const CLOCK_EVENTS_HFCLKSTARTED: Register = Register::at(0x4000_0100);

/// A bit a pin: sets the pin, makes it an output.
const GPIO_OUTSET: Register = Register::at(0x5000_0508);
const GPIO_DIRSET: Register = Register::at(0x5000_0518);
const PIN: u32 = 24;
/// Pin 25 is an input: 0b1100 pulls it up, so that a line nobody drives is silent.
const GPIO_PIN_CNF25: Register = Register::at(0x5000_0764);
const RECEIVES: u32 = 25;

/// Starts to receive and to send; tells that a byte has come, or is sent; on (4); the pins; the bytes; the rate, 2³²·baud/16 MHz, rounded as the
/// manual's table has it.
const UART_TASKS_STARTRX: Register = Register::at(0x4000_2000);
const UART_TASKS_STARTTX: Register = Register::at(0x4000_2008);
const UART_EVENTS_RXDRDY: Register = Register::at(0x4000_2108);
const UART_EVENTS_TXDRDY: Register = Register::at(0x4000_211c);
const UART_ENABLE: Register = Register::at(0x4000_2500);
const UART_PSELTXD: Register = Register::at(0x4000_250c);
const UART_PSELRXD: Register = Register::at(0x4000_2514);
const UART_RXD: Register = Register::at(0x4000_2518);
const UART_TXD: Register = Register::at(0x4000_251c);
const UART_BAUDRATE: Register = Register::at(0x4000_2524);
const BAUD_115200: u32 = 0x01d7_e000;

/// Starts and stops, copies the counter to `CC0`; width (3: 32 bits); 16 MHz is divided by 2 to the power of the
/// prescaler.
const TIMER0_TASKS_START: Register = Register::at(0x4000_8000);
const TIMER0_TASKS_STOP: Register = Register::at(0x4000_8004);
const TIMER0_TASKS_CAPTURE0: Register = Register::at(0x4000_8040);
const TIMER0_BITMODE: Register = Register::at(0x4000_8508);
const TIMER0_PRESCALER: Register = Register::at(0x4000_8510);
const TIMER0_CC0: Register = Register::at(0x4000_8540);

const _: () = assert!(matches!(env!("TARGET").as_bytes(), b"thumbv6m-none-eabi"), "give --target thumbv6m-none-eabi");

/// The board; there is nothing to keep.
pub struct Microbit;

impl Board for Microbit {
    const NAME: &'static str = "micro:bit (nRF51822)";
    const TICK: &'static str = "a cycle at 16 MHz; in QEMU with -icount shift=0, 62.5 instructions";

    fn start() -> Self {
        CLOCK_TASKS_HFCLKSTART.write(1);
        while CLOCK_EVENTS_HFCLKSTARTED.read() == 0 {}
        // A line that rests is high.
        GPIO_OUTSET.write(1 << PIN);
        GPIO_DIRSET.write(1 << PIN);
        GPIO_PIN_CNF25.write(0b1100);
        UART_PSELTXD.write(PIN);
        UART_PSELRXD.write(RECEIVES);
        UART_BAUDRATE.write(BAUD_115200);
        UART_ENABLE.write(4);
        UART_TASKS_STARTRX.write(1);
        UART_TASKS_STARTTX.write(1);
        TIMER0_TASKS_STOP.write(1);
        TIMER0_BITMODE.write(3);
        TIMER0_PRESCALER.write(0);
        TIMER0_TASKS_START.write(1);
        Self
    }

    fn receive(&self) -> u8 {
        while UART_EVENTS_RXDRDY.read() == 0 {}
        // Before the byte is taken: the next one may come at once, and tells so again.
        UART_EVENTS_RXDRDY.write(0);
        UART_RXD.read() as u8
    }

    fn send(&self, byte: u8) {
        UART_EVENTS_TXDRDY.write(0);
        UART_TXD.write(u32::from(byte));
        while UART_EVENTS_TXDRDY.read() == 0 {}
    }

    fn ticks(&self) -> u32 {
        TIMER0_TASKS_CAPTURE0.write(1);
        TIMER0_CC0.read()
    }

    fn exit(success: bool) {
        processor::exit(success);
    }
}
