//! A convolution's inner loops, on images with channels last.
//!
//! The weight that leads from channel c of the pixel (s·y + ky, s·x + kx) to channel o of the position (y, x), with the
//! stride s, is number ((ky·filter_width + kx)·channels + c)·filters + o. Images come with their padding. An output is δ after pooling: each value of it belongs to one
//! position of the map, which `origins` remembers.

mod backward;
mod forward;
pub(crate) mod pad;
mod single;

pub(crate) use backward::{
    Backward, FILTERS, Gradient, InputGradient, Samples, Step, gradient_scratch, input_gradient_scratch, update_bias,
};
pub(crate) use forward::{Forward, Image, forward_scratch};

/// Images that a kernel takes together; a microcontroller has few, and little stack.
pub(crate) const IMAGES: usize = if cfg!(target_os = "none") { 4 } else { 128 };
