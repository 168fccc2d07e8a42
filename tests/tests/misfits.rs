//! Networks that do not fit together do not compile, and the compiler says why: once, in our words.
//!
//! Each case is a small program, built by cargo in a package of its own beside the tests' other output.

use minnet::model::write;
use minnet::prelude::*;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

const NO_FIT: &str = "as its input: these layers do not fit together";

/// The package of the misfits: a manifest, the workspace's locked dependencies, and two models.
static PACKAGE: LazyLock<PathBuf> = LazyLock::new(|| {
    let package = Path::new(env!("CARGO_TARGET_TMPDIR")).join("misfits");
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap();
    fs::create_dir_all(package.join("src/bin")).unwrap();
    let manifest = format!(
        "[package]\nname = \"misfits\"\nedition = \"2024\"\n\n[dependencies]\nminnet = {{ path = {:?} }}\n\
         rand_core = \"0.10\"\nrand_xorshift = \"0.5\"\n\n[workspace]\n",
        repository.join("core")
    );
    fs::write(package.join("Cargo.toml"), manifest).unwrap();
    fs::copy(repository.join("Cargo.lock"), package.join("Cargo.lock")).unwrap();

    let mut model = Vec::new();
    let net = Net::<[f32; 4], Dense<4, 2, Softmax>>::ZERO;
    write(&net, &Metadata::default(), Description::default(), |piece| {
        model.extend_from_slice(piece);
        Ok::<_, ()>(())
    })
    .unwrap();
    fs::write(package.join("src/bin/whole.minnet"), &model).unwrap();
    *model.last_mut().unwrap() ^= 1;
    fs::write(package.join("src/bin/damaged.minnet"), &model).unwrap();
    package
});

/// Builds a program: what the compiler says, and whether it succeeded.
fn build(name: &str, program: &str) -> (bool, String) {
    let source = PACKAGE.join(format!("src/bin/{name}.rs"));
    fs::write(source, format!("use minnet::prelude::*;\n\n{program}\n")).unwrap();
    let output = Command::new(env!("CARGO"))
        .args(["build", "--offline", "--quiet", "--color", "never", "--bin", name])
        .current_dir(&*PACKAGE)
        .env("CARGO_TARGET_DIR", PACKAGE.join("target"))
        .output()
        .unwrap();
    // Which types are shown with their modules is the compiler's choice.
    let modules = ["layers", "activation", "pool", "shape", "cost"].map(|module| format!("minnet::{module}::"));
    let stderr = String::from_utf8(output.stderr).unwrap();
    (output.status.success(), modules.iter().fold(stderr, |stderr, module| stderr.replace(module, "")))
}

fn errors(stderr: &str) -> Vec<&str> {
    stderr.lines().filter(|line| line.starts_with("error") && !line.starts_with("error: could not compile")).collect()
}

/// Asserts that a program fails with a single error, whose text contains all of `words`.
#[track_caller]
fn assert_misfit(name: &str, program: &str, words: &[&str]) {
    let (success, stderr) = build(name, program);
    assert!(!success, "{name} was compiled");
    assert_eq!(errors(&stderr).len(), 1, "{stderr}");
    for words in words {
        assert!(stderr.contains(words), "{words:?} is not in\n{stderr}");
    }
}

/// As [`assert_misfit`], of a program that only names a network.
#[track_caller]
fn assert_misfit_net(name: &str, input: &str, layers: &str, words: &[&str]) {
    assert_misfit(name, &net(input, layers), words);
}

fn net(input: &str, layers: &str) -> String {
    format!("type Misfit = Net<{input}, seq![{layers}]>;\n\nfn main() {{\n    let _net: &Misfit;\n}}")
}

#[test]
fn what_fits_compiles() {
    let nets = [
        ("dense_fits", "[f32; 784]", "Dense<784, 30, Sigmoid>, Dense<30, 10, Sigmoid>"),
        (
            "conv_fits",
            "[[[f32; 1]; 28]; 28]",
            "Conv5x5<1, 2, MaxPool2>, Conv5x5<2, 3, MaxPool2>, Flatten, Dropout<99>, Dense<48, 10, Softmax>",
        ),
        (
            "largest_fits",
            "[[[f32; 1]; 256]; 256]",
            "Conv<11, 11, 1, 2, AvgPool2, Relu, Stride<4, Same>>, Conv<3, 1, 2, 64>, GlobalAvgPool, Dense<64, 10>",
        ),
    ];
    for (name, input, layers) in nets {
        let (success, stderr) = build(name, &net(input, layers));
        assert!(success, "{stderr}");
    }
    let (success, stderr) = build("model_fits", &model("Net<[f32; 4], Dense<4, 2, Softmax>>", "whole.minnet"));
    assert!(success, "{stderr}");
    let (success, stderr) = build("run_fits", &run("Net::<[f32; 4], Dense<4, 2>>", 6));
    assert!(success, "{stderr}");
    let (success, stderr) = build("cost_fits", &training("Softmax", "LogLikelihood"));
    assert!(success, "{stderr}");
}

#[test]
fn dense_after_dense_of_another_size() {
    let words = ["`Dense<20, 10, Sigmoid>` cannot take `[f32; 30]`", NO_FIT];
    let notes =
        ["the layer before gives `[f32; 30]`, or this is not a layer", "= note: `Dense<N, _>` takes `[f32; N]`"];
    let layers = "Dense<784, 30, Sigmoid>, Dense<20, 10, Sigmoid>";
    assert_misfit_net("dense", "[f32; 784]", layers, &[words, notes].concat());
}

#[test]
fn the_first_layer_of_another_size_than_the_input() {
    assert_misfit_net("input", "[f32; 700]", "Dense<784, 10, Sigmoid>", &["cannot take `[f32; 700]`", NO_FIT]);
}

#[test]
fn convolution_with_another_number_of_channels() {
    let layers = "Conv5x5<1, 20, MaxPool2>, Conv5x5<10, 40, MaxPool2>, Flatten, Dense<640, 10>";
    let words = ["`Conv<5, 5, 10, 40, MaxPool2>` cannot take `[[[f32; 20]; 12]; 12]`", NO_FIT];
    assert_misfit_net("channels", "[[[f32; 1]; 28]; 28]", layers, &words);
}

#[test]
fn odd_side_before_pooling() {
    let words = [
        "`MaxPool2` cannot take a map whose side is `Size<9>`",
        "the filters leave an odd side to the pooling",
        "`MaxPool2` and `AvgPool2` take even sides up to 256, and leave a side of 1 as it is",
    ];
    assert_misfit_net("odd", "[[[f32; 1]; 13]; 13]", "Conv5x5<1, 2, MaxPool2>", &words);
    // 17 -> 13, which the second convolution makes 9.
    assert_misfit_net("odd_later", "[[[f32; 1]; 17]; 17]", "Conv5x5<1, 2>, Conv5x5<2, 3, MaxPool2>", &words);
    // 28 -> 26 positions, of which a stride takes every other.
    let words = ["`AvgPool2` cannot take a map whose side is `Size<13>`"];
    let layers = "Conv<3, 3, 1, 2, AvgPool2, Relu, Stride<2>>, GlobalAvgPool";
    assert_misfit_net("odd_by_a_stride", "[[[f32; 1]; 28]; 28]", layers, &words);
}

#[test]
fn filter_too_large_for_its_image() {
    // 28 -> 12 -> 4.
    let layers = "Conv5x5<1, 2, MaxPool2>, Conv5x5<2, 3, MaxPool2>, Conv5x5<3, 4>";
    let words = [
        "a filter's side of 5 pixels does not fit into an image's side of `Size<4>`",
        "this side is too small for the filter",
        "`Same` puts zeros around",
    ];
    assert_misfit_net("small", "[[[f32; 1]; 28]; 28]", layers, &words);
    // A signal has one row.
    let words = ["a filter's side of 3 pixels does not fit into an image's side of `Size<1>`"];
    assert_misfit_net("signal", "[[[f32; 3]; 12]; 1]", "Conv<3, 3, 3, 2>, GlobalAvgPool", &words);
}

#[test]
fn sides_outside_of_the_tables() {
    let words = [
        "a filter's side of 12 pixels does not fit into an image's side of `Size<28>`",
        "or one of the two too large for the table",
        "filters take sides of 1 to 11 pixels, images of 1 to 256",
    ];
    assert_misfit_net("large_filter", "[[[f32; 1]; 28]; 28]", "Conv<12, 3, 1, 2>", &words);
    let words = ["`AvgPool2` cannot take a map whose side is `Size<300>`", "or one too large for the table"];
    assert_misfit_net("large_image", "[[[f32; 1]; 300]; 300]", "Conv<3, 3, 1, 2, AvgPool2, Relu, Same>", &words);
}

#[test]
fn stride_outside_of_the_table() {
    let words = [
        "a stride of 5 has no table for `Size<26>`",
        "this stride, or this side, is not in the table",
        "strides are 1 to 4",
    ];
    assert_misfit_net("stride", "[[[f32; 1]; 28]; 28]", "Conv<3, 3, 1, 2, NoPool, Relu, Stride<5>>", &words);
}

#[test]
fn pooling_in_the_place_of_a_stride() {
    let layers = "Conv<3, 3, 1, 2, NoPool, Relu, AvgPool2>, GlobalAvgPool";
    let (success, stderr) = build("placement", &net("[[[f32; 1]; 28]; 28]", layers));
    assert!(!success);
    // Neither the convolution nor its output can be made of it.
    for error in errors(&stderr) {
        assert!(error.contains("`AvgPool2` does not say how filters are placed"), "{stderr}");
    }
    let note = "the last parameter of `Conv` is `Valid`, `Same`, `Stride<N>`, or `Stride<N, Same>`";
    assert!(stderr.contains(note), "{stderr}");
}

#[test]
fn image_that_flatten_has_no_size_for() {
    let words = [
        "`Flatten<Table>` has no size for `[[[f32; 2]; 24]; 24]`",
        "this image is not in the table",
        "square images of at most 14 x 14 pixels and 64 channels",
        "give it a type of your own that implements `Flat`",
    ];
    assert_misfit_net("flatten", "[[[f32; 1]; 28]; 28]", "Conv5x5<1, 2>, Flatten, Dense<1152, 10>", &words);
    let words = ["`Flatten<Table>` has no size for `[[[f32; 8]; 60]; 1]`"];
    let layers = "Conv<1, 9, 3, 8, MaxPool2>, Flatten, Dense<480, 4>";
    assert_misfit_net("flatten_signal", "[[[f32; 3]; 128]; 1]", layers, &words);
}

#[test]
fn dense_on_an_image() {
    let layers = "Conv5x5<1, 2, MaxPool2>, Dense<288, 10>";
    let words = ["cannot take `[[[f32; 2]; 12]; 12]`", NO_FIT, "`Flatten` turns an image into `[f32; H * W * C]`"];
    assert_misfit_net("image", "[[[f32; 1]; 28]; 28]", layers, &words);
}

#[test]
fn flatten_and_means_of_a_vector() {
    assert_misfit_net("vector", "[f32; 784]", "Flatten", &["`Flatten` cannot take `[f32; 784]`", NO_FIT]);
    assert_misfit_net("mean", "[f32; 784]", "GlobalAvgPool", &["`GlobalAvgPool` cannot take `[f32; 784]`", NO_FIT]);
}

#[test]
fn dropout_of_everything() {
    let words = ["`Dropout<PERCENT>` must leave something: PERCENT is at most 99"];
    assert_misfit("dropout", &run("Net::<[f32; 4], Dropout<100>>", 4), &words);
}

/// A program that runs a network in a buffer of `ram` values.
fn run(net: &str, ram: usize) -> String {
    format!("fn main() {{\n    {net}::ZERO.infer(&[0.0; 4], &mut [0.0; {ram}]);\n}}")
}

#[test]
fn buffer_too_short() {
    let words = ["the buffer is too short: give it `Net::RAM` values"];
    assert_misfit("buffer", &run("Net::<[f32; 4], Dense<4, 2>>", 5), &words);
}

/// A program that trains a network on nothing.
fn training(activation: &str, cost: &str) -> String {
    format!(
        "use rand_core::SeedableRng;\nuse rand_xorshift::XorShiftRng;\n\n\
         fn main() {{\n    \
             let mut net = Net::<[f32; 4], Dense<4, 2, {activation}>>::ZERO;\n    \
             let mut memory = [0.0; 1];\n    \
             let mut batch = Net::<[f32; 4], Dense<4, 2, {activation}>>::batch(&mut memory);\n    \
             net.train::<{cost}>(&mut batch, &Sgd::new(1.0, 1), &mut XorShiftRng::seed_from_u64(1), &Serial);\n}}"
    )
}

#[test]
fn cost_that_does_not_go_with_the_output_layer() {
    for (name, activation, cost) in
        [("cost_softmax", "Softmax", "CrossEntropy"), ("cost_sigmoid", "Sigmoid", "LogLikelihood")]
    {
        let words = [
            &format!("the cost `{cost}` does not go with an output layer of `{activation}`")[..],
            "this pair has no error δ in the book",
            "`CrossEntropy` goes with `Sigmoid`, `LogLikelihood` with `Softmax`, `Quadratic` with every activation",
        ];
        assert_misfit(name, &training(activation, cost), &words);
    }
}

/// A program with a model in it.
fn model(net: &str, file: &str) -> String {
    format!(
        "type Embedded = {net};\n\nstatic NET: Embedded = minnet::include_model!(Embedded, {file:?});\n\n\
         fn main() {{\n    NET.visit(|_, _| ());\n}}"
    )
}

#[test]
fn damaged_model() {
    let words = ["the model's checksum is wrong: the file is damaged, copy it again"];
    assert_misfit("model_damaged", &model("Net<[f32; 4], Dense<4, 2, Softmax>>", "damaged.minnet"), &words);
}

#[test]
fn model_of_another_network() {
    let words = ["the model belongs to another network than the program's"];
    assert_misfit("model_other", &model("Net<[f32; 4], Dense<4, 2, Sigmoid>>", "whole.minnet"), &words);
}

#[test]
fn something_else_than_a_model() {
    let words = ["this is not a minnet model: make one with `host train`"];
    assert_misfit("model_not", &model("Net<[f32; 4], Dense<4, 2, Softmax>>", "../../Cargo.toml"), &words);
}

#[test]
fn in_a_whole_program_the_first_error_says_it() {
    // Every further use of the network is an error of its own, which nothing in stable Rust can silence.
    let program = "type Digits = Net<[f32; 784], seq![Dense<784, 100, Sigmoid>, Dense<30, 10, Sigmoid>]>;\n\n\
                   static NET: Digits = Digits::ZERO;\n\n\
                   fn main() {\n    NET.infer(&[0.0; 784], &mut [0.0; Digits::RAM]);\n}";
    let (success, stderr) = build("program", program);
    assert!(!success);
    assert!(errors(&stderr)[0].contains("cannot take `[f32; 100]` as its input: these layers do not fit"), "{stderr}");
}
