//! What each rule says, in words for people.

use crate::Class;

/// One rule, as people read of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RuleCard {
    /// Its stable name.
    pub name: &'static str,
    /// The class that it speaks for.
    pub class: Class,
    /// What the request does, as the end of a sentence that begins "This request".
    pub text: &'static str,
}

/// Every rule, by name.
pub static RULES: &[RuleCard] = &[
    card(
        "active-tag",
        Class::Xss,
        "carries an HTML tag that runs or loads something",
    ),
    card(
        "acunetix-address",
        Class::Rfi,
        "gives the test address of a scanner",
    ),
    card(
        "administration-command",
        Class::Rce,
        "is a command of an administrator's tool",
    ),
    card("alias", Class::Rce, "gives a command another name"),
    card(
        "angle-fragment",
        Class::Xss,
        "closes one HTML tag so as to open another",
    ),
    card(
        "asks-for-proxy",
        Class::Scanner,
        "asks the server to connect to another one, as an open proxy would",
    ),
    card("asks-what-it-is", Class::Sqli, "asks the database what it is"),
    card("bare-tautology", Class::Sqli, "is nothing but an equation"),
    card(
        "batch-condition",
        Class::Rce,
        "is a condition of a Windows batch file",
    ),
    card("batch-loop", Class::Rce, "is a loop of a Windows batch file"),
    card(
        "binary-path",
        Class::Rce,
        "names a program of the system by its path",
    ),
    card(
        "brace-expansion",
        Class::Rce,
        "hides a command in a shell's braces",
    ),
    card(
        "client-template",
        Class::Xss,
        "gives the browser's template an expression to work out",
    ),
    card(
        "climbs-folders",
        Class::Traversal,
        "climbs out of the site's folder",
    ),
    card("climbs-once", Class::Traversal, "climbs out of a folder"),
    card(
        "climbs-once-windows",
        Class::Traversal,
        "climbs out of a folder, as Windows writes it",
    ),
    card(
        "climbs-to-file",
        Class::Traversal,
        "climbs out of a folder to a file of the server",
    ),
    card(
        "code-elsewhere",
        Class::Rfi,
        "gives the address of a program file on another server",
    ),
    card(
        "command-after-sign",
        Class::Rce,
        "ends one command and begins another",
    ),
    card("command-parameter", Class::WebShell, "hands a command to a page"),
    card(
        "command-runs-command",
        Class::Rce,
        "is a command that runs another",
    ),
    card(
        "command-then-sign",
        Class::Rce,
        "is a command with another behind it",
    ),
    card(
        "command-with-option",
        Class::Rce,
        "is a command with an option or a path",
    ),
    card(
        "cve-2014-6271",
        Class::KnownHole,
        "uses the hole of the bash shell (CVE-2014-6271)",
    ),
    card(
        "cve-2017-12149",
        Class::KnownHole,
        "uses a hole of JBoss (CVE-2017-12149)",
    ),
    card(
        "cve-2017-5638",
        Class::KnownHole,
        "uses a hole of Struts (CVE-2017-5638)",
    ),
    card(
        "cve-2017-9841",
        Class::KnownHole,
        "uses a hole of PHPUnit (CVE-2017-9841)",
    ),
    card(
        "cve-2018-1000861",
        Class::KnownHole,
        "uses a hole of Jenkins (CVE-2018-1000861)",
    ),
    card(
        "cve-2018-13379",
        Class::KnownHole,
        "uses a hole of Fortinet gateways (CVE-2018-13379, CVE-2022-40684)",
    ),
    card(
        "cve-2018-20062",
        Class::KnownHole,
        "uses a hole of ThinkPHP (CVE-2018-20062)",
    ),
    card(
        "cve-2018-7600",
        Class::KnownHole,
        "uses a hole of Drupal (CVE-2018-7600)",
    ),
    card(
        "cve-2019-11510",
        Class::KnownHole,
        "uses a hole of Pulse and Ivanti gateways (CVE-2019-11510, CVE-2024-21887)",
    ),
    card(
        "cve-2019-16759",
        Class::KnownHole,
        "uses a hole of vBulletin (CVE-2019-16759)",
    ),
    card(
        "cve-2019-18935",
        Class::KnownHole,
        "uses a hole of Telerik (CVE-2019-18935)",
    ),
    card(
        "cve-2019-19781",
        Class::KnownHole,
        "uses a hole of Citrix gateways (CVE-2019-19781)",
    ),
    card(
        "cve-2020-14882",
        Class::KnownHole,
        "uses a hole of WebLogic (CVE-2020-14882)",
    ),
    card(
        "cve-2020-5902",
        Class::KnownHole,
        "uses a hole of F5 gateways (CVE-2020-5902, CVE-2022-1388)",
    ),
    card(
        "cve-2021-3129",
        Class::KnownHole,
        "uses a hole of Laravel (CVE-2021-3129)",
    ),
    card(
        "cve-2021-34473",
        Class::KnownHole,
        "uses a hole of Exchange (CVE-2021-34473)",
    ),
    card(
        "cve-2021-41773",
        Class::KnownHole,
        "uses a hole of Apache 2.4.49 (CVE-2021-41773)",
    ),
    card(
        "cve-2022-22947",
        Class::KnownHole,
        "asks for the inside of a Spring application (CVE-2022-22947)",
    ),
    card(
        "cve-2022-22965",
        Class::KnownHole,
        "uses a hole of Spring (CVE-2022-22965)",
    ),
    card(
        "cve-2022-26134",
        Class::KnownHole,
        "uses a hole of Confluence (CVE-2021-26084, CVE-2022-26134, CVE-2023-22515)",
    ),
    card(
        "cve-2023-26360",
        Class::KnownHole,
        "uses a hole of ColdFusion (CVE-2023-26360)",
    ),
    card(
        "cve-2024-1709",
        Class::KnownHole,
        "uses a hole of ScreenConnect (CVE-2024-1709)",
    ),
    card(
        "cve-2024-3400",
        Class::KnownHole,
        "uses a hole of PAN-OS (CVE-2024-3400)",
    ),
    card(
        "data-url",
        Class::SsrfSsti,
        "gives an address that is the content itself (data:)",
    ),
    card(
        "database-name",
        Class::Sqli,
        "names a table or function that only a database's owner uses",
    ),
    card(
        "database-shell-command",
        Class::Rce,
        "is a command of a database's own shell",
    ),
    card(
        "directory-filter",
        Class::Protocol,
        "breaks out of a query to a directory service (LDAP)",
    ),
    card(
        "document-operator",
        Class::Sqli,
        "puts an operator of a document database where a value belongs",
    ),
    card(
        "document-script",
        Class::Sqli,
        "carries script for a document database",
    ),
    card(
        "document-type",
        Class::Xss,
        "declares entities or documents of its own (XML)",
    ),
    card(
        "drop-short",
        Class::Sqli,
        "deletes a table and cuts off what follows",
    ),
    card(
        "endless-loop",
        Class::SsrfSsti,
        "carries a loop that does not end",
    ),
    card(
        "environment-file",
        Class::Traversal,
        "names a file with a program's environment",
    ),
    card("escaped-script", Class::Xss, "hides script in letter codes"),
    card(
        "expression-language",
        Class::Rce,
        "calls objects of the Windows script host or of ASP",
    ),
    card(
        "file-transfer-server",
        Class::KnownHole,
        "uses a hole of file transfer servers (CVE-2023-34362, CVE-2021-27101)",
    ),
    card(
        "function-in-header",
        Class::Rce,
        "defines a function for the shell",
    ),
    card(
        "gateway-hole",
        Class::KnownHole,
        "uses a hole of a gateway or mail server",
    ),
    card(
        "glued-union",
        Class::Sqli,
        "asks for the records of another table",
    ),
    card("handler", Class::Xss, "sets an attribute that runs script"),
    card(
        "header-splitting",
        Class::Protocol,
        "ends the header and begins another",
    ),
    card(
        "iis-short-name",
        Class::KnownHole,
        "guesses short file names of IIS",
    ),
    card("installs-software", Class::Rce, "installs software"),
    card(
        "java-class",
        Class::Java,
        "names a class of Java that runs commands or loads code",
    ),
    card(
        "java-expression",
        Class::Java,
        "gives the server a Java expression to work out",
    ),
    card("java-object", Class::Java, "carries a serialised Java object"),
    card(
        "java-object-bytes",
        Class::Java,
        "carries a serialised Java object",
    ),
    card(
        "jndi-lookup",
        Class::Java,
        "asks the server's log writer to fetch an object from elsewhere (JNDI)",
    ),
    card("job-at-time", Class::Rce, "orders a job for a time of day"),
    card(
        "log4j-lookup",
        Class::Java,
        "asks the server's log writer to work out an expression",
    ),
    card(
        "lone-command-after-sign",
        Class::Rce,
        "ends one command and begins another",
    ),
    card(
        "mail-command",
        Class::Rce,
        "begins a new line with a command for a mail server",
    ),
    card(
        "metadata-service",
        Class::SsrfSsti,
        "asks for the description that a cloud provider gives a server of itself",
    ),
    card(
        "mysql-comment",
        Class::Sqli,
        "hides words in a comment that MySQL executes",
    ),
    card(
        "null-safe-comparison",
        Class::Sqli,
        "compares two values as only a database does",
    ),
    card(
        "number-that-hangs",
        Class::Sqli,
        "is a number on which old servers hang",
    ),
    card(
        "odd-scheme",
        Class::Rfi,
        "gives an address of a kind that web pages have no use for",
    ),
    card(
        "open-store",
        Class::KnownHole,
        "uses a store of data that stands open",
    ),
    card(
        "own-network-address",
        Class::SsrfSsti,
        "asks the server to fetch an address of its own network",
    ),
    card(
        "own-network-name",
        Class::SsrfSsti,
        "asks the server to fetch an address of its own network",
    ),
    card(
        "perl-interpolation",
        Class::SsrfSsti,
        "gives Perl an expression to work out",
    ),
    card(
        "php-braced-variable",
        Class::Php,
        "names a PHP variable by an expression",
    ),
    card(
        "php-callable-string",
        Class::Php,
        "calls a PHP function whose name is a string",
    ),
    card(
        "php-cgi-argument",
        Class::KnownHole,
        "gives PHP its options by the address (CVE-2012-1823, CVE-2024-4577)",
    ),
    card("php-comment-escape", Class::Php, "ends or begins PHP code"),
    card(
        "php-empty-call",
        Class::Php,
        "is nothing but a call of a PHP function",
    ),
    card(
        "php-file-upload",
        Class::Php,
        "hands in a file that PHP would run, by the name in a header",
    ),
    card("php-function", Class::Php, "calls a function of PHP"),
    card("php-global", Class::Php, "reads PHP's own variables"),
    card(
        "php-letter-codes",
        Class::Php,
        "spells text by the codes of its letters",
    ),
    card("php-object", Class::Php, "carries a serialised PHP object"),
    card(
        "php-session-upload",
        Class::Php,
        "hands in a file named as PHP names a visitor's session",
    ),
    card("php-setting", Class::Php, "sets an option of PHP"),
    card(
        "php-short-function",
        Class::Php,
        "calls a function of PHP with code as its argument",
    ),
    card("php-tag", Class::Php, "opens a passage of PHP code"),
    card(
        "php-variable-call",
        Class::Php,
        "calls a PHP function whose name is in a variable",
    ),
    card(
        "php-wrapped-code",
        Class::Php,
        "carries PHP code inside an address of the form data://",
    ),
    card(
        "php-wrapper",
        Class::Php,
        "names a PHP stream that reads code or files past the application",
    ),
    card(
        "plugin-upload",
        Class::KnownHole,
        "asks for an upload page of a plug-in",
    ),
    card("port-in-address", Class::Rfi, "gives an address with a port"),
    card("powershell", Class::Rce, "runs PowerShell"),
    card(
        "program-file-upload",
        Class::Rce,
        "hands in a file that a web server would run, by the name in a header",
    ),
    card(
        "python-internals",
        Class::SsrfSsti,
        "reaches for Python's internals",
    ),
    card(
        "quote-probe",
        Class::Sqli,
        "tries quotes and brackets to see what breaks",
    ),
    card(
        "quoted-handler",
        Class::Xss,
        "leaves an attribute's quotes and sets one that runs script",
    ),
    card(
        "related-field-lookup",
        Class::Sqli,
        "asks for a field of another table by a name of the web framework",
    ),
    card(
        "reverse-shell",
        Class::Rce,
        "opens a connection from a shell to somewhere else",
    ),
    card(
        "router-command",
        Class::KnownHole,
        "uses a hole of home routers and cameras",
    ),
    card(
        "ruby-call",
        Class::SsrfSsti,
        "calls a function of Ruby that runs commands or reads files",
    ),
    card("runs-script-file", Class::Rce, "runs a script file"),
    card(
        "script-among-uploads",
        Class::WebShell,
        "runs a page in a folder for uploads",
    ),
    card(
        "script-call",
        Class::Xss,
        "calls a function of the browser's script",
    ),
    card("script-url", Class::Xss, "gives an address that runs script"),
    card(
        "script-without-letters",
        Class::Xss,
        "spells script without letters",
    ),
    card(
        "secret-file",
        Class::Traversal,
        "names a file with secrets of the server",
    ),
    card(
        "secret-file-probe",
        Class::Scanner,
        "asks for a file with secrets that no page links to",
    ),
    card(
        "server-script",
        Class::SsrfSsti,
        "carries script for the server to run",
    ),
    card(
        "shell-name",
        Class::WebShell,
        "asks for a page with the name of a published web shell",
    ),
    card(
        "shell-variable",
        Class::Rce,
        "uses a shell's variables to hide a blank or a letter",
    ),
    card(
        "spaced-tag",
        Class::Xss,
        "carries an HTML tag with blanks between its letters",
    ),
    card(
        "split-command",
        Class::Rce,
        "is a command with quotes or signs inside its words",
    ),
    card(
        "sql-call-out",
        Class::Sqli,
        "makes the database wait, read a file or reach out",
    ),
    card(
        "sql-case",
        Class::Sqli,
        "adds a choice to the database's question",
    ),
    card(
        "sql-cast",
        Class::Sqli,
        "turns a column into another type, as only a database does",
    ),
    card(
        "sql-catalogue",
        Class::Sqli,
        "asks the database what tables it has",
    ),
    card(
        "sql-code-string",
        Class::Sqli,
        "spells text by the codes of its letters",
    ),
    card(
        "sql-comment-ends",
        Class::Sqli,
        "cuts the database's question short with a comment",
    ),
    card("sql-concat", Class::Sqli, "joins a question of its own to a text"),
    card(
        "sql-condition",
        Class::Sqli,
        "adds a condition to the database's question",
    ),
    card(
        "sql-executed-comment",
        Class::Sqli,
        "hides words in a comment that MySQL executes",
    ),
    card("sql-having", Class::Sqli, "adds a condition on groups of records"),
    card(
        "sql-hidden-words",
        Class::Sqli,
        "hides words of a database in comments",
    ),
    card("sql-if", Class::Sqli, "adds a choice to the database's question"),
    card("sql-json", Class::Sqli, "compares JSON as only a database does"),
    card(
        "sql-like",
        Class::Sqli,
        "adds a comparison to the database's question",
    ),
    card("sql-limit", Class::Sqli, "asks for one record after another"),
    card(
        "sql-order",
        Class::Sqli,
        "sorts by a column's number, to learn how many there are",
    ),
    card("sql-select", Class::Sqli, "is a question to a database"),
    card(
        "sql-stacked",
        Class::Sqli,
        "ends the database's question and begins a statement of its own",
    ),
    card("sql-statement", Class::Sqli, "is a statement of a database"),
    card(
        "sql-subquery",
        Class::Sqli,
        "puts a question of its own inside the database's question",
    ),
    card(
        "sql-tautology",
        Class::Sqli,
        "adds a condition whose answer is known beforehand",
    ),
    card("sql-union", Class::Sqli, "asks for the records of another table"),
    card(
        "statement",
        Class::Sqli,
        "is a statement that changes a database or runs something in it",
    ),
    card("statement-after-blank", Class::Sqli, "makes the database wait"),
    card("style-script", Class::Xss, "runs script from a style sheet"),
    card(
        "substituted-command",
        Class::Rce,
        "puts a command's output in place of itself",
    ),
    card(
        "system-file",
        Class::Traversal,
        "names a file of the operating system",
    ),
    card("tag-breakout", Class::Xss, "leaves an attribute and its tag"),
    card(
        "tag-with-handler",
        Class::Xss,
        "carries an HTML tag with an attribute that runs or loads something",
    ),
    card(
        "tagged-template-call",
        Class::Xss,
        "calls a script function without brackets",
    ),
    card(
        "template-arithmetic",
        Class::SsrfSsti,
        "asks a page template to do a sum, which shows whether it would run code",
    ),
    card(
        "template-expression",
        Class::SsrfSsti,
        "gives a page template an expression to work out",
    ),
    card(
        "template-variable",
        Class::Php,
        "is nothing but a template's variable",
    ),
    card(
        "tool-agent",
        Class::Scanner,
        "is sent by a tool that names itself",
    ),
    card("tool-trace", Class::Scanner, "carries a tool's own mark"),
    card(
        "two-hosts",
        Class::SsrfSsti,
        "gives an address that two programs read as two different hosts",
    ),
    card("unknown-tag", Class::Xss, "carries an HTML tag"),
    card(
        "unlinked-file-probe",
        Class::Scanner,
        "asks for a page of administration or of another product",
    ),
    card(
        "user-in-address",
        Class::Rfi,
        "gives an address with another host hidden behind a name",
    ),
    card("utf7-tag", Class::Xss, "hides a tag in UTF-7"),
    card(
        "value-begins-with-sign",
        Class::Rce,
        "ends one command and begins another",
    ),
    card("wildcard-path", Class::Rce, "names a program by wildcards"),
    card("windows-command", Class::Rce, "runs a Windows command"),
    card(
        "word-command-after-sign",
        Class::Rce,
        "ends one command and begins another, with an option or a path",
    ),
    card("worm", Class::KnownHole, "uses a hole that old worms spread by"),
    card("writes-file", Class::Traversal, "writes a file"),
];

const fn card(name: &'static str, class: Class, text: &'static str) -> RuleCard {
    RuleCard { name, class, text }
}

/// What the rule of this name says; the name itself where there is none.
pub fn rule_text(rule: &str) -> &str {
    match RULES.binary_search_by(|card| card.name.cmp(rule)) {
        Ok(place) => RULES[place].text,
        Err(_) => rule,
    }
}

#[cfg(test)]
mod tests {
    use super::super::rules::TABLES;
    use super::{RULES, rule_text};

    #[test]
    fn every_rule_has_its_words_and_no_words_are_left_over() {
        let mut known: Vec<&str> = TABLES.iter().copied().flatten().map(|rule| rule.name).collect();
        known.extend(super::super::sql::rule_names());
        known.extend(["tool-agent", "tool-trace", "split-command", "command-parameter"]);
        known.extend([
            "php-file-upload",
            "php-session-upload",
            "program-file-upload",
            "asks-for-proxy",
        ]);
        known.sort_unstable();
        known.dedup();
        let worded: Vec<&str> = RULES.iter().map(|card| card.name).collect();
        assert_eq!(worded, known);
        assert_eq!(rule_text("sql-union"), "asks for the records of another table");
    }

    #[test]
    fn every_pattern_holds_one_of_the_literals_that_it_needs() {
        for rule in TABLES.iter().copied().flatten() {
            assert!(!rule.needs.is_empty(), "{}", rule.name);
            assert!(
                rule.needs.iter().all(|need| *need == need.to_lowercase()),
                "{} is matched in lower case",
                rule.name
            );
        }
    }
}
