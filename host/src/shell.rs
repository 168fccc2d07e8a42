//! Commands as text that can be typed as it stands.

/// The words of a command, each quoted if a shell would take it for something else.
pub fn line<W: AsRef<str>>(words: impl IntoIterator<Item = W>) -> String {
    words.into_iter().map(|text| word(text.as_ref())).collect::<Vec<_>>().join(" ")
}

/// A word of a command, quoted if a shell would take it for something else: in double quotes where these are enough, since
/// Windows knows no others.
pub fn word(text: &str) -> String {
    let is_plain = |letter: char| letter.is_alphanumeric() || "-_./,:=+@%".contains(letter);
    if !text.is_empty() && text.chars().all(is_plain) {
        text.to_owned()
    } else if text.contains(['"', '$', '`', '\\', '!']) {
        format!("'{}'", text.replace('\'', r"'\''"))
    } else {
        format!("\"{text}\"")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_quoted_where_a_shell_needs_it() {
        for (text, expected) in [
            ("--out", "--out"),
            ("models/café-1.minnet", "models/café-1.minnet"),
            ("my model.minnet", r#""my model.minnet""#),
            ("it's", r#""it's""#),
            ("~", r#""~""#),
            ("a;b", r#""a;b""#),
            ("", r#""""#),
            ("$HOME", "'$HOME'"),
            (r#""a" 'b'"#, r#"'"a" '\''b'\'''"#),
            (r"C:\data", r"'C:\data'"),
        ] {
            assert_eq!(word(text), expected);
        }
        assert_eq!(line(["train", "--net", "784: dense 10"]), r#"train --net "784: dense 10""#);
    }

    #[cfg(unix)]
    #[test]
    fn a_shell_takes_each_word_as_it_was() {
        for text in
            ["plain", "two words", "it's", r#"$HOME `id` \ "q" 'r' !x"#, "a;b&c|d>e<f(g)#h*i?[j]{k}~", "", "a\tb"]
        {
            let output = std::process::Command::new("sh").args(["-c", &format!("printf %s {}", word(text))]).output();
            assert_eq!(String::from_utf8(output.unwrap().stdout).unwrap(), text);
        }
    }
}
