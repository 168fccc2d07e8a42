//! Drawings as lists of marks: described once, written as SVG and as PNG.

mod raster;
mod svg;

pub(crate) use raster::Raster;

/// A place (x, y) in units of the drawing, y downwards.
pub(crate) type Place = (f64, f64);

/// A colour: red, green and blue.
pub(crate) type Rgb = [u8; 3];

/// A drawing on white.
pub(crate) struct Drawing {
    pub(crate) width: f64,
    pub(crate) height: f64,
    marks: Vec<Mark>,
}

enum Mark {
    Rule { from: Place, to: Place, colour: Rgb },
    Curve { places: Vec<Place>, colour: Rgb, dashes: &'static [f32] },
    Dot { place: Place, colour: Rgb },
    Text { place: Place, anchor: Anchor, is_upright: bool, text: String, style: Style },
}

const RULE_WIDTH: f32 = 1.0;
const CURVE_WIDTH: f32 = 2.2;
const DOT_RADIUS: f32 = 3.4;

/// The look of a text: its size in units of the drawing, weight and colour.
#[derive(Clone, Copy)]
pub(crate) struct Style {
    pub(crate) size: f64,
    pub(crate) bold: bool,
    pub(crate) colour: Rgb,
}

/// Which part of a text stands at its place.
#[derive(Clone, Copy)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

impl Drawing {
    /// An empty drawing.
    pub(crate) fn new(width: f64, height: f64) -> Self {
        Self { width, height, marks: Vec::new() }
    }

    /// Adds a thin straight line.
    pub(crate) fn rule(&mut self, from: Place, to: Place, colour: Rgb) {
        self.marks.push(Mark::Rule { from, to, colour });
    }

    /// Adds a thick line through places, of `dashes` and gaps of these lengths in turn; whole if there are none.
    pub(crate) fn curve(&mut self, places: &[Place], colour: Rgb, dashes: &'static [f32]) {
        self.marks.push(Mark::Curve { places: places.to_vec(), colour, dashes });
    }

    /// Adds a dot which marks a place on a curve.
    pub(crate) fn dot(&mut self, place: Place, colour: Rgb) {
        self.marks.push(Mark::Dot { place, colour });
    }

    /// Adds a text whose baseline is at a place.
    pub(crate) fn text(&mut self, place: Place, anchor: Anchor, text: &str, style: Style) {
        self.marks.push(Mark::Text { place, anchor, is_upright: false, text: printable(text), style });
    }

    /// Adds a text that is read from below: its baseline runs upwards through a place.
    pub(crate) fn upright_text(&mut self, place: Place, anchor: Anchor, text: &str, style: Style) {
        self.marks.push(Mark::Text { place, anchor, is_upright: true, text: printable(text), style });
    }
}

/// The text without control characters, which XML forbids in any form.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') { ' ' } else { c }).collect()
}

/// The widest a text gets: the font is not asked, since SVG viewers may take another.
pub(crate) fn width_of(text: &str, style: Style) -> f64 {
    let wide = |c: char| if c.is_ascii() && !matches!(c, 'm' | 'w' | 'M' | 'W' | '%' | '@') { 0.62 } else { 1.0 };
    let weight = if style.bold { 1.1 } else { 1.0 };
    text.chars().map(wide).sum::<f64>() * style.size * weight
}

/// The style, smaller if the text would be wider than `width`.
pub(crate) fn fitting(text: &str, style: Style, width: f64) -> Style {
    let size = style.size * (width / width_of(text, style).max(1e-9)).min(1.0);
    Style { size, ..style }
}
