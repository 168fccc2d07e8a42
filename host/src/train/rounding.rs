//! Weights that are rounded to what integers can be while a network is trained.
//!
//! The forward and backward passes see rounded weights; what they learn goes to weights that are not rounded: the
//! straight-through estimator (Bengio, Leonard and Courville 2013; Courbariaux, Bengio and David 2015).

use minnet::layer::Parameters;
use minnet::module::Module;
use minnet::quant::{Width, on_grid, weight_step};

/// What a network's weights are rounded to.
pub(super) struct Rounding(Vec<Layer>);

/// A layer with weights.
struct Layer {
    width: Option<Width>,
    /// For each output the value of a unit; weight i leads to output i modulo their number.
    steps: Vec<f32>,
    /// For each output, while weights are rounded: Σ weight·units and Σ units².
    sums: Vec<[f32; 2]>,
}

impl Rounding {
    /// For a network whose layers with weights have these widths; `None` if no layer has one.
    pub(super) fn new(net: &impl Module, widths: &[Option<Width>]) -> Option<Self> {
        let mut layers = Vec::new();
        let mut widths = widths.iter().copied();
        net.visit(&mut |kind, run| match (kind, layers.last_mut()) {
            // What has no weights may show none.
            (Parameters::Weights, _) if !run.is_empty() => {
                let width = widths.next().flatten();
                layers.push(Layer { width, steps: Vec::new(), sums: Vec::new() });
            }
            // The biases after the weights, one for each output.
            (Parameters::Biases, Some(layer)) if layer.steps.is_empty() => {
                layer.steps.resize(run.len(), 0.0);
                layer.sums.resize(run.len(), [0.0; 2]);
            }
            _ => {}
        });
        layers.iter().any(|layer| layer.width.is_some()).then_some(Self(layers))
    }

    /// Rounds a network's weights, each to units of the least squared error.
    pub(super) fn round(&mut self, net: &mut impl Module) {
        self.each(net, |layer, width, weights| {
            let outputs = layer.steps.len();
            for (o, step) in layer.steps.iter_mut().enumerate() {
                *step = weight_step(&|i| weights[o + i * outputs], weights.len() / outputs, width);
            }
            layer.round(width, weights);
        });
    }

    /// Rounds a network's weights, which have changed a little since they were last rounded: of the units that they come to
    /// be, the value with the least squared error is taken the next time.
    pub(super) fn follow(&mut self, net: &mut impl Module) {
        self.each(net, Layer::round);
    }

    /// For each layer the value of a unit of each output.
    pub(super) fn units(&self) -> Vec<Vec<f32>> {
        self.0.iter().map(|layer| layer.steps.clone()).collect()
    }

    /// Takes them back; gives whether they are of these layers.
    pub(super) fn set_units(&mut self, units: &[Vec<f32>]) -> bool {
        let is_same = self.0.iter().map(|layer| layer.steps.len()).eq(units.iter().map(Vec::len));
        if is_same {
            self.0.iter_mut().zip(units).for_each(|(layer, units)| layer.steps.copy_from_slice(units));
        }
        is_same
    }

    fn each(&mut self, net: &mut impl Module, mut round: impl FnMut(&mut Layer, Width, &mut [f32])) {
        let mut layers = self.0.iter_mut();
        net.visit_mut(&mut |kind, run| {
            if kind == Parameters::Weights
                && !run.is_empty()
                && let Some(layer) = layers.next()
                && let Some(width) = layer.width
                && !layer.steps.is_empty()
            {
                round(layer, width, run);
            }
        });
    }
}

impl Layer {
    fn round(&mut self, width: Width, weights: &mut [f32]) {
        self.sums.fill([0.0; 2]);
        for row in weights.chunks_exact_mut(self.steps.len()) {
            for ((weight, step), [products, squares]) in row.iter_mut().zip(&self.steps).zip(&mut self.sums) {
                let rounded = on_grid(*weight, *step, width);
                let units = rounded / step;
                *products += *weight * units;
                *squares += units * units;
                *weight = rounded;
            }
        }
        for (step, [products, squares]) in self.steps.iter_mut().zip(&self.sums) {
            let next = products / squares;
            if next.is_normal() && next > 0.0 {
                *step = next;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch_norm;
    use crate::nets;
    use crate::network::Network;

    #[test]
    fn weights_are_rounded_in_layers_that_have_a_width() {
        let net = nets::find("2: dense 2 relu int2, dense 1", None).unwrap();
        let learned = vec![0.9, -0.3, 0.31, 0.1, 0.5, -0.5, 0.77, -0.2, 0.33];
        let mut network = Network::with_parameters(&net, learned.clone()).unwrap();
        let widths: Vec<_> = net.architecture.layers().iter().map(|op| op.bits()).collect();
        let mut rounding = Rounding::new(&network, &widths).unwrap();
        rounding.round(&mut network);
        // Of output 0 the weights 0.9 and 0.31 are 3 and 1 units of 0.301; of output 1, -0.3 and 0.1 of 0.1.
        for (found, expected) in network.parameters().iter().zip([0.903, -0.3, 0.301, 0.1]) {
            assert!((found - expected).abs() < 0.01, "{found} {expected}");
        }
        assert_eq!(network.parameters()[4..], learned[4..]);
        assert!(Rounding::new(&network, &[None, None]).is_none());
    }

    #[test]
    fn normalized_layers_have_the_widths_of_their_network() {
        let net = nets::find("4x4x1: conv3x3 2 relu int2, flatten, dense 3 relu, dense 2 ternary", None).unwrap();
        let network = Network::zeroed(&net).unwrap();
        let layers = batch_norm::normalized(&network).unwrap();
        let widths = [Some(Width::Two), None, Some(Width::Ternary)];
        for rounding in [Rounding::new(&network, &widths), Rounding::new(&layers, &widths)] {
            let found: Vec<_> = rounding.unwrap().0.iter().map(|layer| (layer.width, layer.steps.len())).collect();
            assert_eq!(found, [(widths[0], 2), (None, 3), (widths[2], 2)]);
        }
    }

    #[test]
    fn units_follow_the_weights() {
        let net = nets::find("4: dense 1 int3", None).unwrap();
        let mut network = Network::with_parameters(&net, vec![0.7, 0.5, -0.3, 0.1, 0.0]).unwrap();
        let mut rounding = Rounding::new(&network, &[Some(Width::Three)]).unwrap();
        rounding.round(&mut network);
        // All weights grow by a tenth; after some rounds the units have, too.
        for _ in 0..10 {
            network.parameters_mut().copy_from_slice(&[0.77, 0.55, -0.33, 0.11, 0.0]);
            rounding.follow(&mut network);
        }
        for (found, expected) in network.parameters().iter().zip([0.77, 0.55, -0.33, 0.11, 0.0]) {
            assert!((found - expected).abs() < 1e-5, "{found} {expected}");
        }
    }
}
