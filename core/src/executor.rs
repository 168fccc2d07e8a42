//! Who runs the work that a network splits: one thread here, threads and vector units in the `host` crate.
//!
//! A network decides *what* may run side by side, so that no bit depends on who runs it; an [`Executor`] decides
//! whether it does.

use crate::kernel::vector::Baseline;
pub use crate::kernel::vector::Vector;
use core::ops::Range;

/// Runs pieces of work that do not depend on each other.
pub trait Executor: Sync {
    /// How many pieces can run at once; at least 1.
    fn threads(&self) -> usize;

    /// Runs both, side by side or one after the other.
    fn join<A: Send, B: Send>(&self, a: impl FnOnce() -> A + Send, b: impl FnOnce() -> B + Send) -> (A, B);

    /// Runs an inner loop, compiled for the widest vectors this machine has; as it stands here, for those that the
    /// program was compiled for.
    // In its caller, a loop's place on a microcontroller's stack is also that of the others there.
    #[cfg_attr(target_os = "none", inline(always))]
    fn vectorize(&self, kernel: impl Kernel) {
        kernel.run::<Baseline>();
    }
}

/// An inner loop with its arguments.
///
/// It is a trait of its own, not a closure, because its code must be inlined into a function that was compiled for
/// wider vectors, and only a method can ask for that.
pub trait Kernel {
    /// Runs it on vectors `V`, which change no bit. Mark it `#[inline(always)]`.
    fn run<V: Vector>(self);
}

/// What a kernel runs on wider vectors with: functions that may be called where the processor has the instructions.
#[cfg(target_arch = "x86_64")]
pub mod x86 {
    pub use crate::kernel::x86::{avx2, avx512};
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
    fn vectorize(&self, kernel: impl Kernel) {
        self.0.vectorize(kernel);
    }
}

/// Runs `work` on `items` cut into at most `pieces` runs; `work` gets a run and the index of its first item.
pub(crate) fn split<T: Send>(
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
        || split(left, first, half, executor, work),
        || split(right, first + middle, pieces - half, executor, work),
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
pub(crate) fn pieces(work: usize, executor: &impl Executor) -> usize {
    if work < SHARED { 1 } else { executor.threads() }
}

/// Runs `work` on the images of a mini-batch, some on each thread. `each` is the work of one image, as for [`pieces`].
pub(crate) fn split_images<S: Send>(
    batch: &mut [S],
    each: usize,
    executor: &impl Executor,
    work: &(impl Fn(&mut [S]) + Sync),
) {
    let pieces = pieces(each * batch.len(), executor);
    if pieces == 1 {
        // Where there is one thread only, the compiler sees that nothing is split.
        return work(batch);
    }
    split(batch, 0, pieces, executor, &|batch, _| work(batch));
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
