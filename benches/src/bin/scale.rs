//! Whether the cost grows as it should: images a second over the size of the training set, and the time of a mini-batch
//! over a network's multiplications. Writes two plots to docs/performance.
//! `cargo run --release -p benches --bin scale`

use benches::{C, Image, load, threads};
use host::executor::Threads;
use host::nets::{self, Layers, Named, Visitor};
use host::plot::{Chart, Series};
use minnet::prelude::*;
use rand_core::SeedableRng;
use rand_xorshift::XorShiftRng;
use std::path::Path;
use std::time::Instant;

const BATCH: usize = 10;
const SIZES: [usize; 8] = [1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000];

/// Seconds of training on so many images, and once before on a tenth of them, which is not counted.
fn seconds<In: Tensor, L: Layer<In>, C: Cost<L::Activation>>(
    images: usize,
    executor: &Threads,
) -> Result<f64, host::error::Error> {
    let mut net = host::model::zeroed::<In, L>()?;
    let mut batch = host::model::batch(BATCH)?;
    let mut rng = XorShiftRng::seed_from_u64(1);
    Net::initialize(&mut net, Init::He, &mut rng);
    let sgd = Sgd::new(0.01, BATCH);
    let mut train = |images: usize| {
        let begin = Instant::now();
        executor.run(|| {
            for first in (0..images).step_by(BATCH) {
                load(&mut batch, first, executor);
                net.train::<C>(&mut batch, &sgd, &mut rng, executor);
            }
        });
        begin.elapsed().as_secs_f64()
    };
    train(images / 10);
    Ok(train(images))
}

/// A network's multiplications, and milliseconds of a mini-batch.
struct PerBatch<'a>(&'a Threads);

impl Visitor for PerBatch<'_> {
    type Output = Result<(f64, f64), host::error::Error>;

    fn visit<In: Tensor, L: Layers<In>, C: Cost<L::Activation>>(self, _: &'static Named) -> Self::Output {
        let images = (4_000_000_000 / (L::MACS + 10_000)).clamp(500, 20_000) / BATCH * BATCH;
        let seconds = seconds::<In, L, C>(images, self.0)?;
        Ok((L::MACS as f64, 1e3 * seconds * BATCH as f64 / images as f64))
    }
}

fn main() -> Result<(), host::error::Error> {
    let executor = threads(1);
    let mut rates = Vec::new();
    println!("| training images | images a second |\n|---|---|");
    for size in SIZES {
        let rate = size as f64 / seconds::<Image, C, LogLikelihood>(size, &executor)?;
        println!("| {size} | {rate:.0} |");
        rates.push((size as f64, rate));
    }
    let title = "Network (c): training speed over the size of the training set, one thread";
    draw("size", title, ["training images", "images a second"], rates, false)?;

    let mut times = Vec::new();
    println!("\n| network | multiplications | ms a mini-batch |\n|---|---|---|");
    for net in nets::ALL {
        if let Some(time) = nets::visit(net, PerBatch(&executor)) {
            let (macs, milliseconds) = time?;
            println!("| {} | {macs:.0} | {milliseconds:.3} |", net.name);
            times.push((macs, milliseconds));
        }
    }
    times.sort_by(|a, b| a.0.total_cmp(&b.0));
    times.dedup_by_key(|time| time.0);
    let title = "The named networks: time of a mini-batch of ten over multiplications, one thread";
    draw("macs", title, ["multiplications with a weight, one image", "milliseconds"], times, true)
}

/// A plot of one line on a logarithmic x axis.
fn draw(
    name: &str,
    title: &str,
    [x_label, y_label]: [&str; 2],
    points: Vec<(f64, f64)>,
    log_y: bool,
) -> Result<(), host::error::Error> {
    let chart = Chart {
        title: title.into(),
        x_label: x_label.into(),
        y_label: y_label.into(),
        series: vec![Series { label: String::new(), points }],
        log_x: true,
        log_y,
        from_zero: true,
        ..Chart::default()
    };
    chart.save(&Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/performance")).join(name))?;
    Ok(())
}
