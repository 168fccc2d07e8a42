//! An integer network as a header of C99: its weights, and plain loops that give the bits that `docs/quantization.md`
//! specifies. It needs nothing but `stdint.h`.

use super::layout::padding_before;
use crate::quantize::Integers;
use minnet::op::{Conv, Dense, GlobalAvgPool, Op};
use minnet::pool::Pooling;
use minnet::quant::{Hidden, Input, Width};
use std::fmt::{Display, Write};

/// The header. What it defines begins with `name`, as far as that can begin a name in C.
pub(super) fn header(integers: &Integers, name: &str) -> String {
    Writer::new(integers, &identifier(name)).header()
}

/// A name in C that is as near to `name` as can be.
fn identifier(name: &str) -> String {
    let letter = |letter: char| if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { '_' };
    let name: String = name.chars().map(letter).collect();
    if name.starts_with(|first: char| first.is_ascii_lowercase()) { name } else { format!("net_{name}") }
}

/// A layer's weights, biases and scales, as the words of a model file hold them.
struct Numbers {
    /// For each output one after the other: of 8 bits without the places that are left of words, else packed as in the file.
    weights: Vec<u8>,
    biases: Vec<i32>,
    multipliers: Vec<u32>,
    shifts: Vec<u32>,
}

/// Reads a block in order.
struct Block<'a> {
    bytes: &'a [u8],
    width: Width,
}

impl Block<'_> {
    fn take(&mut self, count: usize) -> &[u8] {
        let (taken, rest) = self.bytes.split_at_checked(count).unwrap_or((self.bytes, &[]));
        self.bytes = rest;
        taken
    }

    fn word(&mut self) -> u32 {
        self.take(4).first_chunk().map_or(0, |word| u32::from_le_bytes(*word))
    }

    /// A row of so many pixels' 8-bit weights, each with so many channels, which take groups of four if they are several.
    fn row(&mut self, pixels: usize, channels: usize, are_padded: bool, weights: &mut Vec<u8>) {
        let places = if are_padded && channels > 1 { channels.next_multiple_of(4) } else { channels };
        let row = self.take((pixels * places).next_multiple_of(4));
        for pixel in row[..pixels * places].chunks(places.max(1)) {
            weights.extend(&pixel[..channels]);
        }
    }

    fn eight_bits(&mut self, op: Op) -> Vec<u8> {
        let mut weights = Vec::new();
        for _ in 0..op.biases() {
            match op {
                Op::Dense(op) => self.row(1, op.inputs, false, &mut weights),
                // A column of pixels lies as a row does.
                Op::Conv(op) if op.width == 1 && op.filter_width == 1 => {
                    self.row(op.filter_height, op.channels, true, &mut weights);
                }
                Op::Conv(op) => {
                    (0..op.filter_height).for_each(|_| self.row(op.filter_width, op.channels, true, &mut weights));
                }
                Op::Flatten(_) | Op::Dropout(_) | Op::GlobalAvgPool(_) => {}
            }
        }
        weights
    }

    fn layer(&mut self, op: Op) -> Numbers {
        let outputs = op.biases();
        let weights = match op.bits().unwrap_or(self.width) {
            Width::Eight => self.eight_bits(op),
            packed => self.take((outputs * row_bytes(op, packed)).next_multiple_of(4)).to_vec(),
        };
        let (mut biases, mut multipliers, mut shifts) = (Vec::new(), Vec::new(), Vec::new());
        for word in (0..outputs).map(|_| self.word()) {
            biases.push((word as i32 >> 20) << (word >> 15 & 31));
            multipliers.push(16 * (1024 + (word >> 5 & 1023)));
            shifts.push(17 + (word & 31));
        }
        Numbers { weights, biases, multipliers, shifts }
    }
}

/// Bytes of an output's packed weights.
fn row_bytes(op: Op, width: Width) -> usize {
    width.bytes(op.weights() / op.biases().max(1))
}

/// What becomes of a layer's sums.
#[derive(Clone, Copy, PartialEq)]
enum Finish {
    Relu,
    Sigmoid,
    Logit,
}

impl Finish {
    const ALL: [Self; 3] = [Self::Relu, Self::Sigmoid, Self::Logit];

    const fn name(self) -> &'static str {
        match self {
            Self::Relu => "relu",
            Self::Sigmoid => "sigmoid",
            Self::Logit => "logit",
        }
    }

    /// The type of what comes out.
    const fn kind(self) -> &'static str {
        match self {
            Self::Relu | Self::Sigmoid => "uint8_t",
            Self::Logit => "int16_t",
        }
    }
}

struct Writer<'a> {
    integers: &'a Integers,
    name: &'a str,
    text: String,
}

/// Writes a line. Writing to a string does not fail.
macro_rules! line {
    ($writer:expr, $($argument:tt)*) => {{
        let _ = writeln!($writer.text, $($argument)*);
    }};
}

impl<'a> Writer<'a> {
    fn new(integers: &'a Integers, name: &'a str) -> Self {
        Self { integers, name, text: String::new() }
    }

    /// The layers that compute something, each with its number in the text and what becomes of its sums.
    fn layers(&self) -> Vec<(usize, Op, Finish)> {
        let ops = self.integers.architecture().layers().iter().zip(1..).filter(|(op, _)| !op.in_place());
        let mut layers: Vec<_> = ops
            .map(|(op, number)| {
                let is_sigmoid = op.activation().hidden() == Some(Hidden::Sigmoid);
                (number, *op, if is_sigmoid { Finish::Sigmoid } else { Finish::Relu })
            })
            .collect();
        if let Some((.., finish)) = layers.last_mut() {
            *finish = Finish::Logit;
        }
        layers
    }

    fn header(mut self) -> String {
        let (name, upper) = (self.name, self.name.to_ascii_uppercase());
        let (architecture, weights) = (self.integers.architecture(), self.integers.width().name());
        let layers = self.layers();
        line!(self, "/*");
        line!(self, " * A network in integers ({weights}), made by Minnet:");
        line!(self, " * {architecture}");
        line!(self, " *");
        line!(
            self,
            " * {name}_infer takes {upper}_INPUTS bytes, 0 to 255, an image's by rows, channels last, and gives"
        );
        line!(self, " * {upper}_OUTPUTS logits; the greatest is that of the likeliest class. It keeps what is between");
        line!(self, " * layers in static memory: one call at a time.");
        line!(self, " */");
        line!(self, "#ifndef {upper}_H\n#define {upper}_H\n\n#include <stdint.h>\n");
        line!(self, "#define {upper}_INPUTS {}", architecture.inputs());
        line!(self, "#define {upper}_OUTPUTS {}", architecture.outputs());
        let (list, Input { step, zero }) = (self.integers.list(), self.integers.list().input());
        line!(self, "/* A byte stands for (byte - {upper}_INPUT_ZERO) * {upper}_INPUT_STEP. */");
        line!(self, "#define {upper}_INPUT_STEP {step:e}f");
        line!(self, "#define {upper}_INPUT_ZERO {zero}");
        line!(self, "/* A logit times this is the last layer's weighted input. */");
        line!(self, "#define {upper}_LOGIT_STEP {:e}f\n", list.step());
        self.numbers();
        self.helpers(&layers);
        for (number, op, finish) in &layers {
            self.layer(*number, *op, *finish);
        }
        self.infer(&layers);
        line!(self, "\n#endif");
        self.text
    }

    /// The weights, biases and scales of all layers.
    fn numbers(&mut self) {
        let integers = self.integers;
        let list = integers.list();
        let mut block = Block { bytes: list.block(), width: integers.width() };
        for (op, number) in integers.architecture().layers().iter().zip(1..) {
            if !matches!(op, Op::Dense(_) | Op::Conv(_)) {
                continue;
            }
            let Numbers { mut weights, biases, multipliers, shifts } = block.layer(*op);
            line!(self, "/* Layer {number}: {} */", op.text());
            match self.width(*op) {
                Width::Eight => {
                    let weights: Vec<_> = weights.iter().map(|byte| *byte as i8).collect();
                    self.array("int8_t", "weights", number, &weights);
                }
                _ => {
                    // Two bytes are read for a weight that may lie in both.
                    weights.push(0);
                    self.array("uint8_t", "weights", number, &weights);
                }
            }
            self.array("int32_t", "biases", number, &biases);
            self.array("uint16_t", "multipliers", number, &multipliers);
            self.array("uint8_t", "shifts", number, &shifts);
            line!(self, "");
        }
    }

    fn array(&mut self, kind: &str, what: &str, number: usize, values: &[impl Display]) {
        self.named_array(kind, &format!("{what}{number}"), values);
    }

    /// An array; C has none without values.
    fn named_array(&mut self, kind: &str, what: &str, values: &[impl Display]) {
        const COLUMNS: usize = 100;
        line!(self, "static const {kind} {}_{what}[{}] = {{", self.name, values.len().max(1));
        let mut row = String::new();
        for value in values {
            if row.len() > COLUMNS {
                line!(self, "   {row}");
                row.clear();
            }
            let _ = write!(row, " {value},");
        }
        line!(self, "   {}", if values.is_empty() { " 0" } else { &row });
        line!(self, "}};");
    }

    /// The functions that layers share.
    fn helpers(&mut self, layers: &[(usize, Op, Finish)]) {
        let name = self.name;
        let has = |width: &[Width]| layers.iter().any(|(_, op, _)| op.biases() > 0 && width.contains(&self.width(*op)));
        let (has_codes, has_digits) = (has(&[Width::Four, Width::Three, Width::Two]), has(&[Width::Ternary]));
        if has_codes {
            line!(self, "/* A weight of so many bits, in units of the sums. */");
            line!(self, "static inline int {name}_code(const uint8_t *weights, int32_t at, int bits)\n{{");
            line!(self, "    int32_t place = at * bits;");
            line!(self, "    int both = weights[place / 8] | weights[place / 8 + 1] << 8;");
            line!(self, "    int code = both >> place % 8 & ((1 << bits) - 1);\n");
            line!(self, "    return (2 * code + 1 - (1 << bits)) * (1 << (7 - bits));\n}}\n");
        }
        if has_digits {
            line!(self, "/* A ternary weight, in units of the sums: a digit of the byte over 256. */");
            line!(self, "static inline int {name}_digit(const uint8_t *weights, int32_t at)\n{{");
            line!(self, "    static const int powers[5] = {{ 3, 9, 27, 81, 243 }};\n");
            line!(self, "    return (weights[at / 5] * powers[at % 5] / 256 % 3 - 1) * 64;\n}}\n");
        }
        line!(self, "/* sum * multiplier / 2^shift, to the nearest integer, halves up. */");
        line!(self, "static inline int32_t {name}_scaled(int32_t sum, uint16_t multiplier, uint8_t shift)\n{{");
        line!(self, "    int64_t product = (int64_t)sum * multiplier + ((int64_t)1 << (shift - 1));\n");
        line!(self, "    /* Rounded down, below 0 too, where C leaves it open what a shift does. */");
        line!(self, "    return (int32_t)(product < 0 ? ~(~product >> shift) : product >> shift);\n}}\n");
        for finish in Finish::ALL {
            let computes = |op: &Op| matches!(op, Op::Dense(_) | Op::Conv(_));
            if !layers.iter().any(|(_, op, own)| computes(op) && *own == finish) {
                continue;
            }
            if finish == Finish::Sigmoid {
                let value = |i: u32| (255.0 / (1.0 + (-f64::from(i) / 32.0).exp())).round() as u8;
                line!(self, "/* 255 times the sigmoid function of i / 32. */");
                self.named_array("uint8_t", "sigmoid_table", &(0..256).map(value).collect::<Vec<_>>());
                line!(self, "");
            }
            let (kind, function) = (finish.kind(), finish.name());
            line!(self, "static inline {kind} {name}_{function}(int32_t sum, uint16_t multiplier, uint8_t shift)\n{{");
            line!(self, "    int32_t scaled = {name}_scaled(sum, multiplier, shift);\n");
            match finish {
                Finish::Relu => {
                    line!(self, "    return (uint8_t)(scaled < 0 ? 0 : scaled > 255 ? 255 : scaled);");
                }
                Finish::Sigmoid => {
                    line!(self, "    int32_t size = scaled < 0 ? -scaled : scaled;");
                    line!(self, "    uint8_t positive = {name}_sigmoid_table[size > 255 ? 255 : size];\n");
                    line!(self, "    return (uint8_t)(scaled < 0 ? 255 - positive : positive);");
                }
                Finish::Logit => {
                    line!(self, "    return (int16_t)(scaled < -32767 ? -32767 : scaled > 32767 ? 32767 : scaled);");
                }
            }
            line!(self, "}}\n");
        }
    }

    fn layer(&mut self, number: usize, op: Op, finish: Finish) {
        line!(self, "/* Layer {number}: {} */", op.text());
        line!(
            self,
            "static inline void {}_layer{number}(const uint8_t *in, {} *out)\n{{",
            self.name,
            if finish == Finish::Logit { "int16_t" } else { "uint8_t" }
        );
        match op {
            Op::Dense(op) => self.dense(number, op, finish),
            Op::Conv(op) => self.conv(number, op, finish),
            Op::GlobalAvgPool(op) => self.global_avg_pool(op, finish),
            Op::Flatten(_) | Op::Dropout(_) => {}
        }
        line!(self, "}}\n");
    }

    /// The width of a layer's weights.
    fn width(&self, op: Op) -> Width {
        op.bits().unwrap_or(self.integers.width())
    }

    /// The weight of an output `o` at a place among its own.
    fn weight(&self, number: usize, op: Op, at: &str) -> String {
        let (name, width) = (self.name, self.width(op));
        let row = row_bytes(op, width);
        match width {
            Width::Eight => format!("{name}_weights{number}[o * {row} + {at}]"),
            Width::Four => format!("{name}_code({name}_weights{number} + o * {row}, {at}, 4)"),
            Width::Three => format!("{name}_code({name}_weights{number} + o * {row}, {at}, 3)"),
            Width::Two => format!("{name}_code({name}_weights{number} + o * {row}, {at}, 2)"),
            Width::Ternary => format!("{name}_digit({name}_weights{number} + o * {row}, {at})"),
        }
    }

    /// What becomes of a sum without its bias.
    fn finished(&self, number: usize, finish: Finish, sum: &str) -> String {
        let (name, function) = (self.name, finish.name());
        format!(
            "{name}_{function}({sum} + {name}_biases{number}[o], {name}_multipliers{number}[o], {name}_shifts{number}[o])"
        )
    }

    fn dense(&mut self, number: usize, op: Dense, finish: Finish) {
        let (inputs, outputs) = (op.inputs, op.outputs);
        let weight = self.weight(number, Op::Dense(op), "i");
        let finished = self.finished(number, finish, "sum");
        line!(self, "    for (int32_t o = 0; o < {outputs}; o++) {{");
        line!(self, "        int32_t sum = 0;\n");
        line!(self, "        for (int32_t i = 0; i < {inputs}; i++) {{");
        line!(self, "            sum += in[i] * {weight};");
        line!(self, "        }}");
        line!(self, "        out[o] = {finished};");
        line!(self, "    }}");
    }

    fn conv(&mut self, number: usize, op: Conv, finish: Finish) {
        let Conv { height, width, channels, filter_height, filter_width, filters, stride, .. } = op;
        let ([top, left], (down, across)) = (padding_before(op), (op.pool_height(), op.pool_width()));
        let (rows, columns, outputs) = (op.out_height(), op.out_width(), filters.max(1));
        let tap = format!("(a * {filter_width} + b) * {channels} + c");
        let weight = self.weight(number, Op::Conv(op), &tap);
        let is_average = op.pooling == Pooling::Avg2;
        // Around the first layer's image is the byte that stands for 0.
        let is_first = |op: &Op| matches!(op, Op::Dense(_) | Op::Conv(_));
        let first = self.integers.architecture().layers().iter().position(is_first);
        let zero = if first == Some(number - 1) { self.integers.list().input().zero } else { 0 };
        let finished = self.finished(number, finish, "pooled");
        line!(self, "    for (int32_t at = 0; at < {}; at++) {{", rows * columns * filters);
        line!(
            self,
            "        int32_t o = at % {outputs}, x = at / {outputs} % {columns}, y = at / {};",
            outputs * columns
        );
        line!(self, "        int32_t pooled = {};\n", if is_average { "0" } else { "INT32_MIN" });
        line!(self, "        for (int32_t p = 0; p < {}; p++) {{", down * across);
        line!(self, "            int32_t top = (y * {down} + p / {across}) * {stride} - {top};");
        line!(self, "            int32_t left = (x * {across} + p % {across}) * {stride} - {left};");
        line!(self, "            int32_t sum = 0;\n");
        line!(self, "            for (int32_t a = 0; a < {filter_height}; a++) {{");
        line!(self, "                for (int32_t b = 0; b < {filter_width}; b++) {{");
        line!(self, "                    int32_t row = top + a, column = left + b;\n");
        line!(self, "                    if (row < 0 || row >= {height} || column < 0 || column >= {width}) {{");
        if zero > 0 {
            line!(self, "                        for (int32_t c = 0; c < {channels}; c++) {{");
            line!(self, "                            sum += {zero} * {weight};");
            line!(self, "                        }}");
        }
        line!(self, "                        continue;");
        line!(self, "                    }}");
        line!(self, "                    for (int32_t c = 0; c < {channels}; c++) {{");
        line!(self, "                        sum += in[(row * {width} + column) * {channels} + c]");
        line!(self, "                            * {weight};");
        line!(self, "                    }}");
        line!(self, "                }}");
        line!(self, "            }}");
        if is_average {
            line!(self, "            pooled += sum;");
        } else {
            line!(self, "            pooled = sum > pooled ? sum : pooled;");
        }
        line!(self, "        }}");
        line!(self, "        out[at] = {finished};");
        line!(self, "    }}");
    }

    fn global_avg_pool(&mut self, op: GlobalAvgPool, finish: Finish) {
        let (channels, positions) = (op.channels, op.height * op.width);
        line!(self, "    for (int32_t c = 0; c < {channels}; c++) {{");
        line!(self, "        int32_t sum = 0;\n");
        line!(self, "        for (int32_t i = 0; i < {positions}; i++) {{");
        line!(self, "            sum += in[i * {channels} + c];");
        line!(self, "        }}");
        line!(self, "        out[c] = ({})((2 * sum + {positions}) / {});", finish.kind(), 2 * positions);
        line!(self, "    }}");
    }

    fn infer(&mut self, layers: &[(usize, Op, Finish)]) {
        let (name, upper) = (self.name, self.name.to_ascii_uppercase());
        // Layers write to one buffer and the other in turn.
        let mut sizes = [0; 2];
        for (index, (_, op, _)) in layers.iter().enumerate().take(layers.len().saturating_sub(1)) {
            sizes[index % 2] = op.outputs().max(1).max(sizes[index % 2]);
        }
        line!(self, "/* Computes the logits, {upper}_OUTPUTS of them, for {upper}_INPUTS pixels. */");
        line!(self, "static inline void {name}_infer(const uint8_t *pixels, int16_t *logits)\n{{");
        for (buffer, size) in ["a", "b"].iter().zip(sizes).filter(|(_, size)| *size > 0) {
            line!(self, "    static uint8_t {buffer}[{size}];");
        }
        line!(self, "");
        let mut from = "pixels";
        for (index, (number, ..)) in layers.iter().enumerate() {
            let to = if index + 1 == layers.len() { "logits" } else { ["a", "b"][index % 2] };
            line!(self, "    {name}_layer{number}({from}, {to});");
            from = to;
        }
        line!(self, "}}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_c() {
        for (name, in_c) in
            [("digits-int8", "digits_int8"), ("7.3", "net_7_3"), ("Ämter", "net__mter"), ("", "net_"), ("_a", "net__a")]
        {
            assert_eq!(identifier(name), in_c, "{name}");
        }
    }
}
