//! A network as an `nn.Sequential` of PyTorch: its modules, whose numbers are the names of the weights.

use super::ExchangeError;
use super::fold::{Affine, Parts};
use super::layout::{Weighted, padding_before, padding_behind};
use crate::architecture::Architecture;
use crate::network::Network;
use minnet::activation::Function;
use minnet::op::{Conv, Op};
use minnet::pool::Pooling;

/// A module in Python.
struct Module {
    code: String,
    has_weights: bool,
}

impl Module {
    fn plain(code: impl Into<String>) -> Self {
        Self { code: code.into(), has_weights: false }
    }

    fn with_weights(code: String) -> Self {
        Self { code, has_weights: true }
    }
}

/// The modules of a layer.
fn modules(op: Op) -> Vec<Module> {
    match op {
        Op::Dense(op) => {
            let own = Module::with_weights(format!("nn.Linear({}, {})", op.inputs, op.outputs));
            std::iter::once(own).chain(activation(op.activation)).collect()
        }
        Op::Conv(op) => conv(op),
        Op::Flatten(_) => vec![Module::plain("nn.Flatten()")],
        Op::Dropout(op) => vec![Module::plain(format!("nn.Dropout({})", f64::from(op.percent) / 100.0))],
        Op::GlobalAvgPool(_) => vec![Module::plain("nn.AdaptiveAvgPool2d(1)"), Module::plain("nn.Flatten()")],
    }
}

fn conv(op: Conv) -> Vec<Module> {
    let Conv { filter_height, filter_width, stride, .. } = op;
    let pair = |a: usize, b: usize| if a == b { a.to_string() } else { format!("({a}, {b})") };
    let mut modules = Vec::new();
    let mut options = String::new();
    if stride > 1 {
        options += &format!(", stride={stride}");
    }
    let [top, left] = padding_before(op);
    let [bottom, right] = padding_behind(op);
    if [top, left] != [bottom, right] {
        modules.push(Module::plain(format!("nn.ZeroPad2d(({left}, {right}, {top}, {bottom}))")));
    } else if [top, left] != [0, 0] {
        options += &format!(", padding={}", pair(top, left));
    }
    let filter = pair(filter_height, filter_width);
    let code = format!("nn.Conv2d({}, {}, {filter}{options})", op.channels, op.filters);
    modules.push(Module::with_weights(code));
    let square = pair(op.pool_height(), op.pool_width());
    match op.pooling {
        Pooling::None => {}
        Pooling::Max2 => modules.push(Module::plain(format!("nn.MaxPool2d({square})"))),
        Pooling::Avg2 => modules.push(Module::plain(format!("nn.AvgPool2d({square})"))),
    }
    modules.extend(activation(op.activation));
    modules
}

fn activation(function: Function) -> Option<Module> {
    let name = match function {
        Function::Identity => return None,
        Function::Relu => "ReLU()",
        Function::Sigmoid | Function::FastSigmoid => "Sigmoid()",
        Function::Tanh | Function::FastTanh => "Tanh()",
        Function::Softmax => "Softmax(1)",
        Function::Custom(custom) => return Some(Module::plain(format!("{}()", custom.name))),
    };
    Some(Module::plain(format!("nn.{name}")))
}

/// The modules in Python, each with its number.
pub(super) fn code(architecture: &Architecture) -> String {
    let modules = architecture.layers().iter().flat_map(|op| modules(*op));
    let line = |(at, module): (usize, Module)| format!("    {},  # {at}\n", module.code);
    let lines: Vec<String> = modules.enumerate().map(line).collect();
    format!("nn.Sequential(\n{})\n", lines.concat())
}

/// The number of each layer's module with weights.
fn numbers(architecture: &Architecture) -> Vec<usize> {
    let (mut numbers, mut at) = (Vec::new(), 0);
    for op in architecture.layers() {
        let modules = modules(*op);
        let own = modules.iter().position(|module| module.has_weights);
        numbers.extend(own.map(|own| at + own));
        at += modules.len();
    }
    numbers
}

/// A layer's weights and biases, in our order, for a program whose dropout leaves values as they are.
pub(super) struct Weights {
    /// Its module's number.
    pub(super) number: usize,
    pub(super) weights: Vec<f32>,
    pub(super) biases: Vec<f32>,
}

/// Those of each of these layers.
pub(super) fn weights(network: &Network, layers: &[Weighted]) -> Result<Vec<Weights>, ExchangeError> {
    for op in network.architecture().layers() {
        let (name, instead) = match op.activation() {
            Function::FastSigmoid => ("fast-sigmoid", "sigmoid"),
            Function::FastTanh => ("fast-tanh", "tanh"),
            _ => continue,
        };
        return Err(ExchangeError::Activation { name, instead });
    }
    let own = network.each_layer().filter(|(op, ..)| matches!(op, Op::Dense(_) | Op::Conv(_)));
    let numbers = numbers(network.architecture());
    let weights = layers.iter().zip(own).zip(numbers).map(|((layer, (_, weights, biases)), number)| {
        let mut parts = Parts::new(weights, biases);
        parts.precede(&Affine::factor(layer.staying));
        let narrow = |values: &[f64]| values.iter().map(|value| *value as f32).collect();
        Weights { number, weights: narrow(&parts.weights), biases: narrow(&parts.biases) }
    });
    Ok(weights.collect())
}
