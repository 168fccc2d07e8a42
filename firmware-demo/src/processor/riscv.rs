//! RISC-V of 32 bits, in machine mode: riscv-rt starts the program; faults come here.
#![allow(unsafe_code)]

use crate::run;
use core::arch::global_asm;
use riscv::register::{mepc, minstret};

pub use riscv::asm::wfi as sleep;
pub use riscv_rt::entry;

/// How many instructions the processor has carried out, the lower 32 bits.
pub fn instructions() -> u32 {
    minstret::read() as u32
}

// SAFETY: this is the name under which riscv-rt looks for what the processor jumps to at a fault. Nothing goes on after one, so the stack is free to be used from
// its start: it may have been its end that the program ran into.
global_asm!(
    ".section .trap.start, \"ax\"",
    ".balign 4",
    ".global _start_trap",
    "_start_trap:",
    "la sp, _stack_start",
    "tail {fault}",
    fault = sym fault,
);

extern "C" fn fault() -> ! {
    run::fault(mepc::read() as u32)
}
