//! Every layer against plain loops over the specification, which read the words for themselves.

use super::*;
use crate::prelude::*;
use rand_core::{Rng, SeedableRng};
use rand_xorshift::XorShiftRng;

extern crate std;
use std::vec::Vec;

/// A layer, as the loops need it.
#[derive(Clone, Copy)]
enum Plain {
    Dense { inputs: usize, outputs: usize, hidden: Option<Hidden> },
    Conv { side: usize, inputs: usize, outputs: usize, pool: usize, hidden: Option<Hidden> },
}

const RELU: Option<Hidden> = Some(Hidden::Relu);

/// Reads words in order.
struct Reader<'a>(core::slice::Iter<'a, u32>);

impl Reader<'_> {
    fn word(&mut self) -> u32 {
        *self.0.next().unwrap()
    }

    /// A row of weights, in units of the sums.
    fn row(&mut self, length: usize, bits: usize) -> Vec<i64> {
        let mut row = Vec::new();
        while row.len() < length {
            let word = self.word();
            let byte = |i: usize| (word >> (8 * i)) as u8;
            let nibble = |half: usize, i: usize| i64::from((byte(i) << (4 * (1 - half))) as i8 >> 4) * 16;
            match bits {
                8 => row.extend((0..4).map(|i| i64::from(byte(i) as i8))),
                _ => row.extend((0..8).map(|i| nibble(i / 4, i % 4))),
            }
        }
        assert!(row[length..].iter().all(|&padding| padding == 0));
        row.truncate(length);
        row
    }

    /// Biases, then factors as m and s.
    fn numbers(&mut self, outputs: usize) -> Vec<(i64, i64, u32)> {
        let biases: Vec<i64> = (0..outputs).map(|_| i64::from(self.word() as i32)).collect();
        biases.into_iter().map(|bias| (bias, self.word())).map(|(b, w)| (b, i64::from(w & 0xffff), w >> 16)).collect()
    }
}

fn finish(sum: i64, (bias, m, s): (i64, i64, u32), hidden: Option<Hidden>) -> i64 {
    let scaled = ((sum + bias) * m + (1 << (s - 1))) >> s;
    match hidden {
        Some(Hidden::Relu) => scaled.clamp(0, 255),
        Some(Hidden::Sigmoid) => {
            let z = scaled.clamp(-255, 255) as f64 / 32.0;
            let positive = (255.0 / (1.0 + (-z.abs()).exp())).round() as i64;
            if z < 0.0 { 255 - positive } else { positive }
        }
        None => scaled.clamp(-32_767, 32_767),
    }
}

fn plain(layers: &[Plain], bits: usize, words: &[u32], pixels: &[u8]) -> Vec<i64> {
    let mut reader = Reader(words.iter());
    let mut values: Vec<i64> = pixels.iter().map(|&pixel| i64::from(pixel)).collect();
    for layer in layers {
        values = match *layer {
            Plain::Dense { inputs, outputs, hidden } => {
                let rows: Vec<_> = (0..outputs).map(|_| reader.row(inputs, bits)).collect();
                let numbers = reader.numbers(outputs);
                let sum = |row: &Vec<i64>| row.iter().zip(&values).map(|(w, x)| w * x).sum();
                rows.iter().zip(numbers).map(|(row, numbers)| finish(sum(row), numbers, hidden)).collect()
            }
            Plain::Conv { side, inputs, outputs, pool, hidden } => {
                let mut filter = || (0..5).map(|_| reader.row(5 * inputs, bits)).collect::<Vec<_>>();
                let filters: Vec<_> = (0..outputs).map(|_| filter()).collect();
                let numbers = reader.numbers(outputs);
                let sum = |filter: &Vec<Vec<i64>>, y: usize, x: usize| -> i64 {
                    let row = |(ky, row): (usize, &Vec<i64>)| -> i64 {
                        row.iter().zip(&values[((y + ky) * side + x) * inputs..]).map(|(w, x)| w * x).sum()
                    };
                    filter.iter().enumerate().map(row).sum()
                };
                let mut out = Vec::new();
                for (y, x) in (0..(side - 4) / pool).flat_map(|y| (0..(side - 4) / pool).map(move |x| (y, x))) {
                    for (filter, &numbers) in filters.iter().zip(&numbers) {
                        let square = (0..pool * pool).map(|at| sum(filter, y * pool + at / pool, x * pool + at % pool));
                        out.push(finish(square.max().unwrap(), numbers, hidden));
                    }
                }
                out
            }
        };
    }
    values
}

/// Builds a random network, and compares it on random images with the plain loops, and with its float twin.
fn compare<const RAM: usize, W: Weights, In: Tensor, L: QuantLayer<In, W>>(layers: &[Plain], error: f32) {
    let mut rng = XorShiftRng::seed_from_u64(7);
    let mut net = std::boxed::Box::new(Net::<In, L>::ZERO);
    net.initialize(Init::FanIn, &mut rng);
    let mut ram = std::vec![0.0; Net::<In, L>::RAM];
    let mut image = || (0..In::LEN).map(|_| (rng.next_u32() >> 24) as u8).collect::<Vec<u8>>();
    let images: Vec<Vec<u8>> = (0..20).map(|_| image()).collect();

    let mut ranges = Ranges::default();
    for image in &images {
        load_pixels(image, Net::<In, L>::input_in(&mut ram).unwrap());
        net.calibrate::<W>(&mut ram, &mut ranges);
    }
    let mut words = Vec::new();
    build::<In, L, W>(&net, &ranges, |word| words.push(word));
    let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
    let quantized = Quantized::<Net<In, L>, W>::new(&bytes).unwrap();
    assert_eq!(bytes.len(), Quantized::<Net<In, L>, W>::FLASH_BYTES);

    let (mut worst, mut greatest) = (0.0f32, 0.0f32);
    for image in &images {
        // What was in the memory before does not matter.
        let mut memory = [0xdead_beef; RAM];
        let logits = quantized.infer_pixels(image, &mut memory);
        let found: Vec<i64> = logits.iter().map(|&logit| i64::from(logit)).collect();
        assert_eq!(found, plain(layers, if W::ELEMENT == 1 { 8 } else { 4 }, &words, image));
        let float = net.infer_with(|input| load_pixels(image, input), &mut ram, &Serial).unwrap();
        for (logit, z) in logits.iter().zip(float.flat()) {
            worst = worst.max((f32::from(*logit) * quantized.step() - z).abs());
            greatest = greatest.max(z.abs());
        }
    }
    assert!(worst <= error * greatest, "off by {worst} of {greatest}");
}

macro_rules! compare {
    ($input:ty => $layers:ty, [$($plain:expr),*]) => {
        compare::<{ Quantized::<Net<$input, $layers>, Int8>::RAM }, Int8, $input, $layers>(&[$($plain),*], 0.03);
        compare::<{ Quantized::<Net<$input, $layers>, Int4>::RAM }, Int4, $input, $layers>(&[$($plain),*], 0.5);
    };
}

#[test]
fn dense_layers_of_any_size() {
    let last = |inputs, outputs| Plain::Dense { inputs, outputs, hidden: None };
    compare!([f32; 1] => Dense<1, 1>, [last(1, 1)]);
    compare!([f32; 30] => Dense<30, 10>, [last(30, 10)]);
    compare!([f32; 68] => Dense<68, 9>, [last(68, 9)]);
    compare!(
        [f32; 50] => seq![Dense<50, 13, Relu>, Dense<13, 7, Sigmoid>, Dense<7, 5>],
        [
            Plain::Dense { inputs: 50, outputs: 13, hidden: RELU },
            Plain::Dense { inputs: 13, outputs: 7, hidden: Some(Hidden::Sigmoid) },
            last(7, 5)
        ]
    );
}

#[test]
fn convolutions_of_any_number_of_channels() {
    let conv = |side, inputs, outputs, pool, hidden| Plain::Conv { side, inputs, outputs, pool, hidden };
    compare!(
        [[[f32; 1]; 16]; 16] => seq![Conv5x5<1, 4, MaxPool2, Relu>, Conv5x5<4, 3, NoPool, Relu>, Flatten, Dense<12, 3>],
        [conv(16, 1, 4, 2, RELU), conv(6, 4, 3, 1, RELU), Plain::Dense { inputs: 12, outputs: 3, hidden: None }]
    );
    compare!(
        [[[f32; 1]; 20]; 20] => seq![Conv5x5<1, 8, MaxPool2, Relu>, Conv5x5<8, 5, MaxPool2>],
        [conv(20, 1, 8, 2, RELU), conv(8, 8, 5, 2, None)]
    );
    compare!(
        [[[f32; 1]; 12]; 12] => seq![Conv5x5<1, 3, NoPool, Sigmoid>, Conv5x5<3, 2, MaxPool2>],
        [conv(12, 1, 3, 1, Some(Hidden::Sigmoid)), conv(8, 3, 2, 2, None)]
    );
    compare!([[[f32; 6]; 6]; 6] => Conv5x5<6, 5, MaxPool2>, [conv(6, 6, 5, 2, None)]);
}

#[test]
fn dropout_is_in_the_steps() {
    type Plainly = seq![Dense<9, 8, Relu>, Dense<8, 4>];
    type Dropped = seq![Dropout<50>, Dense<9, 8, Relu>, Dropout<20>, Dense<8, 4>];
    let layers =
        [Plain::Dense { inputs: 9, outputs: 8, hidden: RELU }, Plain::Dense { inputs: 8, outputs: 4, hidden: None }];
    compare::<{ Quantized::<Net<[f32; 9], Plainly>, Int8>::RAM }, Int8, [f32; 9], Plainly>(&layers, 0.03);
    compare::<{ Quantized::<Net<[f32; 9], Dropped>, Int8>::RAM }, Int8, [f32; 9], Dropped>(&layers, 0.03);
}

#[test]
fn blocks_of_other_lengths_or_scales_are_refused() {
    type Tiny<'a> = Quantized<'a, Net<[f32; 2], Dense<2, 1>>>;
    let words: [[u8; 4]; Tiny::WORDS] = [[1, 2, 0, 0], [0; 4], [0, 0x40, 17, 0], [0; 4]];
    let block = words.as_flattened();
    assert!(Tiny::new(block).is_some());
    assert!(Tiny::new(&block[..12]).is_none() && Tiny::new(&block[..15]).is_none());
    for (byte, value) in [(9, 0x80), (9, 0x3f), (10, 16), (10, 48), (11, 1)] {
        let mut damaged = [0; 16];
        damaged.copy_from_slice(block);
        damaged[byte] = value;
        assert!(Tiny::new(&damaged).is_none(), "byte {byte} = {value}");
    }
}

#[test]
fn the_first_of_equal_logits_wins() {
    assert_eq!([&[][..], &[-5], &[1, 7, 7]].map(super::argmax), [0, 0, 1]);
}
