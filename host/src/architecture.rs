//! A network on the PC: its input and its operators, read from a text such as
//! `28x28x1: conv5x5 20 maxpool2 relu, flatten, dense 100 relu, dropout 50, dense 10 softmax`.
//!
//! Before the colon stands the input: a vector's length, or an image's rows, columns and channels. After it stand the
//! layers, with commas between them:
//!
//! - `dense N` and, if it has one, its activation;
//! - `convHxW N`, N filters of H rows and W columns, and, as far as it has them and in this order, its stride
//!   (`stride S`), its padding (`same`), its pooling (`maxpool2`, `avgpool2`), and its activation, one that works on
//!   each value alone;
//! - `globalavgpool`;
//! - `flatten`;
//! - `dropout P`, P in a hundred.
//!
//! Activations are `sigmoid`, `tanh`, `relu`, `softmax`, `fast-sigmoid` and `fast-tanh`.

mod error;
mod parse;
mod rust;
#[cfg(test)]
mod tests;

pub use error::TextError;
pub(crate) use parse::EXAMPLE;

use minnet::activation::Function;
use minnet::list::inference_ram;
use minnet::model;
use minnet::op::Op;
use std::fmt;
use std::str::FromStr;

/// What lies between two layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// So many values.
    Vector(usize),
    /// Rows, columns and channels, channels last.
    Image {
        /// Rows.
        height: usize,
        /// Columns.
        width: usize,
        /// Channels.
        channels: usize,
    },
}

impl Shape {
    /// How many values it has.
    pub const fn values(self) -> usize {
        match self {
            Self::Vector(values) => values,
            Self::Image { height, width, channels } => height * width * channels,
        }
    }

    /// What a layer makes of it.
    const fn after(self, op: Op) -> Self {
        match op {
            Op::Dense(op) => Self::Vector(op.outputs),
            Op::Conv(op) => Self::Image { height: op.out_height(), width: op.out_width(), channels: op.filters },
            Op::Flatten(values) => Self::Vector(values),
            Op::Dropout(_) => self,
            Op::GlobalAvgPool(op) => Self::Vector(op.channels),
        }
    }
}

/// As in the architecture's text: `784`, `28x28x1`.
impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Vector(values) => write!(f, "{values}"),
            Self::Image { height, width, channels } => write!(f, "{height}x{width}x{channels}"),
        }
    }
}

/// Reads what stands before the colon of an architecture's text: `784`, `28x28x1`.
impl FromStr for Shape {
    type Err = TextError;

    fn from_str(text: &str) -> Result<Self, TextError> {
        parse::shape(text)
    }
}

/// A network's input and its layers, at least one, each of which takes what the one before it gives. It can be counted:
/// no number that is made of its sizes is too large for a `usize`.
#[derive(Clone, Debug, PartialEq)]
pub struct Architecture {
    input: Shape,
    layers: Vec<Op>,
}

impl Architecture {
    /// Reads a text. White space and the case of letters do not matter.
    ///
    /// # Errors
    /// What does not fit or cannot be read, where, and what would mend it.
    pub fn parse(text: &str) -> Result<Self, TextError> {
        parse::architecture(text)
    }

    /// What it takes.
    pub fn input(&self) -> Shape {
        self.input
    }

    /// Its layers.
    pub fn layers(&self) -> &[Op] {
        &self.layers
    }

    /// What each layer gives.
    pub fn shapes(&self) -> impl Iterator<Item = Shape> {
        self.layers.iter().scan(self.input, |shape, op| {
            *shape = shape.after(*op);
            Some(*shape)
        })
    }

    /// Values that it takes.
    pub fn inputs(&self) -> usize {
        self.input.values()
    }

    /// Values that it gives, one for each class.
    pub fn outputs(&self) -> usize {
        self.layers.last().map_or(0, |op| op.outputs())
    }

    /// The activation of the last layer, which a cost must go with.
    pub fn activation(&self) -> Function {
        self.layers.last().map_or(Function::Identity, |op| op.activation())
    }

    /// Weights and biases.
    pub fn parameters(&self) -> usize {
        self.layers.iter().map(|op| op.parameters()).sum()
    }

    /// Multiplications with a weight for one image, zeros included.
    pub fn macs(&self) -> usize {
        self.layers.iter().map(|op| op.macs()).sum()
    }

    /// Values in each of the two buffers between which inference alternates. The first holds the input. A convolution's
    /// input is there with its padding.
    pub fn buffers(&self) -> [usize; 2] {
        inference_ram(&self.layers).into()
    }

    /// Bytes of flash that the parameters take, as floats.
    pub fn flash_bytes(&self) -> usize {
        self.parameters() * size_of::<f32>()
    }

    /// Bytes of RAM that inference needs in floats, its input included.
    pub fn ram_bytes(&self) -> usize {
        self.buffers().iter().sum::<usize>() * size_of::<f32>()
    }

    /// What tells it from others in a model file.
    pub fn fingerprint(&self) -> u32 {
        model::fingerprint(&self.to_string())
    }

    /// Rust that defines its type, as `Network`, to paste into a firmware. If that needs something beyond the prelude,
    /// or the compiler has no such type, a comment says so.
    pub fn rust_type(&self) -> String {
        rust::network(self)
    }
}

/// The text, as a model file holds it: that of the network's type.
impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.input)?;
        for (index, op) in self.layers.iter().enumerate() {
            write!(f, "{} {}", if index == 0 { ":" } else { "," }, op.text())?;
        }
        Ok(())
    }
}
