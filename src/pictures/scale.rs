//! Scaling down, by Lanczos with the alpha multiplied in, so that no dark rim appears around what is transparent.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use image::RgbaImage;

use super::Fit;

/// Into the box, in its own form; what is smaller stays as it is.
pub fn fit(picture: RgbaImage, fit: Fit) -> RgbaImage {
    let size = fitted(picture.dimensions(), fit);
    if size == picture.dimensions() { picture } else { to(&picture, size) }
}

/// The size in the box, at least one pixel each way.
fn fitted((width, height): (u32, u32), fit: Fit) -> (u32, u32) {
    let scale = (f64::from(fit.width) / f64::from(width)).min(f64::from(fit.height) / f64::from(height)).min(1.0);
    let side = |length: u32, most: u32| ((f64::from(length) * scale).round() as u32).clamp(1, most);
    (side(width, fit.width), side(height, fit.height))
}

/// To this very size.
pub fn to(picture: &RgbaImage, (width, height): (u32, u32)) -> RgbaImage {
    let mut scaled = Image::new(width, height, PixelType::U8x4);
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3));
    let source = ImageRef::new(picture.width(), picture.height(), picture.as_raw(), PixelType::U8x4);
    let done = source.ok().and_then(|source| Resizer::new().resize(&source, &mut scaled, &options).ok());
    debug_assert!(done.is_some(), "sizes and pixel types are right by construction");
    RgbaImage::from_raw(width, height, scaled.into_vec()).unwrap_or_else(|| RgbaImage::new(width, height))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOX: Fit = Fit { width: 480, height: 240, most_bytes: 0, together: 0 };

    #[test]
    fn a_picture_keeps_its_form_and_is_never_scaled_up() {
        assert_eq!(fitted((1920, 1080), BOX), (427, 240));
        assert_eq!(fitted((4000, 10), BOX), (480, 1));
        assert_eq!(fitted((100, 50), BOX), (100, 50));
        assert_eq!(fitted((1, 60_000), BOX), (1, 240));
    }

    #[test]
    fn what_is_transparent_lends_no_colour_to_what_is_not() {
        let picture = RgbaImage::from_fn(100, 100, |x, _| {
            if x < 50 { image::Rgba([0, 0, 0, 0]) } else { image::Rgba([255, 255, 255, 255]) }
        });
        let scaled = to(&picture, (25, 25));
        assert!(scaled.pixels().filter(|pixel| pixel.0[3] > 16).all(|pixel| pixel.0[0] > 240));
    }
}
