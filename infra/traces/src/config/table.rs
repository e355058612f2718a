//! The flags.

use std::fmt::Write as _;

/// One flag. Its variable is its name in capitals, behind `PLUMBLINE_TRACES_`.
#[derive(Debug)]
pub(super) struct Flag {
    pub(super) name: &'static str,
    pub(super) default: &'static str,
    help: &'static str,
}

const fn flag(name: &'static str, default: &'static str, help: &'static str) -> Flag {
    Flag { name, default, help }
}

pub(super) const FLAGS: &[Flag] = &[
    flag("otlp-grpc", "127.0.0.1:4317", "Where OTLP comes in by gRPC. Port 0 takes a free one, here and below."),
    flag("otlp-http", "127.0.0.1:4318", "Where OTLP comes in by HTTP, at /v1/traces."),
    flag("query", "127.0.0.1:16686", "Where Jaeger's query API and the page are."),
    flag("memory", "256MiB", "Memory for spans; the oldest are dropped for new ones."),
    flag("file", "", "Keep requests in this file, too, and read them when starting."),
    flag("file-size", "512MiB", "Bytes of this file and the one before it, which has .1 behind its name."),
    flag("backlog", "64MiB", "Requests that are being taken; those beyond are told to come again."),
    flag("connections", "256", "Connections to each port."),
    flag("max-request", "4MiB", "The largest request, as it arrives."),
    flag("max-unpacked", "16MiB", "The largest request, once it is unpacked."),
    flag("request-timeout", "30", "Seconds that a request may take to arrive."),
    flag("max-attributes", "8192", "Attributes, events and links of a span together; one with more is refused."),
    flag("max-depth", "16", "How deep attributes' values may be nested; 64 at most."),
    flag("max-text", "64KiB", "The longest name, or attribute's value."),
    flag("log", "info", "What is logged: off, error, warn, info, debug, or a filter."),
];

pub(super) fn find(name: &str) -> Option<&'static Flag> {
    FLAGS.iter().find(|flag| flag.name == name)
}

pub(super) fn variable(flag: &Flag) -> String {
    format!("PLUMBLINE_TRACES_{}", flag.name.to_uppercase().replace('-', "_"))
}

pub(super) fn help() -> String {
    let mut text = String::from(
        "Takes traces by OTLP, keeps the newest in memory, and answers as Jaeger does.\n\nUsage: plumbline-traces [--FLAG VALUE]...\n\n",
    );
    for flag in FLAGS {
        let default = if flag.default.is_empty() { "none" } else { flag.default };
        // Writing to a text can't fail.
        _ = writeln!(text, "  --{:<16} {} [{default}] [{}]", flag.name, flag.help, variable(flag));
    }
    text.push_str("  --help             Print this.\n  --version          Print the version.\n");
    text
}
