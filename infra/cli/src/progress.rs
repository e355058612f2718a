//! Progress bars: on a terminal only, on standard error.

use std::borrow::Cow;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A bar towards a known end.
pub(crate) fn bar(what: impl Into<Cow<'static, str>>, end: u64) -> ProgressBar {
    let template = "{msg:<12} {bar:40} {human_pos}/{human_len}  {prefix}";
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    // Hidden by indicatif where standard error is no terminal.
    ProgressBar::with_draw_target(Some(end), ProgressDrawTarget::stderr()).with_style(style).with_message(what)
}
