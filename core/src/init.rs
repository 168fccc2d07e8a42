//! Where weights and biases start.

use crate::kernel::math;
use rand_core::Rng;

/// How a network's weights and biases start. All are Gaussian with mean 0; the table gives standard deviations.
///
/// | | dense and convolution weights | biases | source |
/// | --- | --- | --- | --- |
/// | `FanIn` | 1/√n_in | 1 | chapter 3, `network2.py`'s default |
/// | `Large` | 1 | 1 | `network.py`, `network2.py`'s large weights |
/// | `Network3` | 1/√n_out; a convolution's n_out is filters·25/4 | 1 | `network3.py`; its softmax layer starts at 0 |
/// | `He` | √(2/n_in) | 0 | He et al. 2015, for ReLU |
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Init {
    /// 1/√n_in: no neuron starts saturated.
    FanIn,
    /// 1: the book's first, slow-starting choice.
    Large,
    /// 1/√n_out, and 0 for a softmax layer.
    Network3,
    /// √(2/n_in), biases at 0.
    He,
}

/// What a layer's start depends on.
#[derive(Clone, Copy, Debug)]
pub struct Fan {
    /// Inputs to one neuron.
    pub fan_in: usize,
    /// What the book's `network3.py` takes as n_out.
    pub fan_out: f32,
    /// Whether the layer is a softmax layer.
    pub softmax: bool,
}

impl Init {
    /// Draws a layer's weights, in the order of memory, then its biases.
    pub fn draw(self, fan: Fan, weights: &mut [f32], bias: &mut [f32], rng: &mut impl Rng) {
        let fan_in = fan.fan_in.max(1) as f32;
        let (weight, offset) = match self {
            Self::FanIn => (1.0 / math::sqrt(fan_in), 1.0),
            Self::Large => (1.0, 1.0),
            Self::Network3 if fan.softmax => (0.0, 0.0),
            Self::Network3 => (1.0 / math::sqrt(fan.fan_out), 1.0),
            Self::He => (math::sqrt(2.0 / fan_in), 0.0),
        };
        gaussian(weights, weight, rng);
        gaussian(bias, offset, rng);
    }
}

/// Fills `values` with a Gaussian of mean 0, in pairs by the Box-Muller transform.
fn gaussian(values: &mut [f32], deviation: f32, rng: &mut impl Rng) {
    for pair in values.chunks_mut(2) {
        // 24 random bits make a uniform number exactly; the half keeps the logarithm's argument above 0.
        let u = ((rng.next_u32() >> 8) as f32 + 0.5) / (1u32 << 24) as f32;
        let v = (rng.next_u32() >> 8) as f32 / (1u32 << 24) as f32;
        let radius = deviation * math::sqrt(-2.0 * math::ln(u));
        let angle = core::f32::consts::TAU * v;
        for (value, part) in pair.iter_mut().zip([libm::cosf(angle), libm::sinf(angle)]) {
            *value = radius * part;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_core::SeedableRng;
    use rand_xorshift::XorShiftRng;

    fn deviation(values: &[f32]) -> f32 {
        let mean = values.iter().sum::<f32>() / values.len() as f32;
        (values.iter().map(|v| (v - mean) * (v - mean)).sum::<f32>() / values.len() as f32).sqrt()
    }

    #[test]
    fn deviations_are_the_book_s() {
        let fan = Fan { fan_in: 400, fan_out: 25.0, softmax: false };
        for (init, weight, bias) in
            [(Init::FanIn, 0.05, 1.0), (Init::Large, 1.0, 1.0), (Init::Network3, 0.2, 1.0), (Init::He, 0.070_71, 0.0)]
        {
            let mut rng = XorShiftRng::seed_from_u64(1);
            let (mut weights, mut biases) = ([0.0; 40_000], [0.0; 40_000]);
            init.draw(fan, &mut weights, &mut biases, &mut rng);
            assert!((deviation(&weights) / weight - 1.0).abs() < 0.02, "{init:?}");
            assert!((deviation(&biases) - bias).abs() < 0.02, "{init:?}");
            let mean = weights.iter().sum::<f32>() / 40_000.0;
            assert!(mean.abs() < weight * 0.02, "{init:?}: mean {mean}");
        }
    }

    #[test]
    fn network3_starts_its_softmax_at_zero() {
        let mut rng = XorShiftRng::seed_from_u64(1);
        let (mut weights, mut biases) = ([9.0; 7], [9.0; 3]);
        let fan = Fan { fan_in: 4, fan_out: 3.0, softmax: true };
        Init::Network3.draw(fan, &mut weights, &mut biases, &mut rng);
        assert!(weights.iter().chain(&biases).all(|&v| v == 0.0));
    }
}
