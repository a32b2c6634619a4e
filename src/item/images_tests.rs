use crate::item::Item;
use crate::item::load::tests::Site;
use crate::problem::Problems;

/// The smallest PNG header that tells a size: 300 × 200.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x01\x2c\0\0\0\xc8\x08\x06\0\0\0";

fn item(front_matter: &str, files: &[&str]) -> (Item, Problems) {
    let site = Site::new("  permalink: /news/{stem}/\n", &[]);
    for file in files {
        site.write(file, if file.ends_with(".svg") { b"<svg viewBox='0 0 30 20'/>" } else { PNG });
    }
    site.write("posts/sub folder/a.md", format!("---\ntitle: A\ndate: 2024-07-25\n{front_matter}\n---\n"));
    let mut loaded = site.load();
    assert_eq!(loaded.items.len(), 1, "{:?}", loaded.problems);
    (loaded.items.remove(0), loaded.problems)
}

fn found(front_matter: &str, files: &[&str]) -> (String, String, Option<String>, Option<u32>) {
    let (item, problems) = item(front_matter, files);
    assert!(problems.is_empty(), "{problems:?}");
    let image = item.image.expect("a picture");
    (image.url, image.alt, image.file, image.width)
}

#[test]
fn a_picture_beside_the_item_comes_before_one_in_the_static_folder() {
    let beside = "posts/sub folder/pic 1.png";
    let stat = "static/pic 1.png";
    let (url, _, file, width) = found("image: pic 1.png", &[beside, stat]);
    assert_eq!(
        (url.as_str(), file.as_deref(), width),
        ("https://example.org/news/a/pic%201.png", Some(beside), Some(300))
    );
    let (url, _, file, _) = found("image: ./pic%201.png", &[beside, stat]);
    assert_eq!((url.as_str(), file.as_deref()), ("https://example.org/news/a/pic%201.png", Some(beside)));
    let (url, _, file, _) = found("image: pic 1.png", &[stat]);
    assert_eq!((url.as_str(), file.as_deref()), ("https://example.org/pic%201.png", Some(stat)));
    let (url, _, file, _) = found("image: /pic 1.png", &[beside, stat]);
    assert_eq!((url.as_str(), file.as_deref()), ("https://example.org/pic%201.png", Some(stat)));
    let (url, _, file, _) = found("image: ../up.png", &["posts/up.png"]);
    assert_eq!((url.as_str(), file.as_deref()), ("https://example.org/news/up.png", Some("posts/up.png")));
}

#[test]
fn every_spelling_of_a_picture_is_read() {
    let stat = "static/p.svg";
    for front_matter in [
        "image: { path: /p.svg, alt: 'A &amp; b' }",
        "image: { src: /p.svg, alt: 'A &amp; b' }",
        "image:\n  url: /p.svg\n  alt: 'A &amp; b'",
        "images: [/p.svg, /q.svg]\nimage_alt: A & b",
        "cover: { image: /p.svg, alt: A & b }",
        "image: https://example.org/p.svg\nimageAlt: A & b",
    ] {
        let (url, alt, file, width) = found(front_matter, &[stat]);
        assert_eq!(
            (url.as_str(), alt.as_str(), file.as_deref(), width),
            ("https://example.org/p.svg", "A & b", Some(stat), Some(30)),
            "{front_matter}"
        );
    }
    let (item, _) = item("image: https://elsewhere.example.org/x.webp", &[]);
    let image = item.image.unwrap();
    assert_eq!(
        (image.url.as_str(), image.media_type.as_deref(), image.file),
        ("https://elsewhere.example.org/x.webp", Some("image/webp"), None)
    );
}

#[test]
fn a_missing_picture_is_a_warning_with_its_line_and_the_item_stays() {
    let (item, problems) = item("image: ./gone.png", &["static/other.png"]);
    assert_eq!(item.image.unwrap().url, "https://example.org/news/a/gone.png");
    assert_eq!(
        problems.0[0].to_string(),
        "posts/sub folder/a.md:4:8: the picture `./gone.png` is not beside the item, nor in static"
    );
    let (_, problems) = super::tests::item("image: /gone.png", &["static/other.png"]);
    assert_eq!(problems.0[0].to_string(), "posts/sub folder/a.md:4:8: the picture `/gone.png` is not in static");
    // Without a static folder nobody can say.
    assert!(super::tests::item("image: /gone.png", &[]).1.is_empty());
}

#[test]
fn no_picture_is_read_from_outside_the_project() {
    let (item, _) = item("image: ../../../../../../../../etc/hostname", &[]);
    assert_eq!(item.image.unwrap().file, None);
}

#[test]
fn an_enclosure_has_its_true_length_or_is_left_out_with_a_warning() {
    let (item_found, problems) = item("enclosure: /sound.mp3", &["static/sound.mp3"]);
    let enclosure = item_found.enclosure.expect("an enclosure");
    assert!(problems.is_empty());
    assert_eq!(
        (enclosure.url.as_str(), enclosure.media_type.as_str(), enclosure.bytes),
        ("https://example.org/sound.mp3", "audio/mpeg", PNG.len() as u64)
    );
    let (item_found, _) =
        item("enclosure: { url: 'https://elsewhere.example.org/s', type: audio/ogg, length: 12 }", &[]);
    assert_eq!(item_found.enclosure.map(|enclosure| enclosure.bytes), Some(12));
    let (item_found, problems) = item("enclosure: https://elsewhere.example.org/s.mp3", &[]);
    assert_eq!(item_found.enclosure, None);
    assert_eq!(problems.0[0].message, "the length of the `enclosure` cannot be told: it is left out");
}
