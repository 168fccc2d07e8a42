//! Printed lines taken away: those of ruled and squared paper, grids, boxes and frames, and lines that a digit stands on.
//! A line is straight, nearly level or upright, and long; what tells it from a digit's straight stroke is that it goes on
//! beyond the digit, or is thinner.

use super::gray::Rect;
use super::mask::Mask;

/// The most pixels on the longer side of the picture in which lines are looked for.
const SIDE: usize = 360;

/// How steep a level line may be.
const STEEPEST: f32 = 0.2;

/// The least length of a line, as a part of the picture's shorter side.
const SHORTEST: f32 = 0.25;

/// A line, level in its picture: from `start` to `end` at the height `y + slope * x`, in pixels of the full picture.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line {
    y: f32,
    slope: f32,
    start: usize,
    end: usize,
    thickness: f32,
    is_upright: bool,
}

/// Takes lines away from a mask.
pub(super) fn without_lines(mask: &Mask) -> Mask {
    let turned = mask.turned();
    let level = lines(mask, false);
    let upright = lines(&turned, true);
    let all: Vec<Line> = level.into_iter().chain(upright).collect();
    if all.is_empty() {
        return mask.clone();
    }
    let mut accepted = all;
    // Whether a line is one is judged by what is left without it, and that changes with the lines.
    while !accepted.is_empty() {
        let left = removed(mask, &turned, &accepted);
        let before = accepted.len();
        if let Some((bounds, thickness)) = digit_left(&left, mask) {
            let all = accepted.clone();
            accepted.retain(|line| is_line(line, bounds, thickness, mask, &all));
            if accepted.len() == before {
                return left;
            }
        } else {
            // One of them is a digit's straight stroke: the thickest one.
            let thickest = |line: &Line| if reaches_border(line, mask) { line.thickness / 2.0 } else { line.thickness };
            let place = (0..before).max_by(|&a, &b| thickest(&accepted[a]).total_cmp(&thickest(&accepted[b])));
            place.map(|place| accepted.swap_remove(place));
        }
    }
    mask.clone()
}

/// Where what is left lies, and how thick its strokes are; nothing if too little is left for a digit.
fn digit_left(left: &Mask, mask: &Mask) -> Option<(Rect, f32)> {
    let shorter = mask.width.min(mask.height);
    // What is smaller is left of where lines meet.
    let pieces: Vec<_> =
        left.pieces().into_iter().filter(|piece| piece.area.height().max(piece.area.width()) * 12 > shorter).collect();
    let largest = pieces.iter().map(|piece| piece.pixels.len()).max()?;
    let large = pieces.iter().filter(|piece| piece.pixels.len() * 8 > largest);
    let bounds = large.map(|piece| piece.area).reduce(Rect::with)?;
    (bounds.height() * 10 > shorter).then(|| (bounds, left.thickness()))
}

fn reaches_border(line: &Line, mask: &Mask) -> bool {
    let length = if line.is_upright { mask.height } else { mask.width };
    line.start * 25 < length && (length - line.end) * 25 < length
}

fn is_line(line: &Line, bounds: Rect, thickness: f32, mask: &Mask, all: &[Line]) -> bool {
    let (from, to, length) = if line.is_upright {
        (bounds.top, bounds.bottom, mask.height)
    } else {
        (bounds.left, bounds.right, mask.width)
    };
    let margin = (to - from) / 30;
    let goes_beyond = line.start + margin < from && line.end > to + margin;
    let is_thin = thickness >= 3.0 && line.thickness <= 0.55 * thickness;
    let is_long = (line.end - line.start) * 10 > length * 6;
    let touches_border = line.start * 25 < length || (length - line.end) * 25 < length;
    // Lines that are printed are of one thickness, and no strokes of a pen.
    let thinnest = all.iter().map(|other| other.thickness).fold(f32::INFINITY, f32::min);
    if line.thickness > 2.2 * thinnest + 2.0 && !reaches_border(line, mask) {
        return false;
    }
    let meets = |place: usize| {
        let near = 0.04 * length as f32 + line.thickness;
        let crosses = |other: &&Line| other.is_upright != line.is_upright;
        all.iter().filter(crosses).any(|other| (other.y + other.slope * line.y - place as f32).abs() <= near)
    };
    let is_side = meets(line.start) && meets(line.end);
    (goes_beyond && (touches_border || is_side || is_thin && is_long)) || (is_thin && (touches_border || is_side))
}

/// The lines of a mask that are nearly level.
fn lines(mask: &Mask, is_upright: bool) -> Vec<Line> {
    let factor = mask.width.max(mask.height).div_ceil(SIDE);
    let (width, height) = (mask.width.div_ceil(factor), mask.height.div_ceil(factor));
    let mut small = vec![false; width * height];
    for y in 0..mask.height {
        for x in 0..mask.width {
            small[y / factor * width + x / factor] |= mask.at(x, y);
        }
    }
    let shortest = ((width.min(height) as f32 * SHORTEST) as usize).max(8);
    let gap = shortest / 16 + 1;
    let steps = (STEEPEST * width as f32 / 2.0) as i32;
    let mut found: Vec<(usize, usize, f32, f32)> = Vec::new();
    for step in -steps..=steps {
        let slope = 2.0 * step as f32 / width as f32;
        let rise: Vec<i32> = (0..width).map(|x| (slope * x as f32).round() as i32).collect();
        let (lowest, highest) = (-rise[width - 1].max(0), height as i32 - rise[width - 1].min(0));
        for y in lowest..highest {
            let (mut start, mut last) = (None, 0);
            let mut finish = |start: usize, last: usize| {
                if last + 1 - start >= shortest {
                    found.push((start, last + 1, y as f32, slope));
                }
            };
            for (x, rise) in rise.iter().enumerate() {
                let row = y + rise;
                if (0..height as i32).contains(&row) && small[row as usize * width + x] {
                    start = start.or(Some(x));
                    last = x;
                } else if let Some(begun) = start
                    && x - last > gap
                {
                    finish(begun, last);
                    start = None;
                }
            }
            if let Some(begun) = start {
                finish(begun, last);
            }
        }
    }
    // The longest first; level ones among equals.
    found.sort_by(|a, b| (b.1 - b.0).cmp(&(a.1 - a.0)).then(a.3.abs().total_cmp(&b.3.abs())));
    let mut is_taken = vec![false; small.len()];
    let mut lines = Vec::new();
    for (start, end, y, slope) in found {
        let place = |x: usize| ((y + (slope * x as f32).round()).clamp(0.0, (height - 1) as f32) as usize) * width + x;
        let taken = (start..end).filter(|&x| is_taken[place(x)]).count();
        if taken * 3 > end - start {
            continue;
        }
        for x in start..end {
            let row = place(x) / width;
            for near in row.saturating_sub(2)..(row + 3).min(height) {
                is_taken[near * width + x] = true;
            }
        }
        let (start, end) = (start * factor, (end * factor).min(mask.width));
        let y = (y + 0.5) * factor as f32;
        let mut line = Line { y, slope, start, end, thickness: 0.0, is_upright };
        let mut lengths: Vec<usize> =
            (start..end).filter_map(|x| run(mask, &line, x)).map(|(top, bottom)| bottom - top).collect();
        lengths.sort_unstable();
        // Where a digit crosses it, a line seems thicker; so the thinner half tells.
        line.thickness = lengths.get(lengths.len() * 2 / 5).map_or(1.0, |&length| length as f32);
        if line.thickness < 0.09 * mask.width.min(mask.height) as f32 {
            lines.push(line);
        }
    }
    lines
}

/// The rows of ink that a level line has in a column.
fn run(mask: &Mask, line: &Line, x: usize) -> Option<(usize, usize)> {
    let middle = line.y + line.slope * x as f32;
    let reach = 2 + mask.width.max(mask.height).div_ceil(SIDE) as isize;
    let middle = middle as isize;
    let near = (0..=reach).flat_map(|away| [middle - away, middle + away]);
    let inside = near.filter(|y| (0..mask.height as isize).contains(y)).map(|y| y as usize);
    let y = inside.into_iter().find(|&y| mask.at(x, y))?;
    let top = (0..y).rev().take_while(|&y| mask.at(x, y)).last().unwrap_or(y);
    let bottom = (y..mask.height).take_while(|&y| mask.at(x, y)).last().unwrap_or(y) + 1;
    Some((top, bottom))
}

/// The mask without some lines, but with what crosses them.
fn removed(mask: &Mask, turned: &Mask, lines: &[Line]) -> Mask {
    let mut result = mask.clone();
    for line in lines {
        let source = if line.is_upright { turned } else { mask };
        let longest = (1.5 * line.thickness + 1.0).ceil() as usize;
        let thick = line.thickness.round().max(1.0) as usize;
        for x in line.start.saturating_sub(thick)..(line.end + thick).min(source.width) {
            let Some((top, bottom)) = run(source, line, x) else { continue };
            if bottom - top <= longest {
                for y in top..bottom {
                    let (x, y) = if line.is_upright { (y, x) } else { (x, y) };
                    result.pixels[y * mask.width + x] = false;
                }
            }
        }
    }
    result
}
