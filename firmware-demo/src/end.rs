//! How a program ends: well, with a panic, or with a fault. With the feature `qemu` the emulator ends with it, and
//! its exit code says how; on silicon the processor sleeps.

use crate::board::{Board, Chosen};
use core::fmt::{self, Write};
use core::panic::PanicInfo;
use cortex_m_rt::{ExceptionFrame, exception};

/// Ends the program, with exit code 0 if all went well.
pub fn end(result: fmt::Result) -> ! {
    exit(result.is_ok());
    loop {
        cortex_m::asm::wfi();
    }
}

#[cfg(feature = "qemu")]
fn exit(success: bool) {
    use cortex_m_semihosting::debug;
    debug::exit(if success { debug::EXIT_SUCCESS } else { debug::EXIT_FAILURE });
}

#[cfg(not(feature = "qemu"))]
fn exit(_: bool) {}

#[panic_handler]
fn panic(info: &PanicInfo) -> ! {
    // There is nobody left to tell that the port does not take it.
    let _ = writeln!(Chosen::start(), "\n{info}");
    end(Err(fmt::Error))
}

// SAFETY: cortex-m-rt wants a fault's handler to be `unsafe`, for it may find any memory broken. This one uses no
// static and returns nowhere.
#[allow(unsafe_code)]
#[exception]
unsafe fn HardFault(frame: &ExceptionFrame) -> ! {
    let _ = writeln!(Chosen::start(), "\nhard fault at {:#010x}", frame.pc());
    end(Err(fmt::Error))
}
