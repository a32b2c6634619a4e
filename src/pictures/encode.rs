//! Writing pixels as the lightest file that is good enough.
//!
//! A flat drawing is PNG (without loss, and with a palette where it has few colours) when that is lighter than a good JPEG; all
//! else is JPEG, progressive and with tables of its own (`jpeg-encoder`: a sixth lighter than the encoder of `image`).
//! Over the limit, the quality is lowered first, then the size.

use std::collections::HashMap;
use std::sync::Arc;

use image::RgbaImage;
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

use super::decode::Unusable;
use super::scale;

/// From good to just good enough. Pictures are shown at half their size, which hides much.
const GOOD: u8 = 82;
const BETTER: u8 = 74;
const FAIR: u8 = 66;
const COARSER: [u8; 2] = [58, 50];
/// Then smaller: by what is missing, and by this.
const SMALLER: f64 = 0.95;
/// No picture is made smaller than this, in pixels across.
const SMALLEST: u32 = 64;
/// A picture of more colours is no flat drawing, and trying PNG would be time lost.
const MOST_COLOURS: usize = 16_384;
const PALETTE: usize = 256;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Jpeg,
    Png,
}

impl Kind {
    pub fn media_type(self) -> &'static str {
        match self {
            Kind::Jpeg => "image/jpeg",
            Kind::Png => "image/png",
        }
    }

    pub fn ending(self) -> &'static str {
        match self {
            Kind::Jpeg => "jpg",
            Kind::Png => "png",
        }
    }

    pub fn of_ending(ending: &str) -> Option<Self> {
        [Kind::Jpeg, Kind::Png].into_iter().find(|kind| kind.ending() == ending)
    }
}

/// A written picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Of its content: equal content, equal name.
    pub name: String,
    pub width: u32,
    pub height: u32,
    pub kind: Kind,
    pub content: Arc<[u8]>,
}

impl File {
    pub fn new(content: Vec<u8>, kind: Kind, (width, height): (u32, u32)) -> Self {
        File { name: name_of(&content, kind), width, height, kind, content: content.into() }
    }
}

/// The name of a content: 96 bits of its hash, and its ending.
pub fn name_of(content: &[u8], kind: Kind) -> String {
    format!("{}.{}", &blake3::hash(content).to_hex()[..24], kind.ending())
}

/// Writes a picture in at most so many bytes: `transparent` if it is there and fits, else `flat`.
pub fn encode(flat: &RgbaImage, transparent: Option<&RgbaImage>, most_bytes: u64) -> Result<File, Unusable> {
    let fits = |bytes: &Vec<u8>| bytes.len() as u64 <= most_bytes;
    if let Some(picture) = transparent
        && let Some(bytes) = png(picture).filter(fits)
    {
        return Ok(File::new(bytes, Kind::Png, picture.dimensions()));
    }
    let good = jpeg(flat, GOOD)?;
    let lossless = png(flat).filter(|bytes| bytes.len() <= good.len()).filter(fits);
    if let Some(bytes) = lossless {
        return Ok(File::new(bytes, Kind::Png, flat.dimensions()));
    }
    if fits(&good) {
        return Ok(File::new(good, Kind::Jpeg, flat.dimensions()));
    }
    let mut picture = flat.clone();
    loop {
        let as_jpeg = |bytes: Vec<u8>| Ok(File::new(bytes, Kind::Jpeg, picture.dimensions()));
        let fair = jpeg(&picture, FAIR)?;
        if fits(&fair) {
            let better = jpeg(&picture, BETTER)?;
            return as_jpeg(if fits(&better) { better } else { fair });
        }
        let mut last = fair.len();
        for quality in COARSER {
            let bytes = jpeg(&picture, quality)?;
            if fits(&bytes) {
                return as_jpeg(bytes);
            }
            last = bytes.len();
        }
        // A picture of half the pixels weighs a little more than half.
        let factor = (most_bytes as f64 / last as f64).sqrt().min(1.0) * SMALLER;
        let side = |length: u32| ((f64::from(length) * factor) as u32).max(1);
        let size = (side(picture.width()), side(picture.height()));
        if size.0 < SMALLEST {
            return Err(Unusable::TooHeavy);
        }
        picture = scale::to(flat, size);
    }
}

fn jpeg(picture: &RgbaImage, quality: u8) -> Result<Vec<u8>, Unusable> {
    let side = |length: u32| u16::try_from(length).map_err(|_| Unusable::TooHeavy);
    let (width, height) = (side(picture.width())?, side(picture.height())?);
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, quality);
    encoder.set_progressive(true);
    encoder.set_optimized_huffman_tables(true);
    encoder.set_sampling_factor(SamplingFactor::R_4_2_0);
    let done = encoder.encode(picture.as_raw(), width, height, ColorType::Rgba);
    done.map_err(|error| Unusable::Broken(error.to_string()))?;
    Ok(bytes)
}

/// As PNG; `None` for what is no flat drawing.
fn png(picture: &RgbaImage) -> Option<Vec<u8>> {
    let mut colours: HashMap<[u8; 4], u8> = HashMap::new();
    let mut last = None;
    for pixel in picture.pixels() {
        // Flat drawings repeat themselves.
        if last.replace(pixel.0) == Some(pixel.0) {
            continue;
        }
        let next = colours.len();
        colours.entry(pixel.0).or_insert(next as u8);
        if colours.len() > MOST_COLOURS {
            return None;
        }
    }
    let opaque = colours.keys().all(|colour| colour[3] == 255);
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, picture.width(), picture.height());
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::High);
    let data: Vec<u8> = if colours.len() <= PALETTE {
        let mut palette: Vec<([u8; 4], u8)> = colours.iter().map(|(colour, index)| (*colour, *index)).collect();
        palette.sort_unstable_by_key(|(_, index)| *index);
        encoder.set_color(png::ColorType::Indexed);
        encoder.set_palette(palette.iter().flat_map(|(colour, _)| colour[..3].to_vec()).collect::<Vec<u8>>());
        if !opaque {
            encoder.set_trns(palette.iter().map(|(colour, _)| colour[3]).collect::<Vec<u8>>());
        }
        // Neighbouring numbers of a palette mean nothing: no filter helps.
        encoder.set_filter(png::Filter::NoFilter);
        picture.pixels().map(|pixel| colours[&pixel.0]).collect()
    } else if opaque {
        encoder.set_color(png::ColorType::Rgb);
        picture.pixels().flat_map(|pixel| [pixel.0[0], pixel.0[1], pixel.0[2]]).collect()
    } else {
        encoder.set_color(png::ColorType::Rgba);
        picture.as_raw().clone()
    };
    let mut writer = encoder.write_header().ok()?;
    writer.write_image_data(&data).ok()?;
    writer.finish().ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use image::Rgba;

    use super::*;

    /// What compresses badly: every pixel another colour.
    fn noise(width: u32, height: u32) -> RgbaImage {
        let mut state = 1u32;
        RgbaImage::from_fn(width, height, |_, _| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let [a, b, c, _] = state.to_be_bytes();
            Rgba([a, b, c, 255])
        })
    }

    fn decoded(file: &File) -> RgbaImage {
        image::load_from_memory(&file.content).unwrap().into_rgba8()
    }

    #[test]
    fn a_flat_drawing_is_png_without_loss() {
        let flat = RgbaImage::from_fn(200, 100, |x, y| {
            if (x / 20 + y / 20) % 2 == 0 { Rgba([0, 0, 145, 255]) } else { Rgba([255, 255, 255, 255]) }
        });
        let file = encode(&flat, None, 60_000).unwrap();
        assert_eq!((file.kind, file.width, file.height), (Kind::Png, 200, 100));
        assert!(file.content.len() < 600, "{}", file.content.len());
        assert_eq!(decoded(&file), flat);
        assert!(file.name.ends_with(".png") && file.name.len() == 28, "{}", file.name);
    }

    #[test]
    fn transparency_is_written_where_it_is_wanted() {
        let drawing = RgbaImage::from_fn(50, 50, |x, _| Rgba([200, 80, 60, if x < 25 { 0 } else { 255 }]));
        let file = encode(&drawing, Some(&drawing), 60_000).unwrap();
        assert_eq!(file.kind, Kind::Png);
        assert_eq!(decoded(&file), drawing);
        let many = RgbaImage::from_fn(50, 50, |x, y| Rgba([200, x as u8, y as u8, if x < 25 { 0 } else { 255 }]));
        assert_eq!(decoded(&encode(&many, Some(&many), 60_000).unwrap()), many);
    }

    #[test]
    fn what_is_too_heavy_loses_quality_then_size() {
        let noise = noise(480, 270);
        let good = encode(&noise, None, u64::MAX).unwrap();
        assert_eq!((good.kind, good.width), (Kind::Jpeg, 480));
        let lighter = encode(&noise, None, good.content.len() as u64 * 8 / 10).unwrap();
        assert_eq!(lighter.width, 480);
        let small = encode(&noise, None, 20_000).unwrap();
        assert!(small.content.len() <= 20_000 && small.width < 480 && small.height * 16 / 9 >= small.width - 3);
        assert_eq!(encode(&noise, None, 100).unwrap_err(), Unusable::TooHeavy);
    }

    #[test]
    fn the_same_pixels_give_the_same_file() {
        let noise = noise(120, 80);
        assert_eq!(encode(&noise, None, 60_000), encode(&noise, None, 60_000));
    }
}
