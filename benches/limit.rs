//! The limit that reading is measured against: walks a folder, then opens, reads and closes every file in it with two
//! threads, and does nothing else. `limit DIR`.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

fn main() {
    let folder = std::env::args().nth(1).expect("limit DIR");
    let mut open = vec![PathBuf::from(folder)];
    let mut files = Vec::new();
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).expect("a folder").flatten() {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => open.push(entry.path()),
                _ => files.push(entry.path()),
            }
        }
    }
    let (next, bytes) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(path) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                    bytes.fetch_add(fs::read(path).map_or(0, |read| read.len()), Ordering::Relaxed);
                }
            });
        }
    });
    println!("{} files, {} bytes", files.len(), bytes.into_inner());
}
