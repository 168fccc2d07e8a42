use super::{Architecture, Shape};
use crate::nets::NAMED;
use minnet::activation::{FastSigmoid, FastTanh};
use minnet::model::fingerprint;
use minnet::op::Op;
use minnet::prelude::*;
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

/// Every way to write a layer's type, and the ends of the tables in core/src/shape.rs.
fn others() -> [Typed; 8] {
    types! {
        [f32; 3] => [Dense<3, 4>];
        [f32; 3] => [Dropout<99>];
        [f32; 9] => [Dropout<0>, Dense<9, 7, Tanh>, Dropout<20>, Dense<7, 1, FastSigmoid>];
        [[[f32; 2]; 9]; 11] => [Dropout<10>, Conv5x5<2, 3>];
        [[[f32; 3]; 12]; 12] => [Conv5x5<3, 20, MaxPool2>, Flatten];
        [[[f32; 1]; 13]; 13] => [Conv5x5<1, 2, NoPool, FastTanh>, Dropout<5>, Flatten, Dense<162, 2, Softmax>];
        [[[f32; 1]; 5]; 64] => [Conv5x5<1, 1>];
        [[[f32; 64]; 14]; 14] => [Flatten];
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
        assert!(packed(&rust).ends_with(&packed(&code)), "{rust}\n{code}");
        assert!(rust.contains("use minnet::prelude::*;\n\ntype Network") && !rust.contains("Does not build"), "{rust}");
    }
}

#[test]
fn a_type_says_what_it_needs_and_where_the_tables_end() {
    let rust = |text| Architecture::parse(text).unwrap().rust_type();
    assert!(!rust("784: dense 10 sigmoid").contains("micromath"));
    assert!(rust("784: dense 10 fast-sigmoid").starts_with("use minnet::activation::FastSigmoid; // needs"));
    for (text, limit) in [
        ("65x28x1: conv5x5 3", "`Conv5x5` takes images with sides of 5 to 64, not 65x28x1"),
        ("28x66x1: conv5x5 3 maxpool2", "not 28x66x1"),
        ("28x28x1: conv5x5 3, flatten", "`Flatten` takes square images of at most 14x14x64, not 24x24x3"),
        ("14x12x1: flatten", "not 14x12x1"),
        ("3x3x65: flatten", "not 3x3x65"),
    ] {
        let code = rust(text);
        let comment = code.lines().find(|line| line.starts_with("// Does not build: "));
        assert!(comment.is_some_and(|comment| comment.contains(limit)), "{code}");
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
}

#[test]
fn white_space_and_case_do_not_matter() {
    for text in [
        "28x28x1:conv5x5 20 maxpool2 relu,flatten,dense 10 softmax",
        "  28 X 28\tx 1 :\n CONV5x5  20 MaxPool2 ReLU ,\u{a0}Flatten,Dense 010 Softmax  ",
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
            "layer 1 (`dens 30`): `dens` is not a layer (dense, conv5x5, flatten, dropout); did you mean `dense`?",
            "dens",
        ),
        ("784: lstm 30", "layer 1 (`lstm 30`): `lstm` is not a layer (dense, conv5x5, flatten, dropout)", "lstm"),
        ("784: dense 30, relu", "layer 2 (`relu`): `relu` is not a layer of its own: write it after a layer's", "relu"),
        ("9x9x1: maxpool2", "layer 1 (`maxpool2`): `maxpool2` is not a layer of its own", "maxpool2"),
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
            "layer 1 (`dense 30 sigmiod`): `sigmiod` is not an activation (sigmoid, tanh, relu, softmax, fast-sigmoid, \
             fast-tanh); did you mean `sigmoid`?",
            "SIGMIOD",
        ),
        (
            "9x9x1: conv5x5 3 mxpool2",
            "layer 1 (`conv5x5 3 mxpool2`): `mxpool2` is neither a pooling nor an activation (maxpool2, sigmoid, tanh, \
             relu, fast-sigmoid, fast-tanh); did you mean `maxpool2`?",
            "mxpool2",
        ),
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
        ("9x9x1: conv 3", "layer 1 (`conv 3`): the filters' rows and columns are missing: write `conv5x5`", "conv"),
        ("9x9x1: conv0x5 3", "layer 1 (`conv0x5 3`): the filters' rows and columns are missing", "conv0x5"),
        ("9x9x1: conv3x3 8", "layer 1 (`conv3x3 8`): filters of 3x3 are not supported, only 5x5: write", "conv3x3"),
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
        ("784: flatten", "layer 1 (`flatten`): it takes an image, and gets a vector of 784: take it away", "flatten"),
        (
            "28x28x1: conv5x5 8 maxpool2, conv5x5 8 maxpool2, conv5x5 8",
            "layer 3 (`conv5x5 8`): a filter of 5x5 does not fit into an image of 4x4x8: give the input 32 rows and \
             columns, or leave out a convolution or a pooling before it",
            "conv5x5",
        ),
        (
            "4x9x1: conv5x5 8",
            "layer 1 (`conv5x5 8`): a filter of 5x5 does not fit into an image of 4x9x1: give the input 5 \
          rows, or",
            "conv5x5",
        ),
        (
            "13x13x1: conv5x5 2 maxpool2",
            "layer 1 (`conv5x5 2 maxpool2`): the pooling's squares of 2x2 do not cover the 9x9 that the filters make \
             of 13x13x1: give the input 12 or 14 rows and columns, or leave the pooling out",
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
                "flatten".into()
            }
            (_, true) if height >= 5 && width >= 5 => {
                (height, width) = (height - 4, width - 4);
                let pooled = height % 2 == 0 && width % 2 == 0 && below(2) == 0;
                if pooled {
                    (height, width) = (height / 2, width / 2);
                }
                let pooling = if pooled { " maxpool2" } else { "" };
                format!("conv5x5 {}{pooling}{}", 1 + below(20), elementwise[below(6) as usize])
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
        assert_eq!(network.buffers(), front_and_back(network.layers()), "{text}");
    }
}

fn front_and_back(layers: &[Op]) -> [usize; 2] {
    let [op, rest @ ..] = layers else { return [0, 0] };
    let [front, back] = front_and_back(rest);
    if op.in_place() { [op.inputs().max(front), back] } else { [op.inputs().max(back), op.outputs().max(front)] }
}

#[test]
fn garbage_gets_an_error_or_a_network() {
    const PIECES: [&str; 32] = [
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
