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
    Conv(Conv),
    Flatten,
    Dropout { percent: u8 },
    GlobalAvgPool,
}

/// What becomes of a square of 2x2 positions, or of two positions if the map has a single row or column.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pool {
    None,
    Greatest,
    Mean,
}

/// A convolution.
#[derive(Clone, Copy, Debug)]
pub struct Conv {
    /// Rows and columns of a filter.
    pub filter: (usize, usize),
    pub filters: usize,
    pub stride: usize,
    /// Whether there are zeros around the image.
    pub same: bool,
    pub pool: Pool,
    pub activation: Activation,
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

    /// With zeros around it, as many as make a map of `filter` as large as the image.
    fn padded(&self, filter: (usize, usize)) -> Self {
        let (h, w) = (self.h + filter.0 - 1, self.w + filter.1 - 1);
        let mut padded = Self { h, w, c: self.c, values: vec![0.0; h * w * self.c] };
        for y in 0..self.h {
            for x in 0..self.w {
                for c in 0..self.c {
                    let place = ((y + (filter.0 - 1) / 2) * w + x + (filter.1 - 1) / 2) * self.c + c;
                    padded.values[place] = self.at(y, x, c);
                }
            }
        }
        padded
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
            Layer::Conv(layer) => {
                let taps = layer.filter.0 * layer.filter.1 * values.c;
                let weights: Vec<f64> = parameters.by_ref().take(taps * layer.filters).collect();
                let bias: Vec<f64> = parameters.by_ref().take(layer.filters).collect();
                let mut out = convolve(layer, &weights, &bias, &values);
                activate(layer.activation, &mut out.values);
                out
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
            Layer::GlobalAvgPool => {
                let pixels = values.values.chunks(values.c);
                let sum = |c| pixels.clone().map(|pixel: &[f64]| pixel[c]).sum::<f64>();
                let means = (0..values.c).map(|c| sum(c) / pixels.len() as f64).collect();
                Image { h: 1, w: 1, c: values.c, values: means }
            }
        };
    }
    assert_eq!(parameters.count(), 0, "the reference and the network have different sizes");
    values.values
}

/// The pooled map.
fn convolve(layer: Conv, weights: &[f64], bias: &[f64], image: &Image) -> Image {
    let Conv { filter, filters, stride, .. } = layer;
    let image = if layer.same { image.padded(filter) } else { image.clone() };
    let (rows, columns) = ((image.h - filter.0) / stride + 1, (image.w - filter.1) / stride + 1);
    let sum = |y: usize, x: usize, o: usize| {
        let mut z = bias[o];
        for tap in 0..filter.0 * filter.1 {
            for c in 0..image.c {
                let value = image.at(y * stride + tap / filter.1, x * stride + tap % filter.1, c);
                z += value * weights[(tap * image.c + c) * filters + o];
            }
        }
        z
    };
    let side = |positions| if layer.pool == Pool::None || positions == 1 { 1 } else { 2 };
    let (down, right) = (side(rows), side(columns));
    let (h, w) = (rows / down, columns / right);
    let mut out = Image { h, w, c: filters, values: Vec::new() };
    for place in 0..h * w {
        for o in 0..filters {
            let square =
                (0..down * right).map(|at| sum(place / w * down + at / right, place % w * right + at % right, o));
            out.values.push(match layer.pool {
                Pool::None | Pool::Greatest => square.fold(f64::NEG_INFINITY, f64::max),
                Pool::Mean => square.sum::<f64>() / (down * right) as f64,
            });
        }
    }
    out
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
