//! How inputs are prepared for a network: for each channel, what is taken from a value, and what it is multiplied by
//! then.

use super::ExchangeError;
use super::fold::{Affine, Parts};
use crate::network::Network;
use minnet::op::Op;

/// What a network takes is (value - mean) · factor, for each channel; of an image of bytes the values are 0 to 255.
#[derive(Clone, Debug, PartialEq)]
pub struct Preparation {
    /// What is taken from a value, one number for each channel.
    pub mean: Vec<f32>,
    /// What the rest is multiplied by, one number for each channel.
    pub factor: Vec<f32>,
}

/// What bytes are multiplied by for a network, if nothing else is said.
const PIXEL: f64 = 1.0 / minnet::net::PIXEL_DIVISOR as f64;

impl Preparation {
    /// From the words of other programs: x = (`scale` · value - `mean`) / `std`. `mean` and `std` have one number, one
    /// for each channel, or none.
    ///
    /// # Errors
    /// [`ExchangeError::Preparation`] for other counts, and for numbers that make no sense.
    pub fn new(scale: Option<f64>, mean: &[f64], std: &[f64], channels: usize) -> Result<Self, ExchangeError> {
        let scale = scale.unwrap_or(PIXEL);
        for (option, values) in [("--mean", mean), ("--std", std)] {
            if values.len() > 1 && values.len() != channels {
                return Err(ExchangeError::Preparation {
                    what: format!("{option} has {} numbers, and the input {channels} channels", values.len()),
                });
            }
        }
        let at = |values: &[f64], c: usize, missing| values.get(c % values.len().max(1)).copied().unwrap_or(missing);
        let numbers = (0..channels).map(|c| ((at(mean, c, 0.0) / scale) as f32, (scale / at(std, c, 1.0)) as f32));
        let (mean, factor): (Vec<f32>, Vec<f32>) = numbers.unzip();
        if mean.iter().chain(&factor).all(|value| value.is_finite()) && factor.iter().all(|factor| *factor != 0.0) {
            Ok(Self { mean, factor })
        } else {
            let what = "--scale and --std must be finite and not 0, and --mean finite".into();
            Err(ExchangeError::Preparation { what })
        }
    }

    /// For each channel the mean and the factor.
    pub fn channels(&self) -> Vec<[f32; 2]> {
        self.mean.iter().zip(&self.factor).map(|(&mean, &factor)| [mean, factor]).collect()
    }

    /// The network that gives for value/256 what `network` gives for inputs that are prepared so: the preparation goes
    /// into its first layer with weights. `None` where that cannot be exact: that layer has zeros around its image, and
    /// something is taken from the values; there is no such layer; or the numbers have no room in 32 bits.
    pub fn fold_into(&self, network: &Network) -> Option<Network> {
        let wide = |values: &[f32]| values.iter().copied().map(f64::from).collect::<Vec<_>>();
        let (mean, factor) = (wide(&self.mean), wide(&self.factor));
        let mut prepared = Affine {
            factor: factor.iter().map(|factor| factor / PIXEL).collect(),
            shift: mean.iter().zip(&factor).map(|(mean, factor)| -mean * factor).collect(),
        };
        let mut folded = network.clone();
        if prepared == Affine::factor(1.0) {
            return Some(folded);
        }
        // Before the first layer with weights nothing has any.
        for (op, weights, biases) in network.each_layer() {
            match op {
                Op::Flatten(_) | Op::GlobalAvgPool(_) => {}
                Op::Dropout(op) => prepared.shift.iter_mut().for_each(|shift| *shift *= f64::from(op.staying())),
                Op::Conv(op) if op.padded_inputs() != op.inputs() && prepared.shifts() => break,
                Op::Conv(_) | Op::Dense(_) => {
                    let (mut parts, mut parameters) = (Parts::new(weights, biases), Vec::new());
                    parts.precede(&prepared);
                    parts.append_to(&mut parameters).ok()?;
                    folded.parameters_mut()[..parameters.len()].copy_from_slice(&parameters);
                    return Some(folded);
                }
            }
        }
        None
    }
}
