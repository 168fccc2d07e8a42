//! Activations, applied to a layer's weighted inputs `z` where they lie.

use crate::batch::{Images, pair};
use crate::executor::{Executor, split_images};
use crate::kernel::math;
use crate::kernel::vector::{Kernel, Vector, compiled_once};
use crate::text::Text;

/// A function from a layer's weighted inputs `z` to its activations `a`.
#[derive(Clone, Copy, Debug)]
pub enum Function {
    /// a = z.
    Identity,
    /// a = σ(z) = 1 / (1 + e^-z): the book's equation 3.
    Sigmoid,
    /// a = tanh z: the book's equation 109.
    Tanh,
    /// a = max(0, z): the book's "rectified linear neuron", chapter 3.
    Relu,
    /// a_j = e^(z_j) / Σ_k e^(z_k): the book's equation 78, over all of a layer's outputs.
    Softmax,
    /// σ by micromath's approximation of e^x: quicker without a floating-point unit, and other bits.
    #[cfg(feature = "micromath")]
    FastSigmoid,
    /// tanh as 2σ(2z) - 1 by micromath's approximation of e^x: quicker without a floating-point unit, and other bits.
    #[cfg(feature = "micromath")]
    FastTanh,
    /// A program's own.
    Custom(&'static Custom),
}

/// An activation that a program brings itself. Its network has a type, but cannot be read from a text.
#[derive(Debug)]
pub struct Custom {
    /// Its word in the architecture's text.
    pub name: &'static str,
    /// Turns `z` into `a`. No value of `a` may be larger than 1 and than all of `z`, or a model file's check that nothing
    /// overflows does not hold.
    pub forward: fn(z: &mut [f32]),
    /// Turns ∂C/∂a into ∂C/∂z, given `a`. Both slices have the layer's number of outputs.
    pub backward: fn(a: &[f32], gradient: &mut [f32]),
}

impl PartialEq for Function {
    /// Two activations of one name are the same.
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

/// An activation as a type.
pub trait Activation: Copy + Send + Sync + 'static {
    /// The activation.
    const FUNCTION: Function;
}

/// An activation that works on each value alone, and never falls as its argument grows: what a convolution takes.
pub trait Elementwise: Activation {}

macro_rules! types {
    ($($(#[$attribute:meta])* $name:ident),*) => {$(
        #[doc = concat!("[`Function::", stringify!($name), "`] as a type.")]
        $(#[$attribute])*
        #[derive(Clone, Copy, Debug)]
        pub struct $name;

        $(#[$attribute])*
        impl Activation for $name {
            const FUNCTION: Function = Function::$name;
        }
    )*};
}

types! {
    Identity, Sigmoid, Tanh, Relu, Softmax, #[cfg(feature = "micromath")] FastSigmoid, #[cfg(feature = "micromath")] FastTanh
}

impl Elementwise for Identity {}
impl Elementwise for Sigmoid {}
impl Elementwise for Tanh {}
impl Elementwise for Relu {}
#[cfg(feature = "micromath")]
impl Elementwise for FastSigmoid {}
#[cfg(feature = "micromath")]
impl Elementwise for FastTanh {}

impl Function {
    /// Every activation that has a name in texts.
    pub const ALL: &[Self] = &[
        Self::Identity,
        Self::Sigmoid,
        Self::Tanh,
        Self::Relu,
        Self::Softmax,
        #[cfg(feature = "micromath")]
        Self::FastSigmoid,
        #[cfg(feature = "micromath")]
        Self::FastTanh,
    ];

    /// Its word in the architecture's text; empty for the identity.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Identity => "",
            Self::Sigmoid => "sigmoid",
            Self::Tanh => "tanh",
            Self::Relu => "relu",
            Self::Softmax => "softmax",
            #[cfg(feature = "micromath")]
            Self::FastSigmoid => "fast-sigmoid",
            #[cfg(feature = "micromath")]
            Self::FastTanh => "fast-tanh",
            Self::Custom(custom) => custom.name,
        }
    }

    /// Whether it works on each value alone, and never falls as its argument grows: what a convolution takes. Nothing is
    /// known of a program's own.
    pub const fn is_elementwise(self) -> bool {
        !matches!(self, Self::Softmax | Self::Custom(_))
    }

    /// A text followed by a space and its word, if it has one.
    pub(crate) const fn append(self, text: Text) -> Text {
        if self.name().is_empty() { text } else { text.then(" ").then(self.name()) }
    }

    /// Turns `z` into `a`.
    #[inline(always)]
    pub fn forward(self, z: &mut [f32]) {
        match self {
            Self::Identity => {}
            Self::Sigmoid => sigmoid(z),
            Self::Tanh => tanh(z),
            Self::Relu => relu(z),
            Self::Softmax => softmax(z),
            #[cfg(feature = "micromath")]
            Self::FastSigmoid => {
                for z in z {
                    *z = fast::sigmoid(*z);
                }
            }
            #[cfg(feature = "micromath")]
            Self::FastTanh => {
                for z in z {
                    *z = 2.0 * fast::sigmoid(2.0 * *z) - 1.0;
                }
            }
            Self::Custom(custom) => (custom.forward)(z),
        }
    }

    /// Turns ∂C/∂a into ∂C/∂z, given `a`. Both slices have the layer's number of outputs.
    #[inline(always)]
    pub fn backward(self, a: &[f32], gradient: &mut [f32]) {
        let pairs = a.iter().zip(gradient.iter_mut());
        match self {
            Self::Identity => {}
            Self::Sigmoid => {
                for (&a, gradient) in pairs {
                    *gradient *= a * (1.0 - a);
                }
            }
            Self::Tanh => {
                for (&a, gradient) in pairs {
                    *gradient *= 1.0 - a * a;
                }
            }
            Self::Relu => {
                for (&a, gradient) in pairs {
                    *gradient *= if a > 0.0 { 1.0 } else { 0.0 };
                }
            }
            Self::Softmax => softmax_gradient(a, gradient),
            #[cfg(feature = "micromath")]
            Self::FastSigmoid => Self::Sigmoid.backward(a, gradient),
            #[cfg(feature = "micromath")]
            Self::FastTanh => Self::Tanh.backward(a, gradient),
            Self::Custom(custom) => (custom.backward)(a, gradient),
        }
    }
}

/// Turns ∂C/∂a into ∂C/∂z for each image: `outputs` values a begin at `own`, and ∂C/∂a follows them.
#[cfg_attr(target_os = "none", inline(always))]
pub(crate) fn gradient(function: Function, outputs: usize, images: Images, own: usize, executor: &impl Executor) {
    split_images(images, outputs, executor, &|images| {
        Gradient { function, outputs, images, own }.on(executor.vectors());
    });
}

struct Gradient<'a> {
    function: Function,
    outputs: usize,
    images: Images<'a>,
    own: usize,
}

impl Kernel for Gradient<'_> {
    #[inline(always)]
    fn run<V: Vector>(mut self) {
        for image in self.images.iter_mut() {
            let (a, gradient) = pair(image, self.own, self.outputs, self.own + self.outputs, self.outputs);
            self.function.backward(a, gradient);
        }
    }
}

compiled_once!(; device inline Gradient<'_>);

// On a microcontroller these are compiled once, for any number of values: copies for each layer would be flash, and save
// next to no time.

#[cfg_attr(target_os = "none", inline(never))]
#[cfg_attr(not(target_os = "none"), inline(always))]
fn sigmoid(z: &mut [f32]) {
    for z in z {
        *z = math::sigmoid(*z);
    }
}

#[cfg_attr(target_os = "none", inline(never))]
#[cfg_attr(not(target_os = "none"), inline(always))]
fn tanh(z: &mut [f32]) {
    for z in z {
        *z = math::tanh(*z);
    }
}

#[cfg_attr(target_os = "none", inline(never))]
#[cfg_attr(not(target_os = "none"), inline(always))]
fn relu(z: &mut [f32]) {
    for z in z {
        // A number's sign is that of its bits as an integer. A choice between floats would be stored through a mask, which
        // some processors do slowly.
        *z = f32::from_bits((z.to_bits() as i32).max(0) as u32);
    }
}

#[cfg_attr(target_os = "none", inline(never))]
#[cfg_attr(not(target_os = "none"), inline(always))]
fn softmax(z: &mut [f32]) {
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
fn softmax_gradient(a: &[f32], gradient: &mut [f32]) {
    let mut mean = 0.0;
    for (&a, &gradient) in a.iter().zip(gradient.iter()) {
        mean += a * gradient;
    }
    for (&a, gradient) in a.iter().zip(gradient) {
        *gradient = a * (*gradient - mean);
    }
}

#[cfg(feature = "micromath")]
mod fast {
    use micromath::F32Ext;

    pub(super) fn sigmoid(z: f32) -> f32 {
        // Outside of this range σ is 0 or 1 to the accuracy of the approximation, which overflows far out.
        1.0 / (1.0 + F32Ext::exp(-z.clamp(-20.0, 20.0)))
    }

    #[cfg(test)]
    mod tests {
        use crate::activation::Function;

        #[test]
        fn stay_near_the_exact_ones() {
            for step in -400..=400 {
                let z = step as f32 / 10.0;
                for (fast, exact, tolerance) in
                    [(Function::FastSigmoid, Function::Sigmoid, 0.03), (Function::FastTanh, Function::Tanh, 0.06)]
                {
                    let (mut a, mut b) = ([z], [z]);
                    fast.forward(&mut a);
                    exact.forward(&mut b);
                    assert!((a[0] - b[0]).abs() < tolerance, "{fast:?}({z}): {a:?}, exactly {b:?}");
                }
            }
        }
    }
}
