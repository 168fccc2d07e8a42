//! A place for a helper, and how work is handed over there. The test `tests/tests/loom.rs` goes through the ways in which
//! threads can meet here; so atomics, cells and waiting come from `sync`, which is another there.
#![allow(unsafe_code)]

use super::sync::{AtomicU8, Ordering, UnsafeCell, pause};
use std::any::Any;
use std::mem::transmute;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// A place for a helper, and the work it is given.
pub(super) struct Seat {
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
    /// An empty one.
    pub(super) fn new() -> Self {
        Self { state: AtomicU8::new(EMPTY), work: UnsafeCell::new(None) }
    }

    /// Changes the state if it is `from`.
    fn change(&self, from: u8, to: u8) -> bool {
        self.state.compare_exchange(from, to, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }

    /// Takes an empty seat for a helper that is going to be called: whoever did so sees to it that one comes.
    pub(super) fn call(&self) -> bool {
        self.change(EMPTY, CALLED)
    }

    /// Takes the helper that waits here, if one does: for [`share`](Self::share), which must follow.
    pub(super) fn claim(&self) -> bool {
        self.change(WAITING, CLAIMED)
    }

    /// What a helper that was called does, until it is `tired` while no work is there. It is asked whether it is so after each
    /// look for work, and told whether there was some.
    pub(super) fn help(&self, mut is_tired: impl FnMut(bool) -> bool) {
        self.state.store(WAITING, Ordering::Release);
        let mut turns = 0u32;
        loop {
            let has_work = self.state.load(Ordering::Relaxed) == READY && self.change(READY, RUNNING);
            if has_work {
                // SAFETY: the state was changed from `READY` to `RUNNING` here (see `Sync`).
                if let Some(work) = self.work.with_mut(|work| unsafe { *work }) {
                    // SAFETY: the thread that laid it down waits for `DONE` before it leaves the work's stack frame.
                    unsafe { (*work)() };
                }
                self.state.store(DONE, Ordering::Release);
            }
            turns = turns.wrapping_add(1);
            pause(turns);
            if is_tired(has_work) && self.change(WAITING, EMPTY) {
                return;
            }
        }
    }

    /// Runs both, `b` by the helper, if it begins in time. The seat was [claimed](Self::claim) by this thread.
    pub(super) fn share<A: Send, B: Send>(&self, a: impl FnOnce() -> A + Send, b: impl FnOnce() -> B + Send) -> (A, B) {
        let mut b = Some(b);
        let mut result: Option<Result<B, Box<dyn Any + Send>>> = None;
        let mut work = || result = b.take().map(|b| catch_unwind(AssertUnwindSafe(b)));
        let pointer: *mut (dyn FnMut() + Send + '_) = &mut work;
        // SAFETY: the lifetime that the type loses is kept by waiting below, which nothing before it can leave out: `a` is
        // not let unwind.
        let pointer = unsafe { transmute::<*mut (dyn FnMut() + Send + '_), Work>(pointer) };
        // SAFETY: the state is `CLAIMED` by this thread (see `Sync`).
        self.work.with_mut(|work| unsafe { *work = Some(pointer) });
        self.state.store(READY, Ordering::Release);
        let a = catch_unwind(AssertUnwindSafe(a));
        let mut turns = 0u32;
        loop {
            if self.change(READY, WAITING) {
                // No helper has begun, and now none will.
                work();
                break;
            }
            if self.change(DONE, WAITING) {
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
}
