//! A picture that somebody sent, drawn anew: decoded within bounds, turned upright, made small enough for a page, and
//! written again from its pixels alone. Nothing else of the file is kept: no place, no name, nothing behind its end.
//! It never believes what a file says of itself before that was held against the bounds.

use image::{
    DynamicImage, ExtendedColorType, ImageDecoder, ImageEncoder, ImageFormat, ImageReader, Limits,
    Rgba, RgbaImage,
    codecs::{
        jpeg::JpegEncoder,
        png::{CompressionType, FilterType, PngEncoder},
    },
    metadata::Orientation,
};
use std::io::Cursor;

/// The longer side on a product's page, in pixels: sharp on a screen of twice the dots.
const LARGE_SIDE_MAX: u32 = 1_600;
/// The same in a list.
const SMALL_SIDE_MAX: u32 = 400;
/// Of 100: what is lost is not seen.
const JPEG_QUALITY: u8 = 85;
/// The most of a file that is kept, in bytes, as the database has it.
const KEPT_BYTES_MAX: usize = 4 * 1_024 * 1_024;
/// Four channels of two bytes.
const PIXEL_BYTES_MAX: u64 = 8;

/// What is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Jpeg,
    Png,
    Webp,
}

impl Kind {
    /// The kind that a body was said to be of.
    pub(crate) fn of(media_type: &str) -> Option<Self> {
        match media_type {
            "image/jpeg" => Some(Self::Jpeg),
            "image/png" => Some(Self::Png),
            "image/webp" => Some(Self::Webp),
            _ => None,
        }
    }

    const fn format(self) -> ImageFormat {
        match self {
            Self::Jpeg => ImageFormat::Jpeg,
            Self::Png => ImageFormat::Png,
            Self::Webp => ImageFormat::WebP,
        }
    }
}

/// Why a picture is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// Its first bytes are another kind's.
    OtherKind,
    /// It says that it is larger than may be.
    TooManyPixels,
    /// It is broken.
    Unreadable,
    /// Drawn anew it is still too much to be kept.
    TooMuch,
}

/// A file that was written here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Drawing {
    /// How its name ends.
    pub(crate) ending: &'static str,
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) bytes: Vec<u8>,
}

/// The picture in two sizes; of a small one they are the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Drawings {
    pub(crate) large: Drawing,
    pub(crate) small: Drawing,
}

/// Draws a picture anew.
pub(crate) fn redraw(file: &[u8], kind: Kind, pixels_max: u32) -> Result<Drawings, Flaw> {
    let (decoded, orientation) = decode(file, kind, pixels_max)?;
    let large = Canvas::of(decoded).within(LARGE_SIDE_MAX);
    let small = large.clone().within(SMALL_SIDE_MAX);
    Ok(Drawings {
        large: large.turned(orientation).written()?,
        small: small.turned(orientation).written()?,
    })
}

fn decode(file: &[u8], kind: Kind, pixels_max: u32) -> Result<(DynamicImage, Orientation), Flaw> {
    let format = kind.format();
    if image::guess_format(file).ok() != Some(format) {
        return Err(Flaw::OtherKind);
    }
    let pixels_max = u64::from(pixels_max);
    let bytes_max = pixels_max.saturating_mul(PIXEL_BYTES_MAX);
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(bytes_max);
    let mut reader = ImageReader::with_format(Cursor::new(file), format);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(|_| Flaw::Unreadable)?;
    // Only the head was read so far, and nothing was set aside for pixels.
    let (width, height) = decoder.dimensions();
    let pixels = u64::from(width).saturating_mul(u64::from(height));
    if pixels > pixels_max || decoder.total_bytes() > bytes_max {
        return Err(Flaw::TooManyPixels);
    }
    // A word that cannot be read turns nothing.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let decoded = DynamicImage::from_decoder(decoder).map_err(|_| Flaw::Unreadable)?;
    if pixels == 0 {
        return Err(Flaw::Unreadable);
    }
    Ok((decoded, orientation))
}

/// Pixels to be made smaller.
#[derive(Debug, Clone)]
struct Canvas {
    /// Where something shines through, colours are weighed by how much they cover, so that what is behind nothing does
    /// not colour its neighbours.
    pixels: DynamicImage,
    is_opaque: bool,
}

impl Canvas {
    fn of(decoded: DynamicImage) -> Self {
        if !decoded.color().has_alpha() {
            return Self {
                pixels: decoded,
                is_opaque: true,
            };
        }
        let mut pixels = decoded.into_rgba8();
        let is_opaque = pixels.pixels().all(|Rgba([.., alpha])| *alpha == u8::MAX);
        if !is_opaque {
            weigh(&mut pixels);
        }
        Self {
            pixels: pixels.into(),
            is_opaque,
        }
    }

    fn within(self, side: u32) -> Self {
        if self.pixels.width().max(self.pixels.height()) <= side {
            return self;
        }
        Self {
            pixels: self.pixels.thumbnail(side, side),
            ..self
        }
    }

    fn turned(mut self, orientation: Orientation) -> Self {
        self.pixels.apply_orientation(orientation);
        self
    }

    /// As a photograph, unless something shines through.
    fn written(self) -> Result<Drawing, Flaw> {
        let (width, height) = (self.pixels.width(), self.pixels.height());
        let mut bytes = Vec::new();
        let (ending, written) = if self.is_opaque {
            let pixels = self.pixels.into_rgb8();
            let encoder = JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY);
            let kind = ExtendedColorType::Rgb8;
            (".jpg", encoder.write_image(&pixels, width, height, kind))
        } else {
            let mut pixels = self.pixels.into_rgba8();
            weigh_back(&mut pixels);
            let (compression, filter) = (CompressionType::Default, FilterType::Adaptive);
            let encoder = PngEncoder::new_with_quality(&mut bytes, compression, filter);
            let kind = ExtendedColorType::Rgba8;
            (".png", encoder.write_image(&pixels, width, height, kind))
        };
        written.map_err(|_| Flaw::Unreadable)?;
        if bytes.len() > KEPT_BYTES_MAX {
            return Err(Flaw::TooMuch);
        }
        Ok(Drawing {
            ending,
            width,
            height,
            bytes,
        })
    }
}

fn weigh(pixels: &mut RgbaImage) {
    each_colour(pixels, |colour, alpha| {
        colour.saturating_mul(alpha).checked_div(u32::from(u8::MAX))
    });
}

fn weigh_back(pixels: &mut RgbaImage) {
    each_colour(pixels, |colour, alpha| {
        colour.saturating_mul(u8::MAX.into()).checked_div(alpha)
    });
}

/// Makes each colour what follows from it and from how much it covers; nothing is black.
fn each_colour(pixels: &mut RgbaImage, change: impl Fn(u32, u32) -> Option<u32>) {
    for Rgba([red, green, blue, alpha]) in pixels.pixels_mut() {
        for colour in [red, green, blue] {
            let changed = change(u32::from(*colour), u32::from(*alpha)).unwrap_or(0);
            *colour = u8::try_from(changed).unwrap_or(u8::MAX);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::{collection::vec, prelude::*};

    const PIXELS_MAX: u32 = 4_000_000;
    const KINDS: [(Kind, ImageFormat); 3] = [
        (Kind::Jpeg, ImageFormat::Jpeg),
        (Kind::Png, ImageFormat::Png),
        (Kind::Webp, ImageFormat::WebP),
    ];

    fn photo(width: u32, height: u32) -> DynamicImage {
        let pixel = |x: u32, y: u32| image::Rgb([(x % 251) as u8, (y % 241) as u8, 90]);
        image::RgbImage::from_fn(width, height, pixel).into()
    }

    fn written(pixels: &DynamicImage, format: ImageFormat) -> Vec<u8> {
        let mut file = Cursor::new(Vec::new());
        pixels.write_to(&mut file, format).unwrap();
        file.into_inner()
    }

    fn has(bytes: &[u8], text: &[u8]) -> bool {
        bytes.windows(text.len()).any(|window| window == text)
    }

    /// A photograph that was taken lying on its side, with the words of a camera.
    fn from_a_camera() -> Vec<u8> {
        let plain = written(&photo(40, 20), ImageFormat::Jpeg);
        let mut exif =
            b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0".to_vec();
        exif.extend(b"GPS 36.8065 N 10.1815 E");
        let length = u16::try_from(exif.len().saturating_add(2))
            .unwrap()
            .to_be_bytes();
        let mut file = plain[..2].to_vec();
        file.extend([0xff, 0xe1]);
        file.extend(length);
        file.extend(exif);
        file.extend(&plain[2..]);
        file
    }

    #[test]
    fn a_photograph_stands_upright_and_says_nothing_of_where_it_was_taken() {
        let file = from_a_camera();
        assert!(has(&file, b"36.8065"));
        let drawn = redraw(&file, Kind::Jpeg, PIXELS_MAX).unwrap();
        assert_eq!((drawn.large.width, drawn.large.height), (20, 40));
        assert_eq!(drawn.large, drawn.small, "it is small already");
        assert!(!has(&drawn.large.bytes, b"Exif") && !has(&drawn.large.bytes, b"36.8065"));
    }

    #[test]
    fn what_is_hidden_behind_the_end_is_gone_and_large_ones_are_made_small() {
        for (kind, format) in KINDS {
            let mut file = written(&photo(1_700, 850), format);
            file.extend(b"<script>alert(1)</script>");
            let drawn = redraw(&file, kind, PIXELS_MAX).unwrap();
            let sizes = (
                drawn.large.width,
                drawn.large.height,
                drawn.small.width,
                drawn.small.height,
            );
            assert_eq!(sizes, (1_600, 800, 400, 200), "{kind:?}");
            assert_eq!((drawn.large.ending, drawn.small.ending), (".jpg", ".jpg"));
            assert!(!has(&drawn.large.bytes, b"<script"));
            assert_eq!(
                image::guess_format(&drawn.small.bytes).unwrap(),
                ImageFormat::Jpeg
            );
        }
    }

    #[test]
    fn what_shines_through_does_so_afterwards_and_is_not_darkened() {
        let pixel = |x: u32, _| {
            if x.is_multiple_of(2) {
                Rgba([200, 100, 50, 255])
            } else {
                Rgba([0, 0, 0, 0])
            }
        };
        let cut_out: DynamicImage = RgbaImage::from_fn(800, 800, pixel).into();
        let drawn = redraw(&written(&cut_out, ImageFormat::Png), Kind::Png, PIXELS_MAX).unwrap();
        assert_eq!(drawn.small.ending, ".png");
        let small = image::load_from_memory(&drawn.small.bytes)
            .unwrap()
            .into_rgba8();
        let Rgba([red, _, _, alpha]) = *small.get_pixel(7, 7);
        assert!(
            (197..=203).contains(&red) && (126..=129).contains(&alpha),
            "{red} {alpha}"
        );
    }

    /// A PNG that says it has so many pixels, and has none.
    fn bomb(width: u32, height: u32) -> Vec<u8> {
        let mut file = written(&photo(1, 1), ImageFormat::Png);
        file[16..20].copy_from_slice(&width.to_be_bytes());
        file[20..24].copy_from_slice(&height.to_be_bytes());
        let mut sum = u32::MAX;
        for byte in &file[12..29] {
            sum ^= u32::from(*byte);
            for _ in 0..8 {
                sum = if sum & 1 == 1 {
                    (sum >> 1) ^ 0xedb8_8320
                } else {
                    sum >> 1
                };
            }
        }
        file[29..33].copy_from_slice(&(!sum).to_be_bytes());
        file
    }

    #[test]
    fn a_bomb_is_refused_by_what_it_says_and_what_is_broken_as_well() {
        for (width, height) in [(50_000, 50_000), (2_000, 2_001), (1, 4_000_001)] {
            let flaw = redraw(&bomb(width, height), Kind::Png, PIXELS_MAX).unwrap_err();
            assert_eq!(flaw, Flaw::TooManyPixels, "{width} x {height}");
        }
        assert_eq!(
            redraw(&bomb(1_000, 1_000), Kind::Png, PIXELS_MAX),
            Err(Flaw::Unreadable)
        );
        let whole = written(&photo(300, 300), ImageFormat::Png);
        assert_eq!(
            redraw(&whole[..whole.len() / 2], Kind::Png, PIXELS_MAX),
            Err(Flaw::Unreadable)
        );
        assert_eq!(redraw(&whole, Kind::Jpeg, PIXELS_MAX), Err(Flaw::OtherKind));
        for other in [
            &b"<svg xmlns='http://www.w3.org/2000/svg'/>"[..],
            b"GIF89a",
            b"",
            b"MZ",
        ] {
            assert_eq!(redraw(other, Kind::Png, PIXELS_MAX), Err(Flaw::OtherKind));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(192))]

        #[test]
        fn whatever_is_done_to_a_file_it_is_drawn_within_bounds_or_refused(
            kind in 0_usize..3,
            edits in vec((0_u16..1_024, any::<u8>()), 1..12),
            length in 0_u16..4_096,
        ) {
            let (kind, format) = KINDS[kind];
            let mut file = written(&photo(48, 40), format);
            file.truncate(usize::from(length).max(64));
            for (place, byte) in edits {
                if let Some(one) = file.get_mut(usize::from(place)) {
                    *one = byte;
                }
            }
            if let Ok(drawn) = redraw(&file, kind, PIXELS_MAX) {
                for (drawing, side) in [(drawn.large, LARGE_SIDE_MAX), (drawn.small, SMALL_SIDE_MAX)] {
                    prop_assert!((1..=side).contains(&drawing.width));
                    prop_assert!((1..=side).contains(&drawing.height));
                    prop_assert!((1..=KEPT_BYTES_MAX).contains(&drawing.bytes.len()));
                }
            }
        }
    }
}
