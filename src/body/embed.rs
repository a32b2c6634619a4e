//! Videos and sounds that stand elsewhere: a frame becomes a picture, a title and a link.
//!
//! Feed readers keep a frame or show nothing; letters never show one; and a frame tells its host who reads. So each
//! becomes `<figure data-embed="ADDRESS">`, with what can be told from its address alone: nobody is asked anything.
//!
//! BUGS: a picture's address is made by the host's own rule; whether the host still serves it is not checked.

use url::Url;

use super::Embed;
use super::tree::{Element, Node};

/// What a frame's address says.
struct Known {
    host: String,
    page: String,
    thumbnail: Option<String>,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Video,
    Sound,
    Page,
}

/// What the item says, for where the frame does not.
pub struct About<'a> {
    pub title: &'a str,
    pub image: Option<&'a str>,
    pub language: &'a str,
}

/// The embed of a frame with this address and this title.
pub fn embed(player: &Url, title: Option<&str>, about: &About) -> (Embed, Element) {
    let known = recognise(player);
    let title = match title.map(str::trim).filter(|title| !is_generic(title)) {
        Some(title) => title.to_string(),
        None => about.title.to_string(),
    };
    let thumbnail = known.thumbnail;
    let picture = thumbnail.as_deref().or(about.image);
    let caption = caption(known.kind, &title, &known.host, about.language);
    let mut figure = Element::new("figure").with("data-embed", known.page.clone());
    if let Some(picture) = picture {
        let image = Element::new("img").with("src", picture).with("alt", title.clone());
        figure = figure.child(Element::new("a").with("href", known.page.clone()).child(image));
    }
    let link = Element::new("a").with("href", known.page.clone()).child(Node::Text(caption));
    let figure = figure.child(Element::new("figcaption").child(link));
    (Embed { url: known.page, player: player.to_string(), title, thumbnail }, figure)
}

fn caption(kind: Kind, title: &str, host: &str, language: &str) -> String {
    let french = language.starts_with("fr");
    let what = match (kind, french) {
        (Kind::Video, true) => "Vidéo : ",
        (Kind::Video, false) => "Video: ",
        (Kind::Sound, true) => "À écouter : ",
        (Kind::Sound, false) => "Listen: ",
        (Kind::Page, _) => "",
    };
    format!("{what}{title} ({host})")
}

/// Titles that players give themselves.
fn is_generic(title: &str) -> bool {
    let title = title.to_lowercase();
    title.is_empty()
        || title.contains("video player")
        || title.contains("lecteur vidéo")
        || matches!(
            title.as_str(),
            "vimeo-player" | "iframe" | "video" | "vidéo" | "podcast" | "player" | "youtube" | "dailymotion"
        )
}

fn recognise(url: &Url) -> Known {
    let host = url.host_str().unwrap_or("");
    let bare = host.strip_prefix("www.").or_else(|| host.strip_prefix("m.")).unwrap_or(host);
    let path: Vec<&str> = url.path().split('/').filter(|part| !part.is_empty()).collect();
    let query = |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
    let known = match bare {
        "youtube.com" | "youtube-nocookie.com" => match path.as_slice() {
            ["embed", "videoseries"] | ["playlist"] => query("list")
                .filter(|id| is_id(id))
                .map(|id| known("YouTube", format!("https://www.youtube.com/playlist?list={id}"), None)),
            ["embed" | "shorts" | "live" | "v", id, ..] if is_id(id) => Some(youtube(id)),
            ["watch"] => query("v").filter(|id| is_id(id)).map(|id| youtube(&id)),
            _ => None,
        },
        "youtu.be" => path.first().filter(|id| is_id(id)).map(|id| youtube(id)),
        "dailymotion.com" => match path.as_slice() {
            ["embed", "video", id, ..] | ["video", id, ..] | ["swf", "video", id, ..] if is_id(id) => {
                Some(dailymotion(id))
            }
            _ => None,
        },
        "geo.dailymotion.com" => query("video").filter(|id| is_id(id)).map(|id| dailymotion(&id)),
        "dai.ly" => path.first().filter(|id| is_id(id)).map(|id| dailymotion(id)),
        "player.vimeo.com" | "vimeo.com" => {
            path.iter().find(|part| part.len() > 4 && part.bytes().all(|byte| byte.is_ascii_digit())).map(|id| {
                // The page of a video that is not listed needs its key.
                let key = query("h").filter(|key| is_id(key)).map(|key| format!("/{key}")).unwrap_or_default();
                known("Vimeo", format!("https://vimeo.com/{id}{key}"), None)
            })
        }
        "embed.acast.com" | "play.acast.com" | "shows.acast.com" => acast(&path),
        "open.spotify.com" => {
            let path =
                path.strip_prefix(&["embed"]).or_else(|| path.strip_prefix(&["embed-podcast"])).unwrap_or(&path);
            Some(Known {
                kind: Kind::Sound,
                ..known("Spotify", format!("https://open.spotify.com/{}", path.join("/")), None)
            })
        }
        "w.soundcloud.com" => query("url")
            .filter(|page| page.starts_with("https://") || page.starts_with("http://"))
            .and_then(|page| Url::parse(&page).ok())
            .map(|page| Known { kind: Kind::Sound, ..known("SoundCloud", page.to_string(), None) }),
        _ => match path.as_slice() {
            // PeerTube: on any host, known by its path.
            ["videos", "embed", id] if is_id(id) => {
                let page = url.join(&format!("/w/{id}")).map_or_else(|_| url.to_string(), |page| page.to_string());
                Some(known(host, page, None))
            }
            _ => None,
        },
    };
    known.unwrap_or_else(|| Known { kind: Kind::Page, ..known_page(bare, url) })
}

fn known(host: &str, page: String, thumbnail: Option<String>) -> Known {
    Known { host: host.to_string(), page, thumbnail, kind: Kind::Video }
}

fn known_page(host: &str, url: &Url) -> Known {
    known(host, url.to_string(), None)
}

fn youtube(id: &str) -> Known {
    let thumbnail = format!("https://i.ytimg.com/vi/{id}/hqdefault.jpg");
    known("YouTube", format!("https://www.youtube.com/watch?v={id}"), Some(thumbnail))
}

fn dailymotion(id: &str) -> Known {
    let thumbnail = format!("https://www.dailymotion.com/thumbnail/video/{id}");
    known("Dailymotion", format!("https://www.dailymotion.com/video/{id}"), Some(thumbnail))
}

/// `embed.acast.com/$/SHOW/EPISODE` and `embed.acast.com/SHOW/EPISODE`.
fn acast(path: &[&str]) -> Option<Known> {
    let path = path.strip_prefix(&["$"]).or_else(|| path.strip_prefix(&["s"])).unwrap_or(path);
    let page = match path {
        [show, episode, ..] => format!("https://shows.acast.com/{show}/episodes/{episode}"),
        [show] => format!("https://shows.acast.com/{show}"),
        [] => return None,
    };
    Some(Known { kind: Kind::Sound, ..known("Acast", page, None) })
}

fn is_id(id: &str) -> bool {
    !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_host_has_its_page() {
        for (player, page) in [
            ("https://www.youtube-nocookie.com/embed/aB-_1?rel=0", "https://www.youtube.com/watch?v=aB-_1"),
            ("https://youtu.be/aB1", "https://www.youtube.com/watch?v=aB1"),
            ("https://www.youtube.com/shorts/aB1", "https://www.youtube.com/watch?v=aB1"),
            ("https://www.dailymotion.com/embed/video/x9368gg?a=1", "https://www.dailymotion.com/video/x9368gg"),
            ("https://geo.dailymotion.com/player.html?video=x9368gg", "https://www.dailymotion.com/video/x9368gg"),
            (
                "https://geo.dailymotion.com/player/xkcd1.html?video=x9368gg",
                "https://www.dailymotion.com/video/x9368gg",
            ),
            ("https://dai.ly/x9368gg", "https://www.dailymotion.com/video/x9368gg"),
            ("https://player.vimeo.com/video/123456?h=ab12", "https://vimeo.com/123456/ab12"),
            ("https://tube.example.org/videos/embed/0f-1?x=1", "https://tube.example.org/w/0f-1"),
            ("https://embed.acast.com/$/s1/e1?", "https://shows.acast.com/s1/episodes/e1"),
            ("https://open.spotify.com/embed/episode/6a?utm=1", "https://open.spotify.com/episode/6a"),
            (
                "https://w.soundcloud.com/player/?url=https%3A//api.soundcloud.com/tracks/1",
                "https://api.soundcloud.com/tracks/1",
            ),
            ("https://grist.example.org/forms/1?embed=true", "https://grist.example.org/forms/1?embed=true"),
        ] {
            assert_eq!(recognise(&Url::parse(player).expect("an address")).page, page);
        }
    }
}
