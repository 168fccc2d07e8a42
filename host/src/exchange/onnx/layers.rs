//! The layers that a graph's operators become, one after the other, until they are a text and its parameters.

use super::Result;
use crate::architecture::Shape;
use crate::exchange::fold::{Affine, Parts};
use crate::exchange::layout::{Layout, Sides, channels_first, from, places};
use crate::exchange::{ExchangeError, tensor::Tensor};
use minnet::activation::Function;
use minnet::op::{Conv, Dense, Op, Padding};
use minnet::pool::Pooling;

/// How the values on the way lie.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Data {
    /// An image, whose channels come first or last.
    Image { sides: Sides, is_channels_last: bool },
    /// A vector, and the image that lies in it by channels, if one does; or, in the graph, an image of one pixel, as the
    /// mean of a map is.
    Vector { values: usize, by_channels: Option<Sides>, is_pixel: bool },
}

impl Data {
    pub(super) fn values(self) -> usize {
        match self {
            Self::Image { sides, .. } => sides.iter().product(),
            Self::Vector { values, .. } => values,
        }
    }

    /// Its dimensions in the graph, behind that of the images.
    pub(super) fn sides(self) -> Vec<usize> {
        match self {
            Self::Image { sides: [h, w, c], is_channels_last: false } => vec![c, h, w],
            Self::Image { sides, .. } => sides.to_vec(),
            Self::Vector { values, is_pixel: true, .. } => vec![values, 1, 1],
            Self::Vector { values, .. } => vec![values],
        }
    }

    /// Its channels; of a vector, its values.
    pub(super) fn channels(self) -> usize {
        match self {
            Self::Image { sides: [.., c], .. } => c,
            Self::Vector { values, .. } => values,
        }
    }

    /// One number for each channel or value, in our order.
    pub(super) fn ordered(self, values: Vec<f64>) -> Vec<f64> {
        match self {
            Self::Vector { by_channels: Some(sides), .. } if values.len() > 1 => from(&channels_first(sides), &values),
            _ => values,
        }
    }
}

/// A layer.
struct Layer {
    op: Built,
    /// Its parameters, if it has any.
    parts: Parts,
}

enum Built {
    Dense(Dense),
    Conv(Conv),
    Flatten,
    GlobalAvgPool,
}

/// The layers so far.
pub(super) struct Layers {
    input: Shape,
    pub(super) data: Data,
    layers: Vec<Layer>,
    /// What is done to the values that the last layer gives, and the next must do instead.
    pending: Option<Affine>,
}

type Refusal = std::result::Result<(), String>;

impl Layers {
    pub(super) fn new(data: Data) -> Self {
        Self { input: shape(data), data, layers: Vec::new(), pending: None }
    }

    /// The text, and the parameters.
    pub(super) fn finish(self) -> Result<(String, Vec<f32>)> {
        if self.pending.is_some() {
            let what =
                "numbers are added or multiplied behind the last layer's activation, and no layer is left for them";
            return Err(ExchangeError::Graph { what: what.into() });
        }
        let mut parameters = Vec::new();
        let mut texts = Vec::new();
        for layer in &self.layers {
            texts.push(match layer.op {
                Built::Dense(op) => op.text().to_string(),
                Built::Conv(op) => op.text().to_string(),
                Built::Flatten => "flatten".into(),
                Built::GlobalAvgPool => "globalavgpool".into(),
            });
            layer.parts.append_to(&mut parameters)?;
        }
        Ok((format!("{}: {}", self.input, texts.join(", ")), parameters))
    }

    /// A vector that is said to be an image; before there are layers.
    pub(super) fn reinterpret(&mut self, sides: Sides, is_channels_last: bool) -> Refusal {
        if !self.layers.is_empty() || self.pending.is_some() {
            return Err("a vector becomes an image again, and no layer here does that".into());
        }
        self.data = Data::Image { sides, is_channels_last };
        self.input = shape(self.data);
        Ok(())
    }

    pub(super) fn flatten(&mut self) {
        match &mut self.data {
            &mut Data::Image { sides: sides @ [h, w, c], is_channels_last } => {
                let by_channels = (!is_channels_last && h * w > 1 && c > 1).then_some(sides);
                self.data = Data::Vector { values: h * w * c, by_channels, is_pixel: false };
                self.push(Built::Flatten, Parts::new(&[], &[]));
            }
            Data::Vector { is_pixel, .. } => *is_pixel = false,
        }
    }

    pub(super) fn dense(&mut self, weights: &Tensor, layout: Layout, factor: f64) -> Refusal {
        let Data::Vector { values: inputs, by_channels, is_pixel: false } = self.data else {
            return Err("a dense layer gets an image: flatten it first".into());
        };
        let &[rows, columns] = &weights.shape[..] else {
            return Err(format!("its weights, `{}`, are no matrix: {:?}", weights.name, weights.shape));
        };
        let (outputs, found) = if layout == Layout::Torch { (rows, columns) } else { (columns, rows) };
        if found != inputs {
            let name = &weights.name;
            return Err(format!("its weights, `{name}`, are for {found} inputs, and it gets {inputs}"));
        }
        let op = Dense { inputs, outputs, activation: Function::Identity, bits: None };
        let turned = from(&places(Op::Dense(op), layout, None), &weights.values);
        let mut parts = Parts::new(&turned, &vec![0.0; outputs]);
        if let Some(sides) = by_channels.filter(|_| outputs > 0) {
            let theirs: Vec<&[f64]> = parts.weights.chunks(outputs.max(1)).collect();
            let mut rows = vec![&[][..]; theirs.len()];
            channels_first(sides).into_iter().zip(theirs).for_each(|(place, row)| rows[place] = row);
            parts.weights = rows.concat();
        }
        if let Some(pending) = self.pending.take() {
            parts.precede(&pending);
        }
        parts.follow(&Affine::factor(factor));
        self.data = Data::Vector { values: outputs, by_channels: None, is_pixel: false };
        self.push(Built::Dense(op), parts);
        Ok(())
    }

    pub(super) fn conv(&mut self, op: Conv, weights: &Tensor) -> Refusal {
        let turned = from(&places(Op::Conv(op), Layout::Torch, None), &weights.values);
        let mut parts = Parts::new(&turned, &vec![0.0; op.filters]);
        if let Some(pending) = self.pending.take() {
            if pending.shifts() && op.padding == Padding::Same && op.padded_inputs() != op.inputs() {
                return Err(
                    "numbers are added before its zeros are put around the image, which cannot be folded into its \
                            weights"
                        .into(),
                );
            }
            parts.precede(&pending);
        }
        self.data = image(op);
        self.push(Built::Conv(op), parts);
        Ok(())
    }

    /// A pooling of 2 x 2 positions, or of 2 where there is a single row or column.
    pub(super) fn pool(&mut self, pooling: Pooling) -> Refusal {
        if self.pending.is_some() {
            return Err("something stands between it and its convolution that cannot be folded".into());
        }
        let Some(Layer { op: Built::Conv(op), .. }) = self.layers.last_mut() else {
            return Err("pooling belongs to a convolution here, and none stands right before it".into());
        };
        if op.pooling != Pooling::None {
            return Err("a convolution has one pooling here, and this is its second".into());
        }
        if pooling == Pooling::Avg2 && op.activation != Function::Identity {
            return Err(format!(
                "the mean is taken behind the activation ({}); here it is taken before, which is not the same: put \
                 average pooling before the activation, or take max pooling",
                op.activation.name()
            ));
        }
        if [op.rows(), op.columns()].iter().any(|side| *side > 1 && !side.is_multiple_of(2)) {
            return Err(format!("a map of {} x {} cannot be halved without a rest", op.rows(), op.columns()));
        }
        op.pooling = pooling;
        self.data = image(*op);
        Ok(())
    }

    /// What comes out is an image of one pixel in the graph, or a vector.
    pub(super) fn global_avg_pool(&mut self, is_pixel: bool) -> Refusal {
        let Data::Image { sides: [.., channels], .. } = self.data else {
            return Err("it gets no image".into());
        };
        self.data = Data::Vector { values: channels, by_channels: None, is_pixel };
        self.push(Built::GlobalAvgPool, Parts::new(&[], &[]));
        Ok(())
    }

    pub(super) fn activation(&mut self, function: Function) -> Refusal {
        let of = if function == Function::Softmax { "a dense layer" } else { "a convolution or a dense layer" };
        let none = || format!("an activation belongs to {of} here, and none without one stands right before it");
        let has_pending = self.pending.is_some();
        let last = self.layers.iter_mut().rfind(|layer| !matches!(layer.op, Built::Flatten)).ok_or_else(none)?;
        let activation = match &mut last.op {
            Built::Dense(op) => &mut op.activation,
            Built::Conv(op) if function.is_elementwise() => &mut op.activation,
            _ => return Err(none()),
        };
        if has_pending || *activation != Function::Identity {
            return Err(none());
        }
        *activation = function;
        Ok(())
    }

    /// Multiplies each channel, or each value of a vector, and adds something: in the layer before where that can be, else
    /// in the next.
    pub(super) fn affine(&mut self, affine: Affine) {
        let own = match self.layers.last_mut() {
            Some(Layer { op: Built::Dense(op), parts }) => {
                (op.activation == Function::Identity && self.pending.is_none()).then_some(parts)
            }
            Some(Layer { op: Built::Conv(op), parts }) => {
                let is_sum = op.activation == Function::Identity && self.pending.is_none();
                (is_sum && (op.pooling != Pooling::Max2 || affine.keeps_order())).then_some(parts)
            }
            _ => None,
        };
        match (own, self.pending.take()) {
            (Some(parts), pending) => {
                parts.follow(&affine);
                self.pending = pending;
            }
            (None, Some(pending)) => self.pending = Some(pending.then(&affine)),
            (None, None) => self.pending = Some(affine),
        }
    }

    fn push(&mut self, op: Built, parts: Parts) {
        self.layers.push(Layer { op, parts });
    }
}

fn shape(data: Data) -> Shape {
    match data {
        Data::Image { sides: [height, width, channels], .. } => Shape::Image { height, width, channels },
        Data::Vector { values, .. } => Shape::Vector(values),
    }
}

fn image(op: Conv) -> Data {
    Data::Image { sides: [op.out_height(), op.out_width(), op.filters], is_channels_last: false }
}
