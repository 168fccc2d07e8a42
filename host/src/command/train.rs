//! `host train`

use super::checkpoint::{Keeper, Order, fingerprint};
use super::{
    Parts, Resources, accuracy, catch_ctrl_c, check_output, counted, grouped, noun, percent, print, print_json,
    progress_bar, score, short,
};
use clap::{Args, ValueEnum};
use indicatif::ProgressBar;
use minnet::activation::Function;
use minnet::augment::Augment;
use minnet::model::Metadata;
use minnet::op::Op;
use minnet::prelude::{Executor, Init, Optimizer, Regularization};
use minnet_host::architecture::Shape;
use minnet_host::augment;
use minnet_host::batch_norm;
use minnet_host::data::Data;
use minnet_host::description::Description;
use minnet_host::error::{Error, Result};
use minnet_host::executor::Threads;
use minnet_host::file::{self, Claim};
use minnet_host::model::File;
use minnet_host::nets::{self, Net};
use minnet_host::network::Network;
use minnet_host::plot::{self, EpochStats, training_curve};
use minnet_host::report;
use minnet_host::samples::Samples;
use minnet_host::search::Judgement;
use minnet_host::shell;
use minnet_host::train::{self, Distillation, Epoch, Event, History, Hyper, Schedule, Score, Teachers};
use serde::Serialize;
use std::fmt::Write;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

#[derive(Args)]
#[command(allow_negative_numbers = true)]
pub struct Arguments {
    /// The network: a name (`host nets` lists them), or a text such as "784: dense 30 sigmoid, dense 10 softmax"
    /// (`host nets --help` says what may stand in it) [default: conv20-conv40-100-10-relu for digits, else one made for
    /// the data]
    #[arg(long, value_name = "NAME|TEXT")]
    net: Option<String>,
    /// Without --net: what a sample is to be, such as 32x32x3; pictures are scaled to it, and made gray or coloured
    #[arg(long, value_name = "SHAPE", conflicts_with = "net")]
    shape: Option<Shape>,
    /// The cost: quadratic, cross-entropy, or log-likelihood [default: the network's first]
    #[arg(long, value_name = "COST")]
    cost: Option<String>,
    /// How weights start [default: he for ReLU networks, else fan-in]
    #[arg(long, value_enum)]
    init: Option<InitArgument>,
    /// Passes over the training samples [default: 8 for the default network, else 30, up to 200 for few samples, and
    /// down to 5 where a network made for the data would take long]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    epochs: Option<u32>,
    /// Images in a mini-batch
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = batch)]
    batch: usize,
    /// The learning rate η [default: 0.08 for the default network, 0.03 for others with ReLU or convolutions, 0.01 for
    /// numbers, else 0.5; a tenth of these with momentum, and 0.001 with adam and adamw]
    #[arg(long, value_name = "RATE", value_parser = positive)]
    eta: Option<f32>,
    /// η of the last epoch, approached as --schedule says [default: 0.001 for the default network and 0.0005 for numbers, if
    /// neither --eta, --schedule nor --optimizer is given; else 0 with --schedule cosine, and as --eta without]
    #[arg(long, value_name = "RATE", value_parser = positive)]
    final_eta: Option<f32>,
    /// How η changes [default: geometric with --final-eta, else constant]
    #[arg(long, value_enum)]
    schedule: Option<ScheduleArgument>,
    /// So many epochs, such as 0.5, in which η grows from 0, mini-batch by mini-batch
    #[arg(long, value_name = "EPOCHS", default_value_t = 0.0, value_parser = not_negative)]
    warmup: f32,
    /// How a gradient becomes a step
    #[arg(long, value_enum, default_value = "sgd")]
    optimizer: OptimizerArgument,
    /// What --optimizer momentum and nesterov keep of the last step [default: 0.9]
    #[arg(long, value_name = "SHARE", value_parser = share)]
    momentum: Option<f32>,
    /// What --optimizer adamw takes off each weight, times η, in each step [default: 0.01]
    #[arg(long, value_name = "LAMBDA", value_parser = not_negative)]
    weight_decay: Option<f32>,
    /// Shorten a mini-batch's gradient to this norm if it is longer
    #[arg(long, value_name = "NORM", value_parser = positive)]
    clip: Option<f32>,
    /// The strength λ of L2 regularization
    #[arg(long, value_name = "LAMBDA", default_value_t = 0.0, value_parser = not_negative)]
    lambda: f32,
    /// The strength λ of L1 regularization
    #[arg(long, value_name = "LAMBDA", default_value_t = 0.0, value_parser = not_negative)]
    l1: f32,
    /// What both λ are divided by: training images (network2.py) or mini-batches (network3.py)
    #[arg(long, value_enum, default_value = "per-image")]
    l2: L2Argument,
    /// Divide this share of each target among all classes
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = share)]
    label_smoothing: f32,
    /// Measure and keep an average of the weights, which keeps this share of itself in each mini-batch, such as 0.999
    #[arg(long, value_name = "SHARE", value_parser = share)]
    average: Option<f32>,
    /// Learn from the outputs of these models too, float ones for the same data
    #[arg(long, value_name = "MODEL", num_args = 1..)]
    teacher: Vec<PathBuf>,
    /// What softens the teachers' outputs: each p becomes p^(1/T), over their sum
    #[arg(long, value_name = "T", default_value_t = 2.0, value_parser = positive, requires = "teacher")]
    temperature: f32,
    /// The teachers' share of the target; the rest is the sample's own
    #[arg(long, value_name = "SHARE", default_value_t = 0.9, value_parser = whole_share, requires = "teacher")]
    teacher_share: f32,
    /// Take the images in the same order in every epoch, as network3.py does
    #[arg(long)]
    no_shuffle: bool,
    /// Change each training image anew in each epoch, by up to so much: shift (pixels), rotate (degrees), scale (percent),
    /// shear (degrees), elastic (pixels; its sigma, in pixels, is 4), such as "shift 2, rotate 10, elastic 4"; `host data
    /// --augment` shows them
    #[arg(long, value_name = "CHANGES", value_parser = augment::parse)]
    augment: Option<Augment>,
    /// While training, normalize each hidden layer's sums over a mini-batch (batch normalization); in the end it is folded
    /// into the weights, and the model knows nothing of it
    #[arg(long)]
    batch_norm: bool,
    /// With --batch-norm: in the last N epochs, normalize by the running means and deviations, as the model will
    #[arg(long, value_name = "N", default_value_t = 0, requires = "batch_norm", hide_default_value = true)]
    freeze_norm: u32,
    /// Stop after N epochs in a row without a better validation accuracy, or halve η with --schedule halving
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    early_stopping: Option<u32>,
    /// Train on the first N of the training images only
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    images: Option<u32>,
    /// Train on the validation images too, with settings chosen before; the weights of the last epoch are kept
    #[arg(long, conflicts_with_all = ["images", "early_stopping"])]
    no_validation: bool,
    /// Do not read the test images: they are for figures to be reported, not for choosing
    #[arg(long)]
    no_test: bool,
    /// After each epoch measure the training images too (else: as they were met, dropout and all)
    #[arg(long)]
    monitor_training: bool,
    /// The seed of all random numbers; the same seed gives the same bits
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// The model to write; the training curve goes beside it, as .svg and .png
    #[arg(long, value_name = "FILE", default_value = "digits.minnet")]
    out: PathBuf,
    /// Replace a curve of that name even if Minnet did not draw it
    #[arg(long)]
    force: bool,
    /// Where to keep what a training that is cut short goes on from [default: the model's name with .checkpoint]; it is
    /// removed at the end
    #[arg(long, value_name = "FILE")]
    checkpoint: Option<PathBuf>,
    /// Keep that after each N epochs [default: after an epoch that ends ten seconds or more after the last]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) every: Option<u32>,
    /// Go on with a training that was cut short; the checkpoint knows all else
    #[arg(long, value_name = "CHECKPOINT", exclusive = true)]
    resume: Option<PathBuf>,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    resources: Resources,
}

#[derive(Clone, Copy, ValueEnum)]
enum InitArgument {
    /// 1/√n_in, biases 1: the book's chapter 3
    FanIn,
    /// Weights and biases 1: the book's chapter 1
    Large,
    /// 1/√n_out, the softmax layer 0: network3.py
    Network3,
    /// √(2/n_in), biases 0: made for ReLU
    He,
}

#[derive(Clone, Copy, ValueEnum)]
enum L2Argument {
    PerImage,
    PerBatch,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum OptimizerArgument {
    /// Plain gradient descent: the book's
    Sgd,
    /// Momentum: the book's chapter 3
    Momentum,
    /// Nesterov's momentum
    Nesterov,
    /// Adam
    Adam,
    /// Adam with decoupled weight decay
    Adamw,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ScheduleArgument {
    /// It stays
    Constant,
    /// To --final-eta, epoch by epoch in equal ratios
    Geometric,
    /// To --final-eta or 0, mini-batch by mini-batch along half a cosine
    Cosine,
    /// Halved after --early-stopping epochs without a better validation accuracy, down to 1/128: the book's chapter 3
    Halving,
}

pub fn positive(text: &str) -> std::result::Result<f32, String> {
    number(text, |value| value > 0.0, "a number above 0")
}

pub fn not_negative(text: &str) -> std::result::Result<f32, String> {
    number(text, |value| value >= 0.0, "0 or a number above it")
}

fn share(text: &str) -> std::result::Result<f32, String> {
    number(text, |value| (0.0..1.0).contains(&value), "0 or a number above it that is less than 1")
}

fn whole_share(text: &str) -> std::result::Result<f32, String> {
    number(text, |value| (0.0..=1.0).contains(&value), "a number from 0 to 1")
}

fn number(text: &str, accept: impl Fn(f32) -> bool, what: &str) -> std::result::Result<f32, String> {
    match text.parse::<f32>() {
        Ok(value) if value.is_finite() && accept(value) => Ok(value),
        _ => Err(format!("give {what}")),
    }
}

fn batch(text: &str) -> std::result::Result<usize, String> {
    text.parse().ok().filter(|images| (1..=10_000).contains(images)).ok_or("give a number from 1 to 10,000".into())
}

/// Multiplications that all passes of a network's inference may come to, if nobody has named network or epochs.
const MACS: usize = 200_000_000_000;

impl Arguments {
    /// Whether flags go together that need no data for it.
    fn check(&self) -> Result<()> {
        use OptimizerArgument::{Adamw, Momentum, Nesterov};
        use ScheduleArgument::{Constant, Geometric};
        let is_momentum = matches!(self.optimizer, Momentum | Nesterov);
        for (is_wrong, problem) in [
            (self.momentum.is_some() && !is_momentum, "--momentum is for --optimizer momentum and nesterov"),
            (
                self.weight_decay.is_some() && self.optimizer != Adamw,
                "--weight-decay is for --optimizer adamw; the others have --lambda",
            ),
            (
                self.schedule == Some(Constant) && self.final_eta.is_some(),
                "--schedule constant has no --final-eta: leave out one of them",
            ),
            (
                self.schedule == Some(Geometric) && self.final_eta.is_none(),
                "--schedule geometric needs --final-eta: where to go",
            ),
        ] {
            if is_wrong {
                return Err(Error::Settings { problem });
            }
        }
        Ok(())
    }

    /// Where checkpoints go.
    pub(super) fn checkpoint(&self) -> PathBuf {
        let beside = || {
            let mut name = self.out.clone().into_os_string();
            name.push(".checkpoint");
            name.into()
        };
        self.checkpoint.clone().unwrap_or_else(beside)
    }

    /// The curve's name without its ending: the model's. A point may stand in it, as in eta-0.1.
    fn stem(&self) -> PathBuf {
        if self.out.extension().is_some_and(|extension| extension == "minnet") {
            self.out.with_extension("")
        } else {
            self.out.clone()
        }
    }

    fn optimizer(&self) -> Optimizer {
        let momentum = self.momentum.unwrap_or(0.9);
        match self.optimizer {
            OptimizerArgument::Sgd => Optimizer::Sgd,
            OptimizerArgument::Momentum => Optimizer::Momentum { momentum },
            OptimizerArgument::Nesterov => Optimizer::Nesterov { momentum },
            OptimizerArgument::Adam => Optimizer::ADAM,
            OptimizerArgument::Adamw => Optimizer::adamw(self.weight_decay.unwrap_or(0.01)),
        }
    }

    /// The teachers, if there are some, each of which takes what the network takes and gives what it gives.
    fn distillation(&self, net: &Net, description: &Description, data: &Data) -> Result<Option<Distillation>> {
        if self.teacher.is_empty() {
            return Ok(None);
        }
        let load = |path: &PathBuf| {
            let file = File::read(path)?;
            let (teacher, own) = (file.net()?.architecture, file.description()?);
            let pupil = &net.architecture;
            let refused = |what| Err(Error::Teacher { path: path.clone(), what });
            if file.width()?.is_some() {
                return refused("its weights are integers; name the float model that it was made of".into());
            }
            if (teacher.inputs(), teacher.outputs()) != (pupil.inputs(), pupil.outputs()) {
                return refused(format!(
                    "it takes {} and gives {} values, the network takes {} and gives {}; name a model for the same data",
                    teacher.input(),
                    teacher.outputs(),
                    pupil.input(),
                    pupil.outputs()
                ));
            }
            if teacher.activation() != Function::Softmax {
                return refused(format!("it does not end in a softmax ({teacher}); name a model that does"));
            }
            if own.classes != description.classes {
                return refused(format!(
                    "its classes are {}, those of the data {}; name a model for the same data",
                    list(&own.classes, pupil.outputs()),
                    list(&description.classes, pupil.outputs())
                ));
            }
            if own.normalization() != description.normalization() {
                return refused("its input is normalized otherwise than these data; train it on the same data".into());
            }
            super::compare_data(&own, data);
            file.network()
        };
        let teachers = Teachers::new(self.teacher.iter().map(load).collect::<Result<_>>()?);
        Ok(Some(Distillation { teachers, temperature: self.temperature, share: self.teacher_share }))
    }

    fn hyper(&self, net: &Net, samples: usize, distillation: Option<Distillation>) -> Hyper {
        let layers = net.architecture.layers();
        let is_relu = layers.iter().any(|op| op.activation() == Function::Relu);
        let is_conv = layers.iter().any(|op| matches!(op, Op::Conv(_)));
        // Chosen on the validation images, over seeds 1 to 3.
        // Few samples take more passes; a network of ours takes no more of them than some minutes have room for.
        let affordable = MACS / (samples.max(1) * net.architecture.macs().max(1));
        let affordable = if self.net.is_none() { affordable.max(5) } else { usize::MAX };
        let passes = (400_000 / samples.max(1)).clamp(30, 200).min(affordable) as u32;
        let (epochs, eta, final_eta) = match net.name.as_str() {
            nets::DEFAULT => (8, 0.08, Some(0.001)),
            _ if net.architecture.activation() == Function::Identity => (passes, 0.01, Some(0.0005)),
            _ if is_conv || is_relu => (passes, 0.03, None),
            _ => (passes, 0.5, None),
        };
        let optimizer = self.optimizer();
        let eta = match optimizer {
            Optimizer::Sgd => eta,
            // Each gradient counts ten times, in this step and in those to come.
            Optimizer::Momentum { .. } | Optimizer::Nesterov { .. } => 0.1 * eta,
            Optimizer::Adam { .. } => 0.001,
        };
        // A rate, an optimizer or a schedule of the user's own comes without a schedule of ours.
        let is_ours = self.eta.is_none() && self.schedule.is_none() && optimizer == Optimizer::Sgd;
        Hyper {
            epochs: self.epochs.unwrap_or(epochs),
            batch: self.batch,
            eta: self.eta.unwrap_or(eta),
            final_eta: self.final_eta.or(final_eta.filter(|_| is_ours)),
            lambda: self.lambda,
            regularization: match self.l2 {
                L2Argument::PerImage => Regularization::PerImage,
                L2Argument::PerBatch => Regularization::PerBatch,
            },
            init: match self.init {
                Some(InitArgument::FanIn) => Init::FanIn,
                Some(InitArgument::Large) => Init::Large,
                Some(InitArgument::Network3) => Init::Network3,
                Some(InitArgument::He) => Init::He,
                None if is_relu => Init::He,
                None => Init::FanIn,
            },
            shuffle: !self.no_shuffle,
            augment: self.augment,
            seed: self.seed,
            ties_by_cost: true,
            patience: self.early_stopping,
            monitor_training: self.monitor_training,
            freeze_norm: self.freeze_norm,
            optimizer,
            schedule: match self.schedule {
                None | Some(ScheduleArgument::Constant | ScheduleArgument::Geometric) => Schedule::Geometric,
                Some(ScheduleArgument::Cosine) => Schedule::Cosine,
                Some(ScheduleArgument::Halving) => Schedule::Halving,
            },
            warmup: self.warmup,
            smoothing: self.label_smoothing,
            average: self.average,
            l1: self.l1,
            clip: self.clip.unwrap_or(0.0),
            widths: layers.iter().filter(|op| op.weights() > 0).map(|op| op.bits()).collect(),
            distillation,
        }
    }
}

/// The names of classes, the first of them.
fn list(classes: &[String], count: usize) -> String {
    match classes {
        [] => format!("the numbers to {}", count.saturating_sub(1)),
        [..] if classes.len() > 5 => format!("{}, …", classes[..5].join(", ")),
        [..] => classes.join(", "),
    }
}

/// What `--json` prints.
#[derive(Serialize)]
pub(super) struct Outcome {
    net: Net,
    seed: u64,
    /// Those that are off are left out.
    settings: Hyper,
    history: History,
    /// The validation samples, with the weights that were kept; none if there are no such samples.
    validation: Option<Score>,
    /// The test samples; none if there are no such samples.
    test: Option<Score>,
    weight_hash: String,
    seconds: f64,
    model: PathBuf,
    curve: [PathBuf; 2],
    /// What a training that was stopped goes on from.
    #[serde(skip_serializing_if = "Option::is_none")]
    checkpoint: Option<PathBuf>,
    /// What `--data` named.
    data: Option<PathBuf>,
    /// The same, and how it is read, as words of a command.
    #[serde(skip)]
    source: Vec<String>,
}

pub fn run(arguments: Arguments) -> Result<()> {
    let order = match arguments.resume {
        Some(path) => Order::resumed(path)?,
        None => Order::new(arguments, super::words()),
    };
    let is_json = order.arguments.json;
    let stop = Arc::new(AtomicBool::new(false));
    catch_ctrl_c(&stop, "measuring and saving what has been learned")?;
    let outcome = outcome(order, &stop)?;
    if is_json { print_json(&outcome) } else { print(&outcome.text()) }
}

/// Trains until it is done, or told to stop.
pub(super) fn outcome(order: Order, stop: &Arc<AtomicBool>) -> Result<Outcome> {
    let arguments = &order.arguments;
    arguments.check()?;
    let cost = arguments.cost.as_deref();
    let net = arguments.net.as_deref().map(|net| nets::find(net, cost)).transpose()?;
    // What cannot be written is said before the minutes of training, not after.
    let stem = arguments.stem();
    if arguments.out.extension().is_some_and(|extension| extension == "svg" || extension == "png") {
        return Err(Error::ModelName { path: arguments.out.clone() });
    }
    for path in [Some(&arguments.out), arguments.resources.source.data.as_ref()].into_iter().flatten() {
        if arguments.json && path.to_str().is_none() {
            return Err(Error::NotText { path: path.clone() });
        }
    }
    check_output(&arguments.out, "--out")?;
    for path in &plot::paths(&stem) {
        check_output(path, "--out")?;
        file::check_drawing(path, arguments.force)?;
    }
    check_output(&arguments.checkpoint(), "--checkpoint")?;
    let claim = Claim::of(&arguments.out)?;
    let keeper = order.keeper()?;
    let executor = arguments.resources.executor()?;
    let data = arguments.resources.source.open(net.as_ref().map(|net| net.architecture.input()).or(arguments.shape))?;
    let net = match net {
        Some(net) => net,
        None => nets::find(&nets::for_data(&data), cost)?,
    };
    let description = Description::of(&data)?;
    let distillation = arguments.distillation(&net, &description, &data)?;
    let hyper = arguments.hyper(&net, data.train().len(), distillation);
    let outcome = Run { hyper, order, keeper, data, description, executor, stop, stem }.run(net);
    drop(claim);
    outcome
}

struct Run<'a> {
    order: Order,
    keeper: Keeper,
    hyper: Hyper,
    data: Data,
    description: Description,
    executor: Threads,
    stop: &'a AtomicBool,
    stem: PathBuf,
}

impl Run<'_> {
    fn run(self, net: Net) -> Result<Outcome> {
        let Self { mut order, keeper, hyper, data, description, executor, stop, stem } = self;
        let arguments = &order.arguments;
        let parts = Parts::of(&data, &description);
        let Parts { training, validation, test, all } =
            if arguments.no_validation { parts.without_validation() } else { parts };
        let test = if arguments.no_test { test.split_at(0).0 } else { test };
        train::check_samples(&net.architecture, all)?;
        let (training, _) = training.split_at(arguments.images.map_or(training.len(), |images| images as usize));
        let start = std::time::Instant::now();
        let architecture = net.architecture.to_string();
        // A network without a name has its text for one.
        if net.name == architecture {
            report!("{architecture}")
        } else {
            report!("{}: {architecture}", net.name)
        }
        let noun = noun(data.shape());
        report!(
            "{} training {noun}, {} validation {noun}, {}, seed {}",
            grouped(training.len()),
            grouped(validation.len()),
            counted(executor.threads(), "thread"),
            hyper.seed
        );

        if validation.is_empty() && !arguments.no_validation {
            report!("note: no {noun} validate, so that the weights of the last epoch are kept; give more with --data");
        }

        let samples = [training.len(), validation.len()];
        let fingerprint = fingerprint(&architecture, &hyper, description.data, samples)?;
        let state = order.state(fingerprint)?;
        let arguments = &order.arguments;
        let mut network = Network::zeroed(&net)?;
        let mut observer = Observer::new(&hyper, training, stop, keeper.of(fingerprint));
        let observe = &mut |event: Event<'_>| observer.observe(event);
        // Numbers are learned in units of their deviation; then the last layer is brought back to theirs.
        let is_plain = |op: &Op| matches!(op, Op::Dense(dense) if dense.activation == Function::Identity);
        let scales = match net.architecture.layers().last() {
            Some(op) if is_plain(op) => training.scales(),
            _ => Vec::new(),
        };
        let units = [training, validation].map(|set| set.scaled(&scales));
        let history = if arguments.batch_norm {
            let mut layers = batch_norm::normalized(&network)?;
            let history = train::train_from(state, &mut layers, net.cost, units, &hyper, &executor, observe)?;
            batch_norm::fold(&layers, &mut network);
            history
        } else {
            train::train_from(state, &mut network, net.cost, units, &hyper, &executor, observe)?
        };
        network.scale_outputs(&scales);
        let measure = |set: Samples<'_>| -> Result<Option<Score>> {
            let score = train::evaluate(&network, net.cost, set, &executor)?;
            Ok(Some(score).filter(|_| !set.is_empty()))
        };
        let (kept, test) = (measure(validation)?, measure(test)?);

        let metadata = Metadata {
            cost: short(net.cost.name()),
            seed: hyper.seed,
            epochs: history.chosen,
            training_images: training.len() as u32,
            validation_accuracy: accuracy(kept),
            test_accuracy: accuracy(test),
            command: short(&format!("host {}", shell::line(&order.words))),
            ..Metadata::default()
        };
        save_somewhere(&arguments.out, &|path| network.save(path, &metadata, &description))?;
        let weight_hash = format!("{:016x}", network.weight_hash());
        let curve = training_curve(&net.name, &weight_hash, &statistics(&history), &stem)?;
        let checkpoint = if history.stopped {
            observer.keeper.left()
        } else {
            observer.keeper.remove();
            None
        };
        Ok(Outcome {
            net,
            seed: hyper.seed,
            settings: hyper,
            history,
            validation: kept,
            test,
            weight_hash,
            seconds: start.elapsed().as_secs_f64(),
            model: arguments.out.clone(),
            curve,
            checkpoint,
            source: arguments.resources.source.arguments(),
            data: arguments.resources.source.data.clone(),
        })
    }
}

/// Saves a model; if not where it should be, then beside it, here, or among temporary files, so that nothing is lost.
///
/// # Errors
/// That of the first try; as [`Error::Rescued`] if another went well.
fn save_somewhere(out: &Path, save: &dyn Fn(&Path) -> Result<()>) -> Result<()> {
    let Err(cause) = save(out) else { return Ok(()) };
    let mut name = out.file_name().unwrap_or_default().to_os_string();
    name.push(".rescued");
    let places = [out.with_file_name(&name), PathBuf::from(&name), std::env::temp_dir().join(&name)];
    match places.into_iter().find(|place| save(place).is_ok()) {
        Some(place) => Err(Error::Rescued { cause: Box::new(cause), place }),
        None => Err(cause),
    }
}

impl Outcome {
    /// How the network that was kept does on the validation samples, if there are some.
    pub(super) fn judgement(&self) -> Option<Judgement> {
        let found = self.validation?;
        let score = found.errors.map_or(found.accuracy(), |errors| -errors.root_mean_square);
        Some(Judgement { score, cost: found.cost })
    }

    fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a string does not fail.
        if let (Some(found), Some(Epoch { epoch, .. })) = (self.validation, self.history.chosen()) {
            let _ = writeln!(text, "validation: {}, after epoch {epoch}, whose weights are kept", score(found));
        }
        if let Some(found) = self.test {
            let _ = writeln!(text, "test:       {}", score(found));
        }
        let _ = writeln!(text, "time:       {:.1} s", self.seconds);
        let _ = writeln!(
            text,
            "weights:    {} bytes, hash {}",
            grouped(self.net.architecture.flash_bytes()),
            self.weight_hash
        );
        let _ = writeln!(text, "model:      {}", self.model.display());
        let _ = writeln!(text, "curve:      {} and {}", self.curve[0].display(), self.curve[1].display());
        let host = super::program();
        if let Some(checkpoint) = &self.checkpoint {
            let word = super::path_word(checkpoint);
            let _ = writeln!(text, "checkpoint: {}; `{host} train --resume {word}` goes on", checkpoint.display());
        }
        let (model, source) = (super::path_word(&self.model), shell::line(&self.source));
        let _ = match &self.data {
            None => writeln!(
                text,
                "\nNext:\n  {host} eval {model}\n      what it gets wrong\n  {host} classify {model} PICTURE…\n      \
                 your own digits\n  MINNET_MODEL={model} cargo xtask qemu\n      the same model on a microcontroller"
            ),
            Some(_) => writeln!(
                text,
                "\nNext:\n  {host} eval {model} {source}\n      what it gets wrong\n  {host} quantize {model} {source}\n      \
                 the same in integers\n  {host} classify {model} FILE…\n      what is not labelled yet"
            ),
        };
        text
    }
}

/// Shows progress, and passes Ctrl-C on.
struct Observer<'a> {
    bar: ProgressBar,
    epochs: u32,
    stop: &'a AtomicBool,
    keeper: Keeper,
    /// The last one that is done.
    epoch: u32,
}

impl<'a> Observer<'a> {
    fn new(hyper: &Hyper, training: Samples<'_>, stop: &'a AtomicBool, keeper: Keeper) -> Self {
        let bar = progress_bar(training.len());
        bar.set_prefix(format!("epoch 1/{}", hyper.epochs));
        Self { bar, epochs: hyper.epochs, stop, keeper, epoch: 0 }
    }

    fn observe(&mut self, event: Event<'_>) -> ControlFlow<()> {
        match event {
            Event::Batch { done, .. } => self.bar.set_position(done as u64),
            Event::State(state) => self.keeper.keep(self.epoch, state, self.stop.load(Ordering::Relaxed)),
            Event::Epoch(epoch) => {
                self.epoch = epoch.epoch;
                self.bar.suspend(|| report!("{}", line(epoch, self.epochs)));
                if epoch.epoch < self.epochs {
                    self.bar.set_prefix(format!("epoch {}/{}", epoch.epoch + 1, self.epochs));
                    self.bar.reset();
                } else {
                    self.bar.finish_and_clear();
                }
            }
        }
        if self.stop.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }
}

fn line(epoch: &Epoch, epochs: u32) -> String {
    let Epoch { epoch, training, validation, seconds, best, .. } = epoch;
    // Errors are in units of the numbers' deviation here.
    let share = |score: &Score| match score.errors {
        Some(errors) => format!("error {:.4} of the deviation", errors.root_mean_square),
        None => percent(score.accuracy()),
    };
    let validation = validation.map_or(String::new(), |score| match score.errors {
        Some(_) => format!(", validation {}", share(&score)),
        None => format!(", validation {} / {} ({})", score.right, score.images, share(&score)),
    });
    let best = if *best { " *" } else { "" };
    let cost = training.cost;
    format!("epoch {epoch}/{epochs}: training cost {cost:.4} ({}){validation}, {seconds:.1} s{best}", share(training))
}

fn statistics(history: &History) -> Vec<EpochStats> {
    let stats = |epoch: &Epoch| EpochStats {
        epoch: epoch.epoch as usize,
        train_cost: Some(epoch.training.cost),
        train_accuracy: Some(epoch.training.accuracy()),
        validation_cost: epoch.validation.map(|score| score.cost),
        validation_accuracy: epoch.validation.map(|score| score.accuracy()),
    };
    history.epochs.iter().map(stats).collect()
}
