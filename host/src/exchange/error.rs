//! Why a network cannot come from another program's file, or go into one.

use super::layout::Layout;
use super::onnx::OPERATORS;
use crate::architecture::TextError;

/// Why a network cannot come from another program's file, or go into one. [`crate::error::Error::Exchange`] puts the file's
/// name before it.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
#[expect(missing_docs, reason = "each variant is documented; its message says what each of its fields is")]
pub enum ExchangeError {
    // Files.
    /// A file of no form that is known.
    #[error(
        "byte 0: not a network that can be read: it begins with {found}; give ONNX, safetensors, NumPy's .npz, or the \
         JSON of network2.py"
    )]
    Unknown { found: String },

    /// A file is cut off or damaged.
    #[error("{what}; the file is cut off or damaged: write it anew")]
    Damaged { what: String },

    /// A zip archive without arrays.
    #[error(
        "a zip archive without NumPy arrays ({found}); of PyTorch or Keras models take the weights alone: docs/import.md \
         says how"
    )]
    NoArrays { found: String },

    /// A file of tensors alone, and nobody says what network they are of.
    #[error("holds tensors, and not which layers they belong to: give the network's text with --net")]
    NoNet,

    /// A file that says what network it holds.
    #[error("says itself which network it holds: leave --net, --order and --epsilon away")]
    HasNet,

    // Tensors.
    /// A tensor's type is none that can be read.
    #[error("tensor `{tensor}`: holds {found}, not floats of 16, 32 or 64 bits; convert it to float32 first")]
    Type { tensor: String, found: String },

    /// An array of Python objects.
    #[error("array `{tensor}`: holds pickled Python objects; nothing was executed: save arrays of floats")]
    Pickled { tensor: String },

    /// A tensor that is larger than the network.
    #[error("tensor `{tensor}`: its shape {shape:?} has more values than the whole network ({limit}); check --net")]
    TooLarge { tensor: String, shape: Vec<usize>, limit: usize },

    /// Tensors that are, together, larger than the network.
    #[error("its tensors have, together, far more values than the whole network ({limit}); check --net")]
    TooMany { limit: usize },

    /// A tensor with more dimensions than any layer's.
    #[error("tensor `{tensor}`: has {found} dimensions, and no layer's has more than {most}; give the weights alone")]
    Dimensions { tensor: String, found: usize, most: usize },

    /// A weight is infinite, no number, or beyond 32 bits.
    #[error("tensor `{tensor}`: value {index} is infinite, not a number, or too large for 32 bits; train it anew")]
    NotFinite { tensor: String, index: usize },

    // Tensors and layers.
    /// A tensor does not have the shape that its layer needs.
    #[error(
        "layer {number} (`{layer}`): tensor `{tensor}` has the shape {found:?}, and it needs {expected:?} (layout {}); \
         check --net{}",
        layout.name(),
        if *may_turn { ", or give --layout" } else { "" }
    )]
    Shape {
        number: usize,
        layer: String,
        tensor: String,
        found: Box<[usize]>,
        expected: Box<[usize]>,
        layout: Layout,
        may_turn: bool,
    },

    /// There is no tensor for a layer.
    #[error("layer {number} (`{layer}`): no tensor is left for its weights, of the shape {expected:?}; check --net")]
    Missing { number: usize, layer: String, expected: Vec<usize> },

    /// There are more tensors than layers.
    #[error("tensors are left over: {names}; check --net, or name the layers in their order with --order NAME,NAME,…")]
    LeftOver { names: String },

    /// Several tensors fit a layer.
    #[error(
        "layer {number} (`{layer}`): the names do not tell which of {names} it is; name all layers in their order with \
         --order NAME,NAME,…"
    )]
    Ambiguous { number: usize, layer: String, names: String },

    /// `--order` names what is not there.
    #[error("--order: there is no layer `{name}`; there are: {known}")]
    Order { name: String, known: String },

    /// Batch normalization that cannot be folded.
    #[error(
        "`{name}` is a batch normalization that does not come right after a layer with weights, before its activation: it \
         cannot be folded into one; bring the network as ONNX, which says where it stands"
    )]
    Norm { name: String },

    /// Batch normalization lacks something, or its numbers cannot be.
    #[error("`{name}`, a batch normalization: {what}")]
    NormContent { name: String, what: &'static str },

    /// What is folded into a layer makes its weights too large.
    #[error("weights are too large for 32 bits with what is folded into them; train it anew, with smaller weights")]
    Folded,

    // Graphs.
    /// An operator that is not known.
    #[error("{node}: the operator {operator} is not supported; those that are: {}", OPERATORS.join(", "))]
    Operator { node: String, operator: String },

    /// An operator in a form that our layers do not have.
    #[error("{node}: {what}")]
    Node { node: String, what: String },

    /// A graph that is no chain of layers.
    #[error("{what}")]
    Graph { what: String },

    /// A graph whose layers are no network here.
    #[error("its layers are no network here: {cause}")]
    Text { cause: TextError },

    // Preparation of inputs.
    /// The numbers of `--scale`, `--mean` and `--std` make no sense.
    #[error("{what}")]
    Preparation { what: String },

    // Export.
    /// An integer network for a form of floats.
    #[error("holds an integer network; export the float model that it was made of, or take --to c")]
    Integers,

    /// A float network for C.
    #[error("holds a float network, and C gets an integer one: make it with `host quantize` first")]
    Floats,

    /// An activation that other programs do not have.
    #[error("the activation {name} is Minnet's own; train with {instead}")]
    Activation { name: &'static str, instead: &'static str },

    /// Dropout as the last layer.
    #[error(
        "ends with dropout, which here multiplies the outputs in inference, and elsewhere does not: take it away from the \
         end of the network's text"
    )]
    LastDropout,
}
