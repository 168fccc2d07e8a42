//! The error of a text that is no network: the message, and the place in the text.

use std::ops::Range;

/// Why a text is not a network, and under it the text with carets below the place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}{place}")]
pub struct TextError {
    message: String,
    /// Two further lines; nothing if there is no text.
    place: String,
}

impl TextError {
    pub(super) fn new(text: &str, Problem { at, message }: Problem) -> Self {
        /// The most columns of an excerpt.
        const COLUMNS: usize = 100;
        let columns = |text: &str| text.chars().count();
        let (begin, length) = (columns(&text[..at.start]), columns(&text[at]));
        let letters: Vec<char> = shown(text).collect();
        let first = begin.saturating_sub(COLUMNS / 2).min(letters.len().saturating_sub(COLUMNS));
        let last = letters.len().min(first + COLUMNS);
        let excerpt: String = letters[first..last].iter().collect();
        let (before, after) = (if first > 0 { "…" } else { "" }, if last < letters.len() { "…" } else { "" });
        let indent = " ".repeat(columns(before) + begin - first);
        let carets = "^".repeat(length.min(last.saturating_sub(begin)).max(1));
        let place = format!("\n    {before}{excerpt}{after}\n    {indent}{carets}");
        Self { message, place: if text.trim().is_empty() { String::new() } else { place } }
    }
}

/// A text's letters as they may be printed, each one column.
fn shown(text: &str) -> impl Iterator<Item = char> {
    text.chars().map(|letter| match letter {
        _ if letter.is_whitespace() => ' ',
        _ if letter.is_control() => '?',
        _ => letter,
    })
}

/// A piece of the text in a message.
pub(super) fn quoted(text: &str) -> String {
    const LETTERS: usize = 50;
    let mut quoted: String = shown(text).take(LETTERS).collect();
    if text.chars().count() > LETTERS {
        quoted.push('…');
    }
    format!("`{quoted}`")
}

/// What is wrong, and where.
pub(super) struct Problem {
    pub(super) at: Range<usize>,
    pub(super) message: String,
}

impl Problem {
    pub(super) fn new(at: Range<usize>, message: impl Into<String>) -> Self {
        Self { at, message: message.into() }
    }
}
