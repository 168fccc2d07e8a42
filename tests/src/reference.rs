//! The networks once more, as plainly as they can be written, in 64-bit numbers: what the core is tested against.

use rand_core::{Rng, SeedableRng};
use rand_xorshift::XorShiftRng;

/// An activation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Activation {
    Identity,
    Sigmoid,
    Tanh,
    Relu,
    Softmax,
}

/// A cost.
#[derive(Clone, Copy, Debug)]
pub enum Cost {
    Quadratic,
    CrossEntropy,
    LogLikelihood,
}

/// A layer's kind. Its sizes come from the input and from here.
#[derive(Clone, Copy, Debug)]
pub enum Layer {
    Dense { outputs: usize, activation: Activation },
    Conv5x5 { filters: usize, pool: usize, activation: Activation },
    Flatten,
    Dropout { percent: u8 },
}

/// Values as an image of `h` rows, `w` columns and `c` channels; a vector is an image of one pixel.
#[derive(Clone, Debug)]
pub struct Image {
    pub h: usize,
    pub w: usize,
    pub c: usize,
    pub values: Vec<f64>,
}

impl Image {
    fn at(&self, y: usize, x: usize, c: usize) -> f64 {
        self.values[(y * self.w + x) * self.c + c]
    }
}

/// The output for one image. `parameters` are in the order in which a network shows them. With `random`, dropout drops
/// as in training, by the sample's random state; without, it scales.
pub fn forward(layers: &[Layer], parameters: &[f64], input: &Image, random: Option<u64>) -> Vec<f64> {
    let mut values = input.clone();
    let mut parameters = parameters.iter().copied();
    let mut random = random;
    for layer in layers {
        values = match *layer {
            Layer::Dense { outputs, activation } => {
                let weights: Vec<f64> = parameters.by_ref().take(values.values.len() * outputs).collect();
                let bias: Vec<f64> = parameters.by_ref().take(outputs).collect();
                let mut z = bias;
                for (i, x) in values.values.iter().enumerate() {
                    for (j, z) in z.iter_mut().enumerate() {
                        *z += x * weights[i * outputs + j];
                    }
                }
                activate(activation, &mut z);
                Image { h: 1, w: 1, c: outputs, values: z }
            }
            Layer::Conv5x5 { filters, pool, activation } => {
                let weights: Vec<f64> = parameters.by_ref().take(25 * values.c * filters).collect();
                let bias: Vec<f64> = parameters.by_ref().take(filters).collect();
                let (h, w) = ((values.h - 4) / pool, (values.w - 4) / pool);
                let mut out = vec![0.0; h * w * filters];
                for y in 0..h {
                    for x in 0..w {
                        for o in 0..filters {
                            let mut greatest = f64::NEG_INFINITY;
                            for square in 0..pool * pool {
                                let (top, left) = (y * pool + square / pool, x * pool + square % pool);
                                let mut z = bias[o];
                                for tap in 0..25 {
                                    for c in 0..values.c {
                                        z += values.at(top + tap / 5, left + tap % 5, c)
                                            * weights[(tap * values.c + c) * filters + o];
                                    }
                                }
                                greatest = greatest.max(z);
                            }
                            out[(y * w + x) * filters + o] = greatest;
                        }
                    }
                }
                activate(activation, &mut out);
                Image { h, w, c: filters, values: out }
            }
            Layer::Flatten => Image { h: 1, w: 1, c: values.values.len(), values: values.values },
            Layer::Dropout { percent } => {
                let mut out = values;
                match &mut random {
                    None => out.values.iter_mut().for_each(|value| *value *= f64::from(100 - percent) / 100.0),
                    Some(random) => {
                        let mut rng = XorShiftRng::seed_from_u64(*random);
                        *random = rng.next_u64();
                        let threshold = (u64::from(percent) << 32) / 100;
                        for value in &mut out.values {
                            if u64::from(rng.next_u32()) < threshold {
                                *value = 0.0;
                            }
                        }
                    }
                }
                out
            }
        };
    }
    assert_eq!(parameters.count(), 0, "the reference and the network have different sizes");
    values.values
}

fn activate(activation: Activation, z: &mut [f64]) {
    match activation {
        Activation::Identity => {}
        Activation::Sigmoid => z.iter_mut().for_each(|z| *z = 1.0 / (1.0 + (-*z).exp())),
        Activation::Tanh => z.iter_mut().for_each(|z| *z = z.tanh()),
        Activation::Relu => z.iter_mut().for_each(|z| *z = z.max(0.0)),
        Activation::Softmax => {
            let sum: f64 = z.iter().map(|z| z.exp()).sum();
            z.iter_mut().for_each(|z| *z = z.exp() / sum);
        }
    }
}

/// The cost of the outputs `a` where `y` is wanted.
pub fn cost(cost: Cost, a: &[f64], y: &[f64]) -> f64 {
    let terms = a.iter().zip(y);
    match cost {
        Cost::Quadratic => terms.map(|(a, y)| 0.5 * (a - y) * (a - y)).sum(),
        Cost::CrossEntropy => terms.map(|(a, y)| -(y * a.ln() + (1.0 - y) * (1.0 - a).ln())).sum(),
        Cost::LogLikelihood => terms.map(|(a, y)| if *y > 0.0 { -y * a.ln() } else { 0.0 }).sum(),
    }
}
