//! Inference, in images a second: `cargo bench -p benches --bench inference`.

use benches::{A, B, C, D, Image, MNIST, Vector, threads, trained};
use divan::Bencher;
use divan::counter::ItemsCount;
use minnet::prelude::*;

/// (images, threads)
const SETTINGS: [(usize, usize); 4] = [(1, 1), (10, 1), (1000, 1), (1000, 2)];

fn main() {
    divan::main();
}

#[divan::bench(args = SETTINGS)]
fn a_dense_100(bencher: Bencher<'_, '_>, setting: (usize, usize)) {
    infer::<Vector, A>(bencher, setting);
}

#[divan::bench(args = SETTINGS)]
fn b_conv_20(bencher: Bencher<'_, '_>, setting: (usize, usize)) {
    infer::<Image, B>(bencher, setting);
}

#[divan::bench(args = SETTINGS)]
fn c_conv_20_40(bencher: Bencher<'_, '_>, setting: (usize, usize)) {
    infer::<Image, C>(bencher, setting);
}

#[divan::bench(args = SETTINGS, sample_count = 20)]
fn d_dropout(bencher: Bencher<'_, '_>, setting: (usize, usize)) {
    infer::<Image, D>(bencher, setting);
}

fn infer<In: Tensor, L: Layer<In>>(bencher: Bencher<'_, '_>, (images, count): (usize, usize))
where
    LogLikelihood: Cost<L::Activation>,
{
    let executor = threads(count);
    let net = trained::<In, L>(&executor);
    let (set, _) = MNIST.test.samples().split_at(images);
    bencher
        .counter(ItemsCount::new(images))
        .bench_local(|| host::train::outputs(&net, set, &executor).expect("memory"));
}
