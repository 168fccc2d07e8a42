//! Cortex-M: cortex-m-rt starts the program and tells of faults; semihosting ends QEMU.

use crate::run;
use cortex_m_rt::{ExceptionFrame, exception};

pub use cortex_m::asm::wfi as sleep;
pub use cortex_m_rt::entry;

/// Ends QEMU, or tells the debugger; without either, returns.
#[cfg(feature = "qemu")]
pub fn exit(success: bool) {
    use cortex_m_semihosting::debug;
    debug::exit(if success { debug::EXIT_SUCCESS } else { debug::EXIT_FAILURE });
}

/// Returns: semihosting is for QEMU, and a fault without it.
#[cfg(not(feature = "qemu"))]
pub fn exit(_: bool) {}

// SAFETY: cortex-m-rt wants a fault's handler to be `unsafe`, for it may find any memory broken. This one uses no
// static and returns nowhere.
#[allow(unsafe_code)]
#[exception]
unsafe fn HardFault(frame: &ExceptionFrame) -> ! {
    run::fault(frame.pc())
}
