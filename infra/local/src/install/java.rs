//! The Java that Kafka runs on.

use std::{env, fs, path::PathBuf, process::Command};

use super::programs::{Missing, search};

/// The oldest Java that Kafka's brokers run on since version 4.0 (KIP-1013).
const NEEDED: u32 = 17;
const PACKAGE: &str = "openjdk-17-jre-headless";

/// A Java that is new enough.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Java {
    pub(crate) program: PathBuf,
    /// As it names itself: `17.0.15`.
    pub(crate) version: String,
}

/// The Java of `JAVA_HOME`, else the one on the `PATH`.
pub(super) fn find() -> Result<Java, Missing> {
    let home = env::var_os("JAVA_HOME").map(|home| PathBuf::from(home).join("bin/java")).filter(|java| java.is_file());
    let missing = Missing::Program { program: "java", package: PACKAGE };
    let program = home.or_else(|| search("java")).ok_or(missing.clone())?;
    let version = released(&program).or_else(|| asked(&program)).ok_or(missing)?;
    check(Java { program, version })
}

fn check(java: Java) -> Result<Java, Missing> {
    // Before version 9 the first number was a 1: `1.8.0_392`.
    let mut numbers = java.version.split(['.', '-', '+', '_']).filter_map(|part| part.parse::<u32>().ok());
    let major = numbers.next().filter(|first| *first > 1).or_else(|| numbers.next());
    if major.is_some_and(|major| major >= NEEDED) {
        return Ok(java);
    }
    Err(Missing::JavaTooOld { program: java.program, found: java.version, needed: NEEDED, package: PACKAGE })
}

/// The version in the `release` file that each JDK has in its folder: no process to start.
fn released(program: &std::path::Path) -> Option<String> {
    let home = program.canonicalize().ok()?.parent()?.parent()?.to_owned();
    quoted(&fs::read_to_string(home.join("release")).ok()?, "JAVA_VERSION=")
}

fn asked(program: &std::path::Path) -> Option<String> {
    let output = Command::new(program).arg("-version").output().ok()?;
    quoted(&String::from_utf8_lossy(&output.stderr), "version ")
}

/// What stands in quotes after `key`.
fn quoted(text: &str, key: &str) -> Option<String> {
    let rest = text.split_once(key)?.1.strip_prefix('"')?;
    Some(rest.split_once('"')?.0.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(version: &str) -> Result<Java, Missing> {
        check(Java { program: "java".into(), version: version.to_owned() })
    }

    #[test]
    fn seventeen_and_later_will_do() {
        for good in ["17", "17.0.15", "21-ea", "25.0.1+8"] {
            assert_eq!(checked(good).unwrap().version, good);
        }
        for old in ["1.8.0_392", "11.0.2", "16", "what"] {
            assert!(matches!(checked(old), Err(Missing::JavaTooOld { found, .. }) if found == old));
        }
    }

    #[test]
    fn versions_are_found_in_both_places() {
        let release = "IMPLEMENTOR=\"Debian\"\nJAVA_VERSION=\"17.0.15\"\nJAVA_VERSION_DATE=\"2025-04-15\"\n";
        assert_eq!(quoted(release, "JAVA_VERSION=").as_deref(), Some("17.0.15"));
        let asked = "openjdk version \"11.0.2\" 2019-01-15\n";
        assert_eq!(quoted(asked, "version ").as_deref(), Some("11.0.2"));
        assert_eq!(quoted("nothing", "version "), None);
    }
}
