//! Activations, applied to a layer's weighted inputs `z` where they lie.

use crate::kernel::math;

/// A function from a layer's weighted inputs `z` to its activations `a`.
pub trait Activation: Copy + Send + Sync + 'static {
    /// Its word in the architecture's text, with a space before it; empty for the identity.
    const NAME: &'static str;

    /// Turns `z` into `a`.
    fn forward(z: &mut [f32]);

    /// Turns ∂C/∂a into ∂C/∂z, given `a`. Both slices have the layer's number of outputs.
    fn backward(a: &[f32], gradient: &mut [f32]);
}

/// An activation that works on each value alone, and never falls as its argument grows: what a convolution takes.
pub trait Elementwise: Activation {}

/// a = z.
#[derive(Clone, Copy, Debug)]
pub struct Identity;

/// a = σ(z) = 1 / (1 + e^-z): the book's equation 3.
#[derive(Clone, Copy, Debug)]
pub struct Sigmoid;

/// a = tanh z: the book's equation 109.
#[derive(Clone, Copy, Debug)]
pub struct Tanh;

/// a = max(0, z): the book's "rectified linear neuron", chapter 3.
#[derive(Clone, Copy, Debug)]
pub struct Relu;

/// a_j = e^(z_j) / Σ_k e^(z_k): the book's equation 78, over all of a layer's outputs.
#[derive(Clone, Copy, Debug)]
pub struct Softmax;

impl Activation for Identity {
    const NAME: &'static str = "";

    #[inline(always)]
    fn forward(_: &mut [f32]) {}

    #[inline(always)]
    fn backward(_: &[f32], _: &mut [f32]) {}
}

impl Activation for Sigmoid {
    const NAME: &'static str = " sigmoid";

    #[inline(always)]
    fn forward(z: &mut [f32]) {
        for z in z {
            *z = math::sigmoid(*z);
        }
    }

    #[inline(always)]
    fn backward(a: &[f32], gradient: &mut [f32]) {
        for (&a, gradient) in a.iter().zip(gradient) {
            *gradient *= a * (1.0 - a);
        }
    }
}

impl Activation for Tanh {
    const NAME: &'static str = " tanh";

    #[inline(always)]
    fn forward(z: &mut [f32]) {
        for z in z {
            *z = math::tanh(*z);
        }
    }

    #[inline(always)]
    fn backward(a: &[f32], gradient: &mut [f32]) {
        for (&a, gradient) in a.iter().zip(gradient) {
            *gradient *= 1.0 - a * a;
        }
    }
}

impl Activation for Relu {
    const NAME: &'static str = " relu";

    #[inline(always)]
    fn forward(z: &mut [f32]) {
        for z in z {
            // A number's sign is that of its bits as an integer. A choice between floats would be stored through a mask,
            // which some processors do slowly.
            *z = f32::from_bits((z.to_bits() as i32).max(0) as u32);
        }
    }

    #[inline(always)]
    fn backward(a: &[f32], gradient: &mut [f32]) {
        for (&a, gradient) in a.iter().zip(gradient) {
            *gradient *= if a > 0.0 { 1.0 } else { 0.0 };
        }
    }
}

impl Activation for Softmax {
    const NAME: &'static str = " softmax";

    #[inline(always)]
    fn forward(z: &mut [f32]) {
        // The greatest z is taken off first, so that no power overflows; the quotient stays the same.
        let greatest = z.iter().fold(f32::NEG_INFINITY, |greatest, &z| if z > greatest { z } else { greatest });
        let mut sum = 0.0;
        for z in z.iter_mut() {
            *z = math::exp(*z - greatest);
            sum += *z;
        }
        for a in z {
            *a /= sum;
        }
    }

    #[inline(always)]
    fn backward(a: &[f32], gradient: &mut [f32]) {
        let mut mean = 0.0;
        for (&a, &gradient) in a.iter().zip(gradient.iter()) {
            mean += a * gradient;
        }
        for (&a, gradient) in a.iter().zip(gradient) {
            *gradient = a * (*gradient - mean);
        }
    }
}

impl Elementwise for Identity {}
impl Elementwise for Sigmoid {}
impl Elementwise for Tanh {}
impl Elementwise for Relu {}

/// [`Sigmoid`] by micromath's approximation of e^x: quicker without a floating-point unit, and other bits.
#[cfg(feature = "micromath")]
#[derive(Clone, Copy, Debug)]
pub struct FastSigmoid;

/// [`Tanh`] as 2σ(2z) - 1 by micromath's approximation of e^x: quicker without a floating-point unit, and other bits.
#[cfg(feature = "micromath")]
#[derive(Clone, Copy, Debug)]
pub struct FastTanh;

#[cfg(feature = "micromath")]
mod fast {
    use super::{Activation, Elementwise, FastSigmoid, FastTanh, Sigmoid, Tanh};
    use micromath::F32Ext;

    fn sigmoid(z: f32) -> f32 {
        // Outside of this range σ is 0 or 1 to the accuracy of the approximation, which overflows far out.
        1.0 / (1.0 + F32Ext::exp(-z.clamp(-20.0, 20.0)))
    }

    impl Activation for FastSigmoid {
        const NAME: &'static str = " fastsigmoid";

        fn forward(z: &mut [f32]) {
            for z in z {
                *z = sigmoid(*z);
            }
        }

        fn backward(a: &[f32], gradient: &mut [f32]) {
            Sigmoid::backward(a, gradient);
        }
    }

    impl Activation for FastTanh {
        const NAME: &'static str = " fasttanh";

        fn forward(z: &mut [f32]) {
            for z in z {
                *z = 2.0 * sigmoid(2.0 * *z) - 1.0;
            }
        }

        fn backward(a: &[f32], gradient: &mut [f32]) {
            Tanh::backward(a, gradient);
        }
    }

    impl Elementwise for FastSigmoid {}
    impl Elementwise for FastTanh {}

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn stay_near_the_exact_ones() {
            for step in -400..=400 {
                let z = step as f32 / 10.0;
                let (mut fast, mut exact) = ([z], [z]);
                FastSigmoid::forward(&mut fast);
                Sigmoid::forward(&mut exact);
                assert!((fast[0] - exact[0]).abs() < 0.03, "sigmoid({z}): {fast:?}, exactly {exact:?}");
                let (mut fast, mut exact) = ([z], [z]);
                FastTanh::forward(&mut fast);
                Tanh::forward(&mut exact);
                assert!((fast[0] - exact[0]).abs() < 0.06, "tanh({z}): {fast:?}, exactly {exact:?}");
            }
        }
    }
}
