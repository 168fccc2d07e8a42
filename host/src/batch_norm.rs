//! Batch normalization while a network is trained. What is trained is another list of layers; in the end, what it has
//! learned is folded into the network, which knows nothing of it.

use crate::error::{Error, Result};
use crate::network::{Network, zeroed};
use minnet::activation::Function;
use minnet::list::{self, List};
use minnet::op::{BatchNorm, Op, Stage};

/// A network's layers with normalization between them.
pub type Normalized = List<Vec<Stage>, Vec<f32>>;

/// The layers of `network`, each hidden convolution and dense layer normalized: after its pooling and before its activation.
/// All parameters are zeros.
///
/// # Errors
/// [`Error::Memory`].
pub fn normalized(network: &Network) -> Result<Normalized> {
    let ops = stages(network.layers().ops());
    let count = list::parameters(&ops);
    List::new(ops, zeroed(count)?).ok_or(Error::Parameters { found: count, expected: 0 })
}

fn stages(ops: &[Op]) -> Vec<Stage> {
    let last = ops.iter().rposition(|op| op.parameters() > 0);
    let mut stages = Vec::new();
    for (index, &op) in ops.iter().enumerate() {
        let (plain, positions, channels) = match op {
            Op::Dense(dense) => {
                (Op::Dense(minnet::op::Dense { activation: Function::Identity, ..dense }), 1, dense.outputs)
            }
            Op::Conv(conv) => {
                let positions = conv.out_height() * conv.out_width();
                (Op::Conv(minnet::op::Conv { activation: Function::Identity, ..conv }), positions, conv.filters)
            }
            Op::Flatten(_) | Op::Dropout(_) | Op::GlobalAvgPool(_) => (op, 0, 0),
        };
        // A softmax takes all values of a layer together.
        if channels == 0 || Some(index) == last || op.activation() == Function::Softmax {
            stages.push(op.into());
        } else {
            stages.push(plain.into());
            stages.push(Stage::BatchNorm(BatchNorm { positions, channels, activation: op.activation() }));
        }
    }
    stages
}

/// Gives `network` what its [`normalized`] layers have learned: each weight times what its channel is multiplied by, and the
/// rest in the biases. A pooling between the two may stay where it is, for these factors are positive.
pub fn fold(normalized: &Normalized, network: &mut Network) {
    let mut learned = normalized.parameters();
    let mut rest = network.parameters_mut();
    let mut before: Option<(&mut [f32], &mut [f32])> = None;
    for stage in normalized.ops() {
        let (own, others) = learned.split_at(stage.parameters());
        learned = others;
        match stage {
            Stage::Op(op) => {
                let (place, others) = std::mem::take(&mut rest).split_at_mut(own.len());
                rest = others;
                place.copy_from_slice(own);
                before = Some(place.split_at_mut(op.weights()));
            }
            Stage::BatchNorm(norm) => {
                let Some((weights, biases)) = before.take() else { continue };
                for (channel, [factor, shift]) in norm.affine(own).enumerate() {
                    weights.iter_mut().skip(channel).step_by(norm.channels).for_each(|weight| *weight *= factor);
                    biases[channel] = biases[channel] * factor + shift;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::digits;
    use crate::executor::{Threads, Vectors};
    use crate::nets;
    use crate::train::tests::twenty_images;
    use crate::train::{Hyper, outputs, train};
    use minnet::init::Init;
    use std::ops::ControlFlow;

    const TEXTS: [&str; 3] = [
        "28x28x1: conv5x5 3 maxpool2 relu, dropout 10, conv3x3 4 stride 2 same tanh, flatten, dense 9 relu, dense 10 softmax",
        "28x28x1: conv5x5 4 avgpool2 relu, conv3x3 5 maxpool2 relu, globalavgpool, dense 10 softmax",
        "784: dense 60 sigmoid, dense 12 relu, dense 10 softmax",
    ];

    /// Trains with normalization; the layers, and the network that they are folded into.
    fn trained(text: &str, hyper: &Hyper, threads: usize, vectors: Vectors) -> (Normalized, Network) {
        let (images, labels) = twenty_images();
        let set = digits(&images, &labels);
        let net = nets::find(text, None).unwrap();
        let mut network = Network::zeroed(&net).unwrap();
        let mut layers = normalized(&network).unwrap();
        let executor = Threads::new(threads, vectors).unwrap();
        // Without validation images the last epoch is kept.
        let none = set.split_at(0).0;
        train(&mut layers, net.cost, set, none, hyper, &executor, &mut |_| ControlFlow::Continue(())).unwrap();
        fold(&layers, &mut network);
        (layers, network)
    }

    fn hyper() -> Hyper {
        Hyper { epochs: 12, batch: 7, eta: 0.1, init: Init::He, ..Hyper::default() }
    }

    #[test]
    fn folded_networks_give_what_normalized_ones_give() {
        let (images, labels) = twenty_images();
        let set = digits(&images, &labels);
        let executor = Threads::new(1, Vectors::detect()).unwrap();
        for text in TEXTS {
            let (layers, network) = trained(text, &hyper(), 1, Vectors::detect());
            assert_eq!(network.architecture().parameters(), network.parameters().len());
            let [before, after] =
                [outputs(&layers, set, &executor).unwrap(), outputs(&network, set, &executor).unwrap()];
            let pairs = || before.iter().flatten().zip(after.iter().flatten());
            assert!(pairs().all(|(before, after)| (before - after).abs() < 1e-4), "{text}");
            // Something was learned: the answers are not all alike.
            assert!(pairs().any(|(before, _)| *before > 0.3), "{text}");
        }
    }

    #[test]
    fn threads_and_vectors_change_no_bit() {
        for text in TEXTS {
            let hash = |hyper: &Hyper, threads, vectors| trained(text, hyper, threads, vectors).1.weight_hash();
            let expected = hash(&hyper(), 1, Vectors::Baseline);
            for vectors in [Vectors::Baseline, Vectors::Avx2, Vectors::Avx512] {
                for threads in [1, 2, 3] {
                    assert_eq!(hash(&hyper(), threads, vectors), expected, "{text}: {threads} threads, {vectors:?}");
                }
            }
            assert_ne!(hash(&Hyper { freeze_norm: 2, ..hyper() }, 1, Vectors::Baseline), expected, "{text}");
        }
    }

    #[test]
    fn the_statistics_of_frozen_layers_stay() {
        let statistics = |layers: &Normalized| {
            let mut values = Vec::new();
            minnet::module::Module::visit(layers, &mut |kind, run| {
                if kind == minnet::layer::Parameters::Statistics {
                    values.extend_from_slice(run);
                }
            });
            values
        };
        // No pass over the images is without frozen statistics, so they are as at the start.
        let frozen = Hyper { freeze_norm: 12, ..hyper() };
        let (layers, _) = trained(TEXTS[2], &frozen, 1, Vectors::detect());
        assert!(statistics(&layers).iter().all(|&value| value == 0.0 || value == 1.0));
        let (layers, _) = trained(TEXTS[2], &hyper(), 1, Vectors::detect());
        assert!(statistics(&layers).iter().any(|&value| value != 0.0 && value != 1.0));
    }
}
