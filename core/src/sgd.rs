//! Stochastic gradient descent with L2 regularization.

/// Which of the book's two programs says what λ is divided by. Biases never decay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Regularization {
    /// w ← (1 - ηλ/n) w - …, n the number of training images: equation 93 and `network2.py`.
    PerImage,
    /// w ← (1 - ηλ/b) w - …, b the number of mini-batches in an epoch: `network3.py`.
    PerBatch,
}

/// One step's numbers: w ← w·decay - rate·Σ∂C/∂w, b ← b - rate·Σ∂C/∂b, the sums over the mini-batch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sgd {
    /// What every weight is multiplied by; 1 without regularization.
    pub decay: f32,
    /// η divided by the number of images in the mini-batch.
    pub rate: f32,
}

impl Sgd {
    /// A step with learning rate `eta` over a mini-batch of `images`: the book's equations 20 and 21.
    pub fn new(eta: f32, images: usize) -> Self {
        Self { decay: 1.0, rate: eta / images.max(1) as f32 }
    }

    /// The same step with L2 regularization of strength `lambda`. `count` is the number of training images or of
    /// mini-batches in an epoch, as the convention that is wanted says ([`Regularization`]).
    pub fn with_l2(self, eta: f32, lambda: f32, count: usize) -> Self {
        Self { decay: 1.0 - eta * lambda / count.max(1) as f32, ..self }
    }

    /// Adds the sum of the gradients, times `share`, to a network that holds a gradient.
    pub(crate) fn accumulate(share: f32) -> Self {
        Self { decay: 1.0, rate: -share }
    }

    /// w·decay - rate·g.
    #[inline(always)]
    pub(crate) fn weight(&self, weight: f32, gradient: f32) -> f32 {
        weight * self.decay - self.rate * gradient
    }

    /// b - rate·g.
    #[inline(always)]
    pub(crate) fn bias(&self, bias: f32, gradient: f32) -> f32 {
        bias - self.rate * gradient
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_conventions_by_hand() {
        // network2.py with eta 0.5, lambda 5, n 50,000: decay 1 - 0.00005; network3.py with 0.03, 0.1, 5,000 batches.
        let step = Sgd::new(0.5, 10).with_l2(0.5, 5.0, 50_000);
        assert_eq!(step, Sgd { decay: 0.99995, rate: 0.05 });
        let step = Sgd::new(0.03, 10).with_l2(0.03, 0.1, 5_000);
        assert!((step.decay - (1.0 - 6e-7)).abs() < 1e-7);
        assert_eq!(Sgd { decay: 0.5, rate: 0.25 }.weight(2.0, 4.0), 0.0);
        assert_eq!(Sgd { decay: 0.5, rate: 0.25 }.bias(2.0, 4.0), 1.0);
    }
}
