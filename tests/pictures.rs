//! A letter's pictures: each rule on a picture made for it, and all of two real sites' own.

use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::time::Instant;

use crieur::config::Config;
use crieur::pictures::{Fit, Mark, Picture, Pictures, Source, Wanted, prepare};
use image::{DynamicImage, ImageFormat, Rgb, RgbImage, Rgba, RgbaImage};

use crate::support::corpora;
use crate::support::project::Project;

const FIT: Fit = Fit { width: 480, height: 240, most_bytes: 60_000, together: 300_000 };

fn config(project: &Project) -> Config {
    Config::read(project.path()).expect("a configuration").0
}

fn wanted(file: &str) -> Wanted {
    Wanted {
        item: format!("id of {file}"),
        path: format!("posts/{file}.md"),
        source: Source::File(file.to_string()),
        mark: None,
        accent: (0, 0, 145),
    }
}

fn made(project: &Project, files: &[&str]) -> Pictures {
    let wanted: Vec<Wanted> = files.iter().map(|file| wanted(file)).collect();
    prepare(&config(project), &wanted, FIT)
}

/// The one picture of one file, which makes no problem.
fn one(file: &str, bytes: &[u8]) -> Picture {
    let project = Project::new().file(file, bytes);
    let pictures = made(&project, &[file]);
    assert_eq!(pictures.problems.0, [], "{file}");
    pictures.get(&format!("id of {file}")).expect("a picture").clone()
}

/// The one problem of one file, which gives no picture: its code, and its words.
fn refused(file: &str, bytes: &[u8]) -> (&'static str, String) {
    let project = Project::new().file(file, bytes);
    let pictures = made(&project, &[file]);
    assert_eq!(pictures.all().count(), 0);
    let [problem] = &pictures.problems.0[..] else { panic!("{:?}", pictures.problems) };
    assert_eq!(problem.place.as_ref().map(|place| place.file.as_str()), Some(format!("posts/{file}.md").as_str()));
    assert!(problem.help.is_some());
    (problem.code, problem.message.clone())
}

fn encoded(picture: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Vec::new();
    picture.into().write_to(&mut Cursor::new(&mut bytes), format).expect("an encoder");
    bytes
}

fn pixels(picture: &Picture) -> RgbaImage {
    let decoded = image::load_from_memory(&picture.content).expect("a picture that decodes").into_rgba8();
    assert_eq!(decoded.dimensions(), (picture.width, picture.height));
    decoded
}

fn close(pixel: &Rgba<u8>, to: [u8; 3]) -> bool {
    pixel.0[..3].iter().zip(to).all(|(value, wanted)| value.abs_diff(wanted) < 24)
}

/// Coloured noise: the heaviest that there is.
fn noise(width: u32, height: u32, seed: u32) -> RgbImage {
    let mut state = seed;
    RgbImage::from_fn(width, height, |_, _| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let [a, b, c, _] = state.to_be_bytes();
        Rgb([a, b, c])
    })
}

/// A soft picture, as a photograph: no flat drawing.
fn soft(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        let wave = |a: f32, b: f32| ((a.sin() + b.cos()) * 60.0 + 128.0) as u8;
        let (x, y) = (x as f32 / 40.0, y as f32 / 30.0);
        Rgb([wave(x, y), wave(y, x * 1.3), wave(x + y, y)])
    })
}

#[test]
fn every_format_comes_out_as_jpeg_or_png_in_the_box_and_named_by_content() {
    for (file, format) in [
        ("a.jpg", ImageFormat::Jpeg),
        ("a.png", ImageFormat::Png),
        ("a.webp", ImageFormat::WebP),
        ("a.gif", ImageFormat::Gif),
    ] {
        let picture = one(file, &encoded(soft(1600, 900), format));
        assert_eq!((picture.width, picture.height), (427, 240), "{file}");
        assert!(picture.bytes <= 60_000 && picture.bytes == picture.content.len() as u64);
        assert!(matches!(picture.media_type, "image/jpeg" | "image/png"));
        let hash = &blake3::hash(&picture.content).to_hex()[..24];
        let ending = if picture.media_type == "image/jpeg" { "jpg" } else { "png" };
        assert_eq!(picture.name, format!("{hash}.{ending}"));
        assert_eq!(picture.url, format!("https://www.example.org/letters/pictures/{}", picture.name));
        assert_eq!(picture.content_id, format!("{}@www.example.org", picture.name));
        pixels(&picture);
    }
}

#[test]
fn the_content_tells_the_format_whatever_the_name() {
    assert_eq!(one("a.jpg", &encoded(soft(100, 50), ImageFormat::WebP)).width, 100);
}

#[test]
fn a_small_picture_is_not_scaled_up_and_a_tall_one_not_cut() {
    let small = one("a.png", &encoded(soft(64, 40), ImageFormat::Png));
    assert_eq!((small.width, small.height), (64, 40));
    let tall = one("a.png", &encoded(soft(300, 1200), ImageFormat::Png));
    assert_eq!((tall.width, tall.height), (60, 240));
}

#[test]
fn no_picture_is_wider_than_twice_a_letter() {
    let project = Project::new().file("a.png", encoded(soft(3000, 500), ImageFormat::Png));
    let pictures = prepare(&config(&project), &[wanted("a.png")], Fit { width: 5000, height: 5000, ..FIT });
    assert_eq!(pictures.all().map(|picture| picture.width).collect::<Vec<_>>(), [1200]);
}

#[test]
fn a_photograph_that_was_taken_sideways_stands_upright_and_loses_its_metadata() {
    let mut photograph = RgbImage::from_pixel(200, 100, Rgb([255, 255, 255]));
    for (x, _, pixel) in photograph.enumerate_pixels_mut() {
        if x < 100 {
            *pixel = Rgb([200, 0, 0]);
        }
    }
    let plain = encoded(photograph, ImageFormat::Jpeg);
    // Orientation 6: turned by a quarter clockwise when shown; and a comment that nobody should get.
    let mut exif = b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0".to_vec();
    exif.extend_from_slice(b"taken at home");
    let mut sideways = plain[..2].to_vec();
    sideways.extend_from_slice(&[0xff, 0xe1]);
    sideways.extend_from_slice(&(exif.len() as u16 + 2).to_be_bytes());
    sideways.extend_from_slice(&exif);
    sideways.extend_from_slice(&plain[2..]);
    let picture = one("a.jpg", &sideways);
    assert_eq!((picture.width, picture.height), (100, 200));
    let upright = pixels(&picture);
    assert!(close(upright.get_pixel(50, 20), [200, 0, 0]), "{:?}", upright.get_pixel(50, 20));
    assert!(close(upright.get_pixel(50, 180), [255, 255, 255]));
    assert!(!picture.content.windows(5).any(|window| window == b"taken" || window == b"Exif\0"));
}

#[test]
fn transparency_stays_where_it_can_be_read_on_any_ground_and_is_laid_on_white_elsewhere() {
    let drawing = |colour: [u8; 3]| {
        let [red, green, blue] = colour;
        let drawing = RgbaImage::from_fn(120, 120, |x, y| {
            let far = (i64::from(x) - 60).pow(2) + (i64::from(y) - 60).pow(2);
            Rgba([red, green, blue, if (1200..2500).contains(&far) { 255 } else { 0 }])
        });
        pixels(&one("a.png", &encoded(drawing, ImageFormat::Png))).get_pixel(0, 0).0
    };
    assert_eq!(drawing([10, 10, 10]), [255, 255, 255, 255]);
    assert_eq!(drawing([255, 255, 255]), [0x2b, 0x2b, 0x33, 255]);
    assert_eq!(drawing([200, 80, 60])[3], 0);
}

#[test]
fn a_flat_drawing_is_png_and_keeps_its_edges() {
    let flat =
        RgbImage::from_fn(
            400,
            200,
            |x, y| {
                if (x / 25 + y / 25) % 2 == 0 { Rgb([0, 0, 145]) } else { Rgb([255, 255, 255]) }
            },
        );
    let picture = one("a.webp", &encoded(flat.clone(), ImageFormat::WebP));
    assert_eq!(picture.media_type, "image/png");
    assert_eq!(DynamicImage::from(pixels(&picture)).into_rgb8(), flat);
    assert!(picture.bytes < 1_000, "{}", picture.bytes);
}

#[test]
fn the_heaviest_picture_stays_under_its_limit() {
    let picture = one("a.png", &encoded(noise(1200, 800, 1), ImageFormat::Png));
    assert!(picture.bytes <= 60_000, "{}", picture.bytes);
}

#[test]
fn what_cannot_be_converted_is_named_with_what_to_do() {
    let avif = b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miafMA1B";
    assert_eq!(
        refused("a.avif", avif),
        (
            "picture-format",
            "the letter leaves out a.avif: AVIF cannot be converted for mail programs here".to_string()
        )
    );
    assert_eq!(refused("a.txt", b"not a picture").0, "picture-format");
    assert_eq!(refused("a.png", b"").0, "broken-picture");
    let torn = encoded(soft(300, 200), ImageFormat::Png);
    assert_eq!(refused("a.png", &torn[..torn.len() / 3]).0, "broken-picture");
    assert_eq!(refused("a.svg", b"<svg xmlns='http://www.w3.org/2000/svg'><g>").0, "broken-picture");
    let linked = b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'><image href='https://www.example.org/a.png'/></svg>";
    assert!(refused("a.svg", linked).1.ends_with("(it shows nothing)"));
    let pictures = made(&Project::new(), &["gone.png"]);
    assert_eq!(pictures.problems.0[0].code, "broken-picture");
}

#[test]
fn a_header_that_lies_costs_nothing() {
    let lies = |file: &str, bytes: Vec<u8>| {
        let started = Instant::now();
        let refused = refused(file, &bytes);
        assert!(started.elapsed().as_secs() < 5, "{file}");
        refused.0
    };
    let mut png = encoded(soft(20, 20), ImageFormat::Png);
    png[16..24].copy_from_slice(&[0, 0, 0xea, 0x60, 0, 0, 0xea, 0x60]);
    // With its checksum put right: the decoder itself has nothing against it.
    let checksum = crc32(&png[12..29]);
    png[29..33].copy_from_slice(&checksum.to_be_bytes());
    assert_eq!(lies("a.png", png), "huge-picture");
    let mut jpeg = encoded(soft(20, 20), ImageFormat::Jpeg);
    let frame = jpeg.windows(2).position(|two| two == [0xff, 0xc0]).expect("a frame") + 5;
    jpeg[frame..frame + 4].copy_from_slice(&[0xff, 0xdc, 0xff, 0xdc]);
    assert!(matches!(lies("a.jpg", jpeg), "huge-picture" | "broken-picture"));
    let mut gif = encoded(soft(20, 20), ImageFormat::Gif);
    gif[6..10].copy_from_slice(&[0xff, 0xff, 0xff, 0xff]);
    assert_eq!(lies("a.gif", gif), "huge-picture");
}

fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
        }
    }
    !crc
}

#[test]
fn a_video_and_a_sound_have_a_mark_and_what_has_no_picture_a_still() {
    let project = Project::new().file("a.png", encoded(soft(1600, 900), ImageFormat::Png));
    let with = |item: &str, source: Source, mark: Option<Mark>| Wanted {
        item: item.to_string(),
        source,
        mark,
        ..wanted("a.png")
    };
    let file = || Source::File("a.png".to_string());
    let wanted = [
        with("plain", file(), None),
        with("video", file(), Some(Mark::Play)),
        with("sound", file(), Some(Mark::Sound)),
        with("again", file(), Some(Mark::Play)),
        with("drawn", Source::Drawn, Some(Mark::Play)),
    ];
    let pictures = prepare(&config(&project), &wanted, FIT);
    assert_eq!(pictures.problems.0, []);
    assert_eq!(pictures.all().count(), 4);
    assert_eq!(pictures.get("video"), pictures.get("again"));
    let middle = |item: &str| {
        let picture = pixels(pictures.get(item).expect(item));
        *picture.get_pixel(picture.width() / 2, picture.height() / 2)
    };
    for item in ["video", "sound", "drawn"] {
        assert!(close(&middle(item), [255, 255, 255]), "{item}: {:?}", middle(item));
    }
    assert!(!close(&middle("plain"), [255, 255, 255]));
    let drawn = pictures.get("drawn").expect("a still");
    assert_eq!((drawn.width, drawn.height), (480, 240));
    assert!(drawn.bytes < 20_000, "{}", drawn.bytes);
}

#[test]
fn together_they_are_made_lighter_before_any_is_left_out() {
    let mut project = Project::new();
    let files: Vec<String> = (0..12).map(|n| format!("{n}.png")).collect();
    for (n, file) in files.iter().enumerate() {
        project = project.file(file, encoded(noise(480, 240, n as u32 + 1), ImageFormat::Png));
    }
    let wanted: Vec<Wanted> = files.iter().map(|file| wanted(file)).collect();
    let all = prepare(&config(&project), &wanted, FIT);
    assert_eq!((all.all().count(), all.problems.0.len()), (12, 0));
    assert!(all.all().map(|picture| picture.bytes).sum::<u64>() <= 300_000);
    let few = prepare(&config(&project), &wanted, Fit { together: 50_000, ..FIT });
    let total = few.all().map(|picture| picture.bytes).sum::<u64>();
    assert!(total <= 50_000 && few.all().count() >= 4, "{total}, {}", few.all().count());
    assert_eq!(few.problems.0.len(), 12 - few.all().count());
    assert!(few.problems.iter().all(|problem| problem.code == "heavy-picture"));
}

#[test]
fn the_same_input_gives_the_same_bytes_with_the_cache_and_without() {
    let project = Project::new()
        .file("a.png", encoded(soft(1600, 900), ImageFormat::Png))
        .file("b.jpg", encoded(noise(900, 900, 3), ImageFormat::Jpeg));
    let all = |pictures: Pictures| pictures.all().cloned().collect::<Vec<_>>();
    let first = all(made(&project, &["a.png", "b.jpg"]));
    let entries = fs::read_dir(project.join("var/pictures")).expect("a cache").count();
    assert_eq!((first.len(), entries), (2, 2));
    assert_eq!(all(made(&project, &["a.png", "b.jpg"])), first);
    fs::remove_dir_all(project.join("var/pictures")).expect("a cache");
    assert_eq!(all(made(&project, &["b.jpg", "a.png"])), first);
    // Another picture in the same place is another input.
    project.write("a.png", encoded(noise(300, 200, 9), ImageFormat::Png));
    assert_ne!(all(made(&project, &["a.png", "b.jpg"])), first);
}

/// Every picture of a corpus, as paths from the corpora's folder.
fn corpus(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase()).unwrap_or_default();
        if path.is_dir() {
            corpus(&path, into);
        } else if ["png", "jpg", "jpeg", "webp", "svg", "gif", "avif"].contains(&ending.as_str()) {
            into.push(path);
        }
    }
}

/// Which of the corpora's pictures this is.
fn number(wanted: &Wanted) -> usize {
    let Source::File(path) = &wanted.source else { panic!("a file") };
    path.trim_start_matches("static/").parse().expect("a number")
}

#[test]
fn each_picture_of_two_real_sites_is_light_in_a_letter() {
    let Some(corpora) = corpora() else {
        println!("skipped: each_picture_of_two_real_sites_is_light_in_a_letter needs the corpora");
        return;
    };
    let mut files = Vec::new();
    for corpus_name in ["minumeco", "minumeco-2026"] {
        corpus(&corpora.join(corpus_name), &mut files);
    }
    files.sort();
    assert!(files.len() > 50, "{}", files.len());
    let project = Project::new();
    let mut wanted_all = Vec::new();
    for (n, file) in files.iter().enumerate() {
        let name = format!("static/{n}");
        project.write(&name, fs::read(file).expect("a readable picture"));
        wanted_all.push(wanted(&name));
    }
    // All as a card shows them, and some as wide as a letter can: without optimisation, encoding takes its time.
    let some: Vec<Wanted> = wanted_all.iter().step_by(7).cloned().collect();
    let widest = Fit { width: 1200, height: 630, ..FIT };
    for (fit, wanted_all, what) in [(FIT, &wanted_all, "a card's"), (widest, &some, "the widest")] {
        let fit = Fit { together: u64::MAX, ..fit };
        let files: Vec<&PathBuf> = wanted_all.iter().map(|one| &files[number(one)]).collect();
        let started = Instant::now();
        let pictures = prepare(&config(&project), wanted_all, fit);
        let cold = started.elapsed();
        let started = Instant::now();
        prepare(&config(&project), wanted_all, fit);
        println!("{what} size: {} pictures, cold {cold:?}, warm {:?}", files.len(), started.elapsed());
        let mut failed = Vec::new();
        for (file, one) in files.iter().zip(wanted_all) {
            match pictures.get(&one.item) {
                Some(picture) if picture.bytes <= fit.most_bytes => {
                    println!("{:7} {}x{} {}", picture.bytes, picture.width, picture.height, file.display());
                    if let Some(folder) = std::env::var_os("CRIEUR_PICTURES") {
                        let stem = file.file_stem().unwrap_or_default().to_string_lossy().replace(' ', "-");
                        let target = Path::new(&folder).join(format!("{}-{stem}-{}", fit.width, picture.name));
                        fs::write(target, &picture.content).expect("a place to look at it");
                    }
                }
                _ => failed.push(file.display().to_string()),
            }
        }
        assert_eq!(failed, Vec::<String>::new());
        assert_eq!(pictures.problems.0, []);
    }
}
