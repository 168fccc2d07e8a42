//! Ink told from paper. Paper is never even: it has shadows, ends on a desk, and either may be the darker one. But ink is
//! narrow: what is left of the picture when narrow things are closed is paper, and ink is what departs from that.

use super::gray::{Beyond, Colours, Gray};
use super::mask::Mask;
use std::borrow::Cow;

/// How many standard deviations of the paper's noise a pixel must depart from the paper to count as ink.
const SIGNIFICANT: f32 = 4.5;

/// The least departure which counts as ink, of 255: less is neither seen nor meant.
const LEAST: f32 = 6.0;

/// How many times the noise the ink's contrast must be for strokes to have smooth edges.
const CLEAR: f32 = 9.0;

/// What is narrower than this part of the picture's side may be ink; of sides that differ, the geometric mean.
const NARROW: f32 = 0.4;

/// The pixels on the longer side of the picture in which colour and direction are chosen.
const SKETCH_SIDE: usize = 180;

/// From so many pixels the noise is estimated.
const SAMPLES: usize = 20_000;

/// By so much, of 255, a desk is darker than the page on it.
const APART: f32 = 40.0;

/// Paper darker than this, of 255, is taken for as bright as this: in the dark all differences are noise.
const DARK: f32 = 90.0;

/// The ink of a picture.
pub(super) struct Ink {
    /// From 0 on paper to 255 in the core of a stroke, and beyond.
    pub(super) amounts: Gray,
    /// The least amount that is more than noise.
    pub(super) floor: f32,
    /// Where the bright page is, if a part of the picture is much darker than the rest.
    pub(super) page: Option<Mask>,
}

/// The ink of a picture; nothing if there is only paper.
pub(super) fn ink(colours: &Colours) -> Option<Ink> {
    if let Some(amounts) = colours.ink_by_alpha() {
        return Some(Ink { amounts, floor: LEAST, page: None });
    }
    let colours = colours.on_white();
    let small = colours.shrunk(SKETCH_SIDE);
    let View { weights, is_dark, beyond } = best_view(&small)?;
    let gray = colours.view(weights, is_dark);
    let longest = gray.width.max(gray.height);
    let mut best: Option<(f32, Gray, Levels)> = None;
    let page = if is_dark { page(&small.view(weights, is_dark)) } else { None };
    for radius in [0, 1, 2, 3, 5, 8] {
        if radius * 60 > longest.max(60) {
            break;
        }
        let smooth = gray.smoothed(radius);
        let (departures, noise) = departures(&smooth, &smooth.closed(narrow(&smooth), beyond), is_dark);
        let Some(levels) = Levels::of(&departures, noise) else { continue };
        let clearness = levels.core / noise.max(0.1);
        if best.as_ref().is_none_or(|best| clearness > best.0) {
            best = Some((clearness, departures, levels));
        }
        if clearness >= CLEAR {
            break;
        }
    }
    let (_, departures, levels) = best?;
    let scale = 255.0 / levels.core;
    Some(Ink { amounts: departures.map(|&departure| (departure * scale).max(0.0)), floor: levels.floor * scale, page })
}

/// The bright part of a picture, if there is much of it, and something much darker around it or beside it.
fn page(gray: &Gray) -> Option<Mask> {
    let paper = gray.closed(narrow(gray), Beyond::Same);
    let some: Vec<f32> = paper.pixels.iter().step_by(paper.pixels.len().div_ceil(SAMPLES)).copied().collect();
    let limit = otsu(&some)?;
    let (bright, dark): (Vec<f32>, Vec<f32>) = some.into_iter().partition(|&value| value >= limit);
    let least = (bright.len() + dark.len()) / 20;
    let is_apart = bright.len().min(dark.len()) > least && quantile(0.5, bright)? - quantile(0.5, dark)? > APART;
    is_apart.then(|| Mask::of(&paper, limit))
}

/// Ways to look at colours: gray, one colour, or the difference of two.
const VIEWS: [[f32; 3]; 6] =
    [[0.299, 0.587, 0.114], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [0.5, -0.5, 0.0], [0.25, 0.25, -0.5]];

impl Colours {
    /// A gray picture in which ink is dark; `is_dark` says whether it is so in this view, or inverted.
    fn view(&self, weights: [f32; 3], is_dark: bool) -> Gray {
        let offset = if weights.iter().sum::<f32>() < 0.5 { 127.5 } else { 0.0 };
        let look = |pixel: &[f32; 3]| {
            let value = offset + pixel.iter().zip(weights).map(|(value, weight)| value * weight).sum::<f32>();
            if is_dark { value } else { 255.0 - value }
        };
        Gray { width: self.width, height: self.height, pixels: self.pixels.iter().map(look).collect() }
    }

    /// What is transparent laid on white paper.
    fn on_white(&self) -> Cow<'_, Self> {
        let Some(alpha) = &self.alpha else { return Cow::Borrowed(self) };
        let over = |(pixel, alpha): (&[f32; 3], &f32)| pixel.map(|value| 255.0 + (value - 255.0) * alpha);
        Cow::Owned(Self { pixels: self.pixels.iter().zip(alpha).map(over).collect(), alpha: None, ..*self })
    }

    /// Ink of one colour on nothing: where there is colour is ink, whatever colour it is.
    fn ink_by_alpha(&self) -> Option<Gray> {
        let alpha = self.alpha.as_ref()?;
        let luma = self.view(VIEWS[0], true);
        let opaque: Vec<f32> =
            luma.pixels.iter().zip(alpha).filter(|(_, alpha)| **alpha > 0.7).map(|(v, _)| *v).collect();
        let range = opaque.iter().fold((255.0_f32, 0.0_f32), |range, &v| (range.0.min(v), range.1.max(v)));
        let empty = alpha.iter().filter(|&&alpha| alpha < 0.3).count();
        (range.1 - range.0 < 40.0 && !opaque.is_empty() && empty * 4 > alpha.len()).then(|| Gray {
            width: self.width,
            height: self.height,
            pixels: alpha.iter().map(|a| 255.0 * a).collect(),
        })
    }
}

/// A way to look at a picture.
#[derive(Clone, Copy)]
struct View {
    weights: [f32; 3],
    /// Whether ink is dark in it, or bright.
    is_dark: bool,
    beyond: Beyond,
}

/// What a view shows, in a small picture.
struct Evidence {
    view: View,
    core: f32,
    clearness: f32,
    /// The thickness of what stands out, as a part of its length.
    stoutness: f32,
    /// The part of its edge that is an edge of the picture.
    support: f32,
    /// Whether all of a side of the picture stands out: it is a desk then.
    fills_side: bool,
}

/// The view in which ink is seen best.
fn best_view(colours: &Colours) -> Option<View> {
    let best = best_evidence(colours, Beyond::Same)?;
    // What has no edges all around goes on beyond the border, where there may be paper.
    let other = if best.support < 0.95 { best_evidence(colours, Beyond::Paper) } else { None };
    let is_better = |other: &Evidence| other.support > best.support && !other.fills_side;
    Some(other.filter(is_better).map_or(best.view, |other| other.view))
}

fn best_evidence(colours: &Colours, beyond: Beyond) -> Option<Evidence> {
    let is_coloured = colours.pixels.iter().any(|&[r, g, b]| (r - g).abs().max((g - b).abs()) > 12.0);
    let views = if is_coloured { &VIEWS[..] } else { &VIEWS[..1] };
    let evidence = |weights: [f32; 3], is_dark: bool| {
        let view = View { weights, is_dark, beyond };
        let gray = colours.view(weights, is_dark);
        let small = gray.smoothed(usize::from(gray.width.min(gray.height) >= SKETCH_SIDE / 2));
        let paper = small.closed(narrow(&small), beyond);
        let (departures, noise) = departures(&small, &paper, is_dark);
        let levels = Levels::of(&departures, noise)?;
        let strong = Mask::of(&departures, 0.5 * levels.core);
        let largest = strong.pieces().into_iter().max_by_key(|piece| piece.pixels.len())?;
        let length = largest.area.width().max(largest.area.height()) as f32;
        let stoutness = strong.thickness() / length;
        let support = support(&strong, &small, &paper);
        let clearness = levels.core / (noise + 1.5);
        Some(Evidence { view, core: levels.core, clearness, stoutness, support, fills_side: fills_side(&strong) })
    };
    let of_view = |view: &[f32; 3]| {
        let pair = [true, false].map(|is_dark| evidence(*view, is_dark));
        match pair {
            // What lies between strokes stands out as much as they do, but only strokes have edges all around. The holes
            // of a digit have, too, and so has a sheet around it: but strokes are thin.
            [Some(dark), Some(light)] => {
                let is_light = if dark.core > 3.0 * light.core || light.core > 6.0 * dark.core {
                    light.core > dark.core
                } else if (light.support - dark.support).abs() > 0.08 {
                    light.support > dark.support
                } else {
                    light.stoutness < 0.85 * dark.stoutness
                };
                Some(if is_light { light } else { dark })
            }
            [dark, light] => dark.or(light),
        }
    };
    let gray = of_view(&views[0]);
    let others = views[1..].iter().filter_map(of_view).max_by(|a, b| a.clearness.total_cmp(&b.clearness));
    match (gray, others) {
        (Some(gray), Some(other)) => Some(if other.clearness > 1.6 * gray.clearness { other } else { gray }),
        (gray, other) => gray.or(other),
    }
}

/// Whether nine tenths of one of the mask's sides are ink.
fn fills_side(mask: &Mask) -> bool {
    let (width, height) = (mask.width, mask.height);
    let level = |y: usize| (0..width).filter(|&x| mask.at(x, y)).count() * 10 > 9 * width;
    let upright = |x: usize| (0..height).filter(|&y| mask.at(x, y)).count() * 10 > 9 * height;
    level(0) || level(height - 1) || upright(0) || upright(width - 1)
}

/// The part of a mask's edge where the picture has an edge, and not only the paper that was found.
fn support(mask: &Mask, gray: &Gray, paper: &Gray) -> f32 {
    let (mut edges, mut real) = (0, 0);
    for y in 0..mask.height {
        for x in 0..mask.width {
            if !mask.at(x, y) {
                continue;
            }
            for (dx, dy) in [(-1, 0), (1, 0), (0, -1), (0, 1)] {
                let place = |steps: isize| {
                    let (x, y) = (x.checked_add_signed(steps * dx)?, y.checked_add_signed(steps * dy)?);
                    (x < mask.width && y < mask.height).then_some((x, y))
                };
                let Some((next_x, next_y)) = place(1) else { continue };
                if mask.at(next_x, next_y) {
                    continue;
                }
                let (far_x, far_y) = place(2).unwrap_or((next_x, next_y));
                let change = |of: &Gray| (of.at(far_x, far_y) - of.at(x, y)).abs();
                edges += 1;
                real += usize::from(change(gray) > change(paper));
            }
        }
    }
    real as f32 / edges.max(1) as f32
}

/// The radius of what is so wide that it is no stroke.
fn narrow(gray: &Gray) -> usize {
    (NARROW / 2.0 * ((gray.width * gray.height) as f32).sqrt()).round().max(1.0) as usize
}

/// How far each pixel is darker than the paper there, and the standard deviation of the paper's noise.
fn departures(gray: &Gray, paper: &Gray, is_dark: bool) -> (Gray, f32) {
    let mut departures = paper.clone();
    for (departure, own) in departures.pixels.iter_mut().zip(&gray.pixels) {
        let bright = *departure;
        // In half the light, ink differs from paper by half as much.
        *departure = (bright - own) * if is_dark { 255.0 / bright.max(DARK) } else { 1.0 };
    }
    let some = departures.pixels.iter().step_by(departures.pixels.len().div_ceil(SAMPLES)).copied();
    let (low, high) = shortest_half(some.collect());
    let middle = (low + high) / 2.0;
    departures.pixels.iter_mut().for_each(|departure| *departure -= middle);
    // The middle half of normal noise is within 0.6745 standard deviations.
    (departures, (high - low) / 2.0 / 0.6745)
}

/// Departures that tell ink.
struct Levels {
    /// More than noise.
    floor: f32,
    /// That of the core of strokes.
    core: f32,
}

impl Levels {
    fn of(departures: &Gray, noise: f32) -> Option<Self> {
        let floor = (SIGNIFICANT * noise).max(LEAST);
        let clear: Vec<f32> = departures.pixels.iter().copied().filter(|&ink| ink >= floor).collect();
        let strong = otsu(&clear)?;
        let core = quantile(0.35, clear.into_iter().filter(|&ink| ink >= strong).collect())?;
        Some(Self { floor, core })
    }
}

/// The shortest range which holds half of the values: with up to half of them astray it still tells of the others.
fn shortest_half(mut values: Vec<f32>) -> (f32, f32) {
    values.sort_unstable_by(f32::total_cmp);
    let half = values.len().div_ceil(2).max(1);
    let ranges = values.windows(half).map(|range| (range[0], range[half - 1]));
    ranges.min_by(|a, b| (a.1 - a.0).total_cmp(&(b.1 - b.0))).unwrap_or((0.0, 0.0))
}

fn quantile(part: f32, mut values: Vec<f32>) -> Option<f32> {
    let middle = (part * values.len() as f32) as usize;
    (!values.is_empty()).then(|| *values.select_nth_unstable_by(middle, f32::total_cmp).1)
}

/// Otsu's threshold: the level that parts the values into two classes of the least variance within.
fn otsu(values: &[f32]) -> Option<f32> {
    let mut histogram = [0_u32; 256];
    values.iter().for_each(|&value| histogram[value.clamp(0.0, 255.0) as usize] += 1);
    let lowest = histogram.iter().position(|&count| count > 0)?;
    let total: f64 = values.len() as f64;
    let moments = |from: usize, to: usize| {
        let part = || (from..to).map(|level| (level as f64, f64::from(histogram[level])));
        (part().map(|(_, count)| count).sum::<f64>(), part().map(|(level, count)| level * count).sum::<f64>())
    };
    let separation = |level: usize| {
        let ((below, below_sum), (above, above_sum)) = (moments(0, level), moments(level, 256));
        let apart = if below > 0.0 && above > 0.0 { below_sum / below - above_sum / above } else { 0.0 };
        below * above / (total * total) * apart * apart
    };
    let best = (lowest + 1..256).max_by(|&a, &b| separation(a).total_cmp(&separation(b)));
    // With a single level there is nothing to part: all of it is strong.
    Some(best.filter(|&level| separation(level) > 0.0).unwrap_or(lowest) as f32)
}
