//! All tests but those on emulated boards (`qemu.rs`), in one program: each further one would compile and hold the library
//! and its networks once more.

mod backpropagation;
mod bits;
mod command_line;
mod device;
mod documents;
mod examples;
mod exchange;
mod layers;
mod misfits;
mod model_file;
mod networks;
mod pictures;
