//! Charts as SVG, drawn with the page's colours.

use std::fmt::Write as _;

use super::{
    chart::{Bar, Chart, Line, Scale, Shape},
    figure::group,
};

/// Colours by name, for light and for dark surroundings.
pub(super) const COLOURS: &str = "\
:root{--surface:#fcfcfb;--ink:#1c1c1a;--quiet:#5e5d58;--rule:#e1e0d9;\
--s0:#2a78d6;--s1:#1baf7a;--s2:#eda100;--s3:#4a3aa7;--s4:#e34948;--s5:#e87ba4;--s6:#eb6834;--s7:#008300;--s8:#7a7974}\
@media(prefers-color-scheme:dark){:root{--surface:#1a1a19;--ink:#f4f3ef;--quiet:#b3b1a8;--rule:#383835;\
--s0:#3987e5;--s1:#199e70;--s2:#c98500;--s3:#9085e9;--s4:#e66767;--s5:#d55181;--s6:#d95926;--s7:#2f9e2f;--s8:#8f8e88}}";

/// What charts look like, by class.
pub(super) const STYLE: &str = "\
svg text{font:13px system-ui,-apple-system,'Segoe UI',sans-serif;fill:var(--quiet)}\
svg .name{fill:var(--ink)}svg .title{fill:var(--ink);font-size:15px;font-weight:600}\
svg .rule{stroke:var(--rule);stroke-width:1}svg .span{stroke:var(--ink);stroke-width:1.5}\
svg .line{fill:none;stroke-width:2;stroke-linejoin:round}svg .dot{stroke:var(--surface);stroke-width:2}";

const WIDTH: f64 = 760.0;
const COLOUR_COUNT: usize = 9;

/// A picture by itself, with a line below it that says where the figures are from.
pub(super) fn picture(chart: &Chart, source: &str) -> String {
    let (body, height) = draw(chart, true);
    let total = height + 28.0;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {total}\" width=\"{WIDTH}\" \
         height=\"{total}\" role=\"img\" aria-label=\"{title}\"><style>{COLOURS}{STYLE}</style>\
         <rect width=\"100%\" height=\"100%\" style=\"fill:var(--surface)\"/>{body}\
         <text x=\"16\" y=\"{y}\" style=\"font-size:11px\">{source}</text></svg>\n",
        title = escape(&chart.title),
        source = escape(source),
        y = total - 10.0,
    )
}

/// A picture within the page, which has title and colours.
pub(super) fn inline(chart: &Chart) -> String {
    let (body, height) = draw(chart, false);
    format!(
        "<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{}\">{body}</svg>",
        escape(&chart.title)
    )
}

pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            c => escaped.push(c),
        }
    }
    escaped
}

fn draw(chart: &Chart, titled: bool) -> (String, f64) {
    let mut body = String::new();
    let mut top = 12.0;
    if titled {
        let title = format!("{}, {}", chart.title, chart.unit);
        text(&mut body, 16.0, 26.0, "start", "title", &title);
        top = 44.0;
    }
    let height = match &chart.shape {
        Shape::Bars { series, groups } => bars(&mut body, top, series, groups),
        Shape::Lines {
            across,
            marks,
            lines,
            scale,
        } => draw_lines(&mut body, top, across, marks, lines, *scale),
    };
    (body, height)
}

fn bars(
    body: &mut String,
    top: f64,
    series: &[String],
    groups: &[(String, Vec<Option<Bar>>)],
) -> f64 {
    const LEFT: f64 = 150.0;
    const RIGHT: f64 = WIDTH - 70.0;
    const BAR: f64 = 14.0;
    let names: Vec<&str> = series.iter().map(String::as_str).collect();
    let mut y = top + legend(body, top, &names);
    let first = y;
    let all = groups.iter().flat_map(|(_, bars)| bars.iter().flatten());
    let across = Upwards::of(Scale::Linear, all.map(|bar| bar.max));
    let x = |value: f64| LEFT + across.share(value) * (RIGHT - LEFT);
    let mut drawn = String::new();
    for (name, bars) in groups {
        let middle = y + (BAR + 2.0) * bars.len() as f64 / 2.0 + 4.0;
        text(&mut drawn, LEFT - 10.0, middle, "end", "name", name);
        for (i, bar) in bars.iter().enumerate() {
            if let Some(bar) = bar {
                let series = series.get(i).map_or("", String::as_str);
                let value = number(bar.median);
                let _ = write!(
                    drawn,
                    "<path d=\"M{LEFT} {y}H{end:.1}a3 3 0 0 1 3 3v{v}a3 3 0 0 1 -3 3H{LEFT}z\" \
                     style=\"fill:var(--s{i})\"><title>{name} {series}: {value} ({min}–{max})</title></path>",
                    end = (x(bar.median) - 3.0).max(LEFT),
                    v = BAR - 6.0,
                    name = escape(name),
                    series = escape(series),
                    min = number(bar.min),
                    max = number(bar.max),
                );
                let mut after = x(bar.median);
                if x(bar.max) - x(bar.min) > 2.0 {
                    let _ = write!(
                        drawn,
                        "<line class=\"span\" x1=\"{:.1}\" x2=\"{:.1}\" y1=\"{m}\" y2=\"{m}\"/>",
                        x(bar.min),
                        x(bar.max),
                        m = y + BAR / 2.0,
                    );
                    after = x(bar.max);
                }
                text(&mut drawn, after + 6.0, y + BAR - 2.5, "start", "", &value);
            }
            y += BAR + 2.0;
        }
        y += 12.0;
    }
    let bottom = y - 4.0;
    for tick in across.ticks.iter().copied() {
        let at = x(tick);
        let _ = write!(
            body,
            "<line class=\"rule\" x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"{:.1}\" y2=\"{bottom:.1}\"/>",
            first - 4.0
        );
        text(body, at, bottom + 18.0, "middle", "", &tick_number(tick));
    }
    body.push_str(&drawn);
    bottom + 28.0
}

fn draw_lines(
    body: &mut String,
    top: f64,
    across: &str,
    marks: &[(f64, String)],
    lines: &[Line],
    scale: Scale,
) -> f64 {
    const LEFT: f64 = 64.0;
    const RIGHT: f64 = WIDTH - 24.0;
    const HEIGHT: f64 = 260.0;
    let names: Vec<&str> = lines.iter().map(|line| line.name.as_str()).collect();
    let top = top + legend(body, top, &names) + 4.0;
    let bottom = top + HEIGHT;
    let values = lines.iter().flat_map(|line| &line.points);
    let upwards = Upwards::of(scale, values.map(|(_, value)| *value));
    let low = marks.first().map_or(0.0, |(place, _)| *place);
    let high = marks.last().map_or(1.0, |(place, _)| *place);
    let width = if high > low { high - low } else { 1.0 };
    let x = |place: f64| LEFT + (place - low) / width * (RIGHT - LEFT);
    let y = |value: f64| bottom - upwards.share(value) * HEIGHT;
    for tick in upwards.ticks.iter().copied() {
        let at = y(tick);
        let _ = write!(
            body,
            "<line class=\"rule\" x1=\"{LEFT}\" x2=\"{RIGHT}\" y1=\"{at:.1}\" y2=\"{at:.1}\"/>"
        );
        text(body, LEFT - 8.0, at + 4.5, "end", "", &tick_number(tick));
    }
    // Marks that would run into one another are left out, but never the last.
    let mut free = f64::MIN;
    for (i, (place, name)) in marks.iter().enumerate() {
        let half = name.len() as f64 * 4.0 + 4.0;
        let last = i + 1 == marks.len();
        let before_last = x(high) - half * 2.0;
        if last || (x(*place) - half > free && x(*place) + half < before_last) {
            let anchor = if last { "end" } else { "middle" };
            text(body, x(*place), bottom + 20.0, anchor, "", name);
            free = x(*place) + half;
        }
    }
    text(
        body,
        f64::midpoint(LEFT, RIGHT),
        bottom + 40.0,
        "middle",
        "",
        across,
    );
    for (i, line) in lines.iter().enumerate() {
        let colour = i.min(COLOUR_COUNT - 1);
        let points: Vec<String> = line
            .points
            .iter()
            .map(|(place, value)| format!("{:.1},{:.1}", x(*place), y(*value)))
            .collect();
        let _ = write!(
            body,
            "<polyline class=\"line\" points=\"{}\" style=\"stroke:var(--s{colour})\"/>",
            points.join(" ")
        );
        for (place, value) in &line.points {
            let mark = marks.iter().find(|(mark, _)| mark == place);
            let _ = write!(
                body,
                "<circle class=\"dot\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"4.5\" style=\"fill:var(--s{colour})\">\
                 <title>{} at {}: {}</title></circle>",
                x(*place),
                y(*value),
                escape(&line.name),
                escape(mark.map_or("", |(_, name)| name)),
                number(*value),
            );
        }
    }
    bottom + 52.0
}

/// The height that it takes: none where there is nothing to tell apart.
fn legend(body: &mut String, top: f64, names: &[&str]) -> f64 {
    if names.len() < 2 {
        return 0.0;
    }
    let (mut x, mut y) = (16.0, top + 10.0);
    for (i, name) in names.iter().enumerate() {
        let width = 34.0 + name.chars().count() as f64 * 7.2;
        if x + width > WIDTH {
            x = 16.0;
            y += 20.0;
        }
        let _ = write!(
            body,
            "<rect x=\"{x}\" y=\"{:.1}\" width=\"12\" height=\"12\" rx=\"3\" style=\"fill:var(--s{})\"/>",
            y - 10.0,
            i.min(COLOUR_COUNT - 1)
        );
        text(body, x + 18.0, y, "start", "name", name);
        x += width;
    }
    y - top + 20.0
}

fn text(body: &mut String, x: f64, y: f64, anchor: &str, class: &str, text: &str) {
    let _ = write!(
        body,
        "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" class=\"{class}\">{}</text>",
        escape(text)
    );
}

/// Where values stand between the least and the greatest that are shown.
struct Upwards {
    scale: Scale,
    /// Round numbers, from the least to the greatest.
    ticks: Vec<f64>,
}

/// With more ticks on a logarithmic scale only powers of ten are marked.
const MOST_TICKS: usize = 8;

impl Upwards {
    fn of(scale: Scale, values: impl Iterator<Item = f64> + Clone) -> Self {
        let max = values.clone().fold(0.0, f64::max);
        let min = values.filter(|value| *value > 0.0).fold(max, f64::min);
        if max <= 0.0 {
            return Self {
                scale: Scale::Linear,
                ticks: vec![0.0, 1.0],
            };
        }
        let ticks = match scale {
            Scale::Linear => {
                let step = round_up(max / 5.0);
                let count = (max / step - 1e-9).ceil().max(1.0) as usize;
                (0..=count).map(|n| n as f64 * step).collect()
            }
            Scale::Logarithmic => {
                let fine = between(min, max, &[1.0, 2.0, 5.0]);
                if fine.len() > MOST_TICKS {
                    between(min, max, &[1.0])
                } else {
                    fine
                }
            }
        };
        Self { scale, ticks }
    }

    /// From 0 to 1.
    fn share(&self, value: f64) -> f64 {
        let low = self.ticks.first().copied().unwrap_or(0.0);
        let high = self.ticks.last().copied().unwrap_or(1.0);
        let share = match self.scale {
            Scale::Linear => (value - low) / (high - low),
            Scale::Logarithmic => (value.max(low) / low).log10() / (high / low).log10(),
        };
        share.clamp(0.0, 1.0)
    }
}

/// The next 1, 2 or 5 times a power of ten.
fn round_up(value: f64) -> f64 {
    let power = 10_f64.powf(value.log10().floor());
    let steps = [1.0, 2.0, 5.0].map(|factor| factor * power);
    let step = steps.into_iter().find(|step| *step >= value);
    step.unwrap_or(power * 10.0)
}

/// The `factors` times powers of ten from the last one at or below `min` to the first one above `max`.
fn between(min: f64, max: f64, factors: &[f64]) -> Vec<f64> {
    let (low, high) = (min.log10().floor() as i32, max.log10().floor() as i32 + 1);
    let powers = (low..=high).flat_map(|power| {
        let power = 10_f64.powi(power);
        factors.iter().map(move |factor| factor * power)
    });
    let all: Vec<f64> = powers.collect();
    let start = all.iter().rposition(|tick| *tick <= min).unwrap_or(0);
    let end = all.iter().position(|tick| *tick > max);
    all[start..=end.unwrap_or(all.len() - 1)].to_vec()
}

fn number(value: f64) -> String {
    let digits = match value.abs() {
        v if v >= 99.95 || v == 0.0 => 0,
        v if v >= 0.995 => 1,
        _ => 2,
    };
    group(&format!("{value:.digits$}"))
}

/// A round number needs no decimals.
fn tick_number(value: f64) -> String {
    let text = number(value);
    match text.strip_suffix(".0") {
        Some(whole) => whole.to_owned(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticks(scale: Scale, values: &[f64]) -> Vec<f64> {
        Upwards::of(scale, values.iter().copied()).ticks
    }

    #[test]
    fn linear_scales_go_in_round_steps_from_0_to_the_greatest_value() {
        let expected = [0.0, 5.0, 10.0, 15.0, 20.0, 25.0];
        assert_eq!(ticks(Scale::Linear, &[21.5, 3.0]), expected);
        assert_eq!(ticks(Scale::Linear, &[10.0]).last(), Some(&10.0));
        assert_eq!(ticks(Scale::Linear, &[0.0]), [0.0, 1.0]);
        assert_eq!(ticks(Scale::Linear, &[]), [0.0, 1.0]);
    }

    #[test]
    fn logarithmic_scales_go_in_round_ratios_around_all_values() {
        let expected = [50.0, 100.0, 200.0];
        assert_eq!(ticks(Scale::Logarithmic, &[70.0, 198.0]), expected);
        assert_eq!(ticks(Scale::Logarithmic, &[10.0]), [10.0, 20.0]);
        let wide = [0.1, 1.0, 10.0, 100.0, 1000.0];
        assert_eq!(ticks(Scale::Logarithmic, &[0.3, 719.0]), wide);
        assert_eq!(ticks(Scale::Logarithmic, &[0.0]), [0.0, 1.0]);
        let upwards = Upwards::of(Scale::Logarithmic, [1.0, 9999.0].into_iter());
        let shares = [0.0, 1.0, 100.0, 10_000.0].map(|value| upwards.share(value));
        assert_eq!(shares, [0.0, 0.0, 0.5, 1.0]);
    }

    #[test]
    fn names_can_not_break_out_of_the_picture() {
        let chart = Chart {
            title: "<script>".to_owned(),
            unit: "KiB".to_owned(),
            shape: Shape::Bars {
                series: vec!["a".to_owned()],
                groups: vec![(
                    "x</text><b>&".to_owned(),
                    vec![Some(Bar {
                        median: 2.0,
                        min: 1.0,
                        max: 3.0,
                    })],
                )],
            },
        };
        let picture = picture(&chart, "a \"machine\"");
        assert!(!picture.contains("<script>") && !picture.contains("<b>"));
        assert!(picture.contains("x&lt;/text&gt;&lt;b&gt;&amp;"));
    }
}
