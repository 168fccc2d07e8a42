//! ONNX: read from any exporter's chain of layers, and written.
//!
//! A graph is walked from its input to its output. Each operator becomes a layer, goes into one (an activation, a pooling,
//! a batch normalization), or only says how values lie; one that does none of this is refused by name.

mod constants;
mod layers;
mod proto;
mod read;
#[cfg(test)]
mod tests;
mod write;

pub(super) use read::read;
pub(super) use write::bytes;

use super::ExchangeError;

/// The operators that are read.
pub(super) const OPERATORS: [&str; 28] = [
    "Add",
    "AveragePool",
    "BatchNormalization",
    "Cast",
    "Concat",
    "Constant",
    "Conv",
    "Div",
    "Dropout",
    "Flatten",
    "Gather",
    "Gemm",
    "GlobalAveragePool",
    "Identity",
    "MatMul",
    "MaxPool",
    "Mul",
    "ReduceMean",
    "Relu",
    "Reshape",
    "Shape",
    "Sigmoid",
    "Softmax",
    "Squeeze",
    "Sub",
    "Tanh",
    "Transpose",
    "Unsqueeze",
];

type Result<T> = std::result::Result<T, ExchangeError>;
