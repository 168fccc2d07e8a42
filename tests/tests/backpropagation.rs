//! The book's four equations of backpropagation, one by one, on a network of each cost: δ as the book defines it,
//! ∂C/∂z by central differences in 64 bits, against what the core computes.
//!
//! δ of a layer is read off the gradient in its biases, which is what BP3 says; that it is ∂C/∂z is checked too.

use host::network::boxed;
use minnet::prelude::{
    Cost, CrossEntropy, Dense, Init, Layer, LogLikelihood, Net, Quadratic, Serial, Sigmoid, Softmax, seq,
};
use rand_core::SeedableRng;
use rand_xorshift::XorShiftRng;
use tests::reference::{self, Activation, Image};

/// Neurons in each layer, the input first.
const SIZES: [usize; 4] = [5, 4, 3, 3];

type Input = [f32; 5];
type Net3<A> = seq![Dense<5, 4, Sigmoid>, Dense<4, 3, Sigmoid>, Dense<3, 3, A>];

const INPUT: Input = [0.9, 0.0, 0.3, -0.7, 0.5];
const TARGET: [f32; 3] = [0.0, 1.0, 0.0];

/// What the equations speak of, for one image: indices count layers from the first hidden one.
struct Terms {
    /// `w[l][i][j]` leads from neuron i to neuron j.
    w: Vec<Vec<Vec<f64>>>,
    /// The layers' outputs, the input first.
    a: Vec<Vec<f64>>,
    /// The core's ∂C/∂b.
    bias_gradient: Vec<Vec<f64>>,
    /// The core's ∂C/∂w.
    weight_gradient: Vec<Vec<Vec<f64>>>,
    /// ∂C/∂z by central differences.
    delta: Vec<Vec<f64>>,
    /// ∂C/∂a of the last layer by central differences.
    output_gradient: Vec<f64>,
}

/// Central differences of `f` at `x`, in each of its numbers.
fn differences(x: &[f64], f: impl Fn(&[f64]) -> f64) -> Vec<f64> {
    let step = 1e-5;
    let at = |index: usize, shift: f64| {
        let mut moved = x.to_vec();
        moved[index] += shift;
        f(&moved)
    };
    (0..x.len()).map(|index| (at(index, step) - at(index, -step)) / (2.0 * step)).collect()
}

/// All parameters of a network, in its order, cut into layers of weights and biases.
fn layers_of<L: Layer<Input>>(net: &Net<Input, L>) -> Vec<(Vec<f64>, Vec<f64>)> {
    let mut runs = Vec::new();
    net.visit(|_, run| runs.push(run.iter().map(|&value| f64::from(value)).collect::<Vec<f64>>()));
    runs.chunks(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect()
}

/// The output of the layers, as the reference computes it.
fn outputs(layers: &[(Vec<f64>, Vec<f64>)], last: Activation) -> Vec<f64> {
    let activation = |index| if index + 1 == SIZES.len() - 1 { last } else { Activation::Sigmoid };
    let kinds: Vec<_> = (0..layers.len())
        .map(|index| reference::Layer::Dense { outputs: SIZES[index + 1], activation: activation(index) })
        .collect();
    let parameters: Vec<f64> = layers.iter().flat_map(|(w, b)| w.iter().chain(b).copied()).collect();
    let values = INPUT.iter().map(|&x| f64::from(x)).collect();
    reference::forward(&kinds, &parameters, &Image { h: 1, w: 1, c: SIZES[0], values }, None)
}

fn terms<L, C>(last: Activation, cost: reference::Cost) -> Terms
where
    L: Layer<Input, Out = [f32; 3]>,
    C: Cost<L::Activation>,
{
    let mut rng = XorShiftRng::seed_from_u64(3);
    let (mut net, mut gradient) = (boxed::<Input, L>().unwrap(), boxed::<Input, L>().unwrap());
    net.initialize(Init::FanIn, &mut rng);
    let mut memory = vec![0.0; Net::<Input, L>::SAMPLE];
    let mut batch = Net::<Input, L>::batch(&mut memory);
    batch.input(0).copy_from_slice(&INPUT);
    batch.target(0).copy_from_slice(&TARGET);
    net.gradient::<C>(&mut batch, &mut gradient, &mut rng, &Serial);

    let layers = layers_of(&net);
    let target = TARGET.map(f64::from);
    let value = |a: &[f64]| reference::cost(cost, a, &target);
    let mut a = vec![INPUT.iter().map(|&x| f64::from(x)).collect()];
    a.extend((1..=layers.len()).map(|count| outputs(&layers[..count], last)));
    // To add to a bias is to add to z.
    let delta = (0..layers.len()).map(|index| {
        differences(&layers[index].1, |bias| {
            let mut moved = layers.clone();
            moved[index].1 = bias.to_vec();
            value(&outputs(&moved, last))
        })
    });
    let rows = |weights: &[f64], index: usize| weights.chunks(SIZES[index + 1]).map(<[f64]>::to_vec).collect();
    let gradients = layers_of(&gradient);
    Terms {
        w: layers.iter().enumerate().map(|(index, (w, _))| rows(w, index)).collect(),
        delta: delta.collect(),
        bias_gradient: gradients.iter().map(|(_, b)| b.clone()).collect(),
        weight_gradient: gradients.iter().enumerate().map(|(index, (w, _))| rows(w, index)).collect(),
        output_gradient: differences(&a[layers.len()], value),
        a,
    }
}

/// σ'(z), from a = σ(z).
fn slope(a: f64) -> f64 {
    a * (1.0 - a)
}

#[track_caller]
fn assert_near(equation: &str, found: f64, expected: f64) {
    assert!((found - expected).abs() < 2e-6, "{equation}: {found} instead of {expected}");
}

/// BP2 to BP4, which are the same for every cost.
fn check_below_the_output(terms: &Terms) {
    for (l, sizes) in SIZES.windows(2).enumerate() {
        for j in 0..sizes[1] {
            let delta = terms.delta[l][j];
            if let Some(next) = terms.delta.get(l + 1) {
                let sum: f64 = terms.w[l + 1][j].iter().zip(next).map(|(w, delta)| w * delta).sum();
                assert_near("BP2", delta, sum * slope(terms.a[l + 1][j]));
            }
            assert_near("BP3", terms.bias_gradient[l][j], delta);
            for k in 0..sizes[0] {
                assert_near("BP4", terms.weight_gradient[l][k][j], terms.a[l][k] * delta);
            }
        }
    }
    let largest = terms.delta[0].iter().fold(0.0, |largest: f64, delta| largest.max(delta.abs()));
    assert!(largest > 1e-3, "the first layer's δ is too small to tell anything: {largest}");
}

/// BP1 for an output layer whose neurons do not depend on each other: δ = ∇_a C ⊙ σ'(z).
fn check_sigmoid_output(terms: &Terms) {
    for ((delta, gradient), a) in terms.bias_gradient[2].iter().zip(&terms.output_gradient).zip(&terms.a[3]) {
        assert_near("BP1", *delta, gradient * slope(*a));
    }
}

/// What BP1 comes to where the cost undoes the activation: δ = a - y.
fn check_plain_difference(terms: &Terms) {
    for ((delta, a), y) in terms.bias_gradient[2].iter().zip(&terms.a[3]).zip(TARGET) {
        assert_near("BP1", *delta, a - f64::from(y));
    }
}

#[test]
fn the_quadratic_cost() {
    let terms = terms::<Net3<Sigmoid>, Quadratic>(Activation::Sigmoid, reference::Cost::Quadratic);
    check_sigmoid_output(&terms);
    check_below_the_output(&terms);
}

#[test]
fn the_cross_entropy() {
    let terms = terms::<Net3<Sigmoid>, CrossEntropy>(Activation::Sigmoid, reference::Cost::CrossEntropy);
    check_sigmoid_output(&terms);
    check_plain_difference(&terms);
    check_below_the_output(&terms);
}

#[test]
fn the_log_likelihood() {
    let terms = terms::<Net3<Softmax>, LogLikelihood>(Activation::Softmax, reference::Cost::LogLikelihood);
    // A softmax neuron's output depends on every z: ∂a_k/∂z_j = a_k (δ_jk - a_j).
    let (a, gradient) = (&terms.a[3], &terms.output_gradient);
    for (j, delta) in terms.bias_gradient[2].iter().enumerate() {
        let sum = (0..3).map(|k| gradient[k] * a[k] * (f64::from(u8::from(j == k)) - a[j])).sum();
        assert_near("BP1", *delta, sum);
    }
    check_plain_difference(&terms);
    check_below_the_output(&terms);
}
