//! What is on a disk, and what of it would still be there if the power went now. A file's pages and a folder's
//! names are safe only once they were synced, each on its own. No kernel in here, so that the model itself can
//! be tested.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::{OsStr, OsString},
};

/// Whatever is written is lost or kept in pieces of this size.
pub(super) const PAGE: usize = 4_096;
/// The number of the topmost folder.
pub(super) const ROOT: u64 = 1;

/// Why something cannot be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    Missing,
    Exists,
    NotAFile,
    NotAFolder,
    NotEmpty,
    /// No room is left.
    Full,
    /// The disk failed, or has no power.
    Broken,
}

/// A file or a folder.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) mode: u16,
    pub(super) kind: Kind,
}

#[derive(Debug)]
pub(super) enum Kind {
    File(Content),
    Folder(Names),
}

/// A file's bytes, as they are read now and as they would be found after a power loss.
#[derive(Debug, Default)]
pub(super) struct Content {
    now: Vec<u8>,
    safe: Vec<u8>,
    unsynced: BTreeSet<usize>,
}

/// A folder's names, in the same two ways.
#[derive(Debug, Default)]
pub(super) struct Names {
    now: BTreeMap<OsString, u64>,
    safe: BTreeMap<OsString, u64>,
}

/// How a disk misbehaves, and what was asked of it.
#[derive(Debug, Default)]
pub(super) struct Behaviour {
    /// Bytes that fit; no bound if there is none.
    pub(super) room: Option<usize>,
    /// After so many syncs one fails, and what it was to make safe stays unsafe for good.
    pub(super) syncs_until_failure: Option<u64>,
    /// Syncs are answered and not done.
    pub(super) lies: bool,
    /// Everything fails: the power has gone.
    pub(super) is_off: bool,
    /// Syncs of files that were done.
    pub(super) syncs: u64,
}

/// Everything on a disk.
#[derive(Debug)]
pub(super) struct Files {
    nodes: BTreeMap<u64, Node>,
    pub(super) behaviour: Behaviour,
}

/// What becomes of unsynced pages and names when the power goes.
#[derive(Debug, Clone, Copy)]
pub enum Unsynced {
    /// All are lost.
    Lost,
    /// Each is lost or kept, as this seed has it.
    Chance(u64),
}

impl Unsynced {
    fn keeps(&mut self) -> bool {
        match self {
            Self::Lost => false,
            Self::Chance(state) => {
                // SplitMix64: small, and the same everywhere.
                *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
                let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
                let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
                (mixed ^ (mixed >> 31)) & 1 == 1
            }
        }
    }
}

impl Default for Files {
    fn default() -> Self {
        let root = Node {
            mode: 0o700,
            kind: Kind::Folder(Names::default()),
        };
        Self {
            nodes: BTreeMap::from([(ROOT, root)]),
            behaviour: Behaviour::default(),
        }
    }
}

impl Node {
    pub(super) fn size(&self) -> usize {
        match &self.kind {
            Kind::File(content) => content.now.len(),
            Kind::Folder(_) => 0,
        }
    }
}

impl Files {
    pub(super) fn node(&self, number: u64) -> Result<&Node, Refusal> {
        self.nodes.get(&number).ok_or(Refusal::Missing)
    }

    fn node_mut(&mut self, number: u64) -> Result<&mut Node, Refusal> {
        self.nodes.get_mut(&number).ok_or(Refusal::Missing)
    }

    fn content_mut(&mut self, number: u64) -> Result<&mut Content, Refusal> {
        match &mut self.node_mut(number)?.kind {
            Kind::File(content) => Ok(content),
            Kind::Folder(_) => Err(Refusal::NotAFile),
        }
    }

    fn names_mut(&mut self, number: u64) -> Result<&mut Names, Refusal> {
        match &mut self.node_mut(number)?.kind {
            Kind::Folder(names) => Ok(names),
            Kind::File(_) => Err(Refusal::NotAFolder),
        }
    }

    /// The names in a folder, with what they stand for.
    pub(super) fn names(&self, folder: u64) -> Result<&BTreeMap<OsString, u64>, Refusal> {
        match &self.node(folder)?.kind {
            Kind::Folder(names) => Ok(&names.now),
            Kind::File(_) => Err(Refusal::NotAFolder),
        }
    }

    pub(super) fn find(&self, folder: u64, name: &OsStr) -> Result<u64, Refusal> {
        self.names(folder)?
            .get(name)
            .copied()
            .ok_or(Refusal::Missing)
    }

    /// Bytes in all files that have a name.
    pub(super) fn used(&self) -> usize {
        let named = self.nodes.values().flat_map(|node| match &node.kind {
            Kind::Folder(names) => names.now.values().collect::<Vec<_>>(),
            Kind::File(_) => Vec::new(),
        });
        named
            .filter_map(|number| self.nodes.get(number))
            .map(Node::size)
            .sum()
    }

    fn must_work(&self) -> Result<(), Refusal> {
        if self.behaviour.is_off {
            return Err(Refusal::Broken);
        }
        Ok(())
    }

    fn must_fit(&self, more: usize) -> Result<(), Refusal> {
        match self.behaviour.room {
            Some(room) if more > 0 && self.used() + more > room => Err(Refusal::Full),
            Some(_) | None => Ok(()),
        }
    }

    pub(super) fn make(
        &mut self,
        folder: u64,
        name: &OsStr,
        mode: u16,
        kind: Kind,
    ) -> Result<u64, Refusal> {
        self.must_work()?;
        let number = self.nodes.last_key_value().map_or(ROOT, |(last, _)| *last) + 1;
        let names = self.names_mut(folder)?;
        if names.now.contains_key(name) {
            return Err(Refusal::Exists);
        }
        names.now.insert(name.to_owned(), number);
        self.nodes.insert(number, Node { mode, kind });
        Ok(number)
    }

    pub(super) fn remove(&mut self, folder: u64, name: &OsStr) -> Result<(), Refusal> {
        self.must_work()?;
        let number = self.find(folder, name)?;
        if self.names(number).is_ok_and(|names| !names.is_empty()) {
            return Err(Refusal::NotEmpty);
        }
        // The node stays: a process may have it open, and a power loss may bring its name back.
        self.names_mut(folder)?.now.remove(name);
        Ok(())
    }

    pub(super) fn rename(&mut self, from: (u64, &OsStr), to: (u64, &OsStr)) -> Result<(), Refusal> {
        self.must_work()?;
        let number = self.find(from.0, from.1)?;
        self.names_mut(to.0)?.now.insert(to.1.to_owned(), number);
        self.names_mut(from.0)?.now.remove(from.1);
        Ok(())
    }

    pub(super) fn set_mode(&mut self, number: u64, mode: u16) -> Result<(), Refusal> {
        self.must_work()?;
        self.node_mut(number)?.mode = mode;
        Ok(())
    }

    pub(super) fn read(&self, number: u64, from: usize, length: usize) -> Result<&[u8], Refusal> {
        self.must_work()?;
        match &self.node(number)?.kind {
            Kind::File(content) => {
                let end = (from + length).min(content.now.len());
                Ok(content.now.get(from..end).unwrap_or_default())
            }
            Kind::Folder(_) => Err(Refusal::NotAFile),
        }
    }

    pub(super) fn write(&mut self, number: u64, at: usize, bytes: &[u8]) -> Result<(), Refusal> {
        self.must_work()?;
        let end = at + bytes.len();
        self.must_fit(end.saturating_sub(self.node(number)?.size()))?;
        let content = self.content_mut(number)?;
        if end > content.now.len() {
            content.now.resize(end, 0);
        }
        content.now[at..end].copy_from_slice(bytes);
        content.unsynced.extend(at / PAGE..end.div_ceil(PAGE));
        Ok(())
    }

    pub(super) fn resize(&mut self, number: u64, size: usize) -> Result<(), Refusal> {
        self.must_work()?;
        self.must_fit(size.saturating_sub(self.node(number)?.size()))?;
        let content = self.content_mut(number)?;
        let old = content.now.len();
        content.now.resize(size, 0);
        content
            .unsynced
            .extend(old.min(size) / PAGE..old.max(size).div_ceil(PAGE));
        Ok(())
    }

    /// Makes a file's bytes safe.
    pub(super) fn sync(&mut self, number: u64) -> Result<(), Refusal> {
        self.must_work()?;
        if self.behaviour.lies {
            return Ok(());
        }
        let left = self.behaviour.syncs_until_failure;
        let fails = left == Some(0);
        self.behaviour.syncs_until_failure = left.and_then(|left| left.checked_sub(1));
        let content = self.content_mut(number)?;
        let pages = std::mem::take(&mut content.unsynced);
        if fails {
            // As Linux does: the pages count as clean from now on, and only the cache still has them.
            return Err(Refusal::Broken);
        }
        content.safe.resize(content.now.len(), 0);
        for page in pages {
            keep_page(content, page);
        }
        self.behaviour.syncs += 1;
        Ok(())
    }

    /// Makes a folder's names safe.
    pub(super) fn sync_names(&mut self, number: u64) -> Result<(), Refusal> {
        self.must_work()?;
        if !self.behaviour.lies {
            let names = self.names_mut(number)?;
            names.safe = names.now.clone();
        }
        Ok(())
    }

    /// The power goes: from now on everything fails, and what was not synced is lost.
    pub(super) fn lose_power(&mut self, mut unsynced: Unsynced) {
        for node in self.nodes.values_mut() {
            match &mut node.kind {
                Kind::File(content) => lose_pages(content, &mut unsynced),
                Kind::Folder(names) => lose_names(names, &mut unsynced),
            }
        }
        self.behaviour = Behaviour {
            is_off: true,
            ..Behaviour::default()
        };
    }
}

fn keep_page(content: &mut Content, page: usize) {
    let start = page * PAGE;
    let end = (start + PAGE).min(content.now.len());
    if start < end {
        if content.safe.len() < end {
            content.safe.resize(end, 0);
        }
        content.safe[start..end].copy_from_slice(&content.now[start..end]);
    }
}

fn lose_pages(content: &mut Content, unsynced: &mut Unsynced) {
    if content.now.len() < content.safe.len() && unsynced.keeps() {
        content.safe.truncate(content.now.len());
    }
    for page in std::mem::take(&mut content.unsynced) {
        if unsynced.keeps() {
            keep_page(content, page);
        }
    }
    content.now.clone_from(&content.safe);
}

fn lose_names(names: &mut Names, unsynced: &mut Unsynced) {
    let both: BTreeSet<OsString> = names.now.keys().chain(names.safe.keys()).cloned().collect();
    for name in both {
        if names.now.get(&name) == names.safe.get(&name) || !unsynced.keeps() {
            continue;
        }
        match names.now.get(&name) {
            Some(number) => names.safe.insert(name, *number),
            None => names.safe.remove(&name),
        };
    }
    names.now.clone_from(&names.safe);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_file(bytes: &[u8]) -> (Files, u64) {
        let mut files = Files::default();
        let file = files
            .make(ROOT, OsStr::new("a"), 0o600, Kind::File(Content::default()))
            .unwrap();
        files.write(file, 0, bytes).unwrap();
        (files, file)
    }

    fn after_power_loss(files: &mut Files, file: u64, unsynced: Unsynced) -> Vec<u8> {
        files.lose_power(unsynced);
        files.behaviour.is_off = false;
        files.read(file, 0, usize::MAX / 2).unwrap().to_vec()
    }

    #[test]
    fn what_was_synced_stays_and_the_rest_is_lost() {
        let (mut files, file) = with_file(b"one");
        files.sync(file).unwrap();
        files.write(file, 3, b"two").unwrap();
        files.write(file, 2 * PAGE, b"three").unwrap();
        assert_eq!(after_power_loss(&mut files, file, Unsynced::Lost), b"one");
        assert_eq!(
            files.find(ROOT, OsStr::new("a")),
            Err(Refusal::Missing),
            "its name was not synced"
        );
    }

    #[test]
    fn a_name_is_safe_once_its_folder_was_synced_and_a_removal_too() {
        let (mut files, file) = with_file(b"one");
        files.sync_names(ROOT).unwrap();
        files.remove(ROOT, OsStr::new("a")).unwrap();
        files.lose_power(Unsynced::Lost);
        assert_eq!(files.find(ROOT, OsStr::new("a")), Ok(file));
        files.behaviour.is_off = false;
        files.remove(ROOT, OsStr::new("a")).unwrap();
        files.sync_names(ROOT).unwrap();
        files.lose_power(Unsynced::Lost);
        assert_eq!(files.find(ROOT, OsStr::new("a")), Err(Refusal::Missing));
    }

    #[test]
    fn some_unsynced_pages_may_be_kept_and_the_seed_says_which() {
        let mut seen = BTreeSet::new();
        for seed in 0..64 {
            let (mut files, file) = with_file(&[1; 3 * PAGE]);
            files.sync(file).unwrap();
            files.write(file, 0, &[2; 3 * PAGE]).unwrap();
            let bytes = after_power_loss(&mut files, file, Unsynced::Chance(seed));
            seen.insert([bytes[0], bytes[PAGE], bytes[2 * PAGE]]);
        }
        assert_eq!(seen.len(), 8, "every subset comes up");
    }

    #[test]
    fn after_a_failed_sync_the_next_one_succeeds_and_makes_nothing_safe() {
        let (mut files, file) = with_file(b"one");
        files.behaviour.syncs_until_failure = Some(0);
        assert_eq!(files.sync(file), Err(Refusal::Broken));
        files.sync(file).unwrap();
        assert_eq!(
            files.read(file, 0, 3).unwrap(),
            b"one",
            "the cache still has it"
        );
        assert_eq!(
            after_power_loss(&mut files, file, Unsynced::Lost),
            [0, 0, 0]
        );
    }

    #[test]
    fn a_full_disk_refuses_growth_and_takes_what_fits() {
        let (mut files, file) = with_file(b"one");
        files.behaviour.room = Some(4);
        assert_eq!(files.write(file, 3, b"two"), Err(Refusal::Full));
        files.write(file, 0, b"four").unwrap();
        assert_eq!(files.resize(file, 5), Err(Refusal::Full));
        files.resize(file, 1).unwrap();
        files.write(file, 1, b"ive").unwrap();
    }

    #[test]
    fn without_power_nothing_works_and_a_liar_keeps_nothing() {
        let (mut files, file) = with_file(b"one");
        files.behaviour.lies = true;
        files.sync(file).unwrap();
        files.lose_power(Unsynced::Lost);
        assert_eq!(files.write(file, 0, b"x"), Err(Refusal::Broken));
        assert_eq!(files.sync(file), Err(Refusal::Broken));
        assert_eq!(files.node(file).unwrap().size(), 0);
    }
}
