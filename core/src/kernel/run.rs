//! Runs of numbers as vectors in registers.
//!
//! A kernel's sums are a run of some length, known only when the program runs on a PC. It is covered by passes of at
//! most as many vectors as the registers hold ([`parts`]), and each pass is computed by a body that was compiled for its
//! number of vectors ([`dispatch`]). That a run is as long as its vectors reach is checked once for the run, not for each
//! vector: the `unsafe` here is these loads and stores.

use super::vector::{Kernel, Vector};
use crate::sgd::Sgd;
use core::marker::PhantomData;

/// As many bits as a register has: which of some numbers are used.
#[cfg(target_os = "none")]
pub(crate) type Bits = u32;
/// As many bits as a register has: which of some numbers are used.
#[cfg(not(target_os = "none"))]
pub(crate) type Bits = u64;
/// How many there are.
pub(crate) const BITS: usize = Bits::BITS as usize;

/// A part of a run, computed in one pass.
#[derive(Clone, Copy)]
pub(crate) struct Part {
    /// Where it begins in the run.
    pub(crate) start: usize,
    /// How many values it has; at least as many as a vector.
    pub(crate) len: usize,
    /// How many vectors cover it; the last may overlap the one before.
    pub(crate) vectors: usize,
}

/// The most vectors of a part where `share` tiles are in use at a time.
const fn most<V: Vector>(share: usize) -> usize {
    let fit = V::SUMS / share;
    if fit < MOST { fit } else { MOST }
}

/// More are not worth their code.
const MOST: usize = 16;

/// Whether a part may have so many vectors, where at most `most` fit: each number of bodies costs time to compile, and a
/// microcontroller's flash.
const fn is_allowed<V: Vector>(vectors: usize, most: usize) -> bool {
    let is_frequent = match vectors {
        1 | 5 => true,
        // A layer of 100 outputs is 25 vectors of four numbers, a row of 3 positions under 32 filters 12 of eight.
        12 => V::LANES == 4 || V::LANES == 8,
        _ => !cfg!(target_os = "none") && matches!(vectors, 0..=8 | 10 | 13),
    };
    vectors <= most && (is_frequent || vectors == most)
}

/// The parts of a run of `len` values, at least as many as a vector has, where `share` tiles are in use at a time.
#[inline(always)]
pub(crate) fn parts<V: Vector>(len: usize, share: usize) -> impl Iterator<Item = Part> {
    let (mut rest, mut start) = (len.div_ceil(V::LANES), 0);
    core::iter::from_fn(move || {
        let most = most::<V>(share);
        // As few passes as there must be, all of one length.
        let equal = rest.div_ceil(rest.div_ceil(most).max(1));
        let vectors = match rest {
            0 => return None,
            _ if is_allowed::<V>(rest, most) => rest,
            // Single numbers never overlap.
            _ if V::LANES == 1 => [most, 5].into_iter().find(|vectors| *vectors <= rest.min(most)).unwrap_or(1),
            _ if is_allowed::<V>(equal, most) => equal,
            // Not one vector alone after others: only vectors of the same part may overlap.
            _ if rest >= most + 2 => most,
            _ => rest.div_ceil(2).min(8),
        };
        rest -= vectors;
        let part = Part { start, len: (vectors * V::LANES).min(len - start), vectors };
        start += vectors * V::LANES;
        Some(part)
    })
}

/// Whether `share` tiles of a run of `len` values take no more room in the registers than the passes of a single one, so
/// that to go through several at a time is worth it.
#[inline(always)]
pub(crate) fn share_well<V: Vector>(len: usize, share: usize) -> bool {
    let vectors = len.div_ceil(V::LANES);
    let filled = |most: usize| vectors.next_multiple_of(vectors.div_ceil(most.max(1)).max(1));
    filled(V::SUMS / share) <= filled(V::SUMS)
}

/// A kernel's inner loops, for a part of so many vectors.
pub(crate) trait Body {
    /// How many tiles it uses at a time.
    const SHARE: usize;
    /// How long its runs are at most.
    const LONGEST: usize = usize::MAX;
    /// How long they are at most where fewer than four numbers are a vector: such vectors take runs that are too short for
    /// others, unless a run holds several of what is short.
    const SHORT: usize = 3;

    /// Runs them. Mark it `#[inline(always)]`.
    fn run<V: Vector, const N: usize>(self);
}

/// Whether a part of so many vectors has a body that uses one tile at a time.
#[inline(always)]
pub(crate) fn has_body<V: Vector>(vectors: usize) -> bool {
    vectors > 0 && is_allowed::<V>(vectors, most::<V>(1))
}

/// Whether there is a body for so many vectors.
const fn exists<V: Vector, B: Body>(vectors: usize) -> bool {
    let most = most::<V>(B::SHARE);
    // A microcontroller has no other vectors.
    let is_short = V::LANES < 4 && !cfg!(target_os = "none");
    let longest = if is_short { B::SHORT } else { B::LONGEST };
    is_allowed::<V>(vectors, most) && (vectors - 1) * V::LANES < longest
}

/// A [`Body`] for `N` vectors.
struct Fixed<'a, B, const N: usize>(&'a mut Option<B>);

impl<B: Body, const N: usize> Kernel for Fixed<'_, B, N> {
    #[inline(always)]
    fn run<V: Vector>(self) {
        if let Some(body) = self.0.take() {
            body.run::<V, N>();
        }
    }
}

/// Runs the body that was compiled for a part of so many vectors, in a function of its own.
#[inline(always)]
pub(crate) fn dispatch<V: Vector, B: Body>(vectors: usize, body: B) {
    let body = &mut Some(body);
    macro_rules! bodies {
        ($($n:literal)*) => {
            match vectors {
                $($n if const { exists::<V, B>($n) } => V::outline(Fixed::<B, $n>(body)),)*
                _ => {}
            }
        };
    }
    bodies!(1 2 3 4 5 6 7 8 10 12 13 15 16);
}

/// How `N` vectors cover a run: side by side, but for the last, which ends where the run ends.
#[derive(Clone, Copy)]
pub(crate) struct Span<V, const N: usize> {
    /// More than `N - 1` vectors, and not more than `N`; at least one.
    len: usize,
    vector: PhantomData<V>,
}

impl<V: Vector, const N: usize> Span<V, N> {
    /// For a run of `len` values; `None` if `N` is not the number of vectors that it takes.
    #[inline(always)]
    pub(crate) fn new(len: usize) -> Option<Self> {
        (N > 0 && len >= V::LANES && len.div_ceil(V::LANES) == N).then_some(Self { len, vector: PhantomData })
    }

    /// The run of `values` that begins at `start`, if it lies inside.
    #[inline(always)]
    pub(crate) fn run(self, values: &[f32], start: usize) -> Option<Run<'_, V, N>> {
        Some(Run { values: values.get(start..)?.get(..self.len)?, span: self })
    }

    /// As [`run`](Self::run), to write.
    #[inline(always)]
    pub(crate) fn run_mut(self, values: &mut [f32], start: usize) -> Option<RunMut<'_, V, N>> {
        Some(RunMut { values: values.get_mut(start..)?.get_mut(..self.len)?, span: self })
    }

    /// The runs of `values`, wherever they begin; `None` if there are none.
    #[inline(always)]
    pub(crate) fn source(self, values: &[f32]) -> Option<Source<'_, V, N>> {
        Some(Source { values, last: values.len().checked_sub(self.len)?, span: self })
    }

    /// Where vector `v` of the `N` begins: with the whole of it inside the run.
    #[inline(always)]
    fn at(self, v: usize) -> usize {
        if v + 1 < N { v * V::LANES } else { self.len - V::LANES }
    }
}

/// Values with runs of `span.len` in them, of which the last begins at `last`: one comparison tells whether there is a
/// run.
#[derive(Clone, Copy)]
pub(crate) struct Source<'a, V, const N: usize> {
    values: &'a [f32],
    last: usize,
    span: Span<V, N>,
}

impl<'a, V: Vector, const N: usize> Source<'a, V, N> {
    /// The run that begins at `start`, if it lies inside.
    #[inline(always)]
    pub(crate) fn at(&self, start: usize) -> Option<Run<'a, V, N>> {
        if start > self.last {
            return None;
        }
        // SAFETY: `start` is not greater than `last`.
        Some(unsafe { self.at_unchecked(start) })
    }

    /// # Safety
    /// `start` is not greater than `last`.
    #[inline(always)]
    unsafe fn at_unchecked(&self, start: usize) -> Run<'a, V, N> {
        // SAFETY: there are `last + span.len` values.
        Run { values: unsafe { self.values.get_unchecked(start..start + self.span.len) }, span: self.span }
    }

    /// The `count` runs that begin `stride` values apart, the first where the values begin; none if they do not all lie
    /// inside.
    #[inline(always)]
    pub(crate) fn strided(self, stride: usize, count: usize) -> Strided<'a, V, N> {
        let last = count.checked_sub(1).and_then(|last| last.checked_mul(stride));
        let fits = last.is_some_and(|last| last <= self.last);
        Strided { source: self, stride, count: if fits { count } else { 0 } }
    }
}

/// Runs that begin `stride` values apart and all lie inside the source.
#[derive(Clone, Copy)]
pub(crate) struct Strided<'a, V, const N: usize> {
    source: Source<'a, V, N>,
    stride: usize,
    count: usize,
}

impl<'a, V: Vector, const N: usize> Strided<'a, V, N> {
    /// One after another.
    #[inline(always)]
    pub(crate) fn iter(self) -> impl Iterator<Item = Run<'a, V, N>> {
        // SAFETY: there are `count` runs.
        (0..self.count).map(move |index| unsafe { self.source.at_unchecked(index * self.stride) })
    }

    /// Of the runs from `first` on, each of which belongs to a factor, those whose bits are set, ascending; and their
    /// factors.
    #[inline(always)]
    pub(crate) fn terms(self, first: usize, bits: Bits, factors: &[f32]) -> impl Iterator<Item = (Run<'a, V, N>, f32)> {
        let len = factors.len();
        let known = if len < BITS { (1 << len) - 1 } else { Bits::MAX };
        let mut bits = if first <= self.count && len <= self.count - first { bits & known } else { 0 };
        let start = first.wrapping_mul(self.stride);
        core::iter::from_fn(move || {
            if bits == 0 {
                return None;
            }
            let index = bits.trailing_zeros() as usize;
            bits &= bits - 1;
            // SAFETY: `index` is less than `len`, and there are as many runs from `first` on.
            Some(unsafe { (self.source.at_unchecked(start + index * self.stride), *factors.get_unchecked(index)) })
        })
    }
}

/// A run of `span.len` values.
#[derive(Clone, Copy)]
pub(crate) struct Run<'a, V, const N: usize> {
    values: &'a [f32],
    span: Span<V, N>,
}

/// A run of `span.len` values, to write.
pub(crate) struct RunMut<'a, V, const N: usize> {
    values: &'a mut [f32],
    span: Span<V, N>,
}

impl<V: Vector, const N: usize> Run<'_, V, N> {
    /// Vector `v`, less than `N`.
    #[inline(always)]
    fn vector(self, v: usize) -> V {
        let at = self.span.at(v);
        // SAFETY: a run has `span.len` values, and a span's vectors end at `span.len` or before.
        V::load(unsafe { self.values.get_unchecked(at..at + V::LANES) })
    }
}

impl<V: Vector, const N: usize> RunMut<'_, V, N> {
    #[inline(always)]
    fn shared(&self) -> Run<'_, V, N> {
        Run { values: self.values, span: self.span }
    }

    #[inline(always)]
    fn store(&mut self, v: usize, vector: V) {
        let at = self.span.at(v);
        // SAFETY: as in `Run::vector`.
        vector.store(unsafe { self.values.get_unchecked_mut(at..at + V::LANES) });
    }
}

/// The sums of a run, in registers.
#[derive(Clone, Copy)]
pub(crate) struct Tile<V, const N: usize>([V; N]);

impl<V: Vector, const N: usize> Tile<V, N> {
    /// All sums +0.
    #[inline(always)]
    pub(crate) fn zero() -> Self {
        Self([V::splat(0.0); N])
    }

    /// The sums that a run holds.
    #[inline(always)]
    pub(crate) fn load(run: Run<'_, V, N>) -> Self {
        let mut tile = Self::zero();
        for (v, sum) in tile.0.iter_mut().enumerate() {
            *sum = run.vector(v);
        }
        tile
    }

    /// The sums that a run to write holds.
    #[inline(always)]
    pub(crate) fn begun(run: &RunMut<'_, V, N>) -> Self {
        Self::load(run.shared())
    }

    /// Writes the sums.
    #[inline(always)]
    pub(crate) fn store(&self, run: &mut RunMut<'_, V, N>) {
        for (v, sum) in self.0.iter().enumerate() {
            run.store(v, *sum);
        }
    }

    /// Writes the lowest byte of each sum's bits to the first places of `bytes`, if there is one for each of the run's
    /// values.
    #[inline(always)]
    pub(crate) fn store_bytes(&self, span: Span<V, N>, bytes: &mut [u8]) {
        let Some(bytes) = bytes.get_mut(..span.len) else { return };
        for (v, sum) in self.0.iter().enumerate() {
            let at = span.at(v);
            // SAFETY: there are `span.len` bytes, and a span's vectors end there or before.
            sum.store_bytes(unsafe { bytes.get_unchecked_mut(at..at + V::LANES) });
        }
    }

    /// Adds to each sum the product of its value in the run and the factor.
    #[inline(always)]
    pub(crate) fn add_product(&mut self, run: Run<'_, V, N>, factor: V) {
        for (v, sum) in self.0.iter_mut().enumerate() {
            *sum = sum.add_product(run.vector(v), factor);
        }
    }

    /// As [`add_product`](Self::add_product) for three tiles, each with a factor of its own: the run is read once.
    #[inline(always)]
    pub(crate) fn add_products([a, b, c]: [&mut Self; 3], run: Run<'_, V, N>, [x, y, z]: [V; 3]) {
        for v in 0..N {
            let values = run.vector(v);
            a.0[v] = a.0[v].add_product(values, x);
            b.0[v] = b.0[v].add_product(values, y);
            c.0[v] = c.0[v].add_product(values, z);
        }
    }

    /// Adds to each sum its value in the run.
    #[inline(always)]
    pub(crate) fn add(&mut self, run: Run<'_, V, N>) {
        for (v, sum) in self.0.iter_mut().enumerate() {
            *sum = sum.add(run.vector(v));
        }
    }

    /// Multiplies each sum.
    #[inline(always)]
    pub(crate) fn scale(&mut self, factor: f32) {
        let factor = V::splat(factor);
        for sum in &mut self.0 {
            *sum = sum.mul(factor);
        }
    }

    /// Keeps the greater of each value and its rival, and in `tags` the tag of the one that was kept.
    #[inline(always)]
    pub(crate) fn keep_greater(&mut self, rival: Run<'_, V, N>, tags: &mut Self, tag: f32) {
        let tag = V::splat(tag);
        for (v, (best, kept)) in self.0.iter_mut().zip(&mut tags.0).enumerate() {
            let rival = rival.vector(v);
            *kept = rival.if_greater(*best, tag, *kept);
            *best = rival.if_greater(*best, rival, *best);
        }
    }

    /// The step of the weights in a run, whose gradients the sums are: w·decay - rate·sum.
    #[inline(always)]
    pub(crate) fn step(&self, weights: &mut RunMut<'_, V, N>, sgd: &Sgd) {
        let (decay, rate) = (V::splat(sgd.decay), V::splat(sgd.rate));
        let mut tile = Self::begun(weights);
        for (w, &gradient) in tile.0.iter_mut().zip(&self.0) {
            *w = w.mul(decay).sub(rate.mul(gradient));
        }
        tile.store(weights);
    }
}
