//! The layers.

mod conv5x5;
mod dense;
mod dropout;
mod flatten;

pub use conv5x5::Conv5x5;
pub(crate) use conv5x5::Image;
pub use dense::Dense;
pub use dropout::Dropout;
pub use flatten::Flatten;
