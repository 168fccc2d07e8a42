//! What each kernel costs: trains network (c) in mini-batches of ten on one thread, and prints a table for
//! docs/performance.md. `cargo run --release -p benches --bin kernels`

use benches::{C, Image, load, threads, trained};
use host::executor::Threads;
use minnet::executor::{Executor, Kernel};
use minnet::prelude::*;
use rand_core::SeedableRng;
use rand_xorshift::XorShiftRng;
use std::any::type_name_of_val;
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

const BATCH: usize = 10;
const STEPS: usize = 2000;
/// Floating-point operations of a training image of (c), if none is left out.
const FLOP: f64 = 9.222e6;

/// Times each kernel that a network hands over.
struct Timed<'a> {
    threads: &'a Threads,
    kernels: Mutex<BTreeMap<&'static str, Duration>>,
}

impl Executor for Timed<'_> {
    fn threads(&self) -> usize {
        1
    }

    fn join<A: Send, B: Send>(&self, a: impl FnOnce() -> A + Send, b: impl FnOnce() -> B + Send) -> (A, B) {
        (a(), b())
    }

    fn vectorize(&self, kernel: impl Kernel) {
        let name = type_name_of_val(&kernel);
        let begin = Instant::now();
        self.threads.vectorize(kernel);
        let took = begin.elapsed();
        if let Ok(mut kernels) = self.kernels.lock() {
            *kernels.entry(name).or_default() += took;
        }
    }
}

/// `minnet::layers::conv5x5::Forward<…, 1, 20, …>` becomes `conv5x5 Forward 1 20`.
fn name(name: &str) -> String {
    let (path, arguments) = name.split_once('<').unwrap_or((name, ""));
    let mut words: Vec<&str> = path.rsplit("::").take(2).collect();
    words.reverse();
    let (mut depth, mut start) = (0, 0);
    for (at, letter) in arguments.char_indices() {
        match letter {
            '<' | '[' | '(' | '{' => depth += 1,
            ',' | '>' if depth == 0 => {
                let word = arguments[start..at].trim();
                words.extend(word.parse::<usize>().is_ok().then_some(word));
                start = at + 1;
            }
            '>' | ']' | ')' | '}' => depth -= 1,
            _ => {}
        }
    }
    words.join(" ")
}

fn main() -> Result<(), host::error::Error> {
    let threads = threads(1);
    let mut net = trained::<Image, C>(&threads);
    let mut batch = host::model::batch::<Image, C>(BATCH)?;
    let mut rng = XorShiftRng::seed_from_u64(1);
    let sgd = Sgd::new(0.001, BATCH);
    let timed = Timed { threads: &threads, kernels: Mutex::new(BTreeMap::new()) };
    let begin = Instant::now();
    for step in 0..STEPS {
        load(&mut batch, step * BATCH, &timed);
        net.train::<LogLikelihood>(&mut batch, &sgd, &mut rng, &timed);
    }
    let all = begin.elapsed();
    let microseconds = |time: Duration| 1e6 * time.as_secs_f64() / (STEPS * BATCH) as f64;
    println!("| kernel | µs an image |\n|---|---|");
    let mut rest = all;
    for (kernel, time) in timed.kernels.lock().iter().flat_map(|kernels| kernels.iter()) {
        println!("| {} | {:.2} |", name(kernel), microseconds(*time));
        rest = rest.saturating_sub(*time);
    }
    println!("| loading images, biases, and the rest | {:.2} |", microseconds(rest));
    println!("| all | {:.2} |", microseconds(all));
    println!("\n{:.0} GFLOP/s, if nothing were left out", FLOP / microseconds(all) / 1e3);
    Ok(())
}
