//! From a file's bytes to pixels: red, green, blue, alpha, eight bits each, upright.
//!
//! The format is told by the content, never by the name. The size that a header claims is looked at before anything is
//! decoded: a small file that claims a picture of a terabyte costs nothing.

use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, OnceLock};

use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, RgbaImage};
use imagesize::{Compression, ImageType};
use resvg::usvg::fontdb;

use super::{Fit, drawing};

/// The most pixels that are decoded.
pub const MOST_PIXELS: u64 = 100_000_000;
/// More than this are decoded one at a time: each takes four bytes and more.
const MANY_PIXELS: u64 = 20_000_000;

/// Why there is no picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unusable {
    /// A format that is known and not read, or none that is known, in words.
    Format(String),
    Broken(String),
    TooManyPixels {
        width: u64,
        height: u64,
    },
    /// More bytes than anybody means.
    TooLong,
    TooIntricate,
    /// However small it is made.
    TooHeavy,
}

/// What the conversions of one letter share.
#[derive(Default)]
pub struct Studio {
    /// The system's, read when the first drawing with words comes.
    pub fonts: OnceLock<Arc<fontdb::Database>>,
    one_at_a_time: Mutex<()>,
}

pub struct Decoded {
    pub pixels: RgbaImage,
    /// Words are missing, for want of a font.
    pub wordless: bool,
}

/// Decodes any picture; a drawing is drawn large enough for `fit`.
pub fn decode(bytes: Vec<u8>, fit: Fit, studio: &Studio) -> Result<Decoded, Unusable> {
    let format = match image::guess_format(&bytes) {
        Ok(format @ (ImageFormat::Jpeg | ImageFormat::Png | ImageFormat::WebP | ImageFormat::Gif)) => format,
        other => {
            if drawing::looks_like_one(&bytes) {
                return drawing::draw(bytes, fit, studio);
            }
            return Err(not_read(&bytes, other.ok()));
        }
    };
    // Decoders are fuzzed and safe; should one give up all the same, this is one picture that cannot be read.
    catch_unwind(AssertUnwindSafe(|| raster(&bytes, format, studio)))
        .unwrap_or_else(|_| Err(Unusable::Broken("its decoder gave up".to_string())))
}

fn raster(bytes: &[u8], format: ImageFormat, studio: &Studio) -> Result<Decoded, Unusable> {
    let broken = |error: image::ImageError| Unusable::Broken(error.to_string());
    let reader = ImageReader::with_format(Cursor::new(bytes), format);
    let mut decoder = reader.into_decoder().map_err(broken)?;
    let (width, height) = decoder.dimensions();
    let pixels = u64::from(width) * u64::from(height);
    if pixels > MOST_PIXELS {
        return Err(Unusable::TooManyPixels { width: width.into(), height: height.into() });
    }
    if pixels == 0 {
        return Err(Unusable::Broken("it has no pixels".to_string()));
    }
    let _turn = (pixels > MANY_PIXELS).then(|| studio.one_at_a_time.lock());
    let orientation = decoder.orientation().map_err(broken)?;
    let mut decoded = DynamicImage::from_decoder(decoder).map_err(broken)?;
    decoded.apply_orientation(orientation);
    Ok(Decoded { pixels: decoded.into_rgba8(), wordless: false })
}

fn not_read(bytes: &[u8], known: Option<ImageFormat>) -> Unusable {
    let name = match imagesize::image_type(bytes) {
        Ok(ImageType::Heif(Compression::Av1)) => "AVIF",
        Ok(ImageType::Heif(_)) => "HEIC",
        Ok(ImageType::Jxl) => "JPEG XL",
        Ok(ImageType::Bmp) => "BMP",
        Ok(ImageType::Tiff) => "TIFF",
        Ok(ImageType::Ico) => "ICO",
        _ if bytes.starts_with(&[0x1f, 0x8b]) => "a compressed drawing (SVGZ)",
        _ => match known {
            Some(format) => format.extensions_str().first().copied().unwrap_or("this format"),
            None if bytes.is_empty() => return Unusable::Broken("it is empty".to_string()),
            None => "a file of no known format",
        },
    };
    Unusable::Format(name.to_string())
}

/// Whether the pixels that a raster picture's header claims are few enough; `false` also where there is no header.
pub fn claims_few_pixels(bytes: &[u8], already: u64) -> Option<u64> {
    let size = imagesize::blob_size(bytes).ok()?;
    let pixels = (size.width as u64).checked_mul(size.height as u64)?.checked_add(already)?;
    (pixels <= MOST_PIXELS).then_some(pixels)
}
