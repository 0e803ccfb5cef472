//! An SVG file, from what plots consist of.
//!
//! The colours are of middling brightness, so that they are read on white and on
//! black: an SVG in a page does not know what it lies on.

use std::{fmt::Write, fs, path::PathBuf};

use anyhow::{Context, Result};

use super::build::folder;

/// The colour of text and scales.
pub const TEXT: &str = "#808890";

/// A drawing. All lengths are its own units, one of which is a pixel at its natural size.
pub struct Svg(String);

impl Svg {
    /// An empty one.
    pub fn new(width: f64, height: f64) -> Svg {
        Svg(format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
             width=\"{width}\" height=\"{height}\" font-family=\"sans-serif\" font-size=\"12\" \
             fill=\"{TEXT}\">\n"
        ))
    }

    /// Text that begins at the point, on that line.
    pub fn text(&mut self, x: f64, y: f64, attributes: &str, text: &str) {
        let text = escape(text);
        self.add(format_args!(
            "<text x=\"{x:.1}\" y=\"{y:.1}\" {attributes}>{text}</text>"
        ));
    }

    /// A line of a scale.
    pub fn line(&mut self, from: (f64, f64), to: (f64, f64), opacity: f64) {
        let ((x1, y1), (x2, y2)) = (from, to);
        self.add(format_args!(
            "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" \
             stroke=\"{TEXT}\" stroke-opacity=\"{opacity}\"/>"
        ));
    }

    /// A dot.
    pub fn dot(&mut self, x: f64, y: f64, colour: &str) {
        self.add(format_args!(
            "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\" fill=\"{colour}\"/>"
        ));
    }

    /// A line through the points.
    pub fn curve(&mut self, points: impl Iterator<Item = (f64, f64)>, colour: &str) {
        let points: Vec<String> = points.map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        self.add(format_args!(
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.5\"/>",
            points.join(" ")
        ));
    }

    fn add(&mut self, element: std::fmt::Arguments<'_>) {
        // Writing to a string does not fail.
        let _ = writeln!(self.0, "{element}");
    }

    /// The file.
    pub fn finish(mut self) -> String {
        self.0.push_str("</svg>\n");
        self.0
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// Writes a plot to `path`, or else to the folder of the suite's builds, and says where
/// that is.
pub fn write(suite: &str, path: Option<PathBuf>, svg: &str) -> Result<()> {
    let path = path.unwrap_or_else(|| folder(suite).join(suite).with_extension("svg"));
    fs::write(&path, svg).with_context(|| format!("cannot write {}", path.display()))?;
    println!("plot: {}", path.display());
    Ok(())
}
