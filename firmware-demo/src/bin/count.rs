//! What one inference takes, for `cargo xtask count`. A feature chooses the network; its weights lie in RAM, and what
//! they are is of no account but for the zeros that they make, which cost less.
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
use cortex_m_rt::entry;
use firmware_demo::board::{Board, Chosen, memory};
use firmware_demo::end::end;
use firmware_demo::images;
use firmware_demo::training::PIXELS;
use minnet::prelude::*;
use static_cell::ConstStaticCell;

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

/// Enough inferences that a counter's tick, which may be many instructions, is less than a thousandth of them.
const INFERENCES: u32 = 10;

type Ram = [f32; Counted::RAM];

static NET: ConstStaticCell<Counted> = ConstStaticCell::new(Counted::ZERO);
static RAM: ConstStaticCell<Ram> = ConstStaticCell::new([0.0; Counted::RAM]);

#[entry]
fn main() -> ! {
    end(count(&mut Chosen::start()))
}

fn count(board: &mut impl Board) -> fmt::Result {
    let (net, ram) = (NET.take(), RAM.take());
    writeln!(board, "macs {}\nram {}\ninferences {INFERENCES}", Counted::MACS, Counted::RAM_BYTES)?;
    let &[digit, ..] = images::DIGITS.pixels else { return Err(fmt::Error) };

    let mut random = Random(1);
    net.visit_mut(|run| run.iter_mut().for_each(|weight| *weight = random.next()));
    let sparse = ticks(board, net, &digit, ram);
    net.visit_mut(|run| run.iter_mut().for_each(|weight| *weight = weight.abs()));
    let dense = ticks(board, net, &digit.map(|pixel| pixel.max(1)), ram);
    let stack = memory::stack_of(|| {
        black_box(infer(net, &digit, ram));
    });
    writeln!(board, "ticks {sparse}\ndense {dense}\nstack {stack}")
}

fn ticks(board: &impl Board, net: &Counted, pixels: &[u8; PIXELS], ram: &mut Ram) -> u32 {
    let start = board.ticks();
    for _ in 0..INFERENCES {
        black_box(infer(net, pixels, ram));
    }
    board.ticks().wrapping_sub(start)
}

/// All that the library does is in here, or called from here: the symbol's size counts.
#[inline(never)]
fn infer(net: &Counted, pixels: &[u8; PIXELS], ram: &mut Ram) -> [f32; 10] {
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
