//! Integer networks as C: compiled without a warning, and the same logits bit for bit.

use host::architecture::Architecture;
use host::exchange::{Form, export};
use host::model::Contents;
use host::quantize::{Integers, flash_bytes, ram_bytes};
use minnet::quant::{Calibration, Input, Width, build, check};
use rand_core::{Rng, SeedableRng};
use rand_xorshift::XorShiftRng;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

/// Networks that are compiled into one program.
const NETWORKS: usize = 60;
/// Images for each.
const IMAGES: usize = 4;

/// What must be among them whatever the dice say.
const SURE: [&str; 8] = [
    "9x9x3: conv3x3 4 stride 2 same relu, dropout 20, conv2x2 5 avgpool2 sigmoid, flatten, dense 3 softmax",
    "1x20x3: conv1x5 4 maxpool2 relu, conv1x4 3 same avgpool2 sigmoid, flatten, dense 4",
    "20x1x2: conv5x1 6 maxpool2 relu, conv3x1 3 stride 2 sigmoid, globalavgpool, dense 2",
    "8x8x5: conv3x3 6 same maxpool2 relu, globalavgpool",
    "7x5x2: conv3x2 3 tanh",
    "6: dense 5 sigmoid",
    "5: dense 0 relu, dense 2",
    "6x6x1: flatten, dropout 10, dense 9 relu, dropout 50, dense 3 sigmoid, dropout 10",
];

struct Dice(XorShiftRng);

impl Dice {
    fn below(&mut self, count: usize) -> usize {
        self.0.next_u32() as usize % count
    }

    fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }

    /// From -1 to 1.
    fn value(&mut self) -> f32 {
        self.0.next_u32() as i32 as f32 / (1u32 << 31) as f32
    }

    /// A text that may be no network.
    fn text(&mut self) -> String {
        let mut side = |most| 1 + self.below(most);
        let mut text = format!("{}x{}x{}:", side(12), side(12), side(6));
        for _ in 0..1 + self.below(3) {
            let (rows, columns, filters) = (1 + self.below(5), 1 + self.below(5), 1 + self.below(9));
            text += &format!(" conv{rows}x{columns} {filters}{}", self.one_of(&["", "", " stride 2", " stride 3"]));
            text += self.one_of(&["", " same"]);
            text += self.one_of(&["", " maxpool2", " avgpool2"]);
            text += self.one_of(&[" relu,", " sigmoid,"]);
        }
        let outputs = 1 + self.below(12);
        text + self.one_of(&[" flatten,", " globalavgpool,"]) + &format!(" dense {outputs} softmax")
    }

    fn architecture(&mut self) -> Architecture {
        loop {
            if let Ok(architecture) = Architecture::parse(&self.text())
                && check(architecture.layers()).is_ok()
            {
                return architecture;
            }
        }
    }

    /// A network of random weights, and ranges that some of its activations exceed.
    fn network(&mut self, architecture: &Architecture, width: Width) -> Integers {
        let ops = architecture.layers();
        let mut parameters = Vec::new();
        for op in ops {
            let fan_in = (op.weights() / op.biases().max(1)).max(1) as f32;
            parameters.extend((0..op.weights()).map(|_| self.value() * (3.0 / fan_in).sqrt()));
            parameters.extend((0..op.biases()).map(|_| self.value()));
        }
        let greatest: Vec<f32> = ops.iter().map(|_| self.value().abs() + 0.2).collect();
        // Pixels, or values that may be negative.
        let input = if self.below(2) == 0 { Input::PIXELS } else { Input::of_range(-self.value().abs(), 1.0).unwrap() };
        let mut block = vec![0; flash_bytes(architecture, width) + 4 * input.words()];
        let (words, _) = block.as_chunks_mut();
        build(ops, &parameters, Calibration { input, greatest: &greatest }, width, words).unwrap();
        Integers::new(architecture.clone(), width, block).unwrap()
    }
}

/// Runs `cc` on the file, in its folder, with all warnings as errors.
fn compile(folder: &Path, file: &str, program: &str) {
    let compiled = Command::new("cc")
        .args(["-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic", "-O1", "-o", program, file])
        .current_dir(folder)
        .output()
        .expect("a C compiler under the name `cc`: `apt install gcc` brings one");
    assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));
    assert!(compiled.stderr.is_empty(), "{}", String::from_utf8_lossy(&compiled.stderr));
}

#[test]
fn c_gives_the_same_logits_as_our_kernels() {
    let folder = tempfile::tempdir().unwrap();
    let mut dice = Dice(XorShiftRng::seed_from_u64(21));
    let mut architectures: Vec<_> = SURE.iter().map(|text| Architecture::parse(text).unwrap()).collect();
    while architectures.len() < NETWORKS {
        architectures.push(dice.architecture());
    }
    let (mut includes, mut calls) = (String::new(), String::new());
    let (mut input, mut expected) = (Vec::new(), Vec::<i16>::new());
    for (index, architecture) in architectures.iter().enumerate() {
        for width in Width::ALL.iter().copied() {
            let name = format!("{}-{index}", width.name());
            let integers = dice.network(architecture, width);
            for _ in 0..IMAGES {
                let pixels: Vec<u8> = (0..architecture.inputs()).map(|_| dice.below(256) as u8).collect();
                let mut ram = vec![0; ram_bytes(architecture, width) / 4];
                expected.extend(integers.list().infer_pixels_with(&pixels, &mut ram));
                input.extend(pixels);
            }
            let contents = Contents::Integers(integers);
            let header = export(Path::new(&format!("{name}.minnet")), &contents, Form::C).unwrap();
            fs::write(folder.path().join(format!("{name}.h")), header).unwrap();
            let (lower, upper) = (name.replace('-', "_"), name.replace('-', "_").to_uppercase());
            writeln!(includes, "#include \"{name}.h\"").unwrap();
            writeln!(
                calls,
                "    for (int i = 0; i < {IMAGES}; i++) {{\n        if (fread(pixels, {upper}_INPUTS, 1, stdin) != 1) {{\n            \
                 return 1;\n        }}\n        {lower}_infer(pixels, logits);\n        \
                 fwrite(logits, sizeof logits[0], {upper}_OUTPUTS, stdout);\n    }}"
            )
            .unwrap();
        }
    }
    let main = format!(
        "#include <stdio.h>\n{includes}\nint main(void)\n{{\n    static uint8_t pixels[65536];\n    \
         static int16_t logits[65536];\n\n{calls}    return 0;\n}}\n"
    );
    fs::write(folder.path().join("main.c"), main).unwrap();
    compile(folder.path(), "main.c", "main");
    let mut program =
        Command::new(folder.path().join("main")).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = program.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(&input).unwrap());
    let output = program.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(output.status.success());
    let found: Vec<i16> = output.stdout.as_chunks().0.iter().map(|bytes| i16::from_ne_bytes(*bytes)).collect();
    assert_eq!(found.len(), expected.len());
    let (mut at, mut different) = (0, 0);
    for architecture in &architectures {
        let count = 2 * IMAGES * architecture.outputs();
        assert_eq!(found[at..at + count], expected[at..at + count], "{architecture}");
        let logits = &expected[at..at + count];
        different += usize::from(logits.iter().any(|logit| *logit != logits[0]));
        at += count;
    }
    // The networks are not all silent.
    assert!(different > NETWORKS / 2, "{different}");
}

#[test]
fn a_header_that_nobody_uses_gives_no_warning() {
    let folder = tempfile::tempdir().unwrap();
    let mut dice = Dice(XorShiftRng::seed_from_u64(5));
    let architecture = Architecture::parse(SURE[0]).unwrap();
    let contents = Contents::Integers(dice.network(&architecture, Width::Four));
    let header = export(Path::new("7 digits.minnet"), &contents, Form::C).unwrap();
    fs::write(folder.path().join("digits.h"), header).unwrap();
    // Twice, as headers of other headers are.
    let main =
        "#include \"digits.h\"\n#include \"digits.h\"\n\nint main(void)\n{\n    return NET_7_DIGITS_OUTPUTS - 3;\n}\n";
    fs::write(folder.path().join("main.c"), main).unwrap();
    compile(folder.path(), "main.c", "main");
    assert!(Command::new(folder.path().join("main")).status().unwrap().success());
}
