//! Drawings as pixels, with smooth edges. The font comes with the program, so that they look the same on a machine
//! without any.

use crate::file::MARK;
use std::io;

use ttf_parser::{Face, FaceParsingError, GlyphId, OutlineBuilder};
use zeno::{Command, Join, Mask, PathBuilder, Stroke, Style, Transform};

use super::{Anchor, CURVE_WIDTH, DOT_RADIUS, Drawing, Mark, Place, RULE_WIDTH, Rgb};

/// An opaque picture.
pub(crate) struct Raster {
    pub(crate) width: usize,
    pub(crate) height: usize,
    /// Row by row from above.
    pub(crate) pixels: Vec<Rgb>,
}

impl Drawing {
    /// The drawing with `scale` pixels to a unit.
    ///
    /// # Errors
    ///
    /// That it is too large for this machine's memory.
    pub(crate) fn raster(&self, scale: f32) -> io::Result<Raster> {
        let fonts = Fonts::new().map_err(io::Error::other)?;
        let [width, height] = [self.width, self.height].map(|length| (length * f64::from(scale)).round() as usize);
        let mut raster = Raster::white(width, height)?;
        let to_pixels = Transform::scale(scale, scale);
        for mark in &self.marks {
            match mark {
                Mark::Rule { from, to, colour } => {
                    raster.fill(&line(&[*from, *to]), Stroke::new(RULE_WIDTH), to_pixels, *colour);
                }
                Mark::Curve { places, colour, dashes } => {
                    let mut stroke = Stroke::new(CURVE_WIDTH);
                    raster.fill(&line(places), stroke.join(Join::Round).dash(dashes, 0.0), to_pixels, *colour);
                }
                Mark::Dot { place, colour } => {
                    let mut path = Vec::new();
                    path.add_circle(point(*place), DOT_RADIUS);
                    raster.fill(&path, Style::default(), to_pixels, *colour);
                }
                Mark::Text { place, anchor, is_upright, text, style } => {
                    let font = if style.bold { &fonts.bold } else { &fonts.regular };
                    let (path, width) = outline(font, text, style.size as f32);
                    let before = match anchor {
                        Anchor::Start => 0.0,
                        Anchor::Middle => width / 2.0,
                        Anchor::End => width,
                    };
                    // The direction that the text runs in; its y axis is that turned by a right angle.
                    let (along_x, along_y) = if *is_upright { (0.0, -scale) } else { (scale, 0.0) };
                    let [x, y] = point(*place).map(|place| scale * place);
                    let (x, y) = (x - before * along_x, y - before * along_y);
                    let transform = Transform::new(along_x, along_y, -along_y, along_x, x, y);
                    raster.fill(&path, Style::default(), transform, style.colour);
                }
            }
        }
        Ok(raster)
    }
}

impl Raster {
    fn white(width: usize, height: usize) -> io::Result<Self> {
        let mut pixels = Vec::new();
        let count = width.saturating_mul(height);
        pixels.try_reserve_exact(count).map_err(|_| io::Error::other("the picture is too large"))?;
        pixels.resize(count, [255; 3]);
        Ok(Self { width, height, pixels })
    }

    /// Paints the inside of a path, or the path itself with a stroke, over what is there.
    fn fill<'a>(&mut self, path: &[Command], style: impl Into<Style<'a>>, transform: Transform, colour: Rgb) {
        let (mask, placement) = Mask::new(path).style(style).transform(Some(transform)).render();
        if placement.width == 0 {
            return;
        }
        for (y, row) in (i64::from(placement.top)..).zip(mask.chunks_exact(placement.width as usize)) {
            for (x, &cover) in (i64::from(placement.left)..).zip(row) {
                if (0..self.width as i64).contains(&x) && (0..self.height as i64).contains(&y) {
                    let pixel = &mut self.pixels[y as usize * self.width + x as usize];
                    *pixel = std::array::from_fn(|i| mixed(pixel[i], colour[i], cover));
                }
            }
        }
    }

    /// The picture as a PNG file.
    pub(crate) fn png(&self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, self.width as u32, self.height as u32);
        encoder.set_color(png::ColorType::Rgb);
        encoder.add_text_chunk("Software".into(), MARK.into())?;
        let mut writer = encoder.write_header()?;
        writer.write_image_data(self.pixels.as_flattened())?;
        writer.finish()?;
        Ok(bytes)
    }
}

/// The colour `below` where `above` covers `cover` of 255 parts of it.
fn mixed(below: u8, above: u8, cover: u8) -> u8 {
    let [below, above, cover] = [below, above, cover].map(u32::from);
    ((below * (255 - cover) + above * cover + 127) / 255) as u8
}

fn point((x, y): Place) -> [f32; 2] {
    [x as f32, y as f32]
}

fn line(places: &[Place]) -> Vec<Command> {
    let mut path = Vec::new();
    for (index, place) in places.iter().enumerate() {
        if index == 0 {
            path.move_to(point(*place));
        } else {
            path.line_to(point(*place));
        }
    }
    path
}

struct Fonts {
    regular: Face<'static>,
    bold: Face<'static>,
}

impl Fonts {
    fn new() -> Result<Self, FaceParsingError> {
        Ok(Self { regular: Face::parse(dejavu::sans::regular(), 0)?, bold: Face::parse(dejavu::sans::bold(), 0)? })
    }
}

/// The outline of a text that begins at (0, 0), and its width. What the font lacks is drawn as a box.
fn outline(font: &Face, text: &str, size: f32) -> (Vec<Command>, f32) {
    let scale = size / f32::from(font.units_per_em());
    let mut pen = Pen { path: Vec::new(), x: 0.0, scale };
    let mut last = None;
    for c in text.chars() {
        let glyph = font.glyph_index(c).unwrap_or(GlyphId(0));
        pen.x += scale * last.map_or(0.0, |last| kerning(font, last, glyph));
        font.outline_glyph(glyph, &mut pen);
        pen.x += scale * f32::from(font.glyph_hor_advance(glyph).unwrap_or(0));
        last = Some(glyph);
    }
    (pen.path, pen.x)
}

/// By how much two glyphs stand farther apart than their widths say, in units of the font.
fn kerning(font: &Face, left: GlyphId, right: GlyphId) -> f32 {
    let tables = font.tables().kern.into_iter().flat_map(|kern| kern.subtables);
    let mut pairs = tables.filter(|table| table.horizontal && !table.variable && !table.has_cross_stream);
    pairs.find_map(|table| table.glyphs_kerning(left, right)).map_or(0.0, f32::from)
}

/// Adds glyphs to a path at `x`; the font's y runs upwards.
struct Pen {
    path: Vec<Command>,
    x: f32,
    scale: f32,
}

impl Pen {
    fn at(&self, x: f32, y: f32) -> [f32; 2] {
        [self.x + self.scale * x, -self.scale * y]
    }
}

impl OutlineBuilder for Pen {
    fn move_to(&mut self, x: f32, y: f32) {
        self.path.move_to(self.at(x, y));
    }

    fn line_to(&mut self, x: f32, y: f32) {
        self.path.line_to(self.at(x, y));
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        self.path.quad_to(self.at(x1, y1), self.at(x, y));
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        self.path.curve_to(self.at(x1, y1), self.at(x2, y2), self.at(x, y));
    }

    fn close(&mut self) {
        self.path.close();
    }
}
