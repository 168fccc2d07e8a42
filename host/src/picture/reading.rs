//! From ink to digits: lines taken away, pieces put together, each digit fitted into an image as MNIST's.

use super::gray::{Beyond, Colours, Gray, Rect};
use super::ink::ink;
use super::lines::without_lines;
use super::mask::{Mask, Piece};
use crate::data::Image;

const SIDE: usize = 28;

/// The side of the box which MNIST scales its digits to.
const BOX: usize = 20;

/// The part of a stroke's amount of ink from which on a pixel is of the stroke.
const STROKE: f32 = 0.4;

/// The least amount of ink, of 255, of a stroke's pale edge.
const PALE: f32 = 16.0;

/// Strokes thinner than this, in a box of [`BOX`], are drawn with a pen of [`PEN`].
const THIN: f32 = 1.4;
const PEN: f32 = 2.4;

/// A speck is dropped if it has less than this part of the pixels of the largest piece.
const SPECK: usize = 40;

/// No digit has more holes, or longer strokes: in lengths of its box.
const MOST_HOLES: usize = 2;
const LONGEST: f32 = 7.0;

/// A digit that was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Digit {
    /// As MNIST has its images.
    pub image: Image,
    /// Where it lies in the picture, in pixels of that, once upright.
    pub area: Rect,
    /// The line of digits that it stands in, from 0 on.
    pub line: usize,
}

/// What was seen in a picture, step by step.
pub(super) struct Steps {
    /// How much ink there is.
    pub(super) amounts: Option<Gray>,
    /// The strokes, without lines and specks.
    pub(super) strokes: Option<Mask>,
}

impl Steps {
    /// The steps, and the digits in reading order.
    pub(super) fn of(colours: &Colours, many: bool) -> (Self, Vec<Digit>) {
        let Some(found) = ink(colours) else { return (Self { amounts: None, strokes: None }, Vec::new()) };
        let mask = Mask::of(&found.amounts, (255.0 * STROKE).max(found.floor));
        let mask = without_lines(&mask);
        let groups = groups(kept(&mask, found.page.as_ref(), many), many);
        let mut strokes = Mask { pixels: vec![false; mask.pixels.len()], ..mask };
        groups.iter().flat_map(|group| &group.pixels).for_each(|&i| strokes.pixels[i] = true);
        let mut digits: Vec<Digit> =
            groups.iter().filter_map(|group| digit(&found.amounts, found.floor, group)).collect();
        sort_as_read(&mut digits);
        (Self { amounts: Some(found.amounts), strokes: Some(strokes) }, digits)
    }
}

/// The pieces that may be of digits.
fn kept(mask: &Mask, page: Option<&Mask>, many: bool) -> Vec<Piece> {
    let shorter = mask.width.min(mask.height);
    let least = 3.max(mask.pixels.len() / 20_000);
    // The dots of a thin line are one piece.
    let near = if shorter > 100 && mask.thickness() < 2.5 { 2.0 } else { 0.0 };
    let mut pieces = mask.pieces_within(near);
    pieces.retain(|piece| piece.pixels.len() >= least);
    if let Some(page) = page {
        let is_page = |i: usize| {
            let (x, y) = (i % mask.width * page.width / mask.width, i / mask.width * page.height / mask.height);
            page.at(x, y)
        };
        let on_page = |piece: &Piece| piece.pixels.iter().filter(|&&i| is_page(i)).count() * 10 > piece.pixels.len();
        let is_large = |piece: &Piece| piece.area.height() * 8 > shorter;
        if pieces.iter().any(|piece| is_large(piece) && on_page(piece)) {
            pieces.retain(on_page);
        }
    }
    if many {
        // What is left of a grid or a frame, and of a desk.
        pieces.retain(|piece| piece.area.width().max(piece.area.height()) * 3 < mask.width.max(mask.height));
    }
    let at_border = |piece: &Piece| {
        let Rect { left, top, right, bottom } = piece.area;
        left == 0 || top == 0 || right == mask.width || bottom == mask.height
    };
    let inner = pieces.iter().filter(|piece| !at_border(piece) && piece.area.height() * 8 > shorter);
    let largest_inner = inner.map(|piece| piece.pixels.len()).max().unwrap_or(0);
    pieces.retain(|piece| !at_border(piece) || largest_inner * 10 < piece.pixels.len());
    // A frame is hollow, and there is something in it.
    let is_frame = |piece: &Piece| {
        let area = piece.area;
        let inside = |other: &Piece| {
            let it = other.area;
            it.left > area.left
                && it.top > area.top
                && it.right < area.right
                && it.bottom < area.bottom
                && it.height() * 3 > area.height()
        };
        piece.pixels.len() * 3 < area.width() * area.height() && pieces.iter().any(inside)
    };
    let frames: Vec<bool> = pieces.iter().map(is_frame).collect();
    let mut frames = frames.into_iter();
    pieces.retain(|_| !frames.next().unwrap_or(false));
    pieces
}

/// Puts the pieces of each digit together, and drops specks.
fn groups(pieces: Vec<Piece>, many: bool) -> Vec<Piece> {
    let mut sizes: Vec<usize> = pieces.iter().map(|piece| piece.pixels.len()).collect();
    sizes.sort_unstable();
    let mut heights: Vec<usize> = pieces.iter().map(|piece| piece.area.height()).collect();
    heights.sort_unstable();
    let Some(&largest) = sizes.last() else { return Vec::new() };
    let mut groups: Vec<Piece> = pieces.into_iter().filter(|piece| piece.pixels.len() * SPECK > largest).collect();
    groups.sort_by_key(|piece| std::cmp::Reverse(piece.area.height()));
    let mut first = 0;
    while first < groups.len() {
        let other = (first + 1..groups.len()).find(|&other| are_of_one(groups[first].area, groups[other].area));
        if let Some(other) = other {
            let more = groups.remove(other);
            groups[first].area = groups[first].area.with(more.area);
            groups[first].pixels.extend(more.pixels);
        } else {
            first += 1;
        }
    }
    let tallest = if many {
        // Some digits may touch what is no digit, so the tallest tells nothing.
        heights.iter().rev().nth(heights.len() / 4).copied().unwrap_or(0)
    } else {
        groups.iter().map(|group| group.area.height()).max().unwrap_or(0)
    };
    let most = groups.iter().map(|group| group.pixels.len()).max().unwrap_or(0);
    let is_digit = |group: &Piece| {
        let height = group.area.height();
        height * 5 > tallest * 2
            && (!many || height < tallest * 2 && group.area.width() < tallest * 2)
            && (many || group.pixels.len() * 12 > most)
    };
    groups.retain(is_digit);
    groups
}

/// Whether two pieces, the first not the lower one, are of one digit: the bar of a 5, a stroke that is broken.
fn are_of_one(tall: Rect, low: Rect) -> bool {
    let gap = |from: usize, to: usize, other_from: usize, other_to: usize| {
        other_from.saturating_sub(to).max(from.saturating_sub(other_to))
    };
    let (across, down) =
        (gap(tall.left, tall.right, low.left, low.right), gap(tall.top, tall.bottom, low.top, low.bottom));
    let shared = tall.right.min(low.right).saturating_sub(tall.left.max(low.left));
    let height = tall.height();
    let overlaps = shared * 10 > 4 * tall.width().min(low.width());
    let is_small = low.height() * 10 < height * 6;
    (overlaps && down * 10 <= height && (is_small || down * 16 <= height))
        || (overlaps && is_small && down * 5 <= height)
        || (is_small && across * 8 <= height && down * 12 <= height)
}

/// The image of a digit; nothing of a tangle of strokes.
fn digit(amounts: &Gray, floor: f32, group: &Piece) -> Option<Digit> {
    let area = group.area;
    let longest = area.width().max(area.height());
    // With room for what is drawn around it.
    let room = longest / 8 + 2;
    let (width, height) = (area.width() + 2 * room, area.height() + 2 * room);
    let mut mask = Mask { width, height, pixels: vec![false; width * height] };
    for i in &group.pixels {
        let (x, y) = (i % amounts.width - area.left + room, i / amounts.width - area.top + room);
        mask.pixels[y * width + x] = true;
    }
    let thickness = mask.thickness();
    let holes = mask.holes(area.width() * area.height() / 80);
    let length = mask.count() as f32 / thickness.max(1.0);
    if holes > MOST_HOLES || length > LONGEST * longest as f32 {
        return None;
    }
    let scaled = thickness * BOX as f32 / longest as f32;
    let distances = mask.distances();
    let drawn = if scaled < THIN {
        let wider = (PEN * longest as f32 / BOX as f32 - thickness) / 2.0;
        distances.map(|distance| 255.0 * (wider + 0.5 - distance).clamp(0.0, 1.0))
    } else {
        // The pale edge belongs to the stroke, unless it is as thin as a line.
        let mut drawn = distances;
        let mut pale = Gray { width, height, pixels: vec![255.0; width * height] };
        for (i, value) in drawn.pixels.iter_mut().enumerate() {
            let (x, y) = ((i % width + area.left).wrapping_sub(room), (i / width + area.top).wrapping_sub(room));
            let is_inside = x < amounts.width && y < amounts.height && *value <= (0.7 * thickness).max(1.5);
            let amount = if is_inside { amounts.at(x, y) } else { 0.0 };
            let is_pale = amount >= floor.max(PALE) && (mask.pixels[i] || amount < 255.0 * STROKE);
            pale.pixels[i] = if is_pale { 0.0 } else { 255.0 };
            *value = if is_pale { amount.min(255.0) } else { 0.0 };
        }
        let wide = pale.closed((thickness * 0.1).round() as usize, Beyond::Same);
        for (i, value) in drawn.pixels.iter_mut().enumerate() {
            *value = if mask.pixels[i] || wide.pixels[i] == 0.0 { *value } else { 0.0 };
        }
        drawn
    };
    Some(Digit { image: fitted(&drawn)?, area, line: 0 })
}

/// Ink scaled to MNIST's box, and centred by its mass; nothing if there is none.
fn fitted(ink: &Gray) -> Option<Image> {
    let bounds = ink.bounds()?;
    let (width, height) = (bounds.width(), bounds.height());
    let scaled = |side: usize| ((side * BOX) as f32 / width.max(height) as f32).round().max(1.0) as usize;
    let digit = ink.resized(bounds, scaled(width), scaled(height));
    let (x, y) = digit.centre();
    let left = ((SIDE / 2) as f32 - x).round().clamp(0.0, (SIDE - digit.width) as f32) as usize;
    let top = ((SIDE / 2) as f32 - y).round().clamp(0.0, (SIDE - digit.height) as f32) as usize;
    let mut image = [0; SIDE * SIDE];
    for (y, row) in digit.pixels.chunks_exact(digit.width).enumerate() {
        let start = (top + y) * SIDE + left;
        for (pixel, ink) in image[start..].iter_mut().zip(row) {
            *pixel = ink.round() as u8;
        }
    }
    Some(image)
}

/// The picture itself, or inverted, if it is an image as MNIST's. All of MNIST's have this in common: 28 x 28 pixels,
/// paper at 0, ink at 250 or more somewhere, a bounding box of 19 or 20 on its longer side, and the centre of mass
/// within half a pixel of the middle.
pub(super) fn already_prepared(colours: &Colours) -> Option<Image> {
    let is_gray = colours.pixels.iter().all(|pixel| pixel[0] == pixel[1] && pixel[1] == pixel[2]);
    if (colours.width, colours.height) != (SIDE, SIDE) || !is_gray || colours.alpha.is_some() {
        return None;
    }
    let picture = Gray { width: SIDE, height: SIDE, pixels: colours.pixels.iter().map(|pixel| pixel[0]).collect() };
    let inverted = picture.map(|pixel| 255.0 - pixel);
    [picture, inverted].into_iter().find(is_as_mnist).map(|prepared| {
        let mut image = [0; SIDE * SIDE];
        image.iter_mut().zip(&prepared.pixels).for_each(|(pixel, ink)| *pixel = ink.round() as u8);
        image
    })
}

fn is_as_mnist(picture: &Gray) -> bool {
    let Some(bounds) = picture.bounds() else { return false };
    let longest = bounds.width().max(bounds.height());
    let (x, y) = picture.centre();
    let is_central = |place: f32| (place - (SIDE / 2) as f32).abs() < 0.6;
    let darkest = picture.pixels.iter().copied().fold(0.0, f32::max);
    (BOX - 1..=BOX).contains(&longest) && is_central(x) && is_central(y) && darkest >= 250.0
}

/// Puts digits in the order in which they are read: line by line, though the lines may be aslant.
fn sort_as_read(digits: &mut [Digit]) {
    let mut heights: Vec<usize> = digits.iter().map(|digit| digit.area.height()).collect();
    heights.sort_unstable();
    let Some(&height) = heights.get(heights.len() / 2) else { return };
    let middle = |digit: &Digit| {
        let Rect { left, top, right, bottom } = digit.area;
        ((left + right) as f32 / 2.0, (top + bottom) as f32 / 2.0)
    };
    let level = |digit: &Digit, slope: f32| middle(digit).1 - slope * middle(digit).0;
    let levels = |slope: f32| {
        let mut levels: Vec<f32> = digits.iter().map(|digit| level(digit, slope)).collect();
        levels.sort_unstable_by(f32::total_cmp);
        levels
    };
    // In the right slope digits stand in few lines: most are near the next one in height.
    let nearness = |slope: f32| {
        let near = |pair: &[f32]| (-(pair[1] - pair[0]) / (0.25 * height as f32)).exp();
        levels(slope).windows(2).map(near).sum::<f32>() - 0.01 * slope.abs()
    };
    let slopes = (-30..=30).map(|step| step as f32 / 100.0);
    let slope = slopes.max_by(|&a, &b| nearness(a).total_cmp(&nearness(b))).unwrap_or(0.0);
    let mut lines = Vec::new();
    let mut last = f32::NEG_INFINITY;
    for level in levels(slope) {
        if level - last > 0.5 * height as f32 {
            lines.push(level);
        }
        last = level;
    }
    for digit in &mut *digits {
        digit.line = lines.iter().filter(|&&start| start <= level(digit, slope)).count().saturating_sub(1);
    }
    digits.sort_by(|a, b| a.line.cmp(&b.line).then(middle(a).0.total_cmp(&middle(b).0)));
}
