//! A picture's type and size, from its header alone: raster formats by `imagesize`, SVG by its first tag.

use std::io::{BufRead, Read, Seek, SeekFrom};

use imagesize::ImageType;

/// What a file's beginning tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Measured {
    pub bytes: Option<u64>,
    pub media_type: Option<String>,
    pub width: Option<u32>,
    pub height: Option<u32>,
}

/// How far into an SVG its first tag is looked for: editors write long comments before it.
const SVG_HEAD: u64 = 64 * 1024;

/// Measures by a file's first bytes, and by more of it only where they ask for it.
pub(super) fn header<R: BufRead + Seek>(head: &[u8], file: &mut R) -> Measured {
    if let Ok(kind) = imagesize::image_type(head)
        && let Some(media_type) = media_type(kind)
    {
        let size = imagesize::reader_size(&mut *file).ok();
        let number = |of: fn(imagesize::ImageSize) -> usize| {
            size.and_then(|size| u32::try_from(of(size)).ok()).filter(|n| *n > 0)
        };
        return Measured {
            bytes: None,
            media_type: Some(media_type.to_string()),
            width: number(|size| size.width),
            height: number(|size| size.height),
        };
    }
    let start = String::from_utf8_lossy(head);
    if !start.trim_start_matches('\u{feff}').trim_start().starts_with('<') {
        return Measured::default();
    }
    let mut text = Vec::new();
    let read = file.seek(SeekFrom::Start(0)).and_then(|_| file.take(SVG_HEAD).read_to_end(&mut text));
    match read {
        Ok(_) => svg(&String::from_utf8_lossy(&text)).unwrap_or_default(),
        Err(_) => Measured::default(),
    }
}

fn media_type(kind: ImageType) -> Option<&'static str> {
    Some(match kind {
        ImageType::Jpeg => "image/jpeg",
        ImageType::Png => "image/png",
        ImageType::Gif => "image/gif",
        ImageType::Webp => "image/webp",
        ImageType::Heif(imagesize::Compression::Av1) => "image/avif",
        ImageType::Heif(_) => "image/heif",
        ImageType::Jxl => "image/jxl",
        ImageType::Bmp => "image/bmp",
        ImageType::Tiff => "image/tiff",
        ImageType::Ico => "image/vnd.microsoft.icon",
        _ => return None,
    })
}

/// The media type that a name's ending tells.
pub(super) fn media_type_of_name(name: &str) -> Option<&'static str> {
    let name = name.split(['?', '#']).next().unwrap_or(name);
    let (_, ending) = name.rsplit('/').next()?.rsplit_once('.')?;
    Some(match ending.to_ascii_lowercase().as_str() {
        "jpg" | "jpeg" | "jpe" => "image/jpeg",
        "png" => "image/png",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "avif" => "image/avif",
        "svg" => "image/svg+xml",
        "jxl" => "image/jxl",
        "bmp" => "image/bmp",
        "ico" => "image/vnd.microsoft.icon",
        "tif" | "tiff" => "image/tiff",
        "mp3" => "audio/mpeg",
        "m4a" => "audio/mp4",
        "ogg" | "oga" => "audio/ogg",
        "opus" => "audio/opus",
        "wav" => "audio/wav",
        "flac" => "audio/flac",
        "mp4" | "m4v" => "video/mp4",
        "webm" => "video/webm",
        "ogv" => "video/ogg",
        "pdf" => "application/pdf",
        "epub" => "application/epub+zip",
        "zip" => "application/zip",
        _ => return None,
    })
}

/// Width and height of an SVG: its attributes, else its `viewBox`.
fn svg(text: &str) -> Option<Measured> {
    let start = text.match_indices("<svg").map(|(at, _)| at).find(|at| {
        let inside_comment = text[..*at].rfind("<!--").is_some_and(|open| !text[open..*at].contains("-->"));
        !inside_comment && text[at + 4..].starts_with(|c: char| c.is_whitespace() || c == '>' || c == '/')
    })?;
    let attributes = &text[start + 4..];
    let (mut width, mut height, mut view) = (None, None, None);
    let mut rest = attributes;
    loop {
        rest = rest.trim_start();
        let Some(equals) = rest.find(['=', '>']).filter(|at| rest.as_bytes()[*at] == b'=') else { break };
        let name = rest[..equals].trim();
        let value = rest[equals + 1..].trim_start();
        let Some(quote) = value.chars().next().filter(|c| matches!(c, '"' | '\'')) else { break };
        let Some(end) = value[1..].find(quote) else { break };
        let content = &value[1..=end];
        match name {
            "width" => width = length(content),
            "height" => height = length(content),
            "viewBox" => view = view_box(content),
            _ => {}
        }
        rest = &value[end + 2..];
    }
    // One of the two alone keeps the box's proportions.
    let (width, height) = match (width, height, view) {
        (Some(width), Some(height), _) => (Some(width), Some(height)),
        (Some(width), None, Some((w, h))) => (Some(width), Some(width * h / w)),
        (None, Some(height), Some((w, h))) => (Some(height * w / h), Some(height)),
        (None, None, Some((w, h))) => (Some(w), Some(h)),
        (width, height, None) => (width, height),
    };
    let pixels = |length: Option<f64>| length.map(f64::round).filter(|n| (1.0..=1e6).contains(n)).map(|n| n as u32);
    Some(Measured {
        bytes: None,
        media_type: Some("image/svg+xml".to_string()),
        width: pixels(width),
        height: pixels(height),
    })
}

/// A CSS length in pixels; a percentage tells nothing.
fn length(text: &str) -> Option<f64> {
    let text = text.trim();
    let split = text.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '-' | '+'))).unwrap_or(text.len());
    let number: f64 = text[..split].parse().ok()?;
    let unit = match text[split..].trim() {
        "" | "px" => 1.0,
        "pt" => 96.0 / 72.0,
        "pc" => 16.0,
        "in" => 96.0,
        "cm" => 96.0 / 2.54,
        "mm" => 96.0 / 25.4,
        "em" | "rem" => 16.0,
        _ => return None,
    };
    Some(number * unit).filter(|pixels| *pixels > 0.0)
}

fn view_box(text: &str) -> Option<(f64, f64)> {
    let numbers: Vec<f64> = text.split([' ', ',', '\t', '\n', '\r']).filter_map(|part| part.parse().ok()).collect();
    match numbers[..] {
        [_, _, width, height] if width > 0.0 && height > 0.0 => Some((width, height)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size(text: &str) -> Option<(Option<u32>, Option<u32>)> {
        svg(text).map(|measured| (measured.width, measured.height))
    }

    #[test]
    fn an_svg_is_measured_by_its_first_tag() {
        assert_eq!(
            size(r#"<?xml version="1.0"?><!-- <svg width="1"> --><svg width="640" height='480px'>"#),
            Some((Some(640), Some(480)))
        );
        assert_eq!(size(r#"<svg viewBox="0 0 300 150" width="100%">"#), Some((Some(300), Some(150))));
        assert_eq!(size(r#"<svg viewBox="0,0,300,150" width="600">"#), Some((Some(600), Some(300))));
        assert_eq!(size(r#"<svg width="25.4mm" height="1in"/>"#), Some((Some(96), Some(96))));
        assert_eq!(size("<svg>"), Some((None, None)));
        assert_eq!(size("<svg width="), Some((None, None)));
        assert_eq!(size("<html>"), None);
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "<svg[ a-z=\"'0-9.é%>-]{0,60}") {
            let _ = svg(&text);
        }

        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200)) {
            let _ = header(&bytes, &mut std::io::Cursor::new(&bytes));
        }
    }
}
