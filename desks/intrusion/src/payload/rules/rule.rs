//! One rule, and the set of them with the literals by which they are found.

use aho_corasick::{AhoCorasick, AhoCorasickBuilder, AhoCorasickKind, MatchKind};
use regex::bytes::{Regex, RegexBuilder};

use crate::Class;
use crate::hit::Weight;

use super::{TABLES, TRACES};

/// In which parts of a request a rule is tried: a set of bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Scope(pub u8);

impl Scope {
    pub const PATH: Scope = Scope(1);
    pub const PARAMETER: Scope = Scope(2);
    pub const HEADER: Scope = Scope(4);
    pub const LINE: Scope = Scope(8);
    /// Path and query as one text.
    pub const WHOLE: Scope = Scope(16);
    /// Path, query, both as one, and malformed lines.
    pub const TARGET: Scope = Scope(1 | 2 | 8 | 16);
    /// Parameters and headers: wherever a value stands by itself.
    pub const VALUE: Scope = Scope(2 | 4);
    /// Everything.
    pub const ANY: Scope = Scope(1 | 2 | 4 | 8);

    pub fn has(self, other: Scope) -> bool {
        self.0 & other.0 != 0
    }
}

/// A pattern over a field that is decoded and in lower case.
pub(crate) struct Rule {
    pub class: Class,
    pub name: &'static str,
    pub weight: Weight,
    pub scope: Scope,
    /// One of these stands in every text that the pattern matches.
    pub needs: &'static [&'static str],
    pub pattern: &'static str,
}

/// A rule that matched.
#[derive(Clone, Copy)]
pub(crate) struct Found {
    pub rule: &'static Rule,
    pub start: usize,
    pub end: usize,
}

/// All rules compiled, and the automaton of their literals.
pub(crate) struct RuleSet {
    literals: AhoCorasick,
    /// For each literal: the rules that need it, and what else it opens.
    opens: Vec<Opens>,
    rules: Vec<(&'static Rule, Regex)>,
}

#[derive(Default)]
struct Opens {
    rules: Vec<u16>,
    lookup: u8,
}

/// What the literals of a text open: the rules to try, and the grammars.
#[derive(Debug, Default)]
pub(crate) struct Lookup {
    rules: Vec<u16>,
    /// Bits of `RuleSet::SQL` and its neighbours.
    pub grammars: u8,
}

/// Words without one of which a text is not read as SQL. Each is looked for wherever it stands.
const SQL_WORDS: &[&str] = &[
    "union ",
    "union/",
    "union(",
    "union\t",
    "union\n",
    "union!",
    "union'",
    "union\"",
    "union`",
    "union\u{b}",
    "union\u{a0}",
    "intersect ",
    "intersect/",
    "intersect(",
    "intersect\t",
    "intersect\n",
    "intersect!",
    "intersect'",
    "intersect\"",
    "intersect`",
    "intersect\u{b}",
    "intersect\u{a0}",
    "except ",
    "except/",
    "except(",
    "except\t",
    "except\n",
    "except!",
    "except'",
    "except\"",
    "except`",
    "except\u{b}",
    "except\u{a0}",
    "select ",
    "select/",
    "select(",
    "select\t",
    "select\n",
    "select'",
    "select\"",
    "select*",
    "select@",
    "select+",
    "select`",
    "select\u{b}",
    "select!",
    "select.",
    " select",
    "(select",
    "/select ",
    " or ",
    "'or",
    "\"or",
    "or'",
    "or\"",
    "or(",
    ")or",
    " or(",
    " or-",
    " or!",
    " or~",
    " or@",
    "or/*",
    " and ",
    "'and",
    "\"and",
    "and'",
    "and(",
    ")and",
    "and/*",
    " and-",
    " and!",
    " and~",
    " and@",
    "or\t",
    "and\t",
    "or\n",
    "and\n",
    "\tor",
    "\tand",
    "/or ",
    "/and ",
    "||",
    "&&",
    "xor ",
    "xor(",
    "--",
    "#",
    "/*",
    ";",
    "sleep(",
    "sleep (",
    "sleep/",
    "benchmark(",
    "benchmark (",
    "benchmark/",
    "waitfor",
    "having ",
    "having(",
    "having/",
    "order by",
    "group by",
    "order/*",
    "group/*",
    "order\t",
    "group\t",
    "case when",
    "case(",
    "like ",
    "like'",
    "like(",
    "like\"",
    "glob ",
    "glob(",
    "glob'",
    "regexp",
    "rlike",
    "::",
    "->",
    "<@",
    "@>",
    "concat(",
    "concat_ws",
    "char(",
    "chr(",
    "ascii(",
    "ord(",
    "mid(",
    "substr",
    "if(",
    "load_file",
    "extractvalue",
    "updatexml",
    "xp_",
    "dbms_",
    "utl_",
    "information_schema",
    "sysobjects",
    "sqlite_",
    "pg_",
    "cast(",
    "convert(",
    "@@",
    "' '",
    "'='",
    "'<'",
    "'>'",
    "json_",
    "unistr",
    "overlay(",
    "lo_import",
    "lo_export",
    "lo_get",
    "'+",
    "'-",
    "\"+",
    "='",
    "=\"",
    "null,",
    "procedure ",
    "') ",
    "1=1",
    "elt(",
    "limit ",
    " div ",
    "version(",
    "database(",
    "user(",
    "values(",
    "values (",
];

/// Parameters by which web shells take commands, and commands that they are given: a reason to look at each parameter.
const COMMAND_PAIRS: &[&str] = &[
    "cmd=",
    "command=",
    "exec=",
    "execute=",
    "shell=",
    "cmdline=",
    "system=",
    "execmd=",
    "runcmd=",
    "=whoami",
    "=ipconfig",
    "=ifconfig",
    "=dir",
    "=ls",
    "=cat",
    "=type",
    "=net",
    "=id",
    "=uname",
    "=pwd",
    "=ps",
    "=wget",
    "=curl",
    "=ping",
];

/// Signs without one of which a text is not read as a shell would.
const SHELL_SIGNS: &[&str] = &["'", "\"", "\\", "^", "$", "{"];

impl RuleSet {
    /// The text may be SQL.
    pub const SQL: u8 = 1;
    /// The text may be a command with signs inside its words.
    pub const SHELL: u8 = 2;
    /// A tool's trace stands in the text.
    pub const TRACE: u8 = 4;

    pub fn new() -> Self {
        let mut words: Vec<&'static str> = Vec::new();
        let mut opens: Vec<Opens> = Vec::new();
        let mut place_of = |word: &'static str, opens: &mut Vec<Opens>| {
            words.iter().position(|known| *known == word).unwrap_or_else(|| {
                words.push(word);
                opens.push(Opens::default());
                words.len() - 1
            })
        };
        let mut rules = Vec::new();
        for rule in TABLES.iter().copied().flatten() {
            let pattern = RegexBuilder::new(rule.pattern)
                .unicode(false)
                .dot_matches_new_line(true)
                .build()
                .expect("the patterns are constants that a test compiles");
            for need in rule.needs {
                let place = place_of(need, &mut opens);
                opens[place].rules.push(rules.len() as u16);
            }
            rules.push((rule, pattern));
        }
        for word in SQL_WORDS {
            let place = place_of(word, &mut opens);
            opens[place].lookup |= Self::SQL;
        }
        for trace in TRACES {
            let place = place_of(trace.literal, &mut opens);
            opens[place].lookup |= Self::TRACE;
        }
        for pair in COMMAND_PAIRS {
            place_of(pair, &mut opens);
        }
        for sign in SHELL_SIGNS {
            let place = place_of(sign, &mut opens);
            opens[place].lookup |= Self::SHELL;
        }
        let literals = AhoCorasickBuilder::new()
            .match_kind(MatchKind::Standard)
            .ascii_case_insensitive(true)
            .kind(Some(AhoCorasickKind::DFA))
            .build(&words)
            .expect("some hundred short words fit any automaton");
        RuleSet {
            literals,
            opens,
            rules,
        }
    }

    /// Whether any literal stands in `text`, in either case.
    pub fn may_match(&self, text: &[u8]) -> bool {
        self.literals.is_match(text)
    }

    /// What the literals of `text` open.
    pub fn look_up(&self, text: &[u8], lookup: &mut Lookup) {
        lookup.rules.clear();
        lookup.grammars = 0;
        for found in self.literals.find_overlapping_iter(text) {
            let opened = &self.opens[found.pattern().as_usize()];
            lookup.grammars |= opened.lookup;
            lookup.rules.extend_from_slice(&opened.rules);
            // A field of 64 KiB may hold every literal thousands of times.
            if lookup.rules.len() > 4 * self.rules.len() {
                lookup.rules.sort_unstable();
                lookup.rules.dedup();
            }
        }
        lookup.rules.sort_unstable();
        lookup.rules.dedup();
    }

    /// The rules of `lookup` that match `text` in a part of the request that they are for.
    pub fn matches<'a>(
        &'a self,
        text: &'a [u8],
        lookup: &'a Lookup,
        scope: Scope,
    ) -> impl Iterator<Item = Found> + 'a {
        lookup.rules.iter().filter_map(move |&place| {
            let (rule, pattern) = &self.rules[usize::from(place)];
            if !rule.scope.has(scope) {
                return None;
            }
            let found = pattern.find(text)?;
            Some(Found {
                rule,
                start: found.start(),
                end: found.end(),
            })
        })
    }
}

/// A rule of one table.
pub(super) const fn rule(
    class: Class,
    name: &'static str,
    weight: Weight,
    scope: Scope,
    needs: &'static [&'static str],
    pattern: &'static str,
) -> Rule {
    Rule {
        class,
        name,
        weight,
        scope,
        needs,
        pattern,
    }
}
