//! The tables: every name in them leads somewhere.

use super::plots::Points;
use super::*;
use crate::nets;
use std::collections::{BTreeMap, BTreeSet};

#[test]
fn names_are_unique_and_parts_that_share_a_name_do_the_same() {
    let names: BTreeSet<_> = all().iter().map(|experiment| experiment.name).collect();
    assert_eq!(names.len(), all().len());
    let mut works = BTreeMap::new();
    for part in all().into_iter().flat_map(|experiment| experiment.parts) {
        let work = serde_json::to_string(&part.work).unwrap();
        assert_eq!(works.entry(part.name).or_insert_with(|| work.clone()), &work);
    }
}

#[test]
fn figures_and_plots_are_of_the_experiment_s_own_parts() {
    for experiment in all() {
        let parts: Vec<&str> = experiment.parts.iter().map(|part| part.name.as_str()).collect();
        let figures = experiment.figures.iter().map(|figure| figure.part.as_str());
        let lines = experiment.plots.iter().flat_map(|plot| &plot.lines).flat_map(|line| match &line.points {
            Points::Epochs { part, .. } => vec![part.as_str()],
            Points::Across { parts, .. } => parts.iter().map(|(_, part)| part.as_str()).collect(),
            Points::Rerun(_) => Vec::new(),
        });
        for part in figures.chain(lines) {
            assert!(parts.contains(&part), "{}: {part}", experiment.name);
        }
        let stems: BTreeSet<_> = experiment.plots.iter().map(|plot| plot.stem(experiment.name)).collect();
        assert_eq!(stems.len(), experiment.plots.len(), "{}", experiment.name);
    }
}

#[test]
fn every_network_has_its_cost() {
    for part in all().into_iter().flat_map(|experiment| experiment.parts) {
        if let Work::Training(training) = part.work {
            nets::find(training.net, Some(training.cost)).unwrap();
        }
    }
}

#[test]
fn an_unknown_name_gets_the_nearest() {
    let error = find("network30").unwrap_err().to_string();
    assert!(error.contains("did you mean network-30?"), "{error}");
}
