//! Costs, and the error they give to the output layer.

use crate::activation::{Activation, Sigmoid, Softmax};
use crate::kernel::math;

/// The cost of one example, for an output layer with the activation `A`.
#[diagnostic::on_unimplemented(
    message = "the cost `{Self}` does not go with an output layer of `{A}`",
    label = "this pair has no error δ in the book",
    note = "`CrossEntropy` goes with `Sigmoid`, `LogLikelihood` with `Softmax`, `Quadratic` with every activation"
)]
pub trait Cost<A: Activation>: 'static {
    /// Its name on the command line and in a model's header.
    const NAME: &'static str;

    /// The cost of the outputs `a` where `y` is wanted; both have the same length.
    fn value(a: &[f32], y: &[f32]) -> f32;

    /// Writes the output error δ = ∂C/∂z (the book's equation BP1) over `delta`.
    fn delta(a: &[f32], y: &[f32], delta: &mut [f32]);
}

/// C = ½ Σ (a - y)²: the book's equation 6, for one example.
#[derive(Clone, Copy, Debug)]
pub struct Quadratic;

/// C = -Σ [y ln a + (1 - y) ln (1 - a)]: the book's equation 63, for one example.
#[derive(Clone, Copy, Debug)]
pub struct CrossEntropy;

/// C = -ln a_y, y being the right class: the book's equation 80.
#[derive(Clone, Copy, Debug)]
pub struct LogLikelihood;

impl<A: Activation> Cost<A> for Quadratic {
    const NAME: &'static str = "quadratic";

    fn value(a: &[f32], y: &[f32]) -> f32 {
        a.iter().zip(y).fold(0.0, |sum, (a, y)| sum + 0.5 * (a - y) * (a - y))
    }

    fn delta(a: &[f32], y: &[f32], delta: &mut [f32]) {
        difference(a, y, delta);
        A::FUNCTION.backward(a, delta);
    }
}

impl Cost<Sigmoid> for CrossEntropy {
    const NAME: &'static str = "cross-entropy";

    fn value(a: &[f32], y: &[f32]) -> f32 {
        a.iter().zip(y).fold(0.0, |sum, (&a, &y)| sum - y_ln(y, a) - y_ln(1.0 - y, 1.0 - a))
    }

    fn delta(a: &[f32], y: &[f32], delta: &mut [f32]) {
        difference(a, y, delta);
    }
}

impl Cost<Softmax> for LogLikelihood {
    const NAME: &'static str = "log-likelihood";

    fn value(a: &[f32], y: &[f32]) -> f32 {
        a.iter().zip(y).fold(0.0, |sum, (&a, &y)| sum - y_ln(y, a))
    }

    fn delta(a: &[f32], y: &[f32], delta: &mut [f32]) {
        difference(a, y, delta);
    }
}

fn difference(a: &[f32], y: &[f32], delta: &mut [f32]) {
    for ((delta, a), y) in delta.iter_mut().zip(a).zip(y) {
        *delta = a - y;
    }
}

/// y ln a, which is 0 where y is 0 (the book's `nan_to_num`), and finite where a has come down to 0.
fn y_ln(y: f32, a: f32) -> f32 {
    if y == 0.0 { 0.0 } else { y * math::ln(a.max(f32::MIN_POSITIVE)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cost<A: Activation, C: Cost<A>>(a: &[f32], y: &[f32]) -> f32 {
        C::value(a, y)
    }

    #[test]
    fn values_worked_by_hand() {
        // ½ (0.2² + 0.4²) = 0.1; -ln 0.8 - ln 0.6; -ln 0.8
        let (a, y) = ([0.8, 0.4], [1.0, 0.0]);
        assert!((cost::<Sigmoid, Quadratic>(&a, &y) - 0.1).abs() < 1e-6);
        assert!((cost::<Sigmoid, CrossEntropy>(&a, &y) - 0.733_969_2).abs() < 1e-6);
        assert!((cost::<Softmax, LogLikelihood>(&a, &y) - 0.223_143_55).abs() < 1e-6);
    }

    #[test]
    fn stays_finite_where_an_output_saturates() {
        assert_eq!(cost::<Sigmoid, CrossEntropy>(&[1.0, 0.0], &[1.0, 0.0]), 0.0);
        assert!(cost::<Sigmoid, CrossEntropy>(&[0.0], &[1.0]).is_finite());
        assert!(cost::<Softmax, LogLikelihood>(&[0.0, 1.0], &[1.0, 0.0]).is_finite());
    }

    #[test]
    fn quadratic_delta_carries_the_slope() {
        let mut delta = [0.0];
        <Quadratic as Cost<Sigmoid>>::delta(&[0.8], &[1.0], &mut delta);
        assert!((delta[0] - -0.2 * 0.8 * 0.2).abs() < 1e-7);
    }
}
