//! Loops for the Cortex-M0 and M0+, whose eight low registers the compiler would not get by with: the sums stay in the
//! high ones, which can do nothing but add.
//!
//! A term takes a load, a multiplication and an addition for each position or row, and shares the other load.

use super::GROUP;
use crate::quant::Word;
use crate::quant::conv::{Window, Windows};
use core::arch::global_asm;

unsafe extern "C" {
    fn minnet_thumb1_groups_1(filter: *const Word, window: *const u32, under: *const Under, sums: *mut [i32; 4]);
    fn minnet_thumb1_groups_3(filter: *const Word, window: *const u32, under: *const Under, sums: *mut [i32; 4]);
    fn minnet_thumb1_groups_5(filter: *const Word, window: *const u32, under: *const Under, sums: *mut [i32; 4]);
    fn minnet_thumb1_two(pairs: *const u32, window: *const u32, under: *const Under, sums: *mut [[i32; 2]; 4]);
    fn minnet_thumb1_weights_3(filter: *const Word, window: *const u32, under: *const Under, sums: *mut [i32; 4]);
    fn minnet_thumb1_weights_5(filter: *const Word, window: *const u32, under: *const Under, sums: *mut [i32; 4]);
    fn minnet_thumb1_weights_7(filter: *const Word, window: *const u32, under: *const Under, sums: *mut [i32; 4]);
    fn minnet_thumb1_squares_3(filter: *const Word, window: *const u32, row: usize, greatest: *mut i32);
    fn minnet_thumb1_squares_5(filter: *const Word, window: *const u32, row: usize, greatest: *mut i32);
    fn minnet_thumb1_rows_1(rows: *const Word, row: usize, inputs: *const [u32; GROUP], sums: *mut [i32; 4]);
    fn minnet_thumb1_rows_2(rows: *const Word, row: usize, inputs: *const [u32; GROUP], sums: *mut [i32; 4]);
    fn minnet_thumb1_rows_3(rows: *const Word, row: usize, inputs: *const [u32; GROUP], sums: *mut [i32; 4]);
    fn minnet_thumb1_rows_4(rows: *const Word, row: usize, inputs: *const [u32; GROUP], sums: *mut [i32; 4]);
}

/// What the loops for four positions need to know; the assembly knows the order. In bytes, but for the counts.
#[repr(C)]
struct Under {
    /// From the first position to the others.
    second: usize,
    third: usize,
    fourth: usize,
    /// From the end of a row of a window to the beginning of the next.
    skip: usize,
    /// How often a row's groups are gone through, some at a time.
    times: usize,
    /// Rows of the filter.
    rows: usize,
    /// Parts of a row after which sums are told apart; [`times`](Self::times) is then that of a part.
    parts: usize,
}

impl Under {
    const fn of(window: Window, width: usize, times: usize) -> Self {
        let [_, second, third, fourth] = window.steps;
        Self { second, third, fourth, skip: window.row - width, times, rows: window.rows, parts: 1 }
    }
}

/// What is under four positions, for two filters at once: a pair of weights is one number, the second 2^16 times as great, so
/// that one multiplication serves both. Before the sum of the first leaves 16 bits, the two are told apart.
pub struct TwoFilters {
    under: Under,
    /// Pairs of weights, and words of the window.
    pairs: usize,
    words: usize,
}

impl TwoFilters {
    /// For weights of which so many times an activation stay within 16 bits.
    pub fn new(window: Window, terms: usize) -> Self {
        let Window { rows, groups, words, .. } = window;
        // The largest part that a row is a multiple of.
        let mut part = (terms / 4).min(groups).max(1);
        while groups % part > 0 {
            part -= 1;
        }
        let under = Under { parts: groups / part, ..Under::of(window, 8 * groups, part) };
        Self { under, pairs: 4 * rows * groups, words }
    }

    /// The sums of both filters for four positions, whose first window begins with `window`.
    #[inline(always)]
    pub fn four_positions(&self, pairs: &[u32], window: &[u32]) -> [[i32; 2]; 4] {
        let mut sums = [[0; 2]; 4];
        if self.pairs > 0 && pairs.len() >= self.pairs && window.len() >= self.words {
            // SAFETY: for each row of the filters it reads the pairs of its groups, and for each as many words of the window
            // as a group takes, under each position; it adds to the sums.
            unsafe { minnet_thumb1_two(pairs.as_ptr(), window.as_ptr(), &self.under, &mut sums) };
        }
        sums
    }
}

/// The sums of four positions, whose first window begins with `window`, in an image whose channels come in groups of four,
/// with 8-bit weights.
#[inline(always)]
pub fn four_positions<W: Windows>(filter: &[Word], window: &[u32]) -> [i32; 4] {
    let Window { rows, groups, words, .. } = W::WINDOW;
    let (call, together): (unsafe extern "C" fn(_, _, _, _), _) = match () {
        () if groups.is_multiple_of(5) => (minnet_thumb1_groups_5, 5),
        () if groups.is_multiple_of(3) => (minnet_thumb1_groups_3, 3),
        () => (minnet_thumb1_groups_1, 1),
    };
    let under = Under::of(W::WINDOW, 8 * groups, groups / together);
    let mut sums = [0; 4];
    if rows * groups > 0 && filter.len() >= rows * groups && window.len() >= words {
        // SAFETY: for each row of the filter it reads its groups of weights, and for each as many words of the window as a
        // group takes, under each position; it writes the sums.
        unsafe { call(filter.as_ptr(), window.as_ptr(), &under, &mut sums) };
    }
    sums
}

/// Whether [`four_of_single`] has a loop for these filters.
pub const fn has_weights(window: Window) -> bool {
    matches!(window.columns, 3 | 5 | 7)
}

/// The sums of four positions, whose first window begins with `window`, in an image of one channel, with 8-bit weights.
#[inline(always)]
pub fn four_of_single<W: Windows>(filter: &[Word], window: &[u32]) -> [i32; 4] {
    let Window { rows, columns, words, .. } = W::WINDOW;
    let call: unsafe extern "C" fn(_, _, _, _) = match columns {
        3 => minnet_thumb1_weights_3,
        5 => minnet_thumb1_weights_5,
        _ => minnet_thumb1_weights_7,
    };
    let under = Under::of(W::WINDOW, 0, 1);
    let mut sums = [0; 4];
    if has_weights(W::WINDOW) && filter.len() >= rows * columns.div_ceil(4) && window.len() >= words {
        // SAFETY: for each row of the filter it reads its weights, padded to words, and as many pixels under each position;
        // it writes the sums.
        unsafe { call(filter.as_ptr(), window.as_ptr(), &under, &mut sums) };
    }
    sums
}

/// The greatest sum of each square of 2x2 positions in two rows of positions, in an image of one channel under filters of
/// 3x3 or 5x5; `window` begins with the first row of pixels under them.
#[inline(always)]
pub fn row_of_single<W: Windows>(filter: &[Word], window: &[u32], greatest: &mut [i32; 32]) {
    let Window { rows, columns, row, .. } = W::WINDOW;
    let call: unsafe extern "C" fn(_, _, _, _) =
        if columns == 3 { minnet_thumb1_squares_3 } else { minnet_thumb1_squares_5 };
    let pixels = row / 2;
    let fits = matches!((rows, columns), (3, 3) | (5, 5)) && pixels > columns && pixels <= 64;
    if fits && filter.len() >= rows * columns.div_ceil(4) && window.len() >= (rows + 1) * pixels / 2 {
        // SAFETY: it reads the filter's weights, and one row of pixels more than the filter has; it writes a number for
        // each square, fewer than half of the pixels of a row.
        unsafe { call(filter.as_ptr(), window.as_ptr(), row, greatest.as_mut_ptr()) };
    }
}

/// The products of the inputs with the first `COUNT` rows of 8-bit weights, at most four, each of `row` words.
#[inline(always)]
pub fn rows<const COUNT: usize>(rows: &[Word], row: usize, inputs: &[[u32; GROUP]]) -> [i32; 4] {
    let call: unsafe extern "C" fn(_, _, _, _) = match COUNT {
        1 => minnet_thumb1_rows_1,
        2 => minnet_thumb1_rows_2,
        3 => minnet_thumb1_rows_3,
        _ => minnet_thumb1_rows_4,
    };
    let mut sums = [0; 4];
    if row > 0 && inputs.len() >= row && rows.len() >= COUNT * row {
        // SAFETY: it reads `row` words of each row and as many groups of the inputs; it writes the sums.
        unsafe { call(rows.as_ptr(), 4 * row, inputs.as_ptr(), &mut sums) };
    }
    sums
}

// In all: r0 is a weight or a product, r1 an activation or a product, r8 to r11 are the sums.
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
    // r2: weights; r3 to r6: the four positions; r7: what is left of a row; r12: rows left; on the stack: what is under.
    ".macro minnet_positions",
    "minnet_enter",
    "push {{r2}}",
    "ldr r4, [r2, #0]",
    "ldr r5, [r2, #4]",
    "ldr r6, [r2, #8]",
    "ldr r7, [r2, #20]",
    "mov r12, r7",
    "mov r2, r0",
    "mov r3, r1",
    "adds r4, r3, r4",
    "adds r5, r3, r5",
    "adds r6, r3, r6",
    ".endm",
    // To the next row, which begins at 2; behind the last, back to the caller.
    ".macro minnet_next_row",
    "ldr r0, [sp]",
    "ldr r0, [r0, #12]",
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
    ".endm",
    ".macro minnet_four_terms offset",
    "minnet_term r8, r3, \\offset",
    "minnet_term r9, r4, \\offset",
    "minnet_term r10, r5, \\offset",
    "minnet_term r11, r6, \\offset",
    ".endm",
    ".macro minnet_group_weight group, index, place",
    "ldrb r0, [r2, #(4 * \\group + \\index)]",
    "sxtb r0, r0",
    "minnet_four_terms (8 * \\group + 2 * \\place)",
    ".endm",
    ".macro minnet_group group",
    "minnet_group_weight \\group, 0, 0",
    "minnet_group_weight \\group, 1, 2",
    "minnet_group_weight \\group, 2, 1",
    "minnet_group_weight \\group, 3, 3",
    ".endm",
    ".macro minnet_groups together",
    ".section .text.minnet_thumb1_groups_\\together, \"ax\", %progbits",
    ".global minnet_thumb1_groups_\\together",
    ".type minnet_thumb1_groups_\\together, %function",
    ".thumb_func",
    "minnet_thumb1_groups_\\together:",
    "minnet_positions",
    "2:",
    "ldr r0, [sp]",
    "ldr r7, [r0, #16]",
    "3:",
    "minnet_group 0",
    ".if \\together > 1",
    "minnet_group 1",
    "minnet_group 2",
    ".endif",
    ".if \\together > 3",
    "minnet_group 3",
    "minnet_group 4",
    ".endif",
    "adds r2, #(4 * \\together)",
    "adds r3, #(8 * \\together)",
    "adds r4, #(8 * \\together)",
    "adds r5, #(8 * \\together)",
    "adds r6, #(8 * \\together)",
    "subs r7, #1",
    "beq 4f",
    "b 3b",
    "4:",
    "minnet_next_row",
    "minnet_leave",
    ".size minnet_thumb1_groups_\\together, . - minnet_thumb1_groups_\\together",
    ".endm",
    "minnet_groups 1",
    "minnet_groups 3",
    "minnet_groups 5",
    // r2: pairs of weights. On the stack: the parts left of a row, and what is under.
    ".macro minnet_pair place",
    "ldr r0, [r2, #(4 * \\place)]",
    "minnet_four_terms (2 * \\place)",
    ".endm",
    // Adds both halves of a sum to the two sums at r7.
    ".macro minnet_tell_apart sum",
    "mov r0, \\sum",
    "sxth r1, r0",
    "subs r0, r0, r1",
    "asrs r0, r0, #16",
    "ldr r5, [r7, #0]",
    "ldr r6, [r7, #4]",
    "adds r5, r5, r1",
    "adds r6, r6, r0",
    "stm r7!, {{r5, r6}}",
    ".endm",
    ".section .text.minnet_thumb1_two, \"ax\", %progbits",
    ".global minnet_thumb1_two",
    ".type minnet_thumb1_two, %function",
    ".thumb_func",
    "minnet_thumb1_two:",
    "minnet_positions",
    "2:",
    "ldr r0, [sp]",
    "ldr r7, [r0, #24]",
    "push {{r7}}",
    "3:",
    "ldr r0, [sp, #4]",
    "ldr r7, [r0, #16]",
    "4:",
    "minnet_pair 0",
    "minnet_pair 1",
    "minnet_pair 2",
    "minnet_pair 3",
    "adds r2, #16",
    "adds r3, #8",
    "adds r4, #8",
    "adds r5, #8",
    "adds r6, #8",
    "subs r7, #1",
    "bne 4b",
    "push {{r5, r6}}",
    // The pointer to the sums was pushed first.
    "ldr r7, [sp, #16]",
    "minnet_tell_apart r8",
    "minnet_tell_apart r9",
    "minnet_tell_apart r10",
    "minnet_tell_apart r11",
    "movs r0, #0",
    "mov r8, r0",
    "mov r9, r0",
    "mov r10, r0",
    "mov r11, r0",
    "pop {{r5, r6}}",
    "ldr r0, [sp]",
    "subs r0, #1",
    "str r0, [sp]",
    "bne 3b",
    "add sp, #4",
    "minnet_next_row",
    "pop {{r3}}",
    "minnet_return",
    ".size minnet_thumb1_two, . - minnet_thumb1_two",
    // Weights of single channels, a row's one after the other.
    ".macro minnet_weight index",
    "ldrb r0, [r2, #\\index]",
    "sxtb r0, r0",
    "minnet_four_terms (2 * \\index)",
    ".endm",
    ".macro minnet_weights columns",
    ".section .text.minnet_thumb1_weights_\\columns, \"ax\", %progbits",
    ".global minnet_thumb1_weights_\\columns",
    ".type minnet_thumb1_weights_\\columns, %function",
    ".thumb_func",
    "minnet_thumb1_weights_\\columns:",
    "minnet_positions",
    "2:",
    "minnet_weight 0",
    "minnet_weight 1",
    "minnet_weight 2",
    ".if \\columns > 3",
    "minnet_weight 3",
    "minnet_weight 4",
    ".endif",
    ".if \\columns > 5",
    "minnet_weight 5",
    "minnet_weight 6",
    ".endif",
    "adds r2, #((\\columns + 3) / 4 * 4)",
    "minnet_next_row",
    "minnet_leave",
    ".size minnet_thumb1_weights_\\columns, . - minnet_thumb1_weights_\\columns",
    ".endm",
    "minnet_weights 3",
    "minnet_weights 5",
    "minnet_weights 7",
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
    ".macro minnet_squares columns",
    ".section .text.minnet_thumb1_squares_\\columns, \"ax\", %progbits",
    ".global minnet_thumb1_squares_\\columns",
    ".type minnet_thumb1_squares_\\columns, %function",
    ".thumb_func",
    "minnet_thumb1_squares_\\columns:",
    "minnet_enter",
    "mov r12, r2",
    // The last square begins one pixel more than the columns before the end of a row, and the next two behind it.
    "adds r2, r1, r2",
    "subs r2, #(2 * \\columns - 2)",
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
    ".rept \\columns",
    "minnet_single_weight 0, r5",
    "minnet_single_weight 1, r6",
    "minnet_single_weight 2, r7",
    ".if \\columns > 3",
    "adds r2, #3",
    "minnet_single_weight 3, r5",
    "minnet_single_weight 4, r6",
    "adds r2, #5",
    ".else",
    "adds r2, #4",
    ".endif",
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
    ".size minnet_thumb1_squares_\\columns, . - minnet_thumb1_squares_\\columns",
    ".endm",
    "minnet_squares 3",
    "minnet_squares 5",
    // r2: inputs; r3 to r6: the ends of the rows; r7: bytes to the ends, negative; r1: the input.
    ".macro minnet_row_term sum, pointer",
    "ldrsb r0, [\\pointer, r7]",
    "muls r0, r1, r0",
    "add \\sum, r0",
    ".endm",
    ".macro minnet_rows_weight count, place",
    "ldrh r1, [r2, #(2 * \\place)]",
    "minnet_row_term r8, r3",
    ".if \\count > 1",
    "minnet_row_term r9, r4",
    ".endif",
    ".if \\count > 2",
    "minnet_row_term r10, r5",
    ".endif",
    ".if \\count > 3",
    "minnet_row_term r11, r6",
    ".endif",
    "adds r7, #1",
    ".endm",
    ".macro minnet_rows count",
    ".section .text.minnet_thumb1_rows_\\count, \"ax\", %progbits",
    ".global minnet_thumb1_rows_\\count",
    ".type minnet_thumb1_rows_\\count, %function",
    ".thumb_func",
    "minnet_thumb1_rows_\\count:",
    "minnet_enter",
    "adds r3, r0, r1",
    "adds r4, r3, r1",
    "adds r5, r4, r1",
    "adds r6, r5, r1",
    "rsbs r7, r1, #0",
    "2:",
    "minnet_rows_weight \\count, 0",
    "minnet_rows_weight \\count, 2",
    "minnet_rows_weight \\count, 1",
    "minnet_rows_weight \\count, 3",
    "adds r2, #8",
    "cmp r7, #0",
    "bne 2b",
    "minnet_leave",
    ".size minnet_thumb1_rows_\\count, . - minnet_thumb1_rows_\\count",
    ".endm",
    "minnet_rows 1",
    "minnet_rows 2",
    "minnet_rows 3",
    "minnet_rows 4",
);
