//! Every layer against plain loops over the specification, which read the words for themselves; types against lists.

use super::*;
use crate::activation::Function;
use crate::layer::Seq;
use crate::model::{self, QuantizedModel};
use crate::op::{self, Op};
use crate::pool::Pooling;
use crate::prelude::*;
use rand_core::{Rng, SeedableRng};
use rand_xorshift::XorShiftRng;

extern crate std;
use std::boxed::Box;
use std::string::ToString;
use std::vec::Vec;

/// Reads words in order.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn word(&mut self) -> u32 {
        let (word, rest) = self.0.split_first_chunk().unwrap();
        self.0 = rest;
        u32::from_le_bytes(*word)
    }

    /// A row of 8-bit weights, in units of the sums.
    fn row(&mut self, length: usize) -> Vec<i64> {
        let mut row = Vec::new();
        while row.len() < length {
            row.extend(self.word().to_le_bytes().map(|byte| i64::from(byte as i8)));
        }
        assert!(row[length..].iter().all(|&padding| padding == 0));
        row.truncate(length);
        row
    }

    /// The packed weights of some outputs, in units of the sums.
    fn packed(&mut self, outputs: usize, weights: usize, width: Width) -> Vec<Vec<i64>> {
        let bytes = width.bytes(weights);
        let layer = (outputs * bytes).next_multiple_of(4);
        let (own, rest) = self.0.split_at(layer);
        self.0 = rest;
        assert!(own[outputs * bytes..].iter().all(|&padding| padding == 0));
        let bit = |bytes: &[u8], place: usize| i64::from(bytes[place / 8] >> (place % 8) & 1);
        let code = |bytes: &[u8], bits: usize, i: usize| (0..bits).map(|n| bit(bytes, i * bits + n) << n).sum::<i64>();
        let weight = |bytes: &[u8], i: usize| match width {
            Width::Eight => unreachable!(),
            Width::Four => 8 * (2 * code(bytes, 4, i) - 15),
            Width::Three => 16 * (2 * code(bytes, 3, i) - 7),
            Width::Two => 32 * (2 * code(bytes, 2, i) - 3),
            // The digits of byte / 256 after the point, to the base of 3.
            Width::Ternary => 64 * (i64::from(bytes[i / 5]) * 3i64.pow(i as u32 % 5 + 1) / 256 % 3 - 1),
        };
        own.chunks(bytes).take(outputs).map(|own| (0..weights).map(|i| weight(own, i)).collect()).collect()
    }

    /// Biases, and factors as m and s.
    fn numbers(&mut self, outputs: usize) -> Vec<(i64, i64, u32)> {
        let number = |word: u32| {
            let bias = i64::from(word as i32 >> 20) << (word >> 15 & 31);
            (bias, 16 * i64::from(1024 + (word >> 5 & 1023)), 17 + (word & 31))
        };
        (0..outputs).map(|_| number(self.word())).collect()
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

/// For each output of a convolution, in order: its filter, and the row and column of each position that is pooled for it.
fn positions(op: op::Conv) -> impl Iterator<Item = (usize, Vec<(usize, usize)>)> {
    let (height, width) = (op.pool_height(), op.pool_width());
    let square = move |y: usize, x: usize| {
        (0..height * width).map(move |at| (y * height + at / width, x * width + at % width)).collect::<Vec<_>>()
    };
    let places = (0..op.out_height()).flat_map(move |y| (0..op.out_width()).map(move |x| (y, x)));
    places.flat_map(move |(y, x)| (0..op.filters).map(move |o| (o, square(y, x))))
}

/// Where in the image a tap of the filter at a position lies; `None` in the padding.
fn pixel(op: op::Conv, (y, x): (usize, usize), tap: usize) -> Option<usize> {
    let (top, left) = match op.padding {
        op::Padding::Valid => (0, 0),
        op::Padding::Same => ((op.filter_height - 1) / 2, (op.filter_width - 1) / 2),
    };
    let (ky, kx, c) = (tap / op.channels / op.filter_width, tap / op.channels % op.filter_width, tap % op.channels);
    let row = (y * op.stride + ky).checked_sub(top).filter(|row| *row < op.height)?;
    let column = (x * op.stride + kx).checked_sub(left).filter(|column| *column < op.width)?;
    Some((row * op.width + column) * op.channels + c)
}

/// The logits.
fn plain(ops: &[Op], width: Width, input: Input, words: &[Word], pixels: &[u8]) -> Vec<i64> {
    let mut reader = Reader(words.as_flattened());
    let mut values: Vec<i64> = pixels.iter().map(|&pixel| i64::from(pixel)).collect();
    let mut zero = i64::from(input.zero);
    let last = ops.iter().rposition(|op| !op.in_place()).unwrap();
    for (index, &op) in ops.iter().enumerate() {
        let hidden = if index < last { op.activation().hidden() } else { None };
        values = match op {
            Op::Dense(op) => {
                let rows = match op.bits.unwrap_or(width) {
                    Width::Eight => (0..op.outputs).map(|_| reader.row(op.inputs)).collect(),
                    packed => reader.packed(op.outputs, op.inputs, packed),
                };
                let numbers = reader.numbers(op.outputs);
                let sum = |row: &Vec<i64>| row.iter().zip(&values).map(|(w, x)| w * x).sum();
                rows.iter().zip(numbers).map(|(row, numbers)| finish(sum(row), numbers, hidden)).collect()
            }
            Op::Conv(op) => {
                // A column lies as a row; a pixel's channels, if there are several, in groups of four.
                let (rows, columns) = match (op.width, op.filter_width) {
                    (1, 1) => (1, op.filter_height),
                    _ => (op.filter_height, op.filter_width),
                };
                let padded = if op.channels == 1 { 1 } else { op.channels.next_multiple_of(4) };
                let mut filter = || -> Vec<i64> {
                    let rows = (0..rows).flat_map(|_| reader.row(columns * padded)).collect::<Vec<_>>();
                    let pixels = rows.chunks(padded);
                    assert!(pixels.clone().all(|pixel| pixel[op.channels..].iter().all(|weight| *weight == 0)));
                    pixels.flat_map(|pixel| pixel[..op.channels].to_vec()).collect()
                };
                let filters: Vec<_> = match op.bits.unwrap_or(width) {
                    Width::Eight => (0..op.filters).map(|_| filter()).collect(),
                    packed => reader.packed(op.filters, op.taps(), packed),
                };
                let numbers = reader.numbers(op.filters);
                let sum = |filter: &Vec<i64>, position: (usize, usize)| -> i64 {
                    let tap =
                        |(tap, w): (usize, &i64)| w * pixel(op, position, tap).map_or(zero, |pixel| values[pixel]);
                    filter.iter().enumerate().map(tap).sum()
                };
                let output = |(o, square): (usize, Vec<_>)| {
                    let sums = square.iter().map(|&position| sum(&filters[o], position));
                    let pooled = if op.pooling == Pooling::Avg2 { sums.sum() } else { sums.max().unwrap() };
                    finish(pooled, numbers[o], hidden)
                };
                positions(op).map(output).collect()
            }
            Op::GlobalAvgPool(op) => {
                let count = (op.height * op.width) as i64;
                let sum = |c: usize| values.iter().skip(c).step_by(op.channels).sum::<i64>();
                (0..op.channels).map(|c| (2 * sum(c) + count) / (2 * count)).collect()
            }
            Op::Flatten(_) | Op::Dropout(_) => values,
        };
        if op.biases() > 0 {
            zero = 0;
        }
    }
    if reader.word() > 0 && input != Input::PIXELS {
        assert_eq!((reader.word(), reader.word()), (input.step.to_bits(), u32::from(input.zero)));
    }
    assert!(reader.0.is_empty());
    values
}

/// The float network's weighted inputs z of the last layer with weights, and the greatest output of each layer.
fn floats(ops: &[Op], mut parameters: &[f32], input: Input, pixels: &[u8], greatest: &mut [f32]) -> Vec<f32> {
    let value = |pixel: u8| input.step * (f32::from(pixel) - f32::from(input.zero));
    let mut values: Vec<f32> = pixels.iter().map(|&pixel| value(pixel)).collect();
    let mut z = Vec::new();
    for (&op, greatest) in ops.iter().zip(greatest) {
        let (own, rest) = parameters.split_at(op.parameters());
        let (weights, biases) = own.split_at(op.weights());
        match op {
            Op::Dense(op) => {
                let sum = |o: usize| -> f32 { (0..op.inputs).map(|i| values[i] * weights[i * op.outputs + o]).sum() };
                z = biases.iter().enumerate().map(|(o, bias)| sum(o) + bias).collect();
            }
            Op::Conv(op) => {
                let sum = |o: usize, position: (usize, usize)| -> f32 {
                    let tap = |tap: usize| pixel(op, position, tap).map_or(0.0, |pixel| values[pixel]);
                    (0..op.taps()).map(|i| tap(i) * weights[i * op.filters + o]).sum()
                };
                let output = |(o, square): (usize, Vec<_>)| {
                    let sums = square.iter().map(|&at| sum(o, at));
                    let pooled = match op.pooling {
                        Pooling::Avg2 => sums.sum::<f32>() / op.pooled() as f32,
                        Pooling::None | Pooling::Max2 => sums.fold(f32::NEG_INFINITY, f32::max),
                    };
                    pooled + biases[o]
                };
                z = positions(op).map(output).collect();
            }
            Op::Flatten(_) => {}
            Op::GlobalAvgPool(op) => {
                let sum = |c: usize| values.iter().skip(c).step_by(op.channels).sum::<f32>();
                z = (0..op.channels).map(|c| sum(c) / (op.height * op.width) as f32).collect();
            }
            Op::Dropout(op) => values.iter_mut().for_each(|value| *value *= op.staying()),
        }
        if !op.in_place() {
            values.clone_from(&z);
            op.activation().forward(&mut values);
        }
        note(greatest, &values);
        parameters = rest;
    }
    z
}

fn random(rng: &mut XorShiftRng, limit: usize) -> usize {
    rng.next_u32() as usize % limit
}

/// Parameters such that activations neither grow nor vanish from layer to layer.
fn random_parameters(ops: &[Op], rng: &mut XorShiftRng) -> Vec<f32> {
    let mut uniform = || rng.next_u32() as i32 as f32 / (1u32 << 31) as f32;
    let mut parameters = Vec::new();
    for op in ops {
        let fan_in = op.weights() / op.biases().max(1);
        parameters.extend((0..op.weights()).map(|_| uniform() * (3.0 / fan_in as f32).sqrt()));
        parameters.extend((0..op.biases()).map(|_| uniform()));
    }
    parameters
}

fn random_images(count: usize, size: usize, rng: &mut XorShiftRng) -> Vec<Vec<u8>> {
    (0..count).map(|_| (0..size).map(|_| (rng.next_u32() >> 24) as u8).collect()).collect()
}

/// A network's words, calibrated with some images.
fn quantized(ops: &[Op], parameters: &[f32], input: Input, images: &[Vec<u8>], width: Width) -> Vec<Word> {
    let mut greatest = std::vec![0.0; ops.len()];
    for image in images {
        floats(ops, parameters, input, image, &mut greatest);
    }
    let mut block = std::vec![[0xff; 4]; words(ops, width) + input.words()];
    build(ops, parameters, Calibration { input, greatest: &greatest }, width, &mut block).unwrap();
    block
}

/// What a sensor may give.
const SENSOR: Input = Input { step: 1.0 / 100.0, zero: 140 };

/// Compares a list with the plain loops, and with its float twin.
fn compare_list(ops: &[Op], width: Width, parameters: &[f32], images: &[Vec<u8>]) {
    for input in [Input::PIXELS, SENSOR] {
        compare_list_of(ops, width, parameters, input, images);
    }
}

fn compare_list_of(ops: &[Op], width: Width, parameters: &[f32], input: Input, images: &[Vec<u8>]) {
    let text: Vec<_> = ops.iter().map(|op| op.text().to_string()).collect();
    let block = quantized(ops, parameters, input, images, width);
    let net = QuantizedList::new(ops, width, block.as_flattened()).unwrap();
    assert_eq!(net.input(), input);
    let (mut worst, mut greatest) = (0.0f32, 0.0f32);
    for image in images {
        // What was in the memory before does not matter, and no more of it is taken than was said.
        let mut memory = std::vec![0xdead_beef; ram_words(ops, width)];
        let logits = net.infer_pixels_with(image, &mut memory);
        let found: Vec<i64> = logits.iter().map(|&logit| i64::from(logit)).collect();
        assert_eq!(found, plain(ops, width, input, &block, image), "{width:?} {input:?} {}: {text:?}", ops[0].inputs());
        let z = floats(ops, parameters, input, image, &mut std::vec![0.0; ops.len()]);
        for (logit, z) in logits.iter().zip(z) {
            worst = worst.max((f32::from(*logit) * net.step() - z).abs());
            greatest = greatest.max(z.abs());
        }
    }
    let layers = ops.iter().filter(|op| op.biases() > 0).count() as f32;
    let narrowest = ops.iter().filter(|op| op.biases() > 0).map(|op| op.bits().unwrap_or(width).limit()).min().unwrap();
    let error = match narrowest {
        127 => 0.02,
        15 => 0.25,
        7 => 0.5,
        // So few levels are far from weights that were not trained for them.
        _ => 2.0,
    };
    assert!(worst <= error * layers * greatest.max(1.0), "off by {worst} of {greatest}: {text:?}");
}

/// One layer in three has a width of its own.
fn own_width(rng: &mut XorShiftRng) -> Option<Width> {
    Width::ALL.get(random(rng, 3 * Width::ALL.len())).copied()
}

/// A random list: images or vectors, filters of all shapes, any channels, dropout in every place.
fn random_list(rng: &mut XorShiftRng) -> Vec<Op> {
    let mut ops = Vec::new();
    let hidden = [Function::Relu, Function::Sigmoid];
    let drop = |ops: &mut Vec<Op>, values: usize, rng: &mut XorShiftRng| {
        for _ in 0..[0, 0, 1, 2][random(rng, 4)] {
            ops.push(Op::Dropout(op::Dropout { values, percent: random(rng, 60) as u8 }));
        }
    };
    let (mut height, mut width, mut channels) = (1 + random(rng, 14), 1 + random(rng, 14), 1 + random(rng, 9));
    // Signals.
    match random(rng, 6) {
        0 => (height, width) = (1, 3 * width),
        1 => (height, width) = (3 * height, 1),
        _ => {}
    }
    drop(&mut ops, height * width * channels, rng);
    for _ in 0..random(rng, 4) {
        let padding = if random(rng, 2) == 0 { op::Padding::Valid } else { op::Padding::Same };
        let most = |side: usize| if padding == op::Padding::Same { 7 } else { side.min(7) };
        let mut conv = op::Conv {
            height,
            width,
            channels,
            filter_height: 1 + random(rng, most(height)),
            filter_width: 1 + random(rng, most(width)),
            filters: 1 + random(rng, 9),
            stride: [1, 1, 2, 3][random(rng, 4)],
            padding,
            pooling: Pooling::None,
            activation: hidden[random(rng, 2)],
            bits: own_width(rng),
        };
        if [conv.rows(), conv.columns()].iter().all(|side| *side == 1 || side.is_multiple_of(2)) {
            conv.pooling = Pooling::ALL[random(rng, 3)];
        }
        ops.push(Op::Conv(conv));
        (height, width, channels) = (conv.out_height(), conv.out_width(), conv.filters);
        drop(&mut ops, height * width * channels, rng);
    }
    let mut values = height * width * channels;
    if random(rng, 3) == 0 {
        ops.push(Op::GlobalAvgPool(op::GlobalAvgPool { height, width, channels }));
        values = channels;
    } else {
        ops.push(Op::Flatten(values));
    }
    drop(&mut ops, values, rng);
    let dense = if ops.iter().any(|op| op.biases() > 0) { random(rng, 3) } else { 1 + random(rng, 3) };
    for _ in 0..dense {
        let outputs = 1 + random(rng, 20);
        let (activation, bits) = (hidden[random(rng, 2)], own_width(rng));
        ops.push(Op::Dense(op::Dense { inputs: values, outputs, activation, bits }));
        values = outputs;
        drop(&mut ops, values, rng);
    }
    ops
}

#[test]
fn random_lists_are_as_specified() {
    let mut rng = XorShiftRng::seed_from_u64(19);
    for _ in 0..400 {
        let ops = random_list(&mut rng);
        let parameters = random_parameters(&ops, &mut rng);
        let images = random_images(4, ops[0].inputs(), &mut rng);
        for width in Width::ALL {
            compare_list(&ops, *width, &parameters, &images);
        }
    }
}

/// The most inputs, with all weights alike and biases that are large beside them: no sum leaves 32 bits.
#[test]
fn the_greatest_sums_have_room() {
    let dense = op::Dense { inputs: 32_768, outputs: 2, activation: Function::Identity, bits: None };
    for bias in [0.0, 1e3, -1e3, 1e9] {
        let parameters = [&[1e-3; 65_536][..], &[bias, -bias]].concat();
        for width in Width::ALL {
            for input in [Input::PIXELS, SENSOR, Input { step: 1e-3, zero: 255 }] {
                let block = quantized(&[Op::Dense(dense)], &parameters, input, &[], *width);
                let ops = [Op::Dense(dense)];
                let net = QuantizedList::new(&ops, *width, block.as_flattened()).unwrap();
                for pixel in [0, 255] {
                    let image = std::vec![pixel; 32_768];
                    let logits = net.infer_pixels_with(&image, &mut std::vec![7; ram_words(&ops, *width)]).to_vec();
                    let exact = plain(&ops, *width, input, &block, &image);
                    assert_eq!(
                        logits.iter().map(|&logit| i64::from(logit)).collect::<Vec<_>>(),
                        exact,
                        "{bias} {input:?}"
                    );
                }
            }
        }
    }
}

#[test]
fn every_relu_layer_has_its_own_range() {
    let dense = op::Dense { inputs: 8, outputs: 8, activation: Function::Relu, bits: None };
    let ops = [Op::Dense(dense); 20];
    // Every layer doubles.
    let mut parameters = Vec::new();
    for _ in 0..ops.len() {
        parameters.extend((0..64).map(|i| if i % 9 == 0 { 2.0 } else { 0.0 }));
        parameters.extend([0.0; 8]);
    }
    compare_list(&ops, Width::Eight, &parameters, &[std::vec![0, 10, 20, 30, 40, 50, 60, 255]]);
}

/// A random network of a type, compared with its list and with the plain loops.
fn compare<const RAM: usize, W: Weights, In: Tensor, L: QuantLayer<In>>() {
    type Typed<'a, In, L, W> = Quantized<'a, Net<In, L>, W>;
    let ops = L::OPS;
    let (ops, width) = (ops.as_slice(), W::WIDTH);
    let mut rng = XorShiftRng::seed_from_u64(7);
    let mut net = Box::new(Net::<In, L>::ZERO);
    net.initialize(Init::FanIn, &mut rng);
    let mut parameters = Vec::new();
    net.visit(|_, run| parameters.extend_from_slice(run));
    let images = random_images(20, In::LEN, &mut rng);
    compare_list(ops, width, &parameters, &images);

    assert_eq!((Typed::<In, L, W>::WORDS, Typed::<In, L, W>::RAM), (words(ops, width), ram_words(ops, width)));
    let blocks = [Input::PIXELS, SENSOR].map(|input| quantized(ops, &parameters, input, &images, width));
    let [(typed, list), sensor] = blocks.each_ref().map(|block| {
        let typed = Typed::<In, L, W>::new(block.as_flattened()).unwrap();
        (typed, QuantizedList::new(ops, width, block.as_flattened()).unwrap())
    });
    for (typed, list) in [(typed, list), sensor] {
        assert_eq!((typed.weight_hash(), typed.step()), (list.weight_hash(), list.step()));
        assert_eq!(typed.input(), list.input());
        for image in &images {
            let (mut memory, mut other) = ([0xdead_beef; RAM], [0xabad_cafe; RAM]);
            let logits = typed.infer_pixels(image, &mut memory);
            assert_eq!(logits.len(), L::Out::LEN);
            assert_eq!(logits, list.infer_pixels_with(image, &mut other), "{}", Net::<In, L>::ARCHITECTURE);
        }
    }
    assert!(typed.infer_pixels_with(&images[0], &mut [0; RAM][1..]).is_empty());
    assert!(list.infer_pixels_with(&images[0], &mut [0; RAM][1..]).is_empty());
}

macro_rules! compare {
    ($($input:ty => $layers:ty),* $(,)?) => {$(
        compare::<{ Quantized::<Net<$input, $layers>, Int8>::RAM }, Int8, $input, $layers>();
        compare::<{ Quantized::<Net<$input, $layers>, Int4>::RAM }, Int4, $input, $layers>();
        compare::<{ Quantized::<Net<$input, $layers>, Int3>::RAM }, Int3, $input, $layers>();
        compare::<{ Quantized::<Net<$input, $layers>, Int2>::RAM }, Int2, $input, $layers>();
        compare::<{ Quantized::<Net<$input, $layers>, Ternary>::RAM }, Ternary, $input, $layers>();
    )*};
}

#[test]
fn dense_types_are_their_lists() {
    compare! {
        [f32; 1] => Dense<1, 1>,
        [f32; 30] => Dense<30, 10>,
        [f32; 68] => Dense<68, 9, Tanh>,
        [f32; 50] => seq![Dense<50, 13, Relu>, Dense<13, 7, Sigmoid>, Dense<7, 5>],
    }
}

#[test]
fn convolutional_types_are_their_lists() {
    compare! {
        [[[f32; 1]; 16]; 16] => seq![Conv5x5<1, 4, MaxPool2, Relu>, Conv5x5<4, 3, NoPool, Relu>, Flatten, Dense<12, 3>],
        [[[f32; 1]; 20]; 20] => seq![Conv5x5<1, 8, MaxPool2, Relu>, Conv5x5<8, 5, MaxPool2>],
        [[[f32; 1]; 12]; 12] => seq![Conv5x5<1, 3, NoPool, Sigmoid>, Conv5x5<3, 2, MaxPool2>],
        [[[f32; 6]; 6]; 6] => Conv5x5<6, 5, MaxPool2>,
        // Widths of their own.
        [[[f32; 1]; 16]; 16] => seq![
            Conv<3, 3, 1, 6, MaxPool2, Relu, Same, Int8>,
            Conv<3, 3, 6, 5, MaxPool2, Relu, Same, Ternary>,
            Conv<3, 3, 5, 4, NoPool, Relu, Valid>,
            Flatten,
            Dense<16, 50, Relu, Int3>,
            Dense<50, 7, Softmax, Int2>
        ],
    }
}

#[test]
fn what_moves_nothing_may_stand_anywhere() {
    compare! {
        [f32; 9] => seq![Dropout<50>, Dense<9, 8, Relu>, Dropout<20>, Dense<8, 4>],
        // Before a convolution whose channels do not come in groups.
        [[[f32; 1]; 12]; 12] => seq![Conv5x5<1, 3, NoPool, Relu>, Dropout<20>, Dropout<10>, Conv5x5<3, 6, NoPool>],
        [[[f32; 3]; 6]; 6] => seq![Dropout<20>, Conv5x5<3, 2, MaxPool2>],
        // At the end, where logits lie as they are.
        [[[f32; 4]; 6]; 6] => seq![Conv5x5<4, 7, NoPool>, Flatten],
        [f32; 9] => seq![Dense<9, 7, Tanh>, Dropout<50>],
        [[[f32; 4]; 6]; 6] => seq![Flatten, Dropout<5>, Dense<144, 6, Relu>, Dropout<50>, Dense<6, 7>, Dropout<50>],
        [f32; 9] => Seq<Seq<Dense<9, 7, Relu>, Dropout<50>>, Seq<Dense<7, 6>, Dropout<50>>>,
    }
}

#[test]
fn outputs_are_the_activations_of_the_logits() {
    let ops = [
        Op::Dense(op::Dense { inputs: 2, outputs: 3, activation: Function::Relu, bits: None }),
        Op::Dropout(op::Dropout { values: 3, percent: 50 }),
    ];
    let block = quantized(&ops, &[1.0; 9], Input::PIXELS, &[std::vec![1, 2]], Width::Eight);
    let net = QuantizedList::new(&ops, Width::Eight, block.as_flattened()).unwrap();
    let mut outputs = [7.0; 3];
    net.outputs(&[-10, 0, 100], &mut outputs);
    assert_eq!(outputs, [0.0, 0.0, 50.0 * net.step()]);
}

fn calibration(greatest: &[f32]) -> Calibration<'_> {
    Calibration { input: Input::PIXELS, greatest }
}

const DENSE: op::Dense = op::Dense { inputs: 4, outputs: 2, activation: Function::Relu, bits: None };

#[test]
fn networks_without_an_integer_form_are_refused_with_the_reason() {
    let dense = |inputs, outputs, activation| Op::Dense(op::Dense { inputs, outputs, activation, bits: None });
    let conv = op::Conv {
        height: 9,
        width: 9,
        channels: 400,
        filter_height: 9,
        filter_width: 9,
        filters: 2,
        stride: 1,
        padding: op::Padding::Valid,
        pooling: Pooling::None,
        activation: Function::Relu,
        bits: None,
    };
    let refused = |ops: &[Op], words: &str| {
        let error = check(ops).unwrap_err();
        assert_eq!(error.to_string(), words);
        assert_eq!(build(ops, &[], calibration(&[]), Width::Eight, &mut []), Err(error));
        assert_eq!(QuantizedList::new(ops, Width::Eight, &[]).unwrap_err(), ModelError::Layers);
    };
    for activation in Function::ALL {
        let ops =
            [dense(4, 3, *activation), Op::Dropout(op::Dropout { values: 3, percent: 5 }), dense(3, 2, *activation)];
        match activation {
            Function::Relu | Function::Sigmoid => assert_eq!(check(&ops), Ok(())),
            _ => refused(
                &ops,
                &std::format!("layer 1, `{}`: a quantized network's hidden layers need ReLU or sigmoid", ops[0].text()),
            ),
        }
        assert_eq!(check(&[dense(4, 2, *activation), Op::Flatten(2)]), Ok(()));
    }
    let inputs = "a quantized layer takes at most 32,768 inputs for each output: sums have 32 bits";
    assert_eq!(check(&[dense(32_768, 1, Function::Identity)]), Ok(()));
    refused(&[dense(32_769, 1, Function::Identity)], &std::format!("layer 1, `dense 1`: {inputs}"));
    assert_eq!(check(&[Op::Conv(conv)]), Ok(()));
    refused(
        &[Op::Flatten(405 * 81), Op::Conv(op::Conv { channels: 405, ..conv })],
        &std::format!("layer 2, `conv9x9 2 relu`: {inputs}"),
    );
    let sizes = "the layer does not take what the layer before gives";
    refused(
        &[dense(4, 3, Function::Relu), dense(4, 3, Function::Relu)],
        &std::format!("layer 2, `dense 3 relu`: {sizes}"),
    );
    refused(&[Op::Conv(op::Conv { height: 8, ..conv })], &std::format!("layer 1, `conv9x9 2 relu`: {sizes}"));
    let nothing = "a network without weights has nothing to quantize: add a dense layer or a convolution";
    refused(&[], nothing);
    refused(&[Op::Flatten(4)], nothing);
}

#[test]
fn numbers_that_integers_cannot_hold_are_refused() {
    let ops =
        [Op::Dense(DENSE), Op::Dense(op::Dense { inputs: 2, ..DENSE }), Op::Dense(op::Dense { inputs: 2, ..DENSE })];
    let count = ops.iter().map(|op| op.parameters()).sum();
    let mut block = std::vec![[0; 4]; words(&ops, Width::Eight)];
    let mut try_with = |parameter: f32, greatest: f32| {
        let parameters = std::vec![parameter; count];
        let result = build(&ops, &parameters, calibration(&[greatest; 3]), Width::Eight, &mut block);
        // Whatever is built is valid.
        assert!(result.is_err() || validate(&ops, Width::Eight, &block).is_ok(), "{parameter} {greatest}");
        result
    };
    let first = Place { number: 1, op: ops[0] };
    assert_eq!(try_with(f32::NAN, 1.0), Err(QuantError::NotFinite(first)));
    assert_eq!(try_with(1.0, f32::INFINITY), Err(QuantError::NotFinite(first)));
    assert!(matches!(try_with(1e30, 1e30), Err(QuantError::Range(Place { number: 2, .. }))));
    assert!(matches!(try_with(1e-45, 1e-45), Err(QuantError::Range(Place { number: 3, .. }))));
    for parameter in [0.0, 1.0, -1e-20, 1e10] {
        assert_eq!(try_with(parameter, parameter.abs()), Ok(()));
    }
    let short = build(&ops, &std::vec![0.0; count - 1], calibration(&[0.0; 3]), Width::Eight, &mut block);
    assert_eq!(short, Err(QuantError::Length { what: "parameters", expected: count, found: count - 1 }));
    let steep = [Op::Dense(op::Dense { activation: Function::Sigmoid, ..DENSE }), ops[1]];
    let mut block = std::vec![[0; 4]; words(&steep, Width::Eight)];
    assert!(matches!(
        build(&steep, &[1e3; 16], calibration(&[1.0; 2]), Width::Eight, &mut block),
        Err(QuantError::Range(_))
    ));
}

type Tiny<'a, W> = Quantized<'a, Net<[f32; 2], Dense<2, 1>>, W>;

/// Damages one word of a block of `Tiny` at a time.
fn defects<W: Weights>(block: [u32; 5], defects: &[(usize, u32, ModelError)]) {
    let bytes = |block: [u32; 5]| block.map(u32::to_le_bytes).as_flattened().to_vec();
    let whole = bytes(block);
    assert!(Tiny::<W>::new(&whole).is_ok_and(|net| net.input() == SENSOR && net.step() == 1.0));
    assert!(Tiny::<W>::new(&whole[..12]).is_ok_and(|net| net.input() == Input::PIXELS && net.step() == 1.0));
    for length in [0, 8, 11, 16, 19] {
        assert_eq!(Tiny::<W>::new(&whole[..length]).err(), Some(ModelError::Layout), "{length}");
    }
    assert!(Tiny::<W>::new(&[&whole[..], &[0; 4]].concat()).is_err());
    for &(place, word, error) in defects {
        let mut damaged = block;
        damaged[place] = word;
        let damaged = bytes(damaged);
        assert_eq!(Tiny::<W>::new(&damaged).err(), Some(error), "word {place} = {word:x}");

        let mut file = Vec::new();
        let architecture = Tiny::<W>::ARCHITECTURE;
        model::write_quantized(
            architecture.as_str(),
            W::WIDTH,
            &damaged,
            &Metadata::default(),
            Description::default(),
            |piece| {
                file.extend_from_slice(piece);
                Ok::<_, ()>(())
            },
        )
        .unwrap();
        // This is what `include_quantized!` asks while the program compiles.
        assert_eq!(Tiny::<W>::check(&file), Err(error), "word {place} = {word:x}");
        assert_eq!(QuantizedModel::<Net<[f32; 2], Dense<2, 1>>, W>::parse(&file).err(), Some(error));
    }
}

#[test]
fn blocks_that_are_not_valid_are_refused() {
    use ModelError::{Bias, RowPadding, Scale, Step, Weight};
    let input = ModelError::Input;
    let numbers = [
        (1, 1 << 20 | 31 << 15, Bias),
        (1, 0xfff0_0000 | 31 << 15, Bias),
        (1, 2047 << 20 | 20 << 15, Bias),
        (1, 31, Scale),
        (2, 0, Step),
        (2, (-1.0f32 / 256.0).to_bits(), Step),
        (2, f32::INFINITY.to_bits(), Step),
        (2, f32::NAN.to_bits(), Step),
        (3, 0, input),
        (3, f32::NAN.to_bits(), input),
        (3, (-0.01f32).to_bits(), input),
        (4, 256, input),
        (4, u32::MAX, input),
    ];
    let (step, zero) = (SENSOR.step.to_bits(), u32::from(SENSOR.zero));
    let block = |weights| [weights, 0x4000_0000, 1.0f32.to_bits(), step, zero];
    let weights = [(0, 0x80, Weight), (0, 0x8000, Weight), (0, 0x1_0000, RowPadding), (0, 0xff00_0000, RowPadding)];
    defects::<Int8>(block(0x8101), &[&weights[..], &numbers].concat());
    let weights = [(0, 0x100, RowPadding), (0, 0x8000_0000, RowPadding)];
    defects::<Int4>(block(0xf0), &[&weights[..], &numbers].concat());
    defects::<Int3>(block(0x3f), &[(0, 0x40, Weight), (0, 0x80, Weight), (0, 0x100, RowPadding)]);
    defects::<Int2>(block(0x0f), &[(0, 0x10, Weight), (0, 0x80, Weight), (0, 0x100, RowPadding)]);
    // 1 and 0 are the digits 2 and 1: 7/9 of 256.
    defects::<Ternary>(block(200), &[(0, 201, Weight), (0, 1, Weight), (0, 255, Weight), (0, 0x1_00c8, RowPadding)]);
}

#[test]
fn the_repository_s_integer_model_is_valid() {
    type Digits = Net<
        [[[f32; 1]; 28]; 28],
        seq![
            Conv5x5<1, 20, MaxPool2, Relu>,
            Conv5x5<20, 40, MaxPool2, Relu>,
            Flatten,
            Dense<640, 100, Relu>,
            Dense<100, 10, Softmax>
        ],
    >;
    let file = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/../models/digits-int8.minnet")).unwrap();
    let net = QuantizedModel::<Digits, Int8>::parse(&file).unwrap().net;
    let list = QuantizedList::new(net.list().ops(), Width::Eight, net.block()).unwrap();
    let mut ram = std::vec![0; ram_words(list.ops(), list.width())];
    for image in random_images(5, 784, &mut XorShiftRng::seed_from_u64(3)) {
        let logits = net.infer_pixels(&image, &mut [7; Quantized::<Digits>::RAM]).to_vec();
        assert_eq!(logits, list.infer_pixels_with(&image, &mut ram));
    }
}

#[test]
fn the_first_of_equal_logits_wins() {
    assert_eq!([&[][..], &[-5], &[1, 7, 7]].map(super::argmax), [0, 0, 1]);
}
