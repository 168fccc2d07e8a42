//! The innermost loops of [`device`](super::device) for a Cortex-M with an FPU, such as the M4F.
//!
//! `VMLA.F32` rounds the product and then the sum, as separate instructions would: one instruction a multiplication,
//! and the same bits. (`VFMA.F32` does not round the product.) `VLDM` loads up to 16 weights at a time.

use super::device::Window;
use core::arch::asm;

/// What sums start from.
static ZEROS: [f32; 20] = [0.0; 20];

/// A loop that keeps the sums in registers from s0 on and x in s31. Each group is what `VLDM` loads, and the pairs of a
/// sum's register and its weight's.
macro_rules! rows {
    ($name:ident, $columns:literal, $sums:literal, $([$weights:literal: $($sum:literal $weight:literal),*])*) => {
        /// As [`device::plain::rows`](super::device::plain::rows).
        #[inline(never)]
        pub(super) fn $name(window: &Window, weights: &[f32], outputs: usize, sums: &mut [f32; $columns]) {
            if !window.fits(weights, outputs, $columns) {
                return;
            }
            // SAFETY: `fits` has checked that each of the `runs` has `run` values, at least one, at distances of
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

rows!(rows_20, 20, "s0-s19",
    ["s20-s29": 0 20, 1 21, 2 22, 3 23, 4 24, 5 25, 6 26, 7 27, 8 28, 9 29]
    ["s20-s29": 10 20, 11 21, 12 22, 13 23, 14 24, 15 25, 16 26, 17 27, 18 28, 19 29]);
rows!(rows_12, 12, "s0-s11",
    ["s12-s23": 0 12, 1 13, 2 14, 3 15, 4 16, 5 17, 6 18, 7 19, 8 20, 9 21, 10 22, 11 23]);
rows!(rows_10, 10, "s0-s9", ["s10-s19": 0 10, 1 11, 2 12, 3 13, 4 14, 5 15, 6 16, 7 17, 8 18, 9 19]);
rows!(rows_4, 4, "s0-s3", ["s4-s7": 0 4, 1 5, 2 6, 3 7]);
rows!(rows_1, 1, "s0", ["s1": 0 1]);

/// The tap of a filter's row: its four weights in s28 to s31, and the pixels under it for the square's positions, the
/// upper two and the lower two.
macro_rules! tap {
    ($a:literal, $b:literal, $c:literal, $d:literal) => {
        concat!(
            "vldmia {w}!, {{s28-s31}}\n add {w}, {w}, {rest}\n",
            "vmla.f32 s0, s28, s",
            $a,
            "\n vmla.f32 s1, s29, s",
            $a,
            "\n",
            "vmla.f32 s2, s30, s",
            $a,
            "\n vmla.f32 s3, s31, s",
            $a,
            "\n",
            "vmla.f32 s4, s28, s",
            $b,
            "\n vmla.f32 s5, s29, s",
            $b,
            "\n",
            "vmla.f32 s6, s30, s",
            $b,
            "\n vmla.f32 s7, s31, s",
            $b,
            "\n",
            "vmla.f32 s8, s28, s",
            $c,
            "\n vmla.f32 s9, s29, s",
            $c,
            "\n",
            "vmla.f32 s10, s30, s",
            $c,
            "\n vmla.f32 s11, s31, s",
            $c,
            "\n",
            "vmla.f32 s12, s28, s",
            $d,
            "\n vmla.f32 s13, s29, s",
            $d,
            "\n",
            "vmla.f32 s14, s30, s",
            $d,
            "\n vmla.f32 s15, s31, s",
            $d,
        )
    };
}

/// Keeps the greater of each of four pairs; of equals, and of what cannot be compared, the first.
macro_rules! keep_greater {
    ($($best:literal $rival:literal),*) => {
        concat!($(
            "vcmp.f32 s", $rival, ", s", $best, "\n vmrs APSR_nzcv, fpscr\n it gt\n",
            "vmovgt.f32 s", $best, ", s", $rival, "\n",
        )*)
    };
}

/// As [`device::plain::square`](super::device::plain::square): sums in s0 to s15, by position, and two rows of pixels in
/// s16 to s27.
#[inline(never)]
pub(super) fn square(x: &[f32], width: usize, weights: &[f32], outputs: usize, bias: &[f32; 4], out: &mut [f32; 4]) {
    if width < 6 || x.len() < 5 * width + 6 || outputs < 4 || weights.len() < 24 * outputs + 4 {
        return;
    }
    // SAFETY: it has been checked that there are six rows of six pixels at distances of `width`, and 25 rows of weights at
    // distances of `outputs`, the last at least of four. All that is written is `out`. Each register is named as changed.
    unsafe {
        asm!(
            "vldmia {zeros}, {{s0-s15}}",
            "2:",
            "vldmia {x}, {{s16-s21}}",
            "add {x}, {x}, {width}",
            "vldmia {x}, {{s22-s27}}",
            tap!(16, 17, 22, 23),
            tap!(17, 18, 23, 24),
            tap!(18, 19, 24, 25),
            tap!(19, 20, 25, 26),
            tap!(20, 21, 26, 27),
            "subs {rows}, {rows}, #1",
            "bne 2b",
            keep_greater!(0 4, 1 5, 2 6, 3 7),
            keep_greater!(0 8, 1 9, 2 10, 3 11),
            keep_greater!(0 12, 1 13, 2 14, 3 15),
            "vldmia {bias}, {{s4-s7}}",
            "vadd.f32 s0, s0, s4",
            "vadd.f32 s1, s1, s5",
            "vadd.f32 s2, s2, s6",
            "vadd.f32 s3, s3, s7",
            "vstmia {out}, {{s0-s3}}",
            zeros = in(reg) ZEROS.as_ptr(),
            x = inout(reg) x.as_ptr() => _,
            width = in(reg) 4 * width,
            w = inout(reg) weights.as_ptr() => _,
            rest = in(reg) 4 * (outputs - 4),
            rows = inout(reg) 5 => _,
            bias = in(reg) bias.as_ptr(),
            out = in(reg) out.as_mut_ptr(),
            out("s0") _, out("s1") _, out("s2") _, out("s3") _, out("s4") _, out("s5") _, out("s6") _, out("s7") _,
            out("s8") _, out("s9") _, out("s10") _, out("s11") _, out("s12") _, out("s13") _, out("s14") _,
            out("s15") _, out("s16") _, out("s17") _, out("s18") _, out("s19") _, out("s20") _, out("s21") _,
            out("s22") _, out("s23") _, out("s24") _, out("s25") _, out("s26") _, out("s27") _, out("s28") _,
            out("s29") _, out("s30") _, out("s31") _,
            options(nostack),
        );
    }
}
