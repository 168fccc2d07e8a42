//! A network as Rust: the type that a firmware needs.

use super::{Architecture, Shape};
use minnet::activation::Function;
use minnet::op::{Conv, Op, Padding};
use minnet::pool::Pooling;
use minnet::quant::Width;
use std::fmt::Write;

// Where the tables of core/src/shape.rs end.
/// The greatest side of an image that `Conv` takes.
const SIDE: usize = 256;
/// The greatest side of a filter that stays inside the image.
const FILTER: usize = 11;
/// The greatest stride.
const STRIDE: usize = 4;
/// The greatest side of an image that `Flatten` takes.
const FLAT_SIDE: usize = 14;
/// The most channels of an image that `Flatten` takes.
const FLAT_CHANNELS: usize = 64;
/// The most weights of a filter, three columns more of them counted (core/src/layers/conv.rs).
const WEIGHTS: usize = 32_768;

pub(super) fn network(architecture: &Architecture) -> String {
    let mut code = String::new();
    for fast in [Function::FastSigmoid, Function::FastTanh] {
        if architecture.layers.iter().any(|op| op.activation() == fast) {
            // Writing to a string does not fail.
            let _ = writeln!(code, "use minnet::activation::{fast:?}; // needs minnet's feature `micromath`");
        }
    }
    code += "use minnet::prelude::*;\n";
    let mut own: Vec<_> = architecture.layers.iter().filter_map(|op| op.bits()).map(|own| bits(Some(own))).collect();
    own.sort();
    own.dedup();
    if !own.is_empty() {
        let widths = own.join(", ");
        let _ = if own.len() == 1 {
            writeln!(code, "use minnet::quant::{widths};")
        } else {
            writeln!(code, "use minnet::quant::{{{widths}}};")
        };
    }
    code += "\n";
    let inputs = || [architecture.input].into_iter().chain(architecture.shapes());
    for (op, shape) in architecture.layers.iter().zip(inputs()) {
        if let (Op::Flatten(_), Some(name)) = (op, flat(shape)) {
            let (image, vector) = (tensor(shape), tensor(Shape::Vector(shape.values())));
            let _ =
                writeln!(code, "struct {name};\n\nimpl Flat<{image}> for {name} {{\n    type Vector = {vector};\n}}\n");
        }
    }
    for limit in architecture.layers.iter().filter_map(|op| beyond_tables(*op)) {
        let _ = writeln!(code, "// Does not build: {limit}.");
    }
    let _ = writeln!(code, "type Network = Net<{}, seq![", tensor(architecture.input));
    for (op, shape) in architecture.layers.iter().zip(inputs()) {
        let _ = writeln!(code, "    {},", layer(*op, shape));
    }
    code + "]>;\n"
}

/// The type of what lies between two layers.
fn tensor(shape: Shape) -> String {
    match shape {
        Shape::Vector(values) => format!("[f32; {values}]"),
        Shape::Image { height, width, channels } => format!("[[[f32; {channels}]; {width}]; {height}]"),
    }
}

/// The type of a layer that takes `shape`.
fn layer(op: Op, shape: Shape) -> String {
    match op {
        // An activation's type is called as its value.
        Op::Dense(op) => {
            let kinds = [format!("{:?}", op.activation), bits(op.bits)];
            typed("Dense", &[op.inputs, op.outputs], &kinds, &["Identity", "Inherit"])
        }
        Op::Conv(op) => conv(op),
        Op::Flatten(_) => flat(shape).map_or("Flatten".into(), |name| format!("Flatten<{name}>")),
        Op::Dropout(op) => format!("Dropout<{}>", op.percent),
        Op::GlobalAvgPool(_) => "GlobalAvgPool".into(),
    }
}

fn conv(op: Conv) -> String {
    let pooling = match op.pooling {
        Pooling::None => "NoPool",
        Pooling::Max2 => "MaxPool2",
        Pooling::Avg2 => "AvgPool2",
    };
    let placement = match (op.stride, op.padding) {
        (1, Padding::Valid) => "Valid".into(),
        (1, Padding::Same) => "Same".into(),
        (stride, Padding::Valid) => format!("Stride<{stride}>"),
        (stride, Padding::Same) => format!("Stride<{stride}, Same>"),
    };
    let kinds = [pooling.into(), format!("{:?}", op.activation), placement, bits(op.bits)];
    let defaults = ["NoPool", "Identity", "Valid", "Inherit"];
    if (op.filter_height, op.filter_width) == (5, 5) && kinds[2..] == defaults[2..] {
        return typed("Conv5x5", &[op.channels, op.filters], &kinds, &defaults);
    }
    typed("Conv", &[op.filter_height, op.filter_width, op.channels, op.filters], &kinds, &defaults)
}

/// The type of a width.
fn bits(width: Option<Width>) -> String {
    match width {
        None => "Inherit",
        Some(Width::Eight) => "Int8",
        Some(Width::Four) => "Int4",
        Some(Width::Three) => "Int3",
        Some(Width::Two) => "Int2",
        Some(Width::Ternary) => "Ternary",
    }
    .into()
}

/// A type with numbers and types in its brackets; those at the end that are defaults are left out.
fn typed(name: &str, numbers: &[usize], kinds: &[String], defaults: &[&str]) -> String {
    let same = kinds.iter().zip(defaults).rev().take_while(|(kind, default)| kind == default).count();
    let numbers = numbers.iter().map(|number| number.to_string());
    let all: Vec<_> = numbers.chain(kinds[..kinds.len() - same].iter().cloned()).collect();
    format!("{name}<{}>", all.join(", "))
}

/// The name of the type that tells `Flatten` the size of an image which is not in its table.
fn flat(shape: Shape) -> Option<String> {
    match shape {
        Shape::Image { height, width, channels }
            if height != width || height > FLAT_SIDE || channels > FLAT_CHANNELS =>
        {
            Some(format!("Flat{shape}"))
        }
        _ => None,
    }
}

/// Why the compiler has no type for a layer, if it has none.
fn beyond_tables(op: Op) -> Option<String> {
    const TABLES: &str = "core/src/shape.rs has the tables";
    let Op::Conv(op) = op else { return None };
    let Conv { height, width, channels, filter_height, filter_width, stride, .. } = op;
    if height.max(width) > SIDE {
        let shape = Shape::Image { height, width, channels };
        return Some(format!("`Conv` takes images with sides of at most {SIDE}, not {shape}; {TABLES}"));
    }
    if op.padding == Padding::Valid && filter_height.max(filter_width) > FILTER {
        let filter = format!("{filter_height}x{filter_width}");
        return Some(format!("without `Same`, filters have sides of at most {FILTER}, not {filter}; {TABLES}"));
    }
    if stride > STRIDE {
        return Some(format!("a stride is at most {STRIDE}, not {stride}; {TABLES}"));
    }
    if filter_height * (filter_width + 3) * channels > WEIGHTS {
        return Some(format!("a filter has at most {WEIGHTS} weights, three columns more of them counted"));
    }
    None
}
