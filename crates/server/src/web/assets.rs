//! Styles, scripts and the icon, inside the binary, under names that change with their contents.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use ring::digest;

/// A file that browsers fetch.
struct Asset {
    name: &'static str,
    media_type: &'static str,
    bytes: &'static str,
}

const ASSETS: [Asset; 4] = [
    Asset {
        name: "console.css",
        media_type: "text/css; charset=utf-8",
        bytes: include_str!("../../assets/console.css"),
    },
    Asset {
        name: "console.js",
        media_type: "text/javascript; charset=utf-8",
        bytes: include_str!("../../assets/console.js"),
    },
    Asset {
        name: "htmx.js",
        media_type: "text/javascript; charset=utf-8",
        bytes: include_str!("../../assets/htmx-2.0.11.min.js"),
    },
    Asset {
        name: "icon.svg",
        media_type: "image/svg+xml",
        bytes: include_str!("../../assets/icon.svg"),
    },
];

/// The address of each, in the order of [`ASSETS`].
static URLS: LazyLock<Vec<String>> = LazyLock::new(|| {
    ASSETS
        .iter()
        .map(|asset| {
            let digest = digest::digest(&digest::SHA256, asset.bytes.as_bytes());
            format!("/static/{}-{}", hex::encode(&digest.as_ref()[..6]), asset.name)
        })
        .collect()
});

/// The address of a file.
pub(crate) fn url(name: &str) -> &'static str {
    let place = ASSETS.iter().position(|asset| asset.name == name);
    debug_assert!(place.is_some(), "there is no file {name}");
    place.map_or("", |place| URLS[place].as_str())
}

pub(crate) async fn serve(Path(name): Path<String>) -> Response {
    let asset = URLS
        .iter()
        .position(|url| url.strip_prefix("/static/") == Some(name.as_str()))
        .map(|place| &ASSETS[place]);
    match asset {
        Some(asset) => (
            [
                (header::CONTENT_TYPE, asset.media_type),
                (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
            ],
            asset.bytes,
        )
            .into_response(),
        None => (StatusCode::NOT_FOUND, "No such file.\n").into_response(),
    }
}
