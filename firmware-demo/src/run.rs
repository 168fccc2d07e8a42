//! How a program runs, and how it ends: well, with a panic, or with a fault. QEMU ends with it, and its exit code says
//! how; on silicon the processor sleeps.

use crate::board::{Board, Chosen, memory};
use crate::processor;
use core::fmt::{self, Write};
use core::panic::PanicInfo;

/// Runs `program` on the board. QEMU's exit code is 0 if all went well.
pub fn run(program: impl FnOnce(&mut Chosen) -> fmt::Result) -> ! {
    memory::paint_stack();
    let mut board = Chosen::start();
    let result = program(&mut board);
    end(result)
}

/// Says where the processor met with what it cannot do, and ends the program.
pub(crate) fn fault(address: u32) -> ! {
    // There is nobody left to tell that the port does not take it.
    let _ = writeln!(Chosen::start(), "\nfault at {address:#010x}");
    end(Err(fmt::Error))
}

#[panic_handler]
fn panic(info: &PanicInfo) -> ! {
    // As above.
    let _ = writeln!(Chosen::start(), "\n{info}");
    end(Err(fmt::Error))
}

fn end(result: fmt::Result) -> ! {
    Chosen::exit(result.is_ok());
    loop {
        processor::sleep();
    }
}
