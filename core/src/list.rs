//! A network as a list of operators, made when the program runs: what a PC reads from a text.

use crate::activation::Function;
use crate::batch::{Batch, Images, Layout, Place, RANDOM};
use crate::cost::CostFunction;
use crate::executor::Executor;
use crate::init::Init;
use crate::module::{self, Module};
use crate::net::CRC;
use crate::op::Op;
use crate::sgd::Sgd;
use core::ops::{Deref, DerefMut, Range};
use rand_core::Rng;

/// Operators one after the other, and their parameters `P`, `&[f32]` or `&mut [f32]`: layer by layer, weights before
/// biases. The bits are those of the [`Net`](crate::net::Net) of the same layers.
///
/// Each operator takes as many values as the one before gives; lists that do not fit together give senseless results.
#[derive(Clone, Copy)]
pub struct List<'a, P> {
    ops: &'a [Op],
    parameters: P,
}

/// Weights and biases of some operators.
pub fn parameters(ops: &[Op]) -> usize {
    ops.iter().map(|op| op.parameters()).sum()
}

/// Values of RAM that inference needs where the input is, and elsewhere: as [`Layer::FRONT`](crate::layer::Layer::FRONT)
/// and [`Layer::BACK`](crate::layer::Layer::BACK).
pub fn inference_ram(ops: &[Op]) -> (usize, usize) {
    let Some((op, rest)) = ops.split_first() else { return (0, 0) };
    let (front, back) = inference_ram(rest);
    if op.in_place() { (front.max(op.inputs()), back) } else { (back.max(op.inputs()), front.max(op.outputs())) }
}

impl<'a, P: Deref<Target = [f32]>> List<'a, P> {
    /// The operators with these parameters; `None` if there are too few or too many, or no operators.
    pub fn new(ops: &'a [Op], parameters: P) -> Option<Self> {
        (!ops.is_empty() && self::parameters(ops) == parameters.len()).then_some(Self { ops, parameters })
    }

    /// The operators.
    pub fn ops(&self) -> &'a [Op] {
        self.ops
    }

    /// The parameters.
    pub fn parameters(&self) -> &[f32] {
        &self.parameters
    }

    /// The activation of the last layer.
    pub fn activation(&self) -> Function {
        self.ops.last().map_or(Function::Identity, |op| op.activation())
    }

    /// A hash of all parameters' bits: CRC-64/XZ of their little-endian bytes. Equal hashes mean equal networks.
    pub fn weight_hash(&self) -> u64 {
        let mut digest = CRC.digest();
        self.parameters.iter().for_each(|value| digest.update(&value.to_le_bytes()));
        digest.finalize()
    }

    /// Computes the outputs for several images. Each has [`inference_ram`]'s values of memory, the front ones first,
    /// which hold its input; gives where its output is then. `seen` is shown each operator and where its output lies,
    /// after it is done.
    pub fn infer(
        &self,
        mut images: Images,
        executor: &impl Executor,
        mut seen: impl FnMut(Op, &mut Images, usize),
    ) -> usize {
        let (mut from, mut to) = (0, inference_ram(self.ops).0);
        self.each(|op, weights, bias| {
            match op {
                Op::Dense(op) => op.infer(weights, bias, images.reborrow(), from, to, executor),
                Op::Conv(op) => op.infer(weights, bias, images.reborrow(), from, to, executor),
                Op::Flatten(_) => {}
                Op::Dropout(op) => op.infer(images.reborrow(), from),
            }
            if !op.in_place() {
                (from, to) = (to, from);
            }
            seen(op, &mut images, from);
        });
        from
    }

    /// Shows each operator with its weights and biases.
    fn each(&self, mut show: impl FnMut(Op, &[f32], &[f32])) {
        let mut rest = &*self.parameters;
        for &op in self.ops {
            let (own, others) = rest.split_at_checked(op.parameters()).unwrap_or_default();
            let (weights, bias) = own.split_at_checked(op.weights()).unwrap_or_default();
            show(op, weights, bias);
            rest = others;
        }
    }

    /// How the images of a mini-batch are laid out.
    pub fn layout(&self) -> Layout {
        layout(self.ops)
    }
}

/// How the images of a mini-batch are laid out for these operators.
pub fn layout(ops: &[Op]) -> Layout {
    let inputs = ops.first().map_or(0, |op| op.inputs());
    let outputs = ops.last().map_or(0, |op| op.outputs());
    let (mut place, mut own) = (Place { values: RANDOM + outputs, gradient: None }, RANDOM + outputs + inputs);
    let start = own;
    for op in ops {
        place = output(*op, place, own);
        own += op.saved();
    }
    Layout { inputs, outputs, saved: own - start, output: place }
}

/// Where an operator's output lies, given where its input lies and where what it saves begins.
fn output(op: Op, input: Place, own: usize) -> Place {
    match op {
        Op::Dense(op) => op.output(own),
        Op::Conv(op) => op.output(own),
        Op::Flatten(_) => input,
        Op::Dropout(op) => op.output(own),
    }
}

impl<P: DerefMut<Target = [f32]> + Sync> List<'_, P> {
    /// Draws weights and biases, layer by layer.
    pub fn initialize(&mut self, init: Init, rng: &mut impl Rng) {
        let mut rest = &mut *self.parameters;
        for op in self.ops {
            let (own, others) = rest.split_at_mut_checked(op.parameters()).unwrap_or_default();
            let (weights, bias) = own.split_at_mut_checked(op.weights()).unwrap_or_default();
            match op {
                Op::Dense(op) => op.initialize(init, weights, bias, rng),
                Op::Conv(op) => op.initialize(init, weights, bias, rng),
                Op::Flatten(_) | Op::Dropout(_) => {}
            }
            rest = others;
        }
    }

    /// One step of gradient descent on the mini-batch's images, as [`Net::train`](crate::net::Net::train).
    pub fn train(
        &mut self,
        cost: CostFunction,
        batch: &mut Batch,
        sgd: &Sgd,
        rng: &mut impl Rng,
        executor: &impl Executor,
    ) {
        let activation = self.activation();
        let delta = |a: &[f32], y: &[f32], delta: &mut [f32]| cost.delta(activation, a, y, delta);
        module::train(self, &delta, batch, sgd, rng, executor);
    }
}

/// An operator of a list, and what is its own.
struct Own {
    op: Op,
    /// Where its input lies in an image's memory.
    input: Place,
    /// Where what it saves begins there.
    saved: usize,
    /// Which parameters are its weights, and which its biases.
    weights: Range<usize>,
    biases: Range<usize>,
}

/// Operator `number` of a list.
fn own(ops: &[Op], number: usize) -> Option<Own> {
    let (mut input, mut saved) = layout(ops).input();
    let mut first = 0;
    for op in ops.get(..number)? {
        input = output(*op, input, saved);
        saved += op.saved();
        first += op.parameters();
    }
    let op = *ops.get(number)?;
    let middle = first + op.weights();
    Some(Own { op, input, saved, weights: first..middle, biases: middle..middle + op.biases() })
}

impl<P: Deref<Target = [f32]> + Sync> List<'_, P> {
    /// The operators in their order, or from the last to the first.
    fn owns(&self, backwards: bool) -> impl Iterator<Item = Own> {
        let (ops, count) = (self.ops, self.ops.len());
        (0..count).filter_map(move |number| own(ops, if backwards { count - 1 - number } else { number }))
    }

    fn go_forward(&self, mut images: Images, executor: &impl Executor) {
        for Own { op, input, saved, weights, biases } in self.owns(false) {
            let weights = self.parameters.get(weights).unwrap_or(&[]);
            let bias = self.parameters.get(biases).unwrap_or(&[]);
            let images = images.reborrow();
            match op {
                Op::Dense(op) => op.forward(weights, bias, images, input, saved, executor),
                Op::Conv(op) => op.forward(weights, bias, images, input, saved, executor),
                Op::Flatten(_) => {}
                Op::Dropout(op) => op.forward(images, input, saved, executor),
            }
        }
    }
}

/// [`Op`]'s activation gradient, for all layers but the last, whose δ the cost gives.
fn activation_gradient(op: Op, images: Images, saved: usize, executor: &impl Executor) {
    match op {
        Op::Dense(op) => op.activation_gradient(images, saved, executor),
        Op::Conv(op) => op.activation_gradient(images, saved, executor),
        Op::Flatten(_) | Op::Dropout(_) => {}
    }
}

impl<P: DerefMut<Target = [f32]> + Sync> Module for List<'_, P> {
    fn layout(&self) -> Layout {
        layout(self.ops)
    }

    fn macs(&self) -> usize {
        self.ops.iter().map(|op| op.macs()).sum()
    }

    fn is_large(&self) -> bool {
        self.ops.iter().any(|op| matches!(op, Op::Dense(op) if op.is_large()))
    }

    fn forward(&self, images: Images, executor: &impl Executor) {
        self.go_forward(images, executor);
    }

    fn backward(&self, mut images: Images, executor: &impl Executor) {
        for (Own { op, input, saved, weights, .. }, behind) in self.owns(true).zip(0..) {
            let weights = self.parameters.get(weights).unwrap_or(&[]);
            if behind > 0 {
                activation_gradient(op, images.reborrow(), saved, executor);
            }
            let images = images.reborrow();
            match op {
                Op::Dense(op) => op.backward(weights, images, input, saved, executor),
                Op::Conv(op) => op.backward(weights, images, input, saved, executor),
                Op::Flatten(_) => {}
                Op::Dropout(op) => op.backward(images, input, saved, executor),
            }
        }
    }

    fn update(&mut self, images: &Images, sgd: &Sgd, executor: &impl Executor) {
        for number in (0..self.ops.len()).rev() {
            let Some(Own { op, input, saved, weights, biases }) = own(self.ops, number) else { return };
            let parameters = self.parameters.get_mut(weights.start..biases.end).unwrap_or_default();
            let (weights, bias) = parameters.split_at_mut_checked(weights.len()).unwrap_or_default();
            match op {
                Op::Dense(op) => op.update(weights, bias, images, input, saved, sgd, executor),
                Op::Conv(op) => op.update(weights, bias, images, input, saved, sgd, executor),
                Op::Flatten(_) | Op::Dropout(_) => {}
            }
        }
    }

    fn step(&mut self, mut images: Images, sgd: &Sgd, executor: &impl Executor) {
        let count = self.ops.len();
        for number in (0..count).rev() {
            let Some(Own { op, input, saved, weights, biases }) = own(self.ops, number) else { return };
            let parameters = self.parameters.get_mut(weights.start..biases.end).unwrap_or_default();
            let (weights, bias) = parameters.split_at_mut_checked(weights.len()).unwrap_or_default();
            if number + 1 < count {
                activation_gradient(op, images.reborrow(), saved, executor);
            }
            let mut images = images.reborrow();
            match op {
                Op::Dense(op) => op.step(weights, bias, images, input, saved, sgd, executor),
                Op::Conv(op) => {
                    op.backward(weights, images.reborrow(), input, saved, executor);
                    op.update(weights, bias, &images, input, saved, sgd, executor);
                }
                Op::Flatten(_) => {}
                Op::Dropout(op) => op.backward(images, input, saved, executor),
            }
        }
    }
}
