//! What the tests share.

pub mod build;
pub mod device;
pub mod pictures;
pub mod reference;
pub mod shapes;
pub mod training;
pub mod twin;
