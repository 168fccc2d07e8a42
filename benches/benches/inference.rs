//! Inference, in images a second: `cargo bench -p benches --bench inference`.

use benches::{A, B, C, D, MNIST, threads, trained};
use divan::Bencher;
use divan::counter::ItemsCount;

/// (images, threads)
const SETTINGS: [(usize, usize); 4] = [(1, 1), (10, 1), (1000, 1), (1000, 2)];

fn main() {
    divan::main();
}

#[divan::bench(args = SETTINGS)]
fn a_dense_100(bencher: Bencher<'_, '_>, setting: (usize, usize)) {
    infer(bencher, A, setting);
}

#[divan::bench(args = SETTINGS)]
fn b_conv_20(bencher: Bencher<'_, '_>, setting: (usize, usize)) {
    infer(bencher, B, setting);
}

#[divan::bench(args = SETTINGS)]
fn c_conv_20_40(bencher: Bencher<'_, '_>, setting: (usize, usize)) {
    infer(bencher, C, setting);
}

#[divan::bench(args = SETTINGS, sample_count = 20)]
fn d_dropout(bencher: Bencher<'_, '_>, setting: (usize, usize)) {
    infer(bencher, D, setting);
}

fn infer(bencher: Bencher<'_, '_>, text: &str, (images, count): (usize, usize)) {
    let executor = threads(count);
    let net = trained(text, &executor);
    let (set, _) = MNIST.test.samples().split_at(images);
    bencher
        .counter(ItemsCount::new(images))
        .bench_local(|| host::train::outputs(&net, set, &executor).expect("memory"));
}
