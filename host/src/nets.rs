//! The named networks: each name on the command line is a type here.

mod boxed;

pub use boxed::{Boxed, Integers, zeroed};

use crate::error::{Error, Result};
use minnet::prelude::*;
use minnet::quant::{Int4, Int8, QuantLayer};

/// A digit as an image of one channel: what a convolution takes.
pub type Image = [[[f32; 1]; 28]; 28];
/// A digit as a vector: what a dense layer takes.
pub type Vector = [f32; 784];

/// The network that `host train` trains when it is told nothing: the book's two convolutions with ReLU.
pub const DEFAULT: &str = "conv20-conv40-100-10-relu";

/// Layers that have a float form and both integer ones, as those of every named network do.
pub trait Layers<In: Tensor>: QuantLayer<In, Int8> + QuantLayer<In, Int4> {}

impl<In: Tensor, L: QuantLayer<In, Int8> + QuantLayer<In, Int4>> Layers<In> for L {}

/// Does something with a network's type, which is known only by its name when the program runs.
pub trait Visitor {
    /// What comes of it.
    type Output;

    /// Called with the network and its cost.
    fn visit<In: Tensor, L: Layers<In>, C: Cost<L::Activation>>(self, net: &'static Named) -> Self::Output;
}

/// A network's name, and what the compiler knows of it.
#[derive(Clone, Copy, Debug, serde::Serialize)]
pub struct Named {
    /// Its name on the command line.
    pub name: &'static str,
    /// The name of its cost.
    pub cost: &'static str,
    /// What it is, and where the book has it.
    pub about: &'static str,
    /// The architecture in words.
    pub architecture: &'static str,
    /// Outputs, one for each class.
    pub classes: usize,
    /// Weights and biases.
    pub parameters: usize,
    /// Multiplications with a weight for one image.
    pub macs: usize,
    /// Bytes of flash that the parameters take.
    pub flash_bytes: usize,
    /// Bytes of RAM that an inference takes.
    pub ram_bytes: usize,
}

macro_rules! nets {
    ($($name:literal, $about:literal: $input:ty => $layers:ty, $($cost:ty),+;)*) => {
        /// Every named network; one with several costs stands here once for each. The first is the default cost.
        pub const ALL: &[Named] = &[$($(
            Named {
                name: $name,
                cost: <$cost as Cost<<$layers as Layer<$input>>::Activation>>::NAME,
                about: $about,
                architecture: {
                    const TEXT: minnet::text::Text = <Net<$input, $layers>>::ARCHITECTURE;
                    TEXT.as_str()
                },
                classes: <<$layers as Layer<$input>>::Out as Tensor>::LEN,
                parameters: <Net<$input, $layers>>::PARAMETERS,
                macs: <Net<$input, $layers>>::MACS,
                flash_bytes: <Net<$input, $layers>>::FLASH_BYTES,
                ram_bytes: <Net<$input, $layers>>::RAM_BYTES,
            },
        )+)*];

        /// Calls `visitor` with the type of the network that `net` describes; `None` if it is none of [`ALL`].
        pub fn visit<V: Visitor>(net: &'static Named, visitor: V) -> Option<V::Output> {
            $($(
                if net.name == $name && net.cost == <$cost as Cost<<$layers as Layer<$input>>::Activation>>::NAME {
                    return Some(visitor.visit::<$input, $layers, $cost>(net));
                }
            )+)*
            None
        }
    };
}

nets! {
    "784-30-10", "one hidden layer, chapter 1":
        Vector => seq![Dense<784, 30, Sigmoid>, Dense<30, 10, Sigmoid>], CrossEntropy, Quadratic;
    "784-30-10", "one hidden layer and a softmax, chapter 3":
        Vector => seq![Dense<784, 30, Sigmoid>, Dense<30, 10, Softmax>], LogLikelihood;
    "784-100-10", "one hidden layer, chapters 1 and 3":
        Vector => seq![Dense<784, 100, Sigmoid>, Dense<100, 10, Sigmoid>], CrossEntropy, Quadratic;
    "784-100-10", "one hidden layer and a softmax, chapter 6":
        Vector => seq![Dense<784, 100, Sigmoid>, Dense<100, 10, Softmax>], LogLikelihood;
    "784-10", "no hidden layer, chapter 1":
        Vector => seq![Dense<784, 10, Sigmoid>], CrossEntropy, Quadratic;
    "784-0-10", "a hidden layer of no neurons, chapter 1":
        Vector => seq![Dense<784, 0, Sigmoid>, Dense<0, 10, Sigmoid>], Quadratic, CrossEntropy;
    "784-30-30-10", "two hidden layers, chapter 5":
        Vector => seq![Dense<784, 30, Sigmoid>, Dense<30, 30, Sigmoid>, Dense<30, 10, Sigmoid>],
        CrossEntropy, Quadratic;
    "784-30-30-30-10", "three hidden layers, chapter 5":
        Vector => seq![
            Dense<784, 30, Sigmoid>, Dense<30, 30, Sigmoid>, Dense<30, 30, Sigmoid>, Dense<30, 10, Sigmoid>
        ], CrossEntropy, Quadratic;
    "784-30-30-30-30-10", "four hidden layers, chapter 5":
        Vector => seq![
            Dense<784, 30, Sigmoid>, Dense<30, 30, Sigmoid>, Dense<30, 30, Sigmoid>, Dense<30, 30, Sigmoid>,
            Dense<30, 10, Sigmoid>
        ], CrossEntropy, Quadratic;
    "conv20-100-10", "one convolution, chapter 6":
        Image => seq![
            Conv5x5<1, 20, MaxPool2, Sigmoid>, Flatten, Dense<2880, 100, Sigmoid>, Dense<100, 10, Softmax>
        ], LogLikelihood;
    "conv20-conv40-100-10", "two convolutions, chapter 6":
        Image => seq![
            Conv5x5<1, 20, MaxPool2, Sigmoid>, Conv5x5<20, 40, MaxPool2, Sigmoid>, Flatten,
            Dense<640, 100, Sigmoid>, Dense<100, 10, Softmax>
        ], LogLikelihood;
    "conv20-conv40-100-10-relu", "two convolutions with ReLU, chapter 6: the default":
        Image => seq![
            Conv5x5<1, 20, MaxPool2, Relu>, Conv5x5<20, 40, MaxPool2, Relu>, Flatten,
            Dense<640, 100, Relu>, Dense<100, 10, Softmax>
        ], LogLikelihood;
    "conv20-conv40-100-100-10-relu", "an extra dense layer, chapter 6":
        Image => seq![
            Conv5x5<1, 20, MaxPool2, Relu>, Conv5x5<20, 40, MaxPool2, Relu>, Flatten,
            Dense<640, 100, Relu>, Dense<100, 100, Relu>, Dense<100, 10, Softmax>
        ], LogLikelihood;
    "conv20-conv40-1000-1000-10-dropout", "dropout, chapter 6":
        Image => seq![
            Conv5x5<1, 20, MaxPool2, Relu>, Conv5x5<20, 40, MaxPool2, Relu>, Flatten, Dropout<50>,
            Dense<640, 1000, Relu>, Dropout<50>, Dense<1000, 1000, Relu>, Dropout<50>, Dense<1000, 10, Softmax>
        ], LogLikelihood;
    "conv4-conv12-10-relu", "two small convolutions, for small microcontrollers":
        Image => seq![Conv5x5<1, 4, MaxPool2, Relu>, Conv5x5<4, 12, MaxPool2, Relu>, Flatten, Dense<192, 10, Softmax>],
        LogLikelihood;
}

/// Finds a network by its name and the name of its cost (`None`: the network's default).
///
/// # Errors
/// An unknown name, with the nearest known one; a cost that the network does not have, with those it has.
pub fn find(name: &str, cost: Option<&str>) -> Result<&'static Named> {
    let mut of_this_name = ALL.iter().filter(|net| net.name == name).peekable();
    let Some(&default) = of_this_name.peek() else {
        let nearest = ALL.iter().map(|net| net.name).min_by_key(|known| strsim::levenshtein(known, name));
        return Err(Error::UnknownNet { name: name.to_owned(), nearest: nearest.unwrap_or(DEFAULT) });
    };
    match cost {
        None => Ok(default),
        Some(cost) => of_this_name.find(|net| net.cost == cost).ok_or_else(|| Error::UnknownCost {
            net: name.to_owned(),
            cost: cost.to_owned(),
            known: ALL.iter().filter(|net| net.name == name).map(|net| net.cost).collect::<Vec<_>>().join(", "),
        }),
    }
}

/// Finds a network by the words of its architecture, as a model file holds them, and the name of its cost.
pub fn find_architecture(architecture: &str, cost: &str) -> Option<&'static Named> {
    let mut like_it = ALL.iter().filter(|net| net.architecture == architecture).peekable();
    let first = like_it.peek().copied();
    like_it.find(|net| net.cost == cost).or(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn default_fits_the_stm32f405() {
        let net = find(DEFAULT, None).unwrap();
        assert!(net.flash_bytes < 1 << 20 && net.ram_bytes < 128 << 10, "{net:?}");
        assert_eq!((net.parameters, net.macs), (85_670, 1_633_000));
    }

    #[test]
    fn an_unknown_name_gets_the_nearest() {
        let error = find("784-30-1O", None).unwrap_err().to_string();
        assert!(error.contains("784-30-10"), "{error}");
    }

    #[test]
    fn a_cost_the_network_does_not_have_lists_those_it_has() {
        let error = find("conv20-100-10", Some("quadratic")).unwrap_err().to_string();
        assert!(error.contains("log-likelihood"), "{error}");
    }

    #[test]
    fn every_architecture_is_found_again() {
        for net in ALL {
            let found = find_architecture(net.architecture, net.cost).unwrap();
            assert_eq!((found.name, found.cost), (net.name, net.cost));
        }
    }
}
