//! Networks in integers: what goes into production on a microcontroller.
//!
//! [`Quantized<Net<…>>`](Quantized) is the integer twin of a float network, with the same layers and the same shapes,
//! checked by the same compiler: weights of 8 or of 4 bits with a scale for each output channel, activations of 8
//! bits, sums of 32 bits. `docs/quantization.md` specifies it to the bit. Integer sums do not depend on their order, so
//! every kernel on every target gives the same.
//!
//! Activations are never negative (pixels, ReLU, sigmoid), so 0 stands for 0 and needs no offset. In RAM each takes half
//! a word, in the order in which a Cortex-M with the DSP extension multiplies two at a time.

mod build;
mod conv5x5;
mod dense;
mod kernel;
mod layer;
mod net;
mod requantize;
mod weights;

pub use build::{Build, Ranges, build, on_grid, weight_step};
pub use layer::{Next, QuantLayer};
pub use net::{Quantized, argmax};
pub use requantize::{Hidden, Rule};
pub use weights::{Int4, Int8, Weights, Word};

#[cfg(any())]
mod tests;
