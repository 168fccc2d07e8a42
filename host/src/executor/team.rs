//! Helpers that wait for work awake.
//!
//! A mini-batch of ten small images takes some hundred microseconds, in half a dozen pieces that two threads share. A
//! thread that sleeps takes several microseconds to wake for each of them. So a pool's thread that was called for
//! help stays awake between the pieces, and goes back to the pool once nothing has come for a while. Whoever asks
//! never depends on help: work that no helper has begun is taken back.

mod seat;

use seat::Seat;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a helper waits before it goes back to the pool.
const PATIENCE: Duration = Duration::from_millis(1);

/// Places for helpers, one fewer than the pool has threads.
pub(super) struct Team {
    seats: Arc<[Seat]>,
}

/// What a [`Seat`] is made of.
mod sync {
    pub(super) use std::sync::atomic::{AtomicU8, Ordering};

    /// A cell whose users see to it that no two use it at the same time.
    pub(super) struct UnsafeCell<T>(std::cell::UnsafeCell<T>);

    impl<T> UnsafeCell<T> {
        pub(super) fn new(value: T) -> Self {
            Self(std::cell::UnsafeCell::new(value))
        }

        pub(super) fn with_mut<R>(&self, work: impl FnOnce(*mut T) -> R) -> R {
            work(self.0.get())
        }
    }

    /// Waits a moment, and now and then lets other threads run. Seldom: on a busy machine, whoever yields may wait for
    /// milliseconds.
    pub(super) fn pause(turns: u32) {
        if turns.is_multiple_of(4096) { std::thread::yield_now() } else { std::hint::spin_loop() }
    }
}

impl Team {
    pub(super) fn new(threads: usize) -> Self {
        Self { seats: (1..threads).map(|_| Seat::new()).collect() }
    }

    /// Runs both, side by side if a helper waits. If none does, calls one from the pool for the next time.
    pub(super) fn join<A: Send, B: Send>(
        &self,
        pool: &rayon::ThreadPool,
        a: impl FnOnce() -> A + Send,
        b: impl FnOnce() -> B + Send,
    ) -> (A, B) {
        if let Some(seat) = self.seats.iter().find(|seat| seat.claim()) {
            return seat.share(a, b);
        }
        self.call(pool);
        (a(), b())
    }

    /// Calls a helper to an empty seat.
    fn call(&self, pool: &rayon::ThreadPool) {
        if let Some(number) = self.seats.iter().position(Seat::call) {
            let seats = Arc::clone(&self.seats);
            pool.spawn(move || {
                let mut since = Instant::now();
                let mut turns = 0u32;
                seats[number].help(|has_worked| {
                    if has_worked {
                        since = Instant::now();
                    }
                    turns = turns.wrapping_add(1);
                    turns.is_multiple_of(64) && since.elapsed() > PATIENCE
                });
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    fn sum(team: &Team, pool: &rayon::ThreadPool, range: std::ops::Range<u64>) -> u64 {
        if range.end - range.start < 3 {
            return range.sum();
        }
        let middle = range.start.midpoint(range.end);
        let (left, right) =
            team.join(pool, || sum(team, pool, range.start..middle), || sum(team, pool, middle..range.end));
        left + right
    }

    #[test]
    fn joins_within_joins_on_more_threads_than_cores() {
        for threads in [1, 2, 3, 16] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let team = Team::new(threads);
            for _ in 0..200 {
                assert_eq!(sum(&team, &pool, 0..1000), 499_500);
            }
            // Long enough for the helpers to leave.
            std::thread::sleep(5 * PATIENCE);
            assert_eq!(pool.install(|| sum(&team, &pool, 0..1000)), 499_500);
        }
    }

    #[test]
    fn a_panic_on_either_side_comes_through() {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
        let team = Team::new(2);
        for round in 0..100 {
            let caught = catch_unwind(AssertUnwindSafe(|| {
                team.join(&pool, || assert!(round % 2 == 0, "left"), || assert!(round % 2 == 1, "right"))
            }));
            assert!(caught.is_err());
            assert_eq!(team.join(&pool, || 1, || 2), (1, 2));
        }
    }
}
