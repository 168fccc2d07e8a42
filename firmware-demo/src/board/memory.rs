//! How much memory the program takes, from the symbols that the linker leaves. The same on every board.
#![allow(unsafe_code)]

/// What the stack is filled with, to see how far it has grown.
const PAINT: u32 = 0xcccc_cccc;
/// Bytes below the caller's that painting leaves out, for it has a stack itself.
const MARGIN: usize = 256;

// SAFETY: the linker scripts of cortex-m-rt, of riscv-rt, and of the board define these symbols. Of those before the
// stack's, only the addresses are used.
unsafe extern "C" {
    static _flash_start: u32;
    static __sidata: u32;
    static __sdata: u32;
    static __edata: u32;
    static __euninit: u32;
    static _stack_start: u32;
    // What lies from here on is written.
    static mut _stack_end: u32;
}

/// Bytes of flash: code, constants, and what the statics start as.
pub fn flash() -> usize {
    let data = (&raw const __edata).addr() - (&raw const __sdata).addr();
    (&raw const __sidata).addr() - (&raw const _flash_start).addr() + data
}

/// Bytes of RAM that the statics take.
pub fn statics() -> usize {
    (&raw const __euninit).addr() - (&raw const __sdata).addr()
}

/// Bytes of RAM set aside for the stack.
pub fn stack() -> usize {
    (&raw const _stack_start).addr() - (&raw const _stack_end).addr()
}

/// Fills the stack with a pattern, from its end up to what is in use.
pub(crate) fn paint_stack() {
    paint(MARGIN);
}

/// The most bytes of stack in use at any time so far: what is no longer as it was painted at the start.
pub fn stack_peak() -> usize {
    let painted = (0..stack() / size_of::<u32>()).take_while(|&word| {
        // SAFETY: the address is aligned and inside the stack, which is memory of this program.
        let value = unsafe { (&raw const _stack_end).add(word).read_volatile() };
        value == PAINT
    });
    stack() - painted.count() * size_of::<u32>()
}

/// The most bytes of stack that `work` has in use at any time, to within some words.
pub fn stack_of(work: impl FnOnce()) -> usize {
    // Optimized, `paint` has nothing below its variables but some saved registers.
    let start = paint(32);
    work();
    stack_peak() - ((&raw const _stack_start).addr() - start)
}

/// Paints the stack but for `margin` bytes below what is in use, and gives the address from which on it is.
#[inline(never)]
fn paint(margin: usize) -> usize {
    let here = 0u32;
    let here = (&raw const here).addr();
    let free = here.saturating_sub(margin + (&raw const _stack_end).addr());
    for word in 0..free / size_of::<u32>() {
        // SAFETY: the address is aligned and inside the stack, below all that is in use; no interrupt is on.
        unsafe { (&raw mut _stack_end).add(word).write_volatile(PAINT) };
    }
    here
}
