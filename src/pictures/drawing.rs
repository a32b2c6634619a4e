//! SVG: drawn by resvg, larger than it is shown and then scaled down, so that a raster picture inside it stays sharp.
//!
//! Nothing outside the file is read: neither addresses nor other files. What a hostile drawing could do is bounded: its
//! elements, how deep they lie in each other, the pixels of the pictures in it, and the time that it may take.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

use image::RgbaImage;
use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::roxmltree::{Document, ParsingOptions};
use resvg::usvg::{ImageHrefResolver, Options, Tree, fontdb};

use super::Fit;
use super::decode::{Decoded, MOST_PIXELS, Studio, Unusable, claims_few_pixels};

/// How deep elements may lie in each other.
const DEEPEST: usize = 256;
const MOST_ELEMENTS: u32 = 300_000;
/// The longest that a drawing may take. The heaviest of a real site, 3 MB with photographs in it, takes under a second.
const LONGEST: Duration = Duration::from_secs(60);
/// Drawing and forgetting a deep tree call themselves.
const STACK: usize = 64 << 20;
/// How much larger than shown it is drawn, at most, and how many pixels that may be.
const LARGER: f32 = 4.0;
const CANVAS: f32 = 4_000_000.0;

/// Markup, and an `svg` element in its first part.
pub fn looks_like_one(bytes: &[u8]) -> bool {
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(64 * 1024)]);
    let markup = head.trim_start_matches('\u{feff}').trim_start().starts_with('<');
    markup && (head.contains("<svg") || head.contains(":svg"))
}

/// Draws it in a thread of its own, with a stack that any allowed depth fits into, and waits a limited time.
pub fn draw(bytes: Vec<u8>, fit: Fit, studio: &Studio) -> Result<Decoded, Unusable> {
    let text = String::from_utf8(bytes).map_err(|_| Unusable::Broken("it is not in UTF-8".to_string()))?;
    let has_words = may_hold_words(&text);
    let fonts = if has_words { studio.fonts.get_or_init(system_fonts).clone() } else { Arc::default() };
    within(LONGEST, move || render(text.trim_start_matches('\u{feff}'), fit, fonts))
}

/// What `work` gives, if it gives it in time.
fn within(
    time: Duration,
    work: impl FnOnce() -> Result<Decoded, Unusable> + Send + 'static,
) -> Result<Decoded, Unusable> {
    let (answer, wait) = sync_channel(1);
    let thread = thread::Builder::new().name("drawing".to_string()).stack_size(STACK);
    let started = thread.spawn(move || {
        // Nobody waits any more: the answer goes nowhere.
        let _ = answer.send(work());
    });
    started.map_err(|error| Unusable::Broken(error.to_string()))?;
    match wait.recv_timeout(time) {
        Ok(drawn) => drawn,
        Err(RecvTimeoutError::Timeout) => Err(Unusable::TooIntricate),
        Err(RecvTimeoutError::Disconnected) => Err(Unusable::Broken("drawing it failed".to_string())),
    }
}

fn may_hold_words(text: &str) -> bool {
    text.contains("<text") || text.contains(":text")
}

fn render(text: &str, fit: Fit, fonts: Arc<fontdb::Database>) -> Result<Decoded, Unusable> {
    let reading = ParsingOptions { allow_dtd: true, nodes_limit: MOST_ELEMENTS, ..ParsingOptions::default() };
    let document = match Document::parse_with_options(text, reading) {
        Ok(document) => document,
        Err(resvg::usvg::roxmltree::Error::NodesLimitReached) => return Err(Unusable::TooIntricate),
        Err(error) => return Err(Unusable::Broken(error.to_string())),
    };
    if deeper_than(&document, DEEPEST) {
        return Err(Unusable::TooIntricate);
    }
    let words = |node: resvg::usvg::roxmltree::Node<'_, '_>| {
        node.tag_name().name() == "text" && node.descendants().any(|n| n.text().is_some_and(|t| !t.trim().is_empty()))
    };
    let wordless = fonts.is_empty() && document.descendants().any(words);
    let options = Options { fontdb: fonts, image_href_resolver: nothing_from_outside(), ..Options::default() };
    let tree = Tree::from_xmltree(&document, &options).map_err(|error| Unusable::Broken(error.to_string()))?;
    let (width, height) = (tree.size().width(), tree.size().height());
    let shown = (fit.width as f32 / width).min(fit.height as f32 / height);
    let larger = LARGER.min((CANVAS / (width * shown * height * shown)).sqrt()).max(1.0);
    let (across, down) = canvas(width, height, shown * larger)?;
    let mut canvas = Pixmap::new(across, down).ok_or(Unusable::TooIntricate)?;
    let scale = Transform::from_scale(across as f32 / width, down as f32 / height);
    resvg::render(&tree, scale, &mut canvas.as_mut());
    let pixels = RgbaImage::from_raw(across, down, canvas.take_demultiplied());
    let pixels = pixels.ok_or_else(|| Unusable::Broken("it has no pixels".to_string()))?;
    Ok(Decoded { pixels, wordless })
}

fn canvas(width: f32, height: f32, scale: f32) -> Result<(u32, u32), Unusable> {
    let side = |length: f32| (length * scale).round().max(1.0);
    let (across, down) = (side(width), side(height));
    let pixels = across * down;
    if pixels.is_nan() || pixels > MOST_PIXELS as f32 {
        return Err(Unusable::TooManyPixels { width: across as u64, height: down as u64 });
    }
    Ok((across as u32, down as u32))
}

/// Whether some element lies deeper. The document is walked without recursion.
fn deeper_than(document: &Document<'_>, limit: usize) -> bool {
    let mut open = vec![(document.root(), 0)];
    while let Some((node, depth)) = open.pop() {
        if depth > limit {
            return true;
        }
        open.extend(node.children().filter(|child| child.is_element()).map(|child| (child, depth + 1)));
    }
    false
}

/// Pictures that stand in the drawing itself, as many pixels as one picture may have; no other file, no address, and no
/// drawing inside a drawing, whose depth nobody counted.
fn nothing_from_outside() -> ImageHrefResolver<'static> {
    let usual = ImageHrefResolver::default_data_resolver();
    let pixels = AtomicU64::new(0);
    ImageHrefResolver {
        resolve_data: Box::new(move |media_type, data, options| {
            let now = claims_few_pixels(&data, pixels.load(Ordering::Relaxed))?;
            pixels.store(now, Ordering::Relaxed);
            usual(media_type, data, options)
        }),
        resolve_string: Box::new(|_, _| None),
    }
}

/// The system's fonts, each generic family standing for one that is there: what asks for a missing font is written in
/// another one, not left out.
fn system_fonts() -> Arc<fontdb::Database> {
    let mut fonts = fontdb::Database::new();
    fonts.load_system_fonts();
    let families: Vec<String> = fonts.faces().filter_map(|face| Some(face.families.first()?.0.clone())).collect();
    let pick = |wanted: &[&str]| {
        let known = wanted.iter().find(|name| families.iter().any(|family| family == *name));
        known.map(|name| name.to_string()).or_else(|| families.first().cloned())
    };
    let sans = ["Marianne", "Arial", "Liberation Sans", "Noto Sans", "DejaVu Sans"];
    // What names no family it knows falls back on serif in resvg; most drawings mean a sans.
    if let Some(name) = pick(&sans) {
        fonts.set_sans_serif_family(name.clone());
        fonts.set_serif_family(name.clone());
        fonts.set_cursive_family(name.clone());
        fonts.set_fantasy_family(name);
    }
    if let Some(name) = pick(&["Courier New", "Liberation Mono", "Noto Sans Mono", "DejaVu Sans Mono"]) {
        fonts.set_monospace_family(name);
    }
    Arc::new(fonts)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIT: Fit = Fit { width: 480, height: 240, most_bytes: 60_000, together: 300_000 };

    fn drawn(text: &str) -> Result<Decoded, Unusable> {
        draw(text.as_bytes().to_vec(), FIT, &Studio::default())
    }

    fn svg(inside: &str) -> String {
        format!(
            "<svg xmlns='http://www.w3.org/2000/svg' xmlns:xlink='http://www.w3.org/1999/xlink' width='200' height='100'>{inside}</svg>"
        )
    }

    #[test]
    fn it_is_drawn_larger_than_the_box_and_in_its_form() {
        let drawn = drawn(&svg("<rect width='200' height='100' fill='#c00'/>")).unwrap();
        assert_eq!(drawn.pixels.dimensions(), (1920, 960));
        assert_eq!(drawn.pixels.get_pixel(1000, 500).0, [204, 0, 0, 255]);
        assert!(!drawn.wordless);
    }

    #[test]
    fn words_are_written_with_a_font_and_missed_without_one() {
        let words = svg("<text x='10' y='60' font-size='50' font-family='Nowhere'>Mot</text>");
        let without = render(&words, FIT, Arc::default()).unwrap();
        assert!(without.wordless && without.pixels.pixels().all(|pixel| pixel.0[3] == 0));
        let studio = Studio::default();
        let with = draw(words.into_bytes(), FIT, &studio).unwrap();
        let has_fonts = !studio.fonts.get().unwrap().is_empty();
        assert_eq!(with.wordless, !has_fonts);
        assert_eq!(with.pixels.pixels().any(|pixel| pixel.0[3] == 255), has_fonts);
    }

    #[test]
    fn nothing_outside_the_file_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.png");
        RgbaImage::from_pixel(4, 4, image::Rgba([255, 0, 0, 255])).save(&path).unwrap();
        let link = format!("<image width='200' height='100' xlink:href='{}'/>", path.display());
        assert!(drawn(&svg(&link)).unwrap().pixels.pixels().all(|pixel| pixel.0[3] == 0));
        let entity = format!(
            "<!DOCTYPE svg [<!ENTITY x SYSTEM '{}'>]><svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'><text>&x;</text></svg>",
            path.display()
        );
        // Refused or drawn without it, but never read.
        if let Ok(drawn) = drawn(&entity) {
            assert!(drawn.pixels.pixels().all(|pixel| pixel.0[3] == 0));
        }
    }

    #[test]
    fn bombs_are_refused_quickly() {
        let deep = svg(&format!("{}{}", "<g>".repeat(100_000), "</g>".repeat(100_000)));
        assert_eq!(drawn(&deep).err(), Some(Unusable::TooIntricate));
        let many = svg(&"<g/>".repeat(400_000));
        assert_eq!(drawn(&many).err(), Some(Unusable::TooIntricate));
        let mut laughs = String::from("<!DOCTYPE svg [<!ENTITY a0 'ha'>");
        for level in 1..12 {
            laughs.push_str(&format!("<!ENTITY a{level} '{}'>", format!("&a{};", level - 1).repeat(10)));
        }
        assert!(matches!(drawn(&format!("{laughs}]>{}", svg("<text>&a11;</text>"))), Err(Unusable::Broken(_))));
        let mut uses = String::from("<g id='u0'><rect width='1' height='1'/></g>");
        for level in 1..9 {
            let inner = format!("<use xlink:href='#u{}'/>", level - 1).repeat(10);
            uses.push_str(&format!("<g id='u{level}'>{inner}</g>"));
        }
        assert!(drawn(&svg(&format!("<defs>{uses}</defs><use xlink:href='#u8'/>"))).is_err());
    }

    #[test]
    fn a_picture_inside_that_claims_too_much_is_not_decoded() {
        let mut png = Vec::new();
        RgbaImage::from_pixel(4, 4, image::Rgba([255, 0, 0, 255]))
            .write_to(&mut std::io::Cursor::new(&mut png), image::ImageFormat::Png)
            .unwrap();
        let inside = |png: &[u8]| {
            let data = data_encoding::BASE64.encode(png);
            drawn(&svg(&format!("<image width='200' height='100' xlink:href='data:image/png;base64,{data}'/>")))
                .unwrap()
        };
        assert_eq!(inside(&png).pixels.get_pixel(900, 500).0, [255, 0, 0, 255]);
        png[16..24].copy_from_slice(&[0, 1, 0, 0, 0, 1, 0, 0]);
        assert_eq!(inside(&png).pixels.get_pixel(900, 500).0[3], 0);
    }

    #[test]
    fn what_takes_too_long_is_given_up() {
        let slow = || {
            thread::sleep(Duration::from_secs(5));
            Err(Unusable::TooHeavy)
        };
        assert_eq!(within(Duration::from_millis(10), slow).err(), Some(Unusable::TooIntricate));
        let fails = within(Duration::from_secs(5), || std::panic::resume_unwind(Box::new("x")));
        assert_eq!(fails.err(), Some(Unusable::Broken("drawing it failed".to_string())));
    }

    #[test]
    fn a_drawing_of_no_size_or_a_torn_one_is_broken() {
        for text in ["<svg xmlns='http://www.w3.org/2000/svg' width='0' height='9'/>", "<svg"] {
            assert!(matches!(drawn(text), Err(Unusable::Broken(_))), "{text}");
        }
    }
}
