//! Threads and vector units for the core's [`Executor`].

use crate::error::{Error, Result};
use minnet::executor::Executor;
use std::cell::Cell;
use zerocopy::{FromBytes, IntoBytes, KnownLayout};

mod team;

/// The most threads for each core, as `Threads::new` says.
const MOST: usize = 8;

/// Runs on a pool of threads, with the widest vectors this processor has, chosen once.
pub struct Threads {
    pool: rayon::ThreadPool,
    team: team::Team,
    vectors: Vectors,
}

/// The vector instructions that a kernel may be compiled for. The bits are the same with each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Vectors {
    /// What the program was compiled for: SSE2 on x86-64; elsewhere what the compiler makes of arrays of four numbers.
    Baseline,
    /// 256 bits.
    Avx2,
    /// 512 bits.
    Avx512,
}

impl Vectors {
    /// The widest that this processor has.
    pub fn detect() -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            // Every processor with AVX2 has these.
            let bits = is_x86_feature_detected!("bmi1")
                && is_x86_feature_detected!("bmi2")
                && is_x86_feature_detected!("popcnt");
            if bits
                && is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512vl")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512dq")
            {
                return Self::Avx512;
            }
            // The benches' build that fuses needs more than the other.
            let fused = !cfg!(minnet_fused) || is_x86_feature_detected!("fma");
            if bits && is_x86_feature_detected!("avx2") && fused {
                return Self::Avx2;
            }
        }
        Self::Baseline
    }

    /// What the core knows them by.
    #[allow(unsafe_code)]
    fn token(self) -> minnet::executor::Vectors {
        match self {
            // SAFETY: `Threads::new` takes no more than `detect` has found on this processor.
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => unsafe { minnet::executor::Vectors::avx512() },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => unsafe { minnet::executor::Vectors::avx2() },
            _ => minnet::executor::Vectors::BASELINE,
        }
    }
}

impl Threads {
    /// A pool of `threads` threads (0: one for each core), of no more than eight for each core: so many only wait for each
    /// other.
    ///
    /// # Errors
    /// [`Error::Threads`] if the system does not give the threads.
    pub fn new(threads: usize, vectors: Vectors) -> Result<Self> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        // Never 0, for which rayon would ask the environment.
        let threads = if threads == 0 { cores } else { threads.min(MOST * cores) };
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        let pool = pool.map_err(|cause| Error::Threads { cause })?;
        let team = team::Team::new(pool.current_num_threads());
        Ok(Self { pool, team, vectors: vectors.min(Vectors::detect()) })
    }

    /// Runs `work` on one of the pool's threads, so that no more threads are busy than the pool has.
    pub fn run<R: Send>(&self, work: impl FnOnce() -> R + Send) -> R {
        self.pool.install(work)
    }
}

impl Executor for Threads {
    fn threads(&self) -> usize {
        self.pool.current_num_threads()
    }

    fn join<A: Send, B: Send>(&self, a: impl FnOnce() -> A + Send, b: impl FnOnce() -> B + Send) -> (A, B) {
        self.team.join(&self.pool, a, b)
    }

    fn vectors(&self) -> minnet::executor::Vectors {
        self.vectors.token()
    }

    fn scratch<R>(&self, len: usize, work: impl FnOnce(&mut [f32]) -> R) -> R {
        // Work within work finds the place empty, and gets memory of its own.
        let mut lines = SCRATCH.take();
        if lines.len() * LINE < len {
            lines.resize(len.div_ceil(LINE), Line([0.0; LINE]));
        }
        let values = <[f32]>::mut_from_bytes(lines.as_mut_bytes()).unwrap_or_default();
        let result = work(values.get_mut(..len).unwrap_or_default());
        SCRATCH.set(lines);
        result
    }
}

/// Values of a cache line.
const LINE: usize = 16;

/// A cache line.
#[derive(Clone, Copy, FromBytes, IntoBytes, KnownLayout)]
#[repr(C, align(64))]
struct Line([f32; LINE]);

thread_local! {
    /// What a thread lends to inner loops, kept for the next.
    static SCRATCH: Cell<Vec<Line>> = const { Cell::new(Vec::new()) };
}
