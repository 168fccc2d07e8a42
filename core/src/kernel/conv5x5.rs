//! A 5x5 convolution's inner loops, on images with channels last.
//!
//! `filters[ky][kx][c][o]` leads from channel c of the pixel (y + ky, x + kx) to channel o of the position (y, x).
//! An output is δ after pooling: each value of it belongs to one position of the map, which `which` remembers.

mod backward;
mod forward;
mod single;

pub(crate) use backward::{FILTERS, Filter, gradient, input_gradient, step, update_bias};
pub(crate) use forward::{Output, forward};

/// An image, channels last.
pub(crate) type Image<const H: usize, const W: usize, const C: usize> = [[[f32; C]; W]; H];
/// The weights of `O` filters over `C` channels.
pub(crate) type Filters<const C: usize, const O: usize> = [[[[f32; O]; C]; 5]; 5];
