//! Tests of plots: what stands in the files, and that nothing a chart can hold makes them fail.

use std::fs;

use tempfile::TempDir;

use super::*;
use crate::drawing::Raster;

fn chart(points: Vec<(f64, f64)>) -> Chart {
    let series = vec![Series { label: "a < b & c".into(), points }];
    Chart { title: "T".into(), x_label: "X".into(), y_label: "Y".into(), series, ..Chart::default() }
}

fn drawn(chart: &Chart) -> (String, Raster) {
    let mut drawing = Drawing::new(WIDTH, HEIGHT);
    chart.draw(&mut drawing, 0.0);
    (drawing.svg(), drawing.raster(1.0).unwrap())
}

fn pixels_of(picture: &Raster, colour: Rgb) -> usize {
    picture.pixels.iter().filter(|&&pixel| pixel == colour).count()
}

const BLUE: Rgb = COLOURS[0];
const ORANGE: Rgb = COLOURS[1];

#[test]
fn both_files_are_written_whatever_the_stem() {
    let directory = TempDir::new().unwrap();
    let paths = chart(vec![(0.0, 1.0), (1.0, 2.0)]).save(&directory.path().join("rate-0.5")).unwrap();
    assert_eq!(paths, ["rate-0.5.svg", "rate-0.5.png"].map(|name| directory.path().join(name)));
    let svg = fs::read_to_string(&paths[0]).unwrap();
    assert!(svg.contains(">a &lt; b &amp; c</text>"));
    assert!(fs::read(&paths[1]).unwrap().starts_with(b"\x89PNG"));
}

#[test]
fn a_missing_directory_is_an_error() {
    let directory = TempDir::new().unwrap();
    let result = chart(vec![]).save(&directory.path().join("no/plot"));
    assert!(matches!(result, Err(crate::error::Error::NoParent { .. })));
}

#[test]
fn lines_and_texts_are_drawn() {
    let mut two = chart(vec![(0.0, 0.0), (10.0, 1.0)]);
    two.series.push(Series { label: "falling".into(), points: vec![(0.0, 1.0), (10.0, 0.0)] });
    let (_, picture) = drawn(&two);
    assert!(pixels_of(&picture, BLUE) > 500);
    assert!(pixels_of(&picture, ORANGE) > 500);
    // Titles are drawn by the program's own font: near-black pixels where no line goes.
    let title = picture.pixels[..40 * picture.width].iter().filter(|pixel| pixel[0] < 60).count();
    assert!(title > 20);
}

#[test]
fn the_y_label_runs_upwards_beside_the_middle_of_the_axis() {
    let (_, picture) = drawn(&Chart { y_label: "HHHHHHHHHH".into(), ..chart(vec![(0.0, 0.0), (1.0, 1.0)]) });
    let is_dark = |x: usize, y: usize| picture.pixels[y * picture.width + x][0] < 128;
    let rows: Vec<usize> = (0..picture.height).filter(|&y| (10..30).any(|x| is_dark(x, y))).collect();
    let (first, last) = (rows[0], rows[rows.len() - 1]);
    assert!((80..130).contains(&(last - first)), "{first} to {last}");
    // The frame goes from 80 to 398.
    assert!((first + last).abs_diff(80 + 398) < 6, "{first} to {last}");
}

#[test]
fn lines_break_where_there_is_no_number() {
    let points = vec![(0.0, 1.0), (1.0, 2.0), (2.0, f64::NAN), (3.0, 2.0), (4.0, 1.0)];
    let lines = |chart: &Chart| drawn(chart).0.matches("stroke-width=\"2.2\"").count();
    // One more stands in the legend.
    assert_eq!(lines(&chart(points)), 3);
    let log = Chart { log_y: true, ..chart(vec![(0.0, 1.0), (1.0, 0.0), (2.0, -3.0), (3.0, 2.0)]) };
    assert_eq!(lines(&log), 3);
    let log = Chart { log_x: true, ..chart(vec![(1.0, 1.0), (2.0, 1.0), (0.0, 2.0), (3.0, 2.0), (4.0, 2.0)]) };
    assert_eq!(lines(&log), 3);
    let high = Chart { lowest_y: Some(1.0), ..chart(vec![(0.0, 2.0), (1.0, 1.0), (2.0, 0.5), (3.0, 1.0)]) };
    assert_eq!(lines(&high), 3);
    assert!(drawn(&chart(vec![(f64::INFINITY, 1.0)])).0.contains("no data"));
}

#[test]
fn the_y_axis_begins_at_0_where_that_is_asked_for() {
    let begins = |chart: &Chart| drawn(chart).0.contains(">0</text>");
    let high = chart(vec![(1.0, 11_000.0), (2.0, 12_000.0)]);
    assert!(!begins(&high));
    assert!(begins(&Chart { from_zero: true, ..high.clone() }));
    assert!(!begins(&Chart { from_zero: true, log_y: true, ..high }));
}

#[test]
fn nothing_leaves_the_sheet() {
    let long = "A long text which explains at length what this is about: ".repeat(4);
    let mut crowded = chart(vec![(-1e300, 1e-300), (1e300, 1e300)]);
    (crowded.title, crowded.x_label, crowded.y_label) = (long.clone(), long.clone(), long.clone());
    crowded.series = (0..9).map(|i| Series { label: long[i..20 * i].into(), ..crowded.series[0].clone() }).collect();
    let (_, picture) = drawn(&crowded);
    let (width, height) = (picture.width, picture.height);
    let is_white = |x: usize, y: usize| picture.pixels[y * width + x][0] == 255;
    assert!((0..width).all(|x| is_white(x, 2) && is_white(x, height - 3)));
    assert!((0..height).all(|y| is_white(2, y) && is_white(width - 3, y)));
}

#[test]
fn control_characters_do_no_harm() {
    let (drawing, _) = drawn(&Chart { title: "a\u{0}b\u{1b}c".into(), ..chart(vec![]) });
    assert!(drawing.contains(">a b c</text>"));
}

#[test]
fn training_curves_show_what_is_known() {
    let directory = TempDir::new().unwrap();
    let epochs: Vec<EpochStats> = (1..=5)
        .map(|epoch| EpochStats {
            epoch,
            train_cost: Some(1.0 / epoch as f64),
            validation_accuracy: Some(0.9 + 0.01 * epoch as f64),
            ..EpochStats::default()
        })
        .collect();
    let [svg, _] = training_curve("Net", "f00d", &epochs, &directory.path().join("curve")).unwrap();
    let svg = fs::read_to_string(svg).unwrap();
    assert!(svg.contains("Net: cost") && svg.contains("Net: accuracy") && svg.contains(">95"));
    assert!(svg.contains("Epoch (weights: f00d)"));
    assert_eq!((svg.matches(">Training<").count(), svg.matches(">Validation<").count()), (1, 1));
    training_curve("Net", "f00d", &[], &directory.path().join("empty")).unwrap();
}
