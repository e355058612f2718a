//! Folders and files with the owner and mode they need.

use std::{
    fs::{self, DirBuilder, OpenOptions, Permissions},
    io::{self, Write},
    os::unix::{
        fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt, chown},
        process::CommandExt,
    },
    path::Path,
    process::{Command, Stdio},
};

use nix::sys::statvfs::statvfs;

use crate::process::User;

/// Makes a folder, unless it is there, and sets its mode and owner.
pub(crate) fn make(folder: &Path, mode: u32, owner: Option<User>) -> io::Result<()> {
    match DirBuilder::new().mode(mode).create(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => fs::set_permissions(folder, Permissions::from_mode(mode))?,
    }
    give(folder, owner)
}

/// Writes a whole file, at no moment readable by more than its mode says.
pub(crate) fn write(file: &Path, text: &str, mode: u32, owner: Option<User>) -> io::Result<()> {
    let mut out = OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(file)?;
    out.set_permissions(Permissions::from_mode(mode))?;
    give(file, owner)?;
    out.write_all(text.as_bytes())
}

/// Copies a folder with all that is in it, sharing the blocks where the file system can.
pub(crate) fn copy(from: &Path, to: &Path, owner: Option<User>) -> io::Result<()> {
    let mut command = Command::new("cp");
    command.args(["-a", "--reflink=auto", "--"]).arg(from).arg(to);
    run(command, owner, "").map(drop)
}

/// Removes a folder with all that is in it; none is as good.
pub(crate) fn remove(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Runs a program to its end, with `input` on its standard input; what it wrote, or an error that holds it.
pub(crate) fn run(mut command: Command, user: Option<User>, input: &str) -> io::Result<String> {
    if let Some(user) = user {
        command.uid(user.uid).gid(user.gid);
    }
    command.env("LC_ALL", "C.UTF-8").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn()?;
    // A program that ends without reading says why by itself.
    let _ = child.stdin.take().expect("standard input is piped").write_all(input.as_bytes());
    let output = child.wait_with_output()?;
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if output.status.success() {
        return Ok(said(&output.stdout));
    }
    let program = command.get_program().to_string_lossy();
    let both = [said(&output.stderr), said(&output.stdout)].join("\n");
    Err(io::Error::other(format!("{program} failed ({}): {}", output.status, both.trim())))
}

/// The bytes that an unprivileged user may still write where `folder` is.
pub(crate) fn free_bytes(folder: &Path) -> io::Result<u64> {
    let stat = statvfs(folder)?;
    Ok(stat.blocks_available() * stat.fragment_size())
}

fn give(path: &Path, owner: Option<User>) -> io::Result<()> {
    owner.map_or(Ok(()), |owner| chown(path, Some(owner.uid), Some(owner.gid)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        path.metadata().unwrap().permissions().mode() & 0o7777
    }

    #[test]
    fn modes_hold_for_what_is_new_and_for_what_is_there() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("file");
        fs::write(&file, "old and longer").unwrap();
        write(&file, "new", 0o600, None).unwrap();
        assert_eq!((fs::read_to_string(&file).unwrap().as_str(), mode(&file)), ("new", 0o600));
        let folder = dir.path().join("folder");
        make(&folder, 0o755, None).unwrap();
        make(&folder, 0o700, None).unwrap();
        assert_eq!(mode(&folder), 0o700);
    }

    #[test]
    fn a_copy_holds_all() {
        let dir = tempfile::tempdir().unwrap();
        make(&dir.path().join("a"), 0o700, None).unwrap();
        fs::write(dir.path().join("a/x"), "y").unwrap();
        copy(&dir.path().join("a"), &dir.path().join("b"), None).unwrap();
        assert_eq!(fs::read_to_string(dir.path().join("b/x")).unwrap(), "y");
    }

    #[test]
    fn a_failing_program_is_quoted() {
        let mut command = Command::new("sh");
        command.args(["-c", "cat >&2; exit 3"]);
        let error = run(command, None, "because").unwrap_err().to_string();
        assert!(error.contains("because") && error.contains("3"), "{error}");
    }
}
