//! RISC-V of 32 bits, in machine mode: riscv-rt starts the program and tells of faults.

use crate::run;
use riscv::register::{mepc, minstret};

pub use riscv::asm::wfi as sleep;
pub use riscv_rt::entry;

/// How many instructions the processor has carried out, the lower 32 bits.
pub fn instructions() -> u32 {
    minstret::read() as u32
}

// SAFETY: this is the name under which riscv-rt looks for the handler of all exceptions, with its arguments left out. It
// uses no static and returns nowhere.
#[allow(unsafe_code)]
#[unsafe(no_mangle)]
extern "C" fn ExceptionHandler() -> ! {
    run::fault(mepc::read() as u32)
}
