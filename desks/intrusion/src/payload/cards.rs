//! The pages of the detectors of this room, for people who run elections.

use pollwatch_model::DetectorCard;

/// The pages, in the order in which people should read them.
pub fn detector_cards() -> &'static [DetectorCard] {
    CARDS
}

const fn card(
    name: &'static str,
    sees: &'static str,
    matters: &'static str,
    cannot_tell: &'static str,
    measured_on: &'static str,
    sources: &'static str,
) -> DetectorCard {
    DetectorCard {
        name,
        sees,
        matters,
        cannot_tell,
        measured_on,
        sources,
    }
}

static CARDS: &[DetectorCard] = &[
    card(
        "sqli",
        "Database commands in an address, an agent or a referring page, however they are encoded: a second question joined to the site's own, conditions whose answer is known beforehand, orders to wait, statements that change tables. A text is read as a database would read it, and two independent signs are asked for; an apostrophe in a name is none.",
        "In June 2016 the voter registration of Illinois was entered in this way. Whoever gets through can read, and sometimes change, every record behind the page.",
        "Whether the database obeyed: that shows, if at all, in the sizes and durations of the answers, which are judged apart. What was sent in the body of a form is in no access log.",
        "104 requests of the OWASP Core Rule Set's tests that an access log can show, 2026-11-30: 94 found; 1,437 generated attack lines: all. None of 248,029 innocent lines and none of the 123 requests by which those tests guard against false alarms. Held-back cases were not looked at.",
        "Halfond, Viegas, Orso 2006 (a classification of SQL injection); the reference manuals of MySQL, PostgreSQL, SQL Server, Oracle and SQLite; tokens and shapes after the idea of libinjection (Galbreath 2012), written anew.",
    ),
    card(
        "traversal",
        "Addresses that climb out of the site's folder (../../), in any encoding, and the names of files that only a server's owner should ask for: passwords, keys, settings.",
        "A page that hands out files by name may hand out the server's passwords.",
        "Whether the file was handed out; a long answer with status 200 is a reason to look, and no proof.",
        "18 requests of the same tests, 2026-11-30: all found.",
        "MITRE CWE-22; RFC 3629, section 10, for over-long letters.",
    ),
    card(
        "xss",
        "HTML tags, attributes and addresses that make a browser run script, where a name or a search word belongs.",
        "A link with such an address makes your own site say what somebody else wrote, in your visitors' browsers.",
        "Whether the page showed it, and to whom the link was sent.",
        "58 requests of the same tests, 2026-11-30: 53 found; the payload of the other 5 is in no field that a log holds.",
        "WHATWG HTML, section 13.2 (how browsers read tags); OWASP XSS filter evasion notes.",
    ),
    card(
        "rce",
        "Commands of Unix and Windows shells where a value belongs: behind a sign that ends a command, or by themselves with an option or a path, also with quotes inside their words. Where a log holds headers: a file that a web server would run, by the name under which it is handed in.",
        "A page that passes such a value on runs it with the server's rights.",
        "Whether the server ran it. Names such as Ruby, Echo, NC and ID are commands too, and are left alone without an option or a path; so a bare command of such a name goes unseen.",
        "296 requests of the same tests, 2026-11-30: 282 found.",
        "POSIX.1-2024 utilities; the Windows command reference; MITRE CWE-78.",
    ),
    card(
        "php",
        "PHP code, settings, streams and serialised objects in a value; where a log holds the headers of a request (Caddy, JSON with $http_… fields, W3C with added columns), also a file that PHP would run, by the name under which it is handed in.",
        "Many county sites run on PHP; such a value is for taking the site over.",
        "Whether the site runs PHP at all, and whether the file was kept. A web master who hands a page in through the site's own form does the same. The names of most uploaded files travel in the body, which no log holds.",
        "133 requests of the same tests, 2026-12-01: 91 found as Apache's combined format writes them, which leaves out the header that 39 of the others carry it in; 130 found as Caddy writes them.",
        "The PHP manual; RFC 5023, section 9.7, RFC 6266 and the tus protocol for names of files; OWASP Core Rule Set test descriptions.",
    ),
    card(
        "java",
        "Lookups such as ${jndi:…} in any disguise, names of Java classes that run commands, serialised Java objects.",
        "In December 2021 one such line in any field that a server logged was enough to take it over (CVE-2021-44228).",
        "Whether the server looked the address up: look for a connection from it to the address that the line names.",
        "2 requests of the same tests, 2026-11-30: both found. Too few to speak of a rate.",
        "Apache Log4j security page; CVE-2021-44228; CVE-2022-22965.",
    ),
    card(
        "ssrf_ssti",
        "Addresses of the server's own network in a value, in any spelling of the number, and template or script expressions that the server is asked to work out.",
        "The first makes your server fetch what the sender cannot reach; the second runs the sender's code in your pages.",
        "Whether the server fetched or worked it out. A number like 49 in the answer to {{7*7}} would show it, and no log holds answers.",
        "174 requests of the same tests, 2026-11-30: 172 found.",
        "RFC 1122, 3927, 4291; Kettle 2015 (server-side template injection).",
    ),
    card(
        "rfi",
        "Addresses of program files on other servers, and schemes that pages have no use for, as the value of a parameter.",
        "A page that includes what it is told to runs the sender's program.",
        "A link to another site that somebody shares is no attack and looks much the same; plain addresses of other sites are therefore not spoken of.",
        "24 requests of the same tests, 2026-11-30: 20 found, 3 of them as mere signs.",
        "MITRE CWE-98.",
    ),
    card(
        "protocol",
        "Line ends that begin a header of their own, and filters for a directory service.",
        "They slip past a proxy, or make it keep a false page for others.",
        "Most protocol tricks leave nothing in an access log: 5 of 27 are found, and no more is claimed.",
        "27 requests of the same tests, 2026-11-30: 5 found.",
        "RFC 9112, section 11; RFC 4515.",
    ),
    card(
        "knownhole",
        "Requests whose shape belongs to one published hole of one product.",
        "Such holes are tried against every address of the internet within days; the same request is how the ones that matter begin.",
        "Whether you run that product, or a version with the hole.",
        "No public collection with a licence to use was at hand, so no rate is stated; the shapes are tested one by one (tests/specs).",
        "The advisories that each rule names; CISA's catalogue of known exploited vulnerabilities.",
    ),
    card(
        "scanner",
        "Tools that give their name in the agent or in what they send, and files that no page links to.",
        "The FBI's warning of August 2016 described exactly this order: a scanner first, then injection on the page that it found.",
        "An assessor whom you have paid looks the same: declare assessors. Surveys of the whole internet name themselves and attack nobody; they are a sign and no more.",
        "735 generated lines of a scanner, 2026-11-30: all found; none of 248,029 innocent lines.",
        "The tools' own sources and manuals; FBI FLASH of 2016-08-18 as quoted in the press; AA20-304A.",
    ),
    card(
        "webshell",
        "Pages with the names of published web shells, commands handed to a page by its parameters, program pages in folders for uploads.",
        "It is the sign that somebody is already inside.",
        "What the command answered. Shells that take commands in the body show only as a page that nobody links to.",
        "4 of 4 generated lines that carry a command, 2026-11-30; the upload before them carries no sign.",
        "NSA and ASD, detect and prevent web shell malware, 2020; MITRE T1505.003.",
    ),
];
