//! Pictures: their QR codes.

use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;

use super::kind::Kind;
use super::{Item, Look, guarded, qr, url};
use crate::evidence::Via;
use crate::limits;
use crate::signal::Signal;

/// A grey picture.
#[derive(Debug)]
pub(super) struct Grey {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) pixels: Vec<u8>,
}

/// Smallest side of a picture that is searched: icons and tracking pixels hold no code.
const SMALLEST_SIDE: usize = 40;
/// Longest side at which a picture is searched.
const LONGEST_SIDE: usize = 1000;

/// Looks into a picture.
pub(super) fn look(item: &Item<'_>, kind: Kind, look: &mut Look<'_, '_>) {
    if !look.budget.image() {
        look.budget.cut("pictures beyond 50");
        return;
    }
    let decoded = guarded(|| match kind {
        Kind::Png => read_png(&item.bytes),
        Kind::Jpeg => read_jpeg(&item.bytes),
        _ => Err("a picture of a kind that is not read"),
    });
    match decoded {
        Some(Ok(Some(grey))) => search(item, &grey, look),
        Some(Ok(None)) => {}
        Some(Err(why)) => look.budget.cut(format!("{why}: {}", item.called())),
        None => look.budget.cut(format!("the picture {}", item.called())),
    }
}

/// Searches a picture for QR codes.
pub(super) fn search(item: &Item<'_>, grey: &Grey, look: &mut Look<'_, '_>) {
    if grey.width.min(grey.height) < SMALLEST_SIDE || grey.width * grey.height > grey.pixels.len() {
        return;
    }
    let step = grey.width.max(grey.height).div_ceil(LONGEST_SIDE).max(1);
    let (width, height) = (grey.width / step, grey.height / step);
    for inverted in [false, true] {
        let bright = |x: usize, y: usize| {
            let value = grey.pixels[y * step * grey.width + x * step];
            if inverted { 255 - value } else { value }
        };
        if !has_finder(width, height, &bright) {
            continue;
        }
        if !look.budget.qr_image((width * height) as u64) {
            look.budget.cut("QR codes of pictures beyond the bound");
            return;
        }
        let texts = qr::decode(width, height, &bright);
        if texts.is_none() {
            look.budget.cut(format!("the QR code of {}", item.called()));
        }
        for text in texts.unwrap_or_default() {
            look.text(&item.part, &text);
            for found in url::in_text(&text) {
                look.link(&found.url, "", Via::Qr, &item.part, 0);
                let says = format!(
                    "The picture {} holds a QR code that leads to {}.",
                    item.called(),
                    super::head(&found.url, 120)
                );
                look.seen(Signal::QrLink, says, &item.part, 0, &found.url);
            }
        }
    }
}

/// Whether some row crosses a finder pattern: dark and light in the ratio 1:1:3:1:1 (ISO/IEC 18004, section 5.3.2).
fn has_finder(width: usize, height: usize, bright: &dyn Fn(usize, usize) -> u8) -> bool {
    let mut hits = 0;
    for y in (0..height).step_by(2) {
        let (mut low, mut high) = (255, 0);
        for x in (0..width).step_by(2) {
            low = low.min(bright(x, y));
            high = high.max(bright(x, y));
        }
        if high - low < 60 {
            continue;
        }
        let middle = low + (high - low) / 2;
        let mut runs = [0_usize; 5];
        let mut dark = false;
        for x in 0..=width {
            let now = x < width && bright(x, y) < middle;
            if now == dark && x < width {
                runs[4] += 1;
                continue;
            }
            if dark {
                let unit = runs.iter().sum::<usize>() as f32 / 7.0;
                let near = |run: usize, units: f32| (run as f32 - units * unit).abs() <= 0.7 * unit.max(1.0);
                if runs.iter().all(|run| *run > 0)
                    && near(runs[0], 1.0)
                    && near(runs[1], 1.0)
                    && near(runs[2], 3.0)
                    && near(runs[3], 1.0)
                    && near(runs[4], 1.0)
                {
                    hits += 1;
                }
            }
            runs.rotate_left(1);
            runs[4] = 1;
            dark = now;
        }
        if hits >= 3 {
            return true;
        }
    }
    false
}

fn is_small(width: usize, height: usize) -> bool {
    width.min(height) < SMALLEST_SIDE
}

fn read_png(bytes: &[u8]) -> Result<Option<Grey>, &'static str> {
    let mut decoder =
        png::Decoder::new_with_limits(std::io::Cursor::new(bytes), png::Limits { bytes: 64 << 20 });
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let mut reader = decoder.read_info().map_err(|_| "a broken picture")?;
    let (width, height) = (reader.info().width as usize, reader.info().height as usize);
    if is_small(width, height) {
        return Ok(None);
    }
    if width as u64 * height as u64 > limits::MAX_IMAGE_PIXELS {
        return Err("a picture beyond 40 million pixels");
    }
    let mut out = vec![0; reader.output_buffer_size().ok_or("a broken picture")?];
    let info = reader.next_frame(&mut out).map_err(|_| "a broken picture")?;
    let channels = info.color_type.samples();
    Ok(Some(Grey {
        width,
        height,
        pixels: grey_of(&out[..info.buffer_size()], channels),
    }))
}

pub(super) fn read_jpeg(bytes: &[u8]) -> Result<Option<Grey>, &'static str> {
    let options = DecoderOptions::new_fast()
        .set_max_width(20_000)
        .set_max_height(20_000)
        .jpeg_set_out_colorspace(ColorSpace::Luma);
    let mut decoder = zune_jpeg::JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(|_| "a broken picture")?;
    let (width, height) = decoder.dimensions().ok_or("a broken picture")?;
    if is_small(width, height) {
        return Ok(None);
    }
    if width as u64 * height as u64 > limits::MAX_IMAGE_PIXELS {
        return Err("a picture beyond 40 million pixels");
    }
    let pixels = decoder.decode().map_err(|_| "a broken picture")?;
    let channels = (pixels.len() / (width * height).max(1)).max(1);
    Ok(Some(Grey {
        width,
        height,
        pixels: grey_of(&pixels, channels),
    }))
}

/// Grey of pixels of 1 to 4 channels; what is transparent is white, as a mail program shows it.
pub(super) fn grey_of(pixels: &[u8], channels: usize) -> Vec<u8> {
    pixels
        .chunks_exact(channels.max(1))
        .map(|pixel| {
            let (value, alpha) = match pixel {
                [grey] => (u32::from(*grey), 255),
                [grey, alpha] => (u32::from(*grey), u32::from(*alpha)),
                [r, g, b, rest @ ..] => (
                    (u32::from(*r) * 2 + u32::from(*g) * 5 + u32::from(*b)) / 8,
                    rest.first().map_or(255, |a| u32::from(*a)),
                ),
                [] => (255, 255),
            };
            ((value * alpha + 255 * (255 - alpha)) / 255) as u8
        })
        .collect()
}
