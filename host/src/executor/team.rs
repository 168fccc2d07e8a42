//! Helpers that wait for work awake.
//!
//! A mini-batch of ten small images takes some hundred microseconds, in half a dozen pieces that two threads share. A
//! thread that sleeps takes several microseconds to wake for each of them. So a pool's thread that was called for
//! help stays awake between the pieces, and goes back to the pool once nothing has come for a while. Whoever asks
//! never depends on help: work that no helper has begun is taken back.
#![allow(unsafe_code)]

use std::any::Any;
use std::cell::UnsafeCell;
use std::hint::spin_loop;
use std::mem::transmute;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread::yield_now;
use std::time::{Duration, Instant};

/// How long a helper waits before it goes back to the pool.
const PATIENCE: Duration = Duration::from_millis(1);

/// Places for helpers, one fewer than the pool has threads.
pub(super) struct Team {
    seats: Arc<[Seat]>,
}

/// A place for a helper, and the work it is given.
struct Seat {
    state: AtomicU8,
    work: UnsafeCell<Option<Work>>,
}

/// Work on the stack of the thread that asks for help. That thread does not leave before the work is done or taken
/// back.
type Work = *mut (dyn FnMut() + Send);

/// No one sits here.
const EMPTY: u8 = 0;
/// A helper was called.
const CALLED: u8 = 1;
/// A helper waits.
const WAITING: u8 = 2;
/// A thread is laying work down, and no one else may touch it.
const CLAIMED: u8 = 3;
/// Work lies here.
const READY: u8 = 4;
/// The helper works.
const RUNNING: u8 = 5;
/// The helper is done; the thread that asked has not seen it yet.
const DONE: u8 = 6;

// SAFETY: `work` is written only by the thread that changed the state to `CLAIMED`, and read only by the helper that
// changed it from `READY` to `RUNNING`; each change is made by one thread alone (compare-exchange), and the write is
// released with `READY` and acquired with `RUNNING`. What the pointer leads to is `Send`.
unsafe impl Sync for Seat {}
// SAFETY: as above.
unsafe impl Send for Seat {}

impl Seat {
    /// Changes the state if it is `from`.
    fn change(&self, from: u8, to: u8) -> bool {
        self.state.compare_exchange(from, to, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }

    /// What a helper does until no work has come for a while.
    fn help(&self) {
        self.state.store(WAITING, Ordering::Release);
        let mut since = Instant::now();
        let mut turns = 0u32;
        loop {
            if self.state.load(Ordering::Relaxed) == READY && self.change(READY, RUNNING) {
                // SAFETY: the state was changed from `READY` to `RUNNING` here (see `Sync`).
                if let Some(work) = unsafe { *self.work.get() } {
                    // SAFETY: the thread that laid it down waits for `DONE` before it leaves the work's stack frame.
                    unsafe { (*work)() };
                }
                self.state.store(DONE, Ordering::Release);
                since = Instant::now();
            }
            turns = turns.wrapping_add(1);
            pause(turns);
            if turns.is_multiple_of(64) && since.elapsed() > PATIENCE && self.change(WAITING, EMPTY) {
                return;
            }
        }
    }
}

/// Waits a moment, and now and then lets other threads run. Seldom: on a busy machine, whoever yields may wait for
/// milliseconds.
fn pause(turns: u32) {
    if turns.is_multiple_of(4096) { yield_now() } else { spin_loop() }
}

impl Team {
    pub(super) fn new(threads: usize) -> Self {
        let seat = || Seat { state: AtomicU8::new(EMPTY), work: UnsafeCell::new(None) };
        Self { seats: (1..threads).map(|_| seat()).collect() }
    }

    /// Runs both, side by side if a helper waits. If none does, calls one from the pool for the next time.
    pub(super) fn join<A: Send, B: Send>(
        &self,
        pool: &rayon::ThreadPool,
        a: impl FnOnce() -> A + Send,
        b: impl FnOnce() -> B + Send,
    ) -> (A, B) {
        let Some(seat) = self.seats.iter().find(|seat| seat.change(WAITING, CLAIMED)) else {
            self.call(pool);
            return (a(), b());
        };
        let mut b = Some(b);
        let mut result: Option<Result<B, Box<dyn Any + Send>>> = None;
        let mut work = || result = b.take().map(|b| catch_unwind(AssertUnwindSafe(b)));
        let pointer: *mut (dyn FnMut() + Send + '_) = &mut work;
        // SAFETY: the state is `CLAIMED` by this thread (see `Sync`). The lifetime that the type loses is kept by
        // waiting below, which nothing before it can leave out: `a` is not let unwind.
        unsafe { *seat.work.get() = Some(transmute::<*mut (dyn FnMut() + Send + '_), Work>(pointer)) };
        seat.state.store(READY, Ordering::Release);
        let a = catch_unwind(AssertUnwindSafe(a));
        let mut turns = 0u32;
        loop {
            if seat.change(READY, WAITING) {
                // No helper has begun, and now none will.
                work();
                break;
            }
            if seat.change(DONE, WAITING) {
                break;
            }
            turns = turns.wrapping_add(1);
            pause(turns);
        }
        match (a, result) {
            (Ok(a), Some(Ok(b))) => (a, b),
            (Err(panic), _) | (_, Some(Err(panic))) => resume_unwind(panic),
            (Ok(_), None) => unreachable!("the work ran on one of the two threads"),
        }
    }

    /// Calls a helper to an empty seat.
    fn call(&self, pool: &rayon::ThreadPool) {
        if let Some(number) = self.seats.iter().position(|seat| seat.change(EMPTY, CALLED)) {
            let seats = Arc::clone(&self.seats);
            pool.spawn(move || seats[number].help());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
