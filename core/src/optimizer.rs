//! Optimizers beside plain gradient descent, and what else may go into their step: L1 and clipping.
//!
//! They need a gradient, and memory. Plain gradient descent with L2 needs neither, and is quicker
//! ([`Sgd`](crate::sgd::Sgd)).

use crate::kernel::math;
use crate::layer::Parameters;
use crate::module::Module;
use core::mem::take;

/// How a parameter moves, given g, the gradient of the mini-batch's mean cost and of the regularization, and the learning
/// rate η.
#[derive(Clone, Copy, Debug, Default, PartialEq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Optimizer {
    /// w ← w - ηg: the book's equation 20.
    #[default]
    Sgd,
    /// v ← μv - ηg, w ← w + v: the book's equations 107 and 108.
    Momentum {
        /// The book's momentum coefficient μ.
        momentum: f32,
    },
    /// v ← μv - ηg, w ← w + μv - ηg: Nesterov's momentum (Sutskever et al. 2013), in terms of the point that the weights
    /// will come to (Bengio et al. 2012, equation 7).
    Nesterov {
        /// The momentum coefficient μ.
        momentum: f32,
    },
    /// m ← β₁m + (1 - β₁)g, v ← β₂v + (1 - β₂)g², w ← w - η m̂/(√v̂ + ε), with m̂ = m/(1 - β₁ᵗ), v̂ = v/(1 - β₂ᵗ) in step t:
    /// Adam (Kingma and Ba 2015, algorithm 1). Weights, not biases, lose ηλw besides: AdamW (Loshchilov and Hutter 2019,
    /// algorithm 2).
    Adam {
        /// β₁.
        beta1: f32,
        /// β₂.
        beta2: f32,
        /// ε.
        epsilon: f32,
        /// AdamW's weight decay λ; 0 for Adam.
        decay: f32,
    },
}

impl Optimizer {
    /// Adam with the numbers of its authors.
    pub const ADAM: Self = Self::Adam { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, decay: 0.0 };

    /// Adam with decoupled weight decay.
    pub const fn adamw(decay: f32) -> Self {
        Self::Adam { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, decay }
    }

    /// Values of memory that it needs for each parameter of a network: the parameter, and what is remembered of its
    /// gradients.
    pub const fn memory(self) -> usize {
        match self {
            Self::Sgd => 1,
            Self::Momentum { .. } | Self::Nesterov { .. } => 2,
            Self::Adam { .. } => 3,
        }
    }
}

/// One step's numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// How parameters move.
    pub optimizer: Optimizer,
    /// The learning rate η.
    pub eta: f32,
    /// Which step it is, counted from 1: Adam's first steps depend on it.
    pub number: u32,
    /// λ/n of L2 regularization, whose gradient is λ/n·w. Biases have none.
    pub l2: f32,
    /// λ/n of L1 regularization, whose gradient is λ/n·sgn(w): the book's section on other regularizations. Biases have
    /// none.
    pub l1: f32,
    /// The greatest norm that the gradient of the cost may have, over all parameters; a longer one is shortened to it
    /// (Pascanu et al. 2013). 0 for any.
    pub clip: f32,
}

impl Step {
    /// A step of this learning rate and number, without regularization and clipping.
    pub const fn new(optimizer: Optimizer, eta: f32, number: u32) -> Self {
        Self { optimizer, eta, number, l2: 0.0, l1: 0.0, clip: 0.0 }
    }

    /// The same step with L2 and L1 regularization of these strengths λ. `count` is the number of training images or of
    /// mini-batches in an epoch ([`Regularization`](crate::sgd::Regularization)).
    pub fn with_regularization(self, l2: f32, l1: f32, count: usize) -> Self {
        let count = count.max(1) as f32;
        Self { l2: l2 / count, l1: l1 / count, ..self }
    }

    /// Takes the step. The network's parameters hold the gradient ([`into_gradient`](crate::module::into_gradient)), and
    /// then the new parameters. `memory` has [`Optimizer::memory`] values for each of them: the parameters themselves, old
    /// and then new, and behind them what is remembered of gradients, 0 before the first step. `false`, and nothing
    /// happens, if it has fewer.
    pub fn take(&self, network: &mut impl Module, memory: &mut [f32]) -> bool {
        if !self.has_room(network, memory) {
            return false;
        }
        let count = parameters(network);
        let (mut weights, rest) = memory.split_at_mut(count);
        let (mut first, mut second) = rest.split_at_mut(count.min(rest.len()));
        let scale = self.scale(network);
        let mut rates = Rates::of(self);
        network.visit_mut(&mut |kind, run| {
            let (l2, l1) = if kind == Parameters::Weights { (self.l2, self.l1) } else { (0.0, 0.0) };
            rates.kept = if kind == Parameters::Weights { 1.0 - self.eta * rates.decay } else { 1.0 };
            let weights = next(&mut weights, run.len());
            let (first, second) = (next(&mut first, run.len()), next(&mut second, run.len()));
            if kind == Parameters::Statistics {
                return;
            }
            for (gradient, &weight) in run.iter_mut().zip(&*weights) {
                *gradient = *gradient * scale + l2 * weight + l1 * sign(weight);
            }
            rates.apply(self.optimizer, run, weights, first, second);
        });
        true
    }

    /// Whether this is memory enough.
    pub(crate) fn has_room(&self, network: &impl Module, memory: &[f32]) -> bool {
        memory.len() >= self.optimizer.memory() * parameters(network)
    }

    /// What the gradient in the network is multiplied by.
    fn scale(&self, gradient: &impl Module) -> f32 {
        if self.clip <= 0.0 {
            return 1.0;
        }
        let norm = norm(gradient);
        if norm > self.clip { self.clip / norm } else { 1.0 }
    }
}

/// What does not change from one parameter to the next.
struct Rates {
    /// η; Adam's divided by 1 - β₁ᵗ.
    eta: f32,
    /// 1/√(1 - β₂ᵗ).
    correction: f32,
    /// AdamW's λ, and what is left of a parameter by it.
    decay: f32,
    kept: f32,
}

impl Rates {
    fn of(step: &Step) -> Self {
        let Optimizer::Adam { beta1, beta2, decay, .. } = step.optimizer else {
            return Self { eta: step.eta, correction: 1.0, decay: 0.0, kept: 1.0 };
        };
        let rest = |beta| 1.0 - libm::powf(beta, step.number.max(1) as f32);
        Self { eta: step.eta / rest(beta1), correction: 1.0 / math::sqrt(rest(beta2)), decay, kept: 1.0 }
    }

    /// Moves a run of parameters, and puts them in the gradient's place.
    fn apply(
        &self,
        optimizer: Optimizer,
        gradient: &mut [f32],
        weights: &mut [f32],
        first: &mut [f32],
        second: &mut [f32],
    ) {
        let Self { eta, correction, kept, .. } = *self;
        match optimizer {
            Optimizer::Sgd => {
                for (g, w) in gradient.iter_mut().zip(weights) {
                    *w -= eta * *g;
                    *g = *w;
                }
            }
            Optimizer::Momentum { momentum } => {
                for ((g, w), v) in gradient.iter_mut().zip(weights).zip(first) {
                    *v = normal(momentum * *v - eta * *g);
                    *w += *v;
                    *g = *w;
                }
            }
            Optimizer::Nesterov { momentum } => {
                for ((g, w), v) in gradient.iter_mut().zip(weights).zip(first) {
                    let step = eta * *g;
                    *v = normal(momentum * *v - step);
                    *w = *w + momentum * *v - step;
                    *g = *w;
                }
            }
            Optimizer::Adam { beta1, beta2, epsilon, .. } => {
                let (rest1, rest2) = (1.0 - beta1, 1.0 - beta2);
                // In three loops, of which the first and the last become vectors. The roots lie where the gradient lay.
                for ((g, m), v) in gradient.iter().zip(&mut *first).zip(&mut *second) {
                    *m = normal(beta1 * *m + rest1 * g);
                    *v = normal(beta2 * *v + rest2 * (g * g));
                }
                for (g, v) in gradient.iter_mut().zip(second) {
                    *g = math::sqrt(*v);
                }
                for ((g, w), m) in gradient.iter_mut().zip(weights).zip(first) {
                    *w = *w * kept - eta * *m / (*g * correction + epsilon);
                    *g = *w;
                }
            }
        }
    }
}

/// 0 for numbers so small that processors are slow with them: what is remembered of a gradient that stays 0 comes there,
/// and no further.
#[inline(always)]
fn normal(value: f32) -> f32 {
    if value.abs() < f32::MIN_POSITIVE { 0.0 } else { value }
}

/// The book's sgn(w): 0 for 0.
#[inline(always)]
fn sign(weight: f32) -> f32 {
    f32::from(weight > 0.0) - f32::from(weight < 0.0)
}

/// Cuts off the first so many values; all if there are fewer.
fn next<'a>(values: &mut &'a mut [f32], count: usize) -> &'a mut [f32] {
    let all = take(values);
    let (these, rest) = all.split_at_mut(count.min(all.len()));
    *values = rest;
    these
}

/// Copies all parameters to the first places of `memory`, which has as many.
pub(crate) fn copy_parameters(network: &impl Module, mut memory: &mut [f32]) {
    network.visit(&mut |_, run| {
        for (place, value) in next(&mut memory, run.len()).iter_mut().zip(run) {
            *place = *value;
        }
    });
}

/// How many parameters a network has.
fn parameters(network: &impl Module) -> usize {
    let mut count = 0;
    network.visit(&mut |_, run| count += run.len());
    count
}

/// The Euclidean norm of all parameters that are learned. Each run is summed in as many sums as a line of a cache has values, value i in sum
/// i modulo their number, so that vectors have the same order.
fn norm(network: &impl Module) -> f32 {
    let mut sums = [0.0; 16];
    network.visit(&mut |kind, run| {
        if kind == Parameters::Statistics {
            return;
        }
        for values in run.chunks(sums.len()) {
            for (sum, value) in sums.iter_mut().zip(values) {
                *sum += value * value;
            }
        }
    });
    math::sqrt(sums.iter().sum())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::activation::Function;
    use crate::cost::CostFunction;
    use crate::executor::Serial;
    use crate::list::{self, List};
    use crate::op::{Dense, Op};
    use crate::prelude::{Batch, Init, Sgd};
    use rand_core::SeedableRng;
    use rand_xorshift::XorShiftRng;

    /// One input, one output: a weight and a bias.
    const ONE: Op = Op::Dense(Dense { inputs: 1, outputs: 1, activation: Function::Identity, bits: None });

    /// What becomes of a weight 1 and a bias 0.5 in steps whose gradients are 2 for the weight and 4 for the bias.
    fn after<const STEPS: usize>(step: Step) -> [[f32; 2]; STEPS] {
        let mut memory = [1.0, 0.5, 0.0, 0.0, 0.0, 0.0];
        core::array::from_fn(|number| {
            let mut parameters = [2.0, 4.0];
            let mut network = List::new(&[ONE][..], &mut parameters[..]).unwrap();
            let step = Step { number: number as u32 + 1, ..step };
            assert!(step.take(&mut network, &mut memory[..step.optimizer.memory() * 2]));
            assert_eq!(parameters, memory[..2]);
            parameters
        })
    }

    #[track_caller]
    fn assert_near(found: &[[f32; 2]], expected: &[[f32; 2]]) {
        for (found, expected) in found.as_flattened().iter().zip(expected.as_flattened()) {
            assert!((found - expected).abs() < 1e-6, "{found} is not {expected}");
        }
    }

    #[test]
    fn plain_descent_by_hand() {
        assert_near(&after::<2>(Step::new(Optimizer::Sgd, 0.1, 1)), &[[0.8, 0.1], [0.6, -0.3]]);
    }

    #[test]
    fn momentum_by_hand() {
        // v = -0.2, then 0.5·-0.2 - 0.2 = -0.3; of the bias twice that.
        let step = Step::new(Optimizer::Momentum { momentum: 0.5 }, 0.1, 1);
        assert_near(&after::<2>(step), &[[0.8, 0.1], [0.5, -0.5]]);
        // w + 0.5·-0.2 - 0.2 = 0.7; then w + 0.5·-0.3 - 0.2.
        let step = Step::new(Optimizer::Nesterov { momentum: 0.5 }, 0.1, 1);
        assert_near(&after::<2>(step), &[[0.7, -0.1], [0.35, -0.8]]);
    }

    #[test]
    fn adam_by_hand() {
        // Of a gradient that stays the same, m̂ = g and v̂ = g²: each step is η.
        let adam = Step::new(Optimizer::ADAM, 0.1, 1);
        assert_near(&after::<3>(adam), &[[0.9, 0.4], [0.8, 0.3], [0.7, 0.2]]);
        // The weight loses 0.1·0.5 of itself besides: 0.95 - 0.1; then 0.95·0.85 - 0.1.
        let adamw = Step::new(Optimizer::adamw(0.5), 0.1, 1);
        assert_near(&after::<2>(adamw), &[[0.85, 0.4], [0.7075, 0.3]]);
        // The first step, with β₁ = 0.5, β₂ = 0.75 and a large ε: m = 1, m̂ = 2, v = 1, v̂ = 4: 0.1·2/(2 + 2) = 0.05; of the
        // bias m̂ = 4, v̂ = 16: 0.1·4/(4 + 2).
        let other = Optimizer::Adam { beta1: 0.5, beta2: 0.75, epsilon: 2.0, decay: 0.0 };
        assert_near(&after::<1>(Step::new(other, 0.1, 1)), &[[0.95, 0.5 - 0.4 / 6.0]]);
    }

    #[test]
    fn regularization_and_clipping_by_hand() {
        // Weights only: 1 - 0.1·(2 + 3·1) and 1 - 0.1·(2 + 3).
        let step = Step::new(Optimizer::Sgd, 0.1, 1);
        assert_near(&after::<1>(step.with_regularization(30.0, 0.0, 10)), &[[0.5, 0.1]]);
        assert_near(&after::<2>(step.with_regularization(0.0, 30.0, 10)), &[[0.5, 0.1], [0.0, -0.3]]);
        assert_eq!([sign(0.0), sign(-0.0), sign(-2.0), sign(3.0)], [0.0, 0.0, -1.0, 1.0]);
        // The gradient's norm is √20: it is halved, or left alone.
        let norm = math::sqrt(20.0);
        assert_near(&after::<1>(Step { clip: norm / 2.0, ..step }), &[[0.9, 0.3]]);
        assert_near(&after::<1>(Step { clip: norm * 2.0, ..step }), &[[0.8, 0.1]]);
    }

    #[test]
    fn too_little_memory_changes_nothing() {
        let mut parameters = [2.0, 4.0];
        let mut network = List::new(&[ONE][..], &mut parameters[..]).unwrap();
        assert!(!Step::new(Optimizer::ADAM, 0.1, 1).take(&mut network, &mut [0.0; 5]));
        assert_eq!(parameters, [2.0, 4.0]);
    }

    const LAYERS: [Op; 2] = [
        Op::Dense(Dense { inputs: 4, outputs: 5, activation: Function::Tanh, bits: None }),
        Op::Dense(Dense { inputs: 5, outputs: 3, activation: Function::Softmax, bits: None }),
    ];
    const PARAMETERS: usize = 4 * 5 + 5 + 5 * 3 + 3;

    /// The parameters after so many steps on six images, and the mean cost in the last of them.
    fn train(
        steps: u32,
        mut take: impl FnMut(&mut List<&[Op], &mut [f32]>, &mut Batch, u32),
    ) -> ([f32; PARAMETERS], f32) {
        let mut parameters = [0.0; PARAMETERS];
        let mut network = List::new(&LAYERS[..], &mut parameters[..]).unwrap();
        network.initialize(Init::FanIn, &mut XorShiftRng::seed_from_u64(3));
        let layout = list::layout(&LAYERS);
        let mut memory = [0.0; 6 * 64];
        assert!(layout.stride() <= 64);
        let mut batch = Batch::new(&mut memory[..6 * layout.stride()], layout);
        for image in 0..6 {
            batch.load(image, &[3, 70, 200, 90].map(|pixel: u8| pixel.wrapping_mul(image as u8 + 1)), image % 3);
        }
        (1..=steps).for_each(|number| take(&mut network, &mut batch, number));
        let cost = |image| batch.cost(image, |a, y| CostFunction::LogLikelihood.value(a, y));
        let cost = (0..6).map(cost).sum::<f32>() / 6.0;
        (parameters, cost)
    }

    #[test]
    fn descent_by_the_gradient_is_near_the_fused_one() {
        let mut rng = XorShiftRng::seed_from_u64(1);
        let (cost, eta, lambda) = (CostFunction::LogLikelihood, 0.3, 2.0);
        let (fused, _) = train(20, |network, batch, _| {
            network.train(cost, batch, &Sgd::new(eta, 6).with_l2(eta, lambda, 100), &mut rng.clone(), &Serial);
        });
        let (by_gradient, _) = train(20, |network, batch, number| {
            let step = Step::new(Optimizer::Sgd, eta, number).with_regularization(lambda, 0.0, 100);
            network.optimize(cost, batch, &step, &mut [0.0; PARAMETERS], &mut rng, &Serial);
        });
        for (a, b) in fused.iter().zip(&by_gradient) {
            assert!((a - b).abs() < 1e-5, "{a} {b}");
        }
    }

    #[test]
    fn each_optimizer_reduces_the_cost() {
        let momentum = 0.9;
        for (optimizer, eta) in [
            (Optimizer::Sgd, 0.5),
            (Optimizer::Momentum { momentum }, 0.05),
            (Optimizer::Nesterov { momentum }, 0.05),
            (Optimizer::ADAM, 0.01),
            (Optimizer::adamw(0.01), 0.01),
        ] {
            let cost = |steps| {
                let mut memory = [0.0; 3 * PARAMETERS];
                let mut rng = XorShiftRng::seed_from_u64(1);
                let (_, cost) = train(steps, |network, batch, number| {
                    let step = Step::new(optimizer, eta, number);
                    network.optimize(CostFunction::LogLikelihood, batch, &step, &mut memory, &mut rng, &Serial);
                });
                cost
            };
            let (first, last) = (cost(1), cost(200));
            assert!(last < 0.5 * first, "{optimizer:?}: {first} to {last}");
        }
    }
}
