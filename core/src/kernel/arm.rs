//! The innermost loops of [`device`](super::device) for a Cortex-M with an FPU, such as the M4F.
//!
//! `VMLA.F32` rounds the product and then the sum, as separate instructions would: one instruction a multiplication,
//! and the same bits. (`VFMA.F32` does not round the product.) `VLDM` loads up to 16 weights at a time.

use super::device::{Window, has_square};
use core::arch::asm;

/// What sums start from.
static ZEROS: [f32; 20] = [0.0; 20];

/// A loop that keeps the sums in registers from s0 on and x in s31. Each group is what `VLDM` loads, and the pairs of a
/// sum's register and its weight's.
macro_rules! rows {
    ($name:ident, $columns:literal, $sums:literal, $([$weights:literal: $($sum:literal $weight:literal),*])*) => {
        /// As [`device::plain::rows`](super::device::plain::rows), for so many columns.
        #[inline(never)]
        pub(super) fn $name(window: &Window, weights: &[f32], outputs: usize, sums: &mut [f32; $columns]) {
            if !window.fits(weights, outputs, $columns) {
                return;
            }
            // SAFETY: `has_square` has checked that each of the `runs` has `run` values, at least one, at distances of
            // `stride`, and that there is a row of weights for each, `outputs` long, the last at least of `$columns`.
            // All that is written is `sums`. Each register is named as changed.
            unsafe {
                asm!(
                    concat!("vldmia {sums}, {{", $sums, "}}"),
                    "2:",
                    "add {end}, {x}, {run}",
                    "3:",
                    "ldr r3, [{x}], #4",
                    "cbz r3, 4f",
                    "vmov s31, r3",
                    $(
                        concat!("vldmia {w}!, {{", $weights, "}}"),
                        $(concat!("vmla.f32 s", $sum, ", s", $weight, ", s31"),)*
                    )*
                    "add {w}, {w}, {rest}",
                    "cmp {x}, {end}",
                    "bne 3b",
                    "b 5f",
                    "4:",
                    "add {w}, {w}, {row}",
                    "cmp {x}, {end}",
                    "bne 3b",
                    "5:",
                    "add {x}, {x}, {gap}",
                    "subs {runs}, {runs}, #1",
                    "bne 2b",
                    concat!("vstmia {out}, {{", $sums, "}}"),
                    sums = in(reg) ZEROS.as_ptr(),
                    out = in(reg) sums.as_mut_ptr(),
                    x = inout(reg) window.x.as_ptr() => _,
                    w = inout(reg) weights.as_ptr() => _,
                    run = in(reg) 4 * window.run,
                    gap = in(reg) 4 * (window.stride - window.run),
                    row = in(reg) 4 * outputs,
                    rest = in(reg) 4 * (outputs - $columns),
                    runs = inout(reg) window.runs => _,
                    end = out(reg) _,
                    out("r3") _,
                    out("s0") _, out("s1") _, out("s2") _, out("s3") _, out("s4") _, out("s5") _, out("s6") _,
                    out("s7") _, out("s8") _, out("s9") _, out("s10") _, out("s11") _, out("s12") _, out("s13") _,
                    out("s14") _, out("s15") _, out("s16") _, out("s17") _, out("s18") _, out("s19") _, out("s20") _,
                    out("s21") _, out("s22") _, out("s23") _, out("s24") _, out("s25") _, out("s26") _, out("s27") _,
                    out("s28") _, out("s29") _, out("s30") _, out("s31") _,
                    options(nostack),
                );
            }
        }
    };
}

rows!(rows_1, 1, "s0", ["s1": 0 1]);
rows!(rows_2, 2, "s0-s1", ["s2-s3": 0 2, 1 3]);
rows!(rows_3, 3, "s0-s2", ["s3-s5": 0 3, 1 4, 2 5]);
rows!(rows_4, 4, "s0-s3", ["s4-s7": 0 4, 1 5, 2 6, 3 7]);
rows!(rows_5, 5, "s0-s4", ["s5-s9": 0 5, 1 6, 2 7, 3 8, 4 9]);
rows!(rows_6, 6, "s0-s5", ["s6-s11": 0 6, 1 7, 2 8, 3 9, 4 10, 5 11]);
rows!(rows_7, 7, "s0-s6", ["s7-s13": 0 7, 1 8, 2 9, 3 10, 4 11, 5 12, 6 13]);
rows!(rows_8, 8, "s0-s7", ["s8-s15": 0 8, 1 9, 2 10, 3 11, 4 12, 5 13, 6 14, 7 15]);
rows!(rows_9, 9, "s0-s8", ["s9-s17": 0 9, 1 10, 2 11, 3 12, 4 13, 5 14, 6 15, 7 16, 8 17]);
rows!(rows_10, 10, "s0-s9", ["s10-s19": 0 10, 1 11, 2 12, 3 13, 4 14, 5 15, 6 16, 7 17, 8 18, 9 19]);
rows!(rows_11, 11, "s0-s10", ["s11-s21": 0 11, 1 12, 2 13, 3 14, 4 15, 5 16, 6 17, 7 18, 8 19, 9 20, 10 21]);
rows!(rows_12, 12, "s0-s11", ["s12-s23": 0 12, 1 13, 2 14, 3 15, 4 16, 5 17, 6 18, 7 19, 8 20, 9 21, 10 22, 11 23]);
rows!(rows_13, 13, "s0-s12",
    ["s13-s25": 0 13, 1 14, 2 15, 3 16, 4 17, 5 18, 6 19, 7 20, 8 21, 9 22, 10 23, 11 24, 12 25]);
rows!(rows_14, 14, "s0-s13",
    ["s14-s27": 0 14, 1 15, 2 16, 3 17, 4 18, 5 19, 6 20, 7 21, 8 22, 9 23, 10 24, 11 25, 12 26, 13 27]);
rows!(rows_15, 15, "s0-s14",
    ["s15-s29": 0 15, 1 16, 2 17, 3 18, 4 19, 5 20, 6 21, 7 22, 8 23, 9 24, 10 25, 11 26, 12 27, 13 28, 14 29]);
rows!(rows_16, 16, "s0-s15",
    ["s16-s23": 0 16, 1 17, 2 18, 3 19, 4 20, 5 21, 6 22, 7 23]
    ["s16-s23": 8 16, 9 17, 10 18, 11 19, 12 20, 13 21, 14 22, 15 23]);
rows!(rows_17, 17, "s0-s16",
    ["s17-s25": 0 17, 1 18, 2 19, 3 20, 4 21, 5 22, 6 23, 7 24, 8 25]
    ["s17-s24": 9 17, 10 18, 11 19, 12 20, 13 21, 14 22, 15 23, 16 24]);
rows!(rows_18, 18, "s0-s17",
    ["s18-s26": 0 18, 1 19, 2 20, 3 21, 4 22, 5 23, 6 24, 7 25, 8 26]
    ["s18-s26": 9 18, 10 19, 11 20, 12 21, 13 22, 14 23, 15 24, 16 25, 17 26]);
rows!(rows_19, 19, "s0-s18",
    ["s19-s28": 0 19, 1 20, 2 21, 3 22, 4 23, 5 24, 6 25, 7 26, 8 27, 9 28]
    ["s19-s27": 10 19, 11 20, 12 21, 13 22, 14 23, 15 24, 16 25, 17 26, 18 27]);
rows!(rows_20, 20, "s0-s19",
    ["s20-s29": 0 20, 1 21, 2 22, 3 23, 4 24, 5 25, 6 26, 7 27, 8 28, 9 29]
    ["s20-s29": 10 20, 11 21, 12 22, 13 23, 14 24, 15 25, 16 26, 17 27, 18 28, 19 29]);

/// The tap of a filter's row: its weights from s28 on, and the pixels under it for the square's positions, the upper two and
/// the lower two. Of each filter the sums by position and the weight are given, here and below.
macro_rules! tap {
    ([$($a:literal $b:literal $c:literal $d:literal $weight:literal),*], $weights:literal,
        ($p:literal $q:literal $r:literal $s:literal)) => {
        concat!(
            "vldmia {w}!, {{", $weights, "}}\n add {w}, {w}, {rest}\n",
            $("vmla.f32 s", $a, ", s", $weight, ", s", $p, "\n",)*
            $("vmla.f32 s", $b, ", s", $weight, ", s", $q, "\n",)*
            $("vmla.f32 s", $c, ", s", $weight, ", s", $r, "\n",)*
            $("vmla.f32 s", $d, ", s", $weight, ", s", $s, "\n",)*
        )
    };
}

/// Keeps the greatest sum of each filter; of equals, and of what cannot be compared, the first.
macro_rules! keep_greatest {
    (@ $best:literal $rival:literal) => {
        concat!(
            "vcmp.f32 s", $rival, ", s", $best, "\n vmrs APSR_nzcv, fpscr\n it gt\n",
            "vmovgt.f32 s", $best, ", s", $rival, "\n",
        )
    };
    ([$($a:literal $b:literal $c:literal $d:literal $weight:literal),*]) => {
        concat!($(keep_greatest!(@ $a $b), keep_greatest!(@ $a $c), keep_greatest!(@ $a $d),)*)
    };
}

/// Adds each filter's bias, which lies where its weights did.
macro_rules! add_bias {
    ([$($a:literal $b:literal $c:literal $d:literal $weight:literal),*]) => {
        concat!($("vadd.f32 s", $a, ", s", $a, ", s", $weight, "\n",)*)
    };
}

/// A loop over the rows of some filters under a square of 2x2 positions: sums in s0 to s15, four for each position, and two
/// rows of pixels from s16 on.
macro_rules! square {
    ($name:ident, $filters:literal, $columns:literal, $weights:literal, $out:literal, $sums:tt,
        $upper:literal, $lower:literal, [$($tap:tt),*]) => {
        /// As [`device::plain::square`](super::device::plain::square).
        #[inline(never)]
        pub(super) fn $name(
            x: &[f32],
            width: usize,
            weights: &[f32],
            outputs: usize,
            bias: &[f32; $filters],
            out: &mut [f32; $filters],
        ) {
            if !has_square($columns, $filters, x, width, weights, outputs) {
                return;
            }
            // SAFETY: `fits` has checked that there is a row of pixels more than rows of the filter, at distances of
            // `width`, one pixel longer than a filter's row, and a row of weights for each tap, at distances of `outputs`,
            // the last at least of `$filters`. All that is written is `out`. Each register is named as changed.
            unsafe {
                asm!(
                    "vldmia {zeros}, {{s0-s15}}",
                    "2:",
                    concat!("vldmia {x}, {{", $upper, "}}"),
                    "add {x}, {x}, {width}",
                    concat!("vldmia {x}, {{", $lower, "}}"),
                    $(tap!($sums, $weights, $tap),)*
                    "subs {rows}, {rows}, #1",
                    "bne 2b",
                    keep_greatest!($sums),
                    concat!("vldmia {bias}, {{", $weights, "}}"),
                    add_bias!($sums),
                    concat!("vstmia {out}, {{", $out, "}}"),
                    zeros = in(reg) ZEROS.as_ptr(),
                    x = inout(reg) x.as_ptr() => _,
                    width = in(reg) 4 * width,
                    w = inout(reg) weights.as_ptr() => _,
                    rest = in(reg) 4 * (outputs - $filters),
                    rows = inout(reg) $columns => _,
                    bias = in(reg) bias.as_ptr(),
                    out = in(reg) out.as_mut_ptr(),
                    out("s0") _, out("s1") _, out("s2") _, out("s3") _, out("s4") _, out("s5") _, out("s6") _,
                    out("s7") _, out("s8") _, out("s9") _, out("s10") _, out("s11") _, out("s12") _, out("s13") _,
                    out("s14") _, out("s15") _, out("s16") _, out("s17") _, out("s18") _, out("s19") _, out("s20") _,
                    out("s21") _, out("s22") _, out("s23") _, out("s24") _, out("s25") _, out("s26") _, out("s27") _,
                    out("s28") _, out("s29") _, out("s30") _, out("s31") _,
                    options(nostack),
                );
            }
        }
    };
}

macro_rules! squares {
    ($($three:ident $five:ident $filters:literal, $weights:literal, $out:literal, $sums:tt;)*) => {$(
        square!($three, $filters, 3, $weights, $out, $sums, "s16-s19", "s20-s23",
            [(16 17 20 21), (17 18 21 22), (18 19 22 23)]);
        square!($five, $filters, 5, $weights, $out, $sums, "s16-s21", "s22-s27",
            [(16 17 22 23), (17 18 23 24), (18 19 24 25), (19 20 25 26), (20 21 26 27)]);
    )*};
}

squares! {
    square_3_1 square_5_1 1, "s28", "s0", [0 4 8 12 28];
    square_3_2 square_5_2 2, "s28-s29", "s0-s1", [0 4 8 12 28, 1 5 9 13 29];
    square_3_3 square_5_3 3, "s28-s30", "s0-s2", [0 4 8 12 28, 1 5 9 13 29, 2 6 10 14 30];
    square_3_4 square_5_4 4, "s28-s31", "s0-s3", [0 4 8 12 28, 1 5 9 13 29, 2 6 10 14 30, 3 7 11 15 31];
}
