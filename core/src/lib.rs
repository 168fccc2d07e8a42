#![doc = include_str!("../README.md")]
#![no_std]
#![deny(missing_docs)]

#[cfg(target_endian = "big")]
compile_error!("minnet uses little-endian model files in place: big-endian targets are not supported");

pub mod activation;
pub mod augment;
pub mod batch;
pub mod cost;
pub mod executor;
pub mod init;
mod kernel;
pub mod layer;
pub mod layers;
pub mod list;
pub mod model;
pub mod module;
pub mod net;
pub mod normalization;
pub mod op;
pub mod optimizer;
pub mod pool;
pub mod quant;
pub mod sgd;
pub mod shape;
pub mod tensor;
pub mod text;

#[doc(hidden)]
pub use zerocopy;

/// What a program that defines, runs, or trains a network needs.
pub mod prelude {
    pub use crate::activation::{Activation, Identity, Relu, Sigmoid, Softmax, Tanh};
    pub use crate::batch::Batch;
    pub use crate::cost::{Cost, CrossEntropy, LogLikelihood, Quadratic};
    pub use crate::executor::{Executor, Serial};
    pub use crate::init::Init;
    pub use crate::layer::Layer;
    pub use crate::layers::{Conv, Conv5x5, Dense, Dropout, Flatten, GlobalAvgPool};
    pub use crate::model::{Description, Metadata, Model, ModelError};
    pub use crate::net::{Net, load_pixels};
    pub use crate::normalization::Normalization;
    pub use crate::optimizer::{Optimizer, Step};
    pub use crate::pool::{AvgPool2, MaxPool2, NoPool};
    pub use crate::seq;
    pub use crate::sgd::{Regularization, Sgd};
    pub use crate::shape::{Flat, Same, Stride, Valid};
    pub use crate::tensor::{Tensor, argmax};
}
