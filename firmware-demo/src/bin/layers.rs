//! For tests on a PC: small networks of many shapes, which must give there, as lists, what they give here, as types. In lines
//! for a program to read: `layers TEXT; HEX…`, the network, and the hashes of its outputs in floats, and in integers of each
//! width.
#![no_std]
#![no_main]

use core::fmt;
use device::layers::Memory;
use firmware_demo::board::Board;
use firmware_demo::processor::entry;
use firmware_demo::run::run;
use minnet::prelude::*;
use minnet::quant::{Int2, Int3, QuantLayer, Ternary};
use static_cell::ConstStaticCell;

/// An image of 96x96 pixels takes more than a small board has.
#[cfg(feature = "training")]
type Room = Memory<18_820, 9216>;
#[cfg(not(feature = "training"))]
type Room = Memory;

static MEMORY: ConstStaticCell<Room> = ConstStaticCell::new(Room::NEW);

#[entry]
fn main() -> ! {
    run(infer)
}

/// Says what networks of these inputs and layers give.
macro_rules! networks {
    ($board:ident, $memory:ident, $($input:ty => [$($layers:tt)*];)*) => {
        $(say::<$input, seq![$($layers)*]>($board, $memory)?;)*
    };
}

#[inline(never)]
fn say<In: Tensor, L: QuantLayer<In>>(board: &mut impl Board, memory: &mut Room) -> fmt::Result {
    let hashes = memory.of_type::<In, L>().ok_or(fmt::Error)?;
    write!(board, "layers {};", Net::<In, L>::ARCHITECTURE)?;
    hashes.iter().try_for_each(|hash| write!(board, " {hash:016x}"))?;
    writeln!(board)
}

fn infer<B: Board>(board: &mut B) -> fmt::Result {
    let memory = MEMORY.take();
    networks! { board, memory,
        // Squares and neighbours of one channel, whose last four overlap, or are fewer than four.
        [[[f32; 1]; 10]; 12] => [Conv<3, 3, 1, 3, MaxPool2, Relu>, Conv<1, 1, 3, 5, NoPool, Relu>];
        [[[f32; 1]; 11]; 9] => [Conv<5, 5, 1, 2, NoPool, Relu>, Conv<3, 3, 2, 3, NoPool, Relu, Stride<2>>];
        [[[f32; 1]; 8]; 8] => [Conv<7, 7, 1, 2, NoPool, Relu, Same>, Conv<3, 3, 2, 2, AvgPool2, Relu>, GlobalAvgPool];
        [[[f32; 1]; 5]; 5] => [Conv<3, 3, 1, 2, NoPool, Sigmoid, Stride<2, Same>>, Conv<3, 3, 2, 1>];
        // Groups of channels.
        [[[f32; 4]; 6]; 6] => [Conv<5, 5, 4, 2, MaxPool2>];
        [[[f32; 4]; 7]; 7] => [Conv<7, 7, 4, 1, NoPool, Relu, Same>];
        [[[f32; 8]; 3]; 3] => [Conv<2, 2, 8, 3, NoPool, Relu>];
        [[[f32; 3]; 7]; 6] => [Conv<3, 3, 3, 5, NoPool, Relu>, Conv<3, 3, 5, 6, NoPool, Relu, Stride<3, Same>>];
        [[[f32; 6]; 5]; 6] => [Conv<3, 2, 6, 5, AvgPool2, Relu>];
        // Signals, in a row and in a column.
        [[[f32; 3]; 40]; 1] => [Conv<1, 9, 3, 4, MaxPool2, Relu>, GlobalAvgPool, Dense<4, 2>];
        [[[f32; 1]; 1]; 31] => [Conv<4, 1, 1, 3, AvgPool2, Relu>, Conv<5, 1, 3, 2, NoPool, Relu>];
        [[[f32; 2]; 3]; 16] => [Conv<5, 3, 2, 3, MaxPool2, Relu>];
        // Any number of outputs.
        [f32; 9] => [Dense<9, 3, Relu>, Dense<3, 5, Relu>, Dense<5, 2>];
        [f32; 13] => [Dense<13, 6, Sigmoid>, Dense<6, 1>];
        // Widths of their own.
        [[[f32; 1]; 8]; 8] => [
            Conv<3, 3, 1, 5, MaxPool2, Relu, Same, Int2>, Conv<2, 2, 5, 3, NoPool, Relu, Valid, Ternary>, Flatten,
            Dense<27, 4, Identity, Int3>
        ];
    }
    #[cfg(feature = "training")]
    networks! { board, memory,
        [[[f32; 1]; 96]; 96] => [
            Conv<3, 3, 1, 4, NoPool, Relu, Stride<2, Same>>, Conv<3, 3, 4, 8, NoPool, Relu, Stride<2>>, GlobalAvgPool,
            Dense<8, 3, Softmax>
        ];
        [[[f32; 3]; 128]; 1] => [
            Conv<1, 9, 3, 8, MaxPool2, Relu>, Conv<1, 5, 8, 8, AvgPool2, Relu>, GlobalAvgPool, Dense<8, 4, Softmax>
        ];
    }
    Ok(())
}
