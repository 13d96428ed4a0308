//! What documents and module docs say about files is true.

use corelog_tidy::{files, read, root, sources};

/// Endings by which a word in backticks is taken for a file of this repository.
const FILE_ENDINGS: [&str; 10] = [".rs", ".md", ".toml", ".sh", ".py", ".fbs", ".go", ".java", ".mjs", ".xml"];

/// The targets of Markdown links `[..](target)` in a text.
fn link_targets(text: &str) -> Vec<String> {
    let after = text.split("](").skip(1);
    after.filter_map(|rest| rest.split_once(')')).map(|(target, _)| target.to_owned()).collect()
}

/// The words in backticks that look like files of a repository: a folder, a slash, a name with a known ending.
fn quoted_files(text: &str) -> Vec<String> {
    let plain = |w: &str| w.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c));
    let known = |w: &str| FILE_ENDINGS.iter().any(|ending| w.ends_with(ending));
    let quoted = text.lines().flat_map(|line| line.split('`').skip(1).step_by(2));
    quoted.filter(|w| w.contains('/') && plain(w) && known(w) && !w.starts_with('/')).map(str::to_owned).collect()
}

/// Whether a document in `folder` means a file that exists by `name`: beside it, in its crate, or from the root.
fn exists(folder: &str, name: &str) -> bool {
    let mut at = Some(root().join(folder));
    while let Some(here) = at.filter(|here| here.starts_with(root())) {
        if here.join(name).exists() || here.join("src").join(name).exists() {
            return true;
        }
        at = here.parent().map(Into::into);
    }
    false
}

fn folder_of(file: &str) -> &str {
    file.rsplit_once('/').map_or("", |(folder, _)| folder)
}

#[test]
fn links_in_documents_lead_somewhere() {
    let mut followed = 0;
    for document in files().iter().filter(|f| f.ends_with(".md")) {
        for target in link_targets(&read(document)) {
            let path = target.split('#').next().unwrap_or_default();
            if target.contains("://") || path.is_empty() {
                continue;
            }
            let found = root().join(folder_of(document)).join(path).exists();
            assert!(found, "{document} links to {target}, which is not there");
            followed += 1;
        }
    }
    assert!(followed > 0, "the README links into the code");
}

#[test]
fn files_named_in_documents_exist() {
    for document in files().iter().filter(|f| f.ends_with(".md")) {
        for name in quoted_files(&read(document)) {
            assert!(exists(folder_of(document), &name), "{document} names {name}, which is not there");
        }
    }
}

#[test]
fn files_named_in_comments_exist() {
    for source in sources() {
        let text = read(&source);
        let comments: Vec<&str> = text.lines().filter(|line| line.trim_start().starts_with("//")).collect();
        for name in quoted_files(&comments.join("\n")) {
            assert!(exists(folder_of(&source), &name), "{source} names {name}, which is not there");
        }
    }
}
