//! What one inference takes, for `cargo xtask count`. One feature chooses the network, another the type of its weights,
//! which are random: what they are is of no account but for the zeros that they make among floats, which cost less.
//!
//! It prints lines for a program to read, each a name and a number:
//! - `macs`: multiplications with a weight; `ram`: bytes that inference works in, the image included;
//! - `ticks`: the counter's, for `inferences` of a real digit, with random weights;
//! - `dense`: the same where no value anywhere is zero;
//! - `stack`: the bytes of stack that an inference takes.
#![no_std]
#![no_main]

use core::fmt;
use core::hint::black_box;
use device::training::PIXELS;
use firmware_demo::board::{Board, memory};
use firmware_demo::images;
use firmware_demo::processor::entry;
use firmware_demo::run::run;
// An embedded model's network has its type elsewhere.
#[cfg(not(feature = "embedded"))]
use minnet::prelude::*;

/// The network that a feature chooses.
macro_rules! network {
    ($feature:literal, $input:ty, $layers:ty) => {
        #[cfg(feature = $feature)]
        type Counted = Net<$input, $layers>;
    };
}

network!("n1", [f32; PIXELS], seq![Dense<784, 30, Sigmoid>, Dense<30, 10, Softmax>]);
network!(
    "n2",
    [[[f32; 1]; 28]; 28],
    seq![Conv5x5<1, 20, MaxPool2, Relu>, Flatten, Dense<2880, 100, Relu>, Dense<100, 10, Softmax>]
);
network!(
    "n3",
    [[[f32; 1]; 28]; 28],
    seq![
        Conv5x5<1, 20, MaxPool2, Relu>,
        Conv5x5<20, 40, MaxPool2, Relu>,
        Flatten,
        Dense<640, 100, Relu>,
        Dense<100, 10, Softmax>
    ]
);
network!(
    "n4",
    [[[f32; 1]; 28]; 28],
    seq![Conv5x5<1, 4, MaxPool2, Relu>, Conv5x5<4, 12, MaxPool2, Relu>, Flatten, Dense<192, 10, Softmax>]
);

/// That of the embedded models, to which `MINNET_NETWORK` gives a type.
#[cfg(feature = "embedded")]
type Counted = firmware_demo::nets::Digits;

/// Enough inferences that a counter's tick, which may be many instructions, is less than a thousandth of them.
const INFERENCES: u32 = 10;

#[entry]
fn main() -> ! {
    run(count)
}

fn count<B: Board>(board: &mut B) -> fmt::Result {
    let (net, ram) = kind::take();
    writeln!(board, "macs {}\nram {}\ninferences {INFERENCES}", Counted::MACS, size_of_val(ram))?;
    let &[digit, ..] = images::DIGITS.pixels else { return Err(fmt::Error) };
    let sparse = ticks(board, net, &digit, ram);
    let net = kind::without_zeros(net);
    let dense = ticks(board, net, &digit.map(|pixel| pixel.max(1)), ram);
    let stack = memory::stack_of(|| {
        black_box(kind::infer(net, &digit, ram));
    });
    writeln!(board, "ticks {sparse}\ndense {dense}\nstack {stack}")
}

fn ticks(board: &impl Board, net: &kind::Network, pixels: &[u8; PIXELS], ram: &mut kind::Ram) -> u32 {
    let start = board.ticks();
    for _ in 0..INFERENCES {
        black_box(kind::infer(net, pixels, ram));
    }
    board.ticks().wrapping_sub(start)
}

/// Floats, in RAM.
#[cfg(not(any(feature = "int8", feature = "int4")))]
mod kind {
    use super::{Counted, PIXELS};
    use static_cell::ConstStaticCell;

    pub type Network = Counted;
    pub type Ram = [f32; Counted::RAM];

    static NET: ConstStaticCell<Counted> = ConstStaticCell::new(Counted::ZERO);
    static RAM: ConstStaticCell<Ram> = ConstStaticCell::new([0.0; Counted::RAM]);

    /// The network, with random weights, and the memory it works in.
    pub fn take() -> (&'static mut Network, &'static mut Ram) {
        let net = NET.take();
        let mut random = Random(1);
        net.visit_mut(|_, run| run.iter_mut().for_each(|weight| *weight = random.next()));
        (net, RAM.take())
    }

    /// The network with weights that make no zeros.
    pub fn without_zeros(net: &mut Network) -> &Network {
        net.visit_mut(|_, run| run.iter_mut().for_each(|weight| *weight = weight.abs()));
        net
    }

    /// All that the library does is in here, or called from here: the symbol's size counts.
    #[inline(never)]
    pub fn infer(net: &Network, pixels: &[u8; PIXELS], ram: &mut Ram) -> [f32; 10] {
        net.infer_pixels(pixels, ram)
    }

    /// Numbers between -1/4 and 1/4, none of them zero: 32 random bits, divided by 2³³.
    struct Random(u32);

    impl Random {
        fn next(&mut self) -> f32 {
            self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (self.0 as i32 | 1) as f32 / 8_589_934_592.0
        }
    }
}

/// Integers, in flash. What they cost does not depend on zeros.
#[cfg(any(feature = "int8", feature = "int4"))]
mod kind {
    use super::{Counted, PIXELS};
    #[cfg(not(feature = "int8"))]
    use minnet::quant::Int4 as Width;
    #[cfg(feature = "int8")]
    use minnet::quant::Int8 as Width;
    use minnet::quant::{Quantized, argmax};
    use static_cell::ConstStaticCell;

    pub type Network = Quantized<'static, Counted, Width>;
    pub type Ram = [u32; Network::RAM];

    #[repr(align(4))]
    struct Block([[u8; 4]; Network::WORDS]);

    /// Random weights, and scales of about 1/500: s is 23.
    static BLOCK: Block = Block({
        let mut words = [[0; 4]; Network::WORDS];
        let mut random = 1u32;
        let mut i = 0;
        while i < words.len() {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            words[i] = [(random >> 16) as u8 & 0xe0 | 6, (random >> 24) as u8 & 0x7f, 0, 0];
            i += 1;
        }
        words
    });
    static RAM: ConstStaticCell<Ram> = ConstStaticCell::new([0; Network::RAM]);
    static NET: ConstStaticCell<Network> = ConstStaticCell::new(Network::unchecked(&BLOCK.0));

    /// The network, and the memory it works in.
    pub fn take() -> (&'static mut Network, &'static mut Ram) {
        (NET.take(), RAM.take())
    }

    /// The same network.
    pub fn without_zeros(net: &mut Network) -> &Network {
        net
    }

    /// All that the library does is in here, or called from here: the symbol's size counts.
    #[inline(never)]
    pub fn infer(net: &Network, pixels: &[u8; PIXELS], ram: &mut Ram) -> usize {
        argmax(net.infer_pixels(pixels, ram))
    }
}
