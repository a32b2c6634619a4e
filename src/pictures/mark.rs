//! What is drawn: a mark over a still, and the still of what has no picture.

use image::RgbaImage;
use resvg::tiny_skia::{
    Color, FillRule, GradientStop, LineCap, LineJoin, LinearGradient, Paint, Path, PathBuilder, Pixmap, Point, Rect,
    SpreadMode, Stroke, Transform,
};

use super::{Fit, Mark};

/// The disc's width, as a share of the picture's shorter side, and its bounds in pixels.
const SHARE: f32 = 0.38;
const LEAST: f32 = 28.0;
const MOST: f32 = 168.0;
/// A still is never taller than this for its width.
const FORM: f32 = 9.0 / 16.0;

/// A round, dark, translucent disc with a white triangle or a white wave, in the middle of an opaque picture.
pub fn over(picture: RgbaImage, mark: Mark) -> RgbaImage {
    on_canvas(picture, |canvas| draw(canvas, mark))
}

/// A still in the accent's colour, as large as the box.
pub fn still(fit: Fit, (red, green, blue): (u8, u8, u8), mark: Option<Mark>) -> RgbaImage {
    let height = fit.height.min((fit.width as f32 * FORM).round() as u32).max(1);
    let picture = RgbaImage::from_pixel(fit.width, height, image::Rgba([red, green, blue, 255]));
    on_canvas(picture, |canvas| {
        ground(canvas, [red, green, blue]);
        if let Some(mark) = mark {
            draw(canvas, mark);
        }
    })
}

/// Draws on an opaque picture, whose colours are the same with alpha multiplied in.
fn on_canvas(picture: RgbaImage, paint: impl FnOnce(&mut Pixmap)) -> RgbaImage {
    let (width, height) = picture.dimensions();
    let Some(mut canvas) = Pixmap::new(width, height) else { return picture };
    canvas.data_mut().copy_from_slice(picture.as_raw());
    paint(&mut canvas);
    RgbaImage::from_raw(width, height, canvas.take()).unwrap_or(picture)
}

fn draw(canvas: &mut Pixmap, mark: Mark) {
    let (width, height) = (canvas.width() as f32, canvas.height() as f32);
    let across = (width.min(height) * SHARE).clamp(LEAST, MOST).min(width.min(height) * 0.9);
    let radius = across / 2.0;
    let centre = (width / 2.0, height / 2.0);
    // A soft shadow lifts the disc from a dark picture, the ring from a light one.
    for step in 0..4 {
        let wider = radius * (1.0 + 0.035 * (4 - step) as f32);
        fill(canvas, PathBuilder::from_circle(centre.0, centre.1 + radius * 0.02, wider), shade(0, 0.05));
    }
    fill(canvas, PathBuilder::from_circle(centre.0, centre.1, radius), shade(16, 0.68));
    let ring = (radius * 0.055).max(1.5);
    line(canvas, PathBuilder::from_circle(centre.0, centre.1, radius - ring / 2.0), ring, shade(255, 0.92));
    match mark {
        Mark::Play => triangle(canvas, centre, radius),
        Mark::Sound => wave(canvas, centre, radius),
    }
}

/// Its centre of gravity in the disc's middle, its corners a little round.
fn triangle(canvas: &mut Pixmap, (x, y): (f32, f32), radius: f32) {
    let size = radius * 0.44;
    let (right, left, half) = (x + size, x - size / 2.0, size * 0.866);
    let mut path = PathBuilder::new();
    path.move_to(right, y);
    path.line_to(left, y + half);
    path.line_to(left, y - half);
    path.close();
    let path = path.finish();
    fill(canvas, path.clone(), shade(255, 1.0));
    line(canvas, path, radius * 0.1, shade(255, 1.0));
}

/// Five bars with round ends.
fn wave(canvas: &mut Pixmap, (x, y): (f32, f32), radius: f32) {
    let (thick, step) = (radius * 0.13, radius * 0.245);
    for (index, tall) in [0.3, 0.72, 1.0, 0.58, 0.3].into_iter().enumerate() {
        let at = x + (index as f32 - 2.0) * step;
        let half = radius * 0.46 * tall;
        let mut path = PathBuilder::new();
        path.move_to(at, y - half);
        path.line_to(at, y + half);
        line(canvas, path.finish(), thick, shade(255, 1.0));
    }
}

/// The accent, darker towards one corner, with two large pale circles: enough to be a picture, too little to be read.
fn ground(canvas: &mut Pixmap, accent: [u8; 3]) {
    let (width, height) = (canvas.width() as f32, canvas.height() as f32);
    let [red, green, blue] = accent;
    let darker = |value: u8| (f32::from(value) * 0.62) as u8;
    let stops = vec![
        GradientStop::new(0.0, Color::from_rgba8(red, green, blue, 255)),
        GradientStop::new(1.0, Color::from_rgba8(darker(red), darker(green), darker(blue), 255)),
    ];
    let (from, to) = (Point::from_xy(0.0, 0.0), Point::from_xy(width, height));
    if let Some(shader) = LinearGradient::new(from, to, stops, SpreadMode::Pad, Transform::identity())
        && let Some(all) = Rect::from_xywh(0.0, 0.0, width, height)
    {
        canvas.fill_rect(all, &Paint { shader, ..Paint::default() }, Transform::identity(), None);
    }
    fill(canvas, PathBuilder::from_circle(width * 0.86, height * 0.08, height * 0.62), shade(255, 0.10));
    fill(canvas, PathBuilder::from_circle(width * 0.1, height * 1.02, height * 0.46), shade(255, 0.07));
}

/// A grey and its opacity.
fn shade(value: u8, opacity: f32) -> Paint<'static> {
    let mut paint = Paint { anti_alias: true, ..Paint::default() };
    paint.set_color_rgba8(value, value, value, (opacity * 255.0).round() as u8);
    paint
}

fn fill(canvas: &mut Pixmap, path: Option<Path>, paint: Paint<'_>) {
    if let Some(path) = path {
        canvas.fill_path(&path, &paint, FillRule::Winding, Transform::identity(), None);
    }
}

fn line(canvas: &mut Pixmap, path: Option<Path>, width: f32, paint: Paint<'_>) {
    if let Some(path) = path {
        let stroke = Stroke { width, line_cap: LineCap::Round, line_join: LineJoin::Round, ..Stroke::default() };
        canvas.stroke_path(&path, &paint, &stroke, Transform::identity(), None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_stands_in_the_middle_and_leaves_the_corners() {
        for mark in [Mark::Play, Mark::Sound] {
            let white = RgbaImage::from_pixel(480, 240, image::Rgba([255, 255, 255, 255]));
            let marked = over(white, mark);
            assert_eq!(marked.get_pixel(240, 120).0, [255, 255, 255, 255]);
            let beside = marked.get_pixel(240, 120 + 36).0;
            assert!(beside[0] < 120, "{beside:?}");
            assert_eq!(marked.get_pixel(2, 2).0, [255, 255, 255, 255]);
            assert!(marked.pixels().all(|pixel| pixel.0[3] == 255));
        }
    }

    #[test]
    fn a_mark_fits_on_the_smallest_picture() {
        for (width, height) in [(1, 1), (16, 9), (480, 3)] {
            over(RgbaImage::from_pixel(width, height, image::Rgba([9, 9, 9, 255])), Mark::Play);
        }
    }

    #[test]
    fn a_still_is_as_large_as_its_box_but_never_taller_than_a_film() {
        let fit = Fit { width: 480, height: 1000, most_bytes: 0, together: 0 };
        assert_eq!(still(fit, (0, 0, 145), Some(Mark::Play)).dimensions(), (480, 270));
        assert_eq!(still(Fit { height: 240, ..fit }, (0, 0, 145), None).dimensions(), (480, 240));
    }
}
