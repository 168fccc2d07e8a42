//! A network as a list of operators, made when the program runs: what a PC reads from a text.

use crate::activation::Function;
use crate::batch::{Batch, Images, Layout, Place, RANDOM};
use crate::cost::CostFunction;
use crate::executor::Executor;
use crate::init::Init;
use crate::layer::Parameters;
use crate::module::{self, Module};
use crate::net::CRC;
use crate::op::{Op, Operator, Stage};
use crate::optimizer::Step;
use crate::sgd::Sgd;
use core::ops::{Deref, DerefMut, Range};
use rand_core::Rng;

/// Operators `O` (a slice or a vector) one after the other, and their parameters `P`: layer by layer, weights before
/// biases. The bits are those of the [`Net`](crate::net::Net) of the same layers.
///
/// While it is trained, batch normalization may stand between them ([`Stage`]).
///
/// Each operator takes as many values as the one before gives; lists that do not fit together give senseless results.
#[derive(Clone, Copy, Debug)]
pub struct List<O, P> {
    ops: O,
    parameters: P,
    /// Whether batch normalization takes its running statistics in training, too.
    frozen: bool,
}

/// Weights and biases of some operators.
pub fn parameters<S: Operator>(ops: &[S]) -> usize {
    stages(ops).map(Stage::parameters).sum()
}

/// The operators, each as one of any kind.
fn stages<S: Operator>(ops: &[S]) -> impl ExactSizeIterator<Item = Stage> {
    ops.iter().map(|&op| op.into())
}

/// Values of RAM that inference needs where the input is, and elsewhere: as [`Layer::FRONT`](crate::layer::Layer::FRONT)
/// and [`Layer::BACK`](crate::layer::Layer::BACK).
pub fn inference_ram<S: Operator>(ops: &[S]) -> (usize, usize) {
    let Some((&op, rest)) = ops.split_first() else { return (0, 0) };
    let op: Stage = op.into();
    let (front, back) = inference_ram(rest);
    if op.in_place() { (front.max(op.front()), back) } else { (back.max(op.front()), front.max(op.outputs())) }
}

impl<S: Operator, O: Deref<Target = [S]>, P: Deref<Target = [f32]>> List<O, P> {
    /// The operators with these parameters; `None` if there are too few or too many, or no operators.
    pub fn new(ops: O, parameters: P) -> Option<Self> {
        (!ops.is_empty() && self::parameters(&ops) == parameters.len()).then_some(Self {
            ops,
            parameters,
            frozen: false,
        })
    }

    /// The operators.
    pub fn ops(&self) -> &[S] {
        &self.ops
    }

    /// The parameters.
    pub fn parameters(&self) -> &[f32] {
        &self.parameters
    }

    /// A hash of all parameters' bits: CRC-64/XZ of their little-endian bytes. Equal hashes mean equal networks.
    pub fn weight_hash(&self) -> u64 {
        let mut digest = CRC.digest();
        self.parameters.iter().for_each(|value| digest.update(&value.to_le_bytes()));
        digest.finalize()
    }

    /// As [`Module::infer`]; `seen` is shown each operator, the images, and where its output lies, after it is done.
    pub fn infer_seen(
        &self,
        mut images: Images,
        executor: &impl Executor,
        mut seen: impl FnMut(S, &mut Images, usize),
    ) -> usize {
        let (mut from, mut to) = (0, inference_ram(&self.ops).0);
        let mut rest = &*self.parameters;
        for &of_list in &*self.ops {
            let op: Stage = of_list.into();
            let (own, others) = rest.split_at_checked(op.parameters()).unwrap_or_default();
            let (weights, bias) = own.split_at_checked(op.weights()).unwrap_or_default();
            match op {
                Stage::BatchNorm(norm) => norm.infer(bias, images.reborrow(), from),
                Stage::Op(Op::Dense(op)) => op.infer(weights, bias, images.reborrow(), from, to, executor),
                Stage::Op(Op::Conv(op)) => op.infer(weights, bias, images.reborrow(), from, to, executor),
                Stage::Op(Op::Flatten(_)) => {}
                Stage::Op(Op::Dropout(op)) => op.infer(images.reborrow(), from),
                Stage::Op(Op::GlobalAvgPool(op)) => op.infer(images.reborrow(), from, to, executor),
            }
            if !op.in_place() {
                (from, to) = (to, from);
            }
            seen(of_list, &mut images, from);
            rest = others;
        }
        from
    }

    /// The parameters, to write.
    pub fn parameters_mut(&mut self) -> &mut [f32]
    where
        P: DerefMut,
    {
        &mut self.parameters
    }

    /// One step of gradient descent on the mini-batch's images, as [`Net::train`](crate::net::Net::train).
    pub fn train(
        &mut self,
        cost: CostFunction,
        batch: &mut Batch,
        sgd: &Sgd,
        rng: &mut impl Rng,
        executor: &impl Executor,
    ) where
        Self: Module,
    {
        let activation = self.activation();
        let delta = |a: &[f32], y: &[f32], delta: &mut [f32]| cost.delta(activation, a, y, delta);
        module::train(self, &delta, batch, sgd, rng, executor);
    }

    /// One step of an optimizer on the mini-batch's images, as [`Net::optimize`](crate::net::Net::optimize).
    pub fn optimize(
        &mut self,
        cost: CostFunction,
        batch: &mut Batch,
        step: &Step,
        memory: &mut [f32],
        rng: &mut impl Rng,
        executor: &impl Executor,
    ) where
        Self: Module,
    {
        let activation = self.activation();
        let delta = |a: &[f32], y: &[f32], delta: &mut [f32]| cost.delta(activation, a, y, delta);
        module::optimize(self, &delta, batch, step, memory, rng, executor);
    }
}

/// How the images of a mini-batch are laid out for these operators.
pub fn layout<S: Operator>(ops: &[S]) -> Layout {
    let inputs = stages(ops).next().map_or(0, Stage::inputs);
    let outputs = stages(ops).last().map_or(0, Stage::outputs);
    let (mut place, mut own) = (Place { values: RANDOM + outputs, gradient: None }, RANDOM + outputs + inputs);
    let start = own;
    for op in stages(ops) {
        place = output(op, place, own);
        own += op.saved();
    }
    Layout { inputs, outputs, saved: own - start, output: place }
}

/// Where an operator's output lies, given where its input lies and where what it saves begins.
fn output(op: Stage, input: Place, own: usize) -> Place {
    match op {
        Stage::Op(Op::Dense(op)) => op.output(own),
        Stage::Op(Op::Conv(op)) => op.output(own),
        Stage::Op(Op::Flatten(_)) => input,
        Stage::Op(Op::Dropout(op)) => op.output(own),
        Stage::Op(Op::GlobalAvgPool(op)) => op.output(own),
        Stage::BatchNorm(op) => op.output(own),
    }
}

/// An operator of a list, and what is its own.
struct Own {
    op: Stage,
    /// Where its input lies in an image's memory.
    input: Place,
    /// Where what it saves begins there.
    saved: usize,
    /// Which parameters are its weights, and which its biases.
    weights: Range<usize>,
    biases: Range<usize>,
}

/// Operator `number` of a list.
fn own<S: Operator>(ops: &[S], number: usize) -> Option<Own> {
    let (mut input, mut saved) = layout(ops).input();
    let mut first = 0;
    for op in stages(ops.get(..number)?) {
        input = output(op, input, saved);
        saved += op.saved();
        first += op.parameters();
    }
    let op: Stage = (*ops.get(number)?).into();
    let middle = first + op.weights();
    Some(Own { op, input, saved, weights: first..middle, biases: middle..middle + op.biases() })
}

/// An operator's activation gradient, for all layers but the last, whose δ the cost gives.
fn activation_gradient(op: Stage, images: Images, saved: usize, executor: &impl Executor) {
    match op {
        Stage::Op(Op::Dense(op)) => op.activation_gradient(images, saved, executor),
        Stage::Op(Op::Conv(op)) => op.activation_gradient(images, saved, executor),
        Stage::Op(Op::Flatten(_) | Op::Dropout(_) | Op::GlobalAvgPool(_)) => {}
        Stage::BatchNorm(op) => op.activation_gradient(images, saved, executor),
    }
}

impl<S: Operator, O: Deref<Target = [S]> + Sync, P: DerefMut<Target = [f32]> + Sync> Module for List<O, P> {
    fn layout(&self) -> Layout {
        layout(&self.ops)
    }

    fn ram(&self) -> usize {
        let (front, back) = inference_ram(&self.ops);
        front + back
    }

    fn activation(&self) -> Function {
        stages(&self.ops).last().map_or(Function::Identity, Stage::activation)
    }

    fn macs(&self) -> usize {
        stages(&self.ops).map(Stage::macs).sum()
    }

    fn is_large(&self) -> bool {
        stages(&self.ops).any(|op| match op {
            Stage::Op(Op::Dense(op)) => op.is_large(),
            Stage::Op(_) => false,
            Stage::BatchNorm(_) => true,
        })
    }

    fn freeze(&mut self) {
        self.frozen = true;
    }

    fn initialize(&mut self, init: Init, rng: &mut impl Rng) {
        let mut rest = &mut *self.parameters;
        for op in stages(&self.ops) {
            let (own, others) = rest.split_at_mut_checked(op.parameters()).unwrap_or_default();
            let (weights, bias) = own.split_at_mut_checked(op.weights()).unwrap_or_default();
            match op {
                Stage::Op(Op::Dense(op)) => op.initialize(init, weights, bias, rng),
                Stage::Op(Op::Conv(op)) => op.initialize(init, weights, bias, rng),
                Stage::Op(Op::Flatten(_) | Op::Dropout(_) | Op::GlobalAvgPool(_)) => {}
                Stage::BatchNorm(op) => op.initialize(bias),
            }
            rest = others;
        }
    }

    fn visit(&self, visitor: &mut impl FnMut(Parameters, &[f32])) {
        let mut rest = &*self.parameters;
        for op in stages(&self.ops).filter(|op| op.parameters() > 0) {
            let (own, others) = rest.split_at_checked(op.parameters()).unwrap_or_default();
            let (weights, biases) = own.split_at_checked(op.weights()).unwrap_or_default();
            visitor(Parameters::Weights, weights);
            rest = others;
            let Stage::BatchNorm(norm) = op else {
                visitor(Parameters::Biases, biases);
                continue;
            };
            let (biases, statistics) = biases.split_at_checked(norm.channels).unwrap_or_default();
            visitor(Parameters::Biases, biases);
            visitor(Parameters::Statistics, statistics);
        }
    }

    fn visit_mut(&mut self, visitor: &mut impl FnMut(Parameters, &mut [f32])) {
        let mut rest = &mut *self.parameters;
        for op in stages(&self.ops).filter(|op| op.parameters() > 0) {
            let (own, others) = rest.split_at_mut_checked(op.parameters()).unwrap_or_default();
            let (weights, biases) = own.split_at_mut_checked(op.weights()).unwrap_or_default();
            visitor(Parameters::Weights, weights);
            rest = others;
            let Stage::BatchNorm(norm) = op else {
                visitor(Parameters::Biases, biases);
                continue;
            };
            let (biases, statistics) = biases.split_at_mut_checked(norm.channels).unwrap_or_default();
            visitor(Parameters::Biases, biases);
            visitor(Parameters::Statistics, statistics);
        }
    }

    fn infer(&self, images: Images, executor: &impl Executor) -> usize {
        self.infer_seen(images, executor, |_, _, _| {})
    }

    fn forward(&self, mut images: Images, executor: &impl Executor) {
        for number in 0..self.ops.len() {
            let Some(Own { op, input, saved, weights, biases }) = own(&self.ops, number) else { return };
            let weights = self.parameters.get(weights).unwrap_or(&[]);
            let bias = self.parameters.get(biases).unwrap_or(&[]);
            let images = images.reborrow();
            match op {
                Stage::Op(Op::Dense(op)) => op.forward(weights, bias, images, input, saved, executor),
                Stage::Op(Op::Conv(op)) => op.forward(weights, bias, images, input, saved, executor),
                Stage::Op(Op::Flatten(_)) => {}
                Stage::Op(Op::Dropout(op)) => op.forward(images, input, saved, executor),
                Stage::Op(Op::GlobalAvgPool(op)) => op.forward(images, input, saved, executor),
                Stage::BatchNorm(op) => op.forward(bias, images, input, saved, self.frozen, executor),
            }
        }
    }

    fn backward(&self, mut images: Images, executor: &impl Executor) {
        let count = self.ops.len();
        for number in (0..count).rev() {
            let Some(Own { op, input, saved, weights, .. }) = own(&self.ops, number) else { return };
            let weights = self.parameters.get(weights).unwrap_or(&[]);
            if number + 1 < count {
                activation_gradient(op, images.reborrow(), saved, executor);
            }
            let images = images.reborrow();
            match op {
                Stage::Op(Op::Dense(op)) => op.backward(weights, images, input, saved, executor),
                Stage::Op(Op::Conv(op)) => op.backward(weights, images, input, saved, executor),
                Stage::Op(Op::Flatten(_)) => {}
                Stage::Op(Op::Dropout(op)) => op.backward(images, input, saved, executor),
                Stage::Op(Op::GlobalAvgPool(op)) => op.backward(images, input, saved, executor),
                Stage::BatchNorm(op) => op.backward(images, input, saved, self.frozen, executor),
            }
        }
    }

    fn update(&mut self, images: &Images, sgd: &Sgd, executor: &impl Executor) {
        for number in (0..self.ops.len()).rev() {
            let Some(Own { op, input, saved, weights, biases }) = own(&self.ops, number) else { return };
            let parameters = self.parameters.get_mut(weights.start..biases.end).unwrap_or_default();
            let (weights, bias) = parameters.split_at_mut_checked(weights.len()).unwrap_or_default();
            match op {
                Stage::Op(Op::Dense(op)) => op.update(weights, bias, images, input, saved, sgd, executor),
                Stage::Op(Op::Conv(op)) => op.update(weights, bias, images, input, saved, sgd, executor),
                Stage::Op(Op::Flatten(_) | Op::Dropout(_) | Op::GlobalAvgPool(_)) => {}
                Stage::BatchNorm(op) => op.update(bias, images, saved, sgd, self.frozen),
            }
        }
    }

    fn step(&mut self, mut images: Images, sgd: &Sgd, executor: &impl Executor) {
        let count = self.ops.len();
        for number in (0..count).rev() {
            let Some(Own { op, input, saved, weights, biases }) = own(&self.ops, number) else { return };
            let parameters = self.parameters.get_mut(weights.start..biases.end).unwrap_or_default();
            let (weights, bias) = parameters.split_at_mut_checked(weights.len()).unwrap_or_default();
            if number + 1 < count {
                activation_gradient(op, images.reborrow(), saved, executor);
            }
            let mut images = images.reborrow();
            match op {
                Stage::Op(Op::Dense(op)) => op.step(weights, bias, images, input, saved, sgd, executor),
                Stage::Op(Op::Conv(op)) => {
                    op.backward(weights, images.reborrow(), input, saved, executor);
                    op.update(weights, bias, &images, input, saved, sgd, executor);
                }
                Stage::Op(Op::Flatten(_)) => {}
                Stage::Op(Op::Dropout(op)) => op.backward(images, input, saved, executor),
                Stage::Op(Op::GlobalAvgPool(op)) => op.backward(images, input, saved, executor),
                Stage::BatchNorm(op) => {
                    op.backward(images.reborrow(), input, saved, self.frozen, executor);
                    op.update(bias, &images, saved, sgd, self.frozen);
                }
            }
        }
    }
}
