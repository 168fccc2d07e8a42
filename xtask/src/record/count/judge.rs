//! Whether an inference takes more than is recorded, and how much of that is the compiler's doing; and whether a
//! smaller layer takes more than a larger one.

use super::layers::{Layer, Layers, Record, SIZES};
use super::{Count, Counted};

/// How far a number may grow with the compiler that made the record.
const SAME: f64 = 1.02;
/// How far the instructions may grow with another one.
const OTHER: f64 = 1.10;
/// How much more a smaller layer may take than a larger one: what a compiler's choice of registers makes.
const REGISTERS: f64 = 1.002;
/// The same of packed weights: how a row's last words are unpacked depends on how many they are.
const PACKED: f64 = 1.12;
/// The same with another compiler than that of the record.
const OTHER_REGISTERS: f64 = 1.02;

/// What is said of a count.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Verdict {
    /// What must not be.
    pub(super) objections: Vec<String>,
    /// What is worth knowing.
    pub(super) remarks: Vec<String>,
}

/// Compares a count with its record. RAM is the same with every compiler; code and stack are the compiler's own, and are
/// judged only with the one that made the record. A path to a panic or a heap is never accepted.
pub(super) fn judge(counted: &Counted, recorded: &[Count]) -> Verdict {
    let Counted { count, panic, heap } = counted;
    let key = |count: &Count| (count.network.clone(), count.element.clone(), count.processor.clone());
    let name = format!("{} {} on {}", count.network, count.element, count.processor);
    let mut verdict = Verdict::default();
    verdict.objections.extend(forbidden(&name, panic.as_deref(), heap));
    let Some(before) = recorded.iter().find(|before| key(before) == key(count)) else {
        verdict.objections.push(format!("{name}: not recorded"));
        return verdict;
    };
    let is_same = count.compiler == before.compiler;
    let instructions = limit(&count.compiler, &before.compiler);
    let bytes = is_same.then_some(SAME);
    for (what, now, then, limit) in [
        ("instructions", count.instructions, before.instructions, Some(instructions)),
        (
            "instructions without zeros",
            count.instructions_without_zeros,
            before.instructions_without_zeros,
            Some(instructions),
        ),
        ("bytes of code", count.code, before.code, bytes),
        ("bytes of RAM", count.ram, before.ram, Some(SAME)),
        ("bytes of stack", count.stack, before.stack, bytes),
    ] {
        match limit {
            Some(limit) => verdict.objections.extend(grown(&name, what, now, then, limit)),
            None => verdict.remarks.extend(grown(&name, what, now, then, SAME)),
        }
    }
    verdict
}

/// Says what must not be of a program's layers. None may take more instructions than its record allows; and whatever is
/// recorded, none may take more than a larger one.
pub(super) fn judge_layers(counted: &Layers, recorded: &[Record]) -> Vec<String> {
    let Layers { element, processor, compiler, layers, panic, heap } = counted;
    let program = format!("{element} on {processor}");
    let mut objections = forbidden(&format!("layers in {program}"), panic.as_deref(), heap);
    let before = recorded.iter().find(|record| (&record.element, &record.processor) == (element, processor));
    let is_same = before.is_none_or(|before| before.compiler == *compiler);
    for (series, ..) in SIZES {
        let limit = match element.as_str() {
            "int4" => PACKED,
            _ if is_same => REGISTERS,
            _ => OTHER_REGISTERS,
        };
        let cliffs = cliffs(&counted.series(series), limit);
        objections.extend(cliffs.into_iter().map(|cliff| format!("{program}: {cliff}")));
    }
    for Layer { text, instructions, .. } in layers {
        let name = format!("`{text}`, {program}");
        let then = before.and_then(|record| Some((limit(compiler, &record.compiler), *record.instructions.get(text)?)));
        match then {
            Some((limit, then)) => objections.extend(grown(&name, "instructions", *instructions, then, limit)),
            None => objections.push(format!("{name}: not recorded")),
        }
    }
    objections
}

/// For each layer that takes so many times more than one of the larger ones behind it, the cheapest of these.
fn cliffs(series: &[&Layer], limit: f64) -> Vec<String> {
    let mut cliffs = Vec::new();
    for (index, smaller) in series.iter().enumerate() {
        let cheapest = series.iter().skip(index + 1).min_by_key(|larger| larger.instructions);
        if let Some(larger) = cheapest.filter(|larger| larger.instructions as f64 * limit < smaller.instructions as f64)
        {
            cliffs.push(format!(
                "`{}` takes {} instructions, more than the larger `{}`, which takes {}",
                smaller.text, smaller.instructions, larger.text, larger.instructions
            ));
        }
    }
    cliffs
}

/// What is never accepted.
fn forbidden(name: &str, panic: Option<&str>, heap: &[String]) -> Vec<String> {
    let panics = panic.into_iter().map(|symbol| format!("{name}: a path to a panic, {symbol}"));
    panics.chain(heap.iter().map(|symbol| format!("{name}: a heap, {symbol}"))).collect()
}

/// How far instructions may grow.
fn limit(compiler: &str, recorded: &str) -> f64 {
    if compiler == recorded { SAME } else { OTHER }
}

/// What is said of a number that has grown further than `limit`.
fn grown(name: &str, what: &str, now: u64, then: u64, limit: f64) -> Option<String> {
    let growth = now as f64 / then as f64;
    (growth > limit).then(|| format!("{name}: {now} {what}, {then} recorded ({:+.1} %)", 100.0 * (growth - 1.0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(network: &str) -> Count {
        Count {
            network: network.into(),
            element: "f32".into(),
            processor: "abacus".into(),
            compiler: "rustc 1".into(),
            macs: 100,
            instructions: 1000,
            instructions_without_zeros: 4000,
            code: 500,
            ram: 600,
            stack: 700,
        }
    }

    /// What is said of a count that is like its record but for what `change` does.
    fn verdict(change: impl Fn(&mut Counted)) -> Verdict {
        let mut counted = Counted { count: count("N1"), panic: None, heap: Vec::new() };
        change(&mut counted);
        judge(&counted, &[count("N0"), count("N1")])
    }

    fn other(counted: &mut Counted) {
        counted.count.compiler = "rustc 2".into();
    }

    #[test]
    fn with_the_same_compiler_nothing_may_grow_by_more_than_two_percent() {
        assert_eq!(verdict(|_| {}), Verdict::default());
        assert_eq!(verdict(|counted| counted.count.instructions = 1020), Verdict::default());
        let said = verdict(|counted| counted.count.instructions = 1021);
        assert_eq!(said.objections, ["N1 f32 on abacus: 1021 instructions, 1000 recorded (+2.1 %)"]);
        let said = verdict(|counted| {
            (counted.count.instructions_without_zeros, counted.count.code) = (4081, 511);
            (counted.count.ram, counted.count.stack) = (613, 715);
        });
        assert_eq!((said.objections.len(), said.remarks.len()), (4, 0), "{said:?}");
    }

    #[test]
    fn another_compiler_may_take_ten_percent_more_instructions() {
        let within = verdict(|counted| {
            other(counted);
            (counted.count.instructions, counted.count.instructions_without_zeros) = (1100, 4400);
        });
        assert_eq!(within, Verdict::default());
        let over = verdict(|counted| {
            other(counted);
            counted.count.instructions = 1101;
        });
        assert_eq!(over.objections, ["N1 f32 on abacus: 1101 instructions, 1000 recorded (+10.1 %)"]);
    }

    #[test]
    fn code_and_stack_of_another_compiler_are_told_and_not_judged() {
        let said = verdict(|counted| {
            other(counted);
            (counted.count.code, counted.count.stack) = (693, 1400);
        });
        assert_eq!(said.objections, [""; 0]);
        assert_eq!(
            said.remarks,
            [
                "N1 f32 on abacus: 693 bytes of code, 500 recorded (+38.6 %)",
                "N1 f32 on abacus: 1400 bytes of stack, 700 recorded (+100.0 %)"
            ]
        );
    }

    #[test]
    fn ram_panics_and_heap_are_judged_with_every_compiler() {
        for change in [|_: &mut Counted| {}, other] {
            let said = verdict(|counted| {
                change(counted);
                counted.count.ram = 613;
                counted.panic = Some("core::panicking::panic_bounds_check".into());
                counted.heap = vec!["malloc".into()];
            });
            assert_eq!(
                said.objections,
                [
                    "N1 f32 on abacus: a path to a panic, core::panicking::panic_bounds_check",
                    "N1 f32 on abacus: a heap, malloc",
                    "N1 f32 on abacus: 613 bytes of RAM, 600 recorded (+2.2 %)"
                ]
            );
        }
    }

    #[test]
    fn what_is_not_recorded_is_told() {
        let said = verdict(|counted| counted.count.network = "N3".into());
        assert_eq!(said.objections, ["N3 f32 on abacus: not recorded"]);
    }

    /// Layers of one series that take these instructions.
    fn layers(series: &str, instructions: &[u64]) -> Layers {
        let layer = |(index, &instructions): (usize, &u64)| Layer {
            series: series.into(),
            text: format!("9: dense {}", index + 1),
            macs: 100,
            instructions,
        };
        Layers {
            element: "int8".into(),
            processor: "abacus".into(),
            compiler: "rustc 1".into(),
            layers: instructions.iter().enumerate().map(layer).collect(),
            panic: None,
            heap: Vec::new(),
        }
    }

    /// What is said of layers that are like their record.
    fn objections(layers: &Layers) -> Vec<String> {
        judge_layers(layers, &[layers.record()])
    }

    #[test]
    fn a_smaller_layer_never_takes_more_than_a_larger_one() {
        assert_eq!(objections(&layers("dense-out", &[10, 20, 20, 30])), [""; 0]);
        assert_eq!(
            objections(&layers("dense-out", &[10, 21, 30, 20, 29])),
            [
                "int8 on abacus: `9: dense 2` takes 21 instructions, more than the larger `9: dense 4`, which takes 20",
                "int8 on abacus: `9: dense 3` takes 30 instructions, more than the larger `9: dense 4`, which takes 20"
            ]
        );
        // But for what registers make; and filters of different kinds are not of different sizes.
        assert_eq!(objections(&layers("dense-out", &[10, 1002, 1000])), [""; 0]);
        assert_eq!(objections(&layers("dense-out", &[10, 1003, 1000])).len(), 1);
        let recorded = [layers("channels-in", &[9999, 9999]).record()];
        for (instructions, count) in [([1020, 1000], 0), ([1021, 1000], 1)] {
            let other = Layers { compiler: "rustc 2".into(), ..layers("channels-in", &instructions) };
            assert_eq!(judge_layers(&other, &recorded).len(), count);
        }
        assert_eq!(objections(&layers("many", &[21, 20])), [""; 0]);
    }

    #[test]
    fn layers_may_grow_as_networks_may() {
        let recorded = [layers("many", &[1000, 2000]).record()];
        let mut now = layers("many", &[1020, 2042]);
        let said = ["`9: dense 2`, int8 on abacus: 2042 instructions, 2000 recorded (+2.1 %)"];
        assert_eq!(judge_layers(&now, &recorded), said);
        now.compiler = "rustc 2".into();
        assert_eq!(judge_layers(&now, &recorded), [""; 0]);
        let now = Layers { compiler: "rustc 2".into(), ..layers("many", &[1101, 2200]) };
        let said = ["`9: dense 1`, int8 on abacus: 1101 instructions, 1000 recorded (+10.1 %)"];
        assert_eq!(judge_layers(&now, &recorded), said);
    }

    #[test]
    fn of_layers_too_panics_and_heap_and_what_is_not_recorded_are_told() {
        let recorded = [layers("many", &[1]).record()];
        let mut now = layers("many", &[1, 1]);
        now.panic = Some("core::panicking::panic_bounds_check".into());
        now.heap = vec!["malloc".into()];
        assert_eq!(
            judge_layers(&now, &recorded),
            [
                "layers in int8 on abacus: a path to a panic, core::panicking::panic_bounds_check",
                "layers in int8 on abacus: a heap, malloc",
                "`9: dense 2`, int8 on abacus: not recorded"
            ]
        );
        assert_eq!(judge_layers(&layers("many", &[1]), &[]), ["`9: dense 1`, int8 on abacus: not recorded"]);
    }
}
