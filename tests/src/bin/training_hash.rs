//! Prints the weights' hash after the firmware's training run, for each vector width and number of threads: one line
//! each. Built with optimization, it is compared with the tests' own, which are not.

use host::executor::{Threads, Vectors};

fn main() {
    for vectors in [Vectors::Baseline, Vectors::Avx2, Vectors::Avx512] {
        for threads in [1, 2, 3] {
            let executor = Threads::new(threads, vectors).expect("threads");
            println!("{:016x} {threads} threads, {vectors:?}", executor.run(|| tests::training::hash(&executor)));
        }
    }
}
