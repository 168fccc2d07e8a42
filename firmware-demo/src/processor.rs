//! What a family of processors shares: the start, faults, and sleep. The board's target chooses.

#[cfg(target_arch = "arm")]
mod cortex_m;
#[cfg(target_arch = "riscv32")]
mod riscv;

#[cfg(target_arch = "arm")]
pub use cortex_m::{entry, exit, sleep};
#[cfg(target_arch = "riscv32")]
pub use riscv::{entry, instructions, sleep};
