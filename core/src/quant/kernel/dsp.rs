//! The same on a Cortex-M with the DSP extension, and loops that the compiler would not keep in registers.

use super::{Four, GROUP};
use crate::quant::Word;
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
        asm!("smlad {0}, {1}, {2}, {0}", inlateout(reg) sum, in(reg) a, in(reg) b,
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

/// The products of the inputs with four rows of 8-bit weights, each of `row` words.
#[inline(always)]
pub fn four_rows(rows: &[Word], row: usize, inputs: &[[u32; GROUP]]) -> [i32; 4] {
    let [mut a, mut b, mut c, mut d] = [0i32; 4];
    if inputs.len() < row || rows.len() < 4 * row {
        return [0; 4];
    }
    let pairs = row / 2;
    if pairs > 0 {
        // SAFETY: each of the 2·pairs steps, at most `row`, reads a group of the inputs and a word of each row.
        unsafe {
            asm!(
                "2:",
                ".rept 2",
                "ldrd {x0}, {x1}, [{x}], #8",
                "ldr {w}, [{p}, {s}]",
                "sxtb16 {t}, {w}",
                "smlad {b}, {t}, {x0}, {b}",
                "sxtb16 {w}, {w}, ror #8",
                "smlad {b}, {w}, {x1}, {b}",
                "ldr {w}, [{p}, {s}, lsl #1]",
                "sxtb16 {t}, {w}",
                "smlad {c}, {t}, {x0}, {c}",
                "sxtb16 {w}, {w}, ror #8",
                "smlad {c}, {w}, {x1}, {c}",
                "add {w}, {p}, {s}, lsl #1",
                "ldr {w}, [{w}, {s}]",
                "sxtb16 {t}, {w}",
                "smlad {d}, {t}, {x0}, {d}",
                "sxtb16 {w}, {w}, ror #8",
                "smlad {d}, {w}, {x1}, {d}",
                "ldr {w}, [{p}], #4",
                "sxtb16 {t}, {w}",
                "smlad {a}, {t}, {x0}, {a}",
                "sxtb16 {w}, {w}, ror #8",
                "smlad {a}, {w}, {x1}, {a}",
                ".endr",
                "cmp {x}, {end}",
                "bne 2b",
                a = inout(reg) a,
                b = inout(reg) b,
                c = inout(reg) c,
                d = inout(reg) d,
                p = inout(reg) rows.as_ptr() => _,
                s = in(reg) 4 * row,
                x = inout(reg) inputs.as_ptr() => _,
                end = in(reg) inputs.as_ptr().wrapping_add(2 * pairs),
                w = out(reg) _,
                t = out(reg) _,
                x0 = out(reg) _,
                x1 = out(reg) _,
                options(readonly, nostack),
            );
        }
    }
    let mut sums = [a, b, c, d];
    // Of an odd number of groups, the last.
    if row % 2 == 1
        && let Some(x) = inputs.get(row - 1)
    {
        for (n, sum) in sums.iter_mut().enumerate() {
            let word = rows.get(n * row + row - 1).copied().unwrap_or_default();
            *sum = Four::new(u32::from_le_bytes(word)).multiply_add(*x, *sum);
        }
    }
    sums
}

/// The sums of a square of 2x2 positions, whose window begins with `window`, in an image of `IN` channels, a multiple
/// of 4, and `WIDTH` pixels, with 8-bit weights.
#[inline(always)]
pub fn square<const IN: usize, const WIDTH: usize>(filter: &[Word], window: &[u32]) -> [i32; 4] {
    let [mut a, mut b, mut c, mut d] = [0i32; 4];
    if IN < 4 || filter.len() < 25 * IN / 4 || window.len() < (5 * WIDTH + 6) * IN / 2 {
        return [0; 4];
    }
    // SAFETY: each of the 25·IN/4 steps reads a word of the filter, and two words of the window for each position.
    unsafe {
        asm!(
            "2:",
            "mov {taps}, #{groups}",
            "3:",
            ".rept 5",
            "ldr {w}, [{p}], #4",
            "sxtb16 {t}, {w}",
            "sxtb16 {w}, {w}, ror #8",
            "ldrd {x0}, {x1}, [{x}, #{right}]",
            "smlad {b}, {t}, {x0}, {b}",
            "smlad {b}, {w}, {x1}, {b}",
            "ldrd {x0}, {x1}, [{x}, #{below}]",
            "smlad {c}, {t}, {x0}, {c}",
            "smlad {c}, {w}, {x1}, {c}",
            "ldrd {x0}, {x1}, [{x}, #{both}]",
            "smlad {d}, {t}, {x0}, {d}",
            "smlad {d}, {w}, {x1}, {d}",
            "ldrd {x0}, {x1}, [{x}], #8",
            "smlad {a}, {t}, {x0}, {a}",
            "smlad {a}, {w}, {x1}, {a}",
            ".endr",
            "subs {taps}, #1",
            "bne 3b",
            "add {x}, {x}, #{skip}",
            "cmp {p}, {end}",
            "bne 2b",
            a = inout(reg) a,
            b = inout(reg) b,
            c = inout(reg) c,
            d = inout(reg) d,
            p = inout(reg) filter.as_ptr() => _,
            end = in(reg) filter.as_ptr().wrapping_add(25 * IN / 4),
            x = inout(reg) window.as_ptr() => _,
            taps = out(reg) _,
            w = out(reg) _,
            t = out(reg) _,
            x0 = out(reg) _,
            x1 = out(reg) _,
            groups = const IN / 4,
            right = const 2 * IN,
            below = const 2 * WIDTH * IN,
            both = const 2 * (WIDTH + 1) * IN,
            skip = const 2 * (WIDTH - 5) * IN,
            options(readonly, nostack),
        );
    }
    [a, b, c, d]
}

/// Whether [`square`] can reach the pixels.
pub const fn reaches(width: usize, channels: usize) -> bool {
    2 * (width + 1) * channels <= 1020
}

/// The sums of a square of 2x2 positions of an image of one channel, from its pairs of weights, the left and the right
/// one for each word under a filter's row, in an image of `WIDTH` pixels.
#[inline(always)]
pub fn square_of_single<const WIDTH: usize>(pairs: &[[u32; 2]; 15], window: &[u32]) -> [i32; 4] {
    let [mut a, mut b, mut c, mut d] = [0i32; 4];
    if window.len() < 5 * WIDTH / 2 + 3 {
        return [0; 4];
    }
    // SAFETY: the five steps read all of `pairs`, and three words each of the six rows of the window.
    unsafe {
        asm!(
            ".rept 5",
            "ldrd {w0}, {w1}, [{p}], #8",
            "ldrd {w2}, {w3}, [{p}], #8",
            "ldrd {x0}, {x1}, [{x}, #{below}]",
            "smlad {c}, {w0}, {x0}, {c}",
            "smlad {d}, {w1}, {x0}, {d}",
            "smlad {c}, {w2}, {x1}, {c}",
            "smlad {d}, {w3}, {x1}, {d}",
            "ldrd {x0}, {x1}, [{x}], #{below}",
            "smlad {a}, {w0}, {x0}, {a}",
            "smlad {b}, {w1}, {x0}, {b}",
            "smlad {a}, {w2}, {x1}, {a}",
            "smlad {b}, {w3}, {x1}, {b}",
            "ldrd {w0}, {w1}, [{p}], #8",
            "ldr {x0}, [{x}, #8]",
            "smlad {c}, {w0}, {x0}, {c}",
            "smlad {d}, {w1}, {x0}, {d}",
            "ldr {x1}, [{x}, #8 - {below}]",
            "smlad {a}, {w0}, {x1}, {a}",
            "smlad {b}, {w1}, {x1}, {b}",
            ".endr",
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
            below = const 2 * WIDTH,
            options(readonly, nostack),
        );
    }
    [a, b, c, d]
}

/// Whether [`square_of_single`] can reach the pixels: an offset back is at most 255 bytes.
pub const fn reaches_single(width: usize) -> bool {
    2 * width <= 255 + 8
}
