//! What the rivals in Rust share: their command line, the networks' shapes, the real digits, and how they are measured.
//!
//! Each program is called, and answers, as those in Python do (`common.py`).

use cpu_time::ProcessTime;
use std::io::{Read, Write};
use std::time::Instant;

pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// Images that are trained on before anything is measured.
const WARM_UP: usize = 3000;

/// What is asked for.
pub struct Options {
    pub network: char,
    pub training: bool,
    pub batch: usize,
    seconds: f64,
}

impl Options {
    /// The command line `NETWORK MODE BATCH THREADS SECONDS`. To be called before any other thread runs.
    pub fn read() -> Result<Self> {
        let words: Vec<String> = std::env::args().skip(1).collect();
        let [network, mode, batch, threads, seconds] = &words[..] else {
            return Err("usage: PROGRAM NETWORK MODE BATCH THREADS SECONDS".into());
        };
        // The libraries that compute here read these when they start.
        // SAFETY: no other thread runs yet.
        unsafe {
            std::env::set_var("RAYON_NUM_THREADS", threads);
            std::env::set_var("CANDLE_NUM_THREADS", threads);
        }
        let (network, training) = (network.parse()?, mode == "train");
        Ok(Self { network, training, batch: batch.parse()?, seconds: seconds.parse()? })
    }

    /// The channels between the convolutions, and the sizes between the dense layers.
    pub fn shape(&self) -> (&'static [usize], &'static [usize]) {
        match self.network {
            'a' => (&[], &[784, 100, 10]),
            'b' => (&[1, 20], &[2880, 100, 10]),
            'c' => (&[1, 20, 40], &[640, 100, 10]),
            _ => (&[1, 20, 40], &[640, 1000, 1000, 10]),
        }
    }

    /// Whether neurons are sigmoid, not rectified linear.
    pub fn sigmoid(&self) -> bool {
        matches!(self.network, 'a' | 'b')
    }

    /// The chance that an input of a dense layer is dropped in training.
    pub fn dropout(&self) -> Option<f32> {
        (self.network == 'd').then_some(0.5)
    }

    /// The learning rate.
    pub fn eta(&self) -> f64 {
        if self.sigmoid() { 0.3 } else { 0.03 }
    }
}

/// A network that works.
pub trait Contestant {
    /// Trains on, or infers, so many batches.
    fn work(&mut self, steps: usize) -> Result<()>;

    /// How many of 1,000 test digits are classified rightly.
    fn right(&self) -> Result<u32>;
}

/// Warms up, and measures once for each line on standard input.
pub fn serve(options: &Options, contestant: &mut impl Contestant) -> Result<()> {
    if options.training {
        contestant.work(WARM_UP / options.batch)?;
    }
    let mut steps = 1;
    loop {
        let begin = Instant::now();
        contestant.work(steps)?;
        if begin.elapsed().as_secs_f64() >= options.seconds / 10.0 {
            break;
        }
        steps *= 2;
    }
    say("ready")?;
    for line in std::io::stdin().lines() {
        line?;
        let (begin, cpu) = (Instant::now(), ProcessTime::now());
        let (mut last, mut rates) = (begin, Vec::new());
        while begin.elapsed().as_secs_f64() < options.seconds {
            contestant.work(steps)?;
            rates.push((steps * options.batch) as f64 / last.elapsed().as_secs_f64());
            last = Instant::now();
        }
        let cpu = cpu.elapsed().as_secs_f64() / (rates.len() * steps * options.batch) as f64;
        rates.sort_by(f64::total_cmp);
        let (rate, right) = (rates[rates.len() / 2], contestant.right()?);
        say(&format!(
            r#"{{"images_per_second": {rate}, "cpu_seconds_per_image": {cpu}, "peak_mib": {}, "right_of_1000": {right}}}"#,
            peak_mib()
        ))?;
    }
    Ok(())
}

fn say(line: &str) -> Result<()> {
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{line}")?;
    Ok(stdout.flush()?)
}

fn peak_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kib = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix("kB"));
    kib.and_then(|kib| kib.trim().parse::<f64>().ok()).unwrap_or(0.0) / 1024.0
}

/// Images (divided by 256, 784 numbers each) and labels of the set `train` or `t10k`.
pub fn digits<L: From<u8>>(name: &str) -> Result<(Vec<f32>, Vec<L>)> {
    let read = |kind: &str, header: usize| -> Result<Vec<u8>> {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../data/mnist");
        let mut bytes = Vec::new();
        flate2::read::GzDecoder::new(std::fs::File::open(format!("{folder}/{name}-{kind}.gz"))?)
            .read_to_end(&mut bytes)?;
        Ok(bytes.split_off(header))
    };
    let pixels = read("images-idx3-ubyte", 16)?.into_iter().map(|pixel| f32::from(pixel) / 256.0).collect();
    Ok((pixels, read("labels-idx1-ubyte", 8)?.into_iter().map(L::from).collect()))
}
