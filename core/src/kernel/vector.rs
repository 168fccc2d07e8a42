//! Vectors of numbers, and how they cover a run of them.
//!
//! Kernels are written once, for any [`Vector`]. A vector's lanes hold *different* sums, so its width changes no bit.

use crate::executor::Vectors;

/// An inner loop with its arguments.
///
/// It is a trait of its own, not a closure, because its code must be inlined into a function that was compiled for
/// wider vectors, and only a method can ask for that.
pub(crate) trait Kernel {
    /// Runs it on vectors `V`, which change no bit. Mark it `#[inline(always)]`.
    fn run<V: Vector>(self);
}

/// Gives kernels a function that is not generic: so it is compiled once, with this crate, and called from others. Those
/// under `device inline` are inlined on a microcontroller, so that an activation which is a constant brings no others.
macro_rules! compiled_once {
    ($($kernel:ty),*$(; device inline $($folded:ty),*)?) => {
        $($crate::kernel::vector::compiled_once!(@ $kernel, inline(never));)*
        $($(
            #[cfg(target_os = "none")]
            $crate::kernel::vector::compiled_once!(@ $folded, inline(always));
            #[cfg(not(target_os = "none"))]
            $crate::kernel::vector::compiled_once!(@ $folded, inline(never));
        )*)?
    };
    (@ $kernel:ty, $inline:meta) => {
        impl $kernel {
            /// Runs the kernel on these vectors.
            #[$inline]
            pub(crate) fn on(self, vectors: $crate::executor::Vectors) {
                $crate::kernel::vector::run(vectors, self);
            }
        }
    };
}
pub(crate) use compiled_once;

/// Runs a kernel on these vectors.
#[inline(always)]
pub(crate) fn run(vectors: Vectors, kernel: impl Kernel) {
    #[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
    super::x86::run(vectors, kernel);
    #[cfg(not(all(target_arch = "x86_64", target_feature = "sse2")))]
    {
        let _ = vectors;
        kernel.run::<Baseline>();
    }
}

/// Neighbouring numbers that one instruction works on.
///
/// Only this crate implements it: arrays for every target, and registers of x86-64.
pub(crate) trait Vector: Copy {
    /// How many numbers.
    const LANES: usize;
    /// How many vectors of sums the registers hold, with room for the factors; at most 24.
    const SUMS: usize;
    /// What takes the runs that are shorter than this vector.
    type Half: Vector;

    /// Runs a kernel on these vectors, in a function of its own: so the registers are all its own, and it is compiled
    /// once.
    #[inline(always)]
    fn outline(kernel: impl Kernel) {
        apart::<Self>(kernel);
    }

    /// `value` in each lane.
    fn splat(value: f32) -> Self;
    /// As [`splat`](Self::splat), of a value in memory: for loops that keep the arithmetic busy, by an instruction that
    /// leaves it alone, where there is one.
    #[inline(always)]
    fn broadcast(value: &f32) -> Self {
        Self::splat(*value)
    }
    /// The first numbers of `run`, which has at least [`LANES`](Self::LANES).
    fn load(run: &[f32]) -> Self;
    /// Writes the first numbers of `run`, which has at least [`LANES`](Self::LANES).
    fn store(self, run: &mut [f32]);
    /// Writes the lowest byte of each lane's bits to the first places of `run`, which has at least
    /// [`LANES`](Self::LANES).
    #[inline(always)]
    fn store_bytes(self, run: &mut [u8]) {
        let mut lanes = [0.0; WIDEST];
        self.store(&mut lanes);
        for (byte, lane) in run.iter_mut().zip(lanes).take(Self::LANES) {
            *byte = lane.to_bits() as u8;
        }
    }
    /// Lane by lane.
    fn add(self, other: Self) -> Self;
    /// Lane by lane.
    fn sub(self, other: Self) -> Self;
    /// Lane by lane.
    fn mul(self, other: Self) -> Self;
    /// Adds the product, which is rounded first; in a build with `--cfg minnet_fused`, which has other bits and is there
    /// to be compared with, it is not, where there is an instruction for that.
    #[inline(always)]
    fn add_product(self, a: Self, b: Self) -> Self {
        self.add(a.mul(b))
    }

    /// `then` in the lanes that are greater than those of `other`, `otherwise` in the rest.
    fn if_greater(self, other: Self, then: Self, otherwise: Self) -> Self;

    /// A bit for each lane, from the lowest on: whether it is not zero.
    #[inline(always)]
    fn nonzero(self) -> u16 {
        let mut lanes = [0.0; WIDEST];
        self.store(&mut lanes);
        lanes.iter().zip(0..Self::LANES).fold(0, |bits, (&lane, index)| bits | u16::from(lane != 0.0) << index)
    }

    /// Appends the indices of the lanes that are not zero to a list of `count`, and gives the new count; `None` if
    /// there is no instruction for it, or the list has no room for [`LANES`](Self::LANES) more. The first lane has the
    /// index `first`.
    #[inline(always)]
    fn list_nonzero(self, _list: &mut [u16], _count: usize, _first: usize) -> Option<usize> {
        None
    }

    /// Asks for the numbers of a run that will be needed soon, where there is an instruction for it.
    #[inline(always)]
    fn prefetch(_run: &[f32]) {}

    /// Turns a block of 16x16 numbers: `column` is given the number of each column, and its values. Gives `false`, and
    /// does nothing, if there are no instructions for it.
    #[inline(always)]
    fn transpose(_rows: [&[f32; 16]; 16], _column: impl FnMut(usize, [f32; 16])) -> bool {
        false
    }
}

#[inline(never)]
fn apart<V: Vector>(kernel: impl Kernel) {
    kernel.run::<V>();
}

/// The vectors that every processor of the target has; on a microcontroller, single numbers.
#[cfg(not(all(target_arch = "x86_64", target_feature = "sse2")))]
pub(crate) type Baseline = [f32; if cfg!(target_os = "none") { 1 } else { 4 }];

/// At the start of a cache line, so that fewer vectors lie across the end of one. A microcontroller has none, and would
/// pay with stack.
#[derive(Clone, Copy)]
#[cfg_attr(not(target_os = "none"), repr(align(64)))]
pub(crate) struct Aligned<T>(pub(crate) T);

/// The lanes of the widest vector.
const WIDEST: usize = 16;

/// Arrays of sums that registers hold: SSE2 has 16 registers of four numbers, NEON 32 of four, a microcontroller's FPU 32
/// of one. Without an FPU there are none, and few sums are the least code.
const ARRAYS: usize = match (cfg!(target_os = "none"), cfg!(any(target_abi = "eabihf", target_feature = "f"))) {
    (true, true) => 15,
    (true, false) => 5,
    (false, _) => 12,
};

macro_rules! array {
    ($($lanes:literal / 2 = $half:literal),*) => {$(
        impl Vector for [f32; $lanes] {
            const LANES: usize = $lanes;
            const SUMS: usize = ARRAYS;
            type Half = [f32; $half];

            #[inline(always)]
            fn splat(value: f32) -> Self {
                [value; $lanes]
            }

            #[inline(always)]
            fn load(run: &[f32]) -> Self {
                run.first_chunk().copied().unwrap_or([0.0; $lanes])
            }

            #[inline(always)]
            fn store(self, run: &mut [f32]) {
                if let Some(run) = run.first_chunk_mut() {
                    *run = self;
                }
            }

            #[inline(always)]
            fn add(mut self, other: Self) -> Self {
                for (a, b) in self.iter_mut().zip(other) {
                    *a += b;
                }
                self
            }

            #[inline(always)]
            fn sub(mut self, other: Self) -> Self {
                for (a, b) in self.iter_mut().zip(other) {
                    *a -= b;
                }
                self
            }

            #[inline(always)]
            fn mul(mut self, other: Self) -> Self {
                for (a, b) in self.iter_mut().zip(other) {
                    *a *= b;
                }
                self
            }

            #[inline(always)]
            fn if_greater(self, other: Self, then: Self, otherwise: Self) -> Self {
                let mut chosen = otherwise;
                for (((a, b), then), chosen) in self.iter().zip(&other).zip(then).zip(&mut chosen) {
                    if a > b {
                        *chosen = then;
                    }
                }
                chosen
            }
        }
    )*};
}

array!(4 / 2 = 2, 2 / 2 = 1, 1 / 2 = 1);

/// Appends the indices of the values that are not zero to a list of `count`, and gives the new count. The first value
/// has the index `first`.
#[inline(always)]
pub(crate) fn list_nonzero<V: Vector>(list: &mut [u16], mut count: usize, values: &[f32], mut first: usize) -> usize {
    for values in values.chunks(V::LANES) {
        let vector = if values.len() == V::LANES { V::load(values).list_nonzero(list, count, first) } else { None };
        count = vector.unwrap_or_else(|| {
            for (&value, index) in values.iter().zip(first..) {
                // No branch that would be guessed wrong half of the time: the next index overwrites a zero's.
                if let Some(place) = list.get_mut(count) {
                    *place = index as u16;
                }
                count += usize::from(value != 0.0);
            }
            count
        });
        first += values.len();
    }
    count
}
