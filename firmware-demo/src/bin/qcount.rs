//! Scratch.
#![no_std]
#![no_main]
use core::fmt;
use firmware_demo::board::Board;
use firmware_demo::images;
use firmware_demo::processor::entry;
use firmware_demo::run::run;
use minnet::prelude::*;
use minnet::quant::*;

type Image = [[[f32; 1]; 28]; 28];
type N1 = Net<[f32; 784], seq![Dense<784, 30, Relu>, Dense<30, 10, Softmax>]>;
type N2 = Net<Image, seq![Conv5x5<1, 20, MaxPool2, Relu>, Flatten, Dense<2880, 100, Relu>, Dense<100, 10, Softmax>]>;
type N3 = Net<
    Image,
    seq![Conv5x5<1, 20, MaxPool2, Relu>, Conv5x5<20, 40, MaxPool2, Relu>, Flatten, Dense<640, 100, Relu>, Dense<100, 10, Softmax>],
>;
type N4 =
    Net<Image, seq![Conv5x5<1, 4, MaxPool2, Relu>, Conv5x5<4, 12, MaxPool2, Relu>, Flatten, Dense<192, 10, Softmax>]>;

const fn noise<const N: usize>() -> [[u8; 4]; N] {
    let mut block = [[0; 4]; N];
    let mut i = 0;
    let mut r: u32 = 12345;
    while i < N {
        r ^= r << 13;
        r ^= r >> 17;
        r ^= r << 5;
        block[i] = [(r >> 8) as u8, (r >> 16) as u8, (r >> 24) as u8 & 15 | 16, r as u8 & 1];
        i += 1;
    }
    block
}

#[entry]
fn main() -> ! {
    run(go)
}

macro_rules! run {
    ($board:ident, $name:literal, $net:ty, $w:ty) => {{
        type Q = Quantized<'static, $net, $w>;
        static BLOCK: [[u8; 4]; Q::WORDS] = noise();
        static RAM: static_cell::ConstStaticCell<[u32; Q::RAM]> = static_cell::ConstStaticCell::new([0; Q::RAM]);
        let ram = RAM.take();
        let net = Q::unchecked(core::hint::black_box(&BLOCK));
        let start = $board.ticks();
        let z = net.infer_pixels(&images::DIGITS.pixels[0], ram);
        let ticks = $board.ticks().wrapping_sub(start);
        let macs = <$net>::MACS as u32;
        writeln!(
            $board,
            "{} {} per 1000 MACs {} ram {} z {:?}",
            $name,
            ticks,
            (ticks as u64 * 1000 / macs as u64) as u32,
            Q::RAM_BYTES,
            z[0]
        )?;
    }};
}

fn go<B: Board>(board: &mut B) -> fmt::Result {
    run!(board, "N1", N1, Int8);
    run!(board, "N2", N2, Int8);
    run!(board, "N3", N3, Int8);
    run!(board, "N4", N4, Int8);
    run!(board, "N1/4", N1, Int4);
    run!(board, "N4/4", N4, Int4);
    Ok(())
}
