//! Vectors of numbers, and how they cover a run of them.
//!
//! Kernels are written once, for any [`Vector`]. A vector's lanes hold *different* sums, so its width changes no bit.

use crate::sgd::Sgd;
use crate::tensor::Tensor;
use core::marker::PhantomData;

/// Neighbouring numbers that one instruction works on.
///
/// Only this crate implements it: arrays here, for every target, and registers of x86-64 in [`x86`](super::x86).
pub trait Vector: Copy {
    /// How many numbers.
    const LANES: usize;
    /// How many vectors of sums the registers hold, with room for the factors; at most [`MOST`].
    const SUMS: usize;
    /// What takes the runs that are shorter than this vector.
    type Half: Vector;

    /// `value` in each lane.
    fn splat(value: f32) -> Self;
    /// The first numbers of `run`, which has at least [`LANES`](Self::LANES).
    fn load(run: &[f32]) -> Self;
    /// Writes the first numbers of `run`, which has at least [`LANES`](Self::LANES).
    fn store(self, run: &mut [f32]);
    /// Lane by lane.
    fn add(self, other: Self) -> Self;
    /// Lane by lane.
    fn sub(self, other: Self) -> Self;
    /// Lane by lane.
    fn mul(self, other: Self) -> Self;
}

/// The most vectors that a [`Tile`] holds.
const MOST: usize = 16;
/// The lanes of the widest vector.
const WIDEST: usize = 16;

macro_rules! array {
    ($($lanes:literal / 2 = $half:literal),*) => {$(
        impl Vector for [f32; $lanes] {
            const LANES: usize = $lanes;
            // A Cortex-M4F has 32 registers of one number, SSE2 has 16 of four, NEON 32 of four.
            const SUMS: usize = if cfg!(target_arch = "arm") { 24 / $lanes } else { 12 };
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
        }
    )*};
}

array!(4 / 2 = 2, 2 / 2 = 1, 1 / 2 = 1);

/// The sums of a run of values, shaped as `T`, in registers.
///
/// A run may need more vectors than there are registers: then it takes [`PASSES`](Self::PASSES). Where they do not
/// come out even, the last vector or the last pass overlaps the one before. It computes some sums a second time, and
/// they are stored once. `T` is at least as long as `V`.
///
/// `SHARE` tiles are in use at the same time.
pub(crate) struct Tile<V, T, const SHARE: usize> {
    sums: [V; MOST],
    shape: PhantomData<T>,
}

impl<V: Vector, T: Tensor, const SHARE: usize> Tile<V, T, SHARE> {
    const ALL: usize = T::LEN.div_ceil(V::LANES);
    /// How many times the run is gone through.
    pub(crate) const PASSES: usize = Self::ALL.div_ceil(V::SUMS / SHARE);
    const VECTORS: usize = if Self::PASSES == 0 { 0 } else { Self::ALL.div_ceil(Self::PASSES) };
    /// How many values a pass covers.
    const SPAN: usize = {
        let span = Self::VECTORS * V::LANES;
        if span < T::LEN { span } else { T::LEN }
    };
    /// How many values of the last pass overlap the one before.
    const OVERLAP: usize = Self::PASSES * Self::SPAN - T::LEN;

    /// The part of a run that belongs to a pass, if the run is long enough.
    #[inline(always)]
    fn part(run: &[f32], pass: usize) -> Option<&[f32]> {
        let start = (pass * Self::SPAN).min(T::LEN - Self::SPAN);
        run.get(start..start + Self::SPAN)
    }

    #[inline(always)]
    fn start(vector: usize) -> usize {
        (vector * V::LANES).min(Self::SPAN - V::LANES)
    }

    /// All sums +0.
    #[inline(always)]
    pub(crate) fn zero() -> Self {
        Self { sums: [V::splat(0.0); MOST], shape: PhantomData }
    }

    /// The sums of a run that has begun.
    #[inline(always)]
    pub(crate) fn load(run: &[f32], pass: usize) -> Self {
        let mut tile = Self::zero();
        if let Some(part) = Self::part(run, pass) {
            for (v, sum) in tile.sums.iter_mut().take(Self::VECTORS).enumerate() {
                *sum = V::load(&part[Self::start(v)..]);
            }
        }
        tile
    }

    /// Writes the sums of a pass.
    #[inline(always)]
    pub(crate) fn store(&self, run: &mut [f32], pass: usize) {
        if Self::OVERLAP > 0 && pass + 1 == Self::PASSES {
            let mut part = [0.0; MOST * WIDEST];
            self.write(&mut part);
            if let (Some(from), Some(to)) = (part.get(Self::OVERLAP..Self::SPAN), run.get_mut(pass * Self::SPAN..)) {
                to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
            }
        } else if let Some(part) = run.get_mut(pass * Self::SPAN..) {
            self.write(part);
        }
    }

    #[inline(always)]
    fn write(&self, part: &mut [f32]) {
        if let Some(part) = part.get_mut(..Self::SPAN) {
            for (v, sum) in self.sums.iter().take(Self::VECTORS).enumerate() {
                sum.store(&mut part[Self::start(v)..]);
            }
        }
    }

    /// Adds to each sum the product of its value in `run` and `factor`.
    #[inline(always)]
    pub(crate) fn add_product(&mut self, run: &[f32], pass: usize, factor: f32) {
        let factor = V::splat(factor);
        if let Some(part) = Self::part(run, pass) {
            for (v, sum) in self.sums.iter_mut().take(Self::VECTORS).enumerate() {
                *sum = sum.add(V::load(&part[Self::start(v)..]).mul(factor));
            }
        }
    }

    /// The step of a run of weights whose gradients the sums are: w·decay - rate·sum.
    #[inline(always)]
    pub(crate) fn step(&self, weights: &mut [f32], pass: usize, sgd: &Sgd) {
        let (decay, rate) = (V::splat(sgd.decay), V::splat(sgd.rate));
        let mut tile = Self::load(weights, pass);
        for (w, &gradient) in tile.sums.iter_mut().zip(&self.sums).take(Self::VECTORS) {
            *w = w.mul(decay).sub(rate.mul(gradient));
        }
        tile.store(weights, pass);
    }
}

/// Appends the indices of the values that are not zero to a list of `count`, and gives the new count. The first value
/// has the index `first`.
#[inline(always)]
pub(crate) fn list_nonzero(list: &mut [u16], mut count: usize, values: &[f32], first: usize) -> usize {
    for (&value, index) in values.iter().zip(first..) {
        // No branch that would be guessed wrong half of the time: the next index overwrites a zero's.
        if let Some(place) = list.get_mut(count) {
            *place = index as u16;
        }
        count += usize::from(value != 0.0);
    }
    count
}

/// Adds to each of `SHARE` runs of sums the products of some inputs and their rows of weights:
/// sums_j += x_i·w_ij, i running over `indices`. Row 0 of the weights belongs to the input `first`.
#[inline(always)]
pub(crate) fn add_rows<V: Vector, const SHARE: usize, const O: usize>(
    mut sums: [&mut [f32; O]; SHARE],
    weights: [&[[f32; O]]; SHARE],
    inputs: &[f32],
    indices: &[u16],
    first: usize,
) {
    for pass in 0..Tile::<V, [f32; O], SHARE>::PASSES {
        let mut tiles = [(); SHARE].map(|()| Tile::<V, [f32; O], SHARE>::zero());
        for (tile, sums) in tiles.iter_mut().zip(&sums) {
            *tile = Tile::load(&sums[..], pass);
        }
        for &index in indices {
            let index = usize::from(index);
            let Some(&x) = inputs.get(index) else { continue };
            for (tile, weights) in tiles.iter_mut().zip(weights) {
                if let Some(row) = weights.get(index.wrapping_sub(first)) {
                    tile.add_product(row, pass, x);
                }
            }
        }
        for (tile, sums) in tiles.iter().zip(&mut sums) {
            tile.store(&mut sums[..], pass);
        }
    }
}
