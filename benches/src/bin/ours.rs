//! Our side of the comparison with other frameworks: `ours NETWORK MODE BATCH THREADS SECONDS`, as the programs in
//! `benches/rivals` are called, and then, if not the widest are wanted, the vectors. It warms up; then, for each line on
//! standard input, it works for so many seconds and prints one line of JSON.

use benches::{A, B, C, D, E, MNIST, memory, train, trained};
use cpu_time::ProcessTime;
use host::executor::{Threads, Vectors};
use host::network::Network;
use minnet::batch::Images;
use minnet::module::Module;
use minnet::prelude::{Sgd, load_pixels};
use rand_core::SeedableRng;
use rand_xorshift::XorShiftRng;
use std::error::Error;
use std::hint::black_box;
use std::io::{Write, stdin, stdout};
use std::process::ExitCode;
use std::time::{Duration, Instant};

const USAGE: &str = "usage: ours a|b|c|d|e train|infer BATCH THREADS SECONDS [avx512|avx2|sse2]
then each line on standard input asks for one measurement";

struct Options {
    training: bool,
    batch: usize,
    threads: usize,
    time: Duration,
    vectors: Vectors,
}

fn main() -> ExitCode {
    match begin() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn begin() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let [network, mode @ ("train" | "infer"), batch, threads, seconds, ref vectors @ ..] = words[..] else {
        return Err(USAGE.into());
    };
    let options = Options {
        training: mode == "train",
        batch: batch.parse()?,
        threads: threads.parse()?,
        time: Duration::try_from_secs_f64(seconds.parse()?)?,
        vectors: match vectors {
            [] => Vectors::detect(),
            ["avx512"] => Vectors::Avx512,
            ["avx2"] => Vectors::Avx2,
            ["sse2"] => Vectors::Baseline,
            _ => return Err(USAGE.into()),
        },
    };
    if options.batch == 0 {
        return Err(USAGE.into());
    }
    if options.vectors > Vectors::detect() {
        return Err("this processor has no such vectors".into());
    }
    let (text, eta) = match network {
        "a" => (A, 0.3),
        "b" => (B, 0.3),
        "c" => (C, 0.03),
        "d" => (D, 0.03),
        "e" => (E, 0.03),
        _ => return Err(USAGE.into()),
    };
    Contestant::new(&options, text, eta)?.serve(&options)
}

struct Contestant {
    network: Network,
    batch: usize,
    /// A mini-batch's.
    memory: Vec<f32>,
    /// Where inference of one image happens.
    ram: Vec<f32>,
    sgd: Sgd,
    rng: XorShiftRng,
    /// Images met so far.
    met: usize,
    executor: Threads,
}

impl Contestant {
    fn new(options: &Options, text: &str, eta: f32) -> Result<Self, Box<dyn Error>> {
        let executor = Threads::new(options.threads, options.vectors)?;
        // It has learned a little: as many of its ReLUs are off as in real work.
        let network = trained(text, &executor);
        Ok(Self {
            batch: options.batch,
            memory: memory(&network, options.batch),
            ram: vec![0.0; network.ram()],
            sgd: Sgd::new(eta, options.batch),
            rng: XorShiftRng::seed_from_u64(1),
            met: 0,
            network,
            executor,
        })
    }

    fn train(&mut self, steps: usize) {
        let Self { network, batch, memory, sgd, rng, met, executor, .. } = self;
        executor.run(|| {
            for _ in 0..steps {
                train(network, memory, *met, sgd, rng, executor);
                *met += *batch;
            }
        });
    }

    fn infer(&mut self, steps: usize) -> Result<(), host::error::Error> {
        let Self { network, batch, ram, met, executor, .. } = self;
        let (batch, stride, inputs, test) = (*batch, ram.len(), network.layout().inputs, &MNIST.test);
        executor.run(|| {
            for _ in 0..steps {
                let first = *met % (test.len() / batch * batch);
                *met = first + batch;
                if batch == 1 {
                    load_pixels(&test.images[first], &mut ram[..inputs]);
                    let output = network.infer(Images::new(ram, stride), executor);
                    black_box(&ram[output..]);
                } else {
                    let (_, set) = test.samples().split_at(first);
                    black_box(host::train::outputs(network, set.split_at(batch).0, executor)?);
                }
            }
            Ok(())
        })
    }

    fn work(&mut self, options: &Options, steps: usize) -> Result<(), host::error::Error> {
        if options.training {
            self.train(steps);
            Ok(())
        } else {
            self.infer(steps)
        }
    }

    /// Measures once for each line on standard input.
    fn serve(&mut self, options: &Options) -> Result<(), Box<dyn Error>> {
        // A chunk is about a fifth of what is asked for.
        let mut steps = 1;
        loop {
            let begin = Instant::now();
            self.work(options, steps)?;
            if begin.elapsed() >= options.time / 10 {
                break;
            }
            steps *= 2;
        }
        say("ready")?;
        for line in stdin().lines() {
            line?;
            let (begin, cpu) = (Instant::now(), ProcessTime::now());
            let (mut last, mut rates) = (begin, Vec::new());
            while begin.elapsed() < options.time {
                self.work(options, steps)?;
                let now = Instant::now();
                rates.push((steps * options.batch) as f64 / (now - last).as_secs_f64());
                last = now;
            }
            let cpu = cpu.elapsed().as_secs_f64() / (rates.len() * steps * options.batch) as f64;
            rates.sort_by(f64::total_cmp);
            let right = if options.training {
                let (test, _) = MNIST.test.samples().split_at(1000);
                let score = host::train::evaluate(&self.network, self.network.cost(), test, &self.executor)?;
                format!(r#", "right_of_1000": {}"#, score.right)
            } else {
                String::new()
            };
            say(&format!(
                r#"{{"images_per_second": {}, "cpu_seconds_per_image": {cpu}, "peak_mib": {}{right}}}"#,
                rates[rates.len() / 2],
                peak_mib().map_or("null".to_owned(), |mib| mib.to_string()),
            ))?;
        }
        Ok(())
    }
}

fn say(line: &str) -> std::io::Result<()> {
    let mut stdout = stdout().lock();
    writeln!(stdout, "{line}")?;
    stdout.flush()
}

/// The most memory that was ever resident, where the system has a file that says so.
fn peak_mib() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let kib = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix("kB"))?;
    Some(kib.trim().parse::<f64>().ok()? / 1024.0)
}
