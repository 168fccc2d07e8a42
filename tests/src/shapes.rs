//! The networks of other shapes that boards train, as lists on this machine.

use device::shapes::{Averaged, Dropped, Flattened, IMAGES, Signal, Strided, Unpooled, random, steps};
use host::architecture::Architecture;
use host::executor::{Threads, Vectors};
use minnet::batch::Batch;
use minnet::cost::CostFunction::{self, CrossEntropy, LogLikelihood, Quadratic};
use minnet::list::{self, List};
use minnet::module::Module;
use minnet::prelude::Init;

/// What the firmware calls each network, and the hash of its weights after the run.
///
/// # Panics
/// If a network's text cannot be read, or the system gives no threads.
pub fn hashes() -> [(&'static str, u64); 6] {
    [
        ("dropped", hash(Dropped::ARCHITECTURE.as_str(), CrossEntropy)),
        ("unpooled", hash(Unpooled::ARCHITECTURE.as_str(), LogLikelihood)),
        ("flattened", hash(Flattened::ARCHITECTURE.as_str(), Quadratic)),
        ("averaged", hash(Averaged::ARCHITECTURE.as_str(), LogLikelihood)),
        ("strided", hash(Strided::ARCHITECTURE.as_str(), CrossEntropy)),
        ("signal", hash(Signal::ARCHITECTURE.as_str(), LogLikelihood)),
    ]
}

fn hash(text: &str, cost: CostFunction) -> u64 {
    let executor = Threads::new(2, Vectors::detect()).expect("threads");
    let architecture = Architecture::parse(text).expect("the text of a type");
    let ops = architecture.layers();
    let mut list = List::new(ops, vec![0.0; list::parameters(ops)]).expect("parameters");
    let layout = list.layout();
    let mut rng = random();
    list.initialize(Init::FanIn, &mut rng);
    let mut memory = vec![0.0; IMAGES * layout.stride()];
    let mut batch = Batch::new(&mut memory, layout);
    steps(&mut batch, &mut rng, |batch, sgd, rng| list.train(cost, batch, sgd, rng, &executor));
    list.weight_hash()
}
