//! Figures as a plot: one dot a figure, on scales where each step is tenfold.

use super::svg::Svg;

/// A plot.
pub struct Chart {
    /// What it says above.
    pub title: String,
    /// The scales, side by side.
    pub columns: Vec<String>,
    /// The groups of rows, one below the other.
    pub panels: Vec<Panel>,
}

/// Rows under a heading.
pub struct Panel {
    /// The heading.
    pub title: String,
    /// The rows.
    pub rows: Vec<Row>,
}

/// A row of dots.
pub struct Row {
    /// What the dots are about.
    pub label: String,
    /// Whether it stands out.
    pub is_ours: bool,
    /// A dot for each column, or none.
    pub dots: Vec<Option<Dot>>,
}

/// A figure.
pub struct Dot {
    /// Where it is: greater than 0.
    pub value: f64,
    /// What it says.
    pub figure: String,
}

// All in the drawing's units.
const LABELS: f64 = 215.0;
const COLUMN: f64 = 230.0;
/// What is left free at each column's right, for the last dot's figure.
const FIGURE: f64 = 70.0;
const LINE: f64 = 18.0;
const TOP: f64 = 30.0;

const OTHERS: &str = "#3f8fd2";
const OURS: &str = "#e0701f";

/// A column's scale, in decimal logarithms.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Scale {
    low: f64,
    high: f64,
    left: f64,
}

impl Scale {
    /// The scale from the power of ten below all values to the one above.
    fn new(values: impl Iterator<Item = f64>, left: f64) -> Option<Scale> {
        let (least, most) = values
            .map(f64::log10)
            .fold((f64::MAX, f64::MIN), |(least, most), value| {
                (least.min(value), most.max(value))
            });
        let low = least.floor();
        (least <= most).then_some(Scale {
            low,
            high: most.ceil().max(low + 1.0),
            left,
        })
    }

    fn x(&self, value: f64) -> f64 {
        let share = (value.log10() - self.low) / (self.high - self.low);
        self.left + share * (COLUMN - FIGURE)
    }
}

impl Chart {
    /// The plot as an SVG file.
    pub fn to_svg(&self) -> String {
        let lines: usize = self.panels.iter().map(|panel| panel.rows.len() + 2).sum();
        let width = LABELS + COLUMN * self.columns.len() as f64;
        let height = TOP + LINE * (lines as f64 + 1.0);
        let mut svg = Svg::new(width, height);
        svg.text(8.0, LINE, "font-weight=\"bold\"", &self.title);
        let scales = self.scales();
        let mut y = TOP + LINE;
        for panel in &self.panels {
            self.draw_heading(&mut svg, panel, &scales, y);
            y += LINE;
            for row in &panel.rows {
                draw_row(&mut svg, row, &scales, y);
                y += LINE;
            }
            y += LINE;
        }
        svg.finish()
    }

    /// Each column's scale, the same in all panels, so that they compare.
    fn scales(&self) -> Vec<Option<Scale>> {
        let rows = || self.panels.iter().flat_map(|panel| &panel.rows);
        (0..self.columns.len())
            .map(|column| {
                let values = rows().filter_map(|row| Some(row.dots[column].as_ref()?.value));
                Scale::new(values, LABELS + COLUMN * column as f64)
            })
            .collect()
    }

    /// A panel's heading, the columns' names, and a line down from each power of ten.
    fn draw_heading(&self, svg: &mut Svg, panel: &Panel, scales: &[Option<Scale>], y: f64) {
        svg.text(8.0, y, "font-weight=\"bold\"", &panel.title);
        let bottom = y + LINE * panel.rows.len() as f64 + 4.0;
        for (column, scale) in self.columns.iter().zip(scales) {
            let Some(scale) = scale else { continue };
            svg.text(scale.left, y, "font-style=\"italic\"", column);
            for power in scale.low as i32..=scale.high as i32 {
                let x = scale.x(10_f64.powi(power));
                svg.line((x, y + 4.0), (x, bottom), 0.35);
            }
        }
    }
}

fn draw_row(svg: &mut Svg, row: &Row, scales: &[Option<Scale>], y: f64) {
    let colour = if row.is_ours { OURS } else { OTHERS };
    let weight = if row.is_ours { "bold" } else { "normal" };
    svg.text(16.0, y, &format!("font-weight=\"{weight}\""), &row.label);
    for (dot, scale) in row.dots.iter().zip(scales) {
        let (Some(dot), Some(scale)) = (dot, scale) else {
            continue;
        };
        let x = scale.x(dot.value);
        svg.dot(x, y - 4.0, colour);
        svg.text(x + 8.0, y, "font-size=\"10\"", &dot.figure);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chart(values: &[Option<f64>]) -> String {
        let row = |&value: &Option<f64>| Row {
            label: "a < b & c".to_string(),
            is_ours: false,
            dots: vec![value.map(|value| Dot {
                value,
                figure: format!("> {value}"),
            })],
        };
        let panel = Panel {
            title: "panel".to_string(),
            rows: values.iter().map(row).collect(),
        };
        Chart {
            title: "<title>".to_string(),
            columns: vec!["bytes".to_string()],
            panels: vec![panel],
        }
        .to_svg()
    }

    /// Where the dots are, from left to right as in the file.
    fn dots(svg: &str) -> Vec<f64> {
        let document = roxmltree::Document::parse(svg).unwrap();
        let circles = document
            .descendants()
            .filter(|node| node.has_tag_name("circle"));
        circles
            .map(|dot| dot.attribute("cx").unwrap().parse().unwrap())
            .collect()
    }

    #[test]
    fn it_is_well_formed_and_says_what_it_was_told() {
        let svg = chart(&[Some(472.0)]);
        let document = roxmltree::Document::parse(&svg).unwrap();
        assert!(
            document
                .root_element()
                .has_tag_name(("http://www.w3.org/2000/svg", "svg"))
        );
        let texts: Vec<&str> = document
            .descendants()
            .filter_map(|node| node.text())
            .collect();
        for text in ["<title>", "panel", "bytes", "a < b & c", "> 472"] {
            assert!(texts.contains(&text), "{texts:?}");
        }
    }

    #[test]
    fn dots_lie_by_their_logarithms() {
        let dots = dots(&chart(&[Some(10.0), Some(100.0), Some(1000.0), Some(50.0)]));
        assert_eq!(dots[1] - dots[0], dots[2] - dots[1]);
        assert!(dots[0] < dots[3] && dots[3] < dots[1]);
        assert_eq!((dots[0], dots[2]), (LABELS, LABELS + COLUMN - FIGURE));
    }

    #[test]
    fn what_has_no_figure_has_no_dot() {
        assert_eq!(dots(&chart(&[None, Some(1.0), None])).len(), 1);
        assert_eq!(dots(&chart(&[None])).len(), 0);
        assert_eq!(dots(&chart(&[])).len(), 0);
    }
}
