//! Ratios by size as a plot: a line for each of what is compared, on scales where each
//! step is twofold.

use super::svg::Svg;

/// A plot.
pub struct Curves {
    /// What it says above.
    pub title: String,
    /// The parts, one below the other.
    pub panels: Vec<Panel>,
}

/// Lines on the same scales.
pub struct Panel {
    /// The heading.
    pub title: String,
    /// The lines.
    pub curves: Vec<Curve>,
}

/// A line.
pub struct Curve {
    /// What it is about.
    pub name: String,
    /// Bytes and the ratio, both greater than 0, by bytes.
    pub points: Vec<(f64, f64)>,
}

// All in the drawing's units.
const LEFT: f64 = 50.0;
const DOUBLING: f64 = 28.0;
const RATIO: f64 = 48.0;
const NAMES: f64 = 120.0;
const LINE: f64 = 18.0;
const TOP: f64 = 30.0;

/// As many as there are functions in the family, and one more.
const COLOURS: [&str; 8] = [
    "#3f8fd2", "#e0701f", "#2f9e5b", "#b06fd0", "#d2445a", "#a58a1c", "#20a0a8", "#808890",
];

/// A panel's scales, in logarithms to base 2.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Scales {
    sizes: (i32, i32),
    ratios: (i32, i32),
}

impl Scales {
    /// From the power of 2 below all points to the one above, with a ratio of 1 among
    /// them.
    fn new(points: impl Iterator<Item = (f64, f64)>) -> Scales {
        let widen = |(low, high): (i32, i32), value: f64| {
            let log = value.log2();
            (low.min(log.floor() as i32), high.max(log.ceil() as i32))
        };
        let start = Scales {
            sizes: (0, 1),
            ratios: (-1, 1),
        };
        points.fold(start, |scales, (size, ratio)| Scales {
            sizes: widen(scales.sizes, size),
            ratios: widen(scales.ratios, ratio),
        })
    }

    fn width(&self) -> f64 {
        f64::from(self.sizes.1 - self.sizes.0) * DOUBLING
    }

    fn height(&self) -> f64 {
        f64::from(self.ratios.1 - self.ratios.0) * RATIO
    }

    /// Where a point is, from the panel's top left corner.
    fn place(&self, (size, ratio): (f64, f64)) -> (f64, f64) {
        (
            (size.log2() - f64::from(self.sizes.0)) * DOUBLING,
            (f64::from(self.ratios.1) - ratio.log2()) * RATIO,
        )
    }
}

impl Panel {
    fn scales(&self) -> Scales {
        Scales::new(
            self.curves
                .iter()
                .flat_map(|curve| curve.points.iter().copied()),
        )
    }

    fn height(&self) -> f64 {
        let names = LINE * self.curves.len() as f64;
        self.scales().height().max(names) + 4.0 * LINE
    }

    fn draw(&self, svg: &mut Svg, top: f64) {
        let scales = self.scales();
        svg.text(8.0, top, "font-weight=\"bold\"", &self.title);
        let top = top + LINE;
        let (right, bottom) = (LEFT + scales.width(), top + scales.height());
        for power in scales.ratios.0..=scales.ratios.1 {
            let ratio = 2_f64.powi(power);
            let y = top + scales.place((1.0, ratio)).1;
            let opacity = if power == 0 { 1.0 } else { 0.35 };
            svg.line((LEFT, y), (right, y), opacity);
            svg.text(8.0, y + 4.0, "font-size=\"10\"", &ratio.to_string());
        }
        for power in (scales.sizes.0..=scales.sizes.1).filter(|power| power % 2 == 0) {
            let x = LEFT + scales.place((2_f64.powi(power), 1.0)).0;
            svg.line((x, top), (x, bottom), 0.15);
            svg.text(x, bottom + 14.0, "font-size=\"10\"", &bytes(power));
        }
        for (index, curve) in self.curves.iter().enumerate() {
            let colour = COLOURS[index % COLOURS.len()];
            let places = curve.points.iter().map(|&point| scales.place(point));
            svg.curve(places.map(|(x, y)| (LEFT + x, top + y)), colour);
            let y = top + LINE * (index as f64 + 0.5);
            svg.text(right + 16.0, y, &format!("fill=\"{colour}\""), &curve.name);
        }
    }
}

impl Curves {
    /// The plot as an SVG file.
    pub fn to_svg(&self) -> String {
        let widest = self.panels.iter().map(|panel| panel.scales().width());
        let width = LEFT + widest.fold(300.0, f64::max) + NAMES;
        let heights = self.panels.iter().map(Panel::height);
        let mut svg = Svg::new(width, TOP + heights.sum::<f64>());
        svg.text(8.0, LINE, "font-weight=\"bold\"", &self.title);
        let mut top = TOP + LINE;
        for panel in &self.panels {
            panel.draw(&mut svg, top);
            top += panel.height();
        }
        svg.finish()
    }
}

/// A power of 2, not negative, as a number of bytes.
fn bytes(power: i32) -> String {
    let unit = ["B", "KiB", "MiB", "GiB"][power as usize / 10 % 4];
    format!("{} {unit}", 1 << (power % 10))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn svg(curves: &[&[(f64, f64)]]) -> String {
        let curve = |points: &&[(f64, f64)]| Curve {
            name: "a < b".to_string(),
            points: points.to_vec(),
        };
        let panel = Panel {
            title: "panel".to_string(),
            curves: curves.iter().map(curve).collect(),
        };
        Curves {
            title: "title".to_string(),
            panels: vec![panel],
        }
        .to_svg()
    }

    /// Where the lines go.
    fn lines(svg: &str) -> Vec<Vec<(f64, f64)>> {
        let document = roxmltree::Document::parse(svg).unwrap();
        let point = |point: &str| {
            let (x, y) = point.split_once(',').unwrap();
            (x.parse().unwrap(), y.parse().unwrap())
        };
        document
            .descendants()
            .filter(|node| node.has_tag_name("polyline"))
            .map(|line| {
                line.attribute("points")
                    .unwrap()
                    .split(' ')
                    .map(point)
                    .collect()
            })
            .collect()
    }

    #[test]
    fn it_is_well_formed_and_says_what_it_was_told() {
        let svg = svg(&[&[(1.0, 1.0), (4096.0, 0.5)]]);
        let document = roxmltree::Document::parse(&svg).unwrap();
        let texts: Vec<&str> = document
            .descendants()
            .filter_map(|node| node.text())
            .collect();
        for text in [
            "title", "panel", "a < b", "1 B", "1 KiB", "4 KiB", "0.5", "1", "2",
        ] {
            assert!(texts.contains(&text), "{text}: {texts:?}");
        }
    }

    #[test]
    fn points_lie_by_their_logarithms() {
        let lines = lines(&svg(&[
            &[(1.0, 1.0), (2.0, 2.0), (8.0, 0.5)],
            &[(2.0, 1.0)],
        ]));
        let [first, second] = &lines[..] else {
            panic!("{lines:?}");
        };
        assert_eq!(first[0].0, LEFT);
        assert_eq!(first[1], (first[0].0 + DOUBLING, first[0].1 - RATIO));
        assert_eq!(first[2], (first[0].0 + 3.0 * DOUBLING, first[0].1 + RATIO));
        assert_eq!(second[0], (first[1].0, first[0].1));
    }

    #[test]
    fn scales_go_as_far_as_the_points_and_show_where_both_are_equal() {
        let scales = |points: &[(f64, f64)]| Scales::new(points.iter().copied());
        assert_eq!(scales(&[]).ratios, (-1, 1));
        let wide = scales(&[(3.0, 5.0), (100.0, 0.9)]);
        assert_eq!((wide.sizes, wide.ratios), ((0, 7), (-1, 3)));
    }
}
