//! Who runs the work that a network splits: one thread here, threads and vector units in the `host` crate.
//!
//! A network decides *what* may run side by side, so that no bit depends on who runs it; an [`Executor`] decides
//! whether it does.

use crate::batch::Images;
use crate::kernel::vector::Aligned;
use core::ops::Range;

/// Runs pieces of work that do not depend on each other.
pub trait Executor: Sync {
    /// How many pieces can run at once; at least 1.
    fn threads(&self) -> usize;

    /// Runs both, side by side or one after the other.
    fn join<A: Send, B: Send>(&self, a: impl FnOnce() -> A + Send, b: impl FnOnce() -> B + Send) -> (A, B);

    /// The vectors that inner loops run on; by default those that the program was compiled for.
    #[inline(always)]
    fn vectors(&self) -> Vectors {
        Vectors::BASELINE
    }

    /// Lends `work` a slice of `len` values to work in, best from the start of a cache line on. They may hold anything, and
    /// there may be fewer, but not fewer than 32,768 of more. By default they lie on the stack, and are at most so many.
    #[inline(always)]
    fn scratch<R>(&self, len: usize, work: impl FnOnce(&mut [f32]) -> R) -> R {
        match len {
            0 => work(&mut []),
            1..=128 => on_stack::<128, R>(len, work),
            129..=512 => on_stack::<512, R>(len, work),
            513..=2048 => on_stack::<2048, R>(len, work),
            2049..=8192 => on_stack::<8192, R>(len, work),
            _ => on_stack::<LENT, R>(len.min(LENT), work),
        }
    }
}

/// The most values that are lent by default.
pub(crate) const LENT: usize = 32_768;

/// A function of its own, so that its caller's stack does not hold it.
#[inline(never)]
fn on_stack<const N: usize, R>(len: usize, work: impl FnOnce(&mut [f32]) -> R) -> R {
    work(Aligned([0.0; N]).0.get_mut(..len).unwrap_or_default())
}

/// Which vectors inner loops run on. The bits are the same with each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Vectors(pub(crate) Width);

/// The widths of [`Vectors`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Width {
    Baseline,
    #[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
    Avx2,
    #[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
    Avx512,
}

impl Vectors {
    /// Those that every processor of the target has: on x86-64 SSE2, on a microcontroller single numbers.
    pub const BASELINE: Self = Self(Width::Baseline);
}

/// The thread that calls, with the instructions that the program was compiled for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Serial;

impl Executor for Serial {
    fn threads(&self) -> usize {
        1
    }

    fn join<A: Send, B: Send>(&self, a: impl FnOnce() -> A + Send, b: impl FnOnce() -> B + Send) -> (A, B) {
        (a(), b())
    }
}

/// Another executor's vectors, on the thread that calls.
pub struct Alone<'a, E>(pub &'a E);

impl<E: Executor> Executor for Alone<'_, E> {
    fn threads(&self) -> usize {
        1
    }

    fn join<A: Send, B: Send>(&self, a: impl FnOnce() -> A + Send, b: impl FnOnce() -> B + Send) -> (A, B) {
        (a(), b())
    }

    #[inline(always)]
    fn vectors(&self) -> Vectors {
        self.0.vectors()
    }

    #[inline(always)]
    fn scratch<R>(&self, len: usize, work: impl FnOnce(&mut [f32]) -> R) -> R {
        self.0.scratch(len, work)
    }
}

/// Runs `work` on `items` cut into at most `pieces` runs; `work` gets a run and the index of its first item. Where there
/// is one thread only, the compiler sees that nothing is cut.
#[inline(always)]
pub(crate) fn split<T: Send>(
    items: &mut [T],
    first: usize,
    pieces: usize,
    executor: &impl Executor,
    work: &(impl Fn(&mut [T], usize) + Sync),
) {
    if pieces <= 1 { work(items, first) } else { split_more(items, first, pieces, executor, work) }
}

fn split_more<T: Send>(
    items: &mut [T],
    first: usize,
    pieces: usize,
    executor: &impl Executor,
    work: &(impl Fn(&mut [T], usize) + Sync),
) {
    let pieces = pieces.min(items.len());
    if pieces <= 1 {
        return work(items, first);
    }
    let half = pieces / 2;
    let middle = items.len() * half / pieces;
    let (left, right) = items.split_at_mut(middle);
    executor.join(
        || split_more(left, first, half, executor, work),
        || split_more(right, first + middle, pieces - half, executor, work),
    );
}

/// As [`split`], of rows of `len` values each; `work` gets some rows and the number of the first.
#[inline(always)]
pub(crate) fn split_rows(
    rows: &mut [f32],
    len: usize,
    first: usize,
    pieces: usize,
    executor: &impl Executor,
    work: &(impl Fn(&mut [f32], usize) + Sync),
) {
    if pieces <= 1 { work(rows, first) } else { split_more_rows(rows, len, first, pieces, executor, work) }
}

fn split_more_rows(
    rows: &mut [f32],
    len: usize,
    first: usize,
    pieces: usize,
    executor: &impl Executor,
    work: &(impl Fn(&mut [f32], usize) + Sync),
) {
    let count = rows.len() / len.max(1);
    let pieces = pieces.min(count);
    if pieces <= 1 {
        return work(rows, first);
    }
    let half = pieces / 2;
    let middle = count * half / pieces;
    let (left, right) = rows.split_at_mut(middle * len);
    executor.join(
        || split_more_rows(left, len, first, half, executor, work),
        || split_more_rows(right, len, first + middle, pieces - half, executor, work),
    );
}

/// Work on items that go from thread to thread: each thread takes them up where the thread before it has left them. So
/// the threads go through pieces of the items, each one piece behind the thread before it.
#[derive(Clone, Copy)]
pub(crate) struct Wave {
    pub(crate) threads: usize,
    pub(crate) items: usize,
    /// How many items a thread works on in a step; at least 1.
    pub(crate) piece: usize,
}

/// What threads do at the same time.
pub(crate) struct Step {
    wave: Wave,
    number: usize,
}

impl Wave {
    pub(crate) fn steps(self) -> impl Iterator<Item = Step> {
        let pieces = self.items.div_ceil(self.piece);
        (0..pieces + self.threads - 1).map(move |number| Step { wave: self, number })
    }
}

impl Step {
    /// The end of a thread's items, where those of the thread before it begin.
    fn edge(&self, thread: usize) -> usize {
        ((self.number + 1).saturating_sub(thread) * self.wave.piece).min(self.wave.items)
    }

    /// The items that some thread works on.
    pub(crate) fn items(&self) -> Range<usize> {
        self.edge(self.wave.threads)..self.edge(0)
    }

    /// Runs `work` on these items: it gets some of them, the index of the first, and the thread's number. `cut` cuts
    /// items into the first so many and the rest.
    pub(crate) fn run<T: Send>(
        &self,
        items: T,
        cut: &(impl Fn(T, usize) -> (T, T) + Sync),
        work: &(impl Fn(T, usize, usize) + Sync),
        executor: &impl Executor,
    ) {
        self.run_some(0..self.wave.threads, items, cut, work, executor);
    }

    fn run_some<T: Send>(
        &self,
        threads: Range<usize>,
        items: T,
        cut: &(impl Fn(T, usize) -> (T, T) + Sync),
        work: &(impl Fn(T, usize, usize) + Sync),
        executor: &impl Executor,
    ) {
        let first = self.edge(threads.end);
        if threads.len() <= 1 {
            return work(items, first, threads.start);
        }
        let middle = threads.start.midpoint(threads.end);
        let (behind, ahead) = cut(items, self.edge(middle) - first);
        executor.join(
            || self.run_some(threads.start..middle, ahead, cut, work, executor),
            || self.run_some(middle..threads.end, behind, cut, work, executor),
        );
    }
}

/// The least work that is worth a second thread: multiplications with a weight, or values to move.
const SHARED: usize = 20_000;

/// How many threads should share some work: multiplications with a weight, or values to move.
#[inline(always)]
pub(crate) fn pieces(work: usize, executor: &impl Executor) -> usize {
    if work < SHARED { 1 } else { executor.threads() }
}

/// Runs `work` on the images of a mini-batch, some on each thread. `each` is the work of one image, as for [`pieces`].
#[inline(always)]
pub(crate) fn split_images(images: Images, each: usize, executor: &impl Executor, work: &(impl Fn(Images) + Sync)) {
    let pieces = pieces(each * images.len(), executor);
    cut_images(images, pieces, executor, work);
}

/// Runs `work` on the images of a mini-batch in at most so many pieces, as [`split`].
#[inline(always)]
pub(crate) fn cut_images(images: Images, pieces: usize, executor: &impl Executor, work: &(impl Fn(Images) + Sync)) {
    if pieces <= 1 { work(images) } else { cut_more_images(images, pieces, executor, work) }
}

fn cut_more_images(images: Images, pieces: usize, executor: &impl Executor, work: &(impl Fn(Images) + Sync)) {
    let pieces = pieces.min(images.len());
    if pieces <= 1 {
        return work(images);
    }
    let half = pieces / 2;
    let middle = images.len() * half / pieces;
    let (left, right) = images.split_at(middle);
    executor
        .join(|| cut_more_images(left, half, executor, work), || cut_more_images(right, pieces - half, executor, work));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn split_covers_every_item_once() {
        for len in 0..20 {
            for pieces in 1..6 {
                let mut items = [0usize; 20];
                split(&mut items[..len], 100, pieces, &Serial, &|run, first| {
                    for (offset, item) in run.iter_mut().enumerate() {
                        *item += first + offset;
                    }
                });
                assert!(items[..len].iter().enumerate().all(|(index, &item)| item == index + 100));
            }
        }
    }

    #[test]
    fn a_wave_takes_every_item_through_all_threads_in_order() {
        for (items, piece, threads) in [(0, 1, 2), (1, 1, 1), (10, 3, 2), (10, 3, 4), (7, 9, 3), (12, 4, 5)] {
            let mut met = [0usize; 12];
            for step in (Wave { threads, items, piece }).steps() {
                let range = step.items();
                step.run(
                    &mut met[range],
                    &|items, middle| items.split_at_mut(middle),
                    &|items, _, thread| {
                        assert!(items.len() <= piece);
                        for item in items {
                            assert_eq!(*item, thread);
                            *item += 1;
                        }
                    },
                    &Serial,
                );
            }
            assert!(met[..items].iter().all(|&threads_met| threads_met == threads), "{items} {piece} {threads}");
        }
    }
}
