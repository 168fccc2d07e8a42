//! A network as Rust: the type that a firmware needs.

use super::{Architecture, Shape};
use minnet::activation::Function;
use minnet::op::Op;
use minnet::pool::Pooling;
use std::fmt::Write;
use std::ops::RangeInclusive;

// Where the tables of core/src/shape.rs begin and end.
/// Sides of the images that `Conv5x5` takes.
const SIDES: RangeInclusive<usize> = 5..=64;
/// The greatest side of an image that `Flatten` takes.
const FLAT_SIDE: usize = 14;
/// The most channels of an image that `Flatten` takes.
const FLAT_CHANNELS: usize = 64;

pub(super) fn network(architecture: &Architecture) -> String {
    let input = match architecture.input {
        Shape::Vector(values) => format!("[f32; {values}]"),
        Shape::Image { height, width, channels } => format!("[[[f32; {channels}]; {width}]; {height}]"),
    };
    let mut code = String::new();
    for fast in [Function::FastSigmoid, Function::FastTanh] {
        if architecture.layers.iter().any(|op| op.activation() == fast) {
            // Writing to a string does not fail.
            let _ = writeln!(code, "use minnet::activation::{fast:?}; // needs minnet's feature `micromath`");
        }
    }
    code += "use minnet::prelude::*;\n\n";
    let mut shape = architecture.input;
    for op in &architecture.layers {
        if let Some(limit) = beyond_tables(*op, shape) {
            let _ = writeln!(code, "// Does not build: {limit}; core/src/shape.rs has the tables.");
        }
        shape = shape.after(*op);
    }
    let _ = writeln!(code, "type Network = Net<{input}, seq![");
    for op in &architecture.layers {
        let _ = writeln!(code, "    {},", layer(*op));
    }
    code + "]>;\n"
}

fn layer(op: Op) -> String {
    match op {
        Op::Dense(op) => match op.activation {
            Function::Identity => format!("Dense<{}, {}>", op.inputs, op.outputs),
            // An activation's type is called as its value.
            activation => format!("Dense<{}, {}, {activation:?}>", op.inputs, op.outputs),
        },
        Op::Conv(op) => {
            let pooling = match op.pooling {
                Pooling::None => "NoPool",
                Pooling::Max2 => "MaxPool2",
            };
            let kinds = match (op.pooling, op.activation) {
                (Pooling::None, Function::Identity) => String::new(),
                (_, Function::Identity) => format!(", {pooling}"),
                (_, activation) => format!(", {pooling}, {activation:?}"),
            };
            format!("Conv{}x{}<{}, {}{kinds}>", op.filter_height, op.filter_width, op.channels, op.filters)
        }
        Op::Flatten(_) => "Flatten".into(),
        Op::Dropout(op) => format!("Dropout<{}>", op.percent),
    }
}

/// Why the compiler has no type for a layer that takes `shape`, if it has none.
fn beyond_tables(op: Op, shape: Shape) -> Option<String> {
    let Shape::Image { height, width, channels } = shape else { return None };
    match op {
        Op::Conv(_) if !(SIDES.contains(&height) && SIDES.contains(&width)) => {
            Some(format!("`Conv5x5` takes images with sides of {} to {}, not {shape}", SIDES.start(), SIDES.end()))
        }
        Op::Flatten(_) if height != width || height > FLAT_SIDE || channels > FLAT_CHANNELS => Some(format!(
            "`Flatten` takes square images of at most {FLAT_SIDE}x{FLAT_SIDE}x{FLAT_CHANNELS}, not {shape}"
        )),
        _ => None,
    }
}
