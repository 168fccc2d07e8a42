//! What single layers take, for `cargo xtask count`: of all sizes, to see that a smaller one never takes more than a
//! larger one, and of all kinds, beside the book's filters of 5x5. A feature chooses the type of the weights.
//!
//! It prints lines for a program to read. The first is `inferences N`. Then each layer has one: the name of its series,
//! its multiplications with a weight, the counter's ticks for so many inferences, and the network's text. The sizes of a
//! series grow.
//!
//! Each network is one layer, which takes bytes. None of them is 0, nor is a weight: floats leave out nothing.
#![no_std]
#![no_main]

use core::fmt::{self, Write};
use firmware_demo::board::{Board, Chosen};
use firmware_demo::processor::entry;
use firmware_demo::run::run;
use kind::Memory;
use minnet::prelude::*;
use minnet::quant::QuantLayer;
use minnet::text::Text;
use static_cell::ConstStaticCell;

/// So many that a counter's tick, which is many instructions, is less than half of one of each.
const INFERENCES: u32 = 200;

/// The most values that a network takes, works in, and has as parameters.
const INPUTS: usize = 17 * 17 * 8;
const RAM: usize = INPUTS + 8 * 8 * 16;
const PARAMETERS: usize = 3 * 3 * 32 * 32 + 32;

/// The same for all networks, in turn.
static MEMORY: ConstStaticCell<Memory> = ConstStaticCell::new(Memory::NEW);

/// Bytes from 1 to 255.
static PIXELS: [u8; INPUTS] = {
    let mut pixels = [0; INPUTS];
    let mut i = 0;
    while i < pixels.len() {
        pixels[i] = (i * 97 % 255) as u8 + 1;
        i += 1;
    }
    pixels
};

#[entry]
fn main() -> ! {
    run(count)
}

/// Counts a series: an input and a layer for each size `N`, or any layers.
macro_rules! series {
    ($board:ident, $memory:ident, $series:literal, $input:ty => $layer:ty, N in $($size:literal)*) => {
        $({
            const N: usize = $size;
            layer::<$input, $layer>($board, $memory, $series)?;
        })*
    };
    ($board:ident, $memory:ident, $series:literal, $($input:ty => $layer:ty;)*) => {
        $(layer::<$input, $layer>($board, $memory, $series)?;)*
    };
}

fn count(board: &mut Chosen) -> fmt::Result {
    let memory = MEMORY.take();
    memory.fill();
    writeln!(board, "inferences {INFERENCES}")?;

    type Image<const H: usize, const W: usize, const C: usize> = [[[f32; C]; W]; H];
    type Conv3x3<const IN: usize, const OUT: usize, P = NoPool> = Conv<3, 3, IN, OUT, P, Relu>;
    type Few<const OUT: usize, const KH: usize, const KW: usize, P = NoPool> = Conv<KH, KW, 1, OUT, P, Relu>;
    type Many<const KH: usize, const KW: usize, P = NoPool, S = Valid> = Conv<KH, KW, 8, 16, P, Relu, S>;

    series!(board, memory, "channels-in", Image<8, 8, N> => Conv3x3<N, 8>, N in 1 2 3 4 5 6 7 8 9 10 11 12);
    series!(board, memory, "channels-out", Image<8, 8, 8> => Conv3x3<8, N>, N in 1 2 3 4 5 6 7 8 9 10 11 12);
    series!(board, memory, "channels-out-of-one", Image<10, 10, 1> => Few<N, 3, 3, MaxPool2>,
        N in 1 2 3 4 5 6 7 8 9 10 11 12);
    series!(board, memory, "dense-out", [f32; 64] => Dense<64, N>, N in 1 2 3 4 5 6 7 8 9 10 11 12);
    series!(board, memory, "dense-in", [f32; N] => Dense<N, 8>, N in 49 50 51 52 53 54 55 56 57 58 59 60);

    // The first of each is the filter of 5x5 that the others are compared with. Maps have 8x8 positions, or about as
    // many.
    series!(board, memory, "many",
        Image<12, 12, 8> => Many<5, 5>;
        Image<10, 10, 8> => Many<3, 3>;
        Image<8, 8, 8> => Many<1, 1>;
        Image<14, 14, 8> => Many<7, 7>;
        Image<17, 17, 8> => Many<3, 3, NoPool, Stride<2>>;
        Image<8, 8, 8> => Many<3, 3, NoPool, Same>;
        Image<1, 64, 8> => Many<1, 9>;
    );
    series!(board, memory, "many-pooled",
        Image<12, 12, 8> => Many<5, 5, MaxPool2>;
        Image<10, 10, 8> => Many<3, 3, MaxPool2>;
        Image<10, 10, 8> => Many<3, 3, AvgPool2>;
    );
    // 16x16 positions, of a single channel.
    series!(board, memory, "one",
        Image<20, 20, 1> => Few<8, 5, 5>;
        Image<18, 18, 1> => Few<8, 3, 3>;
        Image<1, 128, 3> => Conv<1, 9, 3, 8, NoPool, Relu>;
    );
    series!(board, memory, "one-pooled",
        Image<20, 20, 1> => Few<8, 5, 5, MaxPool2>;
        Image<18, 18, 1> => Few<8, 3, 3, MaxPool2>;
    );
    // As they stand in networks that read digits.
    series!(board, memory, "digits",
        Image<28, 28, 1> => Conv<5, 5, 1, 4, MaxPool2, Relu>;
        Image<28, 28, 1> => Conv<5, 5, 1, 8, NoPool, Relu, Stride<2>>;
        Image<28, 28, 1> => Conv<3, 3, 1, 6, NoPool, Relu, Stride<2>>;
        Image<12, 12, 8> => Conv<3, 3, 8, 12, MaxPool2, Relu>;
        Image<12, 12, 8> => Conv<3, 3, 8, 24, MaxPool2, Relu, Same>;
        Image<5, 5, 16> => Conv<3, 3, 16, 24, NoPool, Relu>;
        Image<6, 6, 24> => Conv<3, 3, 24, 32, NoPool, Relu>;
        Image<4, 4, 32> => Conv<3, 3, 32, 32, NoPool, Relu>;
        [f32; 216] => Dense<216, 30, Relu>;
        [f32; 128] => Dense<128, 10>;
        [f32; 30] => Dense<30, 10>;
        [f32; 12] => Dense<12, 40, Relu>;
    );
    Ok(())
}

fn layer<In: Tensor, L: QuantLayer<In>>(board: &mut Chosen, memory: &mut Memory, series: &str) -> fmt::Result {
    let text = const { &Net::<In, L>::ARCHITECTURE };
    say(board, memory, series, Net::<In, L>::MACS, text, kind::infer::<In, L>)
}

/// The line of a layer.
#[inline(never)]
fn say(
    board: &mut Chosen,
    memory: &mut Memory,
    series: &str,
    macs: usize,
    text: &Text,
    infer: fn(&mut Memory),
) -> fmt::Result {
    let start = board.ticks();
    for _ in 0..INFERENCES {
        infer(memory);
    }
    let ticks = board.ticks().wrapping_sub(start);
    writeln!(board, "{series} {macs} {ticks} {text}")
}

/// Floats, in RAM.
#[cfg(not(any(feature = "int8", feature = "int4", feature = "int3", feature = "int2", feature = "ternary")))]
mod kind {
    use super::{PARAMETERS, PIXELS, RAM};
    use core::hint::black_box;
    use minnet::prelude::*;
    use minnet::zerocopy::{FromBytes, IntoBytes};

    pub struct Memory {
        parameters: [f32; PARAMETERS],
        ram: [f32; RAM],
    }

    impl Memory {
        pub const NEW: Self = Self { parameters: [0.0; PARAMETERS], ram: [0.0; RAM] };

        /// Numbers between 0 and 1/4, none of them zero.
        pub fn fill(&mut self) {
            let mut random = 1u32;
            for parameter in &mut self.parameters {
                random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                *parameter = (random >> 8 | 1) as f32 / (1 << 26) as f32;
            }
        }
    }

    #[inline(never)]
    pub fn infer<In: Tensor, L: Layer<In>>(memory: &mut Memory) {
        const { assert!(Net::<In, L>::PARAMETERS <= PARAMETERS && Net::<In, L>::RAM <= RAM) }
        if let Ok((net, _)) = Net::<In, L>::ref_from_prefix(memory.parameters.as_bytes()) {
            let fill = |place: &mut In| load_pixels(&PIXELS, place.flat_mut());
            black_box(net.infer_with(fill, &mut memory.ram, &Serial));
        }
    }
}

/// Integers, in flash.
#[cfg(any(feature = "int8", feature = "int4", feature = "int3", feature = "int2", feature = "ternary"))]
mod kind {
    use super::{PARAMETERS, PIXELS, RAM};
    use core::hint::black_box;
    use minnet::prelude::*;
    #[cfg(feature = "int2")]
    use minnet::quant::Int2 as Width;
    #[cfg(feature = "int3")]
    use minnet::quant::Int3 as Width;
    #[cfg(feature = "int4")]
    use minnet::quant::Int4 as Width;
    #[cfg(feature = "int8")]
    use minnet::quant::Int8 as Width;
    #[cfg(feature = "ternary")]
    use minnet::quant::Ternary as Width;
    use minnet::quant::{QuantLayer, Quantized};

    pub struct Memory {
        ram: [u32; RAM],
    }

    impl Memory {
        pub const NEW: Self = Self { ram: [0; RAM] };

        /// There is nothing to fill.
        pub fn fill(&mut self) {}
    }

    #[repr(align(4))]
    struct Block([[u8; 4]; PARAMETERS]);

    /// Random weights, and scales of about 1/500: s is 23.
    static BLOCK: Block = Block({
        let mut words = [[0; 4]; PARAMETERS];
        let mut random = 1u32;
        let mut i = 0;
        while i < words.len() {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            words[i] = [(random >> 16) as u8 & 0xe0 | 6, (random >> 24) as u8 & 0x7f, 0, 0];
            i += 1;
        }
        words
    });

    #[inline(never)]
    pub fn infer<In: Tensor, L: QuantLayer<In>>(memory: &mut Memory) {
        const { assert!(Quantized::<Net<In, L>, Width>::WORDS <= PARAMETERS) }
        const { assert!(Quantized::<Net<In, L>, Width>::RAM <= RAM) }
        let words = const { BLOCK.0.split_at(Quantized::<Net<In, L>, Width>::WORDS).0 };
        let net = Quantized::<Net<In, L>, Width>::unchecked(words);
        black_box(net.infer_pixels(&PIXELS, &mut memory.ram));
    }
}
