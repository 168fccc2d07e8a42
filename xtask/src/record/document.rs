//! Documents with parts that a command writes.

use super::replace;
use crate::Error;
use std::fs;
use std::path::Path;

const END: &str = "<!-- to here -->";

/// Puts `text` between the line `<!-- COMMAND writes from here -->` and the next `<!-- to here -->`.
///
/// # Errors
/// [`emulator::Error::Io`], and [`Error::Answer`] for a document without those lines.
pub(super) fn rewrite(document: &Path, command: &str, text: &str) -> Result<(), Error> {
    let begin = format!("<!-- {command} writes from here -->");
    let old = fs::read_to_string(document).map_err(Error::io("read", document))?;
    let new = inserted(&old, &begin, text).ok_or_else(|| Error::Answer {
        program: document.display().to_string(),
        said: format!("no lines `{begin}` and `{END}`, between which the text goes"),
    })?;
    replace(document, &new)
}

fn inserted(old: &str, begin: &str, text: &str) -> Option<String> {
    let (before, rest) = old.split_once(begin)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{begin}\n{text}{END}{after}"))
}

/// A number with its thousands told apart.
pub(super) fn thousands(number: u64) -> String {
    match number {
        0..1000 => number.to_string(),
        _ => format!("{},{:03}", thousands(number / 1000), number % 1000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_is_written_between_its_own_lines() {
        let old = "a <1> old <!-- to here --> b <2> old <!-- to here --> c";
        let new = "a <1>\nnew <!-- to here --> b <2> old <!-- to here --> c";
        assert_eq!(inserted(old, "<1>", "new ").as_deref(), Some(new));
        let new = "a <1> old <!-- to here --> b <2>\nnew <!-- to here --> c";
        assert_eq!(inserted(old, "<2>", "new ").as_deref(), Some(new));
        assert_eq!(inserted(old, "<3>", "new "), None);
    }

    #[test]
    fn thousands_are_told_apart() {
        assert_eq!([7, 1000, 51_140_600].map(thousands), ["7", "1,000", "51,140,600"]);
    }
}
