//! The conditions in which people take pictures of digits, and pictures that are no digit.

use super::sketch::{Place, Sketch, arc, letter, mnist};
use super::{Condition, Rgb};
use std::f32::consts::PI;

/// Colours of paper and ink: where brightness is the same, and where it is not.
const PAIRS: [(Rgb, Rgb); 8] = [
    ([250.0, 230.0, 90.0], [60.0, 60.0, 200.0]),
    ([180.0, 210.0, 250.0], [200.0, 60.0, 60.0]),
    ([240.0, 190.0, 200.0], [40.0, 110.0, 60.0]),
    ([200.0, 240.0, 200.0], [120.0, 40.0, 140.0]),
    ([200.0, 120.0, 60.0], [30.0, 40.0, 90.0]),
    ([250.0, 245.0, 230.0], [240.0, 140.0, 30.0]),
    ([120.0, 160.0, 220.0], [220.0, 110.0, 110.0]),
    ([90.0, 90.0, 200.0], [240.0, 220.0, 80.0]),
];

/// All conditions in which a digit can be read at a glance.
pub const CONDITIONS: &[Condition] = &[
    ("clean", |s| {
        s.plain();
    }),
    ("desk", |s| {
        let side = s.sheet();
        s.plain_on_desk(side, 0.0);
    }),
    ("aslant on desk", |s| {
        let side = s.sheet();
        let turn = s.chance.between(-9.0, 9.0);
        s.plain_on_desk(side, turn);
    }),
    ("desk of wood", |s| {
        let side = s.sheet();
        s.wood = true;
        s.plain_on_desk(side, 0.0);
    }),
    ("dark strip", |s| {
        s.plain();
        let (w, h) = (s.width as f32, s.height as f32);
        let strip = s.chance.between(0.04, 0.13);
        let level = s.chance.between(30.0, 90.0);
        match s.index % 4 {
            0 => s.fill(|x, _| x < strip * w, [level; 3]),
            1 => s.fill(|x, _| x > w - strip * w, [level; 3]),
            2 => s.fill(|_, y| y < strip * h, [level; 3]),
            _ => s.fill(|_, y| y > h - strip * h, [level; 3]),
        }
        s.noise(3.0);
    }),
    ("hard shadow", |s| {
        s.plain();
        let (angle, depth) = (s.chance.between(0.0, PI), s.chance.between(0.5, 0.75));
        let offset = s.chance.between(-0.12, 0.12);
        s.each(|x, y, pixel, _| {
            let side = (x - 0.5) * angle.cos() + (y - 0.5) * angle.sin() + offset;
            pixel.map(|value| if side > 0.0 { value * depth } else { value })
        });
        s.noise(3.0);
    }),
    ("soft shadow", |s| {
        s.plain();
        let (angle, depth) = (s.chance.between(0.0, PI), s.chance.between(0.4, 0.7));
        s.each(|x, y, pixel, _| {
            let side = ((x - 0.5) * angle.cos() + (y - 0.5) * angle.sin()) * 6.0;
            let light = depth + (1.0 - depth) / (1.0 + (-side).exp());
            pixel.map(|value| value * light)
        });
        s.noise(2.0);
    }),
    ("gradient", |s| {
        s.plain();
        let (gx, gy) = (s.chance.between(-0.5, 0.5), s.chance.between(-0.5, 0.5));
        s.each(|x, y, pixel, _| pixel.map(|value| value * (0.7 + gx * (x - 0.5) + gy * (y - 0.5))));
        s.noise(3.0);
    }),
    ("vignette", |s| {
        s.plain();
        s.each(|x, y, pixel, _| {
            let away = (x - 0.5) * (x - 0.5) + (y - 0.5) * (y - 0.5);
            pixel.map(|value| value * (1.0 - 1.1 * away))
        });
        s.noise(2.0);
    }),
    ("grid cell", |s| {
        let side = s.chance.between(100.0, 240.0);
        s.size(side as usize, side as usize, [248.0; 3]);
        let ink = s.ink();
        let mut place = s.place();
        place.side = side * s.chance.between(0.5, 0.62);
        (place.x, place.y) = (side / 2.0, side / 2.0);
        s.draw(place, ink);
        let pen = side * s.chance.between(0.01, 0.035);
        for far in [false, true] {
            let away = s.chance.between(0.0, 0.06) * side;
            let at = if far { side - away } else { away };
            let lean = s.chance.between(-0.015, 0.015) * side;
            s.line([0.0, at], [side, at + lean], pen, [30.0; 3]);
            s.line([at, 0.0], [at + lean, side], pen, [30.0; 3]);
        }
    }),
    ("border of 1 pixel", |s| {
        s.plain();
        let (w, h) = (s.width as f32, s.height as f32);
        s.fill(|x, y| x < 1.0 || y < 1.0 || x > w - 1.0 || y > h - 1.0, [0.0; 3]);
    }),
    ("frame", |s| {
        s.plain();
        let (w, h) = (s.width as f32, s.height as f32);
        let (from, thick) = (s.chance.between(2.0, 12.0), s.chance.between(2.0, 8.0));
        let inside = move |x: f32, y: f32, d: f32| x > d && y > d && x < w - d && y < h - d;
        s.fill(|x, y| inside(x, y, from) && !inside(x, y, from + thick), [40.0; 3]);
    }),
    ("ruled", |s| {
        s.plain();
        s.rule(false);
        s.noise(2.0);
    }),
    ("squared", |s| {
        s.plain();
        s.rule(true);
        s.noise(2.0);
    }),
    ("ruled aslant", |s| {
        s.plain();
        let (w, h) = (s.width as f32, s.height as f32);
        let (step, lean) = (h * s.chance.between(0.12, 0.25), w * s.chance.between(-0.09, 0.09));
        let pen = s.chance.between(1.0, 2.0);
        for i in 0..12 {
            let y = step * (i as f32 - 1.0);
            s.line([0.0, y], [w, y + lean], pen, [150.0, 180.0, 225.0]);
        }
    }),
    ("base line", |s| {
        let place = s.plain();
        let w = s.width as f32;
        let at = place.y + place.side * s.chance.between(0.46, 0.5);
        let level = s.chance.between(60.0, 150.0);
        let (lean, pen) = (s.chance.between(-4.0, 4.0), s.chance.between(1.0, 3.0));
        s.line([0.0, at], [w, at + lean], pen, [level, level, level + 30.0]);
        s.noise(2.0);
    }),
    ("box", |s| {
        let place = s.plain();
        let d = place.side * s.chance.between(0.56, 0.63);
        let (pen, level) = (s.chance.between(1.0, 5.0), s.chance.between(0.0, 120.0));
        let corners = [[-d, -d], [d, -d], [d, d], [-d, d], [-d, -d]].map(|[x, y]| [place.x + x, place.y + y]);
        corners.windows(2).for_each(|pair| s.line(pair[0], pair[1], pen, [level; 3]));
    }),
    ("red on green", |s| {
        s.sheet();
        let (place, shift) = (s.place(), s.chance.between(-8.0, 8.0));
        s.pixels.fill([125.0 + shift, 175.0, 130.0]);
        s.draw(place, [225.0, 120.0 + shift, 120.0]);
        s.noise(2.0);
    }),
    ("colour pairs", |s| {
        s.sheet();
        let (paper, ink) = PAIRS[s.index % PAIRS.len()];
        s.pixels.fill(paper);
        let place = s.place();
        s.draw(place, ink);
        s.noise(3.0);
    }),
    ("light on dark", |s| {
        s.sheet();
        let level = s.chance.between(10.0, 70.0);
        s.pixels.fill([level, level + 10.0, level]);
        let (place, level) = (s.place(), s.chance.between(190.0, 255.0));
        s.draw(place, [level; 3]);
        s.noise(3.0);
    }),
    ("chalk", |s| {
        s.sheet();
        s.pixels.fill([45.0, 75.0, 60.0]);
        let place = s.place();
        s.draw(place, [225.0, 225.0, 215.0]);
        s.each(|x, y, pixel, chance| {
            let dust = 6.0 * chance.normal() + 12.0 * ((7.0 * x).sin() * (5.0 * y).cos());
            pixel.map(|value| value + dust)
        });
    }),
    ("off-white ink on nothing", |s| {
        s.sheet();
        let level = s.chance.between(235.0, 255.0);
        s.transparent([level; 3]);
    }),
    ("dark ink on nothing", |s| {
        s.sheet();
        let ink = s.ink();
        s.transparent(ink);
    }),
    ("sheet with transparent corners", |s| {
        s.plain();
        let (w, h, room) = (s.width as f32, s.height as f32, s.chance.between(0.05, 0.12));
        let places = (0..s.width * s.height).map(|i| ((i % s.width) as f32 / w, (i / s.width) as f32 / h));
        let corner = |(x, y): (f32, f32)| x.min(1.0 - x) + y.min(1.0 - y) < room;
        s.alpha = Some(places.map(|place| if corner(place) { 0.0 } else { 255.0 }).collect());
    }),
    ("orientation 3", |s| {
        s.plain();
        s.orientation = 3;
    }),
    ("orientation 6", |s| {
        s.plain();
        s.orientation = 6;
    }),
    ("orientation 8, JPEG", |s| {
        s.plain();
        s.orientation = 8;
        s.quality = Some(85);
    }),
    ("hair line", |s| {
        s.sheet();
        let (place, ink, pen) = (s.place(), s.ink(), s.chance.between(1.0, 1.8));
        s.write(place, pen, ink);
        s.noise(2.0);
    }),
    ("ball pen", |s| {
        s.sheet();
        let (place, ink) = (s.place(), s.ink());
        let pen = place.side * s.chance.between(0.025, 0.06);
        s.write(place, pen, ink);
        s.noise(3.0);
    }),
    ("thick marker", |s| {
        s.sheet();
        let (place, ink) = (s.place(), s.ink());
        let pen = place.side * s.chance.between(0.15, 0.22);
        s.write(place, pen, ink);
    }),
    ("noise of a fifth", |s| s.noisy(5.0, 280)),
    ("noise of a quarter", |s| s.noisy(4.0, 280)),
    ("noise of a third", |s| s.noisy(3.0, 280)),
    ("noise of a third, large", |s| s.noisy(3.0, 900)),
    ("JPEG of quality 20", |s| {
        s.plain();
        s.quality = Some(20);
    }),
    ("JPEG of noise", |s| {
        s.plain();
        s.noise(12.0);
        s.quality = Some(40);
    }),
    ("pale", |s| {
        s.sheet();
        let place = s.place();
        let ink = s.pixels[0].map(|value| value - 24.0);
        s.draw(place, ink);
        s.noise(1.5);
    }),
    ("pencil", |s| {
        s.sheet();
        let place = s.place();
        let paper = s.pixels.clone();
        s.draw(place, [110.0, 110.0, 115.0]);
        for (pixel, paper) in s.pixels.iter_mut().zip(paper) {
            let grain = 0.75 + 0.2 * s.chance.normal();
            *pixel = std::array::from_fn(|i| paper[i] + grain.clamp(0.3, 1.0) * (pixel[i] - paper[i]));
        }
        s.noise(3.0);
    }),
    ("small in a large picture", |s| {
        s.size(900, 700, [235.0, 235.0, 230.0]);
        let (x, y) = (s.chance.between(150.0, 750.0), s.chance.between(150.0, 550.0));
        let (side, ink) = (s.chance.between(60.0, 100.0), s.ink());
        s.draw(Place { x, y, side, turn: 0.0 }, ink);
        s.noise(3.0);
    }),
    ("at the edge", |s| {
        s.sheet();
        let (mut place, ink) = (s.place(), s.ink());
        let room = place.side * 0.53;
        match s.index % 4 {
            0 => place.x = room,
            1 => place.y = room,
            2 => place.x = s.width as f32 - room,
            _ => place.y = s.height as f32 - room,
        }
        s.draw(place, ink);
        s.noise(2.0);
    }),
    ("turned by 10 degrees", |s| {
        s.sheet();
        let (mut place, ink) = (s.place(), s.ink());
        place.turn = if s.index.is_multiple_of(2) { 10.0 } else { -10.0 };
        s.draw(place, ink);
        s.noise(2.0);
    }),
    ("blurred", |s| {
        let place = s.plain();
        let radius = (place.side / 45.0) as usize;
        s.blur(radius.max(1));
        s.noise(2.0);
    }),
    ("paper with a grain", |s| {
        s.sheet();
        s.grain(14.0);
        let (place, ink) = (s.place(), s.ink());
        s.draw(place, ink);
        s.noise(2.0);
    }),
    ("specks", |s| {
        s.plain();
        for _ in 0..s.chance.below(25) + 10 {
            let (x, y) = (s.chance.uniform() * s.width as f32, s.chance.uniform() * s.height as f32);
            let (r, level) = (s.chance.between(0.7, 3.0), s.chance.between(20.0, 140.0));
            s.fill(|px, py| (px - x) * (px - x) + (py - y) * (py - y) < r * r, [level; 3]);
        }
    }),
    ("of 28 x 28, shifted", |s| {
        s.size(28, 28, [0.0; 3]);
        let side = s.chance.between(14.0, 18.0);
        let (x, y) = (s.chance.between(11.0, 17.0), s.chance.between(11.0, 17.0));
        s.draw(Place { x, y, side, turn: 0.0 }, [255.0; 3]);
    }),
    ("enlarged in blocks", |s| {
        s.sheet();
        let factor = s.chance.below(8) + 4;
        s.size(28 * factor, 28 * factor, [250.0; 3]);
        let (image, label) = mnist(s.part, s.index);
        s.digit = Some(label);
        for y in 0..28 * factor {
            for x in 0..28 * factor {
                s.blend(x, y, [20.0; 3], f32::from(image[y / factor * 28 + x / factor]) / 255.0);
            }
        }
    }),
    ("cropped to the digit", |s| {
        let (image, _) = mnist(s.part, s.index);
        let inked = |line: &dyn Fn(usize) -> usize| (0..28).filter(|&i| image[line(i)] > 100).count();
        let columns: Vec<usize> = (0..28).filter(|x| inked(&|y| y * 28 + x) > 0).collect();
        let rows: Vec<usize> = (0..28).filter(|y| inked(&|x| y * 28 + x) > 0).collect();
        let [left, right, top, bottom] =
            [columns[0], columns[columns.len() - 1] + 1, rows[0], rows[rows.len() - 1] + 1];
        let margin = s.chance.below(2);
        s.size(12 * (right - left + 2 * margin), 12 * (bottom - top + 2 * margin), [240.0; 3]);
        let ink = s.ink();
        let middle = |from: usize| 12.0 * (14.0 + margin as f32 - from as f32);
        s.draw(Place { x: middle(left), y: middle(top), side: 240.0, turn: 0.0 }, ink);
    }),
    ("small thumbnail", |s| {
        s.size(48, 48, [250.0; 3]);
        let ink = s.ink();
        s.draw(Place { x: 24.0, y: 24.0, side: 34.0, turn: 0.0 }, ink);
        s.noise(3.0);
    }),
    ("in a photograph of 3 megapixels", |s| {
        s.size(2000, 1500, [215.0, 210.0, 200.0]);
        let (x, y) = (s.chance.between(700.0, 1300.0), s.chance.between(600.0, 900.0));
        let (side, ink) = (s.chance.between(300.0, 900.0), s.ink());
        s.draw(Place { x, y, side, turn: 0.0 }, ink);
        s.each(|x, y, pixel, _| pixel.map(|value| value * (1.0 - 0.3 * x - 0.2 * y)));
        s.noise(6.0);
        s.quality = Some(75);
    }),
];

/// Pictures that show no digit, or several.
pub const OTHERS: &[Condition] = &[
    ("blank", |s| {
        s.sheet();
        s.noise(3.0);
    }),
    ("blank with a shadow", |s| {
        s.sheet();
        s.each(|x, y, pixel, _| pixel.map(|value| if x + 0.3 * y > 0.6 { value * 0.7 } else { value }));
        s.noise(4.0);
    }),
    ("letter", |s| {
        s.sheet();
        let (place, ink) = (s.place(), s.ink());
        let strokes = letter(s.index, &mut s.chance);
        s.strokes(&strokes, place, place.side * 0.1, ink);
    }),
    ("scribble", |s| {
        s.sheet();
        let (place, ink) = (s.place(), s.ink());
        let strokes = vec![(0..12).map(|_| [0; 2].map(|_| s.chance.uniform())).collect()];
        s.strokes(&strokes, place, place.side * 0.06, ink);
    }),
    ("texture", |s| {
        s.sheet();
        s.grain(60.0);
    }),
    ("checks", |s| {
        let side = s.sheet();
        let step = side * s.chance.between(0.05, 0.2);
        s.fill(|x, y| ((x / step) as usize + (y / step) as usize).is_multiple_of(2), [60.0; 3]);
    }),
    ("face", |s| {
        s.sheet();
        let (place, ink) = (s.place(), s.ink());
        let face = [
            arc(0.5, 0.5, 0.48, 0.48, 0.0, 360.0),
            arc(0.33, 0.4, 0.05, 0.05, 0.0, 360.0),
            arc(0.67, 0.4, 0.05, 0.05, 0.0, 360.0),
            arc(0.5, 0.55, 0.25, 0.2, 20.0, 160.0),
        ];
        s.strokes(&face, place, place.side * 0.06, ink);
    }),
    ("word", |s| {
        s.size(500, 260, [245.0; 3]);
        let ink = s.ink();
        for i in 0..4 {
            let strokes = letter(s.index + 3 * i, &mut s.chance);
            let x = 80.0 + 110.0 * i as f32;
            s.strokes(&strokes, Place { x, y: 130.0, side: 90.0, turn: 0.0 }, 9.0, ink);
        }
    }),
    ("two digits", |s| s.several(2)),
    ("three digits", |s| s.several(3)),
];

impl Sketch {
    /// Makes of the sheet a desk with a smaller sheet on it, and a digit on that.
    fn plain_on_desk(&mut self, side: f32, turn: f32) {
        let paper = self.pixels[0];
        let level = self.chance.between(30.0, 110.0);
        let desk = [level + 25.0, level + 8.0, level];
        self.pixels.fill(desk);
        if self.wood {
            let rate = self.chance.between(40.0, 70.0);
            self.each(|x, y, pixel, chance| {
                let grain = 14.0 * (rate * y + 4.0 * (5.0 * x).sin()).sin() + 5.0 * chance.normal();
                pixel.map(|value| value + grain)
            });
        }
        let (x, y) = (side * self.chance.between(0.44, 0.56), side * self.chance.between(0.44, 0.56));
        let half = side * self.chance.between(0.32, 0.4);
        let (sin, cos) = (turn * PI / 180.0).sin_cos();
        self.fill(
            |px, py| {
                let (dx, dy) = (px - x, py - y);
                (dx * cos + dy * sin).abs() < half && (-dx * sin + dy * cos).abs() < half
            },
            paper,
        );
        let (digit_side, ink) = (half * self.chance.between(1.0, 1.4), self.ink());
        let place = Place { x, y, side: digit_side, turn };
        self.draw(place, ink);
        self.noise(4.0);
    }

    /// Pale blue lines over the picture, or squares.
    fn rule(&mut self, squares: bool) {
        let (w, h) = (self.width as f32, self.height as f32);
        let step = h * if squares { self.chance.between(0.07, 0.14) } else { self.chance.between(0.1, 0.25) };
        let pen = self.chance.between(1.0, 2.5);
        let level = self.chance.between(130.0, 190.0);
        let blue = [level, level + 25.0, level + 60.0];
        let start = self.chance.uniform() * step;
        for i in 0..16 {
            let at = start + i as f32 * step;
            self.line([0.0, at], [w, at], pen, blue);
            if squares {
                self.line([at, 0.0], [at, h], pen, blue);
            }
        }
    }

    /// A digit in noise of the `part`-th of its contrast.
    fn noisy(&mut self, part: f32, side: usize) {
        self.size(side, side, [190.0; 3]);
        let mut place = self.place();
        place.side = side as f32 * self.chance.between(0.6, 0.75);
        self.draw(place, [90.0; 3]);
        self.noise(100.0 / part);
    }

    /// Ink of one colour on full transparency.
    fn transparent(&mut self, ink: Rgb) {
        self.pixels.fill([0.0; 3]);
        let place = self.place();
        self.draw(place, [255.0; 3]);
        self.alpha = Some(self.pixels.iter().map(|pixel| pixel[0]).collect());
        let is_empty = |pixel: &Rgb| pixel[0] <= 0.0;
        self.pixels.iter_mut().for_each(|pixel| *pixel = if is_empty(pixel) { [0.0; 3] } else { ink });
    }

    /// Smooth spots of some pixels, as rough paper has.
    fn grain(&mut self, height: f32) {
        let paper = self.pixels.clone();
        self.noise(height * 2.5);
        self.blur(1);
        for (pixel, paper) in self.pixels.iter_mut().zip(paper) {
            *pixel = std::array::from_fn(|i| pixel[i].min(paper[i] + height));
        }
    }

    /// Digits side by side.
    fn several(&mut self, count: usize) {
        self.size(150 + 150 * count, 300, [240.0; 3]);
        let ink = self.ink();
        for i in 0..count {
            let (image, _) = mnist(self.part, self.index * count + i);
            let side = self.chance.between(120.0, 150.0);
            let place = Place { x: 150.0 + 150.0 * i as f32, y: 150.0, side, turn: 0.0 };
            self.draw_image(image, place, ink);
        }
        self.noise(2.0);
    }
}
