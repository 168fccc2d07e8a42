//! Training: mini-batches, epochs, monitors, early stopping. What the core does for one batch, done for a data set.

mod distillation;
mod rate;
mod rounding;
mod state;
mod stepper;

pub use distillation::{Distillation, Teachers};
pub use rate::Schedule;
pub(crate) use rate::between;
pub use state::{Checkpoint, State};

use crate::architecture::Architecture;
use crate::data::{CLASSES, PIXELS, Target};
use crate::error::{Error, Result};
use crate::executor::Threads;
use crate::network::zeroed;
use crate::samples::Samples;
use minnet::augment::{self, Augment};
use minnet::batch::{Images, Layout};
use minnet::cost::CostFunction;
use minnet::executor::Alone;
use minnet::layer::Parameters;
use minnet::module::Module;
use minnet::prelude::*;
use minnet::quant::Width;
use rand_core::{Rng, SeedableRng};
use rand_xorshift::XorShiftRng;
use serde::Serialize;
use std::ops::ControlFlow;
use stepper::Stepper;
use zerocopy::IntoBytes;

/// The book's hyper-parameters, and what came after the book. What is off is not in a result's JSON.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Hyper {
    /// Passes over the training images.
    pub epochs: u32,
    /// Images in a mini-batch.
    pub batch: usize,
    /// The learning rate η of the first epoch.
    pub eta: f32,
    /// The learning rate of the last epoch, if it is another; [`schedule`](Self::schedule) says how it is approached.
    pub final_eta: Option<f32>,
    /// The strength λ of L2 regularization.
    pub lambda: f32,
    /// What λ is divided by.
    pub regularization: Regularization,
    /// How weights and biases start.
    pub init: Init,
    /// Whether each epoch takes the images in a new order.
    pub shuffle: bool,
    /// How images are changed, each anew in each epoch; only images of bytes can be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub augment: Option<Augment>,
    /// The seed of all random numbers: start, order, dropout, augmentation.
    pub seed: u64,
    /// Of epochs that are equally good on the validation set, keep the one of the lowest cost, not the first.
    #[serde(skip)]
    pub ties_by_cost: bool,
    /// Stop after this many epochs in a row without a better validation accuracy.
    pub patience: Option<u32>,
    /// Whether each epoch also measures the whole training set, without dropout, as the book's monitors do.
    pub monitor_training: bool,
    /// The last so many epochs, in which batch normalization takes its running statistics in training, too.
    #[serde(skip_serializing_if = "is_off")]
    pub freeze_norm: u32,
    /// How a gradient becomes a step.
    #[serde(skip_serializing_if = "is_off")]
    pub optimizer: Optimizer,
    /// How the learning rate changes.
    #[serde(skip_serializing_if = "is_off")]
    pub schedule: Schedule,
    /// The first so many epochs, or parts of one, in which the learning rate grows from 0, mini-batch by mini-batch.
    #[serde(skip_serializing_if = "is_off")]
    pub warmup: f32,
    /// Label smoothing: the share of a target that is divided equally among all outputs (Szegedy et al. 2016).
    #[serde(skip_serializing_if = "is_off")]
    pub smoothing: f32,
    /// What is measured and kept is an exponential moving average of the weights, which keeps this much of itself in each
    /// mini-batch.
    #[serde(skip_serializing_if = "is_off")]
    pub average: Option<f32>,
    /// The strength λ of L1 regularization, which is divided as that of L2 is.
    #[serde(skip_serializing_if = "is_off")]
    pub l1: f32,
    /// The greatest norm of a mini-batch's gradient ([`Step::clip`]); 0 for any.
    #[serde(skip_serializing_if = "is_off")]
    pub clip: f32,
    /// For each layer with weights the width that they are rounded to while the network is trained; none for no layer.
    #[serde(skip)]
    pub widths: Vec<Option<Width>>,
    /// Networks to learn from.
    #[serde(skip_serializing_if = "is_off")]
    pub distillation: Option<Distillation>,
}

/// Whether a setting is what it is by default.
fn is_off<T: Default + PartialEq>(setting: &T) -> bool {
    *setting == T::default()
}

impl Default for Hyper {
    /// 10 epochs of mini-batches of 10 at η = 0.1, nothing regularized, seed 1.
    fn default() -> Self {
        Self {
            epochs: 10,
            batch: 10,
            eta: 0.1,
            final_eta: None,
            lambda: 0.0,
            regularization: Regularization::PerImage,
            init: Init::FanIn,
            shuffle: true,
            augment: None,
            seed: 1,
            ties_by_cost: false,
            patience: None,
            monitor_training: false,
            freeze_norm: 0,
            optimizer: Optimizer::Sgd,
            schedule: Schedule::Geometric,
            warmup: 0.0,
            smoothing: 0.0,
            average: None,
            l1: 0.0,
            clip: 0.0,
            widths: Vec::new(),
            distillation: None,
        }
    }
}

impl Hyper {
    /// What λ is divided by, in epochs of so many images.
    fn divisor(&self, images: usize) -> usize {
        match self.regularization {
            Regularization::PerImage => images.max(1),
            Regularization::PerBatch => images.div_ceil(self.batch.max(1)).max(1),
        }
    }

    /// The error of weights that are no numbers any more, which blames what has made them so.
    fn diverged(&self, epoch: u32, eta: f32, images: usize) -> Error {
        let each = eta / self.divisor(images) as f32;
        let decay = match self.optimizer {
            Optimizer::Adam { decay, .. } => eta * decay,
            _ => 0.0,
        };
        // Where a step takes more than twice a weight away, the weight grows from step to step. L1 stops at 0.
        let (share, flag) = if each * self.lambda > 2.0 {
            (each * self.lambda, "--lambda")
        } else if decay > 2.0 {
            (decay, "--weight-decay")
        } else {
            return Error::Diverged { epoch, eta, why: String::new(), flag: "--eta" };
        };
        let why = format!(", where each step takes {share:?} times each weight from it");
        Error::Diverged { epoch, eta, why, flag }
    }

    /// Whether the settings go together, and with these samples.
    fn check(&self, net: &impl Module, training: Samples<'_>, validation: Samples<'_>) -> Result<()> {
        let is_halving = self.schedule == Schedule::Halving;
        let is_adamw = matches!(self.optimizer, Optimizer::Adam { decay, .. } if decay > 0.0);
        let is_soft = self.smoothing > 0.0 || self.distillation.is_some();
        let teachers_fit = self.distillation.as_ref().is_none_or(|own| own.teachers.fit(net.layout()));
        for (is_wrong, problem) in [
            (is_halving && self.patience.is_none(), "--schedule halving needs --early-stopping: how long to wait"),
            (is_halving && validation.is_empty(), "--schedule halving needs validation samples, and there are none"),
            (
                self.patience.is_some() && validation.is_empty(),
                "--early-stopping needs validation samples, and there are none: leave it out, or give more samples with \
                 --data",
            ),
            (is_halving && self.final_eta.is_some(), "--schedule halving ends by itself: leave out --final-eta"),
            (is_adamw && self.lambda > 0.0, "adamw has --weight-decay in the place of --lambda: give one of them"),
            (
                self.warmup > 0.0 && self.warmup >= self.epochs as f32,
                "--warmup takes all epochs: give it fewer, or give more --epochs",
            ),
            (
                is_soft && training.are_numbers(),
                "--label-smoothing and --teacher are for classes, and these are numbers",
            ),
            (!teachers_fit, "a teacher needs a softmax at its end, and as many inputs and outputs as its pupil"),
        ] {
            if is_wrong {
                return Err(Error::Settings { problem });
            }
        }
        Ok(())
    }
}

/// How well a network does on a set of images.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Score {
    /// Images classified rightly.
    pub right: usize,
    /// Images.
    pub images: usize,
    /// The mean cost, without the L2 term.
    pub cost: f64,
    /// How far off the outputs are; none where classes are to be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub errors: Option<Errors>,
}

/// How far a network's outputs are from the numbers that they should be.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Errors {
    /// The mean of the absolute errors.
    pub mean_absolute: f64,
    /// The root of the mean of the squared errors.
    pub root_mean_square: f64,
}

/// A score while it is being made.
struct Tally {
    score: Score,
    /// Sums of absolute and squared errors, and of how many.
    errors: Option<[f64; 3]>,
}

impl Tally {
    /// Nothing yet of these samples.
    fn new(samples: Samples<'_>) -> Self {
        let score = Score { right: 0, images: 0, cost: 0.0, errors: None };
        Self { score, errors: samples.are_numbers().then_some([0.0; 3]) }
    }

    /// Counts a sample; `measure` gives what a function makes of its output and its target.
    fn count(&mut self, is_right: bool, measure: impl Fn(&dyn Fn(&[f32], &[f32]) -> f32) -> f32, cost: CostFunction) {
        self.score.images += 1;
        self.score.cost += f64::from(measure(&|a, y| cost.value(a, y)));
        if let Some([absolute, squared, count]) = &mut self.errors {
            let sum = |of: fn(f32) -> f32| measure(&|a, y| a.iter().zip(y).map(|(a, y)| of(a - y)).sum());
            *absolute += f64::from(sum(f32::abs));
            *squared += f64::from(sum(|error| error * error));
            *count += f64::from(measure(&|a, _| a.len() as f32));
        } else {
            self.score.right += usize::from(is_right);
        }
    }

    fn score(self) -> Score {
        let errors = self.errors.map(|[absolute, squared, count]| Errors {
            mean_absolute: absolute / count.max(1.0),
            root_mean_square: (squared / count.max(1.0)).sqrt(),
        });
        Score { cost: self.score.cost / self.score.images.max(1) as f64, errors, ..self.score }
    }
}

impl Score {
    /// The cost with the L2 term λ/2n Σw², n being the images measured: what `network2.py` prints (equation 85).
    pub fn regularized_cost(&self, lambda: f32, weights_squared: f64) -> f64 {
        self.cost + 0.5 * f64::from(lambda) / self.images.max(1) as f64 * weights_squared
    }

    /// The share of images classified rightly, from 0 to 1.
    pub fn accuracy(&self) -> f64 {
        self.right as f64 / self.images.max(1) as f64
    }

    /// What the best score has most of: images that are right, or the opposite of an error.
    fn rank(&self) -> f64 {
        self.errors.map_or(self.right as f64, |errors| -errors.root_mean_square)
    }

    /// Whether it is better than another of the same samples.
    pub fn is_better(&self, other: &Self) -> bool {
        self.rank() > other.rank()
    }
}

/// What an epoch came to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Epoch {
    /// Counted from 1.
    pub epoch: u32,
    /// The learning rate; if it changes within the epoch, the greater of the first and the last.
    pub eta: f32,
    /// The training images: after the epoch with [`Hyper::monitor_training`], else as each was met, dropout and all, and its
    /// cost that of the softened target.
    pub training: Score,
    /// The validation images, after the epoch; none if there are no such images.
    pub validation: Option<Score>,
    /// Σw² over all weights, biases left out, after the epoch: what the L2 term of the cost is made of.
    pub weights_squared: f64,
    /// Seconds it took, without the measuring.
    pub seconds: f64,
    /// Whether its validation accuracy is the best so far; without validation images, always.
    pub best: bool,
}

/// Who is told of each mini-batch and each epoch, and may stop the run.
pub type Observe<'a> = dyn FnMut(Event<'_>) -> ControlFlow<()> + Send + 'a;

/// What an observer is told.
pub enum Event<'a> {
    /// A mini-batch is done.
    Batch {
        /// Its images, by their places in the training set.
        images: &'a [u32],
        /// Images of the epoch so far.
        done: usize,
    },
    /// An epoch is done.
    Epoch(&'a Epoch),
    /// After that: the training can go on from here, by what this gives. An epoch that was cut short is nothing to go on
    /// from.
    State(&'a dyn Fn() -> State),
}

/// What a training run gives besides the network.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct History {
    /// The epochs, in order. The last one is cut short if the run was stopped.
    pub epochs: Vec<Epoch>,
    /// The number of the epoch whose weights the network has: the one of the best validation accuracy.
    pub chosen: u32,
    /// Whether an observer stopped the run.
    pub stopped: bool,
}

impl History {
    /// The epoch whose weights the network has.
    pub fn chosen(&self) -> Option<&Epoch> {
        self.epochs.iter().find(|epoch| epoch.epoch == self.chosen)
    }
}

/// Initializes `net` and trains it; it ends with the weights of the epoch of the best validation accuracy.
///
/// The same arguments give the same bits, whatever the executor. `observe` may stop the run after any mini-batch; the
/// epoch is then measured as it is.
///
/// # Errors
/// [`Error::Memory`]; [`Error::Sizes`] if the images or the classes are not those that the network takes and gives;
/// [`Error::Settings`] if settings do not go together; [`Error::Augment`] if what is to be augmented are no images of bytes;
/// and [`Error::Diverged`] if the weights become infinite or not numbers.
pub fn train<M: Module + Send>(
    net: &mut M,
    cost: CostFunction,
    training: Samples<'_>,
    validation: Samples<'_>,
    hyper: &Hyper,
    executor: &Threads,
    observe: &mut Observe<'_>,
) -> Result<History> {
    train_from(None, net, cost, [training, validation], hyper, executor, observe)
}

/// As [`train`]; from a `state` ([`Event::State`]) of a training with the same arguments it goes on, and ends as that one
/// would have.
///
/// # Errors
/// Those of [`train`]; [`Error::Settings`] also if the state is none of such a training.
pub fn train_from<M: Module + Send>(
    state: Option<State>,
    net: &mut M,
    cost: CostFunction,
    [training, validation]: [Samples<'_>; 2],
    hyper: &Hyper,
    executor: &Threads,
    observe: &mut Observe<'_>,
) -> Result<History> {
    for set in [training, validation] {
        check(net, set)?;
    }
    hyper.check(net, training, validation)?;
    let augment =
        hyper.augment.map(|augment| training.view().image_sizes().map(|sizes| (augment, sizes))).transpose()?;
    let mut rng = XorShiftRng::seed_from_u64(hyper.seed);
    net.initialize(hyper.init, &mut rng);
    let mut stepper = Stepper::new(net, hyper, training.len())?;
    let mut memory = batch_memory(net, hyper.batch.clamp(1, training.len().max(1)))?;
    let mut best = Vec::new();
    let mut order: Vec<u32> = (0..training.len() as u32).collect();
    let mut history = History { epochs: Vec::new(), chosen: 0, stopped: false };
    let mut best_score: Option<Score> = None;
    if let Some(state) = state {
        let problem = "the checkpoint is of another training than these settings make";
        if !state.fits(parameters(net), order.len()) || !stepper.go_on(&state.stepper) {
            return Err(Error::Settings { problem });
        }
        history = state.history();
        restore(net, &state.parameters);
        best_score = state.best_score.map(Into::into);
        (best, order, rng) = (state.best, state.order, state.rng);
    }

    for epoch in history.epochs.len() as u32..hyper.epochs {
        let start = std::time::Instant::now();
        if hyper.shuffle {
            shuffle(&mut order, &mut rng);
        }
        if hyper.epochs - epoch <= hyper.freeze_norm {
            net.freeze();
        }
        let eta = stepper.rate.of_epoch(epoch);
        let mut progress = |images: &[u32], done| observe(Event::Batch { images, done });
        let pass = Pass { cost, training, augment, epoch, order: &order, seed: hyper.seed, executor };
        let (met, flow) = executor.run(|| pass.run(net, &mut memory, &mut stepper, &mut rng, &mut progress));
        let seconds = start.elapsed().as_secs_f64();
        if !met.cost.is_finite() || !is_finite(net) {
            return Err(hyper.diverged(epoch + 1, eta, training.len()));
        }

        let own = stepper.show(net);
        let images = training.len();
        let score = |set| match executor.run(|| evaluate(net, cost, set, executor)) {
            Err(Error::NotANumber { .. }) => Err(hyper.diverged(epoch + 1, eta, images)),
            score => score,
        };
        let training = if hyper.monitor_training { score(training)? } else { met };
        let validation = if validation.is_empty() { None } else { Some(score(validation)?) };
        let is_best = match (validation, best_score) {
            (Some(score), Some(best)) => {
                let is_tie = hyper.ties_by_cost && score.rank() == best.rank();
                score.is_better(&best) || is_tie && score.cost < best.cost
            }
            _ => true,
        };
        if is_best {
            best_score = validation;
            history.chosen = epoch + 1;
            snapshot(net, &mut best);
        }
        let weights_squared = weights_squared(net);
        if let Some(own) = own {
            restore(net, &own);
        }
        let epoch_done = Epoch { epoch: epoch + 1, eta, training, validation, weights_squared, seconds, best: is_best };
        history.epochs.push(epoch_done);
        history.stopped = flow.is_break() | history.epochs.last().is_some_and(|e| observe(Event::Epoch(e)).is_break());
        let is_over = stepper.rate.is_over(epoch + 1, history.chosen) || epoch + 1 == hyper.epochs;
        if flow.is_continue() && !is_over {
            let state = || State {
                parameters: snapshot_of(net),
                best: best.clone(),
                best_score: best_score.map(Into::into),
                order: order.clone(),
                rng: rng.clone(),
                epochs: history.epochs.iter().map(Into::into).collect(),
                chosen: history.chosen,
                stepper: stepper.kept(),
            };
            let flow = observe(Event::State(&state));
            history.stopped |= flow.is_break();
        }
        if history.stopped || is_over {
            break;
        }
    }
    if history.chosen > 0 {
        restore(net, &best);
    }
    Ok(history)
}

/// One pass over the images in `order`. The last mini-batch is smaller if the images run out.
struct Pass<'a> {
    cost: CostFunction,
    training: Samples<'a>,
    /// How images of which sizes are changed.
    augment: Option<(Augment, [usize; 3])>,
    epoch: u32,
    order: &'a [u32],
    seed: u64,
    executor: &'a Threads,
}

impl Pass<'_> {
    fn run(
        &self,
        net: &mut impl Module,
        memory: &mut [f32],
        stepper: &mut Stepper<'_>,
        rng: &mut XorShiftRng,
        progress: &mut impl FnMut(&[u32], usize) -> ControlFlow<()>,
    ) -> (Score, ControlFlow<()>) {
        let Self { cost, training, augment, epoch, order, seed, executor } = *self;
        let (layout, activation) = (net.layout(), net.activation());
        let mut batch = Batch::new(memory, layout);
        let delta = |a: &[f32], y: &[f32], delta: &mut [f32]| cost.delta(activation, a, y, delta);
        let mut tally = Tally::new(training);
        let mut flow = ControlFlow::Continue(());
        for (number, indices) in order.chunks(batch.len().max(1)).enumerate() {
            let mut batch = batch.first(indices.len());
            let fill = |number: usize, input: &mut [f32], target: &mut [f32]| {
                let index = indices[number];
                training.load_target(index as usize, target);
                let Some((augment, sizes)) = &augment else { return training.load(index as usize, input) };
                let random = augment::random(seed, epoch, index);
                let bytes: usize = sizes.iter().product();
                executor.scratch(bytes.div_ceil(size_of::<f32>()), |memory| {
                    let copy = memory.as_mut_bytes().get_mut(..bytes).unwrap_or_default();
                    training.load_augmented(index as usize, (augment, *sizes, random), copy, input);
                });
            };
            batch.fill(fill, executor);
            stepper.soften(&mut batch, executor);
            stepper.step(net, &delta, &mut batch, (epoch, number), rng, executor);
            for (image, &index) in indices.iter().enumerate() {
                // The greatest value of a softened target may be another's.
                let class = training.view().target(index as usize);
                let is_right =
                    matches!(class, Target::Class(class) if argmax(batch.output(image)) == usize::from(class));
                tally.count(is_right, |value| batch.cost(image, value), cost);
            }
            flow = progress(indices, tally.score.images);
            if flow.is_break() {
                break;
            }
        }
        (tally.score(), flow)
    }
}

/// Memory for a mini-batch of so many images.
///
/// # Errors
/// [`Error::Memory`].
pub fn batch_memory(net: &impl Module, images: usize) -> Result<Vec<f32>> {
    zeroed(net.layout().stride().saturating_mul(images))
}

/// Whether a network takes these images, and has an output for each of their classes.
pub(crate) fn check(net: &impl Module, set: Samples<'_>) -> Result<()> {
    let Layout { inputs, outputs, .. } = net.layout();
    check_sizes(inputs, outputs, set)
}

/// Whether a network takes images of digits and has an output for each of them: to be asked before data are loaded.
///
/// # Errors
/// [`Error::Sizes`].
pub fn check_digits(architecture: &Architecture) -> Result<()> {
    let (inputs, outputs) = (architecture.inputs(), architecture.outputs());
    if inputs == PIXELS && outputs >= CLASSES {
        return Ok(());
    }
    Err(Error::Sizes { inputs, outputs, pixels: PIXELS, classes: CLASSES })
}

/// Whether a network is one for these samples: to be asked before it is trained on some of them.
///
/// # Errors
/// [`Error::Sizes`].
pub fn check_samples(architecture: &Architecture, set: Samples<'_>) -> Result<()> {
    check_sizes(architecture.inputs(), architecture.outputs(), set)
}

/// Whether a network of so many inputs and outputs is one for these samples.
pub(crate) fn check_sizes(inputs: usize, outputs: usize, set: Samples<'_>) -> Result<()> {
    let (pixels, classes) = (set.shape().values(), set.outputs());
    let is_enough = if set.are_numbers() { classes == outputs } else { classes <= outputs };
    if set.is_empty() || pixels == inputs && is_enough {
        return Ok(());
    }
    Err(Error::Sizes { inputs, outputs, pixels, classes })
}

/// Measures a network on a set of images, by inference.
///
/// # Errors
/// [`Error::Memory`] and [`Error::Sizes`].
pub fn evaluate(net: &impl Module, cost: CostFunction, set: Samples<'_>, executor: &Threads) -> Result<Score> {
    Ok(score(&outputs(net, set, executor)?, cost, set))
}

/// Measures a network's outputs for a set of images.
pub fn score(outputs: &Outputs, cost: CostFunction, set: Samples<'_>) -> Score {
    let mut tally = Tally::new(set);
    let mut target = vec![0.0; outputs.classes];
    for (index, output) in outputs.iter().enumerate() {
        set.load_target(index, &mut target);
        tally.count(argmax(output) == argmax(&target), |value| value(output, &target), cost);
    }
    tally.score()
}

/// A network's output for each image, in order.
#[derive(Clone, Debug, PartialEq)]
pub struct Outputs {
    values: Vec<f32>,
    classes: usize,
}

impl Outputs {
    /// Of images with so many outputs each.
    pub fn new(values: Vec<f32>, classes: usize) -> Self {
        Self { values, classes }
    }

    /// How many outputs each has.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// Each image's output.
    pub fn iter(&self) -> std::slice::ChunksExact<'_, f32> {
        self.values.chunks_exact(self.classes.max(1))
    }

    /// Adds another network's outputs for the same images.
    pub fn add(&mut self, other: &Self) {
        self.values.iter_mut().zip(&other.values).for_each(|(sum, value)| *sum += value);
    }

    /// Makes means of sums.
    pub fn divide(&mut self, count: usize) {
        self.values.iter_mut().for_each(|sum| *sum /= count as f32);
    }

    /// The output of an image; empty if there is no such image.
    pub fn get(&self, image: usize) -> &[f32] {
        self.iter().nth(image).unwrap_or_default()
    }
}

/// A network's output for each image, in order.
///
/// # Errors
/// [`Error::Memory`] and [`Error::Sizes`]; [`Error::NotANumber`] for an output that is infinite or not a number.
pub fn outputs(net: &impl Module, set: Samples<'_>, executor: &Threads) -> Result<Outputs> {
    check(net, set)?;
    let classes = net.layout().outputs;
    let mut values = zeroed(set.len() * classes)?;
    // A thread needs memory for an image at least.
    drop(zeroed(net.ram())?);
    // Several pieces for each thread, but none so small that its images share less than they could.
    let share = |pieces: usize| set.len().div_ceil(pieces);
    let piece = share(executor.threads() * 4).max(TOGETHER.min(share(executor.threads()))).max(1);
    executor.run(|| {
        rayon::scope(|scope| {
            for (images, outputs) in set.chunks(piece).zip(values.chunks_mut(piece * classes.max(1))) {
                scope.spawn(move |_| infer(net, images, outputs, executor));
            }
        });
    });
    match values.iter().position(|value| !value.is_finite()) {
        Some(place) => Err(Error::NotANumber { sample: place / classes.max(1) }),
        None => Ok(Outputs { values, classes }),
    }
}

/// Images that go through a layer before the next layer: so many share what is read of its weights.
const TOGETHER: usize = 128;
/// The most values that they may have between them: of large images, fewer go together.
const TOGETHER_VALUES: usize = 1 << 23;

fn infer(net: &impl Module, images: Samples<'_>, outputs: &mut [f32], executor: &Threads) {
    let (stride, Layout { inputs, outputs: classes, .. }) = (net.ram().max(1), net.layout());
    let together = TOGETHER.min(TOGETHER_VALUES / stride).min(images.len()).max(1);
    let mut memory = vec![0.0; stride * together];
    for (images, outputs) in images.chunks(together).zip(outputs.chunks_mut(together * classes.max(1))) {
        let memory = &mut memory[..stride * images.len()];
        for (image, place) in memory.chunks_exact_mut(stride).enumerate() {
            images.load(image, &mut place[..inputs]);
        }
        let output = net.infer(Images::new(memory, stride), &Alone(executor));
        for (place, result) in outputs.chunks_exact_mut(classes.max(1)).zip(memory.chunks_exact(stride)) {
            place.copy_from_slice(&result[output..output + classes]);
        }
    }
}

/// Puts `order` in a random one (Fisher-Yates).
pub(crate) fn shuffle(order: &mut [u32], rng: &mut impl Rng) {
    for last in (1..order.len()).rev() {
        // A 32-bit number scaled to 0..=last; the bias is below one in 70,000 for MNIST's sizes.
        let other = (u64::from(rng.next_u32()) * (last as u64 + 1)) >> 32;
        order.swap(last, other as usize);
    }
}

fn is_finite(net: &impl Module) -> bool {
    let mut finite = true;
    net.visit(&mut |_, run| finite &= run.iter().all(|value| value.is_finite()));
    finite
}

/// Σw², biases left out.
fn weights_squared(net: &impl Module) -> f64 {
    let mut sum = 0.0;
    net.visit(&mut |kind, run| {
        if kind == Parameters::Weights {
            sum += run.iter().map(|&weight| f64::from(weight) * f64::from(weight)).sum::<f64>();
        }
    });
    sum
}

/// All parameters.
fn snapshot_of(net: &impl Module) -> Vec<f32> {
    let mut values = Vec::new();
    snapshot(net, &mut values);
    values
}

/// How many parameters a network has, statistics included.
fn parameters(net: &impl Module) -> usize {
    let mut count = 0;
    net.visit(&mut |_, run| count += run.len());
    count
}

/// Puts all parameters into `values`, in place of what it holds.
pub(crate) fn snapshot(net: &impl Module, values: &mut Vec<f32>) {
    values.clear();
    net.visit(&mut |_, run| values.extend_from_slice(run));
}

/// Gives a network the parameters of a [`snapshot`].
pub(crate) fn restore(net: &mut impl Module, mut values: &[f32]) {
    net.visit_mut(&mut |_, run| {
        if let Some((these, rest)) = values.split_at_checked(run.len()) {
            run.copy_from_slice(these);
            values = rest;
        }
    });
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::architecture::Shape;
    use crate::data::{Image, Sample, View, digits};
    use crate::executor::Vectors;
    use crate::nets;
    use crate::network::Network;

    /// Some images of ten classes, and these.
    pub(crate) fn twenty_images() -> (Vec<Image>, Vec<u16>) {
        let image = |seed| std::array::from_fn(|pixel| (pixel * seed % 251) as u8);
        ((0..20).map(image).collect(), (0..20).map(|label| label % 10).collect())
    }

    #[test]
    fn an_output_that_is_no_number_is_no_answer() {
        let (images, labels) = twenty_images();
        let set = digits(&images, &labels);
        let executor = Threads::new(1, Vectors::detect()).unwrap();
        let net = nets::find("784: dense 10 relu, dense 10 softmax", None).unwrap();
        let mut network = Network::zeroed(&net).unwrap();
        network.parameters_mut().fill(3e38);
        assert!(matches!(outputs(&network, set, &executor), Err(Error::NotANumber { .. })));
        let none = set.split_at(0).0;
        assert_eq!(outputs(&network, none, &executor).unwrap().iter().count(), 0);
    }

    #[test]
    fn a_batch_of_no_images_is_one_of_one() {
        let (images, labels) = twenty_images();
        let set = digits(&images, &labels);
        let executor = Threads::new(1, Vectors::detect()).unwrap();
        let net = nets::find("784-10", None).unwrap();
        let [none, one] = [0, 1].map(|batch| {
            let mut network = Network::zeroed(&net).unwrap();
            let hyper = Hyper { epochs: 2, batch, ..Hyper::default() };
            train(&mut network, net.cost, set, set, &hyper, &executor, &mut |_| ControlFlow::Continue(())).unwrap();
            network.weight_hash()
        });
        assert_eq!(none, one);
    }

    #[test]
    fn divergence_blames_what_caused_it() {
        let (images, labels) = twenty_images();
        let set = digits(&images, &labels);
        let executor = Threads::new(1, Vectors::detect()).unwrap();
        let net = nets::find("784: dense 5 relu, dense 10 softmax", None).unwrap();
        let sgd = Hyper { epochs: 20, ..Hyper::default() };
        let per_batch = Regularization::PerBatch;
        for (hyper, words) in [
            (
                Hyper { lambda: 1e10, ..sgd.clone() },
                "times each weight from it; nothing was written: try a smaller --lambda",
            ),
            // λ of 20 images is harmless, of two mini-batches it is not.
            (Hyper { lambda: 1000.0, eta: 0.1, regularization: per_batch, ..sgd.clone() }, "try a smaller --lambda"),
            (Hyper { optimizer: Optimizer::adamw(1e9), ..sgd.clone() }, "try a smaller --weight-decay"),
            (
                Hyper { eta: 1e30, lambda: 0.0, ..sgd },
                "at learning rate 1e30; nothing was written: try a smaller --eta",
            ),
        ] {
            let mut network = Network::zeroed(&net).unwrap();
            let go_on = &mut |_: Event<'_>| ControlFlow::Continue(());
            let error = train(&mut network, net.cost, set, set, &hyper, &executor, go_on).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
    }

    #[test]
    fn stopping_early_needs_images_that_validate() {
        let (images, labels) = twenty_images();
        let set = digits(&images, &labels);
        let executor = Threads::new(1, Vectors::detect()).unwrap();
        let net = nets::find("784-10", None).unwrap();
        let mut network = Network::zeroed(&net).unwrap();
        let hyper = Hyper { patience: Some(3), ..Hyper::default() };
        let (none, go_on) = (set.split_at(0).0, &mut |_: Event<'_>| ControlFlow::Continue(()));
        let error = train(&mut network, net.cost, set, none, &hyper, &executor, go_on).unwrap_err().to_string();
        assert!(error.starts_with("--early-stopping needs validation samples, and there are none"), "{error}");
    }

    #[test]
    fn augmented_training_has_one_hash() {
        let (images, labels) = twenty_images();
        let set = digits(&images, &labels);
        let net = nets::find("784: dense 10 softmax", None).unwrap();
        let ranges = Augment { shift: 2.0, rotate: 10.0, elastic: 3.0, ..Augment::NONE };
        let hash = |augment, epochs, threads| {
            let executor = Threads::new(threads, Vectors::detect()).unwrap();
            let mut network = Network::zeroed(&net).unwrap();
            let hyper = Hyper { epochs, augment, ..Hyper::default() };
            // Without validation images the last epoch is kept.
            let none = set.split_at(0).0;
            train(&mut network, net.cost, set, none, &hyper, &executor, &mut |_| ControlFlow::Continue(())).unwrap();
            network.weight_hash()
        };
        let plain = hash(None, 2, 1);
        assert_eq!(hash(Some(Augment::NONE), 2, 1), plain);
        let augmented = hash(Some(ranges), 2, 1);
        assert_ne!(augmented, plain);
        assert_eq!([2, 3].map(|threads| hash(Some(ranges), 2, threads)), [augmented; 2]);
    }

    #[test]
    fn only_images_of_bytes_are_augmented() {
        let net = nets::find("4: dense 2 softmax", None).unwrap();
        let executor = Threads::new(1, Vectors::detect()).unwrap();
        let (image, signal) =
            (Shape::Image { height: 2, width: 2, channels: 1 }, Shape::Image { height: 4, width: 1, channels: 1 });
        let bytes = Sample::Bytes(&[0; 8]);
        for (shape, values, is_one) in [
            (image, bytes, true),
            (signal, bytes, false),
            (Shape::Vector(4), bytes, false),
            (image, Sample::Floats(&[0.0; 8]), false),
        ] {
            let set = Samples::new(View::of_classes(shape, values, &[0, 1]).unwrap(), Normalization::PIXELS);
            let mut network = Network::zeroed(&net).unwrap();
            let hyper = Hyper { epochs: 1, augment: Some(Augment::NONE), ..Hyper::default() };
            let result = train(&mut network, net.cost, set, set, &hyper, &executor, &mut |_| ControlFlow::Continue(()));
            match result {
                Ok(_) => assert!(is_one, "{shape}"),
                Err(error) => assert!(!is_one && error.to_string().starts_with("only images of bytes"), "{error}"),
            }
        }
    }

    #[test]
    fn only_networks_of_digits_are_trained_on_digits() {
        for (text, is_one) in [
            ("784: dense 10 softmax", true),
            ("28x28x1: flatten, dense 12 softmax", true),
            ("783: dense 10 softmax", false),
            ("14x14x1: flatten, dense 10 softmax", false),
            ("784: dense 9 softmax", false),
        ] {
            assert_eq!(check_digits(&Architecture::parse(text).unwrap()).is_ok(), is_one, "{text}");
        }
    }

    /// Trains a network of this text on the twenty images.
    fn trained(text: &str, labels: &[u16], hyper: &Hyper, executor: &Threads) -> Result<(Network, History)> {
        let (images, _) = twenty_images();
        let set = digits(&images, labels);
        let net = nets::find(text, None)?;
        let mut network = Network::zeroed(&net)?;
        let history = train(&mut network, net.cost, set, set, hyper, executor, &mut |_| ControlFlow::Continue(()))?;
        Ok((network, history))
    }

    const CONV: &str = "28x28x1: conv5x5 4 maxpool2 relu, flatten, dropout 20, dense 10 softmax";
    /// One whose weights are shared among threads.
    const LARGE: &str = "784: dense 50 relu, dense 10 softmax";

    #[test]
    fn every_setting_gives_the_same_bits_with_any_threads_and_vectors() {
        let (_, labels) = twenty_images();
        let one = Threads::new(1, Vectors::Baseline).unwrap();
        let plain = Hyper { epochs: 3, batch: 7, init: Init::He, ..Hyper::default() };
        let teacher = |text| trained(text, &labels, &plain, &one).unwrap().0;
        let hyper = Hyper {
            optimizer: Optimizer::ADAM,
            eta: 0.01,
            schedule: Schedule::Cosine,
            warmup: 0.5,
            smoothing: 0.1,
            average: Some(0.9),
            lambda: 0.1,
            l1: 0.01,
            clip: 0.5,
            distillation: Some(Distillation {
                teachers: Teachers::new(vec![teacher(LARGE), teacher(CONV)]),
                temperature: 2.0,
                share: 0.7,
            }),
            ..plain.clone()
        };
        for text in [CONV, LARGE] {
            let hash =
                |hyper: &Hyper, executor: &Threads| trained(text, &labels, hyper, executor).unwrap().0.weight_hash();
            let expected = hash(&hyper, &one);
            for vectors in [Vectors::Baseline, Vectors::Avx2, Vectors::Avx512] {
                for threads in [1, 2, 3] {
                    let executor = Threads::new(threads, vectors).unwrap();
                    assert_eq!(hash(&hyper, &executor), expected, "{text}: {threads} threads, {vectors:?}");
                }
            }
            // Each of them matters.
            for other in [
                Hyper { optimizer: Optimizer::adamw(0.1), lambda: 0.0, ..hyper.clone() },
                Hyper { schedule: Schedule::Geometric, ..hyper.clone() },
                Hyper { warmup: 0.0, ..hyper.clone() },
                Hyper { smoothing: 0.0, ..hyper.clone() },
                Hyper { average: None, ..hyper.clone() },
                Hyper { l1: 0.0, ..hyper.clone() },
                Hyper { clip: 0.0, ..hyper.clone() },
                Hyper { distillation: None, ..hyper.clone() },
            ] {
                assert_ne!(hash(&other, &one), expected, "{other:?}");
            }
        }
    }

    #[test]
    fn a_pupil_learns_what_its_teacher_says() {
        let executor = Threads::new(1, Vectors::detect()).unwrap();
        let (_, labels) = twenty_images();
        let others: Vec<u16> = labels.iter().map(|label| (label + 1) % 10).collect();
        let hyper = Hyper { epochs: 60, eta: 0.01, optimizer: Optimizer::ADAM, init: Init::He, ..Hyper::default() };
        let (teacher, history) = trained(LARGE, &others, &hyper, &executor).unwrap();
        assert_eq!(history.chosen().unwrap().validation.unwrap().right, 20);
        // How many are told as the labels say, while the last epoch goes on.
        let taught = |share| {
            let teachers = Teachers::new(vec![teacher.clone()]);
            let distillation = Some(Distillation { teachers, temperature: 2.0, share });
            let (_, history) = trained(LARGE, &labels, &Hyper { distillation, ..hyper.clone() }, &executor).unwrap();
            history.epochs.last().unwrap().training.right
        };
        assert_eq!((taught(0.0), taught(1.0)), (20, 0));
    }

    #[test]
    fn settings_that_do_not_go_together() {
        let executor = Threads::new(1, Vectors::detect()).unwrap();
        let (_, labels) = twenty_images();
        let plain = Hyper { epochs: 2, ..Hyper::default() };
        let teacher = trained("784: dense 10 sigmoid", &labels, &plain, &executor).unwrap().0;
        let distillation = |teachers| Distillation { teachers: Teachers::new(teachers), temperature: 2.0, share: 0.5 };
        for (hyper, words) in [
            (Hyper { schedule: Schedule::Halving, ..plain.clone() }, "needs --early-stopping"),
            (Hyper { optimizer: Optimizer::adamw(0.1), lambda: 1.0, ..plain.clone() }, "in the place of --lambda"),
            (Hyper { warmup: 2.0, ..plain.clone() }, "--warmup takes all epochs"),
            (Hyper { distillation: Some(distillation(vec![])), ..plain.clone() }, "needs a softmax"),
            (Hyper { distillation: Some(distillation(vec![teacher])), ..plain.clone() }, "needs a softmax"),
        ] {
            let error = trained(LARGE, &labels, &hyper, &executor).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
    }
}
