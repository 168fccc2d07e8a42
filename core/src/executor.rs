//! Who runs the work that a network splits: one thread here, threads and vector units in the `host` crate.
//!
//! A network decides *what* may run side by side, so that no bit depends on who runs it; an [`Executor`] decides
//! whether it does.

use crate::kernel::vector::Baseline;
pub use crate::kernel::vector::Vector;

/// Runs pieces of work that do not depend on each other.
pub trait Executor: Sync {
    /// How many pieces can run at once; at least 1.
    fn threads(&self) -> usize;

    /// Runs both, side by side or one after the other.
    fn join<A: Send, B: Send>(&self, a: impl FnOnce() -> A + Send, b: impl FnOnce() -> B + Send) -> (A, B);

    /// Runs an inner loop, compiled for the widest vectors this machine has; as it stands here, for those that the
    /// program was compiled for.
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
pub(crate) struct Alone<'a, E>(pub(crate) &'a E);

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
}
