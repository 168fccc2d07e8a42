//! Your own data, without files and without the command line: samples from memory, a network that is a text, training,
//! integers, a model file, and what firmware would ask of it.
//!
//! The task is a made-up sensor: 32 steps of acceleration along two axes, and three ways in which it is shaken.
//!
//! `cargo run --release --example 11_own_data`

use minnet::model::{Metadata, QuantizedModel};
use minnet::prelude::*;
use minnet::quant::{Int8, Quantized, Width};
use minnet_host::architecture::Shape;
use minnet_host::data::{Data, Set, Targets, Values};
use minnet_host::description::Description;
use minnet_host::executor::{Threads, Vectors};
use minnet_host::model::File;
use minnet_host::network::Network;
use minnet_host::quantize::Integers;
use minnet_host::samples::Samples;
use minnet_host::{nets, train};
use rand_core::{Rng, SeedableRng};
use rand_xorshift::XorShiftRng;
use std::ops::ControlFlow;
use std::path::Path;

const STEPS: usize = 32;

/// The size that `Flatten` makes of the signal, as `host nets` prints it.
struct Signal;
impl Flat<[[[f32; 8]; 1]; 16]> for Signal {
    type Vector = [f32; 128];
}
const CLASSES: [&str; 3] = ["still", "shaken", "turned"];

/// What the sensor gives for a class: both axes of each step in turn.
fn window(class: usize, rng: &mut impl Rng) -> Vec<f32> {
    let mut uniform = |least: f32, most: f32| least + (most - least) * (rng.next_u32() >> 8) as f32 / (1 << 24) as f32;
    let (phase, speed) = (uniform(0.0, 6.0), uniform(0.4, 0.8));
    let noise: Vec<f32> = (0..2 * STEPS).map(|_| uniform(-2.0, 2.0)).collect();
    let axis = |step: usize, axis: usize| match class {
        0 => 9.8 * axis as f32,
        1 => 9.8 * axis as f32 + 6.0 * (phase + 3.0 * speed * step as f32).sin(),
        _ => 9.8 * (phase + speed * step as f32 + 1.57 * axis as f32).sin(),
    };
    (0..2 * STEPS).map(|index| axis(index / 2, index % 2) + noise[index]).collect()
}

fn main() -> minnet_host::error::Result<()> {
    // Samples one after the other, and the class of each; the first 600 train, the next 150 validate, the rest tests.
    let mut rng = XorShiftRng::seed_from_u64(1);
    let labels: Vec<u16> = (0..900).map(|index| index % 3).collect();
    let values = labels.iter().flat_map(|&label| window(label.into(), &mut rng)).collect();
    let shape = Shape::Image { height: STEPS, width: 1, channels: 2 };
    let set = Set::new(shape, Values::Floats(values), Targets::Classes(labels))?;
    let data = Data::new(set, 600, 150, CLASSES.map(String::from).to_vec())?;

    // The description has the means and deviations of the training part. Samples are normalized by it.
    let description = Description::of(&data)?;
    let [training, validation, test] =
        [minnet_host::data::Part::Train, minnet_host::data::Part::Validation, minnet_host::data::Part::Test]
            .map(|part| Samples::new(data.part(part), description.normalization()));

    let net = nets::find("32x1x2: conv5x1 8 stride 2 same relu, flatten, dense 3 softmax", None)?;
    let mut network = Network::zeroed(&net)?;
    let executor = Threads::new(0, Vectors::detect())?;
    let hyper = train::Hyper { epochs: 15, eta: 0.05, init: Init::He, ..train::Hyper::default() };
    train::train(&mut network, net.cost, training, validation, &hyper, &executor, &mut |_| ControlFlow::Continue(()))?;
    let floats = train::evaluate(&network, net.cost, test, &executor)?;

    let integers = Integers::of(&network, Width::Eight, training, &executor)?;
    let score = integers.evaluate(net.cost, test, &executor)?;
    println!("right of {} windows: {} in floats, {} in integers", score.images, floats.right, score.right);
    let path = Path::new("shaken-int8.minnet");
    integers.save(path, &Metadata::default(), &description)?;

    // The same in firmware, where the file is in flash: no heap from here on.
    type Shaken = Net<
        [[[f32; 2]; 1]; STEPS],
        seq![Conv<5, 1, 2, 8, NoPool, Relu, Stride<2, Same>>, Flatten<Signal>, Dense<128, 3, Softmax>],
    >;
    let file = File::read(path)?;
    let model = QuantizedModel::<Shaken, Int8>::parse(file.bytes()).expect("the file that was just written");
    let mut ram = [0; Quantized::<Shaken>::RAM];
    for (class, name) in CLASSES.iter().enumerate() {
        let raw = window(class, &mut rng);
        let mut bytes = [0; 2 * STEPS];
        model.description.normalization().quantize(&raw, model.net.input(), &mut bytes);
        let found = minnet::quant::argmax(model.net.infer_pixels(&bytes, &mut ram));
        println!("{name} is taken for {}", model.description.classes().get(found).unwrap_or("?"));
    }
    Ok(())
}
