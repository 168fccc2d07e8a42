//! What a run keeps from one mini-batch to the next, and the step that each makes.

use super::distillation::Lesson;
use super::rate::Rate;
use super::rounding::Rounding;
use super::state::Kept;
use super::{Hyper, parameters, restore, snapshot, snapshot_of};
use crate::error::Result;
use crate::executor::Threads;
use crate::network::zeroed;
use minnet::module::{self, Delta, Module};
use minnet::prelude::*;
use rand_core::Rng;

/// Takes the steps of a run.
pub(super) struct Stepper<'a> {
    hyper: &'a Hyper,
    pub(super) rate: Rate<'a>,
    /// What λ is divided by.
    count: usize,
    /// Steps taken.
    taken: u32,
    /// The optimizer's memory, which begins with the network's parameters; empty for the one that needs none.
    memory: Vec<f32>,
    /// The average of the parameters; empty if none is wanted.
    average: Vec<f32>,
    /// What weights are rounded to; those that are not rounded are in `memory`.
    rounding: Option<Rounding>,
    lesson: Option<Lesson<'a>>,
}

impl<'a> Stepper<'a> {
    /// For a network that has its first parameters, in epochs of so many images. The network's weights are rounded, if they
    /// are to be.
    pub(super) fn new(net: &mut impl Module, hyper: &'a Hyper, images: usize) -> Result<Self> {
        let batches = images.div_ceil(hyper.batch.max(1));
        let parameters = parameters(net);
        let with_room_for = |values: usize| -> Result<Vec<f32>> {
            let mut memory = zeroed(values)?;
            if values > 0 {
                snapshot(net, &mut memory);
                memory.resize(values, 0.0);
            }
            Ok(memory)
        };
        let mut rounding = Rounding::new(net, &hyper.widths);
        let is_plain = hyper.optimizer == Optimizer::Sgd && hyper.l1 == 0.0 && hyper.clip == 0.0 && rounding.is_none();
        let memory = if is_plain { 0 } else { hyper.optimizer.memory() };
        let most = hyper.batch.clamp(1, images.max(1));
        let memory = with_room_for(memory * parameters)?;
        let average = with_room_for(if hyper.average.is_some() { parameters } else { 0 })?;
        if let Some(rounding) = &mut rounding {
            rounding.round(net);
        }
        Ok(Self {
            hyper,
            rate: Rate::new(hyper, batches),
            count: hyper.divisor(images),
            taken: 0,
            memory,
            average,
            rounding,
            lesson: hyper.distillation.as_ref().map(|distillation| Lesson::new(distillation, most)).transpose()?,
        })
    }

    /// What a stepper of the same settings goes on from.
    pub(super) fn kept(&self) -> Kept {
        Kept {
            taken: self.taken,
            memory: self.memory.clone(),
            average: self.average.clone(),
            units: self.rounding.as_ref().map_or_else(Vec::new, Rounding::units),
            halvings: self.rate.halvings(),
        }
    }

    /// Goes on from what another of the same settings kept; gives whether it was one.
    pub(super) fn go_on(&mut self, kept: &Kept) -> bool {
        let is_same = (self.memory.len(), self.average.len()) == (kept.memory.len(), kept.average.len());
        let is_rounding = match &mut self.rounding {
            Some(rounding) => rounding.set_units(&kept.units),
            None => kept.units.is_empty(),
        };
        if is_same && is_rounding {
            self.taken = kept.taken;
            self.memory.copy_from_slice(&kept.memory);
            self.average.copy_from_slice(&kept.average);
            self.rate.set_halvings(kept.halvings);
        }
        is_same && is_rounding
    }

    /// Makes of a mini-batch's targets what is to be learned: label smoothing, and what teachers say to its inputs.
    pub(super) fn soften(&mut self, batch: &mut Batch<'_>, executor: &Threads) {
        let smoothing = self.hyper.smoothing;
        if smoothing > 0.0 {
            for image in 0..batch.len() {
                let target = batch.target(image);
                let each = smoothing / target.len() as f32;
                target.iter_mut().for_each(|value| *value = (1.0 - smoothing) * *value + each);
            }
        }
        if let Some(lesson) = &mut self.lesson {
            lesson.teach(batch, executor);
        }
    }

    /// One step on a mini-batch, whose number is counted from 0 in its epoch.
    pub(super) fn step(
        &mut self,
        net: &mut impl Module,
        delta: &impl Delta,
        batch: &mut Batch<'_>,
        (epoch, number): (u32, usize),
        rng: &mut impl Rng,
        executor: &Threads,
    ) {
        let Hyper { optimizer, lambda, l1, clip, .. } = *self.hyper;
        let eta = self.rate.eta(epoch, number);
        if self.memory.is_empty() {
            let sgd = Sgd::new(eta, batch.len()).with_l2(eta, lambda, self.count);
            module::train(net, delta, batch, &sgd, rng, executor);
        } else {
            module::into_gradient(net, delta, batch, rng, executor);
            let step = Step { clip, ..Step::new(optimizer, eta, self.taken + 1) };
            step.with_regularization(lambda, l1, self.count).take(net, &mut self.memory);
        }
        self.add_to_average(net);
        if let Some(rounding) = &mut self.rounding {
            rounding.follow(net);
        }
        self.taken += 1;
    }

    /// a ← da + (1 - d)w. d grows to its value in the first steps, so that the start does not stay in the average.
    fn add_to_average(&mut self, net: &impl Module) {
        let Some(decay) = self.hyper.average else { return };
        let taken = self.taken as f32;
        let share = 1.0 - decay.min((1.0 + taken) / (10.0 + taken));
        let mut rest = self.average.as_mut_slice();
        net.visit(&mut |_, run| {
            let (these, others) = std::mem::take(&mut rest).split_at_mut(run.len());
            these.iter_mut().zip(run).for_each(|(average, weight)| *average += share * (weight - *average));
            rest = others;
        });
    }

    /// Gives the network the parameters that are measured and kept, and gives back those that training goes on with, if they
    /// are others.
    pub(super) fn show(&mut self, net: &mut impl Module) -> Option<Vec<f32>> {
        if self.average.is_empty() {
            return None;
        }
        let own = snapshot_of(net);
        restore(net, &self.average);
        if let Some(mut rounding) = Rounding::new(net, &self.hyper.widths) {
            rounding.round(net);
        }
        Some(own)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nets;
    use crate::network::Network;

    #[test]
    fn an_average_by_hand() {
        let net = nets::find("1: dense 1", None).unwrap();
        let mut network = Network::with_parameters(&net, vec![1.0, 0.0]).unwrap();
        let hyper = Hyper { average: Some(0.15), ..Hyper::default() };
        let mut stepper = Stepper::new(&mut network, &hyper, 10).unwrap();
        network.parameters_mut().copy_from_slice(&[2.0, 1.0]);
        // d is 1/10 at first, then 0.15, for 2/11 is more.
        for expected in [[1.9, 0.9], [1.985, 0.985]] {
            stepper.add_to_average(&network);
            stepper.taken += 1;
            let own = stepper.show(&mut network).unwrap();
            for (found, expected) in network.parameters().iter().zip(expected) {
                assert!((found - expected).abs() < 1e-6, "{found} {expected}");
            }
            restore(&mut network, &own);
            assert_eq!(network.parameters(), [2.0, 1.0]);
        }
    }
}
