//! The tables of docs/performance.md.

use super::ours::{fastest_tenth, ratios};
use super::{Measured, Outcome, Result};
use crate::Error;
use crate::record::document::rewrite;
use std::fmt::Write;
use std::iter;
use std::path::Path;

const RIVALS: [&str; 4] = ["PyTorch", "JAX", "Burn", "candle"];

/// Puts the tables into the document.
pub(super) fn write(document: &Path, machines: &[Measured]) -> std::result::Result<(), Error> {
    rewrite(document, "bench-rivals", &machines.iter().map(tables).collect::<String>())
}

fn tables(measured: &Measured) -> String {
    let machine = &measured.machine;
    let mut text = format!(
        "\n### {}, {} cores\n\n{}. A large matrix product reaches {:.0} GFLOP/s on one core.\n",
        machine.processor, machine.cores, machine.date, machine.peak
    );
    for (mode, title) in [("train", "Training"), ("infer", "Inference")] {
        let _ = write!(
            text,
            "\n#### {title}, images a second\n\nOne thread / two threads; the ratio is ours to the best rival, each \
             with the better number of threads.\n\n| network | batch | Minnet | {} | ratio |\n|---|---|---|---|---|---|---|---|\n",
            RIVALS.join(" | ")
        );
        for pair in pairs(measured, mode) {
            let setting = &pair[0].setting;
            let cells: Vec<String> = RIVALS.iter().map(|rival| cell(pair, rival)).collect();
            let theirs = RIVALS.iter().map(|rival| best(pair, rival)).fold(0.0, f64::max);
            let ratio = ratio(best(pair, "Minnet"), theirs);
            let _ = writeln!(
                text,
                "| {} | {} | {} | {} | **{ratio}** |",
                setting.network,
                setting.batch,
                cell(pair, "Minnet"),
                cells.join(" | ")
            );
        }
    }
    text += "\n#### What the exact order costs, and what a second thread gains: training, images a second\n\nOur program, the \
             same built with multiply and add fused, which has other bits, and ours on two threads, in short turns. \
             Rates are what the fastest tenth of the turns reach; cost and gain are of these, and after the stroke \
             the median of all rounds.\n\n\
             | network | batch | one thread | fused | cost of the exact order | two threads | gain |\n\
             |---|---|---|---|---|---|---|\n";
    for ours in &measured.ours {
        let [exact, fused, two] =
            [&ours.exact, &ours.fused, &ours.two_threads].map(|turns| thousands(fastest_tenth(turns)));
        let cost = ratios(&ours.exact, &ours.fused).map(|ratio| format!("{:.1}", 100.0 * (1.0 - ratio))).join(" / ");
        let gain = ratios(&ours.two_threads, &ours.exact).map(|ratio| format!("{ratio:.2}")).join(" / ");
        let _ = writeln!(text, "| {} | {} | {exact} | {fused} | {cost} % | {two} | {gain} |", ours.network, ours.batch);
    }
    let _ = write!(
        text,
        "\n#### Training at batch 10: processor time and memory\n\nMicroseconds of processor time an image on one \
         thread / two threads, and the most memory in MiB.\n\n| network | Minnet | {} |\n|---|---|---|---|---|---|\n",
        RIVALS.join(" | ")
    );
    for pair in pairs(measured, "train").filter(|pair| pair[0].setting.batch == 10) {
        let _ = write!(text, "| {} ", pair[0].setting.network);
        for framework in iter::once("Minnet").chain(RIVALS) {
            let fastest: Vec<&Result> = pair.iter().filter_map(|outcome| fastest(outcome, framework)).collect();
            if fastest.is_empty() {
                text += "| ";
                continue;
            }
            let time: Vec<String> =
                fastest.iter().map(|result| format!("{:.1}", 1e6 * result.cpu_seconds_per_image)).collect();
            let memory = fastest.iter().map(|result| result.peak_mib).fold(0.0, f64::max);
            let _ = write!(text, "| {}, {memory:.0} MiB ", time.join(" / "));
        }
        text += "|\n";
    }
    text + "\n"
}

/// The outcomes of a mode, those that differ only in the number of threads together.
fn pairs<'a>(measured: &'a Measured, mode: &str) -> impl Iterator<Item = &'a [Outcome]> {
    measured
        .settings
        .chunk_by(|a, b| {
            (a.setting.network, &a.setting.mode, a.setting.batch)
                == (b.setting.network, &b.setting.mode, b.setting.batch)
        })
        .filter(move |pair| pair[0].setting.mode == mode)
}

/// The fastest variant of a framework.
fn fastest<'a>(outcome: &'a Outcome, framework: &str) -> Option<&'a Result> {
    let of_framework = outcome.results.iter().filter(|result| result.framework == framework);
    of_framework.max_by(|a, b| a.images_per_second.total_cmp(&b.images_per_second))
}

/// Images a second of a framework's fastest variant.
fn rate(outcome: &Outcome, framework: &str) -> f64 {
    fastest(outcome, framework).map_or(0.0, |result| result.images_per_second)
}

fn best(pair: &[Outcome], framework: &str) -> f64 {
    pair.iter().map(|outcome| rate(outcome, framework)).fold(0.0, f64::max)
}

fn ratio(ours: f64, theirs: f64) -> String {
    if theirs > 0.0 { format!("{:.2}", ours / theirs) } else { "-".to_owned() }
}

/// `12.3k / 23.4k`, and the variant where there are several.
fn cell(pair: &[Outcome], framework: &str) -> String {
    let fastest: Vec<&Result> = pair.iter().filter_map(|outcome| fastest(outcome, framework)).collect();
    let rates: Vec<String> = fastest.iter().map(|result| thousands(result.images_per_second)).collect();
    let best = fastest.iter().max_by(|a, b| a.images_per_second.total_cmp(&b.images_per_second));
    let variant = best.map_or("", |result| &result.variant);
    if variant.is_empty() { rates.join(" / ") } else { format!("{} `{variant}`", rates.join(" / ")) }
}

/// Three digits: `123`, `1.23k`, `12.3k`, `123k`.
fn thousands(rate: f64) -> String {
    match rate {
        rate if rate < 1e3 => format!("{rate:.0}"),
        rate if rate < 1e4 => format!("{:.2}k", rate / 1e3),
        rate if rate < 1e5 => format!("{:.1}k", rate / 1e3),
        rate => format!("{:.0}k", rate / 1e3),
    }
}

#[cfg(test)]
mod tests {
    use super::super::contest::Setting;
    use super::super::ours::Ours;
    use super::*;

    fn outcome(threads: usize, rates: [f64; 3]) -> Outcome {
        let result = |(framework, variant, rate): (&str, &str, f64)| Result {
            framework: framework.to_owned(),
            variant: variant.to_owned(),
            images_per_second: rate,
            cpu_seconds_per_image: 1.0 / rate,
            peak_mib: 50.0,
        };
        let names = [("Minnet", ""), ("JAX", "conv_loop"), ("JAX", "patches_loop")];
        let results = names.iter().zip(rates).map(|(&(framework, variant), rate)| result((framework, variant, rate)));
        let setting = Setting { network: 'c', mode: "train".to_owned(), batch: 10, threads };
        Outcome { setting, results: results.collect() }
    }

    #[test]
    fn the_ratio_is_of_the_best_with_the_better_number_of_threads() {
        let settings = vec![outcome(1, [12_000.0, 4_000.0, 3_000.0]), outcome(2, [9_000.0, 1_000.0, 5_000.0])];
        let text = tables(&Measured { settings, ..Measured::default() });
        let line = "| c | 10 | 12.0k / 9.00k |  | 4.00k / 5.00k `patches_loop` |  |  | **2.40** |";
        assert!(text.contains(line), "{text}");
        assert!(text.contains("| c | 83.3 / 111.1, 50 MiB |"), "{text}");
    }

    #[test]
    fn ours_is_compared_with_itself() {
        let ours = Ours {
            network: 'c',
            batch: 10,
            exact: vec![12_000.0, 6_000.0, 11_900.0],
            fused: vec![12_500.0, 7_500.0, 12_400.0],
            two_threads: vec![18_000.0, 12_000.0, 20_230.0],
        };
        let text = tables(&Measured { ours: vec![ours], ..Measured::default() });
        let line = "| c | 10 | 12.0k | 12.5k | 4.0 / 4.0 % | 20.2k | 1.69 / 1.70 |";
        assert!(text.contains(line), "{text}");
    }

    #[test]
    fn rates_have_three_digits() {
        assert_eq!([950.0, 1234.0, 12_345.0, 123_456.0].map(thousands), ["950", "1.23k", "12.3k", "123k"]);
    }
}
