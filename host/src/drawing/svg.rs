//! Drawings as SVG. Texts stay texts; a viewer without the program's own font takes another.

use crate::file::MARK;
use std::fmt::{self, Write};

use super::{Anchor, CURVE_WIDTH, DOT_RADIUS, Drawing, Mark, Place, Rgb, Style};

impl Drawing {
    /// The drawing as an SVG document.
    pub(crate) fn svg(&self) -> String {
        let mut svg = String::new();
        // Writing to a string does not fail.
        let _ = self.write_svg(&mut svg);
        svg
    }

    fn write_svg(&self, svg: &mut String) -> fmt::Result {
        let Self { width, height, marks } = self;
        writeln!(
            svg,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\" font-family=\"DejaVu Sans, Verdana, Arial, sans-serif\">\n\
             <!-- {MARK} -->\n\
             <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>"
        )?;
        for mark in marks {
            match mark {
                Mark::Rule { from, to, colour } => {
                    let colour = hex(*colour);
                    let ((x0, y0), (x1, y1)) = (from, to);
                    writeln!(svg, r#"<path d="M{x0:.1} {y0:.1}L{x1:.1} {y1:.1}" fill="none" stroke="{colour}"/>"#)?;
                }
                Mark::Curve { places, colour, dashes } => {
                    let places = joined(places, "L", |(x, y)| format!("{x:.2} {y:.2}"));
                    let dashes = if dashes.is_empty() { "none".into() } else { joined(dashes, " ", f32::to_string) };
                    writeln!(
                        svg,
                        r#"<path d="M{places}" fill="none" stroke="{}" stroke-width="{CURVE_WIDTH}" stroke-linejoin="round" stroke-dasharray="{dashes}"/>"#,
                        hex(*colour)
                    )?;
                }
                Mark::Dot { place: (x, y), colour } => {
                    let colour = hex(*colour);
                    writeln!(svg, r#"<circle cx="{x:.2}" cy="{y:.2}" r="{DOT_RADIUS}" fill="{colour}"/>"#)?;
                }
                Mark::Text { place, anchor, is_upright: false, text, style } => {
                    write_text(svg, *place, *anchor, text, *style)?;
                }
                Mark::Text { place: (x, y), anchor, is_upright: true, text, style } => {
                    writeln!(svg, r#"<g transform="translate({x} {y:.1}) rotate(-90)">"#)?;
                    write_text(svg, (0.0, 0.0), *anchor, text, *style)?;
                    writeln!(svg, "</g>")?;
                }
            }
        }
        writeln!(svg, "</svg>")
    }
}

fn write_text(svg: &mut String, (x, y): Place, anchor: Anchor, text: &str, style: Style) -> fmt::Result {
    let anchor = match anchor {
        Anchor::Start => "start",
        Anchor::Middle => "middle",
        Anchor::End => "end",
    };
    let weight = if style.bold { "bold" } else { "normal" };
    writeln!(
        svg,
        r#"<text x="{x:.1}" y="{y:.1}" text-anchor="{anchor}" font-size="{:.1}" font-weight="{weight}" fill="{}">{}</text>"#,
        style.size,
        hex(style.colour),
        text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
    )
}

fn joined<T>(items: &[T], separator: &str, text: impl Fn(&T) -> String) -> String {
    items.iter().map(text).collect::<Vec<_>>().join(separator)
}

fn hex([red, green, blue]: Rgb) -> String {
    format!("#{red:02x}{green:02x}{blue:02x}")
}
