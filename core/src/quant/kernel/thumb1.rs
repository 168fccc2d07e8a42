//! Loops for the Cortex-M0 and M0+, whose eight low registers the compiler would not get by with: the sums stay in the
//! high ones, which can do nothing but add.
//!
//! A term takes a load, a multiplication and an addition for each position or row, and shares the other load.

use super::GROUP;
use crate::quant::Word;
use core::arch::global_asm;

unsafe extern "C" {
    fn minnet_thumb1_square(filter: *const Word, window: *const u32, strides: *const Strides, sums: *mut [i32; 4]);
    fn minnet_thumb1_single(filter: *const Word, window: *const u32, below: usize, greatest: *mut i32);
    fn minnet_thumb1_rows(rows: *const Word, stride: usize, inputs: *const [u32; GROUP], sums: *mut [i32; 4]);
}

/// What [`square`] needs to know of the image; the assembly knows the order.
#[repr(C)]
struct Strides {
    /// Bytes to the next pixel.
    right: usize,
    /// Bytes to the pixel below.
    below: usize,
    /// Bytes from the end of a row of the window to the beginning of the next.
    skip: usize,
    /// Groups of four channels.
    groups: usize,
}

/// The sums of a square of 2x2 positions, whose window begins with `window`, in an image of `IN` channels, a multiple
/// of 4, and `WIDTH` pixels, with 8-bit weights.
#[inline(always)]
pub fn square<const IN: usize, const WIDTH: usize>(filter: &[Word], window: &[u32]) -> [i32; 4] {
    let strides = Strides { right: 2 * IN, below: 2 * WIDTH * IN, skip: 2 * WIDTH * IN - 10 * IN, groups: IN / 4 };
    let mut sums = [0; 4];
    if IN >= 4 && filter.len() >= 25 * IN / 4 && window.len() >= (5 * WIDTH + 6) * IN / 2 {
        // SAFETY: it reads 25·IN/4 words of the filter, and for each as many words of the window as a group takes, the
        // last of them at the sixth pixel of the sixth row; it writes the sums.
        unsafe { minnet_thumb1_square(filter.as_ptr(), window.as_ptr(), &strides, &mut sums) };
    }
    sums
}

/// The greatest sum of each square of 2x2 positions in two rows of positions, in an image of one channel and `WIDTH` pixels, an
/// even number; `window` begins with the first row of pixels under them. A filter's rows are two words each.
#[inline(always)]
pub fn row_of_single<const WIDTH: usize>(filter: &[Word], window: &[u32], greatest: &mut [i32; 32]) {
    if (6..=64).contains(&WIDTH) && filter.len() >= 10 && window.len() >= 3 * WIDTH {
        // SAFETY: it reads the ten words of the filter and six rows of pixels; it writes WIDTH / 2 - 2 numbers.
        unsafe { minnet_thumb1_single(filter.as_ptr(), window.as_ptr(), 2 * WIDTH, greatest.as_mut_ptr()) };
    }
}

/// The products of the inputs with four rows of 8-bit weights, each of `row` words.
#[inline(always)]
pub fn four_rows(rows: &[Word], row: usize, inputs: &[[u32; GROUP]]) -> [i32; 4] {
    let mut sums = [0; 4];
    if row > 0 && inputs.len() >= row && rows.len() >= 4 * row {
        // SAFETY: it reads `row` words of each row and as many groups of the inputs; it writes the sums.
        unsafe { minnet_thumb1_rows(rows.as_ptr(), 4 * row, inputs.as_ptr(), &mut sums) };
    }
    sums
}

// In all three: r0 is a weight or a product, r1 an activation or a product, r8 to r11 are the sums.
global_asm!(
    ".syntax unified",
    ".macro minnet_enter",
    "push {{r4-r7, lr}}",
    "mov r4, r8",
    "mov r5, r9",
    "mov r6, r10",
    "mov r7, r11",
    "push {{r3-r7}}",
    "movs r4, #0",
    "mov r8, r4",
    "mov r9, r4",
    "mov r10, r4",
    "mov r11, r4",
    ".endm",
    ".macro minnet_return",
    "pop {{r4-r7}}",
    "mov r8, r4",
    "mov r9, r5",
    "mov r10, r6",
    "mov r11, r7",
    "pop {{r4-r7, pc}}",
    ".endm",
    // The pointer to the sums was pushed below the registers.
    ".macro minnet_leave",
    "pop {{r3}}",
    "mov r0, r8",
    "mov r1, r9",
    "mov r2, r10",
    "mov r4, r11",
    "stm r3!, {{r0, r1, r2, r4}}",
    "minnet_return",
    ".endm",
    ".macro minnet_term sum, pointer, offset",
    "ldrh r1, [\\pointer, #\\offset]",
    "muls r1, r0, r1",
    "add \\sum, r1",
    ".endm",
    // r2: weights; r3 to r6: the four positions; r7: groups left of a pixel; r12: rows left; on the stack: strides.
    ".macro minnet_square_weight group, index, place",
    "ldrb r0, [r2, #(4 * \\group + \\index)]",
    "sxtb r0, r0",
    "minnet_term r8, r3, (8 * \\group + 2 * \\place)",
    "minnet_term r9, r4, (8 * \\group + 2 * \\place)",
    "minnet_term r10, r5, (8 * \\group + 2 * \\place)",
    "minnet_term r11, r6, (8 * \\group + 2 * \\place)",
    ".endm",
    ".macro minnet_square_group group",
    "minnet_square_weight \\group, 0, 0",
    "minnet_square_weight \\group, 1, 2",
    "minnet_square_weight \\group, 2, 1",
    "minnet_square_weight \\group, 3, 3",
    ".endm",
    ".section .text.minnet_thumb1_square, \"ax\", %progbits",
    ".global minnet_thumb1_square",
    ".type minnet_thumb1_square, %function",
    ".thumb_func",
    "minnet_thumb1_square:",
    "minnet_enter",
    "push {{r2}}",
    "ldr r5, [r2, #0]",
    "ldr r6, [r2, #4]",
    "mov r2, r0",
    "mov r3, r1",
    "adds r4, r3, r5",
    "adds r5, r3, r6",
    "adds r6, r4, r6",
    "movs r0, #5",
    "mov r12, r0",
    "2:",
    "ldr r0, [sp]",
    "ldr r7, [r0, #12]",
    "3:",
    "minnet_square_group 0",
    "minnet_square_group 1",
    "minnet_square_group 2",
    "minnet_square_group 3",
    "minnet_square_group 4",
    "adds r2, #20",
    "adds r3, #40",
    "adds r4, #40",
    "adds r5, #40",
    "adds r6, #40",
    "subs r7, #1",
    "beq 4f",
    "b 3b",
    "4:",
    "ldr r0, [sp]",
    "ldr r0, [r0, #8]",
    "adds r3, r3, r0",
    "adds r4, r4, r0",
    "adds r5, r5, r0",
    "adds r6, r6, r0",
    "mov r0, r12",
    "subs r0, #1",
    "mov r12, r0",
    "beq 5f",
    "b 2b",
    "5:",
    "pop {{r2}}",
    "minnet_leave",
    ".size minnet_thumb1_square, . - minnet_thumb1_square",
    // r2: weights; r3, r4: the upper and the lower positions; r5 to r7: 0, 1, 2; r12: bytes to the next row; on the
    // stack: the weights, the window, its end, and where the next result goes.
    ".macro minnet_single_weight index, register",
    "ldrsb r0, [r2, \\register]",
    "minnet_term r8, r3, (2 * \\index)",
    "minnet_term r9, r3, (2 * \\index + 2)",
    "minnet_term r10, r4, (2 * \\index)",
    "minnet_term r11, r4, (2 * \\index + 2)",
    ".endm",
    ".macro minnet_greater a, b",
    "cmp \\a, \\b",
    "bge 4f",
    "mov \\a, \\b",
    "4:",
    ".endm",
    ".section .text.minnet_thumb1_single, \"ax\", %progbits",
    ".global minnet_thumb1_single",
    ".type minnet_thumb1_single, %function",
    ".thumb_func",
    "minnet_thumb1_single:",
    "minnet_enter",
    "mov r12, r2",
    // The last square begins six pixels before the end of a row.
    "adds r2, r1, r2",
    "subs r2, #8",
    "push {{r0, r1, r2, r3}}",
    "movs r5, #0",
    "movs r6, #1",
    "movs r7, #2",
    "2:",
    "ldr r2, [sp, #0]",
    "ldr r3, [sp, #4]",
    "mov r4, r3",
    "add r4, r12",
    "mov r8, r5",
    "mov r9, r5",
    "mov r10, r5",
    "mov r11, r5",
    ".rept 5",
    "minnet_single_weight 0, r5",
    "minnet_single_weight 1, r6",
    "minnet_single_weight 2, r7",
    "adds r2, #3",
    "minnet_single_weight 3, r5",
    "minnet_single_weight 4, r6",
    "adds r2, #5",
    "mov r3, r4",
    "add r4, r12",
    ".endr",
    "minnet_greater r8, r9",
    "minnet_greater r10, r11",
    "minnet_greater r8, r10",
    "ldr r1, [sp, #12]",
    "mov r0, r8",
    "stm r1!, {{r0}}",
    "str r1, [sp, #12]",
    "ldr r3, [sp, #4]",
    "adds r3, #4",
    "str r3, [sp, #4]",
    "ldr r0, [sp, #8]",
    "cmp r3, r0",
    "beq 5f",
    "b 2b",
    "5:",
    "add sp, #20",
    "minnet_return",
    ".size minnet_thumb1_single, . - minnet_thumb1_single",
    // r2: inputs; r3 to r6: the ends of the rows; r7: bytes to the ends, negative; r1: the input.
    ".macro minnet_row_term sum, pointer",
    "ldrsb r0, [\\pointer, r7]",
    "muls r0, r1, r0",
    "add \\sum, r0",
    ".endm",
    ".macro minnet_rows_weight place",
    "ldrh r1, [r2, #(2 * \\place)]",
    "minnet_row_term r8, r3",
    "minnet_row_term r9, r4",
    "minnet_row_term r10, r5",
    "minnet_row_term r11, r6",
    "adds r7, #1",
    ".endm",
    ".section .text.minnet_thumb1_rows, \"ax\", %progbits",
    ".global minnet_thumb1_rows",
    ".type minnet_thumb1_rows, %function",
    ".thumb_func",
    "minnet_thumb1_rows:",
    "minnet_enter",
    "adds r3, r0, r1",
    "adds r4, r3, r1",
    "adds r5, r4, r1",
    "adds r6, r5, r1",
    "rsbs r7, r1, #0",
    "2:",
    "minnet_rows_weight 0",
    "minnet_rows_weight 2",
    "minnet_rows_weight 1",
    "minnet_rows_weight 3",
    "adds r2, #8",
    "cmp r7, #0",
    "bne 2b",
    "minnet_leave",
    ".size minnet_thumb1_rows, . - minnet_thumb1_rows",
);
