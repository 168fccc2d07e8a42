//! Graphs as exporters make them, and graphs that are refused.

use super::proto::{
    Attribute, Dim, Entry, FLOAT, FLOAT16, Graph, INT64, INTS_ATTRIBUTE, Model, Node, Opset, Shape, TensorProto,
    TensorType, Type, Value,
};
use super::read::{Read, read};
use super::{OPERATORS, Result};
use crate::exchange::{ExchangeError, Layout};
use half::f16;
use prost::Message;
use std::path::Path;

/// A graph that is made node by node; each takes the value of the one before.
struct Builder {
    graph: Graph,
    last: String,
}

impl Builder {
    /// With an input of these sizes; the images come before.
    fn new(sides: &[i64]) -> Self {
        let graph = Graph { inputs: vec![value("in", sides)], ..Graph::default() };
        Self { graph, last: "in".into() }
    }

    fn floats(mut self, name: &str, dims: &[i64], values: &[f32]) -> Self {
        self.graph.initializers.push(tensor(name, dims, values));
        self
    }

    fn ints(mut self, name: &str, values: &[i64]) -> Self {
        self.graph.initializers.push(TensorProto {
            dims: vec![values.len() as i64],
            kind: INT64,
            longs: values.to_vec(),
            name: name.into(),
            ..TensorProto::default()
        });
        self
    }

    /// A node with further inputs; `name=1,2` is an attribute.
    fn node(mut self, line: &str) -> Self {
        let mut words = line.split_whitespace();
        let operator = words.next().unwrap();
        let mut node = Node { operator: operator.into(), inputs: vec![self.last], ..Node::default() };
        for word in words {
            match word.split_once('=') {
                Some((name, text)) => node.attributes.push(attribute(name, text)),
                None => node.inputs.push(word.into()),
            }
        }
        self.last = format!("v{}", self.graph.nodes.len());
        node.name = format!("n{}", self.graph.nodes.len());
        node.outputs = vec![self.last.clone()];
        self.graph.nodes.push(node);
        self
    }

    /// A node as it is.
    fn raw(mut self, operator: &str, inputs: &[&str], output: &str) -> Self {
        let inputs = inputs.iter().map(ToString::to_string).collect();
        let node = Node { operator: operator.into(), inputs, outputs: vec![output.into()], ..Node::default() };
        self.graph.nodes.push(node);
        self
    }

    fn bytes(mut self) -> Vec<u8> {
        self.graph.outputs = vec![value(&self.last, &[])];
        encode(self.graph)
    }

    fn read(self) -> Result<Read> {
        read(&self.bytes(), Path::new("nowhere"), None)
    }

    #[track_caller]
    fn text(self) -> String {
        self.read().unwrap().text
    }

    #[track_caller]
    fn refused(self, words: &str) {
        let message = self.read().unwrap_err().to_string();
        assert!(message.contains(words), "{words:?} is not in {message:?}");
    }
}

fn encode(graph: Graph) -> Vec<u8> {
    let opsets = vec![Opset { domain: String::new(), version: 17 }];
    Model { ir_version: 8, producer: String::new(), graph: Some(graph), opsets }.encode_to_vec()
}

fn attribute(name: &str, text: &str) -> Attribute {
    let name = name.into();
    match text.parse() {
        Ok(float) if text.contains('.') => Attribute { name, float, ..Attribute::default() },
        _ if text.starts_with(|letter: char| letter.is_ascii_uppercase()) => {
            Attribute { name, string: text.into(), ..Attribute::default() }
        }
        _ => {
            let ints: Vec<i64> = text.split(',').map(|number| number.parse().unwrap()).collect();
            Attribute { name, int: ints[0], ints, kind: INTS_ATTRIBUTE, ..Attribute::default() }
        }
    }
}

fn tensor(name: &str, dims: &[i64], values: &[f32]) -> TensorProto {
    let (dims, floats) = (dims.to_vec(), values.to_vec());
    TensorProto { dims, kind: FLOAT, floats, name: name.into(), ..TensorProto::default() }
}

fn value(name: &str, sides: &[i64]) -> Value {
    let images = Dim { value: None, name: Some("N".into()) };
    let sides = sides.iter().map(|side| Dim { value: Some(*side), name: None });
    let shape = Some(Shape { dims: std::iter::once(images).chain(sides).collect() });
    Value { name: name.into(), kind: Some(Type { tensor: Some(TensorType { element: FLOAT, shape }) }) }
}

const SQUARE: [f32; 4] = [1.0, 2.0, 3.0, 4.0];

/// A 6x6 image of one channel, two filters of 3x3.
fn convolved(attributes: &str) -> Builder {
    let weights: Vec<f32> = (0..18).map(|i| i as f32).collect();
    Builder::new(&[1, 6, 6]).floats("w", &[2, 1, 3, 3], &weights).node(&format!("Conv w {attributes}"))
}

#[test]
fn dense_layers_in_every_form() {
    let two = || Builder::new(&[2]).floats("w", &[2, 2], &SQUARE).floats("b", &[2], &[0.5, -0.5]);
    for (graph, expected) in [
        (two().node("Gemm w b transB=1"), [1.0, 3.0, 2.0, 4.0, 0.5, -0.5]),
        (two().node("Gemm w b"), [1.0, 2.0, 3.0, 4.0, 0.5, -0.5]),
        (two().node("Gemm w b alpha=2.0 beta=0.5"), [2.0, 4.0, 6.0, 8.0, 0.25, -0.25]),
        (two().node("Gemm w"), [1.0, 2.0, 3.0, 4.0, 0.0, 0.0]),
        (two().node("MatMul w").node("Add b"), [1.0, 2.0, 3.0, 4.0, 0.5, -0.5]),
        (two().node("MatMul w").node("Sub b"), [1.0, 2.0, 3.0, 4.0, -0.5, 0.5]),
        (two().raw("Transpose", &["w"], "t").node("MatMul t").node("Mul b"), [0.5, -1.5, 1.0, -2.0, 0.0, 0.0]),
        (two().node("MatMul w").node("Div b"), [2.0, -4.0, 6.0, -8.0, 0.0, 0.0]),
        (two().raw("Identity", &["b"], "c").node("Identity").node("Gemm w c"), [1.0, 2.0, 3.0, 4.0, 0.5, -0.5]),
    ] {
        let read = graph.read().unwrap();
        assert_eq!((read.text.as_str(), &read.parameters[..]), ("2: dense 2", &expected[..]));
    }
    // A bias that comes first.
    let mut graph = two().node("MatMul w").node("Add b");
    graph.graph.nodes[1].inputs.reverse();
    assert_eq!(graph.read().unwrap().parameters[4..], [0.5, -0.5]);
}

#[test]
fn activations_and_poolings_go_into_their_layer() {
    for (graph, text) in [
        (convolved("").node("Relu"), "6x6x1: conv3x3 2 relu"),
        (convolved("").node("MaxPool kernel_shape=2,2 strides=2,2").node("Tanh"), "6x6x1: conv3x3 2 maxpool2 tanh"),
        (
            convolved("").node("Sigmoid").node("MaxPool kernel_shape=2,2 strides=2,2"),
            "6x6x1: conv3x3 2 maxpool2 sigmoid",
        ),
        (convolved("").node("AveragePool kernel_shape=2,2 strides=2,2").node("Relu"), "6x6x1: conv3x3 2 avgpool2 relu"),
        (convolved("").node("Flatten").node("Relu"), "6x6x1: conv3x3 2 relu, flatten"),
        (convolved("").node("Dropout").node("GlobalAveragePool").node("Flatten"), "6x6x1: conv3x3 2, globalavgpool"),
        (convolved("").node("AveragePool kernel_shape=4,4"), "6x6x1: conv3x3 2, globalavgpool"),
        (convolved("").node("ReduceMean axes=-2,-1 keepdims=0"), "6x6x1: conv3x3 2, globalavgpool"),
        (convolved("").ints("a", &[2, 3]).node("ReduceMean a"), "6x6x1: conv3x3 2, globalavgpool"),
        (convolved("pads=1,1,1,1"), "6x6x1: conv3x3 2 same"),
        (convolved("auto_pad=SAME_UPPER"), "6x6x1: conv3x3 2 same"),
        (convolved("auto_pad=VALID strides=2,2"), "6x6x1: conv3x3 2 stride 2"),
        (convolved("pads=1,1,1,1 strides=2,2"), "6x6x1: conv3x3 2 stride 2 same"),
        (convolved("auto_pad=SAME_LOWER strides=2,2"), "6x6x1: conv3x3 2 stride 2 same"),
    ] {
        assert_eq!(graph.text(), text);
    }
    let softmax = |line: &str| Builder::new(&[2]).floats("w", &[2, 2], &SQUARE).node("Gemm w").node(line).text();
    assert_eq!(softmax("Softmax"), "2: dense 2 softmax");
    assert_eq!(softmax("Softmax axis=1"), "2: dense 2 softmax");
}

#[test]
fn the_mean_of_a_map_is_a_vector_or_an_image_of_one_pixel() {
    let mean = |line: &str| convolved("").floats("v", &[2, 2], &SQUARE).ints("s", &[0, 2]).node(line);
    for graph in [
        mean("GlobalAveragePool").node("Flatten"),
        mean("GlobalAveragePool").node("Squeeze axes=2,3"),
        mean("GlobalAveragePool").node("Reshape s"),
        mean("ReduceMean axes=2,3").node("Flatten"),
        mean("ReduceMean axes=2,3 keepdims=0"),
        mean("ReduceMean axes=2,3 keepdims=0").node("Flatten"),
    ] {
        assert_eq!(graph.node("Gemm v").text(), "6x6x1: conv3x3 2, globalavgpool, dense 2");
    }
}

#[test]
fn what_is_otherwise_here_is_refused() {
    for (graph, words) in [
        (convolved("").node("Relu").node("AveragePool kernel_shape=2,2 strides=2,2"), "the mean is taken behind"),
        (convolved("").node("MaxPool kernel_shape=3,3 strides=2,2"), "it pools 3 x 3 with strides 2 and 2"),
        (convolved("").node("MaxPool kernel_shape=2,2"), "with strides 1 and 1"),
        (convolved("").node("MaxPool kernel_shape=2,2 strides=2,2 pads=1,1,1,1"), "padding"),
        (convolved("strides=1,2"), "strides down and across differ"),
        (convolved("dilations=2,2"), "dilated"),
        (convolved("group=2"), "grouped"),
        (convolved("auto_pad=SAME_UPPER strides=2,2"), "its padding [0, 0, 1, 1]"),
        (convolved("pads=2,2,2,2"), "neither none nor that of `same`"),
        (convolved("pads=-1,0,0,0"), "pads are"),
        (convolved("strides=0,0"), "strides are"),
        (convolved("").node("Softmax"), "not over all outputs of a dense layer"),
        (convolved("").node("GlobalAveragePool").node("Relu"), "an activation belongs to"),
        (convolved("").node("Transpose perm=0,2,3,1").node("GlobalAveragePool"), "whose channels come last"),
        (convolved("").node("GlobalAveragePool").floats("two", &[2], &[1.0; 2]).node("Mul two"), "of one pixel"),
        (convolved("").node("GlobalAveragePool").floats("s", &[2, 2], &SQUARE).node("MatMul s"), "gets an image"),
        (convolved("").node("Relu").node("Tanh"), "an activation belongs to"),
        (convolved("").node("Transpose perm=0,3,2,1"), "NCHW and NHWC"),
        (convolved("").ints("s", &[0, 4, -1]).node("Reshape s"), "only flattening is a layer"),
        (convolved("").ints("s", &[2, -1]).node("Reshape s"), "its first size"),
        (convolved("").node("Gemm w"), "a dense layer gets an image"),
        (Builder::new(&[2]).node("Relu"), "an activation belongs to"),
        (Builder::new(&[1, 4, 4]).node("MaxPool kernel_shape=2,2 strides=2,2"), "pooling belongs to a convolution"),
        (Builder::new(&[3]).floats("w", &[2, 2], &SQUARE).node("Gemm w"), "for 2 inputs, and it gets 3"),
        (Builder::new(&[2]).floats("w", &[2, 2], &SQUARE).node("Gemm w transA=1"), "transA"),
        (Builder::new(&[2]).node("MatMul nothing"), "two values that come from the input"),
    ] {
        graph.refused(words);
    }
}

#[test]
fn operators_that_are_not_supported_are_named_with_those_that_are() {
    let error = convolved("").node("LeakyRelu").read().unwrap_err();
    let message = error.to_string();
    assert!(message.starts_with("node 1 (`n1`, LeakyRelu): the operator LeakyRelu is not supported"), "{message}");
    for operator in OPERATORS {
        assert!(message.contains(operator), "{operator}: {message}");
    }
    convolved("").ints("pads", &[0; 8]).node("Pad pads").refused("the operator Pad is not supported");
    let mut graph = convolved("").node("Relu");
    graph.graph.nodes[1].domain = "com.mine".into();
    graph.refused("the operator com.mine.Relu is not supported");
}

/// Batch normalization of two channels: twice the value, and one more.
fn with_norm(graph: Builder) -> Builder {
    // √(3.75 + 0.25) = 2.
    let graph = graph.floats("gamma", &[2], &[4.0, -4.0]).floats("beta", &[2], &[2.0, 5.0]);
    graph.floats("mean", &[2], &[0.5, 2.0]).floats("variance", &[2], &[3.75, 3.75])
}

const NORM: &str = "BatchNormalization gamma beta mean variance epsilon=0.25";

#[test]
fn batch_normalization_goes_into_the_layer_before_or_the_next() {
    let two = || with_norm(Builder::new(&[2]).floats("w", &[2, 2], &SQUARE));
    // z·(2, -2) + (1, 9).
    let read = two().node("Gemm w").node(NORM).node("Relu").read().unwrap();
    assert_eq!(read.text, "2: dense 2 relu");
    assert_eq!(read.parameters, [2.0, -4.0, 6.0, -8.0, 1.0, 9.0]);
    // Before the first layer, and behind an activation, the next layer does it.
    let read = two().node(NORM).node("Gemm w").read().unwrap();
    assert_eq!(read.parameters, [2.0, 4.0, -6.0, -8.0, 1.0 + 27.0, 2.0 + 36.0]);
    let read = two().node("Gemm w").node("Relu").node(NORM).node("Gemm w").read().unwrap();
    assert_eq!(read.text, "2: dense 2 relu, dense 2");
    assert_eq!(read.parameters[6..], [2.0, 4.0, -6.0, -8.0, 28.0, 38.0]);
    two().node("Gemm w").node("Relu").node(NORM).refused("no layer is left");
    two().node("Gemm w").node("Relu").node(NORM).node("Relu").refused("an activation belongs to");
    // Zeros around the image are added behind the normalization.
    let next = |pads: &str| {
        let conv = with_norm(convolved("")).node("Relu").node(NORM);
        conv.floats("v", &[1, 2, 3, 3], &[1.0; 18]).node(&format!("Conv v {pads}"))
    };
    next("pads=1,1,1,1").refused("before its zeros are put around the image");
    let read = next("").read().unwrap();
    assert_eq!(read.parameters[20..], [&[2.0, -2.0].repeat(9)[..], &[90.0]].concat());
    // A factor below 0 turns the order that max pooling asks for.
    let pooled = with_norm(convolved("")).node("MaxPool kernel_shape=2,2 strides=2,2").node(NORM);
    pooled.node("Relu").refused("an activation belongs to");
}

#[test]
fn a_flattened_image_lies_by_channels_or_by_rows() {
    let weights: Vec<f32> = (0..8).map(|i| i as f32).collect();
    let image = |sides: &[i64]| Builder::new(sides).floats("w", &[8, 1], &weights);
    // 2x2 pixels of two channels: theirs are (c, y, x), ours (y, x, c).
    let by_channels = [0.0, 4.0, 1.0, 5.0, 2.0, 6.0, 3.0, 7.0, 0.0];
    let by_rows = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 0.0];
    let parameters = |graph: Builder| graph.read().unwrap().parameters;
    assert_eq!(parameters(image(&[2, 2, 2]).node("Flatten").node("MatMul w")), by_channels);
    let graph = image(&[2, 2, 2]).node("Transpose perm=0,2,3,1").node("Flatten").node("MatMul w");
    assert_eq!(parameters(graph), by_rows);
    let graph = image(&[2, 2, 2]).node("Transpose perm=0,3,1,2").node("Flatten").node("MatMul w");
    assert_eq!(parameters(graph), by_channels);
    let bytes = image(&[2, 2, 2]).node("Flatten").node("MatMul w").bytes();
    assert_eq!(read(&bytes, Path::new(""), Some(Layout::Keras)).unwrap().parameters, by_rows);
    // Where a dimension of 1 tells it, no one need be asked.
    assert_eq!(image(&[1, 2, 4]).node("Flatten").node("MatMul w").text(), "2x4x1: flatten, dense 1");
    assert_eq!(image(&[2, 4, 1]).node("Flatten").node("MatMul w").text(), "2x4x1: flatten, dense 1");
    assert_eq!(image(&[2, 4]).node("Flatten").node("MatMul w").text(), "2x4x1: flatten, dense 1");
    // Normalization of a vector that lies by channels.
    let gamma: Vec<f32> = (1..9).map(|i| i as f32).collect();
    let norm = image(&[2, 2, 2]).floats("gamma", &[8], &gamma).floats("zero", &[8], &[0.0; 8]);
    let graph = norm.floats("one", &[8], &[1.0; 8]).node("Flatten");
    let graph = graph.node("BatchNormalization gamma zero zero one epsilon=0.0").node("MatMul w");
    assert_eq!(parameters(graph), [0.0, 20.0, 2.0, 30.0, 6.0, 42.0, 12.0, 56.0, 0.0]);
}

#[test]
fn sizes_may_be_made_of_shapes() {
    // What `x.view(x.size(0), -1)` becomes.
    let graph = convolved("").ints("zero", &[0]).ints("axis", &[0]).ints("rest", &[-1]);
    let graph = graph.raw("Shape", &["v0"], "shape").raw("Gather", &["shape", "zero"], "n");
    let graph = graph.raw("Unsqueeze", &["n", "axis"], "n1").raw("Concat", &["n1", "rest"], "sizes");
    assert_eq!(graph.node("Reshape sizes").text(), "6x6x1: conv3x3 2, flatten");
    for sizes in [&[0, -1][..], &[-1, 32], &[1, 32], &[0, 32]] {
        assert_eq!(convolved("").ints("s", sizes).node("Reshape s").text(), "6x6x1: conv3x3 2, flatten", "{sizes:?}");
    }
    // A vector that is an image.
    let weights = [1.0; 9];
    let graph = Builder::new(&[36]).ints("s", &[-1, 1, 6, 6]).floats("w", &[1, 1, 3, 3], &weights);
    assert_eq!(graph.node("Reshape s").node("Conv w").text(), "6x6x1: conv3x3 1");
    let graph = Builder::new(&[6, 6]).ints("a", &[1]).floats("w", &[1, 1, 3, 3], &weights);
    assert_eq!(graph.node("Unsqueeze a").node("Conv w").text(), "6x6x1: conv3x3 1");
}

#[test]
fn signals_have_one_dimension_less() {
    let weights: Vec<f32> = (0..12).map(|i| i as f32).collect();
    let graph = Builder::new(&[3, 9]).floats("w", &[2, 3, 2], &weights).node("Conv w kernel_shape=2 strides=1");
    let read = graph.node("Relu").node("MaxPool kernel_shape=2 strides=2").node("Flatten").read().unwrap();
    assert_eq!(read.text, "1x9x3: conv1x2 2 maxpool2 relu, flatten");
    // Number (pixel · channels + c) · filters + f of ours.
    assert_eq!(read.parameters[..4], [0.0, 6.0, 2.0, 8.0]);
}

#[test]
fn graphs_that_are_no_chain_are_refused() {
    convolved("").node("Relu").node("Add v0").refused("goes to several places");
    convolved("").raw("Relu", &["v0"], "a").raw("Relu", &["v0"], "b").refused("goes to several places");
    convolved("").raw("Relu", &["a"], "b").raw("Relu", &["b"], "a").refused("not on the way");
    // Its own output.
    let mut cycle = convolved("").node("Relu");
    cycle.graph.nodes[1].outputs = vec!["in".into()];
    cycle.last = "end".into();
    cycle.refused("cycle");
    let mut inputs = convolved("");
    inputs.graph.inputs.push(value("other", &[1]));
    inputs.refused("its graph has 2 inputs (`in`, `other`)");
    let mut named = convolved("");
    named.graph.inputs.push(value("w", &[1]));
    assert_eq!(named.text(), "6x6x1: conv3x3 2");
    let mut outputs = convolved("").graph;
    outputs.outputs = vec![value("v0", &[]), value("w", &[])];
    assert!(read(&encode(outputs), Path::new(""), None).unwrap_err().to_string().contains("2 outputs"));
    let mut end = convolved("");
    end.last = "nowhere".into();
    end.refused("ends at `v0`, not at its output `nowhere`");
    let mut sizes = convolved("");
    sizes.graph.inputs = vec![value("in", &[])];
    sizes.refused("has 1 dimensions");
    let mut free = convolved("");
    free.graph.inputs[0].kind.as_mut().unwrap().tensor.as_mut().unwrap().shape.as_mut().unwrap().dims[2] =
        Dim::default();
    free.refused("are not fixed");
    Builder::new(&[1 << 28, 1 << 28, 1 << 28]).node("Relu").refused("more values");
}

#[test]
fn sizes_that_need_each_other_without_end_are_refused() {
    let mut graph = convolved("").raw("Concat", &["s0", "s0"], "s0");
    graph = graph.node("Reshape s0");
    graph.refused("two values that come from the input");
    // Each of two others: 2^40 of them.
    let mut graph = convolved("").ints("s0", &[]);
    for index in 0..40 {
        let before = format!("s{index}");
        graph = graph.raw("Concat", &[&before, &before], &format!("s{}", index + 1));
    }
    graph.node("Reshape s40").refused("two values that come from the input");
}

#[test]
fn tensors_of_every_kind_are_read() {
    let parameters = |tensor: TensorProto| {
        let mut graph = Builder::new(&[2]);
        graph.graph.initializers.push(TensorProto { name: "w".into(), dims: vec![2, 2], ..tensor });
        graph.node("Gemm w").read()
    };
    let of = |kind: i32| TensorProto { kind, ..TensorProto::default() };
    let halves: Vec<i32> = SQUARE.iter().map(|value| i32::from(f16::from_f32(*value).to_bits())).collect();
    let raw = |bytes: Vec<u8>| TensorProto { raw: bytes, ..of(FLOAT) };
    for tensor in [
        TensorProto { floats: SQUARE.to_vec(), ..of(FLOAT) },
        raw(SQUARE.iter().flat_map(|value| value.to_le_bytes()).collect()),
        TensorProto { ints: halves, ..of(FLOAT16) },
        TensorProto {
            raw: SQUARE.iter().flat_map(|value| f16::from_f32(*value).to_le_bytes()).collect(),
            ..of(FLOAT16)
        },
        TensorProto {
            raw: SQUARE.iter().flat_map(|value| half::bf16::from_f32(*value).to_le_bytes()).collect(),
            ..of(16)
        },
        TensorProto { doubles: SQUARE.map(f64::from).to_vec(), ..of(11) },
    ] {
        assert_eq!(parameters(tensor).unwrap().parameters[..4], SQUARE);
    }
    let refused = |tensor: TensorProto| parameters(tensor).unwrap_err();
    assert!(matches!(refused(raw(vec![0; 15])), ExchangeError::Damaged { .. }));
    assert!(matches!(refused(of(FLOAT)), ExchangeError::Damaged { .. }));
    assert!(matches!(refused(TensorProto { raw: vec![0; 4], ..of(3) }), ExchangeError::Type { .. }));
    assert!(matches!(refused(TensorProto { longs: vec![0; 4], ..of(INT64) }), ExchangeError::Graph { .. }));
    let infinite = TensorProto { floats: vec![1.0, f32::INFINITY, 1.0, 1.0], ..of(FLOAT) };
    assert_eq!(refused(infinite), ExchangeError::NotFinite { tensor: "w".into(), index: 1 });
    let mut graph = Builder::new(&[2]);
    graph.graph.initializers.push(tensor("w", &[1 << 40, 1 << 40], &[]));
    assert!(matches!(graph.node("Gemm w").read(), Err(ExchangeError::TooLarge { .. })));
    let mut graph = Builder::new(&[2]);
    graph.graph.initializers.push(tensor("w", &[-1, 2], &[]));
    assert!(matches!(graph.node("Gemm w").read(), Err(ExchangeError::Damaged { .. })));
}

#[test]
fn tensors_may_be_in_a_file_beside() {
    let folder = tempfile::tempdir().unwrap();
    let data: Vec<u8> = std::iter::repeat_n(0, 3).chain(SQUARE.iter().flat_map(|value| value.to_le_bytes())).collect();
    std::fs::write(folder.path().join("a.data"), data).unwrap();
    let graph = |location: &str, offset: &str| {
        let entry = |key: &str, value: &str| Entry { key: key.into(), value: value.into() };
        let mut graph = Builder::new(&[2]);
        graph.graph.initializers.push(TensorProto {
            name: "w".into(),
            dims: vec![2, 2],
            kind: FLOAT,
            location: 1,
            external: vec![entry("location", location), entry("offset", offset)],
            ..TensorProto::default()
        });
        read(&graph.node("Gemm w").bytes(), folder.path(), None)
    };
    assert_eq!(graph("a.data", "3").unwrap().parameters[..4], SQUARE);
    for (location, offset) in [
        ("a.data", "4"),
        ("a.data", "18446744073709551615"),
        ("a.data", "x"),
        ("b.data", "3"),
        ("../a.data", "3"),
        ("/a.data", "3"),
        ("", "3"),
    ] {
        assert!(matches!(graph(location, offset), Err(ExchangeError::Damaged { .. })), "{location}, {offset}");
    }
}
