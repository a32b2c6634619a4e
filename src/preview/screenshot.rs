//! Pictures of a letter, drawn by the Chromium that is at hand.
//!
//! Promises: nothing is asked of any network; a Chromium that hangs is ended.
//!
//! BUGS: a letter of more than [`TALLEST`] pixels is cut there.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use image::{GenericImageView, Rgba, RgbaImage};

/// Names another program to draw with.
pub const CHROMIUM_VARIABLE: &str = "CRIEUR_CHROMIUM";
const NAMES: [&str; 5] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"];
/// No browser's window is narrower.
const NARROWEST: u32 = 520;
const TALLEST: u32 = 6000;
const PATIENCE: Duration = Duration::from_secs(60);

/// A program that draws pages.
#[derive(Clone, Debug)]
pub struct Chromium(PathBuf);

#[derive(Debug, thiserror::Error)]
pub enum ScreenshotError {
    #[error("Chromium cannot be started: {0}")]
    Start(io::Error),
    #[error("Chromium drew nothing within {} seconds", PATIENCE.as_secs())]
    Nothing,
    #[error("what Chromium drew cannot be read or written: {0}")]
    Picture(String),
}

impl Chromium {
    /// The one that is named in the environment, else the first that is installed.
    pub fn find(named: Option<OsString>, path: Option<OsString>) -> Option<Chromium> {
        if let Some(named) = named.filter(|named| !named.is_empty()) {
            return Some(Chromium(PathBuf::from(named)));
        }
        let folders: Vec<PathBuf> = std::env::split_paths(&path?).collect();
        let found = NAMES.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
        found.into_iter().find(|path| path.is_file()).map(Chromium)
    }
}

/// Draws the page of a file, this wide and as tall as it is, into a PNG.
pub fn draw(chromium: &Chromium, page: &Path, width: u32, into: &Path) -> Result<(), ScreenshotError> {
    let folder = tempfile::tempdir().map_err(ScreenshotError::Start)?;
    let file = |error: io::Error| ScreenshotError::Picture(error.to_string());
    let page = fs::canonicalize(page).map_err(file)?;
    let address = url::Url::from_file_path(&page).map_err(|()| ScreenshotError::Nothing)?;
    // In a frame of its own, for a browser's window has a width below which it does not go.
    let frame = folder.path().join("frame.html");
    let html = format!(
        "<!DOCTYPE html><style>body {{ margin: 0 }} iframe {{ border: 0; width: {width}px; height: {TALLEST}px; display: block }}</style>\
         <iframe src=\"{address}\"></iframe>"
    );
    fs::write(&frame, html).map_err(file)?;
    let drawn = folder.path().join("drawn.png");
    run(chromium, folder.path(), &frame, width, &drawn)?;
    let picture = image::open(&drawn).map_err(|error| ScreenshotError::Picture(error.to_string()))?;
    let picture = picture.crop_imm(0, 0, width.min(picture.width()), picture.height()).to_rgba8();
    let cropped = without_empty_end(&picture);
    let cut = picture.view(0, 0, picture.width(), cropped).to_image();
    cut.save(into).map_err(|error| ScreenshotError::Picture(error.to_string()))
}

/// How tall a picture is without the rows at its end that are all of one colour, but for a margin.
fn without_empty_end(picture: &RgbaImage) -> u32 {
    const MARGIN: u32 = 24;
    let (width, height) = picture.dimensions();
    let ground: Rgba<u8> = *picture.get_pixel(0, height.saturating_sub(1));
    let is_empty = |y: &u32| (0..width).all(|x| *picture.get_pixel(x, *y) == ground);
    let last = (0..height).rev().find(|y| !is_empty(y)).unwrap_or(0);
    (last + 1 + MARGIN).min(height)
}

fn run(chromium: &Chromium, profile: &Path, page: &Path, width: u32, into: &Path) -> Result<(), ScreenshotError> {
    let mut command = Command::new(&chromium.0);
    command.args([
        "--headless",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--hide-scrollbars",
        // Whatever a letter names, nothing leaves this machine.
        "--host-resolver-rules=MAP * ~NOTFOUND",
    ]);
    if is_root() {
        // Chromium refuses to start as root with its sandbox: a container's usual case.
        command.arg("--no-sandbox");
    }
    command.arg(format!("--user-data-dir={}", profile.join("profile").display()));
    command.arg(format!("--window-size={},{TALLEST}", width.max(NARROWEST)));
    command.arg(format!("--screenshot={}", into.display())).arg(page);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().map_err(ScreenshotError::Start)?;
    let began = Instant::now();
    loop {
        match child.try_wait().map_err(ScreenshotError::Start)? {
            Some(_) if into.is_file() => return Ok(()),
            Some(_) => return Err(ScreenshotError::Nothing),
            None if began.elapsed() > PATIENCE => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(ScreenshotError::Nothing);
            }
            None => std::thread::sleep(Duration::from_millis(30)),
        }
    }
}

#[cfg(unix)]
fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

#[cfg(not(unix))]
fn is_root() -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_empty_end_of_a_picture_goes_but_for_a_margin() {
        let mut picture = RgbaImage::from_pixel(10, 200, Rgba([255, 255, 255, 255]));
        assert_eq!(without_empty_end(&picture), 25);
        picture.put_pixel(3, 99, Rgba([0, 0, 0, 255]));
        assert_eq!(without_empty_end(&picture), 124);
        picture.put_pixel(3, 199, Rgba([0, 0, 0, 255]));
        assert_eq!(without_empty_end(&picture), 200);
    }
}
