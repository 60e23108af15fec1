//! A frame as an SVG picture, for the README: made from the cells that were drawn, so that it cannot show what the
//! program does not. Text stays text: it can be selected and searched.

use std::fmt::Write as _;

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};

use super::theme::{Theme, Tone};
use super::widget::width;

/// One cell in the picture's units.
const CELL: (f64, f64) = (8.4, 18.0);
/// Air around the frame.
const MARGIN: f64 = 12.0;
/// The sixteen colours, as a plain terminal shows them.
const SIXTEEN: [(u8, u8, u8); 16] = [
    (0, 0, 0),
    (205, 49, 49),
    (13, 188, 121),
    (229, 229, 16),
    (36, 114, 200),
    (188, 63, 188),
    (17, 168, 205),
    (204, 204, 204),
    (102, 102, 102),
    (241, 76, 76),
    (35, 209, 139),
    (245, 245, 67),
    (59, 142, 234),
    (214, 112, 214),
    (41, 184, 219),
    (255, 255, 255),
];

type Rgb = (u8, u8, u8);

/// How a run of cells looks.
#[derive(Clone, Copy, PartialEq)]
struct Look {
    fg: Rgb,
    bg: Rgb,
    bold: bool,
    underlined: bool,
}

/// The frame as an SVG document.
pub fn svg(frame: &Buffer, theme: Theme) -> String {
    let (columns, rows) = (f64::from(frame.area.width), f64::from(frame.area.height));
    let (w, h) = (columns * CELL.0 + 2.0 * MARGIN, rows * CELL.1 + 2.0 * MARGIN);
    let (_, ground) = grounds(theme.tone);
    let mut out = String::new();
    let _ = writeln!(
        out,
        r#"<svg xmlns="http://www.w3.org/2000/svg" width="{w:.0}" height="{h:.0}" viewBox="0 0 {w:.0} {h:.0}" font-family="ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace" font-size="14">"#
    );
    let _ = writeln!(
        out,
        r#"<rect width="100%" height="100%" rx="8" fill="{}"/>"#,
        hex(ground)
    );
    for y in frame.area.top()..frame.area.bottom() {
        row(&mut out, frame, y, theme.tone);
    }
    out.push_str("</svg>\n");
    out
}

fn row(out: &mut String, frame: &Buffer, y: u16, tone: Tone) {
    let mut x = frame.area.left();
    while x < frame.area.right() {
        let start = x;
        let look = look(&frame[(x, y)], tone);
        let mut text = String::new();
        let drawn = is_shape(&frame[(x, y)]);
        while x < frame.area.right() && self::look(&frame[(x, y)], tone) == look && is_shape(&frame[(x, y)]) == drawn {
            let symbol = frame[(x, y)].symbol();
            text.push_str(symbol);
            x += width(symbol).max(1) as u16;
        }
        run(out, (start, y), x - start, &text, look, tone);
    }
}

/// Cells that look alike, as one ground and one text. Each run names its length, so that a font with other widths
/// cannot push what stands to its right out of its column.
fn run(out: &mut String, (x, y): (u16, u16), columns: u16, text: &str, look: Look, tone: Tone) {
    let left = MARGIN + f64::from(x) * CELL.0;
    let top = MARGIN + f64::from(y) * CELL.1;
    let length = f64::from(columns) * CELL.0;
    if look.bg != grounds(tone).1 {
        let _ = writeln!(
            out,
            r#"<rect x="{left:.1}" y="{top:.1}" width="{length:.1}" height="{:.1}" fill="{}"/>"#,
            CELL.1,
            hex(look.bg)
        );
    }
    if text.trim().is_empty() {
        return;
    }
    if let Some(shapes) = text.chars().map(shape).collect::<Option<Vec<_>>>() {
        return drawn(out, (left, top), &shapes, look.fg);
    }
    let bold = if look.bold { r#" font-weight="bold""# } else { "" };
    let line = if look.underlined {
        r#" text-decoration="underline""#
    } else {
        ""
    };
    let _ = writeln!(
        out,
        r#"<text x="{left:.1}" y="{:.1}" textLength="{length:.1}" lengthAdjust="spacingAndGlyphs" xml:space="preserve" fill="{}"{bold}{line}>{}</text>"#,
        top + CELL.1 * 0.76,
        hex(look.fg),
        escaped(text)
    );
}

/// What a cell is drawn as, in fractions of the cell: left, top, right, bottom.
#[derive(Clone, PartialEq)]
enum Shape {
    /// Over the whole width: neighbours become one rectangle.
    Band { top: f64, bottom: f64, opacity: f64 },
    /// By itself.
    Parts(Vec<(f64, f64, f64, f64)>),
}

fn is_shape(cell: &Cell) -> bool {
    let mut chars = cell.symbol().chars();
    chars.next().and_then(shape).is_some() && chars.next().is_none()
}

/// Blocks and lines are drawn, not written: in a font they would leave gaps between rows.
fn shape(c: char) -> Option<Shape> {
    let eighths = |n: char| f64::from(c as u32 - n as u32 + 1) / 8.0;
    let band = |top, bottom, opacity| Shape::Band { top, bottom, opacity };
    // The strokes of a frame meet in the middle of the cell.
    let (x0, x1, y0, y1) = (0.44, 0.56, 0.47, 0.53);
    let (left, right, up, down) = (
        (0.0, y0, x1, y1),
        (x0, y0, 1.0, y1),
        (x0, 0.0, x1, y1),
        (x0, y0, x1, 1.0),
    );
    Some(match c {
        '▁'..='█' => band(1.0 - eighths('▁'), 1.0, 1.0),
        '░' => band(0.0, 1.0, 0.5),
        '─' => band(y0, y1, 1.0),
        '▉'..='▏' => Shape::Parts(vec![(0.0, 0.0, 1.0 - eighths('▉'), 1.0)]),
        '│' => Shape::Parts(vec![up, down]),
        '┌' => Shape::Parts(vec![right, down]),
        '┐' => Shape::Parts(vec![left, down]),
        '└' => Shape::Parts(vec![right, up]),
        '┘' => Shape::Parts(vec![left, up]),
        _ => return None,
    })
}

/// Draws cells as their shapes.
fn drawn(out: &mut String, (left, top): (f64, f64), cells: &[Shape], fg: Rgb) {
    let mut rect = |x0: f64, y0: f64, x1: f64, y1: f64, opacity: f64| {
        let _ = writeln!(
            out,
            r#"<rect x="{:.2}" y="{:.2}" width="{:.2}" height="{:.2}" fill="{}" fill-opacity="{opacity}" shape-rendering="crispEdges"/>"#,
            left + x0 * CELL.0,
            top + y0 * CELL.1,
            (x1 - x0) * CELL.0,
            (y1 - y0) * CELL.1,
            hex(fg)
        );
    };
    let mut i = 0;
    while let Some(cell) = cells.get(i) {
        let x = i as f64;
        match cell {
            Shape::Band { top, bottom, opacity } => {
                let same = cells[i..].iter().take_while(|c| *c == cell).count();
                rect(x, *top, x + same as f64, *bottom, *opacity);
                i += same;
            }
            Shape::Parts(parts) => {
                for (x0, y0, x1, y1) in parts {
                    rect(x + x0, *y0, x + x1, *y1, 1.0);
                }
                i += 1;
            }
        }
    }
}

fn look(cell: &Cell, tone: Tone) -> Look {
    let (text, ground) = grounds(tone);
    let (mut fg, mut bg) = (rgb(cell.fg, text), rgb(cell.bg, ground));
    if cell.modifier.contains(Modifier::REVERSED) {
        std::mem::swap(&mut fg, &mut bg);
    }
    Look {
        fg,
        bg,
        bold: cell.modifier.contains(Modifier::BOLD),
        underlined: cell.modifier.contains(Modifier::UNDERLINED),
    }
}

/// Text and ground of a terminal of this tone.
const fn grounds(tone: Tone) -> (Rgb, Rgb) {
    match tone {
        Tone::Dark => ((214, 220, 228), (16, 20, 27)),
        Tone::Light => ((36, 41, 47), (255, 255, 255)),
    }
}

fn rgb(color: Color, reset: Rgb) -> Rgb {
    let index = match color {
        Color::Rgb(r, g, b) => return (r, g, b),
        Color::Black => 0,
        Color::Red => 1,
        Color::Green => 2,
        Color::Yellow => 3,
        Color::Blue => 4,
        Color::Magenta => 5,
        Color::Cyan => 6,
        Color::Gray => 7,
        Color::DarkGray => 8,
        Color::LightRed => 9,
        Color::LightGreen => 10,
        Color::LightYellow => 11,
        Color::LightBlue => 12,
        Color::LightMagenta => 13,
        Color::LightCyan => 14,
        Color::White => 15,
        Color::Indexed(i) if i < 16 => i,
        Color::Reset | Color::Indexed(_) => return reset,
    };
    SIXTEEN[usize::from(index)]
}

fn hex((r, g, b): Rgb) -> String {
    format!("#{r:02x}{g:02x}{b:02x}")
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::{fixture, view};
    use ratatui::layout::Rect;
    use ratatui::style::Style;

    #[test]
    fn runs_stand_in_their_columns_and_markup_is_escaped() {
        let mut b = Buffer::empty(Rect::new(0, 0, 12, 1));
        b.set_string(0, 0, "漢<b>&", Style::new());
        b.set_string(7, 0, "red", Style::new().fg(Color::Rgb(255, 0, 1)));
        let got = svg(&b, Theme::DARK);
        assert!(got.contains("漢&lt;b&gt;&amp;"), "{got}");
        let red = format!(r#"x="{:.1}""#, MARGIN + 7.0 * CELL.0);
        assert!(
            got.lines()
                .any(|l| l.contains(&red) && l.contains("#ff0001") && l.contains(">red<")),
            "{got}"
        );
    }

    #[test]
    fn a_recorded_screen_holds_every_word_of_the_frame() {
        let app = fixture::app(fixture::weekend(), (80, 24));
        let frame = view::frame(&app, fixture::now());
        let got = svg(&frame, app.options.theme);
        for word in ["mbox1", "SERVERBUG", "growing", "Sun 18:36:04 UTC"] {
            assert!(got.contains(word), "{word}");
        }
        assert_eq!(got.matches("<text").count(), got.matches("</text>").count());
    }
}
