//! What is said on the standard error, beside the results. Nobody may be listening, so saying it never fails.

use std::io::Write;

/// Writes a line to the standard error; nothing if that is closed or full.
pub fn line(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// As `eprintln!`, which would end the program where nobody listens.
#[macro_export]
macro_rules! report {
    ($($text:tt)*) => { $crate::report::line(&format!($($text)*)) };
}
