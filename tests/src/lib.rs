//! What the tests share.

pub mod device;
pub mod reference;
pub mod training;
