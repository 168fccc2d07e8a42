//! From floats to integers: the steps of weights and activations.

use super::layer::{Next, QuantLayer};
use super::requantize::{Hidden, LOGIT, Rule, SIGMOID_STEP, Scale};
use super::weights::Weights;
use crate::net::{Net, PIXEL_DIVISOR};
use crate::tensor::Tensor;

/// Layers whose activations need a step, at most.
const LAYERS: usize = 16;

/// The greatest activation that calibration saw in each ReLU layer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ranges {
    greatest: heapless::Vec<f32, LAYERS>,
    /// The layer whose turn it is.
    turn: usize,
}

impl Ranges {
    /// Shows the activations `A` of the next layer.
    pub(super) fn note<A: Rule>(&mut self, activations: &[f32]) {
        if A::HIDDEN != Some(Hidden::Relu) {
            return;
        }
        let greatest = activations.iter().fold(0.0, |greatest, &a| if a > greatest { a } else { greatest });
        match self.greatest.get_mut(self.turn) {
            Some(old) => *old = old.max(greatest),
            // A network of more layers than fit keeps the last ones' ranges at 1.
            None => drop(self.greatest.push(greatest)),
        }
        self.turn += 1;
    }
}

/// Where integer parameters go, layer by layer.
pub struct Build<'a> {
    ranges: &'a Ranges,
    turn: usize,
    put: &'a mut dyn FnMut(u32),
}

/// One layer's parameters, as the float network has them.
pub(super) struct Floats<'a, F> {
    /// Weights that lead to one output.
    pub(super) weights: usize,
    /// How many of them stand together, in words of their own.
    pub(super) row: usize,
    /// Weight i that leads to output o.
    pub(super) weight: F,
    /// One for each output.
    pub(super) bias: &'a [f32],
}

/// Turns a network into integers: gives `put` the words of [`Quantized`](super::Quantized), in order.
pub fn build<In: Tensor, L: QuantLayer<In, W>, W: Weights>(
    net: &Net<In, L>,
    ranges: &Ranges,
    mut put: impl FnMut(u32),
) {
    let pixel = 1.0 / f32::from(PIXEL_DIVISOR);
    let logit = net.layers().build(pixel, Next::Nobody, &mut Build { ranges, turn: 0, put: &mut put });
    put(logit.to_bits());
}

/// The value of a step for weights that lead to one output, as [`build`] chooses it.
pub fn weight_step<W: Weights>(weights: &dyn Fn(usize) -> f32, count: usize) -> f32 {
    Floats { weights: count, row: count, weight: |_, i| weights(i), bias: &[] }.weight_step::<W>(0, 1.0)
}

/// The nearest weight to `weight` that is a whole number of steps.
#[inline]
pub fn on_grid<W: Weights>(weight: f32, step: f32) -> f32 {
    quantize::<W>(weight, step) as f32 * step
}

impl Build<'_> {
    /// Writes a layer: for each output its rows of weights, then all biases, then all scales. Gives the value of a
    /// step of the outputs.
    pub(super) fn layer<W: Weights, const OUT: usize>(
        &mut self,
        floats: &Floats<'_, impl Fn(usize, usize) -> f32>,
        input_step: f32,
        hidden: Option<Hidden>,
    ) -> f32 {
        let steps: [f32; OUT] = core::array::from_fn(|o| floats.weight_step::<W>(o, input_step));
        // The value of a sum's unit.
        let units = steps.map(|step| step * input_step / W::STEP as f32);
        // Every unit's factor must be one that a scale can hold.
        let least = units.iter().fold(0.0, |greatest: f32, &unit| greatest.max(unit)) / Scale::GREATEST;
        let z_step = match hidden {
            Some(Hidden::Relu) => least.max(self.range() / 255.0),
            Some(Hidden::Sigmoid) => SIGMOID_STEP,
            None => least.max(LOGIT),
        };
        for (o, &step) in steps.iter().enumerate() {
            for first in (0..floats.weights).step_by(floats.row.max(1)) {
                let row = first..floats.weights.min(first + floats.row);
                W::pack(row.map(|i| quantize::<W>((floats.weight)(o, i), step)), self.put);
            }
        }
        for (bias, unit) in floats.bias.iter().zip(units) {
            (self.put)(libm::roundf(bias / unit) as i32 as u32);
        }
        for unit in units {
            (self.put)(Scale::new(unit / z_step).word());
        }
        if hidden == Some(Hidden::Sigmoid) { 1.0 / 255.0 } else { z_step }
    }

    fn range(&mut self) -> f32 {
        self.turn += 1;
        let range = self.ranges.greatest.get(self.turn - 1).copied().unwrap_or(1.0);
        // A layer that was silent on every image has any step.
        if range > 0.0 { range } else { 1.0 }
    }
}

impl<F: Fn(usize, usize) -> f32> Floats<'_, F> {
    /// The value of a step of the weights of output `o`: of some fractions of the greatest weight's, the one of the
    /// least squared error. 8 bits are fine enough for the greatest itself.
    fn weight_step<W: Weights>(&self, o: usize, input_step: f32) -> f32 {
        let weights = || (0..self.weights).map(|i| (self.weight)(o, i));
        let greatest = weights().fold(0.0, |greatest: f32, w| greatest.max(w.abs()));
        let bias = self.bias.get(o).map_or(0.0, |bias| bias.abs());
        // The bias, in units of the sum, must fit into 30 bits.
        let least = (bias * W::STEP as f32 / input_step / (1 << 30) as f32).max(1e-20);
        let full = (greatest / W::LIMIT as f32).max(least);
        let error = |step: f32| -> f32 {
            weights().map(|w| w - quantize::<W>(w, step) as f32 * step).map(|error| error * error).sum()
        };
        let (mut best, mut least_error) = (full, error(full));
        // Fewer bits want some of the greatest weights cut off; weights that are on a grid already stay there.
        let fractions = (40..100).map(|percent| percent as f32 / 100.0);
        let grids = (1..W::LIMIT).map(|greatest| W::LIMIT as f32 / greatest as f32);
        for factor in fractions.chain(grids).filter(|_| W::LIMIT < 127) {
            let step = (full * factor).max(least);
            let error = error(step);
            if error < least_error {
                (best, least_error) = (step, error);
            }
        }
        best
    }
}

/// A weight in steps.
fn quantize<W: Weights>(weight: f32, step: f32) -> i32 {
    (libm::roundf(weight / step) as i32).clamp(-W::LIMIT, W::LIMIT)
}
