//! Whether the cost grows as it should: images a second over the size of the training set, and the time of a mini-batch
//! over a network's multiplications. Writes two plots to docs/performance.
//! `cargo run --release -p benches --bin scale`

use benches::{C, memory, network, threads, train};
use host::executor::Threads;
use host::nets::NAMED;
use host::plot::{Chart, Series};
use minnet::module::Module;
use minnet::prelude::{Init, Sgd};
use rand_core::SeedableRng;
use rand_xorshift::XorShiftRng;
use std::path::Path;
use std::time::Instant;

const BATCH: usize = 10;
const SIZES: [usize; 8] = [1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000];

/// Seconds of training on so many images, and once before on a tenth of them, which is not counted.
fn seconds(text: &str, images: usize, executor: &Threads) -> f64 {
    let mut network = network(text);
    let mut memory = memory(&network, BATCH);
    let mut rng = XorShiftRng::seed_from_u64(1);
    network.initialize(Init::He, &mut rng);
    let sgd = Sgd::new(0.01, BATCH);
    let mut measure = |images: usize| {
        let begin = Instant::now();
        executor.run(|| {
            for first in (0..images).step_by(BATCH) {
                train(&mut network, &mut memory, first, &sgd, &mut rng, executor);
            }
        });
        begin.elapsed().as_secs_f64()
    };
    measure(images / 10);
    measure(images)
}

/// A network's multiplications, and milliseconds of a mini-batch.
fn per_batch(text: &str, executor: &Threads) -> (f64, f64) {
    let macs = network(text).architecture().macs();
    let images = (4_000_000_000 / (macs + 10_000)).clamp(500, 20_000) / BATCH * BATCH;
    (macs as f64, 1e3 * seconds(text, images, executor) * BATCH as f64 / images as f64)
}

fn main() -> Result<(), host::error::Error> {
    let executor = threads(1);
    let mut rates = Vec::new();
    println!("| training images | images a second |\n|---|---|");
    for size in SIZES {
        let rate = size as f64 / seconds(C, size, &executor);
        println!("| {size} | {rate:.0} |");
        rates.push((size as f64, rate));
    }
    let title = "Network (c): training speed over the size of the training set, one thread";
    draw("size", title, ["training images", "images a second"], rates, false)?;

    let mut times = Vec::new();
    println!("\n| network | multiplications | ms a mini-batch |\n|---|---|---|");
    for named in NAMED {
        let (macs, milliseconds) = per_batch(named.text, &executor);
        println!("| {} | {macs:.0} | {milliseconds:.3} |", named.name);
        times.push((macs, milliseconds));
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
