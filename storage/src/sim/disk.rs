//! A simulated disk's directories: which names are there, and which of them a power cut would keep.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    rc::Rc,
};

use super::{Counters, Rng, inode::Inode};
use crate::env::BLOCK;

pub(super) type SharedInode = Rc<RefCell<Inode>>;

#[derive(Clone)]
enum Entry {
    Directory,
    File(SharedInode),
}

/// A change of names, not durable until the directory it happened in is synced.
#[derive(Clone)]
enum Change {
    Add(PathBuf, Entry),
    Remove(PathBuf),
    Rename(PathBuf, PathBuf),
}

/// The names and files of one host.
pub(super) struct Disk {
    names: BTreeMap<PathBuf, Entry>,
    durable: BTreeMap<PathBuf, Entry>,
    /// In order; each with the directory whose sync makes it durable (for a rename across directories, the target's).
    unsynced: Vec<(PathBuf, Change)>,
    capacity: Option<u64>,
}

fn parent(path: &Path) -> PathBuf {
    path.parent().map(Path::to_path_buf).unwrap_or_default()
}

fn not_found(path: &Path) -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, format!("{}: no such file or directory", path.display()))
}

fn apply(names: &mut BTreeMap<PathBuf, Entry>, change: Change) {
    match change {
        Change::Add(path, entry) => drop(names.insert(path, entry)),
        // A directory goes with what was in it, of which not all need be known to have gone.
        Change::Remove(path) => names.retain(|name, _| !name.starts_with(&path)),
        Change::Rename(from, to) => rename(names, &from, &to),
    }
}

/// With all that lies below it, if it is a directory.
fn rename(names: &mut BTreeMap<PathBuf, Entry>, from: &Path, to: &Path) {
    let moved: Vec<PathBuf> = names.keys().filter(|path| path.starts_with(from)).cloned().collect();
    for path in moved {
        let Some(entry) = names.remove(&path) else { continue };
        let below = path.strip_prefix(from).expect("it lies below");
        let path = if below == Path::new("") { to.to_path_buf() } else { to.join(below) };
        names.insert(path, entry);
    }
}

impl Disk {
    pub(super) fn new() -> Self {
        Self { names: BTreeMap::new(), durable: BTreeMap::new(), unsynced: Vec::new(), capacity: None }
    }

    pub(super) fn set_capacity(&mut self, bytes: Option<u64>) {
        self.capacity = bytes;
    }

    pub(super) fn usage(&self) -> u64 {
        let blocks = |entry: &Entry| match entry {
            Entry::Directory => 0,
            Entry::File(inode) => inode.borrow().allocated_blocks(),
        };
        self.names.values().map(blocks).sum::<u64>() * BLOCK as u64
    }

    /// Whether `blocks` more fit.
    pub(super) fn has_room(&self, blocks: u64) -> bool {
        blocks == 0 || self.capacity.is_none_or(|capacity| self.usage() + blocks * BLOCK as u64 <= capacity)
    }

    pub(super) fn files(&self) -> Vec<PathBuf> {
        let file = |(path, entry): (&PathBuf, &Entry)| matches!(entry, Entry::File(_)).then(|| path.clone());
        self.names.iter().filter_map(file).collect()
    }

    fn file(&self, path: &Path) -> Option<&SharedInode> {
        match self.names.get(path)? {
            Entry::File(inode) => Some(inode),
            Entry::Directory => None,
        }
    }

    pub(super) fn content(&self, path: &Path) -> Option<Vec<u8>> {
        let inode = self.file(path)?.borrow();
        let mut content = vec![0; inode.len as usize];
        inode.read(0, &mut content);
        Some(content)
    }

    pub(super) fn put(&mut self, path: &Path, content: &[u8]) {
        let mut inode = Inode::default();
        let mut padded = content.to_vec();
        padded.resize(content.len().next_multiple_of(BLOCK), 0);
        let write = inode.begin_write(0, &padded.into());
        inode.complete_write(write, 0, content.len() as u64);
        inode.set_len(content.len() as u64);
        inode.complete_sync(inode.begin_sync());
        let entry = Entry::File(Rc::new(RefCell::new(inode)));
        self.names.insert(path.to_path_buf(), entry.clone());
        self.durable.insert(path.to_path_buf(), entry);
    }

    pub(super) fn rot(&mut self, path: &Path, position: u64, bit: u8) -> bool {
        self.file(path).is_some_and(|inode| inode.borrow_mut().rot(position, bit))
    }

    pub(super) fn make_unreadable(&mut self, path: &Path, position: u64) -> bool {
        self.file(path).is_some_and(|inode| inode.borrow_mut().make_unreadable(position))
    }

    pub(super) fn open(&mut self, path: &Path, create: bool) -> io::Result<SharedInode> {
        match self.names.get(path) {
            Some(Entry::File(inode)) => Ok(inode.clone()),
            Some(Entry::Directory) => Err(io::Error::new(io::ErrorKind::IsADirectory, path.display().to_string())),
            None if !create || !self.is_directory(&parent(path)) => Err(not_found(path)),
            None => {
                let inode = SharedInode::default();
                self.change(parent(path), Change::Add(path.to_path_buf(), Entry::File(inode.clone())));
                Ok(inode)
            }
        }
    }

    pub(super) fn is_directory(&self, path: &Path) -> bool {
        path.parent().is_none() || matches!(self.names.get(path), Some(Entry::Directory))
    }

    pub(super) fn create_dir(&mut self, path: &Path) -> io::Result<()> {
        let mut ancestors: Vec<&Path> = path.ancestors().filter(|path| path.parent().is_some()).collect();
        ancestors.reverse();
        for ancestor in ancestors {
            match self.names.get(ancestor) {
                Some(Entry::Directory) => {}
                Some(Entry::File(_)) => {
                    return Err(io::Error::new(io::ErrorKind::NotADirectory, ancestor.display().to_string()));
                }
                None => self.change(parent(ancestor), Change::Add(ancestor.to_path_buf(), Entry::Directory)),
            }
        }
        Ok(())
    }

    pub(super) fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        if !self.is_directory(dir) {
            return Err(not_found(dir));
        }
        let inside = self.names.keys().filter(|path| path.parent() == Some(dir));
        Ok(inside.filter_map(|path| path.file_name()).map(|name| name.to_string_lossy().into_owned()).collect())
    }

    pub(super) fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        if !self.names.contains_key(from) {
            return Err(not_found(from));
        }
        if !self.is_directory(&parent(to)) {
            return Err(not_found(to));
        }
        // An empty directory is replaced as a file is.
        if matches!(self.names.get(to), Some(Entry::Directory)) && !self.list(to)?.is_empty() {
            return Err(io::Error::new(io::ErrorKind::DirectoryNotEmpty, to.display().to_string()));
        }
        self.change(parent(to), Change::Rename(from.to_path_buf(), to.to_path_buf()));
        Ok(())
    }

    pub(super) fn move_tree(&mut self, from: &Path, to: &Path) {
        rename(&mut self.names, from, to);
        rename(&mut self.durable, from, to);
        self.move_unsynced(from, to);
    }

    fn move_unsynced(&mut self, from: &Path, to: &Path) {
        for (directory, change) in &mut self.unsynced {
            let moved = |path: &mut PathBuf| {
                if let Ok(below) = path.strip_prefix(from) {
                    *path = to.join(below);
                }
            };
            moved(directory);
            match change {
                Change::Add(path, _) | Change::Remove(path) => moved(path),
                Change::Rename(old, new) => {
                    moved(old);
                    moved(new);
                }
            }
        }
    }

    pub(super) fn remove(&mut self, path: &Path) -> io::Result<()> {
        match self.names.get(path) {
            None => Err(not_found(path)),
            Some(Entry::Directory) if !self.list(path)?.is_empty() => {
                Err(io::Error::new(io::ErrorKind::DirectoryNotEmpty, path.display().to_string()))
            }
            Some(_) => {
                self.change(parent(path), Change::Remove(path.to_path_buf()));
                Ok(())
            }
        }
    }

    pub(super) fn sync_dir(&mut self, dir: &Path) -> io::Result<()> {
        if !self.is_directory(dir) {
            return Err(not_found(dir));
        }
        for (directory, change) in std::mem::take(&mut self.unsynced) {
            if directory == dir {
                // Those that came before are of the directory that had the name then.
                match &change {
                    Change::Remove(gone) => self.unsynced.retain(|(within, _)| !within.starts_with(gone)),
                    Change::Rename(from, to) => self.move_unsynced(from, to),
                    Change::Add(..) => {}
                }
                apply(&mut self.durable, change);
            } else {
                self.unsynced.push((directory, change));
            }
        }
        Ok(())
    }

    fn change(&mut self, directory: PathBuf, change: Change) {
        apply(&mut self.names, change.clone());
        self.unsynced.push((directory, change));
    }

    pub(super) fn forget_in_flight(&mut self) {
        for entry in self.names.values() {
            if let Entry::File(inode) = entry {
                inode.borrow_mut().forget_in_flight();
            }
        }
    }

    /// Leaves what is found when the power is back: of each directory's unsynced changes, those before some point.
    pub(super) fn power_cut(&mut self, rng: &Rng, counters: &mut Counters) {
        let mut keep: BTreeMap<PathBuf, u64> = BTreeMap::new();
        for (directory, _) in &self.unsynced {
            *keep.entry(directory.clone()).or_default() += 1;
        }
        for count in keep.values_mut() {
            *count = if rng.below(2) == 0 { 0 } else { rng.below(*count + 1) };
        }
        for (directory, change) in std::mem::take(&mut self.unsynced) {
            match keep.get_mut(&directory) {
                Some(left) if *left > 0 => {
                    *left -= 1;
                    apply(&mut self.durable, change);
                }
                _ => counters.count("directory entry lost"),
            }
        }
        let all = self.durable.clone();
        let reachable = |path: &PathBuf| {
            path.ancestors()
                .skip(1)
                .filter(|up| up.parent().is_some())
                .all(|up| matches!(all.get(up), Some(Entry::Directory)))
        };
        self.durable.retain(|path, _| reachable(path));
        for entry in self.durable.values() {
            if let Entry::File(inode) = entry {
                // What an earlier process still holds open must not reach the file any more.
                inode.borrow_mut().power_cut(rng, counters);
            }
        }
        self.names = self.durable.clone();
    }
}
