//! MNIST digits in flash, as build.rs laid them out. Those that a program does not use are not linked into it.

use device::training::PIXELS;

/// The images of that name in build.rs.
macro_rules! images {
    ($name:literal) => {
        Images {
            pixels: include_bytes!(concat!(env!("OUT_DIR"), "/", $name, ".pixels")).as_chunks().0,
            labels: include_bytes!(concat!(env!("OUT_DIR"), "/", $name, ".labels")),
        }
    };
}

/// One test image of each digit, from 0 to 9.
pub const DIGITS: Images = images!("digits");
/// The first test images.
pub const TEST: Images = images!("test");
/// The first training images.
pub const TRAINING: Images = images!("training");

/// Images of 8-bit pixels, by rows, and the digits they show.
pub struct Images {
    /// 0 is the background, 255 the pen.
    pub pixels: &'static [[u8; PIXELS]],
    /// From 0 to 9, one for each image.
    pub labels: &'static [u8],
}
