//! Learning from networks that have learned already: their softened outputs are the targets (Hinton et al. 2015).

use crate::error::Result;
use crate::executor::Threads;
use crate::network::{Network, zeroed};
use minnet::activation::Function;
use minnet::batch::{Batch, Images, Layout};
use minnet::executor::{Alone, Executor};
use minnet::module::Module;
use serde::{Serialize, Serializer};
use std::sync::Arc;

/// Teachers, and how much is learned from them.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Distillation {
    /// The teachers, of which the mean is learned.
    pub teachers: Teachers,
    /// T, which softens a teacher's probabilities p to p^(1/T), over their sum.
    pub temperature: f32,
    /// Their share of the target, from 0 to 1; the rest is the sample's own target.
    pub share: f32,
}

/// Networks that teach. They end in a softmax, and take what their pupil takes.
#[derive(Clone, Debug)]
pub struct Teachers(Arc<[Network]>);

impl Teachers {
    /// These networks.
    pub fn new(networks: Vec<Network>) -> Self {
        Self(networks.into())
    }

    fn hashes(&self) -> impl Iterator<Item = String> {
        self.0.iter().map(|network| format!("{:016x}", network.weight_hash()))
    }

    /// Whether there are some, and each can teach a network of this layout.
    pub(super) fn fit(&self, pupil: Layout) -> bool {
        let fits = |network: &Network| {
            let Layout { inputs, outputs, .. } = network.layout();
            (inputs, outputs) == (pupil.inputs, pupil.outputs) && network.activation() == Function::Softmax
        };
        !self.0.is_empty() && self.0.iter().all(fits)
    }
}

impl PartialEq for Teachers {
    fn eq(&self, other: &Self) -> bool {
        self.hashes().eq(other.hashes())
    }
}

/// The hashes of their weights.
impl Serialize for Teachers {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_seq(self.hashes())
    }
}

/// Teachers at work, with their memory.
pub(super) struct Lesson<'a> {
    distillation: &'a Distillation,
    /// Of each teacher, its inferences of a mini-batch.
    memories: Vec<Vec<f32>>,
    /// The mean of the teachers, and one of them.
    mean: Vec<f32>,
    own: Vec<f32>,
}

impl<'a> Lesson<'a> {
    /// For mini-batches of so many images.
    pub(super) fn new(distillation: &'a Distillation, images: usize) -> Result<Self> {
        let memory = |network: &Network| zeroed(network.ram().saturating_mul(images));
        let memories = distillation.teachers.0.iter().map(memory).collect::<Result<_>>()?;
        Ok(Self { distillation, memories, mean: Vec::new(), own: Vec::new() })
    }

    /// Gives the targets of a mini-batch their share of what the teachers say to its inputs.
    pub(super) fn teach(&mut self, batch: &mut Batch<'_>, executor: &Threads) {
        let Self { distillation: Distillation { teachers, temperature, share }, memories, mean, own } = self;
        let mut taught = Vec::with_capacity(memories.len());
        for (teacher, memory) in teachers.0.iter().zip(memories) {
            let (stride, inputs) = (teacher.ram(), teacher.layout().inputs);
            let memory = &mut memory[..stride * batch.len()];
            for (image, place) in memory.chunks_exact_mut(stride).enumerate() {
                place[..inputs].copy_from_slice(batch.input(image));
            }
            let at = infer(teacher, Images::new(memory, stride), executor.threads(), executor);
            taught.push((&*memory, stride, at));
        }
        for image in 0..batch.len() {
            let target = batch.target(image);
            mean.clear();
            mean.resize(target.len(), 0.0);
            for (memory, stride, at) in &taught {
                own.clear();
                own.extend_from_slice(&memory[image * stride + at..][..target.len()]);
                soften(own, *temperature);
                mean.iter_mut().zip(&*own).for_each(|(mean, own)| *mean += own);
            }
            for (target, mean) in target.iter_mut().zip(&*mean) {
                *target = (1.0 - *share) * *target + *share * (mean / taught.len() as f32);
            }
        }
    }
}

/// Infers images, some on each thread; gives where in an image's memory the output begins.
fn infer(teacher: &Network, images: Images<'_>, pieces: usize, executor: &Threads) -> usize {
    let pieces = pieces.min(images.len());
    if pieces <= 1 {
        return teacher.infer(images, &Alone(executor));
    }
    let half = pieces / 2;
    let middle = images.len() * half / pieces;
    let (left, right) = images.split_at(middle);
    let left = || infer(teacher, left, half, executor);
    executor.join(left, || infer(teacher, right, pieces - half, executor)).0
}

/// p^(1/T) for each p, over their sum. The functions are libm's, so that the bits are the same on every system.
fn soften(probabilities: &mut [f32], temperature: f32) {
    let mut sum = 0.0;
    for p in probabilities.iter_mut() {
        *p = libm::expf(libm::logf(p.max(f32::MIN_POSITIVE)) / temperature);
        sum += *p;
    }
    probabilities.iter_mut().for_each(|p| *p /= sum);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn softened_by_hand() {
        // The roots of 0.64, 0.32 and 0.04 are to each other as 4, 2.83 and 1.
        let mut p = [0.64, 0.32, 0.04];
        soften(&mut p, 2.0);
        for (found, part) in p.iter().zip([4.0, 8.0_f32.sqrt(), 1.0]) {
            assert!((found - part / (5.0 + 8.0_f32.sqrt())).abs() < 1e-6, "{p:?}");
        }
        let mut certain = [1.0, 0.0];
        soften(&mut certain, 4.0);
        assert!(certain[1] > 0.0 && (certain[0] + certain[1] - 1.0).abs() < 1e-6);
    }
}
