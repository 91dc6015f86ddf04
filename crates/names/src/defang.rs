//! Writing an address so that nobody follows it by accident, and reading it back.

/// The dots that separate labels in what people type (UTS 46, section 4, and RFC 3490, section 3.1).
const LABEL_DOTS: [char; 4] = ['.', '\u{3002}', '\u{ff0e}', '\u{ff61}'];

/// An address (domain name, URL, mail address or IP address) that no program makes a link of: `hxxps://login[.]example`.
///
/// Every dot goes into brackets, and so does `@`; the schemes `http`, `https` and `ftp` become `hxxp`, `hxxps` and `fxp`. It is
/// meant for a single value; in running text it would bracket the full stops too.
///
/// ```
/// assert_eq!(pollwatch_names::defang("https://adfs-senate.services/a"), "hxxps://adfs-senate[.]services/a");
/// ```
pub fn defang(address: &str) -> String {
    let mut safe = String::with_capacity(address.len() + 8);
    for c in address.chars() {
        if LABEL_DOTS.contains(&c) || c == '@' {
            safe.extend(['[', c, ']']);
        } else {
            safe.push(c);
        }
    }
    defang_schemes(&safe)
}

/// Running text in which `http://`, `https://` and `ftp://`, in any mix of cases, became `hxxp://`, `hxxps://` and `fxp://`.
///
/// Names in it are left as they are: which of them are hostile is for the caller to know.
pub fn defang_schemes(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (head, tail) = rest.split_at(at);
        let is_scheme = |scheme: &str| {
            let begin = head.len().checked_sub(scheme.len())?;
            let is_there = head.get(begin..)?.eq_ignore_ascii_case(scheme);
            is_there.then(|| &head[..begin])
        };
        let known = [("https", "hxxps"), ("http", "hxxp"), ("ftp", "fxp")];
        match known
            .iter()
            .find_map(|(scheme, written)| Some((is_scheme(scheme)?, written)))
        {
            Some((before, written)) => safe.extend([before, *written]),
            None => safe.push_str(head),
        }
        safe.push_str("://");
        rest = &tail["://".len()..];
    }
    safe.push_str(rest);
    safe
}

/// The address that [`defang`] made safe to read: for those who mean to search for it.
///
/// ```
/// assert_eq!(pollwatch_names::refang("hxxps://adfs-senate[.]services/a"), "https://adfs-senate.services/a");
/// ```
pub fn refang(text: &str) -> String {
    let mut address = text
        .replace("hxxps://", "https://")
        .replace("hxxp://", "http://")
        .replace("fxp://", "ftp://")
        .replace("[@]", "@");
    for dot in LABEL_DOTS {
        address = address.replace(&format!("[{dot}]"), &dot.to_string());
    }
    address
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_defanged_reads_back() {
        for address in [
            "adfs-senate.services",
            "https://evil.example/login.php?a=b",
            "http://192.0.2.7:8080/",
            "ftp://evil.example/",
            "clerk@evil.example",
            "evil\u{3002}example",
            "",
        ] {
            let safe = defang(address);
            assert!(
                !safe.contains("http") && !safe.replace("[.]", "").contains('.'),
                "{safe}"
            );
            assert_eq!(refang(&safe), address);
        }
    }

    #[test]
    fn a_scheme_in_any_case_and_any_place_is_defanged() {
        assert_eq!(defang("HTTPS://a.b"), "hxxps://a[.]b");
        assert_eq!(defang("http://a.b/?u=http://c.d"), "hxxp://a[.]b/?u=hxxp://c[.]d");
    }
}
