//! From message definitions (`schemas/kafka/*.kafka`) to Rust (`wire/src/messages`).
//!
//! The generated code is committed, so an ordinary build runs none of this; a test of `corelog-wire` fails where the
//! two do not match. The model in [`schema`] also drives that crate's differential tests.

pub mod emit;
pub mod schema;

use schema::File;
use std::path::Path;

/// Files whose code is written by hand: the definitions serve the tests.
const BY_HAND: [&str; 1] = ["headers"];

/// 64-bit FNV-1a, which names the text that code was generated from.
pub fn fnv1a(texts: impl IntoIterator<Item = impl AsRef<[u8]>>) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for text in texts {
        for byte in text.as_ref() {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    hash
}

/// Reads every definition in `folder`, in the order of their names: name, text, parsed file.
pub fn load(folder: &Path) -> Result<Vec<(String, String, File)>, String> {
    let mut files = Vec::new();
    let entries = std::fs::read_dir(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    for entry in entries {
        let path = entry.map_err(|e| e.to_string())?.path();
        if path.extension().is_none_or(|extension| extension != "kafka") {
            continue;
        }
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
        let file = schema::parse(&text).map_err(|e| format!("{}: {e}", path.display()))?;
        files.push((name, text, file));
    }
    files.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(files)
}

/// Everything that belongs into `wire/src/messages`: file name and content.
pub fn generate(folder: &Path) -> Result<Vec<(String, String)>, String> {
    let mut loaded = load(folder)?;
    loaded.retain(|(name, ..)| !BY_HAND.contains(&name.as_str()));
    let mut out = Vec::new();
    for (name, text, file) in &loaded {
        out.push((format!("{name}.rs"), emit::file(file, &format!("{name}.kafka"), fnv1a([text]))));
    }
    let all = fnv1a(loaded.iter().map(|(_, text, _)| text));
    let files: Vec<_> = loaded.into_iter().map(|(name, _, file)| (name, file)).collect();
    out.push(("api_key.rs".into(), emit::api_key(&files, all)));
    out.push(("mod.rs".into(), emit::module(&files)));
    Ok(out)
}
