//! Draws charts as inline SVG. Letters and figures stand beside the drawings, so that they keep their size on a phone.

use super::timeline::Timeline;
use crate::report::lang::Lang;
use crate::report::zone::Zone;
use std::fmt::Write;

/// The drawing's own units; the page stretches them to its width.
const WIDTH: f64 = 1000.0;
const HEIGHT: f64 = 200.0;

/// A bar of `part` in `whole`.
pub(super) fn bar(class: &str, part: u64, whole: u64) -> String {
    let percent = if whole == 0 { 0.0 } else { part as f64 * 100.0 / whole as f64 };
    // What is there at all stays visible.
    let percent = if part > 0 { percent.max(0.4) } else { 0.0 };
    format!(
        "<svg class=\"bar\" aria-hidden=\"true\" width=\"100%\" height=\"14\"><rect class=\"rail\" width=\"100%\" \
         height=\"14\" rx=\"3\"/><rect class=\"s-{class}\" width=\"{percent:.2}%\" height=\"14\" rx=\"3\"/></svg>"
    )
}

/// Credits per second over time.
pub(super) fn throughput(timeline: &Timeline, zone: &Zone, lang: Lang) -> String {
    let most = timeline.credits_per_s_max().max(f64::MIN_POSITIVE);
    let width = WIDTH / timeline.steps.len().max(1) as f64;
    let mut bars = String::new();
    for (index, step) in timeline.steps.iter().enumerate() {
        let per_s = step.credits as f64 * 1000.0 / timeline.step_ms as f64;
        let height = per_s / most * HEIGHT;
        // Writing to a string cannot fail.
        let _ = write!(
            bars,
            "<rect class=\"s-credited\" x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{height:.1}\"/>",
            index as f64 * width,
            HEIGHT - height,
            (width * 0.92).max(0.5)
        );
    }
    let title = lang.pick("credited payouts per second", "số khoản được cộng điểm mỗi giây");
    framed((timeline, zone), &bars, title, &format!("{} /s", figure(most)), lang)
}

/// Median and 95th percentile of the calls' latency over time.
pub(super) fn latency(timeline: &Timeline, zone: &Zone, lang: Lang) -> String {
    let of = |percent| -> Vec<Option<f64>> { timeline.steps.iter().map(|step| step.percentile_ms(percent)).collect() };
    let (median, high) = (of(50), of(95));
    let most = high.iter().flatten().copied().fold(f64::MIN_POSITIVE, f64::max);
    let lines = format!("{}{}", line(&high, most, "p95"), line(&median, most, "p50"));
    let title = lang.pick(
        "latency of calls: half stay below the dark line, 95 % below the light one",
        "độ trễ của lời gọi: một nửa nằm dưới đường đậm, 95 % nằm dưới đường nhạt",
    );
    framed((timeline, zone), &lines, title, &format!("{} ms", figure(most)), lang)
}

/// One line through the steps that have a value; a gap is a gap.
fn line(values: &[Option<f64>], most: f64, class: &str) -> String {
    let width = WIDTH / values.len().max(1) as f64;
    let mut path = String::new();
    let mut pen = 'M';
    for (index, value) in values.iter().enumerate() {
        let Some(value) = value else {
            pen = 'M';
            continue;
        };
        let (x, y) = (index as f64 * width, HEIGHT - value / most * HEIGHT);
        // A step is a span, not a moment; a lone one is a dash.
        let _ = write!(path, "{pen}{x:.1} {y:.1}H{:.1}", x + width);
        pen = 'L';
    }
    format!("<path class=\"{class}\" d=\"{path}\"/>")
}

fn framed((timeline, zone): (&Timeline, &Zone), drawing: &str, title: &str, most: &str, lang: Lang) -> String {
    let span = (timeline.steps.len().max(1) as i64 * timeline.step_ms) as f64;
    let mut breaks = String::new();
    for (offset, _) in &timeline.breaks {
        let x = *offset as f64 / span * WIDTH;
        let _ = write!(breaks, "<path class=\"break\" d=\"M{x:.1} 0V{HEIGHT}\"/>");
    }
    let note = if timeline.breaks.is_empty() {
        String::new()
    } else {
        let text = lang.pick("dashed: a pause, cut out", "nét đứt: khoảng nghỉ, đã lược bỏ");
        format!("<span>{text}</span>")
    };
    let first = zone.text(timeline.first_at.unwrap_or_default());
    let last = zone.text(timeline.last_at);
    format!(
        "<figure><figcaption>{title}</figcaption><div class=\"top\">{most}</div><svg class=\"time\" role=\"img\" \
         aria-label=\"{title}\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" preserveAspectRatio=\"none\"><path class=\"grid\" \
         d=\"M0 0H{WIDTH}M0 {half}H{WIDTH}M0 {HEIGHT}H{WIDTH}\"/>{drawing}{breaks}</svg><div class=\"axis\">\
         <span>{first}</span>{note}<span>{last}</span></div></figure>",
        half = HEIGHT / 2.0,
    )
}

/// A figure for an axis, with a decimal where it is small.
fn figure(value: f64) -> String {
    if value < 10.0 { format!("{value:.1}") } else { format!("{value:.0}") }
}
