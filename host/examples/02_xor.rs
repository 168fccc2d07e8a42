//! Backpropagation on the smallest problem that needs it: XOR. First the gradient that BP1 to BP4 give is checked
//! against the plain definition of a derivative, then the network learns by it.
//!
//! The book: chapter 2; the settings are those of the backpropagation tutorial (2-2-1, 1,000 steps at η = 1).
//!
//! `cargo run --release --example 02_xor`

use minnet::cost::CostFunction;
use minnet::prelude::*;
use rand_core::SeedableRng;
use rand_xorshift::XorShiftRng;

type Input = [f32; 2];
type Xor = Net<Input, seq![Dense<2, 2, Sigmoid>, Dense<2, 1, Sigmoid>]>;

const POINTS: [(Input, f32); 4] = [([0.0, 0.0], 0.0), ([1.0, 0.0], 1.0), ([0.0, 1.0], 1.0), ([1.0, 1.0], 0.0)];

fn outputs(net: &Xor) -> [f32; 4] {
    POINTS.map(|(input, _)| net.infer(&input, &mut [0.0; Xor::RAM])[0])
}

/// The mean cost of the four points.
fn cost(net: &Xor) -> f32 {
    let costs = outputs(net).into_iter().zip(POINTS).map(|(a, (_, y))| CostFunction::CrossEntropy.value(&[a], &[y]));
    costs.sum::<f32>() / POINTS.len() as f32
}

/// Adds `step` to one parameter, counted in the order of memory: each layer's weights, then its biases.
fn nudge(net: &mut Xor, index: usize, step: f32) {
    let mut here = 0;
    net.visit_mut(|_, run| {
        for value in run {
            *value += if here == index { step } else { 0.0 };
            here += 1;
        }
    });
}

fn main() {
    let mut rng = XorShiftRng::seed_from_u64(2);
    let mut net = Xor::ZERO;
    net.initialize(Init::Large, &mut rng);
    let mut memory = [0.0; POINTS.len() * Xor::SAMPLE];
    let mut batch = Xor::batch(&mut memory);
    for (place, (input, target)) in POINTS.into_iter().enumerate() {
        batch.input(place).copy_from_slice(&input);
        batch.target(place).copy_from_slice(&[target]);
    }

    let mut gradient = Xor::ZERO;
    net.gradient::<CrossEntropy>(&mut batch, &mut gradient, &mut rng, &Serial);
    let mut values = Vec::new();
    gradient.visit(|_, run| values.extend_from_slice(run));
    println!("parameter  backpropagation  (C(w + ε) - C(w - ε)) / 2ε");
    for (index, backpropagation) in values.into_iter().enumerate() {
        let epsilon = 0.01;
        nudge(&mut net, index, epsilon);
        let above = cost(&net);
        nudge(&mut net, index, -2.0 * epsilon);
        let below = cost(&net);
        nudge(&mut net, index, epsilon);
        println!("{index:9}  {backpropagation:15.4}  {:26.4}", (above - below) / (2.0 * epsilon));
    }

    for _ in 0..1_000 {
        net.train::<CrossEntropy>(&mut batch, &Sgd::new(1.0, POINTS.len()), &mut rng, &Serial);
    }
    println!("\ninput   output after 1,000 steps");
    for (([a, b], _), output) in POINTS.iter().zip(outputs(&net)) {
        println!("({a}, {b})  {output:.4}");
    }
}
