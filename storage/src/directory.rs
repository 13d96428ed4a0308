//! What a data directory says of itself, where a broker has several: which one it is, whose, and, in the one that holds
//! the cluster's metadata, where the others were last. A broker with one directory needs no such file, and has none.
//!
//! So a disk is known again wherever it is mounted, and a foreign or an empty one is told from it. The file is replaced by
//! a rename, and holds one frame (`framed.rs`).

use std::{
    os::unix::ffi::{OsStrExt, OsStringExt},
    path::{Path, PathBuf},
};

use bytes::{Buf, Bytes};

use crate::{
    env::{Env, OpenFile},
    error::StorageError,
    framed::Format,
};

const FORMAT: Format = Format { magic: b"CLDIRECT", version: 1 };
const NAME: &str = "directory";
const NEW_NAME: &str = "directory.new";
const KIND: u16 = 1;

/// The file in a data directory that says which one it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Identity {
    /// Never another directory's.
    pub id: [u8; 16],
    /// The cluster it belongs to.
    pub cluster: [u8; 16],
    /// The node of that cluster.
    pub node: i32,
    /// In the directory that holds the cluster's metadata: the node's others, and where they were.
    pub others: Option<Vec<Remembered>>,
}

/// Another directory of the same node.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Remembered {
    /// Its id.
    pub id: [u8; 16],
    /// Where it was when the node started last.
    pub path: PathBuf,
}

/// What is found at a path that is to be a data directory.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Contents {
    /// What it says of itself.
    pub identity: Option<Identity>,
    /// Whether some broker keeps records there.
    pub shards: bool,
}

/// Looks at a directory.
pub async fn look<E: Env>(env: &E, dir: &Path) -> Result<Contents, StorageError> {
    let names = env.list(dir).await.map_err(|error| StorageError::io("list", dir, &error))?;
    let identity = match names.iter().any(|name| name == NAME) {
        true => Some(read(env, dir).await?),
        false => None,
    };
    Ok(Contents { identity, shards: names.iter().any(|name| name == "shards") })
}

/// Reads what a directory says of itself.
pub async fn read<E: Env>(env: &E, dir: &Path) -> Result<Identity, StorageError> {
    let path = dir.join(NAME);
    let opened = env.open(&path, OpenFile { create: false, durable_writes: false }).await;
    let file = opened.map_err(|error| StorageError::io("open", &path, &error))?;
    let frame = FORMAT.read::<E>(&file, &path, 0, 0).await?;
    decode(frame.payload).ok_or_else(|| StorageError::corrupt(&path, 0, "its fields do not fit"))
}

/// Has a directory say this of itself from now on, durably.
pub async fn write<E: Env>(env: &E, dir: &Path, identity: &Identity) -> Result<(), StorageError> {
    let (new, path) = (dir.join(NEW_NAME), dir.join(NAME));
    let opened = env.open(&new, OpenFile { create: true, durable_writes: false }).await;
    let file = opened.map_err(|error| StorageError::io("open", &new, &error))?;
    let len = FORMAT.write::<E>(&file, &new, 0, (KIND, 0), &encode(identity)).await?;
    crate::env::File::set_len(&file, len).await.map_err(|error| StorageError::io("cut", &new, &error))?;
    crate::env::File::sync(&file).await.map_err(|error| StorageError::io("sync", &new, &error))?;
    env.rename(&new, &path).await.map_err(|error| StorageError::io("rename", &new, &error))?;
    env.sync_dir(dir).await.map_err(|error| StorageError::io("sync", dir, &error))
}

fn encode(identity: &Identity) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend_from_slice(&identity.id);
    bytes.extend_from_slice(&identity.cluster);
    bytes.extend_from_slice(&identity.node.to_le_bytes());
    bytes.push(u8::from(identity.others.is_some()));
    for other in identity.others.iter().flatten() {
        let path = other.path.as_os_str().as_bytes();
        bytes.extend_from_slice(&other.id);
        bytes.extend_from_slice(&(path.len() as u32).to_le_bytes());
        bytes.extend_from_slice(path);
    }
    bytes
}

fn decode(mut bytes: Bytes) -> Option<Identity> {
    let id = take_id(&mut bytes)?;
    let cluster = take_id(&mut bytes)?;
    let node = bytes.try_get_i32_le().ok()?;
    let others = match bytes.try_get_u8().ok()? {
        0 if bytes.is_empty() => None,
        1 => {
            let mut others = Vec::new();
            while bytes.has_remaining() {
                others.push(take_remembered(&mut bytes)?);
            }
            Some(others)
        }
        _ => return None,
    };
    Some(Identity { id, cluster, node, others })
}

fn take_remembered(bytes: &mut Bytes) -> Option<Remembered> {
    let id = take_id(bytes)?;
    let length = bytes.try_get_u32_le().ok()? as usize;
    if length > bytes.len() {
        return None;
    }
    let path = std::ffi::OsString::from_vec(bytes.split_to(length).to_vec());
    Some(Remembered { id, path: path.into() })
}

fn take_id(bytes: &mut Bytes) -> Option<[u8; 16]> {
    let id = *bytes.first_chunk()?;
    bytes.advance(id.len());
    Some(id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::{Place, World};

    fn identity() -> Identity {
        let other = |number: u8| Remembered { id: [number; 16], path: format!("/disk-{number}").into() };
        Identity { id: [1; 16], cluster: [2; 16], node: 7, others: Some(vec![other(3), other(4)]) }
    }

    #[test]
    fn what_a_directory_says_of_itself_is_read_back_and_no_shorter_or_longer_text_is_taken_for_it() {
        for identity in
            [identity(), Identity { others: None, ..identity() }, Identity { others: Some(vec![]), ..identity() }]
        {
            let bytes = Bytes::from(encode(&identity));
            assert_eq!(decode(bytes.clone()), Some(identity.clone()));
            let shorter = (0..bytes.len()).filter_map(|len| decode(bytes.slice(..len)));
            assert!(shorter.into_iter().all(|other| other != identity));
            if identity.others.is_none() {
                assert_eq!(decode([&bytes[..], &[0]].concat().into()), None);
            }
        }
    }

    #[test]
    fn a_directory_says_the_old_or_the_new_after_a_power_cut_and_the_new_once_it_was_written() {
        for steps in 0..60 {
            let world = World::new(steps);
            let env = world.env(Place::FIRST);
            let old = Identity { others: None, ..identity() };
            let (first, before) = (env.clone(), old.clone());
            let prepared = async move {
                first.create_dir(Path::new("/data")).await.unwrap();
                first.sync_dir(Path::new("/")).await.unwrap();
                assert_eq!(look(&first, Path::new("/data")).await, Ok(Contents::default()));
                write(&first, Path::new("/data"), &before).await.unwrap();
            };
            world.block_on(Place::FIRST, prepared).unwrap();
            let done = std::rc::Rc::new(std::cell::Cell::new(false));
            let (writes, is_done) = (env.clone(), done.clone());
            world.spawn(Place::FIRST, async move {
                write(&writes, Path::new("/data"), &identity()).await.unwrap();
                is_done.set(true);
            });
            world.run_steps(steps);
            world.power_cut(Place::FIRST.host);
            let env = world.env(Place::FIRST);
            let found = world.block_on(Place::FIRST, async move { read(&env, Path::new("/data")).await.unwrap() });
            let found = found.unwrap();
            assert!(found == identity() || found == old && !done.get(), "{found:?}");
        }
    }
}
