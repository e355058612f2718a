use super::*;

const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";

fn read(variables: &[(&str, &str)]) -> Result<Everything, InvalidSetting> {
    Everything::read(&|name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
}

fn traces(variables: &[(&str, &str)]) -> Option<Destination> {
    read(variables).unwrap().traces.map(|settings| settings.to)
}

#[test]
fn without_an_endpoint_nothing_is_sent() {
    let sent = |variables: &[(&str, &str)]| {
        let Everything { traces, metrics, logs } = read(variables).unwrap();
        [traces.is_some(), metrics.is_some(), logs.is_some()]
    };
    let endpoint = (ENDPOINT, "http://127.0.0.1:4317");
    assert_eq!(sent(&[]), [false; 3]);
    assert_eq!(sent(&[endpoint]), [true; 3]);
    assert_eq!(sent(&[endpoint, ("OTEL_SDK_DISABLED", "true")]), [false; 3]);
    assert_eq!(sent(&[endpoint, ("OTEL_TRACES_EXPORTER", "none")]), [false, true, true]);
    assert_eq!(sent(&[endpoint, ("OTEL_METRICS_EXPORTER", "prometheus")]), [true, false, true]);
    assert_eq!(sent(&[endpoint, ("OTEL_METRICS_EXPORTER", "otlp,prometheus")]), [true; 3]);
    assert_eq!(sent(&[("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://a:1")]), [true, false, false]);
    assert_eq!(sent(&[("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "http://a:1")]), [false, false, true]);
    assert_eq!(sent(&[("OTEL_LOGS_EXPORTER", "otlp")]), [false, false, true]);
}

#[test]
fn what_is_not_said_is_as_opentelemetry_has_it_or_fits_the_shop() {
    let Everything { traces, metrics, logs } = read(&[(ENDPOINT, "http://127.0.0.1:4317")]).unwrap();
    let (traces, metrics, logs) = (traces.unwrap(), metrics.unwrap(), logs.unwrap());
    assert_eq!((traces.to.protocol, traces.queue, traces.batch), (Protocol::Grpc, 65_536, usize::MAX));
    assert_eq!((metrics.interval, metrics.to.timeout), (INTERVAL, Duration::from_secs(10)));
    assert_eq!((logs.delay, logs.queue, logs.to.gzip), (RECORD_DELAY, RECORDS, false));
}

#[test]
fn a_signals_own_variable_goes_before_the_one_of_all() {
    let Everything { traces, metrics, logs } = read(&[
        (ENDPOINT, "http://a:1"),
        ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "http://b:2/m"),
        ("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "http/protobuf"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "1000"),
        ("OTEL_EXPORTER_OTLP_LOGS_TIMEOUT", "2000"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
        ("OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "none"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "5000"),
        ("OTEL_METRIC_EXPORT_TIMEOUT", "500"),
        ("OTEL_BLRP_MAX_QUEUE_SIZE", "10"),
        ("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", "5"),
        ("OTEL_BSP_EXPORT_TIMEOUT", "300"),
    ])
    .unwrap();
    let (traces, metrics, logs) = (traces.unwrap(), metrics.unwrap(), logs.unwrap());
    assert_eq!((metrics.to.endpoint.to_string().as_str(), metrics.to.protocol), ("http://b:2/m", Protocol::Http));
    assert_eq!((metrics.interval, metrics.to.timeout), (Duration::from_secs(5), Duration::from_millis(500)));
    assert_eq!((logs.to.timeout, logs.queue, logs.batch), (Duration::from_secs(2), 10, 5));
    assert_eq!((traces.to.timeout, traces.to.gzip), (Duration::from_millis(300), false));
    assert!(metrics.to.gzip && logs.to.gzip);
}

#[test]
fn the_path_is_added_to_an_endpoint_for_everything() {
    let http = ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf");
    let endpoints = |variables: &[(&str, &str)]| {
        let Everything { traces, metrics, logs } = read(variables).unwrap();
        [traces.unwrap().to, metrics.unwrap().to, logs.unwrap().to].map(|to| to.endpoint.to_string())
    };
    let all = ["http://a:4318/v1/traces", "http://a:4318/v1/metrics", "http://a:4318/v1/logs"];
    assert_eq!(endpoints(&[http, (ENDPOINT, "http://a:4318/")]), all);
    let own = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://a:4318/here");
    assert_eq!(endpoints(&[http, (ENDPOINT, "http://a:4318"), own])[0], "http://a:4318/here");
}

#[test]
fn headers_are_decoded() {
    let headers = ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=a%20b%3D, x=1");
    let to = traces(&[(ENDPOINT, "http://a:1"), headers]).unwrap();
    assert_eq!(to.headers["api-key"], "a b=");
    assert_eq!(to.headers["x"], "1");
}

#[test]
fn what_can_not_be_used_is_named() {
    for (name, value) in [
        (ENDPOINT, "127.0.0.1:4317"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "ftp://collector:4317"),
        ("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "http/json"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "secret"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "zstd"),
        ("OTEL_EXPORTER_OTLP_LOGS_TIMEOUT", "soon"),
        ("OTEL_TRACES_EXPORTER", "jaeger"),
        ("OTEL_LOGS_EXPORTER", "prometheus"),
        ("OTEL_METRICS_EXPORTER", "console"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "many"),
        ("OTEL_BSP_SCHEDULE_DELAY", "-1"),
        ("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", "1.5"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "1m"),
        ("OTEL_METRIC_EXPORT_TIMEOUT", "1m"),
    ] {
        let fault = read(&[(name, value), (ENDPOINT, "http://a:1")]).unwrap_err().to_string();
        assert!(fault.starts_with(name), "{fault}");
        assert!(!fault.contains("secret"), "{fault}");
    }
}

#[test]
fn certificates_that_can_not_be_used_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("empty.pem");
    std::fs::write(&file, "none here").unwrap();
    let file = file.to_str().unwrap();
    let endpoint = (ENDPOINT, "https://a:1");
    for (name, value) in [
        ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/nowhere.pem"),
        ("OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE", file),
        ("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", file),
    ] {
        let fault = read(&[endpoint, (name, value)]).unwrap_err().to_string();
        assert!(fault.starts_with(name), "{fault}");
    }
    // What isn't used isn't read.
    assert!(traces(&[(ENDPOINT, "http://a:1"), ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/nowhere.pem")]).is_some());
}
