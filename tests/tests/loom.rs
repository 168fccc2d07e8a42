//! The thread team's seats, in every order in which threads can meet at them, as far as loom goes.
#![allow(unsafe_code)]

#[path = "../../host/src/executor/team/seat.rs"]
mod seat;

use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::thread;
use seat::Seat;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What a seat is made of, here: loom sees each use.
mod sync {
    pub use loom::cell::UnsafeCell;
    pub use loom::sync::atomic::{AtomicU8, Ordering};

    /// Lets the other threads run.
    pub fn pause(_turns: u32) {
        loom::thread::yield_now();
    }
}

/// Memory that two threads use without a lock: loom fails where nothing has set one use before the other.
struct Place(UnsafeCell<u32>);

// SAFETY: what is not in order, loom tells.
unsafe impl Sync for Place {}
// SAFETY: as above.
unsafe impl Send for Place {}

impl Place {
    fn add(&self, more: u32) {
        // SAFETY: as above.
        self.0.with_mut(|value| unsafe { *value += more });
    }

    fn get(&self) -> u32 {
        // SAFETY: as above.
        self.0.with(|value| unsafe { *value })
    }
}

/// As `Team::join` with one seat.
fn join<A: Send, B: Send>(seat: &Seat, a: impl FnOnce() -> A + Send, b: impl FnOnce() -> B + Send) -> (A, B) {
    if seat.claim() { seat.share(a, b) } else { (a(), b()) }
}

fn explore(model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(model);
}

/// A helper that comes if it is called, and leaves as soon as it can.
fn helper(seat: &Arc<Seat>) -> thread::JoinHandle<()> {
    assert!(seat.call());
    let seat = Arc::clone(seat);
    thread::spawn(move || seat.help(|_| true))
}

#[test]
fn work_is_done_once_and_seen_whoever_does_it() {
    explore(|| {
        let seat = Arc::new(Seat::new());
        let helper = helper(&seat);
        let [left, right] = [0, 0].map(|value| Place(UnsafeCell::new(value)));
        for round in 1..=2 {
            let given = join(&seat, || left.add(1), || right.add(1));
            assert_eq!(given, ((), ()));
            assert_eq!((left.get(), right.get()), (round, round));
        }
        helper.join().unwrap();
        // It has left: another can be called.
        assert!(!seat.claim() && seat.call());
    });
}

#[test]
fn two_threads_ask_one_helper() {
    explore(|| {
        let seat = Arc::new(Seat::new());
        let helper = helper(&seat);
        let other = {
            let seat = Arc::clone(&seat);
            thread::spawn(move || {
                let place = Place(UnsafeCell::new(0));
                assert_eq!(join(&seat, || 1, || place.add(2)), (1, ()));
                assert_eq!(place.get(), 2);
            })
        };
        let place = Place(UnsafeCell::new(0));
        assert_eq!(join(&seat, || 3, || place.add(4)), (3, ()));
        assert_eq!(place.get(), 4);
        other.join().unwrap();
        helper.join().unwrap();
    });
}

#[test]
fn a_panic_waits_for_the_helper_that_uses_the_stack() {
    explore(|| {
        let seat = Arc::new(Seat::new());
        let helper = helper(&seat);
        let place = Place(UnsafeCell::new(0));
        let caught = catch_unwind(AssertUnwindSafe(|| {
            join(&seat, || std::panic::resume_unwind(Box::new("left")), || place.add(1))
        }));
        assert!(caught.is_err());
        // Either `a` ran alone, before `b` would have begun, or `b` has run to its end.
        assert!(place.get() <= 1);
        helper.join().unwrap();
    });
}
