//! Operators: what a layer computes, as a small value with its sizes in it.
//!
//! An operator holds no weights. Its methods take plain slices: the parameters, and a mini-batch in which each image has
//! some values of memory. A layer's type names its operator as a constant, so that a network in firmware folds while it
//! compiles; on a PC a network is a list of operators that was read from a text. Both run the same kernels.

mod batch_norm;
mod conv;
mod dense;
mod dropout;
mod global_avg_pool;
mod ops;
pub mod range;
mod stage;

pub use batch_norm::BatchNorm;
pub use conv::{Conv, Padding};
pub use dense::Dense;
pub use dropout::Dropout;
pub use global_avg_pool::GlobalAvgPool;
pub use ops::Ops;
pub use stage::{Operator, Stage};

use crate::activation::Function;
use crate::quant::Width;
use crate::text::Text;

/// An operator of any kind.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Op {
    /// A fully connected layer.
    Dense(Dense),
    /// A convolution, its pooling and its activation.
    Conv(Conv),
    /// An image's values as one vector of so many; nothing moves.
    Flatten(usize),
    /// Dropout of a layer's inputs.
    Dropout(Dropout),
    /// The mean of each channel.
    GlobalAvgPool(GlobalAvgPool),
}

impl Op {
    /// Values that it takes.
    pub const fn inputs(self) -> usize {
        match self {
            Self::Dense(op) => op.inputs,
            Self::Conv(op) => op.inputs(),
            Self::Flatten(values) => values,
            Self::Dropout(op) => op.values,
            Self::GlobalAvgPool(op) => op.inputs(),
        }
    }

    /// Values that inference needs where its input is.
    pub const fn front(self) -> usize {
        match self {
            Self::Conv(op) => op.padded_inputs(),
            op => op.inputs(),
        }
    }

    /// Values that it gives.
    pub const fn outputs(self) -> usize {
        match self {
            Self::Dense(op) => op.outputs,
            Self::Conv(op) => op.outputs(),
            Self::Flatten(values) => values,
            Self::Dropout(op) => op.values,
            Self::GlobalAvgPool(op) => op.channels,
        }
    }

    /// How many weights it has; in memory they come before the biases.
    pub const fn weights(self) -> usize {
        match self {
            Self::Dense(op) => op.weights(),
            Self::Conv(op) => op.weights(),
            Self::Flatten(_) | Self::Dropout(_) | Self::GlobalAvgPool(_) => 0,
        }
    }

    /// The width of its weights as integers; `None` for that of the network, or without weights.
    pub const fn bits(self) -> Option<Width> {
        match self {
            Self::Dense(op) => op.bits,
            Self::Conv(op) => op.bits,
            Self::Flatten(_) | Self::Dropout(_) | Self::GlobalAvgPool(_) => None,
        }
    }

    /// How many biases it has.
    pub const fn biases(self) -> usize {
        match self {
            Self::Dense(op) => op.outputs,
            Self::Conv(op) => op.filters,
            Self::Flatten(_) | Self::Dropout(_) | Self::GlobalAvgPool(_) => 0,
        }
    }

    /// Weights and biases.
    pub const fn parameters(self) -> usize {
        self.weights() + self.biases()
    }

    /// Multiplications with a weight, for one image.
    pub const fn macs(self) -> usize {
        match self {
            Self::Dense(op) => op.weights(),
            Self::Conv(op) => op.macs(),
            Self::Flatten(_) | Self::Dropout(_) | Self::GlobalAvgPool(_) => 0,
        }
    }

    /// Its activation; [`Function::Identity`] where it has none.
    pub const fn activation(self) -> Function {
        match self {
            Self::Dense(op) => op.activation,
            Self::Conv(op) => op.activation,
            Self::Flatten(_) | Self::Dropout(_) | Self::GlobalAvgPool(_) => Function::Identity,
        }
    }

    /// Whether inference leaves the output where the input was.
    pub const fn in_place(self) -> bool {
        matches!(self, Self::Flatten(_) | Self::Dropout(_))
    }

    /// Values that training remembers of one image.
    pub const fn saved(self) -> usize {
        match self {
            Self::Dense(op) => op.saved(),
            Self::Conv(op) => op.saved(),
            Self::Flatten(_) => 0,
            Self::Dropout(op) => op.saved(),
            Self::GlobalAvgPool(op) => op.saved(),
        }
    }

    /// Its words in the architecture's text.
    pub const fn text(self) -> Text {
        match self {
            Self::Dense(op) => op.text(),
            Self::Conv(op) => op.text(),
            Self::Flatten(_) => Text::EMPTY.then("flatten"),
            Self::Dropout(op) => op.text(),
            Self::GlobalAvgPool(op) => op.text(),
        }
    }
}

/// Weights and biases of these operators.
pub const fn parameters(mut ops: &[Op]) -> usize {
    let mut count = 0;
    while let Some((op, rest)) = ops.split_first() {
        count += op.parameters();
        ops = rest;
    }
    count
}
