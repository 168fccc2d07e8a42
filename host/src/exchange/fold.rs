//! A layer's parameters in 64 bits, while what stands before or after it in another program is folded into them.

use super::ExchangeError;

/// For each channel, or each value of a vector, a factor and what is added then: batch normalization, for one. A single
/// number is for all.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Affine {
    pub(crate) factor: Vec<f64>,
    pub(crate) shift: Vec<f64>,
}

impl Affine {
    /// One factor for all.
    pub(crate) fn factor(factor: f64) -> Self {
        Self { factor: vec![factor], shift: vec![0.0] }
    }

    /// (x - mean) / √(variance + ε) · γ + β. What is not there is 1 for γ, 0 for β.
    pub(crate) fn batch_norm(
        gamma: Option<&[f32]>,
        beta: Option<&[f32]>,
        mean: &[f32],
        variance: &[f32],
        epsilon: f64,
    ) -> Self {
        let at = |values: Option<&[f32]>, i: usize, missing| {
            values.and_then(|values| values.get(i)).map_or(missing, |value| f64::from(*value))
        };
        let factor: Vec<f64> =
            (0..mean.len()).map(|i| at(gamma, i, 1.0) / (at(Some(variance), i, 1.0) + epsilon).sqrt()).collect();
        let shift = factor.iter().zip(mean).enumerate();
        let shift = shift.map(|(i, (factor, mean))| at(beta, i, 0.0) - f64::from(*mean) * factor).collect();
        Self { factor, shift }
    }

    /// This one, then another.
    pub(crate) fn then(&self, next: &Self) -> Self {
        let longest = |lists: &[&Vec<f64>]| lists.iter().map(|list| list.len()).max().unwrap_or(0);
        let factors = self.factor.iter().cycle().zip(next.factor.iter().cycle()).map(|(a, b)| a * b);
        let shifts = self.shift.iter().cycle().zip(next.factor.iter().cycle()).zip(next.shift.iter().cycle());
        let shifts = shifts.map(|((shift, factor), next)| shift * factor + next);
        Self {
            factor: factors.take(longest(&[&self.factor, &next.factor])).collect(),
            shift: shifts.take(longest(&[&self.shift, &next.factor, &next.shift])).collect(),
        }
    }

    /// Whether it adds something.
    pub(crate) fn shifts(&self) -> bool {
        self.shift.iter().any(|shift| *shift != 0.0)
    }

    /// Whether the greater of two values stays the greater.
    pub(crate) fn keeps_order(&self) -> bool {
        self.factor.iter().all(|factor| *factor >= 0.0)
    }

    /// Whether all its numbers are finite.
    pub(crate) fn is_finite(&self) -> bool {
        self.factor.iter().chain(&self.shift).all(|value| value.is_finite())
    }
}

/// Weights and biases of a dense layer or a convolution, in the order of a network's.
#[derive(Clone, Debug)]
pub(crate) struct Parts {
    pub(crate) weights: Vec<f64>,
    pub(crate) biases: Vec<f64>,
}

impl Parts {
    pub(crate) fn new(weights: &[f32], biases: &[f32]) -> Self {
        let wide = |values: &[f32]| values.iter().copied().map(f64::from).collect();
        Self { weights: wide(weights), biases: wide(biases) }
    }

    /// Folds in what is done to the sums, before the activation.
    pub(crate) fn follow(&mut self, affine: &Affine) {
        let Affine { factor, shift } = affine;
        let outputs = self.biases.len().max(1);
        for weights in self.weights.chunks_mut(outputs) {
            weights.iter_mut().zip(factor.iter().cycle()).for_each(|(weight, factor)| *weight *= factor);
        }
        let numbers = factor.iter().cycle().zip(shift.iter().cycle());
        self.biases.iter_mut().zip(numbers).for_each(|(bias, (factor, shift))| *bias = *bias * factor + shift);
    }

    /// Folds in what is done to the inputs. Where these have zeros around them that are added later, it must add nothing.
    ///
    /// The inputs' channels come one after the other in the weights, again and again: of a convolution's filter, of an
    /// image that was flattened.
    pub(crate) fn precede(&mut self, affine: &Affine) {
        let numbers = affine.factor.iter().cycle().zip(affine.shift.iter().cycle());
        for (weights, (factor, shift)) in self.weights.chunks_mut(self.biases.len().max(1)).zip(numbers) {
            for (weight, bias) in weights.iter_mut().zip(&mut self.biases) {
                *bias += *weight * shift;
                *weight *= factor;
            }
        }
    }

    /// Puts them behind those of other layers, in 32 bits.
    ///
    /// # Errors
    /// [`ExchangeError::Folded`] if they are too large for that.
    pub(crate) fn append_to(&self, parameters: &mut Vec<f32>) -> Result<(), ExchangeError> {
        let begin = parameters.len();
        parameters.extend(self.weights.iter().chain(&self.biases).map(|value| *value as f32));
        let is_finite = parameters[begin..].iter().all(|value| value.is_finite());
        if is_finite { Ok(()) } else { Err(ExchangeError::Folded) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_after_the_other_is_the_same_as_both() {
        let one = |factor: &[f64], shift: &[f64]| Affine { factor: factor.to_vec(), shift: shift.to_vec() };
        assert_eq!(one(&[2.0], &[1.0]).then(&one(&[3.0], &[5.0])), one(&[6.0], &[8.0]));
        assert_eq!(one(&[2.0], &[0.0]).then(&one(&[1.0], &[5.0, 7.0])), one(&[2.0], &[5.0, 7.0]));
        assert_eq!(one(&[1.0], &[5.0, 7.0]).then(&one(&[2.0], &[0.0])), one(&[2.0], &[10.0, 14.0]));
        assert_eq!(one(&[1.0], &[1.0]).then(&one(&[2.0, 3.0], &[0.0])), one(&[2.0, 3.0], &[2.0, 3.0]));
        // Of no channels.
        assert_eq!(one(&[1.0], &[1.0]).then(&one(&[], &[])), one(&[], &[]));
    }

    #[test]
    fn what_32_bits_cannot_hold_is_refused() {
        let mut parts = Parts::new(&[1e30, 1.0], &[0.0]);
        assert_eq!(parts.append_to(&mut Vec::new()), Ok(()));
        parts.follow(&Affine::factor(1e10));
        assert_eq!(parts.append_to(&mut Vec::new()), Err(ExchangeError::Folded));
    }
}
