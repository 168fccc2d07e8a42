//! Whether an inference takes more than is recorded, and how much of that is the compiler's doing.

use super::{Count, Counted};

/// How far a number may grow with the compiler that made the record.
const SAME: f64 = 1.02;
/// How far the instructions may grow with another one.
const OTHER: f64 = 1.10;

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
    verdict.objections.extend(panic.iter().map(|symbol| format!("{name}: a path to a panic, {symbol}")));
    verdict.objections.extend(heap.iter().map(|symbol| format!("{name}: a heap, {symbol}")));
    let Some(before) = recorded.iter().find(|before| key(before) == key(count)) else {
        verdict.objections.push(format!("{name}: not recorded"));
        return verdict;
    };
    let is_same = count.compiler == before.compiler;
    let instructions = if is_same { SAME } else { OTHER };
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
        let growth = now as f64 / then as f64;
        let text = || format!("{name}: {now} {what}, {then} recorded ({:+.1} %)", 100.0 * (growth - 1.0));
        match limit {
            Some(limit) if growth > limit => verdict.objections.push(text()),
            None if growth > SAME => verdict.remarks.push(text()),
            _ => {}
        }
    }
    verdict
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
}
