//! Tables in text files: a row a sample, a column the label, the others its values. The separator (comma, semicolon or
//! tab) and whether the first row names the columns are found out.

use std::io::{self, BufReader, Read};
use std::path::Path;

use csv::{ByteRecord, ReaderBuilder, Trim};

use super::Options;
use super::arrays::{self, MOST_COLUMNS};
use super::problem::Problem;
use super::set::{Data, Values};
use super::source::{Source, failure};
use super::split::{Part, Rule};
use super::targets::{Labels, number};
use crate::architecture::Shape;
use crate::error::Result;
use crate::memory::Budget;

/// The separators, in the order in which they are preferred: commas may also be in numbers.
const SEPARATORS: [u8; 3] = [b'\t', b';', b','];

/// The most bytes of a row, with the empty lines before it.
const LONGEST_ROW: usize = 8 << 20;

/// Names of columns that are the label without being asked for.
const LABELS: [&str; 3] = ["label", "class", "target"];

/// The rows of a file, each as texts, with its columns' names if the first row has them.
pub(super) struct Rows<'a> {
    reader: csv::Reader<Allowed<'a>>,
    path: &'a Path,
    /// For the numbers of the rows.
    budget: Budget,
    /// The names of the columns, if there are any.
    pub(super) names: Option<Vec<String>>,
    /// How many columns there are.
    pub(super) columns: usize,
    /// The rows that were read to find out.
    ahead: Vec<ByteRecord>,
    record: ByteRecord,
}

impl<'a> Rows<'a> {
    /// Finds out how a file is written.
    pub(super) fn new(source: &'a mut Source<'static>, path: &'a Path) -> Result<Self> {
        let separator = separator(source.peek()?);
        let budget = Budget::new(path, source.length);
        let reader = ReaderBuilder::new()
            .delimiter(separator)
            .has_headers(false)
            .flexible(true)
            .trim(Trim::All)
            .from_reader(Allowed { source, left: 0 });
        let (ahead, record) = (Vec::new(), ByteRecord::new());
        let mut rows = Self { reader, path, budget, names: None, columns: 0, ahead, record };
        for _ in 0..2 {
            if rows.read()? {
                let record = rows.record.clone();
                rows.ahead.push(record);
            }
        }
        let Some(first) = rows.ahead.first() else { return Err(Problem::Empty.of(path)) };
        rows.columns = first.len();
        let first: Vec<String> =
            first.iter().map(|cell| String::from_utf8_lossy(cell).trim_start_matches('\u{feff}').to_owned()).collect();
        if are_names(&first, rows.ahead.get(1)) {
            rows.names = Some(first);
            rows.ahead.remove(0);
        }
        rows.ahead.reverse();
        Ok(rows)
    }

    /// Reads the next row; whether there is one.
    fn read(&mut self) -> Result<bool> {
        self.reader.get_mut().left = LONGEST_ROW;
        let is_read = self.reader.read_byte_record(&mut self.record).map_err(|cause| match cause.into_kind() {
            csv::ErrorKind::Io(cause) => failure(self.path, cause),
            other => Problem::Cell { cell: format!("{other:?}") }.of(self.path),
        })?;
        if self.record.len() > MOST_COLUMNS {
            return Err(
                Problem::Columns { most: MOST_COLUMNS }.at(self.path, format_args!("line {}", self.row().line()))
            );
        }
        Ok(is_read)
    }

    fn row(&self) -> Row<'_> {
        Row { record: &self.record, path: self.path, names: self.names.as_deref() }
    }

    /// Reads the next row, and puts the numbers of some of its columns behind others; false after the last.
    pub(super) fn next_into(
        &mut self,
        values: &mut Vec<f32>,
        columns: impl Iterator<Item = usize> + Clone,
    ) -> Result<bool> {
        if let Some(record) = self.ahead.pop() {
            self.record = record;
        } else if !self.read()? {
            return Ok(false);
        }
        let row = self.row();
        if row.record.len() != self.columns {
            let problem = Problem::Cells { found: row.record.len(), expected: self.columns };
            return Err(problem.at(self.path, format_args!("line {}", row.line())));
        }
        // Its label may take memory, too.
        self.budget.take(arrays::FOR_EACH + size_of::<f32>() as u64)?;
        self.budget.grow(values, self.columns)?;
        let row = self.row();
        for column in columns {
            values.push(row.number(column)?);
        }
        Ok(true)
    }
}

/// A file, of which so many bytes may be read on: a row is whole in memory, and a file may be a single one.
struct Allowed<'a> {
    source: &'a mut Source<'static>,
    left: usize,
}

impl Read for Allowed<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            let problem = Problem::LongRow { most: LONGEST_ROW };
            return Err(io::Error::other(problem.at(&self.source.path, format_args!("byte {}", self.source.offset))));
        }
        let most = buffer.len().min(self.left);
        let count = self.source.read(&mut buffer[..most])?;
        self.left -= count;
        Ok(count)
    }
}

/// The separator that most columns of the first lines are found with.
fn separator(beginning: &[u8]) -> u8 {
    let lines = beginning.split(|&byte| byte == b'\n').filter(|line| !line.trim_ascii().is_empty());
    let lines: Vec<&[u8]> = lines.take(5).collect();
    // The last line may be cut off.
    let whole = if lines.len() > 1 { &lines[..lines.len() - 1] } else { &lines[..] };
    let count = |line: &[u8], separator: u8| {
        let mut is_quoted = false;
        line.iter()
            .filter(|&&byte| {
                is_quoted ^= byte == b'"';
                byte == separator && !is_quoted
            })
            .count()
    };
    let least = |separator: u8| whole.iter().map(|line| count(line, separator)).min().unwrap_or(0);
    // The first of the best: `max_by_key` would give the last.
    let found = SEPARATORS.into_iter().rev().filter(|&separator| least(separator) > 0);
    found.max_by_key(|&separator| least(separator)).unwrap_or(b',')
}

/// Whether the first row names the columns: a text stands above what begins like a number, or the columns are counted.
/// Without a second row, there are only texts.
fn are_names(first: &[String], second: Option<&ByteRecord>) -> bool {
    let is_like_number = |cell: &str| cell.starts_with(|sign: char| sign.is_ascii_digit() || "+-.".contains(sign));
    let is_counted = first.len() > 2 && first.iter().enumerate().all(|(place, cell)| cell.parse() == Ok(place));
    let Some(second) = second else { return !first.iter().any(|cell| is_like_number(cell)) };
    let mut pairs = first.iter().zip(second).map(|(cell, below)| (cell, String::from_utf8_lossy(below)));
    is_counted || pairs.any(|(cell, below)| !is_missing(cell) && !is_like_number(cell) && is_like_number(&below))
}

/// Whether a cell says that its value is not known.
fn is_missing(cell: &str) -> bool {
    matches!(cell.to_ascii_lowercase().as_str(), "" | "?" | "na" | "n/a" | "null" | "none" | "nan")
}

/// A row of a table.
#[derive(Clone, Copy)]
pub(super) struct Row<'a> {
    record: &'a ByteRecord,
    path: &'a Path,
    names: Option<&'a [String]>,
}

impl<'a> Row<'a> {
    /// The line that the row begins in. The reader counts the empty lines before it to the row, so it is looked up.
    fn line(self) -> usize {
        let start = self.record.position().map_or(0, csv::Position::byte);
        // What was read once can be read again; else no line is right.
        let Ok(source) = Source::open(self.path) else { return 1 };
        let is_before = |&(place, byte): &(u64, u8)| place < start || matches!(byte, b'\r' | b'\n');
        let bytes = (0..).zip(BufReader::new(source).bytes().map_while(io::Result::ok)).take_while(is_before);
        1 + bytes.filter(|&(_, byte)| byte == b'\n').count()
    }

    /// The error of a problem with a column's cell, counted from 0.
    fn fail(self, column: usize, problem: Problem) -> crate::error::Error {
        let (line, place) = (self.line(), column + 1);
        match self.names.and_then(|names| names.get(column)).filter(|name| !name.is_empty()) {
            Some(name) => problem.at(self.path, format_args!("line {line}, column {place} ({name})")),
            None => problem.at(self.path, format_args!("line {line}, column {place}")),
        }
    }

    /// A column's cell as text.
    pub(super) fn text(self, column: usize) -> Result<&'a str> {
        let cell = self.record.get(column).unwrap_or_default();
        let text = std::str::from_utf8(cell).map_err(|_| self.fail(column, Problem::NotText))?;
        // Quotes after a space are none for the reader.
        let text = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
        if is_missing(text) { Err(self.fail(column, Problem::MissingCell { cell: text.into() })) } else { Ok(text) }
    }

    /// A column's cell as a number.
    pub(super) fn number(self, column: usize) -> Result<f32> {
        let text = self.text(column)?;
        number(text).ok_or_else(|| {
            self.fail(
                column,
                match text.parse::<f32>() {
                    Ok(value) => Problem::Infinite { value },
                    Err(_) => Problem::Cell { cell: text.into() },
                },
            )
        })
    }
}

/// The columns of a table.
struct Columns {
    names: Option<Vec<String>>,
    count: usize,
    label: usize,
    /// A first column without a name that counts the rows, as pandas writes it.
    is_counted: bool,
    notes: Vec<String>,
}

impl Columns {
    /// Finds the label: the column that is wanted, else one that has such a name, else the last.
    fn of(rows: &Rows<'_>, options: &Options) -> std::result::Result<Self, Problem> {
        let (names, count) = (rows.names.clone(), rows.columns);
        let is_counted = count > 2 && names.as_ref().is_some_and(|names| matches!(&*names[0], "" | "Unnamed: 0"));
        let find = |is: &dyn Fn(&str) -> bool| names.as_ref()?.iter().position(|name| is(name));
        let mut notes = Vec::new();
        let label = match &options.label {
            Some(wanted) => {
                let by_number =
                    || wanted.parse().ok().filter(|place| (1..=count).contains(place)).map(|place| place - 1);
                let found = find(&|name| name == wanted)
                    .or_else(|| find(&|name| name.eq_ignore_ascii_case(wanted)))
                    .or_else(by_number);
                found.ok_or_else(|| {
                    let known = match &names {
                        Some(names) => names.join(", "),
                        None => format!("columns 1 to {count}, without names"),
                    };
                    Problem::NoColumn { name: wanted.clone(), known }
                })?
            }
            None => {
                let named = find(&|name| LABELS.contains(&name.to_ascii_lowercase().as_str()));
                named.unwrap_or(count - 1)
            }
        };
        if count < 2 {
            return Err(Problem::OneColumn);
        }
        match &names {
            Some(names) => notes.push(format!("the label is the column {}", names[label])),
            None => notes.push(format!("the columns have no names; the label is column {}", label + 1)),
        }
        if is_counted {
            notes.push("the first column has no name and counts the rows; it was left out".into());
        }
        Ok(Self { names, count, label, is_counted, notes })
    }

    /// The columns that are a sample's values.
    fn values(&self) -> impl Iterator<Item = usize> + Clone {
        (usize::from(self.is_counted)..self.count).filter(|&column| column != self.label)
    }
}

/// Reads tables, each with the part that it is, and makes them one set.
pub(super) fn read(tables: &[(Option<Part>, &Path)], options: &Options) -> Result<Data> {
    let mut columns: Option<Columns> = None;
    let (mut values, mut labels) = (Vec::new(), Labels::default());
    let mut counts = [0; 3];
    for &(part, path) in tables {
        let mut source = Source::open(path)?;
        let mut rows = Rows::new(&mut source, path)?;
        let columns = match &columns {
            None => columns.insert(Columns::of(&rows, options).map_err(|problem| problem.of(path))?),
            Some(columns) => {
                if columns.count != rows.columns || columns.names != rows.names {
                    return Err(Problem::OtherColumns { other: tables[0].1.display().to_string() }.of(path));
                }
                columns
            }
        };
        let before = labels.len();
        while rows.next_into(&mut values, columns.values())? {
            let row = rows.row();
            labels.push(row.text(columns.label)?).map_err(|problem| row.fail(columns.label, problem))?;
        }
        counts[part.map_or(0, |part| part as usize)] += labels.len() - before;
        if labels.len() == before {
            return Err(Problem::Empty.of(path));
        }
    }
    let Some((columns, &(_, first))) = columns.zip(tables.first()) else {
        return Err(Problem::UnknownDirectory.of(Path::new("")));
    };
    let mut found = labels.found(options.targets).map_err(|problem| problem.of(first))?;
    found.notes.splice(0..0, columns.notes.iter().cloned());
    let shape = Shape::Vector(columns.values().count());
    let given = (tables.len() > 1).then_some(counts);
    let mut data = arrays::finish(first, shape, Values::Floats(values), found, given, Rule::Hash, options)?;
    if let Some(names) = &columns.names {
        data.columns = columns.values().map(|column| names[column].clone()).collect();
    }
    data.found = "a CSV table of numbers".into();
    Ok(data)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separators_are_told_apart() {
        for (text, expected) in [
            ("a,b,c\n1,2,3\n", b','),
            ("1;2;3\n4;5;6\n", b';'),
            ("1,5;2,5;3\n1,5;2,5;3\n", b';'),
            ("a\tb\n1\t2\n", b'\t'),
            ("\"a;b;c;d\",1\n\"e\",2\n", b','),
            ("1\n2\n", b','),
            ("1;2", b';'),
            ("", b','),
        ] {
            assert_eq!(separator(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn names_are_told_from_values() {
        let texts = |row: &[&str]| row.iter().map(|&cell| cell.to_owned()).collect::<Vec<_>>();
        let is = |first: &[&str], second: &[&str]| are_names(&texts(first), Some(&ByteRecord::from(second.to_vec())));
        assert!(is(&["length", "width", "species"], &["5.1", "3.5", "setosa"]));
        assert!(!is(&["5.1", "3.5", "setosa"], &["4.9", "3.0", "setosa"]));
        assert!(!is(&["5.1", "3.5", "1"], &["4.9", "3.0", "2"]));
        assert!(is(&["0", "1", "2"], &["4.9", "3.0", "2"]));
        assert!(is(&["", "width", "2"], &["1", "3.0", "2"]));
        assert!(are_names(&texts(&["a", "b"]), None));
    }
}
