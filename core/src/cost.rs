//! Costs, and the error they give to the output layer.

#[cfg(feature = "micromath")]
use crate::activation::FastSigmoid;
use crate::activation::{Activation, Function, Sigmoid, Softmax};
use crate::kernel::math;

/// A cost as a value, for a network that is known only when the program runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CostFunction {
    /// C = ½ Σ (a - y)²: the book's equation 6, for one example.
    Quadratic,
    /// C = -Σ [y ln a + (1 - y) ln (1 - a)]: the book's equation 63, for one example.
    CrossEntropy,
    /// C = -ln a_y, y being the right class: the book's equation 80.
    LogLikelihood,
}

/// A cost as a type, for an output layer with the activation `A`.
#[diagnostic::on_unimplemented(
    message = "the cost `{Self}` does not go with an output layer of `{A}`",
    label = "this pair has no error δ in the book",
    note = "`CrossEntropy` goes with `Sigmoid`, `LogLikelihood` with `Softmax`, `Quadratic` with every activation"
)]
pub trait Cost<A: Activation>: 'static {
    /// The cost.
    const FUNCTION: CostFunction;
    /// Its name on the command line and in a model's header.
    const NAME: &'static str = Self::FUNCTION.name();

    /// The cost of the outputs `a` where `y` is wanted; both have the same length.
    fn value(a: &[f32], y: &[f32]) -> f32 {
        Self::FUNCTION.value(a, y)
    }

    /// Writes the output error δ = ∂C/∂z (the book's equation BP1) over `delta`.
    fn delta(a: &[f32], y: &[f32], delta: &mut [f32]) {
        Self::FUNCTION.delta(A::FUNCTION, a, y, delta);
    }
}

/// [`CostFunction::Quadratic`] as a type.
#[derive(Clone, Copy, Debug)]
pub struct Quadratic;

/// [`CostFunction::CrossEntropy`] as a type.
#[derive(Clone, Copy, Debug)]
pub struct CrossEntropy;

/// [`CostFunction::LogLikelihood`] as a type.
#[derive(Clone, Copy, Debug)]
pub struct LogLikelihood;

impl<A: Activation> Cost<A> for Quadratic {
    const FUNCTION: CostFunction = CostFunction::Quadratic;
}

impl Cost<Sigmoid> for CrossEntropy {
    const FUNCTION: CostFunction = CostFunction::CrossEntropy;
}

#[cfg(feature = "micromath")]
impl Cost<FastSigmoid> for CrossEntropy {
    const FUNCTION: CostFunction = CostFunction::CrossEntropy;
}

impl Cost<Softmax> for LogLikelihood {
    const FUNCTION: CostFunction = CostFunction::LogLikelihood;
}

impl CostFunction {
    /// Every cost. An output layer's own stands before the one that goes with every layer.
    pub const ALL: &[Self] = &[Self::CrossEntropy, Self::LogLikelihood, Self::Quadratic];

    /// Its name on the command line and in a model's header.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Quadratic => "quadratic",
            Self::CrossEntropy => "cross-entropy",
            Self::LogLikelihood => "log-likelihood",
        }
    }

    /// The cost of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|cost| cost.name() == name)
    }

    /// Whether it goes with an output layer of this activation.
    pub const fn fits(self, output: Function) -> bool {
        match self {
            Self::Quadratic => true,
            #[cfg(feature = "micromath")]
            Self::CrossEntropy => matches!(output, Function::Sigmoid | Function::FastSigmoid),
            #[cfg(not(feature = "micromath"))]
            Self::CrossEntropy => matches!(output, Function::Sigmoid),
            Self::LogLikelihood => matches!(output, Function::Softmax),
        }
    }

    /// The cost of the outputs `a` where `y` is wanted; both have the same length.
    #[inline(always)]
    pub fn value(self, a: &[f32], y: &[f32]) -> f32 {
        let pairs = a.iter().zip(y);
        match self {
            Self::Quadratic => pairs.fold(0.0, |sum, (a, y)| sum + 0.5 * (a - y) * (a - y)),
            Self::CrossEntropy => pairs.fold(0.0, |sum, (&a, &y)| sum - y_ln(y, a) - y_ln(1.0 - y, 1.0 - a)),
            Self::LogLikelihood => pairs.fold(0.0, |sum, (&a, &y)| sum - y_ln(y, a)),
        }
    }

    /// Writes the output error δ = ∂C/∂z (the book's equation BP1) over `delta`, for an output layer of this activation,
    /// one that the cost goes with.
    #[inline(always)]
    pub fn delta(self, output: Function, a: &[f32], y: &[f32], delta: &mut [f32]) {
        for ((delta, a), y) in delta.iter_mut().zip(a).zip(y) {
            *delta = a - y;
        }
        // The other two are made so that the slope of their activation cancels.
        if let Self::Quadratic = self {
            output.backward(a, delta);
        }
    }
}

/// y ln a, which is 0 where y is 0 (the book's `nan_to_num`), and finite where a has come down to 0.
fn y_ln(y: f32, a: f32) -> f32 {
    // Not `max`, which would make a number of what is none.
    let a = if a < f32::MIN_POSITIVE { f32::MIN_POSITIVE } else { a };
    if y == 0.0 { 0.0 } else { y * math::ln(a) }
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
    fn the_cost_of_what_is_no_number_is_none() {
        assert!(cost::<Softmax, LogLikelihood>(&[f32::NAN, 1.0], &[1.0, 0.0]).is_nan());
        assert!(cost::<Sigmoid, CrossEntropy>(&[f32::NAN], &[0.0]).is_nan());
    }

    #[test]
    fn quadratic_delta_carries_the_slope() {
        let mut delta = [0.0];
        <Quadratic as Cost<Sigmoid>>::delta(&[0.8], &[1.0], &mut delta);
        assert!((delta[0] - -0.2 * 0.8 * 0.2).abs() < 1e-7);
    }

    #[test]
    fn a_cost_is_found_by_its_name() {
        for &cost in CostFunction::ALL {
            assert_eq!(CostFunction::from_name(cost.name()), Some(cost));
        }
        assert_eq!(CostFunction::from_name("cheap"), None);
        assert_eq!(<CrossEntropy as Cost<Sigmoid>>::NAME, "cross-entropy");
    }

    #[test]
    fn delta_is_the_slope_of_the_value_in_z_where_a_cost_fits() {
        let (z, y) = ([0.3, -0.8, 1.1], [0.0, 1.0, 0.0]);
        let value = |cost: CostFunction, output: Function, z: [f32; 3]| {
            let mut a = z;
            output.forward(&mut a);
            cost.value(&a, &y)
        };
        for &output in &[Function::Identity, Function::Sigmoid, Function::Tanh, Function::Relu, Function::Softmax] {
            for &cost in CostFunction::ALL.iter().filter(|cost| cost.fits(output)) {
                let (mut a, mut delta) = (z, [0.0; 3]);
                output.forward(&mut a);
                cost.delta(output, &a, &y, &mut delta);
                for (i, delta) in delta.into_iter().enumerate() {
                    let moved = |step: f32| {
                        let mut z = z;
                        z[i] += step;
                        value(cost, output, z)
                    };
                    let slope = (moved(0.01) - moved(-0.01)) / 0.02;
                    assert!((delta - slope).abs() < 1e-3, "{cost:?} {output:?}: {delta}, {slope}");
                }
            }
        }
    }

    #[test]
    fn each_output_layer_has_the_costs_of_the_book() {
        let costs = |output| CostFunction::ALL.iter().filter(move |cost| cost.fits(output));
        assert!(costs(Function::Sigmoid).eq(&[CostFunction::CrossEntropy, CostFunction::Quadratic]));
        assert!(costs(Function::Softmax).eq(&[CostFunction::LogLikelihood, CostFunction::Quadratic]));
        for output in [Function::Identity, Function::Tanh, Function::Relu] {
            assert!(costs(output).eq(&[CostFunction::Quadratic]));
        }
        #[cfg(feature = "micromath")]
        assert!(costs(Function::FastSigmoid).eq(&[CostFunction::CrossEntropy, CostFunction::Quadratic]));
    }
}
