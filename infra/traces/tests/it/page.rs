//! The page, and what else the port answers.

use crate::program::Program;

const SOURCES: [&str; 5] = [
    include_str!("../../src/page/index.html"),
    include_str!("../../src/page/main.js"),
    include_str!("../../src/page/search.js"),
    include_str!("../../src/page/shared.js"),
    include_str!("../../src/page/trace.js"),
];

#[tokio::test]
async fn every_view_is_the_page_and_runs_nothing_else() {
    let program = Program::start(&[]);
    for path in ["/", "/search?service=shop", "/trace/00000000000000ab"] {
        let response = program.get(path).await;
        assert_eq!(response.status(), 200, "{path}");
        let policy = response.headers()["content-security-policy"].to_str().unwrap().to_owned();
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        assert_eq!(response.headers()["x-content-type-options"], "nosniff");
        let text = String::from_utf8(response.bytes().await.unwrap().to_vec()).unwrap();
        assert!(text.contains("/static/main.js"), "{path}");
    }
    for (path, media_type) in [("/static/main.js", "text/javascript"), ("/static/style.css", "text/css")] {
        let response = program.get(path).await;
        assert!(response.headers()["content-type"].to_str().unwrap().starts_with(media_type), "{path}");
    }
}

/// Spans are text from anywhere. Whatever would read them as markup isn't used, so that there is nothing to forget.
#[test]
fn nothing_is_parsed_as_markup() {
    for source in SOURCES {
        for way in [
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "createContextualFragment",
            "DOMParser",
            "srcdoc",
            "eval(",
            "new Function",
            "setHTML",
            "javascript:",
        ] {
            assert!(!source.contains(way), "{way}");
        }
        assert!(!source.contains("https://") && !source.contains("src=\"http"), "everything comes from here");
    }
}

#[tokio::test]
async fn probes_and_strangers_are_answered() {
    let program = Program::start(&[]);
    for (path, status) in [
        ("/livez", 200),
        ("/healthz", 200),
        ("/readyz", 200),
        ("/metrics", 200),
        ("/state", 200),
        ("/nothing", 404),
        ("/static/../main.rs", 404),
        ("/static/nothing.js", 404),
    ] {
        assert_eq!(program.get(path).await.status(), status, "{path}");
    }
    let client = reqwest::Client::new();
    let posted = client.post(format!("http://{}/state", program.query)).send().await.unwrap();
    assert_eq!(posted.status(), 405);
}
