//! The layers.

mod conv;
mod dense;
mod dropout;
mod flatten;
mod global_avg_pool;

pub(crate) use conv::Image;
pub use conv::{Conv, Conv5x5};
pub use dense::Dense;
pub use dropout::Dropout;
pub use flatten::Flatten;
pub use global_avg_pool::GlobalAvgPool;
