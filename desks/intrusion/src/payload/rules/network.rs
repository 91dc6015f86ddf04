//! Addresses where a value belongs: the server is asked to fetch them.

use crate::Class::{Rfi, SsrfSsti};
use crate::hit::Weight::{Sign, Strong};

use super::rule::{Rule, Scope, rule};

pub(super) const RULES: &[Rule] = &[
    rule(
        SsrfSsti,
        "own-network-address",
        Strong,
        Scope::PARAMETER,
        &["://", ":/", "http:", "https:", "ftp:", "gopher:", "url:", "\\\\"],
        concat!(
            r"^\s*(?:url:)?[a-z][a-z0-9+._-]{1,20}:/{0,3}(?:[^/@\s]*@)?(?:",
            // The machine itself and its provider's description of it (RFC 1122, 3927; cloud metadata services).
            r"localhost\b|127(?:\.\d{1,10}){1,3}\b|0(?:\.0){0,3}(?:[:/]|$)|169\.254(?:\.\d{1,5}){1,2}|10(?:\.\d{1,3}){3}\b|192\.168(?:\.\d{1,3}){2}\b|172\.(?:1[6-9]|2\d|3[01])(?:\.\d{1,3}){2}\b|metadata\.google|100\.100\.100\.200|",
            // The same in other numbers.
            r"\d{8,10}(?:[:/]|$)|0x[0-9a-f]{8,20}(?:[:/]|$)|(?:0x[0-9a-f]{1,8}\.){3}0x[0-9a-f]{1,8}|(?:0\d{1,7}\.){3}0\d{1,7}|0\d{9,12}(?:[:/]|$)|\d{1,3}\.\d{5,8}(?:[:/]|$)|\d{1,3}\.\d{1,3}\.\d{3,5}(?:[:/]|$)|",
            // Addresses of version 6, which no link to a site is written with.
            r"\[[0-9a-f:.]*:[0-9a-f:.]*(?:%\w+)?\]|",
            // Names that stand for them.
            r"(?:[\w-]+\.)*(?:localtest\.me|lvh\.me|vcap\.me|nip\.io|sslip\.io|xip\.io|internal|localdomain|svc\.cluster\.local|docker\.internal|containers\.internal|burpcollaborator\.net|oastify\.com|oast\.\w+|interact\.sh|interactsh\.com|dnslog\.\w+|ceye\.io|webhook\.site|requestbin\.\w+|canarytokens\.com|ngrok\.io|ngrok-free\.app)\b|",
            r"\\\\)",
        ),
    ),
    rule(
        SsrfSsti,
        "own-network-name",
        Strong,
        Scope::PARAMETER,
        &[
            "localhost",
            "loopback",
            "docker.internal",
            "containers.internal",
            "cluster.local",
            "localtest.me",
            "lvh.me",
        ],
        r"^\s*(?:(?:localhost|ip6-localhost|ip6-loopback|ipv6-localhost|ipv6-loopback|loopback)[46]?(?:\.localdomain[46]?)?|(?:[\w-]+\.)*(?:docker\.internal|containers\.internal|svc\.cluster\.local|localtest\.me|lvh\.me))\s*(?::\d+)?/",
    ),
    rule(
        SsrfSsti,
        "two-hosts",
        Strong,
        Scope::PARAMETER,
        &["@"],
        r"^\s*[a-z][a-z0-9+.-]+:/{2}[^/]*(?:[\s#&\\][^/]*@|%2f[^/]*@)",
    ),
    rule(
        Rfi,
        "user-in-address",
        Strong,
        Scope::PARAMETER,
        &["@"],
        r"^\s*(?:url:)?(?:https?|ftps?)://[^\s/?#]*[/:][^\s?#]*@[\w.-]+/?|^\s*https?://[^\s/?#@]+@[\w.-]+\.\w+",
    ),
    rule(
        Rfi,
        "odd-scheme",
        Strong,
        Scope::PARAMETER,
        &["://", "file:", "jar:", "netdoc:", "dict:", "gopher:"],
        r"^\s*(?:url:\s*)?(?:file|ftps?|tftp|sftp|gopher|dict|ldaps?|ldapi|jar|netdoc|local_file|smb|nfs|rsync|telnet|rtsps?|rtmp|imaps?|pop3s?|smtps?|ssh|svn(?:\+ssh)?|git(?:\+ssh)?|cvs|view-source|mailbox|nntp|rmi|jdbc|unix|xri|acap|irc[6s]?|coap|s3|gs|dav|udp|tcp|tls|ssl|webdavs?|ogg)(?::[a-z]+)*:/{1,3}",
    ),
    rule(
        Rfi,
        "code-elsewhere",
        Strong,
        Scope::PARAMETER,
        &["http", "ftp", "//"],
        r"^\s*(?:url:)?(?:https?:|ftps?:)?//(?:\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-f:.]+\]|(?:[0-9a-f]{1,4}:){2,7}[0-9a-f:]+)(?::\d+)?/|^\s*(?:url:)?(?:https?|ftps?)://[^?\s]{1,300}\.(?:php\d?|phtml|txt|inc|sh|pl|py|cgi|asp|jsp|dat|bak|ps1|exe|elf|bin)\?*(?:$|[?&;|\s])",
    ),
    rule(
        Rfi,
        "acunetix-address",
        Strong,
        Scope::ANY,
        &[
            "some-inexistent-website.acu",
            ".bxss.me",
            "bxss.me",
            "inexistent_file_with_long_name",
            "cirt.net/rfiinc",
        ],
        r"some-inexistent-website\.acu|bxss\.me|some_inexistent_file|cirt\.net/rfiinc",
    ),
    rule(
        Rfi,
        "port-in-address",
        Sign,
        Scope::PARAMETER,
        &["http"],
        r"^\s*https?://[\w.-]+:\d{2,5}(?:/|$)|^\s*https?://[\w-]+\.(?:com|org|net|gov|edu)\.[\w-]+\.\w{2,}(?:/|$)",
    ),
    rule(
        SsrfSsti,
        "metadata-service",
        Strong,
        Scope::PARAMETER,
        &[
            "/latest/meta-data",
            "/computemetadata/",
            "/metadata/instance",
            "/latest/user-data",
            "/openstack/latest",
        ],
        r"/latest/(?:meta|user)-data|/computemetadata/v\d|/metadata/instance|/openstack/latest",
    ),
];
