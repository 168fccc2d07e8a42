//! SVG texts and documents, and their rendering with the program's own font.

use std::fmt::Write as _;
use std::io;
use std::sync::Arc;

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{Options, Tree, fontdb};

/// The look of a text: its size in SVG units, weight and colour.
#[derive(Clone, Copy)]
pub(crate) struct Style {
    pub(crate) size: f64,
    pub(crate) bold: bool,
    pub(crate) colour: &'static str,
}

/// Which part of a text stands at its place.
#[derive(Clone, Copy)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
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

/// Adds a text whose baseline is at a place (x, y).
pub(crate) fn text(svg: &mut String, place: (f64, f64), anchor: Anchor, text: &str, style: Style) {
    let anchor = match anchor {
        Anchor::Start => "start",
        Anchor::Middle => "middle",
        Anchor::End => "end",
    };
    let weight = if style.bold { "bold" } else { "normal" };
    let _ = writeln!(
        svg,
        r#"<text x="{:.1}" y="{:.1}" text-anchor="{anchor}" font-size="{:.1}" font-weight="{weight}" fill="{}">{}</text>"#,
        place.0,
        place.1,
        style.size,
        style.colour,
        escaped(text)
    );
}

/// A text as XML takes it: without control characters, which XML forbids in any form.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        match c {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}

/// A whole drawing on white, of a size in SVG units.
pub(crate) fn document(width: f64, height: f64, body: &str) -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" font-family=\"DejaVu Sans, Verdana, Arial, sans-serif\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n{body}</svg>\n"
    )
}

/// Renders a drawing at `scale` pixels per SVG unit.
pub(crate) fn render(svg: &str, scale: f32) -> io::Result<Pixmap> {
    let mut fonts = fontdb::Database::new();
    fonts.load_font_data(dejavu::sans::regular().to_vec());
    fonts.load_font_data(dejavu::sans::bold().to_vec());
    let options = Options { fontdb: Arc::new(fonts), ..Options::default() };
    let tree = Tree::from_str(svg, &options).map_err(io::Error::other)?;
    let size = tree.size();
    let pixels = |length: f32| (length * scale).round() as u32;
    let mut pixmap = Pixmap::new(pixels(size.width()), pixels(size.height()))
        .ok_or_else(|| io::Error::other("the picture is too large"))?;
    resvg::render(&tree, Transform::from_scale(scale, scale), &mut pixmap.as_mut());
    Ok(pixmap)
}

/// Encodes an opaque picture as PNG.
pub(crate) fn png(pixmap: &Pixmap) -> io::Result<Vec<u8>> {
    let rgb: Vec<u8> = pixmap.pixels().iter().flat_map(|pixel| [pixel.red(), pixel.green(), pixel.blue()]).collect();
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, pixmap.width(), pixmap.height());
    encoder.set_color(png::ColorType::Rgb);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&rgb)?;
    writer.finish()?;
    Ok(bytes)
}
