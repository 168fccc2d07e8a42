//! Networks in integers: what goes into production on a microcontroller.
//!
//! [`Quantized<Net<…>>`](Quantized) is the integer twin of a float network, with the same layers and the same shapes,
//! checked by the same compiler; [`QuantizedList`] is that of a list of operators, which a program on a PC has read.
//! Weights have 8 bits or fewer ([`Width`]) with a scale for each output channel, activations 8 bits, sums 32 bits.
//! `docs/quantization.md` specifies it to the bit. Integer sums do not depend on their order, so every kernel on every
//! target gives the same.
//!
//! Activations are never negative (pixels, ReLU, sigmoid), so 0 stands for 0 and needs no offset. A network's input may be
//! negative: a byte of its own then stands for 0 ([`Input`]), and what it adds to the first sums is in the biases. In RAM
//! each takes half a word, in the order in which a Cortex-M with the DSP extension multiplies two at a time.

mod build;
mod conv;
mod dense;
mod global_avg_pool;
mod input;
mod kernel;
mod layer;
mod list;
mod net;
mod ops;
mod requantize;
mod weights;

pub use build::{Calibration, build, note, on_grid, weight_step};
pub use input::Input;
pub use layer::QuantLayer;
pub use list::QuantizedList;
pub use net::{Quantized, argmax};
pub use ops::{Layout, Next, Place, QuantError, check, ram_words, ram_words_of, validate, words};
pub use requantize::Hidden;
pub use weights::{Bits, Inherit, Int2, Int3, Int4, Int8, Ternary, Weights, Width, Word};

#[cfg(test)]
mod tests;
