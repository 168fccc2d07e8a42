//! The stack machine of pickles, as far as the book's data need it. Its memory is bounded: it takes a limited number of
//! steps, keeps short texts only, and turns the bytes of an array into pixels or labels as they come.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::opcodes;
use super::run::{Kind, Run};
use super::tape::{Coding, Tape};
use crate::data::{Dataset, Image, source::Source};
use crate::error::Result;

/// The steps of the book's file are below 200.
const STEPS: u64 = 1_000;
/// A step more is allowed for so many bytes: an image in an array of its own has 3,136, and takes, with its label, some 40
/// steps at most. What is made in a step takes memory, and can be made again and again in a byte or two.
const STEP_BYTES: u64 = 64;
/// The most values on the stack: Python adds to a list a thousand at a time.
const STACK: usize = 4_000;
/// How deep tuples may lie in each other: the book's, three.
const DEPTH: u8 = 8;

/// What may be called or built, and nothing else.
const GLOBALS: [(&str, &str, Global); 7] = [
    ("numpy.core.multiarray", "_reconstruct", Global::Reconstruct),
    ("numpy._core.multiarray", "_reconstruct", Global::Reconstruct),
    ("numpy.core.multiarray", "scalar", Global::Scalar),
    ("numpy._core.multiarray", "scalar", Global::Scalar),
    ("numpy", "ndarray", Global::Ndarray),
    ("numpy", "dtype", Global::Dtype),
    ("_codecs", "encode", Global::Encode),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Global {
    Reconstruct,
    Scalar,
    Ndarray,
    Dtype,
    Encode,
}

/// What lies on the stack.
#[derive(Clone)]
enum Value {
    Mark,
    None,
    Bool(bool),
    Int(i64),
    Text(Rc<str>),
    Global(Global),
    /// How deep tuples lie in it, itself counted, and what is in it.
    Tuple(u8, Rc<[Value]>),
    /// A list: the place in [`Machine::lists`].
    List(usize),
    /// The type of an array's numbers.
    Dtype(Kind),
    /// The numbers of an array: the place in [`Machine::runs`].
    Run(usize),
    /// An array before its numbers.
    Blank,
    /// An array whose numbers have its shape.
    Array(usize),
}

/// A pickle that is being read.
pub(super) struct Machine {
    tape: Tape,
    stack: Vec<Value>,
    memo: BTreeMap<u32, Value>,
    runs: Vec<Run>,
    lists: Vec<Vec<Value>>,
}

impl Machine {
    pub(super) fn new(source: Source<'static>) -> Self {
        let (stack, memo, runs, lists) = (Vec::new(), BTreeMap::new(), Vec::new(), Vec::new());
        Self { tape: Tape::new(source), stack, memo, runs, lists }
    }

    /// Runs to the end, and gives the three sets that the pickle holds.
    pub(super) fn run(mut self) -> Result<[Dataset; 3]> {
        let mut steps = 0;
        while steps < STEPS + self.tape.offset() / STEP_BYTES {
            steps += 1;
            let opcode = self.tape.opcode()?;
            if self.stack.len() > STACK {
                return Err(self.tape.foreign(format!("more than {STACK} values on the stack")));
            }
            if opcode == b'.' {
                let result = self.pop()?;
                let sets = self.sets(&result)?;
                self.tape.end()?;
                return Ok(sets);
            }
            self.step(opcode)?;
        }
        Err(self.tape.foreign(format!("more than {steps} steps for so few bytes")))
    }

    fn step(&mut self, opcode: u8) -> Result<()> {
        match opcode {
            // PROTO
            0x80 => match self.tape.bytes()? {
                [1..=4] => {}
                [version] => return Err(self.tape.foreign(format!("protocol {version}"))),
            },
            // FRAME: its length is of no use here.
            0x95 => drop(self.tape.bytes::<8>()?),
            // MARK, NONE, NEWTRUE, NEWFALSE
            b'(' => self.push(Value::Mark),
            b'N' => self.push(Value::None),
            0x88 => self.push(Value::Bool(true)),
            0x89 => self.push(Value::Bool(false)),
            // BININT1, BININT2, BININT, LONG1, INT
            b'K' => self.int::<1>()?,
            b'M' => self.int::<2>()?,
            b'J' => {
                let number = i32::from_le_bytes(self.tape.bytes()?);
                self.push(Value::Int(number.into()));
            }
            0x8a => {
                let number = self.tape.long()?;
                self.push(Value::Int(number));
            }
            b'I' => self.decimal()?,
            // STRING, SHORT_BINSTRING, BINSTRING, SHORT_BINBYTES, BINBYTES, SHORT_BINUNICODE, BINUNICODE
            b'S' => self.quoted()?,
            b'U' | b'C' => self.string::<1>(Coding::Bytes)?,
            b'T' | b'B' => self.string::<4>(Coding::Bytes)?,
            0x8c => self.string::<1>(Coding::Utf8)?,
            b'X' => self.string::<4>(Coding::Utf8)?,
            // TUPLE, TUPLE1, TUPLE2, TUPLE3
            b't' => {
                let values = self.marked("a TUPLE")?;
                self.tuple(values)?;
            }
            0x85..=0x87 => {
                let count = usize::from(opcode - 0x84);
                let first =
                    self.stack.len().checked_sub(count).ok_or_else(|| self.tape.content("a TUPLE of too little"))?;
                let values = self.stack.split_off(first);
                self.tuple(values)?;
            }
            // LIST, EMPTY_LIST, APPEND, APPENDS
            b'l' => {
                let values = self.marked("a LIST")?;
                self.list(values);
            }
            b']' => self.list(Vec::new()),
            b'a' => {
                let value = self.pop()?;
                self.append(vec![value])?;
            }
            b'e' => {
                let values = self.marked("an APPENDS")?;
                self.append(values)?;
            }
            // PUT, BINPUT, LONG_BINPUT, MEMOIZE, GET, BINGET, LONG_BINGET
            b'p' => {
                let place = self.tape.decimal()?;
                self.remember(place)?;
            }
            b'q' => self.put::<1>()?,
            b'r' => self.put::<4>()?,
            0x94 => self.remember(self.memo.len() as u32)?,
            b'g' => {
                let place = self.tape.decimal()?;
                self.recall(place)?;
            }
            b'h' => self.get::<1>()?,
            b'j' => self.get::<4>()?,
            // GLOBAL, STACK_GLOBAL
            b'c' => {
                let [module, name] = [self.tape.line()?, self.tape.line()?];
                self.global(&module, &name)?;
            }
            0x93 => {
                let (name, module) = (self.pop()?, self.pop()?);
                let (Value::Text(module), Value::Text(name)) = (module, name) else {
                    return Err(self.tape.content("a global whose name is no text"));
                };
                self.global(&module, &name)?;
            }
            b'R' => self.reduce()?,
            b'b' => self.build()?,
            _ => {
                let name = opcodes::name(opcode).unwrap_or("unknown");
                return Err(self.tape.foreign(format!("opcode 0x{opcode:02x} ({name})")));
            }
        }
        Ok(())
    }

    /// What lies above the uppermost mark, which is taken away.
    fn marked(&mut self, what: &str) -> Result<Vec<Value>> {
        let mark = self.stack.iter().rposition(|value| matches!(value, Value::Mark));
        let mark = mark.ok_or_else(|| self.tape.content(format!("{what} without its MARK")))?;
        let values = self.stack.split_off(mark + 1);
        self.stack.pop();
        Ok(values)
    }

    fn tuple(&mut self, values: Vec<Value>) -> Result<()> {
        let depth = |value: &Value| if let Value::Tuple(depth, _) = value { *depth } else { 0 };
        let depth = 1 + values.iter().map(depth).max().unwrap_or(0);
        if depth > DEPTH {
            return Err(self.tape.foreign(format!("tuples that lie more than {DEPTH} deep in each other")));
        }
        self.push(Value::Tuple(depth, values.into()));
        Ok(())
    }

    fn list(&mut self, values: Vec<Value>) {
        self.lists.push(values);
        self.push(Value::List(self.lists.len() - 1));
    }

    /// Adds values to the list on top of the stack.
    fn append(&mut self, values: Vec<Value>) -> Result<()> {
        let list = match self.stack.last() {
            Some(Value::List(list)) => self.lists.get_mut(*list),
            _ => None,
        };
        let list = list.ok_or_else(|| self.tape.content("something added to what is no list"))?;
        list.extend(values);
        Ok(())
    }

    /// REDUCE: what would be a call.
    fn reduce(&mut self) -> Result<()> {
        let (arguments, callee) = (self.pop()?, self.pop()?);
        let (Value::Tuple(_, arguments), Value::Global(global)) = (arguments, callee) else {
            return Err(self.tape.content("a REDUCE of something else than a global and its arguments"));
        };
        let result = match (global, &*arguments) {
            (Global::Reconstruct, [Value::Global(Global::Ndarray), ..]) => Value::Blank,
            (Global::Dtype, [Value::Text(code), ..]) => match &**code {
                "f4" => Value::Dtype(Kind::Pixels),
                "i8" => Value::Dtype(Kind::Labels),
                _ => {
                    return Err(self
                        .tape
                        .content(format!("an array of {code:?}, neither f4 (images) nor i8 (labels)")));
                }
            },
            // A label on its own.
            (Global::Scalar, [Value::Dtype(Kind::Labels), Value::Run(run)]) => {
                match self.runs.get(*run).map(|run| (run.fills(&[1]), &run.labels[..])) {
                    Some((true, [label])) => Value::Int((*label).into()),
                    _ => return Err(self.tape.content("a label of other than 8 bytes")),
                }
            }
            (Global::Encode, [value, Value::Text(coding)]) if &**coding == "latin1" => value.clone(),
            _ => return Err(self.tape.content("a REDUCE with other arguments than NumPy's")),
        };
        self.push(result);
        Ok(())
    }

    /// BUILD: the rest of a dtype or of an array.
    fn build(&mut self) -> Result<()> {
        let (state, object) = (self.pop()?, self.pop()?);
        let Value::Tuple(_, state) = state else { return Err(self.tape.content("a BUILD without a tuple")) };
        let built = match (object, &*state) {
            (Value::Dtype(kind), [_, Value::Text(order), ..]) if &**order == "<" => Value::Dtype(kind),
            (Value::Dtype(_), _) => return Err(self.tape.content("numbers that are not little-endian")),
            (Value::Blank, [_, Value::Tuple(_, shape), Value::Dtype(_), order, Value::Run(run)]) => {
                if !matches!(order, Value::Bool(false) | Value::Int(0)) {
                    return Err(self.tape.content("an array by columns (Fortran's order), not by rows"));
                }
                let int = |value: &Value| if let Value::Int(number) = value { *number } else { -1 };
                let shape: Vec<i64> = shape.iter().map(int).collect();
                if !self.runs.get(*run).is_some_and(|run| run.fills(&shape)) {
                    let shape = shape.iter().map(i64::to_string).collect::<Vec<_>>().join(" x ");
                    return Err(self
                        .tape
                        .content(format!("an array of {shape}, whose numbers are more, fewer, or others")));
                }
                Value::Array(*run)
            }
            _ => return Err(self.tape.content("a BUILD of something else than an array")),
        };
        self.push(built);
        Ok(())
    }

    /// The result as the three sets.
    fn sets(&mut self, result: &Value) -> Result<[Dataset; 3]> {
        let sets = self.items(result).ok_or_else(|| self.tape.content("no tuple at the end"))?;
        let [a, b, c] = &sets[..] else { return Err(self.tape.content(format!("{} sets, not 3", sets.len()))) };
        Ok([self.set(a)?, self.set(b)?, self.set(c)?])
    }

    fn set(&mut self, value: &Value) -> Result<Dataset> {
        let pair = self.items(value).unwrap_or_default();
        let set = match &pair[..] {
            [images, labels] => self.images(images).zip(self.labels(labels)),
            _ => None,
        };
        let Some((images, labels)) = set else {
            return Err(self.tape.content("a set that is no pair of images and labels, as arrays or as lists"));
        };
        if images.is_empty() || images.len() != labels.len() {
            return Err(self.tape.content(format!("a set of {} images and {} labels", images.len(), labels.len())));
        }
        Ok(Dataset { images, labels })
    }

    /// What is in a tuple or a list, which is taken out of a list: each is asked for once.
    fn items(&mut self, value: &Value) -> Option<Vec<Value>> {
        match value {
            Value::Tuple(_, values) => Some(values.to_vec()),
            Value::List(list) => self.lists.get_mut(*list).map(std::mem::take),
            _ => None,
        }
    }

    /// An array of images, or a list of arrays that are an image each.
    fn images(&mut self, value: &Value) -> Option<Vec<Image>> {
        if let Value::Array(run) = value {
            let run = self.runs.get_mut(*run).filter(|run| run.kind == Kind::Pixels)?;
            return Some(std::mem::take(&mut run.images));
        }
        let arrays = self.items(value)?;
        let mut images = Vec::with_capacity(arrays.len());
        for array in &arrays {
            let Value::Array(run) = array else { return None };
            let run = self.runs.get_mut(*run).filter(|run| run.kind == Kind::Pixels)?;
            images.extend(std::mem::take(&mut run.images));
        }
        Some(images)
    }

    /// An array of labels, or a list of them.
    fn labels(&mut self, value: &Value) -> Option<Vec<u16>> {
        if let Value::Array(run) = value {
            let run = self.runs.get_mut(*run).filter(|run| run.kind == Kind::Labels)?;
            return Some(std::mem::take(&mut run.labels));
        }
        let label = |value: &Value| match value {
            Value::Int(label @ 0..=9) => Some(*label as u16),
            _ => None,
        };
        self.items(value)?.iter().map(label).collect()
    }

    fn global(&mut self, module: &str, name: &str) -> Result<()> {
        let known = GLOBALS.iter().find(|(known, of_it, _)| *known == module && *of_it == name);
        let &(_, _, global) =
            known.ok_or_else(|| self.tape.foreign(format!("the global {:?}", format!("{module}.{name}"))))?;
        self.push(Value::Global(global));
        Ok(())
    }

    /// A string, whose length is coded in `N` bytes: the numbers of an array if its type is waiting for them, else text.
    fn string<const N: usize>(&mut self, coding: Coding) -> Result<()> {
        let length = self.tape.unsigned::<N>()?;
        let value = match self.waiting() {
            Some(kind) => {
                let run = self.tape.numbers(kind, length, coding)?;
                self.run_of(run)
            }
            None => Value::Text(self.tape.text(length)?.into()),
        };
        self.push(value);
        Ok(())
    }

    /// The same for a string as Python's source has it, in quotes.
    fn quoted(&mut self) -> Result<()> {
        let value = match self.waiting() {
            Some(kind) => {
                let run = self.tape.quoted_numbers(kind)?;
                self.run_of(run)
            }
            None => Value::Text(self.tape.quoted_text()?.into()),
        };
        self.push(value);
        Ok(())
    }

    fn run_of(&mut self, run: Run) -> Value {
        self.runs.push(run);
        Value::Run(self.runs.len() - 1)
    }

    /// What the numbers are, if they come next: their type lies on the stack, after it, for an array, a flag, and after
    /// that only the beginning of a call of `encode`.
    fn waiting(&self) -> Option<Kind> {
        let before = |value: &&Value| matches!(value, Value::Mark | Value::Global(Global::Encode));
        let mut values = self.stack.iter().rev().skip_while(before);
        match (values.next(), values.next()) {
            (Some(Value::Bool(_) | Value::Int(0)), Some(Value::Dtype(kind))) => Some(*kind),
            (Some(Value::Dtype(kind)), Some(Value::Mark | Value::Global(Global::Scalar))) => Some(*kind),
            _ => None,
        }
    }

    fn put<const N: usize>(&mut self) -> Result<()> {
        let place = self.tape.unsigned::<N>()?;
        self.remember(place as u32)
    }

    fn remember(&mut self, place: u32) -> Result<()> {
        let top = self.stack.last().filter(|value| !matches!(value, Value::Mark)).cloned();
        let top = top.ok_or_else(|| self.tape.content("nothing to remember"))?;
        self.memo.insert(place, top);
        Ok(())
    }

    fn get<const N: usize>(&mut self) -> Result<()> {
        let place = self.tape.unsigned::<N>()?;
        self.recall(place as u32)
    }

    fn recall(&mut self, place: u32) -> Result<()> {
        let value = self.memo.get(&place).cloned();
        let value = value.ok_or_else(|| self.tape.content(format!("memo {place}, which was never put")))?;
        self.push(value);
        Ok(())
    }

    fn int<const N: usize>(&mut self) -> Result<()> {
        let number = self.tape.unsigned::<N>()?;
        self.push(Value::Int(number as i64));
        Ok(())
    }

    /// INT: a decimal number on a line; 00 and 01 are false and true.
    fn decimal(&mut self) -> Result<()> {
        let line = self.tape.line()?;
        let value = match &*line {
            "00" => Value::Bool(false),
            "01" => Value::Bool(true),
            _ => Value::Int(line.parse().map_err(|_| self.tape.content(format!("{line:?} where a number should be")))?),
        };
        self.push(value);
        Ok(())
    }

    fn push(&mut self, value: Value) {
        self.stack.push(value);
    }

    fn pop(&mut self) -> Result<Value> {
        self.stack.pop().ok_or_else(|| self.tape.content("nothing on the stack"))
    }
}
