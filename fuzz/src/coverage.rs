//! What an input reached: counters that the compiler adds in a guided build (`cargo xtask fuzz --guided`), and that are not
//! there in any other.
#![allow(unsafe_code)]

use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

static START: AtomicPtr<u8> = AtomicPtr::new(std::ptr::null_mut());
static LENGTH: AtomicUsize = AtomicUsize::new(0);

/// Called by instrumented code before `main`, with the place of all its counters.
// SAFETY: the name is the one that LLVM's instrumentation calls, with these arguments; nothing else has it.
#[unsafe(no_mangle)]
extern "C" fn __sanitizer_cov_8bit_counters_init(start: *mut u8, end: *mut u8) {
    START.store(start, Ordering::Relaxed);
    LENGTH.store((end as usize).saturating_sub(start as usize), Ordering::Relaxed);
}

/// Counters that are looked at together: most are zero.
const LINE: usize = 64;

/// What has been seen of all counters: for each, a bit for each magnitude.
pub struct Seen(Vec<u8>);

impl Seen {
    /// Nothing seen.
    pub fn new() -> Self {
        Self(vec![0; LENGTH.load(Ordering::Relaxed)])
    }

    /// Sets all counters to zero.
    pub fn begin(&self) {
        if !self.0.is_empty() {
            // SAFETY: the counters are so many bytes of this program, which live as long as it.
            unsafe { START.load(Ordering::Relaxed).write_bytes(0, self.0.len()) };
        }
    }

    /// The counters that were reached since [`begin`](Self::begin).
    pub fn now(&self) -> Vec<usize> {
        (0..).zip(counters()).filter_map(|(place, &count)| (count > 0).then_some(place)).collect()
    }

    /// Takes in what was reached since [`begin`](Self::begin), and tells whether any of it is new.
    pub fn take(&mut self) -> bool {
        let mut is_new = false;
        for (seen, counters) in self.0.chunks_mut(LINE).zip(counters().chunks(LINE)) {
            if counters.iter().fold(0, |all, count| all | count) == 0 {
                continue;
            }
            for (seen, count) in seen.iter_mut().zip(counters) {
                let bit = magnitude(*count);
                is_new |= *seen & bit != bit;
                *seen |= bit;
            }
        }
        is_new
    }

    /// How many counters have been reached, and how many there are.
    pub fn reached(&self) -> (usize, usize) {
        (self.0.iter().filter(|&&seen| seen != 0).count(), self.0.len())
    }
}

/// All counters, as they are.
fn counters() -> &'static [u8] {
    match LENGTH.load(Ordering::Relaxed) {
        0 => &[],
        // SAFETY: as above. Another thread that counts at the same time loses a count, and nothing else: no thread but the
        // one that asks executes a target.
        length => unsafe { std::slice::from_raw_parts(START.load(Ordering::Relaxed), length) },
    }
}

/// A bit for a count: once, twice, three times, up to seven, and so on.
fn magnitude(count: u8) -> u8 {
    match count {
        0 => 0,
        1 => 1,
        2 => 2,
        3 => 4,
        4..=7 => 8,
        8..=15 => 16,
        16..=31 => 32,
        32..=127 => 64,
        128.. => 128,
    }
}
