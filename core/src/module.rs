//! A network, whether it is a type or a list: what a step of training needs of it, and the step.

use crate::activation::Function;
use crate::batch::{Batch, Images, Layout, set_random};
use crate::executor::{Alone, Executor, cut_images};
use crate::init::Init;
use crate::layer::Parameters;
use crate::optimizer::{self, Step};
use crate::sgd::Sgd;
use rand_core::Rng;

/// The layers of a network with their parameters, one after the other. An image's memory is laid out as
/// [`layout`](Self::layout) says.
pub trait Module: Sync {
    /// How the images of a mini-batch are laid out.
    fn layout(&self) -> Layout;

    /// Values of RAM that an inference needs, its input included.
    fn ram(&self) -> usize;

    /// The activation of the last layer.
    fn activation(&self) -> Function;

    /// Draws weights and biases, layer by layer.
    fn initialize(&mut self, init: Init, rng: &mut impl Rng);

    /// Shows each run of parameters, in the order of memory: layer by layer, weights before biases.
    fn visit(&self, visitor: &mut impl FnMut(Parameters, &[f32]));

    /// As [`visit`](Self::visit), to write.
    fn visit_mut(&mut self, visitor: &mut impl FnMut(Parameters, &mut [f32]));

    /// Computes the outputs as a trained network does. Each image has [`ram`](Self::ram) values of memory, of which the
    /// first hold its input; gives where its output begins then. The executor's threads share each layer; where there are
    /// many images it is better to give each thread some of its own, with one call on each, by [`Alone`].
    fn infer(&self, images: Images, executor: &impl Executor) -> usize;

    /// Multiplications with a weight, for one image.
    fn macs(&self) -> usize;

    /// Whether all images of a mini-batch must go through a layer before the next, or there are so many weights in a layer
    /// that threads should share it by its weights.
    fn is_large(&self) -> bool;

    /// From now on, batch normalization takes its running statistics, in training too, and they stay as they are.
    fn freeze(&mut self) {}

    /// Computes the outputs, as training does (dropout drops).
    fn forward(&self, images: Images, executor: &impl Executor);

    /// From δ of the last layer, computes δ of all the others.
    fn backward(&self, images: Images, executor: &impl Executor);

    /// Takes a step down the gradient of the batch's cost, given δ.
    fn update(&mut self, images: &Images, sgd: &Sgd, executor: &impl Executor);

    /// [`backward`](Self::backward), then [`update`](Self::update).
    fn step(&mut self, images: Images, sgd: &Sgd, executor: &impl Executor);
}

/// The error δ of the output layer, from the outputs and the targets (the book's equation BP1).
pub trait Delta: Fn(&[f32], &[f32], &mut [f32]) + Sync {}

impl<D: Fn(&[f32], &[f32], &mut [f32]) + Sync> Delta for D {}

/// The fewest multiplications of a mini-batch that are worth a second thread: dense networks skip four in five.
const SPLIT: usize = 1_000_000;
/// With more images than these, a layer takes them in turns, and is not gone through backwards and updated at once.
const TOGETHER: usize = 128;

/// One step of gradient descent on the mini-batch's images. The order of the images matters to the last bit; how the
/// executor runs it does not. Nothing happens to a batch that is laid out for another network.
pub fn train(
    module: &mut impl Module,
    delta: &impl Delta,
    batch: &mut Batch,
    sgd: &Sgd,
    rng: &mut impl Rng,
    executor: &impl Executor,
) {
    if batch.layout != module.layout() {
        return;
    }
    if !module.is_large() || batch.len() > TOGETHER {
        backpropagate(module, delta, batch, rng, executor);
        return module.update(&batch.images, sgd, executor);
    }
    draw(batch, rng);
    module.forward(batch.images.reborrow(), executor);
    output_error(delta, batch.images.reborrow(), batch.layout);
    module.step(batch.images.reborrow(), sgd, executor);
}

/// Adds to `gradient`, a network like `module`, the gradient of the mini-batch's mean cost.
pub fn gradient<M: Module>(
    module: &M,
    gradient: &mut impl Module,
    delta: &impl Delta,
    batch: &mut Batch,
    rng: &mut impl Rng,
    executor: &impl Executor,
) {
    if batch.layout != module.layout() || batch.layout != gradient.layout() {
        return;
    }
    backpropagate(module, delta, batch, rng, executor);
    let share = Sgd::accumulate(1.0 / batch.len().max(1) as f32);
    gradient.update(&batch.images, &share, executor);
}

/// One step of an optimizer on the mini-batch's images. `memory` is [`Step::take`]'s; its first values need not be the
/// network's parameters. The order of the images matters to the last bit; how the executor runs it does not. Nothing
/// happens to a batch that is laid out for another network, and without enough memory.
pub fn optimize(
    module: &mut impl Module,
    delta: &impl Delta,
    batch: &mut Batch,
    step: &Step,
    memory: &mut [f32],
    rng: &mut impl Rng,
    executor: &impl Executor,
) {
    if batch.layout != module.layout() || !step.has_room(module, memory) {
        return;
    }
    optimizer::copy_parameters(module, memory);
    into_gradient(module, delta, batch, rng, executor);
    step.take(module, memory);
}

/// Puts the gradient of the mini-batch's mean cost in the place of the parameters: so a gradient needs no network of its
/// own. Nothing happens to a batch that is laid out for another network.
pub fn into_gradient(
    module: &mut impl Module,
    delta: &impl Delta,
    batch: &mut Batch,
    rng: &mut impl Rng,
    executor: &impl Executor,
) {
    if batch.layout != module.layout() {
        return;
    }
    backpropagate(module, delta, batch, rng, executor);
    module.visit_mut(&mut |kind, run| {
        // They have no gradient, and the update lets them go on.
        if kind != Parameters::Statistics {
            run.fill(0.0);
        }
    });
    module.update(&batch.images, &Sgd::accumulate(1.0 / batch.len().max(1) as f32), executor);
}

/// Leaves δ of every layer in the images' memory.
fn backpropagate(
    module: &impl Module,
    delta: &impl Delta,
    batch: &mut Batch,
    rng: &mut impl Rng,
    executor: &impl Executor,
) {
    draw(batch, rng);
    let layout = batch.layout;
    if module.is_large() {
        return forward_and_backward(module, delta, batch.images.reborrow(), layout, executor);
    }
    let pieces = if module.macs() * batch.len() < SPLIT { 1 } else { executor.threads() };
    cut_images(batch.images.reborrow(), pieces, executor, &|images| {
        forward_and_backward(module, delta, images, layout, &Alone(executor));
    });
}

fn forward_and_backward(
    module: &impl Module,
    delta: &impl Delta,
    mut images: Images,
    layout: Layout,
    executor: &impl Executor,
) {
    module.forward(images.reborrow(), executor);
    output_error(delta, images.reborrow(), layout);
    module.backward(images, executor);
}

/// Leaves δ of the last layer in the images' memory.
fn output_error(delta: &impl Delta, mut images: Images, layout: Layout) {
    let Some(gradient) = layout.output.gradient else { return };
    for image in images.iter_mut() {
        let Some((before, place)) = image.split_at_mut_checked(gradient) else { continue };
        let (target, output) = (before.get(layout.target()), before.get(layout.output()));
        if let (Some(target), Some(output), Some(place)) = (target, output, place.get_mut(..layout.outputs)) {
            delta(output, target, place);
        }
    }
}

/// Gives each image what its random numbers begin from.
fn draw(batch: &mut Batch, rng: &mut impl Rng) {
    for image in batch.images.iter_mut() {
        set_random(image, rng.next_u64());
    }
}
