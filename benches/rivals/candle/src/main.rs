//! The networks a, b, c and d in candle: called as the other programs in `benches/rivals`.

use candle_core::{D, Device, Result, Tensor};
use candle_nn::{Conv2d, Conv2dConfig, Dropout, Linear, Module, Optimizer, SGD, VarBuilder, VarMap};
use cpu_time::ProcessTime;
use std::io::{Read, Write};
use std::time::Instant;

/// Images that are trained on before anything is measured.
const WARM_UP: usize = 3000;

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [network, mode, batch, threads, seconds] = &words[..] else {
        return Err(candle_core::Error::Msg("usage: candle-rival NETWORK MODE BATCH THREADS SECONDS".into()));
    };
    // Both of the libraries that candle computes with read these when they start.
    // SAFETY: no other thread runs yet.
    unsafe {
        std::env::set_var("RAYON_NUM_THREADS", threads);
        std::env::set_var("CANDLE_NUM_THREADS", threads);
    }
    let seconds: f64 = seconds.parse().map_err(candle_core::Error::wrap)?;
    Contestant::new(network, mode == "train", batch.parse().map_err(candle_core::Error::wrap)?)?.serve(seconds)
}

struct Network {
    convolutions: Vec<Conv2d>,
    dense: Vec<Linear>,
    sigmoid: bool,
    dropout: Option<Dropout>,
}

impl Network {
    fn new(name: &str, variables: &VarBuilder<'_>) -> Result<Self> {
        let (channels, sizes): (&[usize], &[usize]) = match name {
            "a" => (&[], &[784, 100, 10]),
            "b" => (&[1, 20], &[2880, 100, 10]),
            "c" => (&[1, 20, 40], &[640, 100, 10]),
            _ => (&[1, 20, 40], &[640, 1000, 1000, 10]),
        };
        let convolution = |(number, pair): (usize, &[usize])| {
            candle_nn::conv2d(pair[0], pair[1], 5, Conv2dConfig::default(), variables.pp(format!("conv{number}")))
        };
        let layer = |(number, pair): (usize, &[usize])| {
            candle_nn::linear(pair[0], pair[1], variables.pp(format!("dense{number}")))
        };
        Ok(Self {
            convolutions: channels.windows(2).enumerate().map(convolution).collect::<Result<_>>()?,
            dense: sizes.windows(2).enumerate().map(layer).collect::<Result<_>>()?,
            sigmoid: matches!(name, "a" | "b"),
            dropout: (name == "d").then(|| Dropout::new(0.5)),
        })
    }

    fn activate(&self, values: &Tensor) -> Result<Tensor> {
        if self.sigmoid { candle_nn::ops::sigmoid(values) } else { values.relu() }
    }

    fn logits(&self, images: &Tensor, training: bool) -> Result<Tensor> {
        let mut values = images.clone();
        if !self.convolutions.is_empty() {
            values = values.reshape(((), 1, 28, 28))?;
            for convolution in &self.convolutions {
                values = self.activate(&convolution.forward(&values)?.max_pool2d(2)?)?;
            }
            values = values.flatten_from(1)?;
        }
        for (number, dense) in self.dense.iter().enumerate() {
            if let Some(dropout) = &self.dropout {
                values = dropout.forward(&values, training)?;
            }
            values = dense.forward(&values)?;
            if number + 1 < self.dense.len() {
                values = self.activate(&values)?;
            }
        }
        Ok(values)
    }
}

struct Contestant {
    network: Network,
    optimizer: SGD,
    training: bool,
    batch: usize,
    images: Tensor,
    labels: Tensor,
    test: (Tensor, Tensor),
    done: usize,
}

impl Contestant {
    fn new(name: &str, training: bool, batch: usize) -> Result<Self> {
        let variables = VarMap::new();
        let builder = VarBuilder::from_varmap(&variables, candle_core::DType::F32, &Device::Cpu);
        let network = Network::new(name, &builder)?;
        let eta = if matches!(name, "a" | "b") { 0.3 } else { 0.03 };
        let test = digits("t10k")?;
        let (images, labels) = if training { digits("train")? } else { test.clone() };
        let optimizer = SGD::new(variables.all_vars(), eta)?;
        Ok(Self { network, optimizer, training, batch, images, labels, test, done: 0 })
    }

    fn work(&mut self, steps: usize) -> Result<()> {
        let batches = self.labels.dim(0)? / self.batch;
        for _ in 0..steps {
            let first = self.done % batches * self.batch;
            self.done += 1;
            let images = self.images.narrow(0, first, self.batch)?;
            let logits = self.network.logits(&images, self.training)?;
            if self.training {
                let labels = self.labels.narrow(0, first, self.batch)?;
                self.optimizer.backward_step(&candle_nn::loss::cross_entropy(&logits, &labels)?)?;
            } else {
                candle_nn::ops::softmax(&logits, D::Minus1)?;
            }
        }
        Ok(())
    }

    fn right(&self) -> Result<u32> {
        let (images, labels) = (self.test.0.narrow(0, 0, 1000)?, self.test.1.narrow(0, 0, 1000)?);
        let answers = self.network.logits(&images, false)?.argmax(D::Minus1)?;
        answers.eq(&labels)?.to_dtype(candle_core::DType::U32)?.sum_all()?.to_scalar()
    }

    fn serve(mut self, seconds: f64) -> Result<()> {
        if self.training {
            self.work(WARM_UP / self.batch)?;
        }
        let mut steps = 1;
        loop {
            let begin = Instant::now();
            self.work(steps)?;
            if begin.elapsed().as_secs_f64() >= seconds / 10.0 {
                break;
            }
            steps *= 2;
        }
        say("ready")?;
        for line in std::io::stdin().lines() {
            line?;
            let (begin, cpu) = (Instant::now(), ProcessTime::now());
            let (mut last, mut rates) = (begin, Vec::new());
            while begin.elapsed().as_secs_f64() < seconds {
                self.work(steps)?;
                rates.push((steps * self.batch) as f64 / last.elapsed().as_secs_f64());
                last = Instant::now();
            }
            let cpu = cpu.elapsed().as_secs_f64() / (rates.len() * steps * self.batch) as f64;
            rates.sort_by(f64::total_cmp);
            let (rate, right) = (rates[rates.len() / 2], self.right()?);
            say(&format!(
                r#"{{"images_per_second": {rate}, "cpu_seconds_per_image": {cpu}, "peak_mib": {}, "right_of_1000": {right}}}"#,
                peak_mib()
            ))?;
        }
        Ok(())
    }
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

/// Images (divided by 256, 784 to a row) and labels of the set `train` or `t10k`.
fn digits(name: &str) -> Result<(Tensor, Tensor)> {
    let read = |kind: &str, header: usize| -> Result<Vec<u8>> {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../data/mnist");
        let mut bytes = Vec::new();
        flate2::read::GzDecoder::new(std::fs::File::open(format!("{folder}/{name}-{kind}.gz"))?).read_to_end(&mut bytes)?;
        Ok(bytes.split_off(header))
    };
    let pixels: Vec<f32> = read("images-idx3-ubyte", 16)?.into_iter().map(|pixel| f32::from(pixel) / 256.0).collect();
    let labels: Vec<u32> = read("labels-idx1-ubyte", 8)?.into_iter().map(u32::from).collect();
    let count = labels.len();
    Ok((Tensor::from_vec(pixels, (count, 784), &Device::Cpu)?, Tensor::from_vec(labels, count, &Device::Cpu)?))
}
