//! Prints the weights' hash after the firmware's training run, for each vector width: one line each. Its kernels are built
//! without optimization, unlike those of the tests and of the firmware.

use host::executor::{Threads, Vectors};

fn main() {
    for vectors in [Vectors::Baseline, Vectors::Avx2, Vectors::Avx512] {
        let executor = Threads::new(1, vectors).expect("threads");
        println!("{:016x} {vectors:?}", executor.run(|| tests::training::hash(&device::training::PLAIN, &executor)));
    }
}
