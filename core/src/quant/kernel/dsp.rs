//! The same on a Cortex-M with the DSP extension, and loops that the compiler would not keep in registers.

use super::{Four, GROUP};
use crate::quant::Word;
use crate::quant::conv::{Window, Windows};
use core::arch::asm;

impl Four {
    /// From four signed bytes.
    #[inline(always)]
    pub fn new(bytes: u32) -> Self {
        let (even, odd);
        // SAFETY: instructions of registers alone.
        unsafe {
            asm!("sxtb16 {}, {}", lateout(reg) even, in(reg) bytes, options(pure, nomem, nostack, preserves_flags));
            asm!("sxtb16 {}, {}, ror #8", lateout(reg) odd, in(reg) bytes,
                options(pure, nomem, nostack, preserves_flags));
        }
        Self { even, odd }
    }
}

/// sum + Σ of the products of halves.
#[inline(always)]
pub fn multiply_add(a: u32, b: u32, mut sum: i32) -> i32 {
    // SAFETY: an instruction of registers alone; it sets the Q flag on overflow, which nothing reads.
    unsafe {
        asm!("smlad {0}, {1}, {2}, {0}", inout(reg) sum, in(reg) a, in(reg) b,
            options(pure, nomem, nostack, preserves_flags));
    }
    sum
}

/// (value·factor >> 16) + sum, with a `factor` of 15 bits.
#[inline(always)]
pub fn multiply_shift(value: i32, factor: i32, sum: i32) -> i32 {
    let result;
    // SAFETY: as above.
    unsafe {
        asm!("smlawb {}, {}, {}, {}", lateout(reg) result, in(reg) value, in(reg) factor, in(reg) sum,
            options(pure, nomem, nostack, preserves_flags));
    }
    result
}

/// The products of the inputs with the first `COUNT` rows of 8-bit weights, at most four, each of `row` words.
#[inline(always)]
pub fn rows<const COUNT: usize>(rows: &[Word], row: usize, inputs: &[[u32; GROUP]]) -> [i32; 4] {
    let mut sums = [0; 4];
    if inputs.len() < row || rows.len() < COUNT * row {
        return sums;
    }
    if row > 1 {
        sums = match COUNT {
            1 => one_row(rows, row, inputs),
            2 => two_rows(rows, row, inputs),
            3 => three_rows(rows, row, inputs),
            _ => four_rows(rows, row, inputs),
        };
    }
    // Of an odd number of groups, the last.
    if row % 2 == 1
        && let Some(x) = inputs.get(row - 1)
    {
        // Not a loop: the compiler does not always unroll it.
        let add = |n: usize, sum: i32| {
            let word = rows.get(n * row + row - 1).filter(|_| n < COUNT).copied().unwrap_or_default();
            Four::new(u32::from_le_bytes(word)).multiply_add(*x, sum)
        };
        let [a, b, c, d] = sums;
        sums = [add(0, a), add(1, b), add(2, c), add(3, d)];
    }
    sums
}

/// Tells the compiler that `{repeated}` bytes more of code than it sees come of `.rept`. From its estimate it concludes
/// where constants must lie so that loads reach them; nothing is assembled of this.
macro_rules! length {
    () => {
        ".if 0\n.space {repeated}\n.endif"
    };
}

/// A loop over pairs of groups, for the rows whose loads and sums are given; the first, which goes on to the next word,
/// comes last.
macro_rules! rows {
    ($name:ident, [$($sum:ident),*], $($load:literal to $into:literal),*) => {
        #[inline(always)]
        fn $name(rows: &[Word], row: usize, inputs: &[[u32; GROUP]]) -> [i32; 4] {
            let mut a = 0i32;
            $(let mut $sum = 0i32;)*
            let pairs = row / 2;
            // SAFETY: `rows` has checked that there are as many rows as sums, each of `row` words, and as many groups of the
            // inputs: each of the 2·pairs steps, at most `row`, reads one of these and a word of each row.
            unsafe {
                asm!(
                    "2:",
                    ".rept 2",
                    "ldrd {x0}, {x1}, [{x}], #8",
                    $(
                        $load,
                        "sxtb16 {t}, {w}",
                        concat!("smlad {", $into, "}, {t}, {x0}, {", $into, "}"),
                        "sxtb16 {w}, {w}, ror #8",
                        concat!("smlad {", $into, "}, {w}, {x1}, {", $into, "}"),
                    )*
                    "ldr {w}, [{p}], #4",
                    "sxtb16 {t}, {w}",
                    "smlad {a}, {t}, {x0}, {a}",
                    "sxtb16 {w}, {w}, ror #8",
                    "smlad {a}, {w}, {x1}, {a}",
                    ".endr",
                    length!(),
                    "cmp {x}, {end}",
                    "bne 2b",
                    "// {s}",
                    a = inout(reg) a,
                    $($sum = inout(reg) $sum,)*
                    p = inout(reg) rows.as_ptr() => _,
                    s = in(reg) 4 * row,
                    x = inout(reg) inputs.as_ptr() => _,
                    end = in(reg) inputs.as_ptr().wrapping_add(2 * pairs),
                    w = out(reg) _,
                    t = out(reg) _,
                    x0 = out(reg) _,
                    x1 = out(reg) _,
                    repeated = const 80,
                    options(readonly, nostack),
                );
            }
            let mut sums = [0; 4];
            sums.iter_mut().zip([a, $($sum),*]).for_each(|(place, sum)| *place = sum);
            sums
        }
    };
}

rows!(one_row, [],);
rows!(two_rows, [b], "ldr {w}, [{p}, {s}]" to "b");
rows!(three_rows, [b, c], "ldr {w}, [{p}, {s}]" to "b", "ldr {w}, [{p}, {s}, lsl #1]" to "c");
rows!(
    four_rows,
    [b, c, d],
    "ldr {w}, [{p}, {s}]" to "b",
    "ldr {w}, [{p}, {s}, lsl #1]" to "c",
    "add {w}, {p}, {s}, lsl #1\n ldr {w}, [{w}, {s}]" to "d"
);

/// The sums of four positions, whose first window begins with `window`, in an image whose channels come in groups of four,
/// with 8-bit weights.
#[inline(always)]
pub fn four_positions<W: Windows>(filter: &[Word], window: &[u32]) -> [i32; 4] {
    let [mut a, mut b, mut c, mut d] = [0i32; 4];
    let Window { rows, groups, words, .. } = W::WINDOW;
    if rows * groups == 0 || filter.len() < rows * groups || window.len() < words {
        return [0; 4];
    }
    // SAFETY: each of the rows·groups steps reads a word of the filter, and two words of the window for each position.
    unsafe {
        asm!(
            "2:",
            "mov {steps}, #{times}",
            "3:",
            ".rept {together}",
            "ldr {w}, [{p}], #4",
            "sxtb16 {t}, {w}",
            "sxtb16 {w}, {w}, ror #8",
            "ldrd {x0}, {x1}, [{x}, #{second}]",
            "smlad {b}, {t}, {x0}, {b}",
            "smlad {b}, {w}, {x1}, {b}",
            "ldrd {x0}, {x1}, [{x}, #{third}]",
            "smlad {c}, {t}, {x0}, {c}",
            "smlad {c}, {w}, {x1}, {c}",
            "ldrd {x0}, {x1}, [{x}, #{fourth}]",
            "smlad {d}, {t}, {x0}, {d}",
            "smlad {d}, {w}, {x1}, {d}",
            "ldrd {x0}, {x1}, [{x}], #8",
            "smlad {a}, {t}, {x0}, {a}",
            "smlad {a}, {w}, {x1}, {a}",
            ".endr",
            length!(),
            "subs {steps}, #1",
            "bne 3b",
            "add {x}, {x}, #{skip}",
            ".if {far}",
            "add {x}, {x}, #{far}",
            ".endif",
            "cmp {p}, {end}",
            "bne 2b",
            a = inout(reg) a,
            b = inout(reg) b,
            c = inout(reg) c,
            d = inout(reg) d,
            p = inout(reg) filter.as_ptr() => _,
            end = in(reg) filter.as_ptr().wrapping_add(rows * groups),
            x = inout(reg) window.as_ptr() => _,
            steps = out(reg) _,
            w = out(reg) _,
            t = out(reg) _,
            x0 = out(reg) _,
            x1 = out(reg) _,
            together = const together(W::WINDOW.groups),
            repeated = const 60 * (together(W::WINDOW.groups) - 1),
            times = const W::WINDOW.groups / together(W::WINDOW.groups),
            second = const W::WINDOW.steps[1],
            third = const W::WINDOW.steps[2],
            fourth = const W::WINDOW.steps[3],
            skip = const skip(W::WINDOW) % 4096,
            far = const skip(W::WINDOW) / 4096 * 4096,
            options(readonly, nostack),
        );
    }
    [a, b, c, d]
}

/// Groups of a filter's row that are gone through without a branch: as many as divide them.
const fn together(groups: usize) -> usize {
    match groups {
        _ if groups.is_multiple_of(5) => 5,
        _ if groups.is_multiple_of(7) => 7,
        _ if groups.is_multiple_of(3) => 3,
        _ if groups.is_multiple_of(4) => 4,
        _ if groups.is_multiple_of(2) => 2,
        _ => 1,
    }
}

/// Bytes from the end of a row of a window to the beginning of the next.
const fn skip(window: Window) -> usize {
    window.row - 8 * window.groups
}

/// Whether [`four_positions`] can reach them: an offset is at most 1020 bytes, and a row at most what an instruction adds.
pub const fn reaches(window: Window) -> bool {
    let [_, second, third, fourth] = window.steps;
    second <= 1020
        && third <= 1020
        && fourth <= 1020
        && skip(window) < 1 << 20
        && window.groups / together(window.groups) < 256
}

/// Whether there is a loop for these pairs of weights: filters of at most 7 columns and 11 rows, and images whose rows an
/// offset back, at most 255 bytes, can reach.
pub const fn has_pairs(window: Window) -> bool {
    window.columns <= 7 && window.rows <= 11 && window.row <= 255
}

/// The sums of four positions of an image of one channel, from a filter's pairs of weights, for each word under its rows.
/// The second position begins a pixel behind the first, and the fourth behind the third.
#[inline(always)]
pub fn four_of_single<W: Windows>(pairs: &[[u32; 2]], window: &[u32]) -> [i32; 4] {
    match W::WINDOW.columns / 2 {
        0 => one_word::<W>(pairs, window),
        1 => two_words::<W>(pairs, window),
        2 => three_words::<W>(pairs, window),
        3 => four_words::<W>(pairs, window),
        _ => [0; 4],
    }
}

/// A loop of [`four_of_single`], for rows of so many words. The first load of the upper positions, whose text is given
/// with it, moves on to the next row.
macro_rules! words {
    ($name:ident, $count:literal, $($line:expr),*) => {
        #[inline(always)]
        fn $name<W: Windows>(pairs: &[[u32; 2]], window: &[u32]) -> [i32; 4] {
            let [mut a, mut b, mut c, mut d] = [0i32; 4];
            if pairs.len() < W::WINDOW.rows * $count || window.len() < W::WINDOW.words {
                return [0; 4];
            }
            // SAFETY: for each row of the filter it reads as many pairs as words, and as many words of the window for the
            // first position and for the third.
            unsafe {
                asm!(
                    ".rept {rows}",
                    $($line,)*
                    ".endr",
                    length!(),
                    "// {w0} {w1} {w2} {w3} {x0} {x1} {third} {row}",
                    a = inout(reg) a,
                    b = inout(reg) b,
                    c = inout(reg) c,
                    d = inout(reg) d,
                    p = inout(reg) pairs.as_ptr() => _,
                    x = inout(reg) window.as_ptr() => _,
                    w0 = out(reg) _,
                    w1 = out(reg) _,
                    w2 = out(reg) _,
                    w3 = out(reg) _,
                    x0 = out(reg) _,
                    x1 = out(reg) _,
                    rows = const W::WINDOW.rows,
                    repeated = const 112 * W::WINDOW.rows,
                    third = const W::WINDOW.steps[2],
                    row = const W::WINDOW.row,
                    options(readonly, nostack),
                );
            }
            [a, b, c, d]
        }
    };
}

/// Loads two pairs of weights and two words for the lower positions, and adds; then for the upper ones, loaded by `$load`.
macro_rules! two {
    ($lower:literal, $upper:literal) => {
        concat!(
            "ldrd {w0}, {w1}, [{p}], #8\n ldrd {w2}, {w3}, [{p}], #8\n ldrd {x0}, {x1}, ",
            $lower,
            "\n smlad {c}, {w0}, {x0}, {c}\n smlad {d}, {w1}, {x0}, {d}",
            "\n smlad {c}, {w2}, {x1}, {c}\n smlad {d}, {w3}, {x1}, {d}\n ldrd {x0}, {x1}, ",
            $upper,
            "\n smlad {a}, {w0}, {x0}, {a}\n smlad {b}, {w1}, {x0}, {b}",
            "\n smlad {a}, {w2}, {x1}, {a}\n smlad {b}, {w3}, {x1}, {b}"
        )
    };
}

/// The same with one pair and one word.
macro_rules! one {
    ($lower:literal, $upper:literal) => {
        concat!(
            "ldrd {w0}, {w1}, [{p}], #8\n ldr {x0}, ",
            $lower,
            "\n smlad {c}, {w0}, {x0}, {c}\n smlad {d}, {w1}, {x0}, {d}\n ldr {x1}, ",
            $upper,
            "\n smlad {a}, {w0}, {x1}, {a}\n smlad {b}, {w1}, {x1}, {b}"
        )
    };
}

words!(one_word, 1, one!("[{x}, #{third}]", "[{x}], #{row}"));
words!(two_words, 2, two!("[{x}, #{third}]", "[{x}], #{row}"));
words!(
    three_words,
    3,
    two!("[{x}, #{third}]", "[{x}], #{row}"),
    one!("[{x}, #8 + {third} - {row}]", "[{x}, #8 - {row}]")
);
words!(
    four_words,
    4,
    two!("[{x}, #{third}]", "[{x}], #{row}"),
    two!("[{x}, #8 + {third} - {row}]", "[{x}, #8 - {row}]")
);
