//! Networks of other programs.

use super::{place, read};
use host::exchange::{Form, Imported, Options, export, import, write};
use host::model::Contents;

pub const JSON: &[&str] = &[
    "\"sizes\"",
    "\"weights\"",
    "\"biases\"",
    "\"cost\"",
    "\"CrossEntropyCost\"",
    "\"QuadraticCost\"",
    "[",
    "]",
    "{",
    "}",
    ":",
    ",",
    "NaN",
    "Infinity",
    "\"dtype\":\"F32\"",
    "\"F16\"",
    "\"shape\"",
    "\"data_offsets\"",
    "\"__metadata__\"",
    "0.weight",
    "0.bias",
    "running_mean",
    "running_var",
    "[[",
    "\\u0000",
];
pub const ONNX: &[&str] = &[
    "Gemm",
    "Conv",
    "Relu",
    "MatMul",
    "Add",
    "Flatten",
    "Reshape",
    "MaxPool",
    "AveragePool",
    "Softmax",
    "Sigmoid",
    "Tanh",
    "BatchNormalization",
    "Dropout",
    "Transpose",
    "Identity",
    "Constant",
    "alpha",
    "beta",
    "transA",
    "transB",
    "axis",
    "perm",
    "pads",
    "strides",
    "kernel_shape",
    "auto_pad",
    "group",
    "dilations",
    "value",
    "input",
    "output",
    "SAME_UPPER",
    "epsilon",
    "GlobalAveragePool",
    "Mul",
    "Sub",
    "Div",
    "Cast",
    "Squeeze",
    "Unsqueeze",
    "LogSoftmax",
    "ceil_mode",
];

/// What the tensors of a file are taken for.
const NETS: [&str; 2] =
    ["4: dense 3 sigmoid, dense 2 softmax", "6x6x1: conv3x3 2 maxpool2 relu, flatten, dense 3 softmax"];

/// The JSON of the book's programs.
pub fn network2(bytes: &[u8]) {
    let path = place().write("a.json", bytes);
    if let Some(imported) = read(import(&path, &Options::default())) {
        comes_back(imported, None);
    }
}

/// ONNX.
pub fn onnx(bytes: &[u8]) {
    let path = place().write("a.onnx", bytes);
    if let Some(imported) = read(import(&path, &Options::default())) {
        comes_back(imported, None);
    }
}

/// Tensors with names: safetensors, or `.npz`.
pub fn tensors(bytes: &[u8]) {
    let path = place().write("a.tensors", bytes);
    for net in NETS {
        let options = Options { net: Some(net.into()), ..Options::default() };
        if let Some(imported) = read(import(&path, &options)) {
            comes_back(imported, Some(net));
        }
    }
}

/// What is exported is imported as it was.
fn comes_back(imported: Imported, net: Option<&str>) {
    let Imported { form, network, net: found, .. } = imported;
    assert!(network.parameters().iter().all(|value| value.is_finite()));
    let hash = network.weight_hash();
    let cost = Some(found.cost.name().to_owned());
    let text = found.architecture.to_string();
    let Some(bytes) = read(export("a.minnet".as_ref(), &Contents::Floats(network), form)) else { return };
    let path = place().path("again");
    write(&path, &bytes).expect("room for a small file");
    let layout = matches!(form, Form::Safetensors).then_some(host::exchange::Layout::Torch);
    let options = Options { net: net.map(Into::into), cost, layout, ..Options::default() };
    let again = import(&path, &options).unwrap_or_else(|error| panic!("what was exported: {error}"));
    // Dropout is a factor there, which is rounded.
    if !text.contains("dropout") {
        assert_eq!(again.network.weight_hash(), hash, "{text}");
    }
}
