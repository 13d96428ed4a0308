//! The shape of files: documented from line 1, of a size one can read, with no open ends.

use corelog_tidy::{files, read, sources};

/// A file longer than this does more than one thing.
const LONGEST_FILE: usize = 800;

#[test]
fn every_file_says_what_it_is_on_line_one() {
    for source in sources() {
        let text = read(&source);
        assert!(text.starts_with("//! "), "{source} does not begin with its module docs");
    }
}

#[test]
fn no_file_is_too_long_to_read() {
    for source in sources() {
        let lines = read(&source).lines().count();
        assert!(lines <= LONGEST_FILE, "{source} has {lines} lines, more than {LONGEST_FILE}");
    }
}

#[test]
fn nothing_is_left_open_or_skipped() {
    // Written apart so that this list does not find itself.
    let open_ends = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("#[ig", "nore"), concat!("to", "do!(")];
    for source in sources() {
        for (number, line) in read(&source).lines().enumerate() {
            let found = open_ends.iter().find(|end| line.contains(*end));
            assert!(found.is_none(), "{source}:{}: {}", number + 1, line.trim());
        }
    }
}

#[test]
fn no_file_carries_a_license_block() {
    for source in files().iter().filter(|f| f.ends_with(".rs")) {
        let first = read(source).lines().next().unwrap_or_default().to_lowercase();
        assert!(!first.contains("copyright") && !first.contains("spdx"), "{source}: the licence is in LICENSE");
    }
}
