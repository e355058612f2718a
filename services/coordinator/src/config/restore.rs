//! The command line of `snapshot status` and `snapshot restore`, with etcdutl's names.

use std::path::PathBuf;

use super::{
    Bootstrap, Command, ConfigError,
    faults::Faults,
    flags::{Asked, FlagError, Values},
    table,
};

/// A member to be made of a file.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "each is the flag of that name")]
pub struct Restore {
    /// What `etcdctl snapshot save` wrote.
    pub file: PathBuf,
    pub name: String,
    pub data_dir: PathBuf,
    pub bootstrap: Bootstrap,
    pub bump_revision: u64,
    pub mark_compacted: bool,
}

/// Reads what follows the word `snapshot`. No variable counts: they are a running member's.
pub(super) fn read(arguments: impl IntoIterator<Item = String>) -> Result<Command, ConfigError> {
    let mut arguments = arguments.into_iter();
    let verb = arguments.next().unwrap_or_default();
    if !["status", "restore"].contains(&verb.as_str()) {
        return Err(FlagError::NoSuchCommand.into());
    }
    let mut flags: Vec<String> = arguments.collect();
    let file = file(&mut flags).ok_or(FlagError::NoFile)?;
    let find = if verb == "status" { |_: &str| None } else { table::find_restore };
    match Values::read(find, flags, [])? {
        Asked::Help => Ok(Command::Print(table::help())),
        Asked::Version => Ok(Command::Print(crate::version::text())),
        Asked::Serve(_) if verb == "status" => Ok(Command::Status(file)),
        Asked::Serve(values) => Ok(Command::Restore(Box::new(Restore::new(file, &values)?))),
    }
}

/// Takes out the file's name, which stands first or last.
fn file(flags: &mut Vec<String>) -> Option<PathBuf> {
    let is_name = |word: Option<&String>| word.is_some_and(|word| !word.starts_with('-'));
    let place = if is_name(flags.first()) { 0 } else { flags.len().checked_sub(1)? };
    if is_name(flags.get(place)) { Some(flags.remove(place).into()) } else { None }
}

impl Restore {
    fn new(file: PathBuf, values: &Values) -> Result<Self, Faults> {
        let mut faults = Faults::default();
        let name = values.get("name").to_owned();
        let data_dir = match values.get("data-dir") {
            "" => format!("{name}.etcd").into(),
            given => given.into(),
        };
        let bootstrap = super::bootstrap(values, &name, &mut faults);
        let bump_revision =
            if values.is_given("bump-revision") { faults.number(values, "bump-revision", 0) } else { 0 };
        let mark_compacted = values.is_set("mark-compacted");
        if mark_compacted && bump_revision == 0 {
            faults.add(
                "mark-compacted",
                "needs --bump-revision: without it the newest versions would be unreadable, too",
            );
        }
        faults.or(Self { file, name, data_dir, bootstrap, bump_revision, mark_compacted })
    }
}
