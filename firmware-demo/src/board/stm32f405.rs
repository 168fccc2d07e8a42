//! STM32F405: USART1 sends on pin PA9 and receives on PA10, 115200 baud, 8N1; TIM2 counts cycles.
//!
//! All clocks stay as they are after a reset: 16 MHz from the internal oscillator, for the core and for both
//! peripherals. Addresses and bits are from the reference manual, RM0090.

use super::Board;
use super::register::Register;
use crate::processor;

const CLOCK: u32 = 16_000_000;
const BAUD: u32 = 115_200;

/// Clock enables: port A (bit 0), TIM2 (bit 0), USART1 (bit 4).
const RCC_AHB1ENR: Register = Register::at(0x4002_3830);
const RCC_APB1ENR: Register = Register::at(0x4002_3840);
const RCC_APB2ENR: Register = Register::at(0x4002_3844);

/// Two bits a pin: 2 is "alternate function". `AFRH` says which, four bits a pin from pin 8 on: 7 is USART1.
const GPIOA_MODER: Register = Register::at(0x4002_0000);
const GPIOA_AFRH: Register = Register::at(0x4002_0024);
/// Two bits a pin: 1 pulls it up, so that a line nobody drives is silent.
const GPIOA_PUPDR: Register = Register::at(0x4002_000c);
const SENDS: u32 = 9;
const RECEIVES: u32 = 10;

/// Status (bit 3: a byte was lost; bit 5: a byte has come; bit 7: room for a byte), data, clock divisor, control (bit 13:
/// on; bit 3: sends; bit 2: receives).
const USART1_SR: Register = Register::at(0x4001_1000);
const USART1_DR: Register = Register::at(0x4001_1004);
const USART1_BRR: Register = Register::at(0x4001_1008);
const USART1_CR1: Register = Register::at(0x4001_100c);

/// Control (bit 0: counts) and counter. Undivided and 32 bits wide after a reset.
const TIM2_CR1: Register = Register::at(0x4000_0000);
const TIM2_CNT: Register = Register::at(0x4000_0024);

const _: () =
    assert!(matches!(env!("TARGET").as_bytes(), b"thumbv7em-none-eabihf"), "give --target thumbv7em-none-eabihf");

/// The board; there is nothing to keep.
pub struct Stm32f405;

impl Board for Stm32f405 {
    const NAME: &'static str = "STM32F405";
    const TICK: &'static str = "a cycle at 16 MHz; in QEMU with -icount shift=0, an instruction";

    fn start() -> Self {
        for (clock, bit) in [(RCC_AHB1ENR, 0), (RCC_APB1ENR, 0), (RCC_APB2ENR, 4)] {
            change(&clock, 0, 1 << bit);
            // A peripheral may be used only two cycles after its clock is on (errata sheet ES0182, "Delay after an RCC
            // peripheral clock enabling"): reading takes them.
            clock.read();
        }
        change(&GPIOA_PUPDR, 0b11 << (2 * RECEIVES), 0b01 << (2 * RECEIVES));
        for pin in [SENDS, RECEIVES] {
            change(&GPIOA_AFRH, 0xf << (4 * (pin - 8)), 7 << (4 * (pin - 8)));
            change(&GPIOA_MODER, 0b11 << (2 * pin), 0b10 << (2 * pin));
        }
        USART1_BRR.write((CLOCK + BAUD / 2) / BAUD);
        USART1_CR1.write(1 << 13 | 1 << 3 | 1 << 2);
        TIM2_CR1.write(1);
        Self
    }

    fn receive(&self) -> u8 {
        // Reading the status and then the data also clears the mark of a lost byte.
        while USART1_SR.read() & (1 << 5 | 1 << 3) == 0 {}
        USART1_DR.read() as u8
    }

    fn send(&self, byte: u8) {
        while USART1_SR.read() & 1 << 7 == 0 {}
        USART1_DR.write(u32::from(byte));
    }

    fn ticks(&self) -> u32 {
        TIM2_CNT.read()
    }

    fn exit(success: bool) {
        processor::exit(success);
    }
}

/// Clears and sets bits, and leaves the others.
fn change(register: &Register, clear: u32, set: u32) {
    register.write(register.read() & !clear | set);
}
