//! What is trained: a network's operators, and what stands between them only then.

use super::{BatchNorm, Op};
use crate::activation::Function;

/// An operator of a network, or one that it has only while it is trained.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Stage {
    /// An operator of the network.
    Op(Op),
    /// Batch normalization, which a trained network does without.
    BatchNorm(BatchNorm),
}

/// What a list is made of: [`Op`]s, or [`Stage`]s while it is trained.
pub trait Operator: Copy + Into<Stage> {}

impl Operator for Op {}

impl Operator for Stage {}

impl From<Op> for Stage {
    fn from(op: Op) -> Self {
        Self::Op(op)
    }
}

impl Stage {
    /// As [`Op::inputs`].
    pub const fn inputs(self) -> usize {
        match self {
            Self::Op(op) => op.inputs(),
            Self::BatchNorm(norm) => norm.values(),
        }
    }

    /// As [`Op::front`].
    pub const fn front(self) -> usize {
        match self {
            Self::Op(op) => op.front(),
            Self::BatchNorm(norm) => norm.values(),
        }
    }

    /// As [`Op::outputs`].
    pub const fn outputs(self) -> usize {
        match self {
            Self::Op(op) => op.outputs(),
            Self::BatchNorm(norm) => norm.values(),
        }
    }

    /// As [`Op::weights`].
    pub const fn weights(self) -> usize {
        match self {
            Self::Op(op) => op.weights(),
            Self::BatchNorm(_) => 0,
        }
    }

    /// As [`Op::biases`]; all that batch normalization has.
    pub const fn biases(self) -> usize {
        match self {
            Self::Op(op) => op.biases(),
            Self::BatchNorm(norm) => norm.parameters(),
        }
    }

    /// As [`Op::parameters`].
    pub const fn parameters(self) -> usize {
        self.weights() + self.biases()
    }

    /// As [`Op::macs`].
    pub const fn macs(self) -> usize {
        match self {
            Self::Op(op) => op.macs(),
            Self::BatchNorm(_) => 0,
        }
    }

    /// As [`Op::activation`].
    pub const fn activation(self) -> Function {
        match self {
            Self::Op(op) => op.activation(),
            Self::BatchNorm(norm) => norm.activation,
        }
    }

    /// As [`Op::in_place`].
    pub const fn in_place(self) -> bool {
        match self {
            Self::Op(op) => op.in_place(),
            Self::BatchNorm(_) => true,
        }
    }

    /// As [`Op::saved`].
    pub const fn saved(self) -> usize {
        match self {
            Self::Op(op) => op.saved(),
            Self::BatchNorm(norm) => norm.saved(),
        }
    }
}
