use super::{Architecture, Shape};
use crate::nets::NAMED;
use minnet::activation::{FastSigmoid, FastTanh};
use minnet::model::fingerprint;
use minnet::op::Op;
use minnet::prelude::*;
use minnet::quant::Width;
use rand_core::{Rng, SeedableRng};
use rand_xorshift::XorShiftRng;

/// What the compiler knows of a network's type.
struct Typed {
    code: String,
    text: String,
    fingerprint: u32,
    /// Inputs, outputs, parameters, MACs, bytes of flash, bytes of RAM.
    numbers: [usize; 6],
}

/// Rust without its white space.
fn packed(code: &str) -> String {
    code.split_whitespace().collect()
}

/// Types, with their input written once as a type and once as the compiler reads it.
macro_rules! types {
    ($($input:ty => [$($layers:tt)*];)*) => {
        [$({
            type Network = Net<$input, seq![$($layers)*]>;
            fn outputs<In: Tensor, L: Layer<In>>(_: Option<&Net<In, L>>) -> usize {
                L::Out::LEN
            }
            Typed {
                code: format!("type Network = Net<{}, seq![{},]>;", stringify!($input), stringify!($($layers)*)),
                text: Network::ARCHITECTURE.to_string(),
                fingerprint: Network::FINGERPRINT,
                numbers: [
                    <$input as Tensor>::LEN,
                    outputs(None::<&Network>),
                    Network::PARAMETERS,
                    Network::MACS,
                    Network::FLASH_BYTES,
                    Network::RAM_BYTES,
                ],
            }
        }),*]
    };
}

fn named() -> [Typed; 15] {
    types! {
        [f32; 784] => [Dense<784, 30, Sigmoid>, Dense<30, 10, Sigmoid>];
        [f32; 784] => [Dense<784, 30, Sigmoid>, Dense<30, 10, Softmax>];
        [f32; 784] => [Dense<784, 100, Sigmoid>, Dense<100, 10, Sigmoid>];
        [f32; 784] => [Dense<784, 100, Sigmoid>, Dense<100, 10, Softmax>];
        [f32; 784] => [Dense<784, 10, Sigmoid>];
        [f32; 784] => [Dense<784, 0, Sigmoid>, Dense<0, 10, Sigmoid>];
        [f32; 784] => [Dense<784, 30, Sigmoid>, Dense<30, 30, Sigmoid>, Dense<30, 10, Sigmoid>];
        [f32; 784] => [
            Dense<784, 30, Sigmoid>, Dense<30, 30, Sigmoid>, Dense<30, 30, Sigmoid>, Dense<30, 10, Sigmoid>
        ];
        [f32; 784] => [
            Dense<784, 30, Sigmoid>, Dense<30, 30, Sigmoid>, Dense<30, 30, Sigmoid>, Dense<30, 30, Sigmoid>,
            Dense<30, 10, Sigmoid>
        ];
        [[[f32; 1]; 28]; 28] => [
            Conv5x5<1, 20, MaxPool2, Sigmoid>, Flatten, Dense<2880, 100, Sigmoid>, Dense<100, 10, Softmax>
        ];
        [[[f32; 1]; 28]; 28] => [
            Conv5x5<1, 20, MaxPool2, Sigmoid>, Conv5x5<20, 40, MaxPool2, Sigmoid>, Flatten,
            Dense<640, 100, Sigmoid>, Dense<100, 10, Softmax>
        ];
        [[[f32; 1]; 28]; 28] => [
            Conv5x5<1, 20, MaxPool2, Relu>, Conv5x5<20, 40, MaxPool2, Relu>, Flatten,
            Dense<640, 100, Relu>, Dense<100, 10, Softmax>
        ];
        [[[f32; 1]; 28]; 28] => [
            Conv5x5<1, 20, MaxPool2, Relu>, Conv5x5<20, 40, MaxPool2, Relu>, Flatten,
            Dense<640, 100, Relu>, Dense<100, 100, Relu>, Dense<100, 10, Softmax>
        ];
        [[[f32; 1]; 28]; 28] => [
            Conv5x5<1, 20, MaxPool2, Relu>, Conv5x5<20, 40, MaxPool2, Relu>, Flatten, Dropout<50>,
            Dense<640, 1000, Relu>, Dropout<50>, Dense<1000, 1000, Relu>, Dropout<50>, Dense<1000, 10, Softmax>
        ];
        [[[f32; 1]; 28]; 28] => [
            Conv5x5<1, 4, MaxPool2, Relu>, Conv5x5<4, 12, MaxPool2, Relu>, Flatten, Dense<192, 10, Softmax>
        ];
    }
}

/// Defines types, and says how they are written.
macro_rules! flats {
    ($($item:item)*) => {
        $($item)*
        const FLATS: &str = stringify!($($item)*);
    };
}

flats! {
    struct Flat24x12x8;
    impl Flat<[[[f32; 8]; 12]; 24]> for Flat24x12x8 {
        type Vector = [f32; 2304];
    }

    struct Flat1x60x8;
    impl Flat<[[[f32; 8]; 60]; 1]> for Flat1x60x8 {
        type Vector = [f32; 480];
    }

    struct Flat15x15x1;
    impl Flat<[[[f32; 1]; 15]; 15]> for Flat15x15x1 {
        type Vector = [f32; 225];
    }

    struct Flat3x3x65;
    impl Flat<[[[f32; 65]; 3]; 3]> for Flat3x3x65 {
        type Vector = [f32; 585];
    }
}

/// Every way to write a layer's type, and the ends of the tables in core/src/shape.rs.
fn others() -> [Typed; 28] {
    types! {
        [f32; 3] => [Dense<3, 4>];
        [f32; 3] => [Dropout<99>];
        [f32; 9] => [Dropout<0>, Dense<9, 7, Tanh>, Dropout<20>, Dense<7, 1, FastSigmoid>];
        [[[f32; 2]; 9]; 11] => [Dropout<10>, Conv5x5<2, 3>];
        [[[f32; 3]; 12]; 12] => [Conv5x5<3, 20, MaxPool2>, Flatten];
        [[[f32; 1]; 13]; 13] => [Conv5x5<1, 2, NoPool, FastTanh>, Dropout<5>, Flatten, Dense<162, 2, Softmax>];
        [[[f32; 1]; 5]; 64] => [Conv5x5<1, 1>];
        [[[f32; 64]; 14]; 14] => [Flatten];
        [[[f32; 1]; 15]; 15] => [Flatten<Flat15x15x1>];
        [[[f32; 65]; 3]; 3] => [Flatten<Flat3x3x65>];
        [[[f32; 1]; 28]; 28] => [
            Conv<3, 3, 1, 16, AvgPool2, Relu, Stride<2, Same>>, Conv<1, 1, 16, 8, NoPool, Relu>, GlobalAvgPool,
            Dense<8, 10, Softmax>
        ];
        [[[f32; 1]; 28]; 28] => [
            Conv<3, 3, 1, 8, NoPool, Relu>, Conv<3, 3, 8, 16, MaxPool2, Relu>, Conv<3, 3, 16, 32, MaxPool2>, Flatten,
            Dense<800, 10, Softmax>
        ];
        [[[f32; 3]; 26]; 50] => [Conv<3, 3, 3, 8, MaxPool2, Tanh>, Flatten<Flat24x12x8>, Dense<2304, 3>];
        [[[f32; 3]; 128]; 1] => [Conv<1, 9, 3, 8, MaxPool2, Relu>, Flatten<Flat1x60x8>, Dense<480, 4, Softmax>];
        [[[f32; 3]; 1]; 128] => [
            Conv<9, 1, 3, 8, AvgPool2, Relu, Stride<3>>, Dropout<10>, Conv<3, 1, 8, 2, NoPool, Sigmoid, Same>,
            GlobalAvgPool
        ];
        [[[f32; 2]; 20]; 10] => [Conv<7, 7, 2, 3, NoPool, Identity, Stride<2>>, Conv<2, 1, 3, 5>];
        [[[f32; 2]; 9]; 9] => [Conv<5, 5, 2, 3, NoPool, Identity, Same>, Conv<5, 5, 3, 1, MaxPool2, Relu, Stride<4>>];
        [[[f32; 2]; 10]; 8] => [Conv<3, 5, 2, 4, AvgPool2>, Conv<2, 2, 4, 4, MaxPool2, Identity, Stride<4, Same>>];
        [[[f32; 1]; 64]; 64] => [Conv5x5<1, 2, AvgPool2>, Conv5x5<2, 2, AvgPool2, FastTanh>];
        [[[f32; 1]; 256]; 256] => [Conv<11, 11, 1, 1, MaxPool2, Relu, Stride<4>>, GlobalAvgPool, Dense<1, 2>];
        [[[f32; 3]; 3]; 4] => [Conv<13, 2, 3, 2, NoPool, Relu, Same>, Conv<4, 4, 2, 2, NoPool, Relu, Stride<3, Same>>];
        [[[f32; 3]; 1]; 1] => [Conv<1, 1, 3, 4, MaxPool2, Relu>, Conv<3, 3, 4, 4, MaxPool2, Relu, Stride<2, Same>>];
        [[[f32; 1]; 5]; 5] => [Conv5x5<1, 2, MaxPool2, Relu>, Flatten, Dense<2, 2>];
        [[[f32; 7]; 3]; 2] => [GlobalAvgPool, Dropout<10>, Dense<7, 2>];
        [[[f32; 1]; 96]; 96] => [
            Conv<3, 3, 1, 8, MaxPool2, Relu, Stride<2, Same>>, Conv<3, 3, 8, 10, NoPool, Relu, Same>, GlobalAvgPool,
            Dense<10, 2, Softmax>
        ];
        [[[f32; 4]; 6]; 6] => [Conv<1, 1, 4, 4, NoPool, Identity, Stride<2>>];
        [[[f32; 4]; 6]; 6] => [Conv<1, 3, 4, 4, NoPool, Sigmoid, Same>, Conv<3, 1, 4, 4, MaxPool2, Identity, Same>];
        [[[f32; 728]; 4]; 4] => [Conv<5, 6, 728, 1, NoPool, Identity, Same>];
    }
}

#[test]
fn a_text_is_what_its_type_is() {
    assert_eq!(NAMED.len(), named().len());
    for (typed, named) in named().iter().zip(NAMED) {
        assert_eq!(typed.text, named.text);
    }
    for Typed { code, text, fingerprint, numbers } in named().into_iter().chain(others()) {
        let network = Architecture::parse(&text).unwrap();
        assert_eq!(network.to_string(), text);
        assert_eq!(network.fingerprint(), fingerprint, "{text}");
        let counted = [
            network.inputs(),
            network.outputs(),
            network.parameters(),
            network.macs(),
            network.flash_bytes(),
            network.ram_bytes(),
        ];
        assert_eq!(counted, numbers, "{text}");
        let rust = network.rust_type();
        let (before, own) = rust.split_once("use minnet::prelude::*;\n\n").unwrap();
        let flat = packed(own).strip_suffix(&packed(&code)).map(str::to_owned);
        let is_flat = |flat: &str| packed(FLATS).contains(flat) && flat.is_empty() != code.contains("Flatten<");
        assert!(flat.is_some_and(|flat| is_flat(&flat)), "{rust}\n{code}");
        assert!(before.is_empty() || before.starts_with("use minnet::activation::Fast"), "{rust}");
    }
}

#[test]
fn a_type_says_what_it_needs_and_where_the_tables_end() {
    let rust = |text| Architecture::parse(text).unwrap().rust_type();
    assert!(!rust("784: dense 10 sigmoid").contains("micromath"));
    assert!(rust("784: dense 10 fast-sigmoid").starts_with("use minnet::activation::FastSigmoid; // needs"));
    for (text, limit) in [
        ("257x28x1: conv5x5 3", "`Conv` takes images with sides of at most 256, not 257x28x1; core/src/shape.rs"),
        ("28x258x1: conv3x3 3 maxpool2", "not 28x258x1"),
        ("28x28x1: conv3x12 3", "without `Same`, filters have sides of at most 11, not 3x12; core/src/shape.rs"),
        ("28x28x1: conv12x3 3 stride 2", "not 12x3"),
        ("28x28x1: conv3x3 3 stride 5 same", "a stride is at most 4, not 5; core/src/shape.rs has the tables."),
        ("4x4x729: conv5x6 3 same", "a filter has at most 32768 weights, three columns more of them counted."),
    ] {
        let code = rust(text);
        let comment = code.lines().find(|line| line.starts_with("// Does not build: "));
        assert!(comment.is_some_and(|comment| comment.contains(limit)), "{code}");
    }
}

#[test]
fn layers_have_widths_of_their_own() {
    let text = "8x8x1: conv3x3 4 same maxpool2 relu int2, conv3x3 4 ternary, flatten, dense 9 relu int8, dense 2";
    let network = Architecture::parse(text).unwrap();
    assert_eq!(network.to_string(), text);
    let bits: Vec<_> = network.layers().iter().map(|op| op.bits()).collect();
    assert_eq!(bits, [Some(Width::Two), Some(Width::Ternary), None, Some(Width::Eight), None]);
    let rust = network.rust_type();
    assert!(rust.starts_with("use minnet::prelude::*;\nuse minnet::quant::{Int2, Int8, Ternary};\n"), "{rust}");
    for layer in [
        "Conv<3, 3, 1, 4, MaxPool2, Relu, Same, Int2>",
        "Conv<3, 3, 4, 4, NoPool, Identity, Valid, Ternary>",
        "Dense<16, 9, Relu, Int8>",
        "Dense<9, 2>",
    ] {
        assert!(rust.contains(layer), "{rust}");
    }
}

#[test]
fn layers_and_shapes_can_be_asked_for() {
    let network =
        Architecture::parse("28x28x1: conv5x5 20 maxpool2 relu, flatten, dropout 50, dense 10 softmax").unwrap();
    let shapes: Vec<_> = network.shapes().map(|shape| shape.to_string()).collect();
    assert_eq!(shapes, ["12x12x20", "2880", "2880", "10"]);
    assert_eq!(network.input(), Shape::Image { height: 28, width: 28, channels: 1 });
    assert_eq!(network.layers().len(), 4);
    assert_eq!(network.buffers(), [784, 2880]);
    assert_eq!(network.activation().name(), "softmax");
    let network = Architecture::parse("28x20x1: conv3x7 16 stride 2 same avgpool2, globalavgpool, dense 10").unwrap();
    let shapes: Vec<_> = network.shapes().map(|shape| shape.to_string()).collect();
    assert_eq!(shapes, ["7x5x16", "16", "10"]);
    // The image with its padding, 30x26, and 560 values, which come back to where it was as means.
    assert_eq!(network.buffers(), [780, 560]);
}

#[test]
fn white_space_and_case_do_not_matter() {
    for text in [
        "28x28x1:conv5x5 20 maxpool2 relu,flatten,dense 10 softmax",
        "  28 X 28\tx 1 :\n CONV5x5  20 MaxPool2 ReLU ,\u{a0}Flatten,Dense 010 Softmax  ",
        "28x28x1: conv05x5 20 stride\n01 valid maxpool2 relu, flatten, dense 10 softmax",
    ] {
        let network = Architecture::parse(text).unwrap();
        assert_eq!(network.to_string(), "28x28x1: conv5x5 20 maxpool2 relu, flatten, dense 10 softmax");
    }
}

/// The error's first line, and what the carets mark, followed by `^` if that is a place between letters.
fn error(text: &str) -> (String, String) {
    let error = Architecture::parse(text).unwrap_err().to_string();
    let mut lines = error.lines();
    let message = lines.next().unwrap().to_owned();
    let (Some(excerpt), Some(carets)) = (lines.next(), lines.next()) else { return (message, String::new()) };
    let marked = excerpt.chars().zip(carets.chars()).filter(|(_, caret)| *caret == '^').map(|(letter, _)| letter);
    (message, marked.collect())
}

#[test]
fn what_is_no_network_says_why_and_where() {
    let long = format!("784: {}dense 10", "dense 30 relu, ".repeat(20));
    for (text, message, place) in [
        ("", "the network's text is empty: write, for example, `784: dense 30 sigmoid, dense 10 softmax`", ""),
        (" \n", "the network's text is empty", ""),
        // The input.
        ("784 dense 10", "a colon is missing after the input: write `784:`", " "),
        ("28x28x1, flatten", "a colon is missing after the input: write `28x28x1:`", ","),
        ("dense 10, dense 3", "the input is missing: begin with `784:` for a vector of 784 values, or `28x28x1:`", "d"),
        (": dense 10", "the input is missing: write `784` for a vector", ":"),
        ("x: dense 10", "`x` is not an input: write `784` for a vector", "x"),
        ("7 84: dense 10", "`7 84` is not an input: write `784` for a vector", "7 84"),
        ("-3: dense 10", "`-3` is not an input: write `784` for a vector", "-3"),
        ("1x2x3x4: flatten", "`1x2x3x4` is not an input: write `784` for a vector", "1x2x3x4"),
        ("28x28: flatten", "the input has no number of channels: write `28x28x1` for an image of one", "28x28"),
        ("28x0x1: flatten", "the input has a size of 0: each must be at least 1", "28x0x1"),
        ("0: dense 10", "the input has a size of 0", "0"),
        ("268435457: dense 1", "the number is too large: write at most 268435456", "268435457"),
        ("99999999999999999999999: dense 1", "the number is too large", "99999999999999999999999"),
        ("65536x65536x1: flatten", "the input has more than 268435456 values: make it smaller", "65536x65536x1"),
        ("784:", "no layer follows the input: write at least one, such as `dense 10 softmax`", ""),
        // Words.
        ("784: dense 10,", "layer 2: nothing stands here: write a layer, or take the comma away", ""),
        ("784: , dense 10", "layer 1: nothing stands here", " "),
        (
            "784: dens 30",
            "layer 1 (`dens 30`): `dens` is not a layer (dense, convHxW, globalavgpool, flatten, dropout); \
             did you mean `dense`?",
            "dens",
        ),
        ("784: lstm 30", "layer 1 (`lstm 30`): `lstm` is not a layer (dense, convHxW, globalavgpool,", "lstm"),
        (
            "9x9x1: globalavgpol",
            "layer 1 (`globalavgpol`): `globalavgpol` is not a layer (dense, convHxW, globalavgpool, flatten, \
             dropout); did you mean `globalavgpool`?",
            "globalavgpol",
        ),
        ("784: dense 30, relu", "layer 2 (`relu`): `relu` is not a layer of its own: write it after a layer's", "relu"),
        ("9x9x1: maxpool2", "layer 1 (`maxpool2`): `maxpool2` is not a layer of its own", "maxpool2"),
        ("9x9x1: conv3x3 8, same", "layer 2 (`same`): `same` is not a layer of its own", "same"),
        ("9x9x1: stride 2", "layer 1 (`stride 2`): `stride` is not a layer of its own", "stride"),
        ("784: dense", "layer 1 (`dense`): the number of outputs is missing: write, for example, `dense 30`", ""),
        ("784: dense , dense 3", "layer 1 (`dense`): the number of outputs is missing", " "),
        (
            "784: dense relu",
            "layer 1 (`dense relu`): `relu` stands where the number of outputs should, a whole number: write, for",
            "relu",
        ),
        ("784: dense 1000000000", "layer 1 (`dense 1000000000`): the number is too large: write at", "1000000000"),
        (
            "9x9x1: conv5x5",
            "layer 1 (`conv5x5`): the number of filters is missing: write, for example, `conv5x5 20`",
            "",
        ),
        ("784: dropout", "layer 1 (`dropout`): the percentage is missing: write, for example, `dropout 50`", ""),
        ("784: dropout 0.5", "layer 1 (`dropout 0.5`): `0.5` stands where the percentage should, a whole", "0.5"),
        ("784: dense 30 10", "layer 1 (`dense 30 10`): a layer has one number: take `10` away", "10"),
        ("784: dense 30 dense 10", "layer 1 (`dense 30 dense 10`): a comma is missing before `dense`", "dense"),
        ("9x9x1: flatten dense 10", "layer 1 (`flatten dense 10`): a comma is missing before `dense`", "dense"),
        ("9x9x1: flatten relu", "layer 1 (`flatten relu`): nothing follows `flatten`: take `relu` away", "relu"),
        ("784: dropout 50 %", "layer 1 (`dropout 50 %`): nothing follows `dropout`: take `%` away", "%"),
        (
            "784: dense 30 SIGMIOD",
            "layer 1 (`dense 30 sigmiod`): `sigmiod` is neither an activation nor a width (sigmoid, tanh, relu, softmax, \
             fast-sigmoid, fast-tanh, int8, int4, int3, int2, ternary); did you mean `sigmoid`?",
            "SIGMIOD",
        ),
        (
            "9x9x1: conv5x5 3 mxpool2",
            "layer 1 (`conv5x5 3 mxpool2`): `mxpool2` is nothing that a convolution takes (stride, same, valid, \
             maxpool2, avgpool2, sigmoid, tanh, relu, fast-sigmoid, fast-tanh, int8, int4, int3, int2, ternary); did you \
             mean `maxpool2`?",
            "mxpool2",
        ),
        (
            "784: dense 30 int4 relu",
            "layer 1 (`dense 30 int4 relu`): the activation comes before the width: write `relu int4`",
            "relu",
        ),
        (
            "784: dense 30 int4 int2",
            "layer 1 (`dense 30 int4 int2`): `int2` is a second width, after `int4`: keep one of them",
            "int2",
        ),
        (
            "9x9x1: conv5x5 3 2",
            "layer 1 (`conv5x5 3 2`): a layer has one number: take `2` away, or write `stride 2`",
            "2",
        ),
        (
            "9x9x1: conv3x3 3 stride",
            "layer 1 (`conv3x3 3 stride`): the stride is missing: write, for example, `stride 2`",
            "",
        ),
        (
            "9x9x1: conv3x3 3 stride same",
            "layer 1 (`conv3x3 3 stride same`): `same` stands where the stride should, a whole number: write, for",
            "same",
        ),
        ("9x9x1: conv3x3 3 stride 0", "layer 1 (`conv3x3 3 stride 0`): a stride is at least 1", "0"),
        ("9x9x1: conv3x3 3 stride 2 2", "layer 1 (`conv3x3 3 stride 2 2`): a layer has one number: take `2`", "2"),
        (
            "9x9x1: conv3x3 3 stride 2 stride  3",
            "layer 1 (`conv3x3 3 stride 2 stride 3`): `stride 3` is a second stride, after `stride 2`: keep",
            "stride  3",
        ),
        (
            "9x9x1: conv3x3 3 same valid",
            "layer 1 (`conv3x3 3 same valid`): `valid` is a second padding, after `same`: keep one of them",
            "valid",
        ),
        (
            "9x9x1: conv3x3 3 maxpool2 avgpool2",
            "layer 1 (`conv3x3 3 maxpool2 avgpool2`): `avgpool2` is a second pooling, after `maxpool2`: keep one",
            "avgpool2",
        ),
        (
            "9x9x1: conv3x3 3 same maxpool2 relu stride 2",
            "layer 1 (`conv3x3 3 same maxpool2 relu stride 2`): the stride comes before the padding: write `stride 2 \
             same maxpool2 relu`",
            "stride 2",
        ),
        (
            "9x9x1: conv3x3 3 stride 2 relu same",
            "layer 1 (`conv3x3 3 stride 2 relu same`): the padding comes before the activation: write `same relu`",
            "same",
        ),
        (
            "9x9x1: conv3x3 3 avgpool2 valid",
            "layer 1 (`conv3x3 3 avgpool2 valid`): the padding comes before the pooling: write `valid avgpool2`",
            "valid",
        ),
        ("9x9x1: globalavgpool 3", "layer 1 (`globalavgpool 3`): nothing follows `globalavgpool`: take `3` away", "3"),
        (
            "9x9x1: globalavgpool dense 3",
            "layer 1 (`globalavgpool dense 3`): a comma is missing before `dense`",
            "dense",
        ),
        (
            "9x9x1: conv3x3 3 globalavgpool",
            "layer 1 (`conv3x3 3 globalavgpool`): a comma is missing before `globalavgpool`",
            "globalavgpool",
        ),
        ("784: dense 30 stride", "layer 1 (`dense 30 stride`): a dense layer has no stride: take `stride`", "stride"),
        ("784: dense 30 same", "layer 1 (`dense 30 same`): a dense layer has no padding: take `same` away", "same"),
        (
            "784: dense 30 relu tanh",
            "layer 1 (`dense 30 relu tanh`): `tanh` is a second activation, after `relu`: keep one of them",
            "tanh",
        ),
        (
            "10x10x1: conv5x5 3 maxpool2 maxpool2",
            "layer 1 (`conv5x5 3 maxpool2 maxpool2`): `maxpool2` is a second",
            "maxpool2",
        ),
        ("784: dense 30 maxpool2", "layer 1 (`dense 30 maxpool2`): a dense layer has no pooling: take", "maxpool2"),
        (
            "10x10x1: conv5x5 3 relu maxpool2",
            "layer 1 (`conv5x5 3 relu maxpool2`): the pooling comes before the activation: write `maxpool2 relu`",
            "maxpool2",
        ),
        // What a layer can be.
        ("9x9x1: conv 3", "layer 1 (`conv 3`): the filters' rows and columns are missing: write, for", "conv"),
        ("9x9x1: conv3 3", "layer 1 (`conv3 3`): the filters' rows and columns are missing: write, for", "conv3"),
        ("9x9x1: conv+3x3 3", "layer 1 (`conv+3x3 3`): the filters' rows and columns are missing", "conv+3x3"),
        ("9x9x1: conv3x 3", "layer 1 (`conv3x 3`): the filters' rows and columns are missing", "conv3x"),
        ("9x9x1: conv0x5 3", "layer 1 (`conv0x5 3`): a filter has at least one row and one column", "0"),
        ("9x9x1: conv15x00 3", "layer 1 (`conv15x00 3`): a filter has at least one row and one column", "00"),
        ("9x9x1: conv3x268435457 3 same", "layer 1 (`conv3x268435457 3 same`): the number is too large", "268435457"),
        ("9x9x1: conv5x5 0", "layer 1 (`conv5x5 0`): a convolution has at least one filter", "0"),
        (
            "9x9x1: conv5x5 3 softmax",
            "layer 1 (`conv5x5 3 softmax`): a convolution takes an activation that works on each value alone (sigmoid, \
             tanh, relu, fast-sigmoid, fast-tanh): `softmax` is for a dense layer",
            "softmax",
        ),
        (
            "784: dropout 100",
            "layer 1 (`dropout 100`): dropout must leave something: write at most `dropout 99`",
            "100",
        ),
        ("784: dropout 300", "layer 1 (`dropout 300`): dropout must leave something", "300"),
        // What fits.
        (
            "28x28x1: conv5x5 20 maxpool2, dense 10",
            "layer 2 (`dense 10`): a dense layer takes a vector, and gets an image of 12x12x20: write `flatten` \
             before it",
            "dense",
        ),
        (
            "784: conv5x5 20",
            "layer 1 (`conv5x5 20`): a convolution takes an image, and gets a vector of 784: write the input as an \
             image, such as `28x28x1:`",
            "conv5x5",
        ),
        (
            "9: conv5x5 20",
            "layer 1 (`conv5x5 20`): a convolution takes an image, and gets a vector of 9: write the input \
          as an image, such as `3x3x1:`",
            "conv5x5",
        ),
        (
            "28x28x1: flatten, conv5x5 20",
            "layer 2 (`conv5x5 20`): a convolution takes an image, and gets a vector of 784: move it before `flatten`",
            "conv5x5",
        ),
        (
            "784: dense 30, conv5x5 20",
            "layer 2 (`conv5x5 20`): a convolution takes an image, and gets a vector of 30: move it \
          before the dense layers, and write the input as an image",
            "conv5x5",
        ),
        (
            "28x28x1: globalavgpool, conv3x3 20",
            "layer 2 (`conv3x3 20`): a convolution takes an image, and gets a vector of 1: move it before \
             `globalavgpool`",
            "conv3x3",
        ),
        (
            "784: globalavgpool",
            "layer 1 (`globalavgpool`): it takes an image, and gets a vector of 784: take it away",
            "globalavgpool",
        ),
        ("784: flatten", "layer 1 (`flatten`): it takes an image, and gets a vector of 784: take it away", "flatten"),
        (
            "28x28x1: conv5x5 8 maxpool2, conv5x5 8 maxpool2, conv5x5 8",
            "layer 3 (`conv5x5 8`): a filter of 5x5 does not fit into an image of 4x4x8: give the input 32 rows and \
             columns, or add `same`, or leave out a convolution or a pooling before it",
            "conv5x5",
        ),
        (
            "4x9x1: conv5x5 8",
            "layer 1 (`conv5x5 8`): a filter of 5x5 does not fit into an image of 4x9x1: give the input 5 \
          rows, or add `same`",
            "conv5x5",
        ),
        (
            "128x1x3: conv1x9 8 relu",
            "layer 1 (`conv1x9 8 relu`): a filter of 1x9 does not fit into an image of 128x1x3, but one of 9x1 does: \
             write `conv9x1`, or the input as `1x128x3:`",
            "conv1x9",
        ),
        (
            "1x128x3: dropout 5, conv9x1 8",
            "layer 2 (`conv9x1 8`): a filter of 9x1 does not fit into an image of 1x128x3, but one of 1x9 does: write \
             `conv1x9`, or the input as `128x1x3:`",
            "conv9x1",
        ),
        (
            "1x128x3: conv1x9 8 maxpool2, conv9x1 8",
            "layer 2 (`conv9x1 8`): a filter of 9x1 does not fit into an image of 1x60x8, but one of 1x9 does: write \
             `conv1x9`",
            "conv9x1",
        ),
        (
            "17x28x1: conv3x3 2 stride 2, conv9x3 3",
            "layer 2 (`conv9x3 3`): a filter of 9x3 does not fit into an image of 8x13x2, but",
            "conv9x3",
        ),
        // 17 -> 8, which is one short.
        (
            "17x17x1: conv3x3 2 stride 2, conv9x9 3",
            "layer 2 (`conv9x9 3`): a filter of 9x9 does not fit into an image of 8x8x2: give the input 19 rows and \
             columns, or add `same`, or leave out a convolution",
            "conv9x9",
        ),
        (
            "13x13x1: conv5x5 2 maxpool2",
            "layer 1 (`conv5x5 2 maxpool2`): the pooling's squares of 2x2 do not cover the 9x9 that the filters make \
             of 13x13x1: give the input 12 or 14 rows and columns, or leave the pooling out",
            "maxpool2",
        ),
        // Every second of 13 rows: 7. Of 14 it is 7 too, of 15 it is 8.
        (
            "13x15x1: conv3x3 2 stride 2 same maxpool2, conv1x1 1",
            "layer 1 (`conv3x3 2 stride 2 same maxpool2`): the pooling's squares of 2x2 do not cover the 7x8 that the \
             filters make of 13x15x1: give the input 12 or 15 rows, or leave the pooling out",
            "maxpool2",
        ),
        (
            "1x128x3: conv1x10 8 avgpool2",
            "layer 1 (`conv1x10 8 avgpool2`): the pooling's pairs do not cover the 1x119 that the filters make of \
             1x128x3: give the input 127 or 129 columns, or leave the pooling out",
            "avgpool2",
        ),
        (
            "3x8x1: conv1x1 1 maxpool2",
            "layer 1 (`conv1x1 1 maxpool2`): the pooling's squares of 2x2 do not cover the 3x8 that the filters make \
             of 3x8x1: give the input 2 or 4 rows, or leave the pooling out",
            "maxpool2",
        ),
        // 17 -> 13, which the second convolution makes 9.
        (
            "20x17x1: conv5x5 2, conv5x5 3 maxpool2",
            "layer 2 (`conv5x5 3 maxpool2`): the pooling's squares of 2x2 do not cover the 12x9 that the filters make \
             of 16x13x2: give the input 16 or 18 columns, or leave the pooling out",
            "maxpool2",
        ),
        // What can be counted and kept.
        (
            "100000: dense 100000",
            "layer 1 (`dense 100000`): with it the network has more than 268435456",
            "dense 100000",
        ),
        ("9: dense 29000000", "layer 1 (`dense 29000000`): with it the network has more", "dense 29000000"),
        ("8x8x268435456: conv5x5 268435456", "the input has more than 268435456 values", "8x8x268435456"),
        (
            "5x5x10000000: conv5x5 268435456",
            "layer 1 (`conv5x5 268435456`): with it the network has more",
            "conv5x5 268435456",
        ),
        // The padding counts: 20001 x 20001 values.
        (
            "1x1x1: conv20001x20001 1 same",
            "layer 1 (`conv20001x20001 1 same`): with it the network has more than 268435456 parameters or values",
            "conv20001x20001 1 same",
        ),
        (
            "16384x16384x1: conv2x2 1 stride 16384 same",
            "layer 1 (`conv2x2 1 stride 16384 same`): with it the network has more than 268435456",
            "conv2x2 1 stride 16384 same",
        ),
        (
            "9x9x1: conv268435456x268435456 268435456 stride 268435456 same avgpool2",
            "layer 1 (`conv268435456x268435456 268435456 stride 268435456…`): with it the network has more",
            "conv268435456x268435456 268435456 stride 268435456 same avgpool2",
        ),
        (
            &long,
            "layer 17 (`dense 30 relu`): with it the text is longer than the 255 bytes that a model file holds: leave",
            "dense 30 relu",
        ),
    ] {
        let (found, marked) = error(text);
        assert!(found.starts_with(message), "{text}: {found}");
        assert_eq!(marked, place, "{text}: {found}");
    }
}

#[test]
fn an_error_shows_the_text_around_its_place() {
    let text =
        format!("784: {}dense 10 sftmax, dense 3, dense 3, dense 3, dense 3, dense 3", "dense 30 relu, ".repeat(7));
    let error = Architecture::parse(&text).unwrap_err().to_string();
    let lines: Vec<_> = error.lines().collect();
    assert_eq!(lines[1].trim_start().chars().count(), 102, "{error}");
    assert!(lines[1].starts_with("    …") && lines[1].ends_with('…'), "{error}");
    assert_eq!(lines[1].find("sftmax").map(|at| at - "…".len() + 1), lines[2].find('^'), "{error}");
    assert_eq!(Architecture::parse("3: d\u{1b}[31mé").unwrap_err().to_string().lines().nth(1), Some("    3: d?[31mé"));
}

/// A random network's text, letter by letter as it should come back.
fn random_text(rng: &mut XorShiftRng) -> String {
    let mut below = |n: u32| rng.next_u32() % n;
    let elementwise = ["", " sigmoid", " tanh", " relu", " fast-sigmoid", " fast-tanh"];
    let (mut height, mut width, channels) = (1 + below(40), 1 + below(40), 1 + below(4));
    let mut is_image = below(2) == 0;
    let mut text = if is_image { format!("{height}x{width}x{channels}:") } else { format!("{}:", 1 + below(1000)) };
    let layers = 1 + below(8);
    for layer in 0..layers {
        text += if layer == 0 { " " } else { ", " };
        text += &match (below(4), is_image) {
            (0, _) => format!("dropout {}", below(100)),
            (1, true) => {
                is_image = false;
                ["flatten", "globalavgpool"][below(2) as usize].into()
            }
            (_, true) if below(8) > 0 => {
                let is_same = below(2) == 0;
                let mut filter = |side: u32| 1 + below(if is_same { 12 } else { side.min(12) });
                let (rows, columns) = (filter(height), filter(width));
                let stride = if below(2) == 0 { 1 } else { 1 + below(5) };
                let left = |side: u32, filter: u32| if is_same { side } else { side - filter + 1 }.div_ceil(stride);
                (height, width) = (left(height, rows), left(width, columns));
                let is_whole = |side: u32| side == 1 || side.is_multiple_of(2);
                let mut pooling = "";
                if is_whole(height) && is_whole(width) && below(2) == 0 {
                    pooling = [" maxpool2", " avgpool2"][below(2) as usize];
                    (height, width) = (height.div_ceil(2), width.div_ceil(2));
                }
                let stride = if stride == 1 { String::new() } else { format!(" stride {stride}") };
                let padding = if is_same { " same" } else { "" };
                let activation = elementwise[below(6) as usize];
                format!("conv{rows}x{columns} {}{stride}{padding}{pooling}{activation}", 1 + below(20))
            }
            (_, true) => format!("dropout {}", below(100)),
            (_, false) if below(5) == 0 => format!("dense {} softmax", below(50)),
            (_, false) => format!("dense {}{}", below(50), elementwise[below(6) as usize]),
        };
    }
    text
}

#[test]
fn every_network_comes_back_from_its_text() {
    let mut rng = XorShiftRng::seed_from_u64(1);
    for _ in 0..3000 {
        let text = random_text(&mut rng);
        let network = Architecture::parse(&text).unwrap();
        assert_eq!(network.to_string(), text);
        assert_eq!(network.fingerprint(), fingerprint(&text));
        // White space doubled, and letters as they come.
        let careless: String =
            text.chars().map(|c| if rng.next_u32() % 2 == 0 { c.to_ascii_uppercase() } else { c }).collect();
        assert_eq!(Architecture::parse(&careless.replace(' ', " \t")).as_ref(), Ok(&network));
        assert_eq!(Architecture::parse(&text.replace(", ", ",").replace(": ", ":")).as_ref(), Ok(&network));
        // Each layer takes what the one before it gives, and the buffers are those of `minnet::layer::Seq`.
        let mut values = network.inputs();
        for op in network.layers() {
            assert_eq!(op.inputs(), values, "{text}");
            values = op.outputs();
        }
        assert_eq!(network.outputs(), values);
        assert_eq!(network.buffers(), two_buffers(network.layers()), "{text}");
    }
}

/// The most that each of two buffers holds when a network runs, layer by layer.
fn two_buffers(layers: &[Op]) -> [usize; 2] {
    let (mut buffers, mut from) = ([0, 0], 0);
    for op in layers {
        let to = if op.in_place() { from } else { 1 - from };
        buffers[from] = buffers[from].max(op.front());
        buffers[to] = buffers[to].max(op.outputs());
        from = to;
    }
    buffers
}

#[test]
fn garbage_gets_an_error_or_a_network() {
    const PIECES: [&str; 40] = [
        "784",
        "28x28x1",
        ":",
        ",",
        " ",
        "dense",
        "conv5x5",
        "flatten",
        "dropout",
        "relu",
        "softmax",
        "maxpool2",
        "avgpool2",
        "globalavgpool",
        "stride",
        " stride 2",
        " same",
        "valid",
        "conv3x1 2",
        "conv99999999999x3",
        "30",
        "0",
        "conv",
        "x",
        "conv3x",
        "\u{1f600}",
        "é",
        "\n",
        "\0",
        "\u{1b}",
        "-",
        "99999999999999999999",
        "4294967296",
        "İ",
        ":",
        ", ",
        " ",
        "5x5x1: ",
        "conv5x5 2 ",
        "dense 3 ",
    ];
    let mut rng = XorShiftRng::seed_from_u64(2);
    let mut networks = 0;
    for case in 0..20_000 {
        let text: String = if case % 4 == 0 {
            // Bytes.
            let bytes: Vec<u8> = (0..rng.next_u32() % 64).map(|_| rng.next_u32() as u8).collect();
            String::from_utf8_lossy(&bytes).into()
        } else if case % 4 == 1 {
            // A network with one letter changed.
            let mut letters: Vec<char> = random_text(&mut rng).chars().collect();
            let at = rng.next_u32() as usize % letters.len();
            letters[at] = char::from(rng.next_u32() as u8);
            letters.into_iter().collect()
        } else {
            (0..rng.next_u32() % 40).map(|_| PIECES[rng.next_u32() as usize % PIECES.len()]).collect()
        };
        match Architecture::parse(&text) {
            Ok(network) => {
                networks += 1;
                assert_eq!(Architecture::parse(&network.to_string()).as_ref(), Ok(&network));
            }
            Err(error) => {
                let error = error.to_string();
                let lines: Vec<_> = error.lines().collect();
                let [_, excerpt, carets] = lines[..] else {
                    assert!(text.trim().is_empty(), "{text:?}: {error}");
                    continue;
                };
                assert!(excerpt.chars().count() <= 106 && !excerpt.contains(char::is_control), "{text:?}: {error}");
                assert!(carets.ends_with('^') && carets.len() <= 107, "{text:?}: {error}");
            }
        }
    }
    assert!(networks > 50, "{networks}");
}
