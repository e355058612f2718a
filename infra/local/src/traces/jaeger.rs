//! Jaeger in the place of the embedded store.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::install::{JAEGER_VERSION, Jaeger};

/// Its settings; addresses come in by variables.
const CONFIG: &str = include_str!("../../../jaeger/config.yaml");
/// What Go's runtime keeps to, a little below where the settings have it refuse spans.
const MEMORY: &str = "600MiB";
/// The path that answers 200 when it can be asked. It takes spans some milliseconds later, before services start.
pub(super) const READY: &str = "/api/services";

/// The page of the embedded store, which asks nothing but Jaeger's API.
const PAGE: &str = include_str!("../../../traces/src/page/index.html");
const PAGE_FILES: [(&str, &str); 5] = [
    ("main.js", include_str!("../../../traces/src/page/main.js")),
    ("search.js", include_str!("../../../traces/src/page/search.js")),
    ("shared.js", include_str!("../../../traces/src/page/shared.js")),
    ("trace.js", include_str!("../../../traces/src/page/trace.js")),
    ("style.css", include_str!("../../../traces/src/page/style.css")),
];
/// Where the embedded store tells of its memory, and what stands there of Jaeger.
const STATE: &str = r#"<p id="state" aria-live="polite"></p>"#;

/// Writes the page into a folder, as Jaeger wants it: a document that is answered to every path, and `static/`.
pub(super) fn write_page(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder.join("static"))?;
    let told = format!("<p>kept by Jaeger {JAEGER_VERSION}</p>");
    fs::write(folder.join("index.html"), PAGE.replace(STATE, &told))?;
    PAGE_FILES.into_iter().try_for_each(|(name, text)| fs::write(folder.join("static").join(name), text))
}

/// What it is started with, besides the addresses: its settings, and a page where it lacks one.
pub(super) fn variables(page: Option<&PathBuf>) -> Vec<(String, String)> {
    let page = page.map(|folder| folder.display().to_string()).unwrap_or_default();
    let variables = [("JAEGER_CONFIG", CONFIG.to_owned()), ("JAEGER_PAGE", page), ("GOMEMLIMIT", MEMORY.to_owned())];
    variables.map(|(name, value)| (name.to_owned(), value)).into()
}

/// What is told of the one that is used.
pub(super) fn described(jaeger: &Jaeger) -> String {
    let page = if jaeger.built { ", with the page of Plumbline's own store: its module lacks one" } else { "" };
    format!("{}{page}", jaeger.program.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_whole_and_tells_whose_traces_they_are() {
        let folder = tempfile::tempdir().unwrap();
        write_page(folder.path()).unwrap();
        let page = fs::read_to_string(folder.path().join("index.html")).unwrap();
        assert!(page.contains("kept by Jaeger") && !page.contains("id=\"state\""));
        let files: Vec<_> = page.split('"').filter_map(|part| part.strip_prefix("/static/")).collect();
        assert!(files.len() >= 2);
        for file in files {
            assert!(folder.path().join("static").join(file).is_file(), "{file}");
        }
    }
}
