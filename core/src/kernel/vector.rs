//! Vectors of numbers, and how they cover a run of them.
//!
//! Kernels are written once, for any [`Vector`]. A vector's lanes hold *different* sums, so its width changes no bit.

use crate::sgd::Sgd;
use crate::tensor::Tensor;
use core::marker::PhantomData;

/// Neighbouring numbers that one instruction works on.
///
/// Only this crate implements it: arrays for every target, and registers of x86-64.
pub trait Vector: Copy {
    /// How many numbers.
    const LANES: usize;
    /// How many vectors of sums the registers hold, with room for the factors; at most 24.
    const SUMS: usize;
    /// What takes the runs that are shorter than this vector.
    type Half: Vector;

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

/// The vectors that every processor of the target has.
#[cfg(target_arch = "x86_64")]
pub(crate) type Baseline = super::x86::Sse2;
/// The vectors that every processor of the target has; on a microcontroller, single numbers in fours.
#[cfg(not(target_arch = "x86_64"))]
pub(crate) type Baseline = [f32; 4];

/// At the start of a cache line, so that fewer vectors lie across the end of one.
#[derive(Clone, Copy)]
#[repr(align(64))]
pub(crate) struct Aligned<T>(pub(crate) T);

/// The most vectors that a [`Tile`] holds.
const MOST: usize = 24;
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

impl<V: Copy, T, const SHARE: usize> Clone for Tile<V, T, SHARE> {
    #[inline(always)]
    fn clone(&self) -> Self {
        *self
    }
}

impl<V: Copy, T, const SHARE: usize> Copy for Tile<V, T, SHARE> {}

impl<V: Vector, T: Tensor, const SHARE: usize> Tile<V, T, SHARE> {
    const ALL: usize = T::LEN.div_ceil(V::LANES);
    /// How many times the run is gone through.
    pub(crate) const PASSES: usize = Self::ALL.div_ceil(V::SUMS / SHARE);
    /// The vectors of a pass.
    pub(crate) const VECTORS: usize = if Self::PASSES == 0 { 0 } else { Self::ALL.div_ceil(Self::PASSES) };
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
        let Some(run) = run.get_mut(pass * Self::SPAN..) else { return };
        if Self::OVERLAP == 0 || pass + 1 < Self::PASSES {
            self.write(run);
        } else if Self::OVERLAP.is_multiple_of(V::LANES) {
            let known = Self::OVERLAP / V::LANES;
            if let Some(run) = run.get_mut(..Self::SPAN - Self::OVERLAP) {
                for (v, sum) in self.sums.iter().take(Self::VECTORS).enumerate() {
                    if v >= known {
                        sum.store(&mut run[(v - known) * V::LANES..]);
                    }
                }
            }
        } else {
            let mut part = [0.0; MOST * WIDEST];
            self.write(&mut part);
            if let Some(part) = part.get(Self::OVERLAP..Self::SPAN) {
                run.iter_mut().zip(part).for_each(|(to, from)| *to = *from);
            }
        }
    }

    /// Writes the lowest byte of each sum's bits, as [`store`](Self::store) the sums.
    #[inline(always)]
    pub(crate) fn store_bytes(&self, run: &mut [u8], pass: usize) {
        let mut part = [0; MOST * WIDEST];
        let overlap = if pass + 1 < Self::PASSES { 0 } else { Self::OVERLAP };
        let Some(run) = run.get_mut(pass * Self::SPAN..) else { return };
        let Some(run) = run.get_mut(..Self::SPAN - overlap) else { return };
        let whole = if overlap == 0 { &mut *run } else { part.get_mut(..Self::SPAN).unwrap_or_default() };
        for (v, sum) in self.sums.iter().take(Self::VECTORS).enumerate() {
            sum.store_bytes(whole.get_mut(Self::start(v)..).unwrap_or_default());
        }
        if overlap > 0 {
            run.iter_mut().zip(part.iter().skip(overlap)).for_each(|(to, from)| *to = *from);
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
                *sum = sum.add_product(V::load(&part[Self::start(v)..]), factor);
            }
        }
    }

    /// As [`add_product`](Self::add_product), for each tile with a factor of its own: the run is read once for all.
    #[inline(always)]
    pub(crate) fn add_product_to_each<const N: usize>(
        tiles: &mut [Self; N],
        run: &[f32],
        pass: usize,
        factors: [&f32; N],
    ) {
        // No `map`: its closure would not be compiled for these vectors.
        let mut splats = [V::splat(0.0); N];
        for (splat, factor) in splats.iter_mut().zip(factors) {
            *splat = V::broadcast(factor);
        }
        let Some(part) = Self::part(run, pass) else { return };
        for v in 0..Self::VECTORS {
            let values = V::load(&part[Self::start(v)..]);
            for (tile, factor) in tiles.iter_mut().zip(splats) {
                tile.sums[v] = tile.sums[v].add_product(values, factor);
            }
        }
    }

    /// The values of a run as [`pack`](Self::pack) lays them.
    pub(crate) const PACKED: usize = Self::PASSES * Self::VECTORS * V::LANES;

    /// Copies a run so that all its vectors lie side by side: in a place that begins at a cache line, none of a cache
    /// line's length lies across the end of one.
    #[inline(always)]
    pub(crate) fn pack(run: &[f32], packed: &mut [f32]) {
        let mut vectors = packed.chunks_exact_mut(V::LANES);
        for pass in 0..Self::PASSES {
            let Some(part) = Self::part(run, pass) else { return };
            for (v, packed) in (0..Self::VECTORS).zip(&mut vectors) {
                V::load(&part[Self::start(v)..]).store(packed);
            }
        }
    }

    /// As [`add_product`](Self::add_product), with a run that was packed.
    #[inline(always)]
    pub(crate) fn add_packed(&mut self, packed: &[f32], pass: usize, factor: f32) {
        let factor = V::splat(factor);
        let start = pass * Self::VECTORS * V::LANES;
        if let Some(part) = packed.get(start..start + Self::VECTORS * V::LANES) {
            for (v, sum) in self.sums.iter_mut().take(Self::VECTORS).enumerate() {
                *sum = sum.add_product(V::load(&part[v * V::LANES..]), factor);
            }
        }
    }

    /// Adds to each sum its value in `run`.
    #[inline(always)]
    pub(crate) fn add(&mut self, run: &[f32], pass: usize) {
        if let Some(part) = Self::part(run, pass) {
            for (v, sum) in self.sums.iter_mut().take(Self::VECTORS).enumerate() {
                *sum = sum.add(V::load(&part[Self::start(v)..]));
            }
        }
    }

    /// Keeps the greater of each value and its rival, and in `tags` the tag of the one that was kept.
    #[inline(always)]
    pub(crate) fn keep_greater(&mut self, rival: &Self, tags: &mut Self, tag: f32) {
        let tag = V::splat(tag);
        let kept = self.sums.iter_mut().zip(&mut tags.sums).take(Self::VECTORS);
        for ((best, kept_tag), &rival) in kept.zip(&rival.sums) {
            *kept_tag = rival.if_greater(*best, tag, *kept_tag);
            *best = rival.if_greater(*best, rival, *best);
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

/// Adds to a run of sums the products of some inputs and their rows of weights: sums_j += x_i·w_ij. `terms` gives i,
/// counted from the first row of the weights, and x_i.
#[inline(always)]
pub(crate) fn add_rows<V: Vector, T: Tensor>(
    sums: &mut T,
    weights: &[T],
    terms: impl Iterator<Item = (usize, f32)> + Clone,
) {
    let terms = terms.filter_map(|(index, x)| Some((weights.get(index)?.flat(), x)));
    add_products::<V, T>(sums.flat_mut(), terms);
}

/// Adds to a run of sums, shaped as `T`, the products of some values and their runs of weights.
#[inline(always)]
pub(crate) fn add_products<'a, V: Vector, T: Tensor>(
    sums: &mut [f32],
    terms: impl Iterator<Item = (&'a [f32], f32)> + Clone,
) {
    for pass in 0..Tile::<V, T, 1>::PASSES {
        let mut tile = Tile::<V, T, 1>::load(sums, pass);
        for (weights, value) in terms.clone() {
            tile.add_product(weights, pass, value);
        }
        tile.store(sums, pass);
    }
}
