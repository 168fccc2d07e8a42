//! From a graph to a network: the walk from the input to the output.

use super::constants::{Constants, resolve};
use super::layers::{Data, Layers};
use super::proto::{Graph, Node, Value, decode};
use super::{OPERATORS, Result};
use crate::exchange::ExchangeError;
use crate::exchange::fold::Affine;
use crate::exchange::layout::Layout;
use minnet::activation::Function;
use minnet::op::{Conv, Padding};
use minnet::pool::Pooling;
use std::collections::HashMap;
use std::path::Path;

/// A network's text, and its parameters in its order.
#[derive(Clone, Debug)]
pub(in crate::exchange) struct Read {
    pub(in crate::exchange) text: String,
    pub(in crate::exchange) parameters: Vec<f32>,
}

/// Reads a file; tensors that are not in it are in others in `folder`. `layout` decides whether an image's channels come
/// first in the input (PyTorch's) where the graph does not tell: it tells wherever it convolves.
pub(in crate::exchange) fn read(bytes: &[u8], folder: &Path, layout: Option<Layout>) -> Result<Read> {
    let model = decode(bytes).map_err(|cause| ExchangeError::Damaged { what: format!("ONNX: {cause}") })?;
    let is_own = |domain: &str| matches!(domain, "" | "ai.onnx");
    let opset = model.opsets.iter().find(|opset| is_own(&opset.domain)).map(|opset| opset.version);
    let (Some(graph), Some(opset)) = (&model.graph, opset) else {
        let what = "ONNX: its graph, or the version of its operators, is missing";
        return Err(ExchangeError::Damaged { what: what.into() });
    };
    let mut constants = Constants::new(graph, folder);
    let input = input(graph, &constants)?;
    let [output] = &graph.outputs[..] else {
        return refuse(format!("its graph has {} outputs: a network here has one", graph.outputs.len()));
    };
    let mut way = Way::of(graph);
    let mut name = input.name.as_str();
    let first = way.next(&constants, name, name == output.name)?;
    let mut layers = Layers::new(data(input, first.map(|index| &graph.nodes[index]), layout)?);
    let mut at = first;
    constants.learn(name, sizes(layers.data));
    while let Some(index) = at {
        let node = &graph.nodes[index];
        let place = || match node.name.as_str() {
            "" => format!("node {index} ({})", node.operator),
            name => format!("node {index} (`{name}`, {})", node.operator),
        };
        if !OPERATORS.contains(&node.operator.as_str()) {
            return Err(ExchangeError::Operator { node: place(), operator: node.operator.clone() });
        }
        if !is_own(&node.domain) {
            return Err(ExchangeError::Operator {
                node: place(),
                operator: format!("{}.{}", node.domain, node.operator),
            });
        }
        let step = Step { node, opset, constants: &constants, from: name };
        step.take(&mut layers).map_err(|stop| match stop {
            Stop::What(what) => ExchangeError::Node { node: place(), what },
            Stop::Error(error) => error,
        })?;
        let Some(made) = node.outputs.first() else { return refuse(format!("{} has no output", place())) };
        name = made;
        constants.learn(name, sizes(layers.data));
        at = way.next(&constants, name, name == output.name)?;
    }
    if name != output.name {
        return refuse(format!("its way from the input ends at `{name}`, not at its output `{}`", output.name));
    }
    let unseen = graph.nodes.iter().zip(&way.seen).filter(|(_, seen)| !**seen).map(|(node, _)| node);
    // What sizes are made of leads nowhere else.
    let mut unseen = unseen.filter(|node| !node.outputs.iter().all(|output| constants.is_known(output)));
    if let Some(node) = unseen.next() {
        return refuse(format!(
            "its node `{}` ({}) is not on the way from the input to the output: a cycle, or a branch",
            node.name, node.operator
        ));
    }
    let (text, parameters) = layers.finish()?;
    Ok(Read { text, parameters })
}

fn refuse<T>(what: impl Into<String>) -> Result<T> {
    Err(ExchangeError::Graph { what: what.into() })
}

/// The one input that is no tensor of the file.
fn input<'a>(graph: &'a Graph, constants: &Constants) -> Result<&'a Value> {
    let inputs: Vec<&Value> = graph.inputs.iter().filter(|value| !constants.is_initializer(&value.name)).collect();
    match inputs[..] {
        [input] => Ok(input),
        _ => {
            let names: Vec<_> = inputs.iter().map(|input| format!("`{}`", input.name)).collect();
            refuse(format!("its graph has {} inputs ({}): a network here has one", names.len(), names.join(", ")))
        }
    }
}

/// The nodes, and which of them were on the way.
struct Way<'a> {
    nodes: &'a [Node],
    /// Who takes a value; those that ask for its shape alone do not count.
    takers: HashMap<&'a str, Vec<usize>>,
    seen: Vec<bool>,
}

impl<'a> Way<'a> {
    fn of(graph: &'a Graph) -> Self {
        let mut takers = HashMap::<&str, Vec<usize>>::new();
        for (index, node) in graph.nodes.iter().enumerate().filter(|(_, node)| node.operator != "Shape") {
            for input in &node.inputs {
                let takers = takers.entry(input).or_default();
                if takers.last() != Some(&index) {
                    takers.push(index);
                }
            }
        }
        Self { nodes: &graph.nodes, takers, seen: vec![false; graph.nodes.len()] }
    }

    /// The node that takes this value; `None` if nobody does, at the output.
    fn next(&mut self, constants: &Constants, name: &str, is_output: bool) -> Result<Option<usize>> {
        match self.takers.get(name).map_or(&[][..], Vec::as_slice) {
            [] => Ok(None),
            &[index] if !is_output => {
                let node = &self.nodes[index];
                let comes = |input: &&String| *input == name || !(input.is_empty() || constants.is_known(input));
                if node.inputs.iter().filter(comes).count() > 1 {
                    return refuse(format!(
                        "its node `{}` ({}) takes two values that come from the input: layers here form a chain",
                        node.name, node.operator
                    ));
                }
                if std::mem::replace(&mut self.seen[index], true) {
                    return refuse(format!("its nodes form a cycle at `{}` ({})", node.name, node.operator));
                }
                Ok(Some(index))
            }
            _ => refuse(format!("its value `{name}` goes to several places: layers here form a chain")),
        }
    }
}

/// What the sizes of a value are called by `Reshape`.
fn sizes(data: Data) -> Vec<i64> {
    std::iter::once(0).chain(data.sides().into_iter().map(|side| side as i64)).collect()
}

/// The input's values. `first` is who takes them.
fn data(input: &Value, first: Option<&Node>, layout: Option<Layout>) -> Result<Data> {
    let shape = input.kind.as_ref().and_then(|kind| kind.tensor.as_ref()).and_then(|tensor| tensor.shape.as_ref());
    let dims = shape.map_or(&[][..], |shape| &shape.dims);
    let sides: Option<Vec<usize>> = dims
        .iter()
        .skip(1)
        .map(|dim| dim.value.and_then(|side| usize::try_from(side).ok()).filter(|side| (1..=1 << 28).contains(side)))
        .collect();
    let Some(sides) = sides else {
        return refuse(format!(
            "the sizes of its input `{}` are not fixed: export it so, all but the first",
            input.name
        ));
    };
    if sides.iter().try_fold(1usize, |count, side| count.checked_mul(*side)).is_none_or(|count| count > 1 << 28) {
        return refuse(format!("its input `{}` has more values than a network here takes", input.name));
    }
    let operator = first.map_or("", |node| node.operator.as_str());
    let order = first.filter(|node| node.operator == "Transpose").and_then(|node| node.ints("perm"));
    let convolves = matches!(operator, "Conv" | "MaxPool" | "AveragePool" | "GlobalAveragePool" | "BatchNormalization");
    let is_last = |channels_first: usize, channels_last: usize| match order {
        Some([0, 3, 1, 2] | [0, 2, 1]) => true,
        Some(_) => false,
        None if convolves => false,
        None if channels_first == 1 => false,
        None if channels_last == 1 => true,
        None => layout == Some(Layout::Keras),
    };
    match sides[..] {
        [values] => Ok(Data::Vector { values, by_channels: None, is_pixel: false }),
        // Rows and columns of one channel; or a signal.
        [h, w] if !convolves && order.is_none() => Ok(Data::Image { sides: [h, w, 1], is_channels_last: true }),
        [a, b] => {
            let is_channels_last = is_last(a, b);
            Ok(Data::Image { sides: if is_channels_last { [1, a, b] } else { [1, b, a] }, is_channels_last })
        }
        [a, b, c] => {
            let is_channels_last = is_last(a, c);
            Ok(Data::Image { sides: if is_channels_last { [a, b, c] } else { [b, c, a] }, is_channels_last })
        }
        _ => refuse(format!(
            "its input `{}` has {} dimensions: give images (4), signals (3) or vectors (2), the first one counting them",
            input.name,
            dims.len()
        )),
    }
}

/// Why a node is refused.
enum Stop {
    What(String),
    Error(ExchangeError),
}

impl From<String> for Stop {
    fn from(what: String) -> Self {
        Self::What(what)
    }
}

impl From<ExchangeError> for Stop {
    fn from(error: ExchangeError) -> Self {
        Self::Error(error)
    }
}

type Done<T = ()> = std::result::Result<T, Stop>;

fn stop<T>(what: impl Into<String>) -> Done<T> {
    Err(Stop::What(what.into()))
}

/// A node on the way, and the value that it takes.
struct Step<'a> {
    node: &'a Node,
    opset: i64,
    constants: &'a Constants<'a>,
    from: &'a str,
}

impl Step<'_> {
    fn take(&self, layers: &mut Layers) -> Done {
        let activation = match self.node.operator.as_str() {
            "Relu" => Function::Relu,
            "Sigmoid" => Function::Sigmoid,
            "Tanh" => Function::Tanh,
            "Softmax" => {
                let axis = self.node.int("axis", if self.opset < 13 { 1 } else { -1 });
                if !matches!(axis, 1 | -1) || !matches!(layers.data, Data::Vector { .. }) {
                    return stop("it is not over all outputs of a dense layer");
                }
                Function::Softmax
            }
            "Identity" | "Cast" | "Dropout" => return Ok(()),
            "Conv" => return self.conv(layers),
            "Gemm" => return self.gemm(layers),
            "MatMul" => {
                self.is_input(0)?;
                return Ok(layers.dense(&self.constants.floats(self.input(1))?, Layout::Keras, 1.0)?);
            }
            "Add" | "Sub" | "Mul" | "Div" => return self.arithmetic(layers),
            "BatchNormalization" => return self.batch_norm(layers),
            "MaxPool" | "AveragePool" => return self.pool(layers),
            "GlobalAveragePool" => {
                if matches!(layers.data, Data::Image { is_channels_last: true, .. }) {
                    return stop("it gets an image whose channels come last");
                }
                return Ok(layers.global_avg_pool(true)?);
            }
            "ReduceMean" => return self.reduce_mean(layers),
            "Flatten" => {
                if self.node.int("axis", 1) != 1 {
                    return stop("its axis is not 1");
                }
                layers.flatten();
                return Ok(());
            }
            "Squeeze" | "Unsqueeze" | "Reshape" => return self.reshape(layers),
            "Transpose" => return self.transpose(layers),
            _ => return stop("it takes what comes from the input, and is known for sizes and constants alone"),
        };
        Ok(layers.activation(activation)?)
    }

    fn input(&self, index: usize) -> &str {
        self.node.inputs.get(index).map_or("", String::as_str)
    }

    /// The value on the way must be this input.
    fn is_input(&self, index: usize) -> Done {
        if self.input(index) == self.from { Ok(()) } else { stop("what comes from the input is not its first input") }
    }

    fn conv(&self, layers: &mut Layers) -> Done {
        self.is_input(0)?;
        let Data::Image { sides: [height, width, channels], is_channels_last: false } = layers.data else {
            return stop("it gets no image whose channels come first");
        };
        let mut weights = self.constants.floats(self.input(1))?;
        if weights.shape.len() == 3 {
            weights.shape.insert(2, 1);
        }
        let [filters, own, filter_height, filter_width] = weights.shape[..] else {
            return stop(format!("its weights, `{}`, have the shape {:?}", weights.name, weights.shape));
        };
        if self.node.int("group", 1) != 1 {
            return stop("it is grouped or depthwise, and no layer here is");
        }
        if own != channels {
            return stop(format!("its weights are for {own} channels, and it gets {channels}"));
        }
        if self.sides("dilations", 1)? != [1, 1] {
            return stop("its filters are dilated, and no layer's are here");
        }
        let strides = self.sides("strides", 1)?;
        // A single row has one position, whatever its stride.
        let stride = if height == 1 { strides[1] } else { strides[0] };
        if strides[1] != stride && width != 1 {
            return stop("its strides down and across differ, and a layer here has one stride");
        }
        let filter = [filter_height, filter_width];
        let pads = self.pads([height, width], filter, strides)?;
        let padding = padding([height, width], filter, strides, stride, pads);
        let Some(padding) = padding else {
            return stop(format!(
                "its padding {pads:?} (top, left, bottom, right) is neither none nor that of `same`, which puts \
                 (k - 1) / 2 zeros before a side for a filter's side k and gives a map of the image's sides divided by \
                 the stride, rounded up"
            ));
        };
        let op = Conv {
            height,
            width,
            channels,
            filter_height,
            filter_width,
            filters,
            stride,
            padding,
            pooling: Pooling::None,
            activation: Function::Identity,
            bits: None,
        };
        layers.conv(op, &weights)?;
        self.bias(layers, 2, 1.0)
    }

    fn gemm(&self, layers: &mut Layers) -> Done {
        self.is_input(0)?;
        if self.node.int("transA", 0) != 0 {
            return stop("it turns its input round (transA), which mixes images");
        }
        let layout = if self.node.int("transB", 0) == 0 { Layout::Keras } else { Layout::Torch };
        let factor = f64::from(self.node.float("alpha", 1.0));
        layers.dense(&self.constants.floats(self.input(1))?, layout, factor)?;
        self.bias(layers, 2, self.node.float("beta", 1.0).into())
    }

    /// Adds the biases that are input `index`, if there are any.
    fn bias(&self, layers: &mut Layers, index: usize, factor: f64) -> Done {
        if self.input(index).is_empty() {
            return Ok(());
        }
        let bias = self.constants.floats(self.input(index))?;
        let shift: Vec<f64> = bias.values.iter().map(|value| f64::from(*value) * factor).collect();
        let channels = layers.data.channels();
        if shift.len() != channels && shift.len() != 1 {
            return stop(format!("its biases are {}, and its outputs {channels}", shift.len()));
        }
        layers.affine(Affine { factor: vec![1.0], shift });
        Ok(())
    }

    /// With a constant, one number or one for each channel.
    fn arithmetic(&self, layers: &mut Layers) -> Done {
        let index = usize::from(self.input(0) == self.from);
        let operator = self.node.operator.as_str();
        if index == 0 && matches!(operator, "Sub" | "Div") {
            return stop("what comes from the input is not its first input");
        }
        if let Data::Vector { is_pixel: true, .. } = layers.data {
            return stop("it gets an image of one pixel: flatten it first");
        }
        let constant = self.constants.floats(self.input(index))?;
        let channels = layers.data.channels();
        // Where in the constant's shape the channels are, from its end.
        let from_end = if let Data::Image { is_channels_last: false, .. } = layers.data { 2 } else { 0 };
        let axis = constant.shape.len().checked_sub(from_end + 1);
        let is_each = constant.values.len() == channels && axis.is_some_and(|axis| constant.shape[axis] == channels);
        if !is_each && constant.values.len() != 1 {
            return stop(format!(
                "`{}` has the shape {:?}: neither one number nor one for each of {channels} channels",
                constant.name, constant.shape
            ));
        }
        let values: Vec<f64> = constant.values.iter().map(|value| f64::from(*value)).collect();
        let values = layers.data.ordered(values);
        let each = |number: fn(f64) -> f64| values.iter().map(|value| number(*value)).collect::<Vec<_>>();
        let (factor, shift) = match operator {
            "Add" => (vec![1.0], each(|value| value)),
            "Sub" => (vec![1.0], each(|value| -value)),
            "Mul" => (each(|value| value), vec![0.0]),
            _ => (each(|value| 1.0 / value), vec![0.0]),
        };
        self.affine(layers, Affine { factor, shift })
    }

    fn batch_norm(&self, layers: &mut Layers) -> Done {
        self.is_input(0)?;
        let channels = layers.data.channels();
        if matches!(layers.data, Data::Image { is_channels_last: true, .. }) {
            return stop("it gets an image whose channels come last");
        }
        let mut vectors = Vec::new();
        for index in 1..5 {
            let tensor = self.constants.floats(self.input(index))?;
            if tensor.values.len() != channels {
                return stop(format!("`{}` has {} values for {channels} channels", tensor.name, tensor.values.len()));
            }
            vectors.push(tensor.values);
        }
        let [gamma, beta, mean, variance] = &vectors[..] else { return stop("it lacks inputs") };
        let epsilon = self.node.float("epsilon", 1e-5).into();
        let Affine { factor, shift } = Affine::batch_norm(Some(gamma), Some(beta), mean, variance, epsilon);
        let ordered = |values| layers.data.ordered(values);
        self.affine(layers, Affine { factor: ordered(factor), shift: ordered(shift) })
    }

    fn affine(&self, layers: &mut Layers, affine: Affine) -> Done {
        if !affine.is_finite() {
            return stop("its numbers give factors that are not finite");
        }
        layers.affine(affine);
        Ok(())
    }

    fn pool(&self, layers: &mut Layers) -> Done {
        let Data::Image { sides: [height, width, _], is_channels_last: false } = layers.data else {
            return stop("it gets no image whose channels come first");
        };
        let kernel = self.sides("kernel_shape", 1)?;
        let strides = self.sides("strides", 1)?;
        let has_pads = self.node.ints("pads").is_some_and(|pads| pads.iter().any(|pad| *pad != 0));
        if has_pads
            || self.node.string("auto_pad").is_some_and(|pad| pad.starts_with(b"SAME")) && !is_even(height, width)
        {
            return stop("it has padding, and no pooling here does");
        }
        if self.sides("dilations", 1)? != [1, 1] {
            return stop("it is dilated, and no pooling here is");
        }
        let side = |positions: usize| if positions == 1 { 1 } else { 2 };
        let is_average = self.node.operator == "AveragePool";
        // A side of one position may be said to be pooled by 1 with any stride.
        let fits = |positions: usize, kernel: usize, stride: usize| {
            kernel == side(positions) && (stride == kernel || positions == 1)
        };
        if fits(height, kernel[0], strides[0]) && fits(width, kernel[1], strides[1]) {
            return Ok(layers.pool(if is_average { Pooling::Avg2 } else { Pooling::Max2 })?);
        }
        if is_average && kernel == [height, width] {
            return Ok(layers.global_avg_pool(true)?);
        }
        stop(format!(
            "it pools {} x {} with strides {} and {}; here it is 2 x 2 with strides of 2, or the mean of a whole map",
            kernel[0], kernel[1], strides[0], strides[1]
        ))
    }

    fn reduce_mean(&self, layers: &mut Layers) -> Done {
        let Data::Image { sides: [height, ..], is_channels_last } = layers.data else {
            return stop("it gets no image");
        };
        let axes = match (self.node.ints("axes"), self.input(1)) {
            (Some(axes), _) => axes.to_vec(),
            (None, "") => Vec::new(),
            (None, input) => self.constants.ints(input)?,
        };
        let first: i64 = if is_channels_last { 1 } else { 2 };
        let is = |rank: i64, spatial: &[i64]| {
            let mut axes: Vec<i64> =
                axes.iter().map(|axis| if *axis < 0 { axis.saturating_add(rank) } else { *axis }).collect();
            axes.sort_unstable();
            axes == spatial
        };
        // A signal has one axis.
        if is(4, &[first, first + 1]) || height == 1 && is(3, &[first]) {
            return Ok(layers.global_avg_pool(self.node.int("keepdims", 1) != 0)?);
        }
        stop("it is not over rows and columns, and no other mean is a layer here")
    }

    fn reshape(&self, layers: &mut Layers) -> Done {
        self.is_input(0)?;
        let sides = layers.data.sides();
        let target = if self.node.operator == "Reshape" {
            let sizes = self.constants.ints(self.input(1))?;
            // The first counts images, and any number of them is 1 here.
            let Some((images @ (-1..=1), rest)) = sizes.split_first().map(|(images, rest)| (*images, rest)) else {
                return stop("its first size is not that of the images (0, 1 or -1)");
            };
            let mut own = vec![1];
            own.extend_from_slice(rest);
            // Sizes that stay are counted with the images.
            let shape: Vec<usize> = std::iter::once(1).chain(sides.iter().copied()).collect();
            let resolved = if images == -1 && rest.contains(&-1) { None } else { resolve(&own, &shape) };
            match resolved {
                Some(shape) => shape[1..].to_vec(),
                None => return stop(format!("its sizes {sizes:?} do not go with {shape:?}")),
            }
        } else {
            // Only sides of 1 come or go.
            match (self.node.operator.as_str(), layers.data) {
                ("Squeeze", Data::Vector { values, .. } | Data::Image { sides: [1, 1, values], .. }) => vec![values],
                ("Squeeze", Data::Image { sides: [h, w, 1], .. }) => vec![h, w, 1],
                (_, Data::Image { sides: [h, w, 1], .. }) => vec![1, h, w],
                _ => sides.clone(),
            }
        };
        match (&mut layers.data, &target[..]) {
            (_, target) if target == sides => Ok(()),
            // The only channel may be said first or last.
            (Data::Image { sides: [h, w, 1], is_channels_last }, target) if target == [1, *h, *w] => {
                *is_channels_last = false;
                Ok(())
            }
            (Data::Image { sides: [h, w, 1], is_channels_last }, target) if target == [*h, *w, 1] => {
                *is_channels_last = true;
                Ok(())
            }
            (data, [values]) if *values == data.values() => {
                layers.flatten();
                Ok(())
            }
            (Data::Vector { .. }, &[h, w]) => Ok(layers.reinterpret([h, w, 1], true)?),
            (Data::Vector { .. }, &[a, b, c]) => {
                let is_channels_last = a != 1 && c == 1;
                let sides = if is_channels_last { [a, b, c] } else { [b, c, a] };
                Ok(layers.reinterpret(sides, is_channels_last)?)
            }
            _ => stop(format!("it makes {target:?} of {sides:?}, and only flattening is a layer here")),
        }
    }

    fn transpose(&self, layers: &mut Layers) -> Done {
        let Data::Image { is_channels_last, .. } = &mut layers.data else {
            return stop("it gets no image");
        };
        *is_channels_last = match (self.node.ints("perm"), *is_channels_last) {
            (Some([0, 2, 3, 1] | [0, 2, 1]), false) => true,
            (Some([0, 3, 1, 2] | [0, 2, 1]), true) => false,
            _ => return stop("only channels may go from first to last or back (NCHW and NHWC)"),
        };
        Ok(())
    }

    /// Down and across; a signal has one number, which is for columns.
    fn sides(&self, name: &str, default: i64) -> Done<[usize; 2]> {
        let sides = match self.node.ints(name) {
            None => [default; 2],
            Some([across]) => [1, *across],
            Some([down, across]) => [*down, *across],
            Some(other) => return stop(format!("its {name} are {other:?}")),
        };
        let positive = sides.map(|side| usize::try_from(side).ok().filter(|side| (1..=1 << 28).contains(side)));
        match positive {
            [Some(down), Some(across)] => Ok([down, across]),
            _ => stop(format!("its {name} are {sides:?}")),
        }
    }

    /// Zeros at the top, left, bottom and right.
    fn pads(&self, image: [usize; 2], filter: [usize; 2], strides: [usize; 2]) -> Done<[usize; 4]> {
        let auto = match self.node.string("auto_pad") {
            None | Some(b"NOTSET") => {
                let pads = match self.node.ints("pads") {
                    None => [0; 4],
                    Some([left, right]) => [0, *left, 0, *right],
                    Some([top, left, bottom, right]) => [*top, *left, *bottom, *right],
                    Some(other) => return stop(format!("its pads are {other:?}")),
                };
                let known = pads.map(|pad| usize::try_from(pad).ok().filter(|pad| *pad <= 1 << 28));
                return match known {
                    [Some(top), Some(left), Some(bottom), Some(right)] => Ok([top, left, bottom, right]),
                    _ => stop(format!("its pads are {pads:?}")),
                };
            }
            Some(b"VALID") => return Ok([0; 4]),
            Some(b"SAME_UPPER") => false,
            Some(b"SAME_LOWER") => true,
            Some(_) => return stop("its auto_pad is none of ONNX's"),
        };
        let side = |axis: usize| {
            let positions = image[axis].div_ceil(strides[axis]);
            let all = ((positions - 1) * strides[axis] + filter[axis]).saturating_sub(image[axis]);
            if auto { (all.div_ceil(2), all / 2) } else { (all / 2, all.div_ceil(2)) }
        };
        let ((top, bottom), (left, right)) = (side(0), side(1));
        Ok([top, left, bottom, right])
    }
}

fn is_even(height: usize, width: usize) -> bool {
    [height, width].iter().all(|side| *side == 1 || side.is_multiple_of(2))
}

/// Which padding of ours, with this stride, gives the same map as these pads with these strides, if one does: as many
/// zeros before each side, and as many positions. How many zeros are behind a side decides the number of positions alone.
fn padding(
    image: [usize; 2],
    filter: [usize; 2],
    strides: [usize; 2],
    stride: usize,
    [top, left, bottom, right]: [usize; 4],
) -> Option<Padding> {
    let pads = [(top, bottom), (left, right)];
    let positions =
        |side: usize, axis: usize, stride: usize| side.checked_sub(filter[axis]).map(|rest| rest / stride + 1);
    let is = |padding: Padding, axis: usize| {
        let (before, behind) = pads[axis];
        let (own, ours) = match padding {
            Padding::Valid => (0, positions(image[axis], axis, stride)),
            Padding::Same => (filter[axis].saturating_sub(1) / 2, Some(image[axis].div_ceil(stride))),
        };
        before == own && ours.is_some() && ours == positions(image[axis] + before + behind, axis, strides[axis])
    };
    [Padding::Valid, Padding::Same].into_iter().find(|padding| (0..2).all(|axis| is(*padding, axis)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_is_ours_only_where_every_position_is() {
        use Padding::{Same, Valid};
        let padding = |side: usize, filter: usize, stride, before, behind| {
            padding([side; 2], [filter; 2], [stride; 2], stride, [before, before, behind, behind])
        };
        assert_eq!(padding(28, 5, 1, 0, 0), Some(Valid));
        assert_eq!(padding(28, 5, 1, 2, 2), Some(Same));
        assert_eq!(padding(28, 1, 2, 0, 0), Some(Valid));
        // PyTorch's padding of 1 for 3 x 3 with a stride; TensorFlow's puts all zeros behind an even side.
        assert_eq!(padding(28, 3, 2, 1, 1), Some(Same));
        assert_eq!(padding(28, 3, 2, 0, 1), None);
        assert_eq!(padding(29, 3, 2, 1, 1), Some(Same));
        // Zeros that no position reaches.
        assert_eq!(padding(28, 3, 2, 1, 0), Some(Same));
        assert_eq!(padding(28, 4, 1, 1, 2), Some(Same));
        assert_eq!(padding(28, 4, 1, 2, 1), None);
        assert_eq!(padding(28, 5, 1, 1, 1), None);
        assert_eq!(padding(28, 5, 1, 4, 4), None);
        assert_eq!(padding(3, 5, 1, 0, 0), None);
        // One side has zeros and the other none.
        assert_eq!(super::padding([28, 28], [3, 3], [1; 2], 1, [1, 0, 1, 0]), None);
        assert_eq!(super::padding([28, 28], [3, 1], [1; 2], 1, [1, 0, 1, 0]), Some(Same));
        // A single row has a stride of its own, and zeros below it would be a second row.
        assert_eq!(super::padding([1, 28], [1, 3], [1, 2], 2, [0, 1, 0, 1]), Some(Same));
        assert_eq!(super::padding([1, 28], [1, 3], [1, 2], 2, [0, 1, 1, 1]), None);
    }
}
