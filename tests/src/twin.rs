//! The networks once more, as plain loops over 32-bit numbers in the documented order (`core/src/kernel/mod.rs`): what
//! the core's lists must match to the last bit.
//!
//! An activation is the core's own, whose accuracy has tests beside it; here it is about sums.

use minnet::activation::Function;
use minnet::cost::CostFunction;
use minnet::op::{Conv, Dense, GlobalAvgPool, Op, Padding};
use minnet::pool::Pooling;
use minnet::sgd::Sgd;
use rand_core::{Rng, SeedableRng};
use rand_xorshift::XorShiftRng;

/// A network: its layers, and their parameters one after the other, weights before biases.
#[derive(Clone, Debug)]
pub struct Twin {
    /// The layers.
    pub ops: Vec<Op>,
    /// The parameters.
    pub parameters: Vec<f32>,
}

/// A training image.
#[derive(Clone, Debug)]
pub struct Image {
    /// What the network takes.
    pub input: Vec<f32>,
    /// What it should give.
    pub target: Vec<f32>,
}

/// What a layer did to an image.
struct Step {
    input: Vec<f32>,
    output: Vec<f32>,
    /// The numbers of the square's positions that max-pooled values came from.
    origins: Vec<usize>,
    /// 1 where dropout kept a value, 0 elsewhere.
    kept: Vec<f32>,
}

impl Twin {
    /// The output of inference.
    pub fn infer(&self, input: &[f32]) -> Vec<f32> {
        self.forward(input, None).pop().expect("a layer").output
    }

    /// A step of gradient descent. Each image's random numbers begin from its state; gives the outputs before the step.
    pub fn train(&mut self, cost: CostFunction, images: &[Image], states: &[u64], sgd: &Sgd) -> Vec<Vec<f32>> {
        let mut gradient = vec![0.0; self.parameters.len()];
        let mut outputs = Vec::new();
        for (image, state) in images.iter().zip(states) {
            let steps = self.forward(&image.input, Some(*state));
            let output = steps.last().expect("a layer").output.clone();
            self.backward(cost, &image.target, &steps, &mut gradient);
            outputs.push(output);
        }
        let mut first = 0;
        for op in &self.ops {
            let end = first + op.parameters();
            for (index, (value, gradient)) in
                self.parameters[first..end].iter_mut().zip(&gradient[first..end]).enumerate()
            {
                let decay = if index < op.weights() { sgd.decay } else { 1.0 };
                *value = *value * decay - sgd.rate * gradient;
            }
            first = end;
        }
        outputs
    }

    /// Each layer's weights and biases.
    fn own(&self, number: usize) -> (usize, &[f32], &[f32]) {
        let first = self.ops[..number].iter().map(|op| op.parameters()).sum::<usize>();
        let middle = first + self.ops[number].weights();
        (first, &self.parameters[first..middle], &self.parameters[middle..first + self.ops[number].parameters()])
    }

    /// What each layer does. With a random state, dropout drops; without, it scales.
    fn forward(&self, input: &[f32], mut random: Option<u64>) -> Vec<Step> {
        let mut steps = Vec::new();
        let mut input = input.to_vec();
        for (number, op) in self.ops.iter().enumerate() {
            let (_, weights, bias) = self.own(number);
            let (mut origins, mut kept) = (Vec::new(), Vec::new());
            let mut output = match op {
                Op::Dense(op) => dense(op, weights, bias, &input),
                Op::Conv(op) => {
                    let output;
                    (output, origins) = convolve(op, weights, bias, &input);
                    output
                }
                Op::Flatten(_) => input.clone(),
                Op::Dropout(op) => match &mut random {
                    None => input.iter().map(|value| value * ((100 - op.percent) as f32 / 100.0)).collect(),
                    Some(state) => {
                        let mut rng = XorShiftRng::seed_from_u64(*state);
                        *state = rng.next_u64();
                        let threshold = (u64::from(op.percent) << 32) / 100;
                        kept = input.iter().map(|_| f32::from(u64::from(rng.next_u32()) >= threshold)).collect();
                        input.iter().zip(&kept).map(|(value, kept)| value * kept).collect()
                    }
                },
                Op::GlobalAvgPool(op) => means(op, &input),
            };
            op.activation().forward(&mut output);
            steps.push(Step { input, output: output.clone(), origins, kept });
            input = output;
        }
        steps
    }

    /// Adds an image's gradient.
    fn backward(&self, cost: CostFunction, target: &[f32], steps: &[Step], sum: &mut [f32]) {
        let last = self.ops.last().map_or(Function::Identity, |op| op.activation());
        let output = &steps.last().expect("a layer").output;
        // The gradient in a layer's output; of the last layer δ, which the cost gives.
        let mut gradient: Vec<f32> = output.iter().zip(target).map(|(a, y)| a - y).collect();
        if cost == CostFunction::Quadratic {
            last.backward(output, &mut gradient);
        }
        for (number, (op, step)) in self.ops.iter().zip(steps).enumerate().rev() {
            if number + 1 < self.ops.len() {
                op.activation().backward(&step.output, &mut gradient);
            }
            let (first, weights, _) = self.own(number);
            let (weight_sums, bias_sums) = sum[first..first + op.parameters()].split_at_mut(weights.len());
            let delta = gradient;
            gradient = match op {
                Op::Dense(op) => {
                    for (i, x) in step.input.iter().enumerate() {
                        for (j, delta) in delta.iter().enumerate() {
                            weight_sums[i * op.outputs + j] += x * delta;
                        }
                    }
                    bias_sums.iter_mut().zip(&delta).for_each(|(sum, delta)| *sum += delta);
                    let row = |i| delta.iter().zip(&weights[i * op.outputs..]);
                    (0..op.inputs).map(|i| row(i).fold(0.0, |sum, (delta, weight)| sum + delta * weight)).collect()
                }
                Op::Conv(op) => {
                    let mut gradient = vec![0.0; op.inputs()];
                    for o in 0..op.filters {
                        for (place, origin) in (0..op.outputs()).zip(&step.origins).skip(o).step_by(op.filters) {
                            bias_sums[o] += delta[place];
                            for (square, delta) in spread(op, delta[place], *origin) {
                                for (tap, pixel) in window(op, position(op, place / op.filters, square)) {
                                    weight_sums[tap * op.filters + o] += step.input[pixel] * delta;
                                    gradient[pixel] += delta * weights[tap * op.filters + o];
                                }
                            }
                        }
                    }
                    gradient
                }
                Op::Flatten(_) => delta,
                Op::Dropout(_) => delta.iter().zip(&step.kept).map(|(delta, kept)| delta * kept).collect(),
                Op::GlobalAvgPool(op) => {
                    let shares: Vec<f32> = delta.iter().map(|delta| delta / (op.height * op.width) as f32).collect();
                    shares.repeat(op.height * op.width)
                }
            };
        }
    }
}

fn dense(op: &Dense, weights: &[f32], bias: &[f32], x: &[f32]) -> Vec<f32> {
    let column = |j| x.iter().zip(weights.iter().skip(j).step_by(op.outputs));
    (0..op.outputs).map(|j| column(j).fold(0.0, |z, (x, weight)| z + x * weight) + bias[j]).collect()
}

/// The mean of each channel.
fn means(op: &GlobalAvgPool, image: &[f32]) -> Vec<f32> {
    let sum = |channel| image.iter().skip(channel).step_by(op.channels).fold(0.0, |sum, value| sum + value);
    (0..op.channels).map(|channel| sum(channel) / (op.height * op.width) as f32).collect()
}

/// The pooled map, and, of max-pooling, which of its square's positions each value came from: the first of the greatest.
fn convolve(op: &Conv, weights: &[f32], bias: &[f32], image: &[f32]) -> (Vec<f32>, Vec<usize>) {
    let one = |place: usize| {
        let o = place % op.filters;
        let sum = |square| {
            let terms = window(op, position(op, place / op.filters, square));
            terms.fold(0.0, |sum, (tap, pixel)| sum + image[pixel] * weights[tap * op.filters + o])
        };
        let mut pooled = (sum(0), 0);
        for square in 1..op.pooled() {
            let next = sum(square);
            match op.pooling {
                Pooling::Avg2 => pooled.0 += next,
                Pooling::Max2 if next > pooled.0 => pooled = (next, square),
                Pooling::Max2 | Pooling::None => {}
            }
        }
        if op.pooling == Pooling::Avg2 {
            pooled.0 /= op.pooled() as f32;
        }
        (pooled.0 + bias[o], pooled.1)
    };
    (0..op.outputs()).map(one).unzip()
}

/// The numbers of the square's positions that a δ of the pooled map goes to, and what each of them gets.
fn spread(op: &Conv, delta: f32, origin: usize) -> Vec<(usize, f32)> {
    match op.pooling {
        Pooling::Avg2 => (0..op.pooled()).map(|square| (square, delta * (1.0 / op.pooled() as f32))).collect(),
        Pooling::Max2 | Pooling::None => vec![(origin, delta)],
    }
}

/// The row and the column of a position of the map before the pooling: `square` is its number in its square.
fn position(op: &Conv, pooled: usize, square: usize) -> (usize, usize) {
    let (height, width) = (op.pool_height(), op.pool_width());
    (pooled / op.out_width() * height + square / width, pooled % op.out_width() * width + square % width)
}

/// The pixels' values under a position, as the number of the weight and that of the value: by rows, columns and channels.
/// What lies beyond the edge is left out.
fn window(op: &Conv, (y, x): (usize, usize)) -> impl Iterator<Item = (usize, usize)> {
    let Conv { height, width, channels, filter_height, filter_width, stride, .. } = *op;
    let (top, left) = match op.padding {
        Padding::Valid => (0, 0),
        Padding::Same => ((filter_height - 1) / 2, (filter_width - 1) / 2),
    };
    (0..op.taps()).filter_map(move |tap| {
        let (ky, kx, channel) = (tap / (filter_width * channels), tap / channels % filter_width, tap % channels);
        let row = (y * stride + ky).checked_sub(top).filter(|row| *row < height)?;
        let column = (x * stride + kx).checked_sub(left).filter(|column| *column < width)?;
        Some((tap, (row * width + column) * channels + channel))
    })
}
