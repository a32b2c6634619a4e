//! Which pictures a letter shows, and from where.

use image::{ImageFormat, RgbImage};
use serde_json::Value;

use crate::support::project::Project;

fn jpeg(width: u32, height: u32) -> Vec<u8> {
    let noise = |x: u32, y: u32| image::Rgb([(x * 7 + y * 3) as u8, (x * y) as u8, (y * 11) as u8]);
    let mut bytes = std::io::Cursor::new(Vec::new());
    RgbImage::from_fn(width, height, noise).write_to(&mut bytes, ImageFormat::Jpeg).expect("a picture");
    bytes.into_inner()
}

fn project(more: &str) -> Project {
    let mut project = Project::new()
        .file(
            "config/newsletters/news.yaml",
            format!(
                "title: La lettre\nfrom: La rédaction <lettre@example.org>\nto: liste@example.org\n\
                 schedule: each-run\nbacklog: announce\n{more}"
            ),
        )
        .file("posts/photo.jpg", jpeg(1600, 900))
        .file("posts/a.md", "---\ntitle: Avec\ndate: 2026-02-04\nimage: { path: photo.jpg, alt: Une photo }\n---\nA.\n")
        .file(
            "posts/b.md",
            "---\ntitle: Vue\ndate: 2026-02-03\n---\n<iframe src=\"https://www.dailymotion.com/embed/video/xabc1\" title=\"V\"></iframe>\n",
        )
        .file("posts/c.md", "---\ntitle: Sans\ndate: 2026-02-02\n---\nC.\n")
        .file(
            "posts/d.md",
            "---\ntitle: Ailleurs\ndate: 2026-02-01\nimage: https://images.example.net/d.jpg\n---\nD.\n",
        );
    project.at("2026-03-01T08:00:00Z");
    project
}

fn images(report: &Value) -> Vec<(String, u64)> {
    let images = report["editions"][0]["images"].as_array().expect("a list");
    images
        .iter()
        .map(|one| (one["url"].as_str().unwrap_or("").to_string(), one["bytes"].as_u64().unwrap_or(0)))
        .collect()
}

#[test]
fn a_letter_shows_light_copies_from_the_site_and_a_video_without_a_picture_has_a_still() {
    let project = project("");
    let report = project.json(&["digest"], 0);
    let shown = images(&report);
    assert_eq!(shown.len(), 2, "{shown:?}");
    let html = project.read("var/digest/news/letter.html");
    for (url, bytes) in &shown {
        assert!(url.starts_with("https://www.example.org/letters/pictures/"), "{url}");
        assert!(*bytes > 0 && *bytes <= 60_000, "{url}: {bytes}");
        assert!(html.contains(&format!("src=\"{url}\"")));
        let name = url.rsplit('/').next().expect("a name");
        let file =
            std::fs::read(project.join("var/digest/news/pictures").join(name)).expect("the picture, to look at");
        assert_eq!(file.len() as u64, *bytes);
    }
    assert_eq!(html.matches("<img").count(), 2);
    assert!(html.contains("alt=\"Une photo\"") && html.contains("dailymotion.com/video/xabc1"));
    assert!(!html.contains("images.example.net"), "a picture that others serve tells them who reads");
    let problems = report["editions"][0]["problems"].to_string();
    assert!(problems.contains("picture-elsewhere") && problems.contains("posts/d.md"), "{problems}");
}

#[test]
fn a_letter_without_pictures_has_none() {
    let project = project("images: none\n");
    assert_eq!(images(&project.json(&["digest"], 0)), []);
    assert!(!project.read("var/digest/news/letter.html").contains("<img"));
}

#[test]
fn a_newsletters_logo_is_a_light_copy_too() {
    let project = project("images: hosted\nlook: { logo: { path: /logo.jpg, alt: Le logo } }\n");
    project.write("static/logo.jpg", jpeg(1200, 400));
    let config = project.read("config/crieur.yaml").replace("content:\n", "content:\n  static: static\n");
    project.write("config/crieur.yaml", config);
    let report = project.json(&["digest"], 0);
    assert_eq!(images(&report).len(), 3, "{report}");
    assert!(project.read("var/digest/news/letter.html").contains("alt=\"Le logo\""));
}
