//! Training one network as the book's programs do, with their monitors and their lines.

use super::{Curves, Lab};
use crate::data::{Mnist, expanded};
use crate::error::Result;
use crate::nets;
use crate::network::Network;
use crate::samples::Samples;
use crate::train::{self, Epoch, Event, Hyper, Score};
use serde::Serialize;
use std::ops::ControlFlow;

/// A training run.
#[derive(Clone, Debug, Serialize)]
pub struct Training {
    /// The network's name.
    pub net: &'static str,
    /// The cost's name.
    pub cost: &'static str,
    /// The first so many of the training images; all if there are fewer.
    pub images: usize,
    /// Whether each of them is also displaced by a pixel in four directions.
    pub expanded: bool,
    /// What is measured after each epoch; the weights of the best one are kept. Without it, the last weights are.
    pub monitor: Option<Set>,
    /// What the weights that were kept are measured on in the end.
    pub judge: Option<Set>,
    /// The hyper-parameters; the seed is set by the run.
    pub hyper: Hyper,
}

/// Images to measure on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Set {
    /// The last 10,000 training images.
    Validation,
    /// The 10,000 test images.
    Test,
}

/// The share of training images classified rightly after each epoch, in percent.
pub const TRAINING_ACCURACY: &str = "training accuracy";
/// The cost of the training images after each epoch, with the L2 term.
pub const TRAINING_COST: &str = "training cost";
/// The share of monitored images classified rightly after each epoch, in percent.
pub const ACCURACY: &str = "accuracy";
/// The cost of the monitored images after each epoch, with the L2 term.
pub const COST: &str = "cost";
/// The share of judging images classified rightly by the weights that were kept, in percent.
pub const JUDGED_ACCURACY: &str = "judged accuracy";

impl Set {
    pub(super) fn of(self, mnist: &Mnist) -> Samples<'_> {
        match self {
            Self::Validation => mnist.split().1,
            Self::Test => mnist.test.samples(),
        }
    }

    /// Its name in sentences.
    pub fn name(self) -> &'static str {
        match self {
            Self::Validation => "validation",
            Self::Test => "test",
        }
    }
}

impl Training {
    /// A run as `network.py` and `network2.py` start it: 50,000 images, nothing measured.
    pub fn new(net: &'static str, cost: &'static str, hyper: Hyper) -> Self {
        Self { net, cost, images: 50_000, expanded: false, monitor: None, judge: None, hyper }
    }

    /// The same run with few epochs, and of images that are displaced only some.
    pub(super) fn quick(mut self) -> Self {
        self.images = if self.expanded { 20 } else { self.images };
        self.hyper.epochs = self.hyper.epochs.min(2);
        self
    }

    pub(super) fn run(&self, seed: u64, lab: &Lab<'_>) -> Result<Curves> {
        let (training, _) = lab.mnist.split().0.split_at(self.images);
        let more;
        let training = if self.expanded {
            more = expanded(training);
            more.samples()
        } else {
            training
        };
        let (none, _) = lab.mnist.test.samples().split_at(0);
        let monitored = self.monitor.map_or(none, |set| set.of(lab.mnist));
        let hyper = Hyper { seed, ..self.hyper.clone() };

        let mut net = Network::zeroed(&nets::find(self.net, Some(self.cost))?)?;
        let net_cost = net.cost();
        let (mut before, all) = (0, training.len() * hyper.epochs as usize);
        let observe = &mut |event: Event<'_>| {
            match event {
                Event::Batch { done, .. } => lab.observer.progress(before + done, all),
                Event::State(_) => {}
                Event::Epoch(epoch) => {
                    before += training.len();
                    if let Some(line) = self.line(epoch) {
                        lab.observer.line(&line);
                    }
                }
            }
            ControlFlow::Continue(())
        };
        let history = train::train(&mut net, net_cost, training, monitored, &hyper, lab.executor, observe)?;

        let mut curves = Curves::new();
        let mut keep = |name: &str, value: &dyn Fn(&Epoch) -> Option<f64>| {
            if let Some(curve) = history.epochs.iter().map(value).collect() {
                curves.insert(name.into(), curve);
            }
        };
        let cost = |score: Score, epoch: &Epoch| score.regularized_cost(hyper.lambda, epoch.weights_squared);
        keep(ACCURACY, &|epoch| Some(percent(epoch.validation?)));
        keep(COST, &|epoch| Some(cost(epoch.validation?, epoch)));
        if hyper.monitor_training {
            keep(TRAINING_ACCURACY, &|epoch| Some(percent(epoch.training)));
            keep(TRAINING_COST, &|epoch| Some(cost(epoch.training, epoch)));
        }
        if let Some(set) = self.judge {
            let score = train::evaluate(&net, net_cost, set.of(lab.mnist), lab.executor)?;
            curves.insert(JUDGED_ACCURACY.into(), vec![percent(score)]);
            lab.observer.line(&self.judgement(set, score, history.chosen));
        }
        Ok(curves)
    }

    /// What the book's program prints after an epoch, which it counts from 0.
    fn line(&self, epoch: &Epoch) -> Option<String> {
        let (number, score) = (epoch.epoch - 1, epoch.validation?);
        let mut line = if self.judge.is_some() {
            return Some(format!("Epoch {number}: validation accuracy {:.2}%", percent(score)));
        } else {
            format!("Epoch {number}: {} / {}", score.right, score.images)
        };
        if self.hyper.monitor_training {
            let cost = epoch.training.regularized_cost(self.hyper.lambda, epoch.weights_squared);
            let Score { right, images, .. } = epoch.training;
            line += &format!(", training {right} / {images}, cost {cost:.4}");
        }
        Some(line)
    }

    /// What the book's program prints in the end.
    fn judgement(&self, set: Set, score: Score, chosen: u32) -> String {
        match self.monitor {
            Some(_) => format!(
                "Best validation accuracy obtained at epoch {}\nCorresponding {} accuracy of {:.2}%",
                chosen - 1,
                set.name(),
                percent(score)
            ),
            None => format!("Accuracy was {:.2} percent", percent(score)),
        }
    }
}

fn percent(score: Score) -> f64 {
    100.0 * score.right as f64 / score.images.max(1) as f64
}
