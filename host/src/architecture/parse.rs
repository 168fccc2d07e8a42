//! From a text to a network, or to an error as good as the compiler's for a network's type: which layer, what it gets,
//! what it takes, what would mend it, and the place in the text.

use super::error::{Problem, TextError, quoted};
use super::{Architecture, Shape};
use minnet::activation::Function;
use minnet::op::{Conv, Dense, Dropout, GlobalAvgPool, Op, Padding};
use minnet::pool::Pooling;
use minnet::quant::Width;
use std::ops::Range;

/// The most parameters of a network, and the most values between two layers, padding included: fewer than 2^32 bytes,
/// so that a 32-bit machine can count them.
const MOST: u128 = 1 << 28;
/// The most bytes of a text that a model file holds.
const LONGEST: usize = 255;
/// The kinds of layers.
const LAYERS: [&str; 5] = ["dense", "convHxW", "globalavgpool", "flatten", "dropout"];
/// What stands before a convolution's stride.
const STRIDE: &str = "stride";
/// What a text looks like.
pub(crate) const EXAMPLE: &str = "784: dense 30 sigmoid, dense 10 softmax";

type Result<T> = std::result::Result<T, Problem>;

pub(super) fn architecture(text: &str) -> std::result::Result<Architecture, TextError> {
    // Places stay what they are.
    read(&text.to_ascii_lowercase()).map_err(|problem| TextError::new(text, problem))
}

/// The shape that stands before an architecture's colon.
pub(super) fn shape(text: &str) -> std::result::Result<Shape, TextError> {
    input(Words::of(&text.to_ascii_lowercase(), 0)).map_err(|problem| TextError::new(text, problem))
}

fn read(text: &str) -> Result<Architecture> {
    if text.trim().is_empty() {
        return Err(Problem::new(0..0, format!("the network's text is empty: write, for example, `{EXAMPLE}`")));
    }
    let Some((before, after)) = text.split_once(':') else { return Err(no_colon(text)) };
    let mut network = Network::new(input(Words::of(before, 0))?);
    let mut at = before.len() + 1;
    if after.trim().is_empty() {
        return Err(Problem::new(at..at, "no layer follows the input: write at least one, such as `dense 10 softmax`"));
    }
    for (index, piece) in after.split(',').enumerate() {
        let words = Words::of(piece, at);
        at += piece.len() + 1;
        let name = match words.text() {
            text if text.is_empty() => String::new(),
            text => format!(" ({})", quoted(&text)),
        };
        network.add(words).map_err(|Problem { at, message }| Problem {
            at,
            message: format!("layer {}{name}: {message}", index + 1),
        })?;
    }
    Ok(network.architecture)
}

fn no_colon(text: &str) -> Problem {
    let mut words = Words::of(text.split(',').next().unwrap_or_default(), 0);
    words.rest.truncate(1);
    let Range { start: begin, end } = words.rest.first().map_or(0..0, |word| word.place());
    match input(words) {
        Ok(shape) => Problem::new(end..end, format!("a colon is missing after the input: write `{shape}:`")),
        Err(_) => Problem::new(
            begin..begin,
            "the input is missing: begin with `784:` for a vector of 784 values, or `28x28x1:` for an image's rows, \
             columns and channels",
        ),
    }
}

/// Some words of the text, one after the other.
struct Words<'a> {
    rest: Vec<Word<'a>>,
    /// Where the text goes on after them.
    end: usize,
}

#[derive(Clone, Copy)]
struct Word<'a> {
    text: &'a str,
    at: usize,
}

impl Word<'_> {
    fn place(self) -> Range<usize> {
        self.at..self.at + self.text.len()
    }

    fn is_number(self) -> bool {
        self.text.bytes().all(|byte| byte.is_ascii_digit())
    }

    /// Whether a layer begins so.
    fn is_layer(self) -> bool {
        LAYERS.contains(&self.text) || self.filter().is_some()
    }

    /// What it chooses, if it may follow a layer's number.
    fn choice(self) -> Option<Choice> {
        let pooling = Pooling::ALL.iter().copied().find(|pooling| pooling.name() == self.text);
        let activation = Function::ALL.iter().copied().find(|function| function.name() == self.text);
        let bits = Width::ALL.iter().copied().find(|width| width.name() == self.text);
        match self.text {
            STRIDE => Some(Choice::Stride),
            "same" => Some(Choice::Padding(Padding::Same)),
            "valid" => Some(Choice::Padding(Padding::Valid)),
            _ => pooling.map(Choice::Pooling).or(activation.map(Choice::Activation)).or(bits.map(Choice::Bits)),
        }
    }
}

impl<'a> Word<'a> {
    /// Rows and columns of the filters, two numbers, if it begins a convolution.
    fn filter(self) -> Option<[Word<'a>; 2]> {
        const CONV: &str = "conv";
        let (rows, columns) = self.text.strip_prefix(CONV)?.split_once('x')?;
        let at = self.at + CONV.len();
        let sides = [Word { text: rows, at }, Word { text: columns, at: at + rows.len() + 1 }];
        sides.iter().all(|side| !side.text.is_empty() && side.is_number()).then_some(sides)
    }
}

impl<'a> Words<'a> {
    /// The words of a piece of the text that begins at `at`.
    fn of(piece: &'a str, mut at: usize) -> Self {
        let mut words = Self { rest: Vec::new(), end: at + piece.trim_end().len() };
        for word in piece.split_inclusive(char::is_whitespace) {
            let text = word.trim_end();
            if !text.is_empty() {
                words.rest.push(Word { text, at });
            }
            at += word.len();
        }
        words
    }

    fn text(&self) -> String {
        self.rest.iter().map(|word| word.text).collect::<Vec<_>>().join(" ")
    }

    fn next(&mut self) -> Option<Word<'a>> {
        (!self.rest.is_empty()).then(|| self.rest.remove(0))
    }

    /// The next word, a number.
    fn number(&mut self, what: &str, example: &str) -> Result<(usize, Word<'a>)> {
        let Some(word) = self.next() else {
            let message = format!("the {what} is missing: write, for example, `{example}`");
            return Err(Problem::new(self.end..self.end, message));
        };
        if !word.is_number() {
            let message = format!(
                "{} stands where the {what} should, a whole number: write, for example, `{example}`",
                quoted(word.text)
            );
            return Err(Problem::new(word.place(), message));
        }
        Ok((number(word)?, word))
    }

    /// Nothing may follow.
    fn finish(mut self, name: &str) -> Result<()> {
        match self.next() {
            None => Ok(()),
            Some(word) if word.is_layer() => Err(missing_comma(word)),
            Some(word) => {
                Err(Problem::new(word.place(), format!("nothing follows `{name}`: take {} away", quoted(word.text))))
            }
        }
    }
}

/// A word of digits as a number.
fn number(digits: Word<'_>) -> Result<usize> {
    let value = digits.text.parse().ok().filter(|value| *value as u128 <= MOST);
    value.ok_or_else(|| Problem::new(digits.place(), format!("the number is too large: write at most {MOST}")))
}

fn missing_comma(word: Word<'_>) -> Problem {
    Problem::new(word.place(), format!("a comma is missing before {}", quoted(word.text)))
}

/// "; did you mean …?" for a word that is nearly one of these.
fn nearest(word: &str, known: &[&str]) -> String {
    let nearest = known.iter().map(|known| (strsim::levenshtein(word, known), known)).min();
    match nearest {
        Some((distance, known)) if 2 * distance <= known.len() => format!("; did you mean `{known}`?"),
        _ => String::new(),
    }
}

/// The input, which stands before the colon.
fn input(words: Words<'_>) -> Result<Shape> {
    const EXAMPLES: &str =
        "write `784` for a vector of 784 values, or `28x28x1` for an image's rows, columns and channels";
    let (Some(first), Some(last)) = (words.rest.first(), words.rest.last()) else {
        return Err(Problem::new(0..0, format!("the input is missing: {EXAMPLES}")));
    };
    let text = words.text();
    let place = first.at..last.place().end;
    let mut sizes = Vec::new();
    for size in text.split('x').map(str::trim) {
        let word = Word { text: size, at: first.at };
        if size.is_empty() || !word.is_number() {
            return Err(Problem::new(place, format!("{} is not an input: {EXAMPLES}", quoted(&text))));
        }
        sizes.push(number(word).map_err(|problem| Problem { at: place.clone(), ..problem })?);
    }
    if sizes.contains(&0) {
        return Err(Problem::new(place, "the input has a size of 0: each must be at least 1"));
    }
    let shape = match sizes[..] {
        [values] => Shape::Vector(values),
        [height, width, channels] => Shape::Image { height, width, channels },
        [height, width] => {
            let message =
                format!("the input has no number of channels: write `{height}x{width}x1` for an image of one");
            return Err(Problem::new(place, message));
        }
        _ => return Err(Problem::new(place, format!("{} is not an input: {EXAMPLES}", quoted(&text)))),
    };
    if product(&sizes) > MOST {
        return Err(Problem::new(place, format!("the input has more than {MOST} values: make it smaller")));
    }
    Ok(shape)
}

/// The product of some sizes; if that is too large, the greatest number.
fn product(sizes: &[usize]) -> u128 {
    sizes.iter().fold(1, |product, size| product.saturating_mul(*size as u128))
}

/// The network so far.
struct Network {
    architecture: Architecture,
    /// What the last layer gives.
    shape: Shape,
    parameters: u128,
    macs: u128,
    /// Bytes of its text.
    bytes: usize,
}

impl Network {
    fn new(input: Shape) -> Self {
        let architecture = Architecture { input, layers: Vec::new() };
        Self { architecture, shape: input, parameters: 0, macs: 0, bytes: input.to_string().len() }
    }

    /// Reads the next layer.
    fn add(&mut self, mut words: Words<'_>) -> Result<()> {
        let Some(name) = words.next() else {
            let message = "nothing stands here: write a layer, or take the comma away";
            return Err(Problem::new(words.end..words.end, message));
        };
        let place = name.at..words.end;
        let op = match name.text {
            "dense" => self.dense(name, words)?,
            "flatten" => self.flatten(name, words)?,
            "globalavgpool" => self.global_avg_pool(name, words)?,
            "dropout" => self.dropout(words)?,
            text if text.starts_with("conv") => self.conv(name, words)?,
            _ => return Err(unknown_layer(name)),
        };
        self.bytes += ", ".len() + op.text().as_str().len();
        if self.bytes > LONGEST {
            let message = format!(
                "with it the text is longer than the {LONGEST} bytes that a model file holds: leave layers out"
            );
            return Err(Problem::new(place, message));
        }
        if self.count(op).is_none() {
            let message = format!("with it the network has more than {MOST} parameters or values: make it smaller");
            return Err(Problem::new(place, message));
        }
        self.shape = self.shape.after(op);
        self.architecture.layers.push(op);
        Ok(())
    }

    fn dense(&self, name: Word<'_>, mut words: Words<'_>) -> Result<Op> {
        let (outputs, _) = words.number("number of outputs", "dense 30")?;
        let Options { activation, bits, .. } = options(words, false)?;
        let Shape::Vector(inputs) = self.shape else {
            let message =
                format!("a dense layer takes a vector, and gets {}: write `flatten` before it", given(self.shape));
            return Err(Problem::new(name.place(), message));
        };
        Ok(Op::Dense(Dense {
            inputs,
            outputs,
            activation: activation.map_or(Function::Identity, |(_, function)| function),
            bits,
        }))
    }

    fn flatten(&self, name: Word<'_>, words: Words<'_>) -> Result<Op> {
        words.finish(name.text)?;
        match self.shape {
            Shape::Image { .. } => Ok(Op::Flatten(self.shape.values())),
            Shape::Vector(_) => Err(self.needless(name)),
        }
    }

    fn global_avg_pool(&self, name: Word<'_>, words: Words<'_>) -> Result<Op> {
        words.finish(name.text)?;
        match self.shape {
            Shape::Image { height, width, channels } => {
                Ok(Op::GlobalAvgPool(GlobalAvgPool { height, width, channels }))
            }
            Shape::Vector(_) => Err(self.needless(name)),
        }
    }

    /// What makes a vector gets one.
    fn needless(&self, name: Word<'_>) -> Problem {
        let message = format!("it takes an image, and gets {}: take it away", given(self.shape));
        Problem::new(name.place(), message)
    }

    fn dropout(&self, mut words: Words<'_>) -> Result<Op> {
        let (percent, word) = words.number("percentage", "dropout 50")?;
        words.finish("dropout")?;
        match u8::try_from(percent) {
            Ok(percent @ 0..100) => Ok(Op::Dropout(Dropout { values: self.shape.values(), percent })),
            _ => Err(Problem::new(word.place(), "dropout must leave something: write at most `dropout 99`")),
        }
    }

    fn conv(&self, name: Word<'_>, mut words: Words<'_>) -> Result<Op> {
        let Some([rows, columns]) = name.filter() else {
            let message = "the filters' rows and columns are missing: write, for example, `conv5x5`";
            return Err(Problem::new(name.place(), message));
        };
        let (filter_height, filter_width) = (number(rows)?, number(columns)?);
        if let Some((_, side)) = [(filter_height, rows), (filter_width, columns)].iter().find(|(size, _)| *size == 0) {
            return Err(Problem::new(side.place(), "a filter has at least one row and one column"));
        }
        let (filters, number) = words.number("number of filters", "conv5x5 20")?;
        if filters == 0 {
            return Err(Problem::new(number.place(), "a convolution has at least one filter"));
        }
        let Options { stride, padding, pooling, activation, bits } = options(words, true)?;
        if let Some((word, _)) = activation.filter(|(_, function)| !function.is_elementwise()) {
            let message = format!(
                "a convolution takes an activation that works on each value alone ({}): {} is for a dense layer",
                activations(true).join(", "),
                quoted(word.text)
            );
            return Err(Problem::new(word.place(), message));
        }
        let Shape::Image { height, width, channels } = self.shape else {
            return Err(Problem::new(name.place(), self.no_image()));
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
            pooling: pooling.map_or(Pooling::None, |(_, pooling)| pooling),
            activation: activation.map_or(Function::Identity, |(_, function)| function),
            bits,
        };
        if op.rows() == 0 || op.columns() == 0 {
            return Err(Problem::new(name.place(), self.no_room(op)));
        }
        let is_covered = op.rows().is_multiple_of(op.pool_height()) && op.columns().is_multiple_of(op.pool_width());
        if let Some((word, _)) = pooling.filter(|_| !is_covered) {
            let message = format!(
                "the pooling's {} do not cover the {}x{} that the filters make of {}: {}leave the pooling out",
                if op.rows() == 1 || op.columns() == 1 { "pairs" } else { "squares of 2x2" },
                op.rows(),
                op.columns(),
                self.shape,
                self.sides(op)
            );
            return Err(Problem::new(word.place(), message));
        }
        Ok(Op::Conv(op))
    }

    /// The convolutions so far.
    fn convolutions(&self) -> impl Iterator<Item = Conv> {
        self.architecture.layers.iter().filter_map(|op| match op {
            Op::Conv(op) => Some(*op),
            _ => None,
        })
    }

    /// What to do about filters that are larger than their image.
    fn no_room(&self, op: Conv) -> String {
        let Conv { height, width, channels, filter_height, filter_width, .. } = op;
        let is_first = self.convolutions().next().is_none();
        let what = format!("a filter of {filter_height}x{filter_width} does not fit into an image of {}", self.shape);
        if filter_height <= width && filter_width <= height {
            let input =
                if is_first { format!(", or the input as `{width}x{height}x{channels}:`") } else { String::new() };
            let exchanged = format!("{filter_width}x{filter_height}");
            return format!("{what}, but one of {exchanged} does: write `conv{exchanged}`{input}");
        }
        let others = if is_first { "" } else { ", or leave out a convolution or a pooling before it" };
        format!("{what}: {}add `same`{others}", self.sides(op))
    }

    /// What to do about a convolution that gets a vector.
    fn no_image(&self) -> String {
        let layers = &self.architecture.layers;
        let remedy = match self.architecture.input {
            Shape::Vector(values) if layers.iter().all(|op| op.in_place()) => {
                let side = values.isqrt();
                let example = if side * side == values { side } else { 28 };
                format!("write the input as an image, such as `{example}x{example}x1:`")
            }
            _ => match layers.iter().find(|op| matches!(op, Op::Flatten(_) | Op::GlobalAvgPool(_))) {
                Some(op) => format!("move it before `{}`", op.text()),
                None => "move it before the dense layers, and write the input as an image, such as `28x28x1:`".into(),
            },
        };
        format!("a convolution takes an image, and gets {}: {remedy}", given(self.shape))
    }

    /// The nearest sizes of the input with which the convolution would fit: "give the input 12 or 14 rows, or ".
    fn sides(&self, last: Conv) -> String {
        let Shape::Image { height, width, .. } = self.architecture.input else { return String::new() };
        let convolutions: Vec<Conv> = self.convolutions().chain([last]).collect();
        let rows = other_sides(height, &convolutions, |op| op.filter_height);
        let columns = other_sides(width, &convolutions, |op| op.filter_width);
        match (rows, columns) {
            (Some(rows), Some(columns)) if rows == columns => format!("give the input {rows} rows and columns, or "),
            (Some(rows), Some(columns)) => format!("give the input {rows} rows and {columns} columns, or "),
            (Some(rows), None) => format!("give the input {rows} rows, or "),
            (None, Some(columns)) => format!("give the input {columns} columns, or "),
            (None, None) => String::new(),
        }
    }

    /// Counts a layer; `None` if something becomes too large. Sizes are multiplied here first.
    fn count(&mut self, op: Op) -> Option<()> {
        let (weights, biases, positions) = match op {
            Op::Dense(op) => (product(&[op.inputs, op.outputs]), op.outputs, 1),
            Op::Conv(op) => (
                product(&[op.filter_height, op.filter_width, op.channels, op.filters]),
                op.filters,
                product(&[op.rows(), op.columns()]),
            ),
            Op::Flatten(_) | Op::Dropout(_) | Op::GlobalAvgPool(_) => (0, 0, 0),
        };
        let values = match op {
            Op::Dense(op) => op.outputs as u128,
            Op::Conv(op) => product(&[op.out_height(), op.out_width(), op.filters]).max(product(&[
                op.padded_height(),
                op.padded_width(),
                op.channels,
            ])),
            // No more than they take.
            Op::Flatten(_) | Op::Dropout(_) | Op::GlobalAvgPool(_) => 0,
        };
        self.parameters = self.parameters.saturating_add(weights).saturating_add(biases as u128);
        self.macs = self.macs.saturating_add(weights.saturating_mul(positions));
        (self.parameters <= MOST && values <= MOST && self.macs <= usize::MAX as u128).then_some(())
    }
}

fn given(shape: Shape) -> String {
    match shape {
        Shape::Vector(values) => format!("a vector of {values}"),
        Shape::Image { .. } => format!("an image of {shape}"),
    }
}

/// The sides next to `side` of which all convolutions, each with a filter of the side that `filter` says, leave
/// something whole; `None` if `side` is one itself, or none is near.
fn other_sides(side: usize, convolutions: &[Conv], filter: impl Fn(&Conv) -> usize) -> Option<String> {
    const FAR: usize = 1000;
    let fits = |side: &usize| {
        let left = convolutions.iter().try_fold(*side, |side, op| {
            let places = match op.padding {
                Padding::Valid => (side + 1).checked_sub(filter(op))?,
                Padding::Same => side,
            };
            let positions = places.div_ceil(op.stride);
            let pooled = op.pooling.of_side(positions);
            positions.is_multiple_of(pooled).then_some(positions / pooled).filter(|side| *side > 0)
        });
        left.is_some()
    };
    if fits(&side) {
        return None;
    }
    let below = (side.saturating_sub(FAR).max(1)..side).rev().find(fits);
    let above = (side + 1..side + FAR).find(fits);
    match (below, above) {
        (Some(below), Some(above)) => Some(format!("{below} or {above}")),
        (Some(side), None) | (None, Some(side)) => Some(side.to_string()),
        (None, None) => None,
    }
}

/// The activations that a layer takes.
fn activations(is_conv: bool) -> Vec<&'static str> {
    let fitting = Function::ALL.iter().filter(|function| !is_conv || function.is_elementwise());
    fitting.map(|function| function.name()).filter(|name| !name.is_empty()).collect()
}

/// A word that may follow a layer's number.
#[derive(Clone, Copy)]
enum Choice {
    /// Its number comes after it.
    Stride,
    Padding(Padding),
    Pooling(Pooling),
    Activation(Function),
    Bits(Width),
}

impl Choice {
    /// What the choices are called, in the order in which they are written.
    const NAMES: [&str; 5] = ["stride", "padding", "pooling", "activation", "width"];

    /// Its place in that order.
    fn rank(self) -> usize {
        match self {
            Self::Stride => 0,
            Self::Padding(_) => 1,
            Self::Pooling(_) => 2,
            Self::Activation(_) => 3,
            Self::Bits(_) => 4,
        }
    }
}

/// What follows a layer's number.
struct Options<'a> {
    stride: usize,
    padding: Padding,
    pooling: Option<(Word<'a>, Pooling)>,
    activation: Option<(Word<'a>, Function)>,
    /// The width of the weights as integers.
    bits: Option<Width>,
}

/// Reads what follows a layer's number: any choice if it is a convolution, an activation and a width if it is a dense
/// layer.
fn options(mut words: Words<'_>, is_conv: bool) -> Result<Options<'_>> {
    let mut options = Options { stride: 1, padding: Padding::Valid, pooling: None, activation: None, bits: None };
    // Ranks and texts, in order.
    let mut written: Vec<(usize, String)> = Vec::new();
    while let Some(word) = words.next() {
        let Some(choice) = word.choice() else { return Err(unknown_option(word, is_conv)) };
        let (rank, mut place, mut text) = (choice.rank(), word.place(), word.text.to_owned());
        let name = Choice::NAMES[rank];
        if !is_conv && !matches!(choice, Choice::Activation(_) | Choice::Bits(_)) {
            let message = format!("a dense layer has no {name}: take {} away", quoted(word.text));
            return Err(Problem::new(place, message));
        }
        match choice {
            Choice::Stride => {
                let (stride, number) = words.number("stride", "stride 2")?;
                if stride == 0 {
                    return Err(Problem::new(number.place(), "a stride is at least 1"));
                }
                options.stride = stride;
                place.end = number.place().end;
                text = format!("{STRIDE} {stride}");
            }
            Choice::Padding(padding) => options.padding = padding,
            Choice::Pooling(pooling) => options.pooling = Some((word, pooling)),
            Choice::Activation(function) => options.activation = Some((word, function)),
            Choice::Bits(width) => options.bits = Some(width),
        }
        let at = written.partition_point(|(other, _)| *other < rank);
        if let Some((other, first)) = written.get(at) {
            let message = if *other == rank {
                format!("`{text}` is a second {name}, after `{first}`: keep one of them")
            } else {
                let later: Vec<&str> = written[at..].iter().map(|(_, text)| text.as_str()).collect();
                format!("the {name} comes before the {}: write `{text} {}`", Choice::NAMES[*other], later.join(" "))
            };
            return Err(Problem::new(place, message));
        }
        written.push((rank, text));
    }
    Ok(options)
}

fn unknown_option(word: Word<'_>, is_conv: bool) -> Problem {
    if word.is_layer() {
        return missing_comma(word);
    }
    let quoted = quoted(word.text);
    if word.is_number() {
        let stride = if is_conv { format!(", or write `{STRIDE} {}`", word.text) } else { String::new() };
        return Problem::new(word.place(), format!("a layer has one number: take {quoted} away{stride}"));
    }
    let (mut kind, mut known) = ("neither an activation nor a width", activations(is_conv));
    if is_conv {
        kind = "nothing that a convolution takes";
        let poolings = Pooling::ALL.iter().map(|pooling| pooling.name()).filter(|name| !name.is_empty());
        known.splice(0..0, [STRIDE, "same", "valid"].into_iter().chain(poolings));
    }
    known.extend(Width::ALL.iter().map(|width| width.name()));
    let message = format!("{quoted} is {kind} ({}){}", known.join(", "), nearest(word.text, &known));
    Problem::new(word.place(), message)
}

fn unknown_layer(name: Word<'_>) -> Problem {
    let word = quoted(name.text);
    let message = if name.choice().is_some() {
        format!("{word} is not a layer of its own: write it after a layer's number, without a comma")
    } else {
        format!("{word} is not a layer ({}){}", LAYERS.join(", "), nearest(name.text, &LAYERS))
    };
    Problem::new(name.place(), message)
}
