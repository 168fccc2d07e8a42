//! The same training run gives the same weights, to the last bit: a convolutional network with dropout and L2, on 200
//! images, four times. `qemu.rs` runs it on an emulated microcontroller.

use device::training::{AUGMENTED, PLAIN};
use host::executor::{Threads, Vectors};
use minnet::batch::Images;
use minnet::module::Module;
use minnet::prelude::*;
use rand_core::SeedableRng;
use rand_xorshift::XorShiftRng;
use std::process::Command;
use tests::training::{AUGMENTED_HASH, HASH, hash};

#[test]
fn without_threads() {
    assert_eq!(format!("{:016x}", hash(&PLAIN, &Serial)), HASH);
}

#[test]
fn with_any_threads_and_vectors() {
    for vectors in [Vectors::Baseline, Vectors::Avx2, Vectors::Avx512] {
        for threads in [1, 2, 3] {
            let executor = Threads::new(threads, vectors).unwrap();
            for (course, expected) in [(PLAIN, HASH), (AUGMENTED, AUGMENTED_HASH)] {
                let hash = executor.run(|| hash(&course, &executor));
                assert_eq!(format!("{hash:016x}"), expected, "{threads} threads, {vectors:?}, {course:?}");
            }
        }
    }
}

#[test]
fn with_and_without_optimization() {
    let unoptimized = ["--bin", "training_hash", "--config", "profile.dev.package.minnet.opt-level=0"];
    let program = tests::build::programs(&unoptimized, env!("CARGO_TARGET_TMPDIR")).join("training_hash");
    let output = Command::new(program).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let output = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.lines().count(), 3, "{output}");
    for line in output.lines() {
        assert!(line.starts_with(HASH), "not optimized: {line}, expected {HASH}");
    }
}

/// A layer with so many weights that threads share them, not the images.
#[test]
fn a_large_layer_with_any_threads_and_vectors() {
    type Large = Net<[f32; 520], seq![Dropout<50>, Dense<520, 520, Relu>, Dense<520, 10, Softmax>]>;
    let train = |executor: &Threads| {
        let mut net: Box<Large> = host::network::boxed().unwrap();
        let mut memory = vec![0.0; 18 * Large::SAMPLE];
        let mut batch = Large::batch(&mut memory);
        let mut rng = XorShiftRng::seed_from_u64(7);
        net.initialize(Init::He, &mut rng);
        let sgd = Sgd::new(0.1, batch.len()).with_l2(0.1, 1.0, 1000);
        executor.run(|| {
            for step in 0..5u8 {
                for (image, number) in (0..batch.len()).zip(step..) {
                    batch.load(image, &[number.wrapping_mul(41); 520], usize::from(number % 10));
                }
                net.train::<LogLikelihood>(&mut batch, &sgd, &mut rng, executor);
            }
        });
        net.weight_hash()
    };
    let expected = train(&Threads::new(1, Vectors::Baseline).unwrap());
    for vectors in [Vectors::Baseline, Vectors::Avx2, Vectors::Avx512] {
        for threads in [1, 2, 3] {
            assert_eq!(train(&Threads::new(threads, vectors).unwrap()), expected, "{threads} threads, {vectors:?}");
        }
    }
}

/// Threads share one image's layers by their rows or columns, and several images by their number.
#[test]
fn inference_with_any_threads_and_vectors() {
    type Mixed = Net<
        [[[f32; 1]; 28]; 28],
        seq![
            Conv5x5<1, 20, MaxPool2, Relu>,
            Conv5x5<20, 40, NoPool, Relu>,
            Flatten,
            Dense<2560, 520, Relu>,
            Dense<520, 10, Softmax>
        ],
    >;
    let mut net: Box<Mixed> = host::network::boxed().unwrap();
    net.initialize(Init::He, &mut XorShiftRng::seed_from_u64(7));
    let infer = |images: usize, executor: &Threads| {
        let mut memory = vec![0.0; images * Mixed::RAM];
        for (place, number) in memory.chunks_exact_mut(Mixed::RAM).zip(1..) {
            let pixels: Vec<u8> = (0u8..=255).cycle().map(|pixel| pixel.wrapping_mul(number)).take(28 * 28).collect();
            load_pixels(&pixels, &mut place[..28 * 28]);
        }
        let at = executor.run(|| Module::infer(&*net, Images::new(&mut memory, Mixed::RAM), executor));
        let outputs = memory.chunks_exact(Mixed::RAM).map(|place| &place[at..at + 10]);
        outputs.map(|output| output.iter().map(|value| value.to_bits()).collect()).collect::<Vec<Vec<u32>>>()
    };
    let expected = infer(5, &Threads::new(1, Vectors::Baseline).unwrap());
    for vectors in [Vectors::Baseline, Vectors::Avx2, Vectors::Avx512] {
        for threads in [1, 2, 3] {
            let executor = Threads::new(threads, vectors).unwrap();
            for images in [1, 2, 5] {
                // The first time, no thread is awake that could help.
                for _ in 0..3 {
                    let found = infer(images, &executor);
                    assert_eq!(found, expected[..images], "{images} images, {threads} threads, {vectors:?}");
                }
            }
        }
    }
}
