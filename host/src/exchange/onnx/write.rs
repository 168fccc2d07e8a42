//! From a network to a graph, for images whose channels come first (NCHW): what onnxruntime computes, and what PyTorch
//! exports.

use super::Result;
use super::proto::{
    Attribute, Dim, FLOAT, Graph, INT_ATTRIBUTE, INTS_ATTRIBUTE, Model, Node, Opset, Shape, TensorProto, TensorType,
    Type, Value,
};
use crate::architecture;
use crate::exchange::layout::{Layout, padding_before, padding_behind, places, to, weighted};
use crate::exchange::torch;
use crate::network::Network;
use minnet::activation::Function;
use minnet::op::{Conv, Op};
use minnet::pool::Pooling;
use prost::Message;
use zerocopy::IntoBytes;

/// The version of the format, and that of the operators.
const IR_VERSION: i64 = 8;
const OPSET: i64 = 13;

/// A network as a file.
pub(in crate::exchange) fn bytes(network: &Network) -> Result<Vec<u8>> {
    let architecture = network.architecture();
    let layers = weighted(architecture)?;
    let mut weights = layers.iter().zip(torch::weights(network, &layers)?);
    let mut chain = Chain { graph: Graph { name: architecture.to_string(), ..Graph::default() }, last: "input".into() };
    for op in architecture.layers() {
        let own = if matches!(op, Op::Dense(_) | Op::Conv(_)) { weights.next() } else { None };
        let names = own.map_or_else(Vec::new, |(layer, torch::Weights { number, weights, biases })| {
            let weights = to(&places(layer.op, Layout::Torch, layer.flattened), &weights);
            vec![
                chain.tensor(format!("{number}.weight"), &layer.shape(Layout::Torch), &weights),
                chain.tensor(format!("{number}.bias"), &[layer.op.biases()], &biases),
            ]
        });
        match *op {
            Op::Dense(op) => {
                chain.node("Gemm", &names, vec![int("transB", 1)]);
                chain.activation(op.activation);
            }
            Op::Conv(op) => chain.conv(op, &names),
            Op::Flatten(_) => chain.node("Flatten", &[], vec![int("axis", 1)]),
            // It leaves values as they are; the weights are those for that.
            Op::Dropout(_) => {}
            Op::GlobalAvgPool(_) => {
                chain.node("GlobalAveragePool", &[], Vec::new());
                chain.node("Flatten", &[], vec![int("axis", 1)]);
            }
        }
    }
    let Chain { mut graph, last } = chain;
    let input = match architecture.input() {
        architecture::Shape::Vector(values) => vec![values],
        architecture::Shape::Image { height, width, channels } => vec![channels, height, width],
    };
    let outputs = match architecture.shapes().last() {
        Some(architecture::Shape::Image { height, width, channels }) => vec![channels, height, width],
        _ => vec![architecture.outputs()],
    };
    graph.inputs = vec![value("input", &input)];
    graph.outputs = vec![value(&last, &outputs)];
    let model = Model {
        ir_version: IR_VERSION,
        producer: "Minnet".into(),
        graph: Some(graph),
        opsets: vec![Opset { domain: String::new(), version: OPSET }],
    };
    Ok(model.encode_to_vec())
}

/// Nodes, each of which takes what the one before it gives.
struct Chain {
    graph: Graph,
    last: String,
}

impl Chain {
    /// Adds a node that takes the last value, and these.
    fn node(&mut self, operator: &str, names: &[String], attributes: Vec<Attribute>) {
        let inputs = std::iter::once(self.last.clone()).chain(names.iter().cloned()).collect();
        let name = format!("{operator}_{}", self.graph.nodes.len());
        self.last = format!("{name}_output");
        let outputs = vec![self.last.clone()];
        let operator = operator.into();
        self.graph.nodes.push(Node { inputs, outputs, name, operator, attributes, domain: String::new() });
    }

    /// Adds a tensor, and gives its name.
    fn tensor(&mut self, name: String, shape: &[usize], values: &[f32]) -> String {
        self.graph.initializers.push(TensorProto {
            dims: shape.iter().map(|side| *side as i64).collect(),
            kind: FLOAT,
            name: name.clone(),
            raw: values.as_bytes().to_vec(),
            ..TensorProto::default()
        });
        name
    }

    fn activation(&mut self, function: Function) {
        match function {
            Function::Identity | Function::Custom(_) => {}
            Function::Relu => self.node("Relu", &[], Vec::new()),
            Function::Sigmoid | Function::FastSigmoid => self.node("Sigmoid", &[], Vec::new()),
            Function::Tanh | Function::FastTanh => self.node("Tanh", &[], Vec::new()),
            Function::Softmax => self.node("Softmax", &[], vec![int("axis", 1)]),
        }
    }

    fn conv(&mut self, op: Conv, names: &[String]) {
        let ([top, left], [bottom, right]) = (padding_before(op), padding_behind(op));
        self.node(
            "Conv",
            names,
            vec![
                ints("kernel_shape", &[op.filter_height, op.filter_width]),
                ints("strides", &[op.stride; 2]),
                ints("pads", &[top, left, bottom, right]),
            ],
        );
        let pooling = match op.pooling {
            Pooling::None => None,
            Pooling::Max2 => Some("MaxPool"),
            Pooling::Avg2 => Some("AveragePool"),
        };
        if let Some(operator) = pooling {
            let square = [op.pool_height(), op.pool_width()];
            self.node(operator, &[], vec![ints("kernel_shape", &square), ints("strides", &square)]);
        }
        self.activation(op.activation);
    }
}

fn int(name: &str, value: i64) -> Attribute {
    Attribute { name: name.into(), int: value, kind: INT_ATTRIBUTE, ..Attribute::default() }
}

fn ints(name: &str, values: &[usize]) -> Attribute {
    let ints = values.iter().map(|value| *value as i64).collect();
    Attribute { name: name.into(), ints, kind: INTS_ATTRIBUTE, ..Attribute::default() }
}

/// Any number of images of these sides.
fn value(name: &str, sides: &[usize]) -> Value {
    let images = Dim { value: None, name: Some("N".into()) };
    let sides = sides.iter().map(|side| Dim { value: Some(*side as i64), name: None });
    let shape = Some(Shape { dims: std::iter::once(images).chain(sides).collect() });
    Value { name: name.into(), kind: Some(Type { tensor: Some(TensorType { element: FLOAT, shape }) }) }
}
