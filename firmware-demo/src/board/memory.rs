//! How much memory the program takes, from the symbols that the linker and cortex-m-rt leave. The same on every board.
#![allow(unsafe_code)]

use cortex_m_rt::STACK_PAINT_VALUE;

// SAFETY: cortex-m-rt's linker script and the board's define these symbols. Only their addresses are used.
unsafe extern "C" {
    static __vector_table: u32;
    static __sidata: u32;
    static __sdata: u32;
    static __edata: u32;
    static __euninit: u32;
    static _stack_start: u32;
    static _stack_end: u32;
}

/// Bytes of flash: code, constants, and what the statics start as.
pub fn flash() -> usize {
    let data = (&raw const __edata).addr() - (&raw const __sdata).addr();
    (&raw const __sidata).addr() - (&raw const __vector_table).addr() + data
}

/// Bytes of RAM that the statics take.
pub fn statics() -> usize {
    (&raw const __euninit).addr() - (&raw const __sdata).addr()
}

/// Bytes of RAM set aside for the stack.
pub fn stack() -> usize {
    (&raw const _stack_start).addr() - (&raw const _stack_end).addr()
}

/// The most bytes of stack in use at any time so far: what is no longer as cortex-m-rt painted it at the start.
pub fn stack_peak() -> usize {
    let painted = (0..stack() / size_of::<u32>()).take_while(|&word| {
        // SAFETY: the address is aligned and inside the stack, which is memory of this program.
        let value = unsafe { (&raw const _stack_end).add(word).read_volatile() };
        value == STACK_PAINT_VALUE
    });
    stack() - painted.count() * size_of::<u32>()
}

/// The most bytes of stack that `work` has in use at any time, to within some words.
pub fn stack_of(work: impl FnOnce()) -> usize {
    let start = paint();
    work();
    stack_peak() - ((&raw const _stack_start).addr() - start)
}

/// Paints the stack anew, and gives the address from which on it is in use.
#[inline(never)]
fn paint() -> usize {
    // A function that calls none, as this one, has nothing below its variables but some saved registers.
    const SAVED: usize = 32;
    let here = 0u32;
    let here = (&raw const here).addr();
    let free = here.saturating_sub(SAVED + (&raw const _stack_end).addr());
    for word in 0..free / size_of::<u32>() {
        // SAFETY: the address is aligned and inside the stack, below all that is in use; no interrupt is on.
        unsafe { (&raw const _stack_end).cast_mut().add(word).write_volatile(STACK_PAINT_VALUE) };
    }
    here
}
