//! Registers of x86-64 as vectors, and the functions that are compiled for them.
//!
//! LLVM turns loops over short arrays into vectors only sometimes, and less often where it is allowed wider ones, so
//! these are written out. They add and multiply like the arrays, lane by lane, and have the same bits.

use super::vector::{Kernel, Vector};
use crate::executor::{Vectors, Width};
use core::arch::asm;
use core::arch::x86_64::*;

impl Vectors {
    /// 256 bits.
    ///
    /// # Safety
    /// The processor must have AVX2, BMI1, BMI2 and POPCNT; in a build with `--cfg minnet_fused`, FMA too.
    pub const unsafe fn avx2() -> Self {
        Self(Width::Avx2)
    }

    /// 512 bits.
    ///
    /// # Safety
    /// The processor must have AVX-512 F, VL, BW and DQ, BMI1, BMI2 and POPCNT.
    pub const unsafe fn avx512() -> Self {
        Self(Width::Avx512)
    }
}

/// Runs a kernel on these vectors.
#[inline(always)]
pub(super) fn run(vectors: Vectors, kernel: impl Kernel) {
    match vectors.0 {
        // SAFETY: whoever made this value of `Vectors` has promised that the processor has the instructions.
        Width::Avx512 => unsafe { avx512(kernel) },
        // SAFETY: as above.
        Width::Avx2 => unsafe { avx2(kernel) },
        Width::Baseline => sse2(kernel),
    }
}

/// Runs a kernel with SSE2: 4 lanes.
#[inline(never)]
pub(super) fn sse2(kernel: impl Kernel) {
    kernel.run::<Sse2>();
}

/// Runs a kernel with AVX2 in a function of its own. The compiler does not take `inline(never)` from a function that is
/// compiled for other instructions, but it cannot inline such a function here.
///
/// # Safety
/// As for [`avx2`].
#[inline(never)]
unsafe fn avx2_apart(kernel: impl Kernel) {
    // SAFETY: the caller's promise.
    unsafe { avx2(kernel) }
}

/// As [`avx2_apart`], with AVX-512.
///
/// # Safety
/// As for [`avx512`].
#[inline(never)]
unsafe fn avx512_apart(kernel: impl Kernel) {
    // SAFETY: the caller's promise.
    unsafe { avx512(kernel) }
}

/// Runs a kernel with AVX2: 8 lanes.
///
/// # Safety
/// The processor must have AVX2, BMI1, BMI2 and POPCNT; in a build with `--cfg minnet_fused`, FMA too.
#[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
#[cfg_attr(minnet_fused, target_feature(enable = "fma"))]
pub(super) fn avx2(kernel: impl Kernel) {
    kernel.run::<Avx2>();
}

/// Runs a kernel with AVX-512: 16 lanes.
///
/// # Safety
/// The processor must have AVX-512 F, VL, BW and DQ, BMI1, BMI2 and POPCNT.
#[target_feature(enable = "avx512f,avx512vl,avx512bw,avx512dq,bmi1,bmi2,popcnt")]
pub(super) fn avx512(kernel: impl Kernel) {
    kernel.run::<Avx512>();
}

/// 4 numbers: what every x86-64 processor has.
#[derive(Clone, Copy)]
pub(crate) struct Sse2(__m128);

/// 8 numbers. No one outside of this module can name it, so it is used in [`avx2`] and [`avx512`] alone, which are
/// called where the processor has the instructions.
#[derive(Clone, Copy)]
struct Avx2(__m256);

/// 16 numbers; used in [`avx512`] alone.
#[derive(Clone, Copy)]
struct Avx512(__m512);

/// The numbers of the bits that are 1 in each mask of eight, ascending; zeros follow.
static LANES_OF: [[u8; 8]; 256] = {
    let mut table = [[0; 8]; 256];
    let mut mask = 0;
    while mask < 256 {
        let (mut lane, mut count) = (0, 0);
        while lane < 8 {
            if mask >> lane & 1 == 1 {
                table[mask][count] = lane as u8;
                count += 1;
            }
            lane += 1;
        }
        mask += 1;
    }
    table
};

/// Turns a block of 4x4 numbers.
#[inline(always)]
pub(crate) fn transpose(rows: [[f32; 4]; 4]) -> [[f32; 4]; 4] {
    let [a, b, c, d] = rows.map(|row| <Sse2 as Vector>::load(&row).0);
    // SAFETY: every x86-64 processor has SSE2.
    let columns = unsafe {
        let (ab_low, ab_high) = (_mm_unpacklo_ps(a, b), _mm_unpackhi_ps(a, b));
        let (cd_low, cd_high) = (_mm_unpacklo_ps(c, d), _mm_unpackhi_ps(c, d));
        [
            _mm_movelh_ps(ab_low, cd_low),
            _mm_movehl_ps(cd_low, ab_low),
            _mm_movelh_ps(ab_high, cd_high),
            _mm_movehl_ps(cd_high, ab_high),
        ]
    };
    columns.map(|column| {
        let mut row = [0.0; 4];
        Sse2(column).store(&mut row);
        row
    })
}

macro_rules! register {
    ($vector:ident, $lanes:literal / 2 = $half:ty, $sums:literal, $outline:expr, $set:ident, $load:ident, $store:ident, $add:ident,
     $sub:ident, $mul:ident, $greater:expr $(, $more:item)*) => {
        impl Vector for $vector {
            const LANES: usize = $lanes;
            const SUMS: usize = $sums;
            type Half = $half;

            #[inline(always)]
            fn outline(kernel: impl Kernel) {
                // SAFETY: this type is used only where the processor has the instructions (see there).
                #[allow(unused_unsafe, reason = "SSE2 needs none")]
                unsafe {
                    $outline(kernel);
                }
            }

            #[inline(always)]
            fn splat(value: f32) -> Self {
                // SAFETY: this type is used only where the processor has the instructions (see there).
                Self(unsafe { $set(value) })
            }

            #[inline(always)]
            fn load(run: &[f32]) -> Self {
                match run.first_chunk::<$lanes>() {
                    // SAFETY: the instructions as above; the pointer leads to as many numbers as are loaded.
                    Some(run) => Self(unsafe { $load(run.as_ptr()) }),
                    None => Self::splat(0.0),
                }
            }

            #[inline(always)]
            fn store(self, run: &mut [f32]) {
                if let Some(run) = run.first_chunk_mut::<$lanes>() {
                    // SAFETY: the instructions as above; the pointer leads to as many numbers as are stored.
                    unsafe { $store(run.as_mut_ptr(), self.0) };
                }
            }

            #[inline(always)]
            fn add(self, other: Self) -> Self {
                // SAFETY: the instructions as above.
                Self(unsafe { $add(self.0, other.0) })
            }

            #[inline(always)]
            fn sub(self, other: Self) -> Self {
                // SAFETY: the instructions as above.
                Self(unsafe { $sub(self.0, other.0) })
            }

            #[inline(always)]
            fn mul(self, other: Self) -> Self {
                // SAFETY: the instructions as above.
                Self(unsafe { $mul(self.0, other.0) })
            }

            #[inline(always)]
            fn if_greater(self, other: Self, then: Self, otherwise: Self) -> Self {
                // SAFETY: the instructions as above.
                Self(unsafe { $greater(self.0, other.0, then.0, otherwise.0) })
            }

            #[inline(always)]
            fn prefetch(run: &[f32]) {
                for line in run.chunks(16) {
                    // SAFETY: every x86-64 processor has the instruction, which asks for memory and cannot fail.
                    unsafe { _mm_prefetch::<_MM_HINT_T0>(line.as_ptr().cast()) };
                }
            }

            $($more)*
        }
    };
}

register!(
    Sse2,
    4 / 2 = [f32; 2],
    13,
    sse2,
    _mm_set1_ps,
    _mm_loadu_ps,
    _mm_storeu_ps,
    _mm_add_ps,
    _mm_sub_ps,
    _mm_mul_ps,
    |a, b, then, otherwise| {
        let greater = _mm_cmpgt_ps(a, b);
        _mm_or_ps(_mm_and_ps(greater, then), _mm_andnot_ps(greater, otherwise))
    },
    #[inline(always)]
    fn nonzero(self) -> u16 {
        // SAFETY: the instructions as above.
        unsafe { _mm_movemask_ps(_mm_cmpneq_ps(self.0, _mm_setzero_ps())) as u16 }
    }
);
register!(
    Avx2,
    8 / 2 = Sse2,
    13,
    avx2_apart,
    _mm256_set1_ps,
    _mm256_loadu_ps,
    _mm256_storeu_ps,
    _mm256_add_ps,
    _mm256_sub_ps,
    _mm256_mul_ps,
    |a, b, then, otherwise| _mm256_blendv_ps(otherwise, then, _mm256_cmp_ps::<_CMP_GT_OQ>(a, b)),
    #[inline(always)]
    fn store_bytes(self, run: &mut [u8]) {
        let Some(place) = run.first_chunk_mut::<8>() else { return };
        // SAFETY: the instructions as above; the place has room for the 8 bytes that are stored.
        unsafe {
            let bits = _mm256_and_si256(_mm256_castps_si256(self.0), _mm256_set1_epi32(255));
            let shorts = _mm_packs_epi32(_mm256_castsi256_si128(bits), _mm256_extracti128_si256::<1>(bits));
            _mm_storel_epi64(place.as_mut_ptr().cast(), _mm_packus_epi16(shorts, shorts));
        }
    },
    #[inline(always)]
    fn nonzero(self) -> u16 {
        // SAFETY: the instructions as above.
        unsafe { _mm256_movemask_ps(_mm256_cmp_ps::<_CMP_NEQ_UQ>(self.0, _mm256_setzero_ps())) as u16 }
    },
    #[inline(always)]
    fn list_nonzero(self, list: &mut [u16], count: usize, first: usize) -> Option<usize> {
        let place = list.get_mut(count..)?.first_chunk_mut::<8>()?;
        // SAFETY: the instructions as above; a row of the table has 8 bytes, and the place room for the 8 numbers
        // of two bytes that are stored.
        let nonzero = unsafe {
            let nonzero = usize::from(self.nonzero());
            let lanes = _mm_loadl_epi64(LANES_OF[nonzero & 255].as_ptr().cast());
            let indices = _mm_add_epi16(_mm_cvtepu8_epi16(lanes), _mm_set1_epi16(first as i16));
            _mm_storeu_si128(place.as_mut_ptr().cast(), indices);
            nonzero
        };
        Some(count + nonzero.count_ones() as usize)
    },
    #[inline(always)]
    fn transpose(rows: [&[f32; 16]; 16], mut column: impl FnMut(usize, [f32; 16])) -> bool {
        for quarter in (0..4).map(|quarter| 4 * quarter) {
            let mut columns = [[0.0; 16]; 4];
            for (half, number) in rows.as_chunks::<8>().0.iter().zip(0..) {
                // SAFETY: the instructions as above.
                let turned = unsafe {
                    // Two blocks of 4x4, below each other, are turned at the same time.
                    let mut every_fourth = [_mm256_setzero_ps(); 4];
                    for (row, every) in every_fourth.iter_mut().enumerate() {
                        let upper = <Sse2 as Vector>::load(&half[row][quarter..]).0;
                        let lower = <Sse2 as Vector>::load(&half[row + 4][quarter..]).0;
                        *every = _mm256_insertf128_ps::<1>(_mm256_castps128_ps256(upper), lower);
                    }
                    let [a, b, c, d] = every_fourth;
                    let ab_low = _mm256_castps_pd(_mm256_unpacklo_ps(a, b));
                    let ab_high = _mm256_castps_pd(_mm256_unpackhi_ps(a, b));
                    let cd_low = _mm256_castps_pd(_mm256_unpacklo_ps(c, d));
                    let cd_high = _mm256_castps_pd(_mm256_unpackhi_ps(c, d));
                    [
                        Self(_mm256_castpd_ps(_mm256_unpacklo_pd(ab_low, cd_low))),
                        Self(_mm256_castpd_ps(_mm256_unpackhi_pd(ab_low, cd_low))),
                        Self(_mm256_castpd_ps(_mm256_unpacklo_pd(ab_high, cd_high))),
                        Self(_mm256_castpd_ps(_mm256_unpackhi_pd(ab_high, cd_high))),
                    ]
                };
                for (values, run) in turned.into_iter().zip(&mut columns) {
                    values.store(&mut run[8 * number..]);
                }
            }
            for (values, number) in columns.into_iter().zip(quarter..) {
                column(number, values);
            }
        }
        true
    },
    #[cfg(minnet_fused)]
    #[inline(always)]
    fn add_product(self, a: Self, b: Self) -> Self {
        // SAFETY: the instructions as above.
        Self(unsafe { _mm256_fmadd_ps(a.0, b.0, self.0) })
    }
);
register!(
    Avx512,
    16 / 2 = Avx2,
    24,
    avx512_apart,
    _mm512_set1_ps,
    _mm512_loadu_ps,
    _mm512_storeu_ps,
    _mm512_add_ps,
    _mm512_sub_ps,
    _mm512_mul_ps,
    |a, b, then, otherwise| _mm512_mask_blend_ps(_mm512_cmp_ps_mask::<_CMP_GT_OQ>(a, b), otherwise, then),
    #[inline(always)]
    fn broadcast(value: &f32) -> Self {
        // SAFETY: the instructions as above.
        Self(unsafe { broadcast(value) })
    },
    #[inline(always)]
    fn store_bytes(self, run: &mut [u8]) {
        let Some(place) = run.first_chunk_mut::<16>() else { return };
        // SAFETY: the instructions as above; the place has room for the 16 bytes that are stored.
        unsafe { _mm_storeu_si128(place.as_mut_ptr().cast(), _mm512_cvtepi32_epi8(_mm512_castps_si512(self.0))) };
    },
    #[inline(always)]
    fn nonzero(self) -> u16 {
        // SAFETY: the instructions as above.
        unsafe { _mm512_cmp_ps_mask::<_CMP_NEQ_UQ>(self.0, _mm512_setzero_ps()) }
    },
    #[inline(always)]
    fn list_nonzero(self, list: &mut [u16], count: usize, first: usize) -> Option<usize> {
        let place = list.get_mut(count..)?.first_chunk_mut::<16>()?;
        // SAFETY: the instructions as above; the place has room for the 16 numbers of two bytes that are stored.
        let nonzero = unsafe {
            let nonzero = self.nonzero();
            let lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
            let indices = _mm512_add_epi32(lanes, _mm512_set1_epi32(first as i32));
            let listed = _mm512_maskz_compress_epi32(nonzero, indices);
            _mm256_storeu_si256(place.as_mut_ptr().cast(), _mm512_cvtepi32_epi16(listed));
            nonzero
        };
        Some(count + nonzero.count_ones() as usize)
    },
    #[inline(always)]
    fn transpose(rows: [&[f32; 16]; 16], mut column: impl FnMut(usize, [f32; 16])) -> bool {
        for quarter in (0..4).map(|quarter| 4 * quarter) {
            let mut parts = [[0.0; 4]; 16];
            for (part, row) in parts.iter_mut().zip(rows) {
                *part = *row.get(quarter..).and_then(|row| row.first_chunk()).unwrap_or(&[0.0; 4]);
            }
            // SAFETY: the instructions as above.
            let columns = unsafe {
                // Blocks of 4x4, below each other, are turned at the same time. No closures: they would not be compiled
                // for these instructions.
                let mut every_fourth = [_mm512_setzero_ps(); 4];
                for (row, every) in every_fourth.iter_mut().enumerate() {
                    let [a, b, c, d] = [parts[row], parts[row + 4], parts[row + 8], parts[row + 12]];
                    let first = _mm512_castps128_ps512(<Sse2 as Vector>::load(&a).0);
                    let upper = _mm512_insertf32x4::<1>(first, <Sse2 as Vector>::load(&b).0);
                    let three = _mm512_insertf32x4::<2>(upper, <Sse2 as Vector>::load(&c).0);
                    *every = _mm512_insertf32x4::<3>(three, <Sse2 as Vector>::load(&d).0);
                }
                let [a, b, c, d] = every_fourth;
                let ab_low = _mm512_castps_pd(_mm512_unpacklo_ps(a, b));
                let ab_high = _mm512_castps_pd(_mm512_unpackhi_ps(a, b));
                let cd_low = _mm512_castps_pd(_mm512_unpacklo_ps(c, d));
                let cd_high = _mm512_castps_pd(_mm512_unpackhi_ps(c, d));
                [
                    Self(_mm512_castpd_ps(_mm512_unpacklo_pd(ab_low, cd_low))),
                    Self(_mm512_castpd_ps(_mm512_unpackhi_pd(ab_low, cd_low))),
                    Self(_mm512_castpd_ps(_mm512_unpacklo_pd(ab_high, cd_high))),
                    Self(_mm512_castpd_ps(_mm512_unpackhi_pd(ab_high, cd_high))),
                ]
            };
            for (values, number) in columns.into_iter().zip(quarter..) {
                let mut run = [0.0; 16];
                values.store(&mut run);
                column(number, run);
            }
        }
        true
    },
    #[cfg(minnet_fused)]
    #[inline(always)]
    fn add_product(self, a: Self, b: Self) -> Self {
        // SAFETY: the instructions as above.
        Self(unsafe { _mm512_fmadd_ps(a.0, b.0, self.0) })
    }
);

/// `value` in each lane. A Zen 4 takes a pipe of its arithmetic for `vbroadcastss`, which the compiler makes of every
/// intrinsic that would do, and only loads for this instruction: a loop of 21 products and sums for each three values ran
/// 17 % faster with it.
#[inline]
#[target_feature(enable = "avx512f")]
fn broadcast(value: &f32) -> __m512 {
    let lanes;
    // SAFETY: reads the number that the reference leads to, and nothing else happens.
    unsafe {
        asm!("vpbroadcastd {lanes}, dword ptr [{value}]", lanes = out(zmm_reg) lanes, value = in(reg) value,
             options(pure, readonly, nostack, preserves_flags));
    }
    lanes
}

/// For tests: runs a kernel on each of these widths that this processor has.
#[cfg(test)]
pub(super) fn on_each_width(kernel: impl Kernel + Copy) {
    extern crate std;
    kernel.run::<Sse2>();
    if !(std::is_x86_feature_detected!("bmi1")
        && std::is_x86_feature_detected!("bmi2")
        && std::is_x86_feature_detected!("popcnt"))
    {
        return;
    }
    if std::is_x86_feature_detected!("avx2") {
        // SAFETY: just detected.
        unsafe { avx2(kernel) };
    }
    if std::is_x86_feature_detected!("avx512f")
        && std::is_x86_feature_detected!("avx512vl")
        && std::is_x86_feature_detected!("avx512bw")
        && std::is_x86_feature_detected!("avx512dq")
    {
        // SAFETY: just detected.
        unsafe { avx512(kernel) };
    }
}
