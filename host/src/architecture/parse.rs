//! From a text to a network, or to an error as good as the compiler's for a network's type: which layer, what it gets,
//! what it takes, what would mend it, and the place in the text.

use super::error::{Problem, TextError, quoted};
use super::{Architecture, Shape};
use minnet::activation::Function;
use minnet::op::{Conv, Dense, Dropout, Op};
use minnet::pool::Pooling;
use std::ops::Range;

/// The most parameters of a network, and the most values between two layers: fewer than 2^32 bytes, so that a 32-bit
/// machine can count them.
const MOST: u128 = 1 << 28;
/// The most bytes of a text that a model file holds.
const LONGEST: usize = 255;
/// The kinds of layers.
const LAYERS: [&str; 4] = ["dense", "conv5x5", "flatten", "dropout"];
/// What a text looks like.
pub(crate) const EXAMPLE: &str = "784: dense 30 sigmoid, dense 10 softmax";

type Result<T> = std::result::Result<T, Problem>;

pub(super) fn architecture(text: &str) -> std::result::Result<Architecture, TextError> {
    // Places stay what they are.
    read(&text.to_ascii_lowercase()).map_err(|problem| TextError::new(text, problem))
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
        LAYERS.contains(&self.text) || filter(self.text).is_some()
    }

    fn activation(self) -> Option<Function> {
        Function::ALL.iter().copied().find(|function| function.name() == self.text)
    }

    fn pooling(self) -> Option<Pooling> {
        Pooling::ALL.iter().copied().find(|pooling| pooling.name() == self.text)
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

/// Rows and columns of the filters, if the word begins a convolution.
fn filter(word: &str) -> Option<(usize, usize)> {
    let (rows, columns) = word.strip_prefix("conv")?.split_once('x')?;
    Some((rows.parse().ok()?, columns.parse().ok()?)).filter(|(rows, columns)| *rows > 0 && *columns > 0)
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
        let (_, activation) = options(words, false)?;
        let Shape::Vector(inputs) = self.shape else {
            let message =
                format!("a dense layer takes a vector, and gets {}: write `flatten` before it", given(self.shape));
            return Err(Problem::new(name.place(), message));
        };
        Ok(Op::Dense(Dense {
            inputs,
            outputs,
            activation: activation.map_or(Function::Identity, |(_, function)| function),
        }))
    }

    fn flatten(&self, name: Word<'_>, words: Words<'_>) -> Result<Op> {
        words.finish("flatten")?;
        match self.shape {
            Shape::Image { .. } => Ok(Op::Flatten(self.shape.values())),
            Shape::Vector(_) => {
                let message = format!("it takes an image, and gets {}: take it away", given(self.shape));
                Err(Problem::new(name.place(), message))
            }
        }
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
        let Some((filter_height, filter_width)) = filter(name.text) else {
            let message = "the filters' rows and columns are missing: write `conv5x5`";
            return Err(Problem::new(name.place(), message));
        };
        if (filter_height, filter_width) != (5, 5) {
            let message =
                format!("filters of {filter_height}x{filter_width} are not supported, only 5x5: write `conv5x5`");
            return Err(Problem::new(name.place(), message));
        }
        let (filters, number) = words.number("number of filters", "conv5x5 20")?;
        if filters == 0 {
            return Err(Problem::new(number.place(), "a convolution has at least one filter"));
        }
        let (pooling, activation) = options(words, true)?;
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
            pooling: pooling.map_or(Pooling::None, |(_, pooling)| pooling),
            activation: activation.map_or(Function::Identity, |(_, function)| function),
        };
        if height < filter_height || width < filter_width {
            let message = format!(
                "a filter of {filter_height}x{filter_width} does not fit into an image of {}: {}leave out a \
                 convolution or a pooling before it",
                self.shape,
                self.sides(op)
            );
            return Err(Problem::new(name.place(), message));
        }
        let side = op.pooling.side();
        let is_covered = op.rows().is_multiple_of(side) && op.columns().is_multiple_of(side);
        if let Some((word, _)) = pooling.filter(|_| !is_covered) {
            let message = format!(
                "the pooling's squares of {side}x{side} do not cover the {}x{} that the filters make of {}: {}leave \
                 the pooling out",
                op.rows(),
                op.columns(),
                self.shape,
                self.sides(op)
            );
            return Err(Problem::new(word.place(), message));
        }
        Ok(Op::Conv(op))
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
            _ if layers.iter().any(|op| matches!(op, Op::Flatten(_))) => "move it before `flatten`".into(),
            _ => "move it before the dense layers, and write the input as an image, such as `28x28x1:`".into(),
        };
        format!("a convolution takes an image, and gets {}: {remedy}", given(self.shape))
    }

    /// The nearest sizes of the input with which the convolution would fit: "give the input 12 or 14 rows, or ".
    fn sides(&self, last: Conv) -> String {
        let Shape::Image { height, width, .. } = self.architecture.input else { return String::new() };
        let windows = |rows: bool| {
            let convolutions = self.architecture.layers.iter().filter_map(|op| match op {
                Op::Conv(op) => Some(*op),
                _ => None,
            });
            let windows = convolutions.chain([last]);
            windows.map(move |op| (if rows { op.filter_height } else { op.filter_width }, op.pooling.side())).collect()
        };
        let (rows, columns) = (other_sides(height, windows(true)), other_sides(width, windows(false)));
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
        let (weights, biases, outputs, positions) = match op {
            Op::Dense(op) => (product(&[op.inputs, op.outputs]), op.outputs, op.outputs as u128, 1),
            Op::Conv(op) => (
                product(&[op.filter_height, op.filter_width, op.channels, op.filters]),
                op.filters,
                product(&[op.out_height(), op.out_width(), op.filters]),
                product(&[op.rows(), op.columns()]),
            ),
            Op::Flatten(values) | Op::Dropout(Dropout { values, .. }) => (0, 0, values as u128, 0),
        };
        self.parameters = self.parameters.saturating_add(weights).saturating_add(biases as u128);
        self.macs = self.macs.saturating_add(weights.saturating_mul(positions));
        (self.parameters <= MOST && outputs <= MOST && self.macs <= usize::MAX as u128).then_some(())
    }
}

fn given(shape: Shape) -> String {
    match shape {
        Shape::Vector(values) => format!("a vector of {values}"),
        Shape::Image { .. } => format!("an image of {shape}"),
    }
}

/// The sides next to `side` of which all `windows`, each a filter's and a pooling's side, leave something whole; `None`
/// if `side` is one itself, or none is near.
fn other_sides(side: usize, windows: Vec<(usize, usize)>) -> Option<String> {
    const FAR: usize = 1000;
    let fits = |side: &usize| {
        let left = windows.iter().try_fold(*side, |side, (filter, pooling)| {
            let map = (side + 1).checked_sub(*filter)?;
            map.is_multiple_of(*pooling).then_some(map / pooling).filter(|side| *side > 0)
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

type Options<'a> = (Option<(Word<'a>, Pooling)>, Option<(Word<'a>, Function)>);

/// What may follow a layer's number: a pooling if it is a convolution's, and an activation.
fn options(words: Words<'_>, is_conv: bool) -> Result<Options<'_>> {
    let (mut pooling, mut activation) = (None, None);
    for word in words.rest {
        let twice = |what: &str, first: Word<'_>| {
            let message =
                format!("{} is a second {what}, after {}: keep one of them", quoted(word.text), quoted(first.text));
            Err(Problem::new(word.place(), message))
        };
        match (word.activation(), word.pooling()) {
            (Some(function), _) => {
                if let Some((first, _)) = activation.replace((word, function)) {
                    return twice("activation", first);
                }
            }
            (None, Some(_)) if !is_conv => {
                let message = format!("a dense layer has no pooling: take {} away", quoted(word.text));
                return Err(Problem::new(word.place(), message));
            }
            (None, Some(kind)) => match (pooling.replace((word, kind)), activation) {
                (Some((first, _)), _) => return twice("pooling", first),
                (None, Some((first, _))) => {
                    let message =
                        format!("the pooling comes before the activation: write `{} {}`", word.text, first.text);
                    return Err(Problem::new(word.place(), message));
                }
                (None, None) => {}
            },
            (None, None) => return Err(unknown_option(word, is_conv)),
        }
    }
    Ok((pooling, activation))
}

fn unknown_option(word: Word<'_>, is_conv: bool) -> Problem {
    if word.is_layer() {
        return missing_comma(word);
    }
    if word.is_number() {
        return Problem::new(word.place(), format!("a layer has one number: take {} away", quoted(word.text)));
    }
    let (mut kind, mut known) = ("not an activation", activations(is_conv));
    if is_conv {
        kind = "neither a pooling nor an activation";
        let poolings = Pooling::ALL.iter().map(|pooling| pooling.name()).filter(|name| !name.is_empty());
        known.splice(0..0, poolings);
    }
    let quoted = quoted(word.text);
    let message = format!("{quoted} is {kind} ({}){}", known.join(", "), nearest(word.text, &known));
    Problem::new(word.place(), message)
}

fn unknown_layer(name: Word<'_>) -> Problem {
    let word = quoted(name.text);
    let message = if name.activation().is_some() || name.pooling().is_some() {
        format!("{word} is not a layer of its own: write it after a layer's number, without a comma")
    } else {
        format!("{word} is not a layer ({}){}", LAYERS.join(", "), nearest(name.text, &LAYERS))
    };
    Problem::new(name.place(), message)
}
