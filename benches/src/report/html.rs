//! The report as a page: one file, which asks no other host for anything.

use std::fmt::Write as _;

use super::{
    Report,
    svg::{self, escape},
    table::{self, Table},
};

const LAYOUT: &str = "\
body{margin:0;background:var(--surface);color:var(--ink);font:15px/1.5 system-ui,-apple-system,'Segoe UI',sans-serif}\
main{max-width:960px;margin:0 auto;padding:32px 20px 64px}\
h1{font-size:26px;line-height:1.2;margin:0 0 8px}h2{font-size:18px;margin:40px 0 8px}\
p,li{color:var(--quiet)}code{font:13px ui-monospace,monospace;color:var(--ink);overflow-wrap:anywhere}\
.scroll{overflow-x:auto}table{border-collapse:collapse;font-variant-numeric:tabular-nums;white-space:nowrap}\
th,td{padding:6px 14px 6px 0;border-bottom:1px solid var(--rule);text-align:right;font-weight:400}\
th{color:var(--quiet);font-size:13px}th:first-child,td:first-child{text-align:left}\
figure{margin:0}svg{display:block;width:100%;height:auto}\
.wrong{border-left:4px solid var(--s4);padding:4px 16px;margin:24px 0}.wrong h2{margin-top:8px}.wrong li{color:var(--ink)}";

pub(super) fn page(report: &Report) -> String {
    let mut body = String::new();
    let title = escape(&report.title);
    let _ = write!(
        body,
        "<h1>{title}</h1><p>{}</p><p><code>{}</code></p>",
        escape(&report.machine.to_string()),
        escape(&report.command)
    );
    if !report.is_sound() {
        body += "<section class=\"wrong\"><h2>What went wrong</h2><ul>";
        for line in table::troubles(report) {
            let _ = write!(body, "<li>{}</li>", escape(&line));
        }
        body += "</ul></section>";
    }
    for chart in &report.charts {
        let _ = write!(
            body,
            "<h2>{}, {}</h2><figure>{}</figure>",
            escape(&chart.title),
            escape(&chart.unit),
            svg::inline(chart)
        );
    }
    for table in table::tables(report) {
        write_table(&mut body, &table);
    }
    body += "<h2>How it was measured</h2><ul>";
    for note in &report.notes {
        let _ = write!(body, "<li>{}</li>", escape(note));
    }
    body += "</ul>";
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <meta name=\"color-scheme\" content=\"light dark\"><title>{title}</title>\
         <style>{colours}{style}{LAYOUT}</style></head><body><main>{body}</main></body></html>\n",
        colours = svg::COLOURS,
        style = svg::STYLE,
    )
}

fn write_table(body: &mut String, table: &Table) {
    let _ = write!(
        body,
        "<h2>{}</h2><div class=\"scroll\"><table><thead><tr>",
        escape(&table.caption)
    );
    for cell in &table.head {
        let _ = write!(body, "<th>{}</th>", escape(cell));
    }
    body.push_str("</tr></thead><tbody>");
    for line in &table.lines {
        body.push_str("<tr>");
        for cell in line {
            let _ = write!(body, "<td>{}</td>", escape(cell));
        }
        body.push_str("</tr>");
    }
    body.push_str("</tbody></table></div>");
}

#[cfg(test)]
mod tests {
    use crate::{
        measure::Machine,
        report::{Chart, Figure, Run, Unit},
    };

    use super::*;

    #[test]
    fn the_page_needs_no_other_host_and_tells_what_went_wrong() {
        let figure = Figure::compared("rss_bytes", "RSS", Unit::Kibibytes);
        let mut run = Run::new("hyper", 1, 10);
        run.set("rss_bytes", 2048.0);
        run.troubles.add("lost: <it> broke");
        let runs = vec![run];
        let report = Report {
            title: "Idle".to_owned(),
            notes: vec!["a note".to_owned()],
            command: "idle --connections 10".to_owned(),
            machine: Machine::this(),
            figures: vec![figure],
            charts: vec![Chart::bars("Memory", &runs, &[("warm", figure)])],
            runs,
            reference: None,
            sizes_apart: false,
        };
        let page = page(&report);
        assert!(
            !page.contains("http://") && !page.contains("https://"),
            "{page}"
        );
        assert!(page.contains("lost: &lt;it&gt; broke"));
        assert!(page.contains("<td>2.00</td>"));
        assert!(page.contains("<svg"));
    }
}
