//! Where a layer's weights lie in another program's tensors.

use super::ExchangeError;
use super::fold::Parts;
use crate::architecture::{Architecture, Shape};
use minnet::op::{Conv, Dense, Op, Padding};

/// The order of a tensor's dimensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// Outputs first: `[out, in]`, `[out, in, rows, columns]`; and an image that was flattened lay by channels, then by
    /// rows.
    Torch,
    /// Outputs last: `[in, out]`, `[rows, columns, in, out]`; and an image that was flattened lay by rows, channels last.
    /// That is the order of our own weights.
    Keras,
}

impl Layout {
    /// Both.
    pub const ALL: &[Self] = &[Self::Torch, Self::Keras];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Torch => "torch",
            Self::Keras => "keras",
        }
    }

    /// What the program's batch normalization adds to a variance, if nothing else is said.
    pub(super) const fn epsilon(self) -> f64 {
        match self {
            Self::Torch => 1e-5,
            Self::Keras => 1e-3,
        }
    }
}

/// Rows, columns and channels of an image.
pub(super) type Sides = [usize; 3];

/// A layer with weights, and what stands between it and the one before.
#[derive(Clone, Copy, Debug)]
pub(super) struct Weighted {
    /// Its number in the network's text, from 1.
    pub(super) number: usize,
    pub(super) op: Op,
    /// The image that was flattened for it.
    pub(super) flattened: Option<Sides>,
    /// What our dropout multiplies its inputs by, where nothing is trained. Other programs' leaves them as they are.
    pub(super) staying: f64,
}

/// The layers with weights, in order.
pub(super) fn weighted(architecture: &Architecture) -> Result<Vec<Weighted>, ExchangeError> {
    let (mut layers, mut flattened, mut staying) = (Vec::new(), None, 1.0);
    let inputs = std::iter::once(architecture.input()).chain(architecture.shapes());
    for (number, (&op, input)) in (1..).zip(architecture.layers().iter().zip(inputs)) {
        match (op, input) {
            (Op::Flatten(_), Shape::Image { height, width, channels }) => flattened = Some([height, width, channels]),
            (Op::Flatten(_) | Op::GlobalAvgPool(_), _) => {}
            (Op::Dropout(op), _) => staying *= f64::from(op.staying()),
            (Op::Dense(_) | Op::Conv(_), _) => {
                layers.push(Weighted { number, op, flattened, staying });
                (flattened, staying) = (None, 1.0);
            }
        }
    }
    if staying == 1.0 { Ok(layers) } else { Err(ExchangeError::LastDropout) }
}

impl Weighted {
    /// The shape of its weights.
    pub(super) fn shape(&self, layout: Layout) -> Vec<usize> {
        match (self.op, layout) {
            (Op::Conv(op), Layout::Torch) => vec![op.filters, op.channels, op.filter_height, op.filter_width],
            (Op::Conv(op), Layout::Keras) => vec![op.filter_height, op.filter_width, op.channels, op.filters],
            (op, Layout::Torch) => vec![op.biases(), op.inputs()],
            (op, Layout::Keras) => vec![op.inputs(), op.biases()],
        }
    }

    /// Whether a tensor of this shape can be its weights. A row or a column of pixels may have one dimension, as a signal
    /// has it.
    pub(super) fn fits(&self, layout: Layout, shape: &[usize]) -> bool {
        let expected = self.shape(layout);
        if shape == expected {
            return true;
        }
        let sides = if layout == Layout::Torch { 2..4 } else { 0..2 };
        matches!(self.op, Op::Conv(_))
            && sides.into_iter().any(|side| {
                let mut flat = expected.clone();
                flat.remove(side) == 1 && shape == flat
            })
    }

    /// Its parameters from tensors that fit. Biases that are not there are zeros.
    pub(super) fn parts(&self, layout: Layout, weights: &[f32], biases: Option<&[f32]>) -> Parts {
        let weights = from(&places(self.op, layout, self.flattened), weights);
        let biases = biases.map_or_else(|| vec![0.0; self.op.biases()], <[f32]>::to_vec);
        Parts::new(&weights, &biases)
    }
}

/// For each value of the other program's weights, in order, its place in ours. In PyTorch's layout, `flattened` is the
/// image that was flattened before.
pub(super) fn places(op: Op, layout: Layout, flattened: Option<Sides>) -> Vec<usize> {
    match (op, layout) {
        (Op::Conv(op), Layout::Torch) => conv_places(op),
        (Op::Dense(Dense { inputs, outputs: outputs @ 1.., .. }), Layout::Torch) => {
            let order: Vec<usize> = flattened.map_or_else(|| (0..inputs).collect(), channels_first);
            (0..outputs).flat_map(|o| order.iter().map(move |i| i * outputs + o)).collect()
        }
        (op, _) => (0..op.weights()).collect(),
    }
}

fn conv_places(op: Conv) -> Vec<usize> {
    let Conv { filters, channels, filter_height, filter_width, .. } = op;
    let mut places = Vec::with_capacity(op.weights());
    for o in 0..filters {
        for c in 0..channels {
            for pixel in 0..filter_height * filter_width {
                places.push((pixel * channels + c) * filters + o);
            }
        }
    }
    places
}

/// Rows and columns of zeros before a convolution's image.
pub(super) fn padding_before(op: Conv) -> [usize; 2] {
    match op.padding {
        Padding::Valid => [0; 2],
        Padding::Same => [op.filter_height, op.filter_width].map(|side| side.saturating_sub(1) / 2),
    }
}

/// Rows and columns of zeros behind a convolution's image.
pub(super) fn padding_behind(op: Conv) -> [usize; 2] {
    match op.padding {
        Padding::Valid => [0; 2],
        Padding::Same => [op.filter_height, op.filter_width].map(|side| side / 2),
    }
}

/// For each value of an image that lies by channels, its place where channels come last.
pub(super) fn channels_first([height, width, channels]: Sides) -> Vec<usize> {
    (0..channels).flat_map(|c| (0..height * width).map(move |pixel| pixel * channels + c)).collect()
}

/// Values in our order.
pub(super) fn from<T: Copy + Default>(places: &[usize], theirs: &[T]) -> Vec<T> {
    let mut ours = vec![T::default(); theirs.len()];
    for (place, value) in places.iter().zip(theirs) {
        if let Some(ours) = ours.get_mut(*place) {
            *ours = *value;
        }
    }
    ours
}

/// Values in their order.
pub(super) fn to<T: Copy>(places: &[usize], ours: &[T]) -> Vec<T> {
    places.iter().filter_map(|place| ours.get(*place).copied()).collect()
}
