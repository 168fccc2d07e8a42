//! Training, in images a second: `cargo bench -p benches --bench training`.

use benches::{A, B, C, D, memory, threads, trained};
use divan::Bencher;
use divan::counter::ItemsCount;
use minnet::prelude::Sgd;
use rand_core::SeedableRng;
use rand_xorshift::XorShiftRng;

/// Mini-batches in one measured piece.
const STEPS: usize = 50;
/// (images in a mini-batch, threads)
const SETTINGS: [(usize, usize); 4] = [(10, 1), (10, 2), (64, 1), (64, 2)];

fn main() {
    divan::main();
}

#[divan::bench(args = SETTINGS)]
fn a_dense_100(bencher: Bencher<'_, '_>, setting: (usize, usize)) {
    train(bencher, A, setting);
}

#[divan::bench(args = SETTINGS)]
fn b_conv_20(bencher: Bencher<'_, '_>, setting: (usize, usize)) {
    train(bencher, B, setting);
}

#[divan::bench(args = SETTINGS)]
fn c_conv_20_40(bencher: Bencher<'_, '_>, setting: (usize, usize)) {
    train(bencher, C, setting);
}

#[divan::bench(args = SETTINGS, sample_count = 20)]
fn d_dropout(bencher: Bencher<'_, '_>, setting: (usize, usize)) {
    train(bencher, D, setting);
}

fn train(bencher: Bencher<'_, '_>, text: &str, (images, count): (usize, usize)) {
    let executor = threads(count);
    let mut network = trained(text, &executor);
    let mut memory = memory(&network, images);
    let mut rng = XorShiftRng::seed_from_u64(1);
    let sgd = Sgd::new(0.001, images);
    let mut first = 0;
    bencher.counter(ItemsCount::new(STEPS * images)).bench_local(|| {
        executor.run(|| {
            for _ in 0..STEPS {
                benches::train(&mut network, &mut memory, first, &sgd, &mut rng, &executor);
                first += images;
            }
        });
    });
}
