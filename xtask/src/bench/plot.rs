//! Pictures of figures as SVG, drawn by hand: groups of bars with their spread, and lines over time. Whole pixels.

use super::count::grouped;

const WIDTH: u64 = 760;
const LEFT: u64 = 90;
const TOP: u64 = 50;
const HIGH: u64 = 220;
const RIGHT: u64 = 20;
/// Told apart in print and by most eyes (Okabe and Ito).
const COLOURS: [&str; 6] = [
    "#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00",
];

/// A bar: the middle one, the least and the most.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bar {
    pub(super) median: u64,
    pub(super) least: u64,
    pub(super) most: u64,
}

/// Groups of bars, one for each series.
pub(super) struct Bars<'p> {
    pub(super) title: &'p str,
    pub(super) unit: &'p str,
    pub(super) series: &'p [&'p str],
    /// A group's name, and a bar for each series.
    pub(super) groups: Vec<(String, Vec<Bar>)>,
}

/// Lines, each with its own scale told in its name.
pub(super) struct Lines<'p> {
    pub(super) title: &'p str,
    pub(super) unit: &'p str,
    pub(super) below: &'p str,
    /// A line's name, and its points: how far along, and how high.
    pub(super) lines: Vec<(String, Vec<(u64, u64)>)>,
}

fn part(number: u64, of: u64, pixels: u64) -> u64 {
    let scaled = number.saturating_mul(pixels);
    scaled.checked_div(of).unwrap_or_default().min(pixels)
}

/// The next number that is one, two or five with zeros.
fn round_up(number: u64) -> u64 {
    let mut step = 1_u64;
    loop {
        for factor in [1, 2, 5] {
            let round = step.saturating_mul(factor);
            if round >= number {
                return round;
            }
        }
        step = step.saturating_mul(10);
    }
}

fn begin(title: &str, unit: &str, top: u64) -> String {
    let height = TOP.saturating_add(HIGH).saturating_add(60);
    let mut svg = String::new();
    svg.push_str(&format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" font-family=\"sans-serif\" \
         font-size=\"12\">\n<title>{title}</title>\n<rect width=\"{WIDTH}\" height=\"{height}\" fill=\"#fff\"/>\n\
         <text x=\"{LEFT}\" y=\"20\" font-size=\"15\">{title}</text>\n"
    ));
    for quarter in 0..=4_u64 {
        let y = TOP.saturating_add(HIGH.saturating_sub(part(quarter, 4, HIGH)));
        let value = grouped(top.saturating_mul(quarter) / 4);
        let (end, near) = (WIDTH.saturating_sub(RIGHT), LEFT.saturating_sub(6));
        let word = if quarter == 4 { unit } else { "" };
        svg.push_str(&format!(
            "<path d=\"M{LEFT} {y}H{end}\" stroke=\"#ddd\"/><text x=\"{near}\" y=\"{y}\" dy=\"4\" \
             text-anchor=\"end\">{value} {word}</text>"
        ));
        svg.push('\n');
    }
    svg
}

fn legend<'n>(svg: &mut String, names: impl Iterator<Item = &'n str>) {
    let mut x = LEFT;
    for (name, colour) in names.zip(COLOURS.iter().cycle()) {
        let (text, length) = (x.saturating_add(14), name.chars().count());
        svg.push_str(&format!(
            "<rect x=\"{x}\" y=\"28\" width=\"10\" height=\"10\" fill=\"{colour}\"/><text x=\"{text}\" \
             y=\"37\">{name}</text>"
        ));
        svg.push('\n');
        let wide = u64::try_from(length).unwrap_or_default().saturating_mul(7);
        x = text.saturating_add(wide).saturating_add(16);
    }
}

impl Bars<'_> {
    pub(super) fn svg(&self) -> String {
        let bars = self.groups.iter().flat_map(|(_, bars)| bars);
        let top = round_up(bars.map(|bar| bar.most).max().unwrap_or(1).max(1));
        let mut svg = begin(self.title, self.unit, top);
        legend(&mut svg, self.series.iter().copied());
        let count = u64::try_from(self.groups.len()).unwrap_or(1).max(1);
        let room = WIDTH.saturating_sub(LEFT).saturating_sub(RIGHT);
        let wide = room.checked_div(count).unwrap_or(room);
        let series = u64::try_from(self.series.len()).unwrap_or(1).max(1);
        let thick = (wide.saturating_mul(4) / 5)
            .checked_div(series)
            .unwrap_or(wide);
        let mut left = LEFT.saturating_add(wide / 10);
        for (name, bars) in &self.groups {
            let mut x = left;
            for (bar, colour) in bars.iter().zip(COLOURS.iter().cycle()) {
                draw(&mut svg, *bar, (x, thick, top), colour);
                x = x.saturating_add(thick);
            }
            let middle = left.saturating_add(wide.saturating_mul(2) / 5);
            let below = TOP.saturating_add(HIGH).saturating_add(18);
            svg.push_str(&format!(
                "<text x=\"{middle}\" y=\"{below}\" text-anchor=\"middle\">{name}</text>"
            ));
            svg.push('\n');
            left = left.saturating_add(wide);
        }
        svg.push_str("</svg>\n");
        svg
    }
}

fn draw(svg: &mut String, bar: Bar, (x, thick, top): (u64, u64, u64), colour: &str) {
    let base = TOP.saturating_add(HIGH);
    let [high, low, most] = [bar.median, bar.least, bar.most].map(|number| part(number, top, HIGH));
    let (y, wide) = (base.saturating_sub(high), thick.saturating_sub(4));
    let (from, to) = (base.saturating_sub(low), base.saturating_sub(most));
    let middle = x.saturating_add(wide / 2);
    let (value, above) = (grouped(bar.median), to.saturating_sub(4));
    svg.push_str(&format!(
        "<rect x=\"{x}\" y=\"{y}\" width=\"{wide}\" height=\"{high}\" fill=\"{colour}\"/><path d=\"M{middle} \
         {from}V{to}\" stroke=\"#000\"/><text x=\"{middle}\" y=\"{above}\" font-size=\"10\" \
         text-anchor=\"middle\">{value}</text>"
    ));
    svg.push('\n');
}

impl Lines<'_> {
    pub(super) fn svg(&self) -> String {
        let points = || self.lines.iter().flat_map(|(_, points)| points);
        let top = round_up(points().map(|(_, y)| *y).max().unwrap_or(1).max(1));
        let far = points().map(|(x, _)| *x).max().unwrap_or(1).max(1);
        let mut svg = begin(self.title, self.unit, top);
        legend(&mut svg, self.lines.iter().map(|(name, _)| name.as_str()));
        let room = WIDTH.saturating_sub(LEFT).saturating_sub(RIGHT);
        let base = TOP.saturating_add(HIGH);
        for ((_, points), colour) in self.lines.iter().zip(COLOURS.iter().cycle()) {
            let places: Vec<String> = points
                .iter()
                .map(|(x, y)| {
                    let x = LEFT.saturating_add(part(*x, far, room));
                    format!("{x},{}", base.saturating_sub(part(*y, top, HIGH)))
                })
                .collect();
            svg.push_str(&format!(
                "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>",
                places.join(" ")
            ));
            svg.push('\n');
        }
        let (middle, low) = (LEFT.saturating_add(room / 2), base.saturating_add(30));
        let (end, below) = (WIDTH.saturating_sub(RIGHT), self.below);
        svg.push_str(&format!(
            "<text x=\"{middle}\" y=\"{low}\" text-anchor=\"middle\">{below}</text><text x=\"{end}\" y=\"{low}\" \
             text-anchor=\"end\">{}</text>\n</svg>",
            grouped(far)
        ));
        svg.push('\n');
        svg
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_high_as_its_share() {
        let bar = |median| Bar {
            median,
            least: median,
            most: median,
        };
        let bars = Bars {
            title: "reads",
            unit: "/s",
            series: &["souk", "nginx"],
            groups: vec![("one".to_owned(), vec![bar(50), bar(100)])],
        };
        let svg = bars.svg();
        assert!(svg.contains("height=\"110\""), "{svg}");
        assert!(svg.contains("height=\"220\""), "{svg}");
        assert!(svg.ends_with("</svg>\n"));
    }

    #[test]
    fn scales_end_with_a_round_number() {
        assert_eq!([1, 3, 11, 70_200].map(round_up), [1, 5, 20, 100_000]);
    }

    #[test]
    fn a_line_goes_from_left_to_right_and_up() {
        let lines = Lines {
            title: "day",
            unit: "ms",
            below: "seconds",
            lines: vec![("p99".to_owned(), vec![(0, 0), (10, 10)])],
        };
        let svg = lines.svg();
        assert!(svg.contains("points=\"90,270 740,50\""), "{svg}");
    }
}
