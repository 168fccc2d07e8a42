//! What the chapters in `docs/` say of the source is so: their excerpts stand in it, their links lead somewhere, and the
//! commands they name exist.

use host::experiment;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use tests::build::REPOSITORY;

fn docs() -> PathBuf {
    Path::new(REPOSITORY).join("docs")
}

/// The chapters and the table of contents, by name.
fn documents() -> Vec<(String, String)> {
    let names = (1..=6).map(|chapter| format!("chapter{chapter}.md")).chain(["README.md".into()]);
    names.map(|name| (name.clone(), fs::read_to_string(docs().join(&name)).unwrap())).collect()
}

/// The targets of the links and pictures of a line that are paths.
fn links(line: &str) -> impl Iterator<Item = &str> {
    let targets = line.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    targets.filter(|target| !target.starts_with("http"))
}

/// The words that follow `before` in the text, up to the next blank or backtick.
fn words_after<'a>(text: &'a str, before: &str) -> Vec<&'a str> {
    let rests = text.split(before).skip(1);
    rests.filter_map(|rest| rest.split(|end: char| end.is_whitespace() || end == '`').next()).collect()
}

/// Whether the lines stand in the source one after the other, wherever they are indented.
fn contains(source: &str, excerpt: &[&str]) -> bool {
    let lines: Vec<&str> = source.lines().map(str::trim).collect();
    lines.windows(excerpt.len()).any(|window| window == excerpt)
}

#[test]
fn excerpts_stand_in_the_source_that_is_named_before_them() {
    for (name, text) in documents() {
        let (mut source, mut excerpt, mut count) = (None, None::<Vec<&str>>, 0);
        for line in text.lines() {
            match (&mut excerpt, line.trim()) {
                (None, "```rust") => excerpt = Some(Vec::new()),
                (None, _) => source = links(line).filter(|link| link.ends_with(".rs")).last().or(source),
                (Some(lines), "```") => {
                    let path = source.unwrap_or_else(|| panic!("{name}: an excerpt without a source"));
                    let code = fs::read_to_string(docs().join(path)).unwrap();
                    for part in lines.split(|line| *line == "…") {
                        assert!(contains(&code, part), "{name}: not in {path}:\n{}", part.join("\n"));
                    }
                    (excerpt, count) = (None, count + 1);
                }
                (Some(lines), line) => lines.push(line),
            }
        }
        assert!(count > 0 || name == "README.md", "{name} shows no code");
    }
}

#[test]
fn links_lead_somewhere() {
    // `host experiment all` writes these.
    let experiments = experiment::all();
    let plots =
        experiments.iter().flat_map(|experiment| experiment.plots.iter().map(|plot| plot.stem(experiment.name)));
    let made: BTreeSet<String> = plots.map(|stem| format!("book/{stem}.png")).chain(["book.md".to_owned()]).collect();
    for (name, text) in documents() {
        for link in text.lines().flat_map(links) {
            assert!(made.contains(link) || docs().join(link).exists(), "{name}: {link}");
        }
    }
}

#[test]
fn every_experiment_and_example_is_told_of_and_none_else() {
    let texts: String = documents().into_iter().map(|(_, text)| text).collect();
    let named: BTreeSet<&str> = words_after(&texts, "-- experiment ").into_iter().collect();
    let experiments = experiment::all();
    assert_eq!(named, experiments.iter().map(|experiment| experiment.name).collect());

    let examples = fs::read_dir(Path::new(REPOSITORY).join("host/examples")).unwrap();
    let examples: BTreeSet<String> =
        examples.map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned()).collect();
    let run = words_after(&texts, "--example ").into_iter().filter(|name| *name != "NAME");
    assert_eq!(run.map(str::to_owned).collect::<BTreeSet<_>>(), examples);
}
