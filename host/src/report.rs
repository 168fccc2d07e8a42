//! What is said on the standard error, beside the results. Nobody may be listening, so saying it never fails.

use std::io::Write;

/// Writes a line to the standard error; nothing if that is closed or full.
pub fn line(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{}", visible(text));
}

/// A text whose control characters can be seen: a model file, a board or a name could tell a terminal what to do. In JSON it
/// says the same.
pub fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter.is_control() && !matches!(letter, '\n' | '\t') {
            shown += &format!("\\u{:04x}", u32::from(letter));
        } else {
            shown.push(letter);
        }
    }
    shown
}

/// As `eprintln!`, which would end the program where nobody listens.
#[macro_export]
macro_rules! report {
    ($($text:tt)*) => { $crate::report::line(&format!($($text)*)) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_shown() {
        assert_eq!(visible("a\tb\n\u{1b}[31mred\u{9b}0m é 7"), "a\tb\n\\u001b[31mred\\u009b0m é 7");
    }
}
