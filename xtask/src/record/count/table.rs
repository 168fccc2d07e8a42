//! The tables of docs/device.md.

use super::Count;
use super::layers::{FILTERS, Layer, Layers, SIZES};
use crate::Error;
use crate::record::document::{rewrite, thousands};
use std::fmt::Write;
use std::path::Path;

/// What another library takes: instructions for one inference (GCC 12.2 -O3 or Rust with LTO, in the same emulator), for
/// N1 to N4.
struct Rival {
    processor: &'static str,
    element: &'static str,
    name: &'static str,
    instructions: [Option<u64>; 4],
}

const RIVALS: &[Rival] = &[
    rival(M4F, "f32", "naive C", [Some(122_320), Some(2_269_840), Some(5_945_960), Some(547_800)]),
    rival(M4F, "f32", "Burn 0.21", [Some(169_160), Some(5_254_560), Some(9_162_560), Some(1_955_440)]),
    rival(M4F, "f32", "AIfES 2.2", [Some(148_360), Some(11_968_320), Some(51_140_600), Some(4_558_040)]),
    rival(M4F, "f32", "emlearn", [Some(147_520), None, None, None]),
    rival(M4F, "int8", "CMSIS-NN 7", [Some(47_120), Some(2_348_200), Some(4_308_960), Some(1_162_640)]),
    rival(M4F, "int8", "TFLM with CMSIS-NN", [Some(47_640), Some(2_351_000), Some(4_311_040), Some(1_164_040)]),
    rival(M4F, "int8", "MicroFlow 0.1.3", [Some(793_440), Some(12_746_400), Some(16_208_920), Some(991_400)]),
    rival(M4F, "int8", "embedded-nn 0.2.3", [Some(180_920), Some(3_590_520), Some(27_473_320), Some(2_660_240)]),
    rival("Cortex-M0", "int8", "CMSIS-NN 7", [Some(147_560), Some(5_896_760), Some(12_989_280), Some(2_210_560)]),
];

const M4F: &str = "Cortex-M4F";

/// The networks of [`Rival::instructions`], and their multiplications.
const NETWORKS: [(&str, u64); 4] = [("N1", 23_820), ("N2", 577_000), ("N3", 1_633_000), ("N4", 136_320)];

const fn rival(
    processor: &'static str,
    element: &'static str,
    name: &'static str,
    instructions: [Option<u64>; 4],
) -> Rival {
    Rival { processor, element, name, instructions }
}

/// Puts the tables into the document.
pub(super) fn write(document: &Path, counts: &[Count], layers: &[Layers]) -> Result<(), Error> {
    rewrite(document, "count", &tables(counts))?;
    rewrite(document, "count of filters", &filters(layers))?;
    rewrite(document, "count of sizes", &sizes(layers))
}

fn tables(counts: &[Count]) -> String {
    let mut text = "\n### Instructions, in brackets for each multiplication\n\n| | N1 | N2 | N3 | N4 |\n\
                    |---|---|---|---|---|\n"
        .to_owned();
    // Rows of one processor and element lie side by side.
    for group in counts.chunk_by(|a, b| (&a.processor, &a.element) == (&b.processor, &b.element)) {
        let Some(Count { processor, element, .. }) = group.first() else { continue };
        let cells = |instructions: fn(&Count) -> u64| {
            row(|network| group.iter().find(|count| count.network == network).map(instructions))
        };
        let _ = writeln!(text, "| **{processor}, {element}: Minnet** {}", cells(|count| count.instructions));
        if element == "f32" {
            let cells = cells(|count| count.instructions_without_zeros);
            let _ = writeln!(text, "| the same where nothing is zero {cells}");
        }
        for rival in RIVALS.iter().filter(|rival| (rival.processor, rival.element) == (processor, element)) {
            let of = |network: &str| NETWORKS.iter().zip(rival.instructions).find(|((name, _), _)| *name == network)?.1;
            let _ = writeln!(text, "| {} {}", rival.name, row(of));
        }
    }
    text += "\n### Bytes\n\n| network | processor | code | RAM | stack |\n|---|---|---|---|---|\n";
    for Count { network, element, processor, code, ram, stack, .. } in counts {
        let _ = writeln!(text, "| {network}, {element} | {processor} | {code} | {ram} | {stack} |");
    }
    text + "\n"
}

/// A row for each filter, a column for each program: instructions for each multiplication, in brackets those of its
/// series' first as 1.
fn filters(programs: &[Layers]) -> String {
    let titles: String =
        programs.iter().map(|program| format!(" {}, {} |", program.processor, program.element)).collect();
    let mut text = format!("\n| |{titles}\n|---|{}\n", "---|".repeat(programs.len()));
    for name in FILTERS {
        let columns: Vec<Vec<&Layer>> = programs.iter().map(|program| program.series(name)).collect();
        for (index, layer) in columns.first().into_iter().flatten().enumerate() {
            let cell = |column: &Vec<&Layer>| match (column.first(), column.get(index)) {
                (Some(first), Some(layer)) => {
                    format!(" {:.2} ({:.2}) |", layer.per_mac(), layer.per_mac() / first.per_mac())
                }
                _ => " |".into(),
            };
            let _ = writeln!(text, "| `{}` |{}", layer.text, columns.iter().map(cell).collect::<String>());
        }
    }
    text + "\n"
}

/// A table for each series of sizes, a row for each program.
fn sizes(programs: &[Layers]) -> String {
    let mut text = String::new();
    for (name, title, first) in SIZES {
        let count = programs.first().map_or(0, |program| program.series(name).len());
        let numbers: String = (first..).take(count).map(|size| format!(" {size} |")).collect();
        let _ = writeln!(text, "\n| `{title}`, N = |{numbers}\n|---|{}", "---|".repeat(count));
        for program in programs {
            let cell = |layer: &Layer| format!(" {} |", thousands(layer.instructions));
            let cells: String = program.series(name).into_iter().map(cell).collect();
            let _ = writeln!(text, "| {}, {} |{cells}", program.processor, program.element);
        }
    }
    text + "\n"
}

/// The cells of N1 to N4.
fn row(instructions: impl Fn(&str) -> Option<u64>) -> String {
    let cell = |&(network, macs): &(&str, u64)| match instructions(network) {
        Some(count) => format!("| {} ({:.2}) ", thousands(count), count as f64 / macs as f64),
        None => "| ".into(),
    };
    NETWORKS.iter().map(cell).collect::<String>() + "|"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_that_was_not_counted_has_an_empty_cell() {
        let cells = row(|network| (network == "N2").then_some(1_154_000));
        assert_eq!(cells, "| | 1,154,000 (2.00) | | |");
    }

    /// A program's layers of one series, of 100 multiplications each.
    fn layers(series: &str, instructions: &[u64]) -> Layers {
        let layer =
            |&instructions: &u64| Layer { series: series.into(), text: "2: dense 1".into(), macs: 100, instructions };
        Layers {
            element: "int8".into(),
            processor: "abacus".into(),
            compiler: "rustc 1".into(),
            layers: instructions.iter().map(layer).collect(),
            panic: None,
            heap: Vec::new(),
        }
    }

    #[test]
    fn filters_are_compared_with_the_first_of_their_series() {
        let text = filters(&[layers("many", &[200, 300]), layers("many", &[400, 400])]);
        let rows: Vec<&str> = text.lines().skip(3).collect();
        assert_eq!(
            rows,
            ["| `2: dense 1` | 2.00 (1.00) | 4.00 (1.00) |", "| `2: dense 1` | 3.00 (1.50) | 4.00 (1.00) |", ""]
        );
    }

    #[test]
    fn sizes_are_counted_from_the_first() {
        let text = sizes(&[layers("dense-in", &[1000, 1001])]);
        assert!(
            text.ends_with("\n\n| `N: dense 8`, N = | 49 | 50 |\n|---|---|---|\n| abacus, int8 | 1,000 | 1,001 |\n\n"),
            "{text}"
        );
    }
}
