//! What is known about one candidate, as levels of a few features, and the score that a table of weights gives them.

use pollwatch_model::register::TargetKind;
use pollwatch_names::SuffixClass;

use crate::units::Origin;

/// How a unit stands in a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Form {
    /// It is the whole registrable label.
    Whole = 0,
    /// It is the whole registrable label once hyphens are taken out or put in.
    Undashed = 1,
    /// It stands between hyphens or at the label's ends.
    Token = 2,
    /// It begins or ends a longer run of letters.
    Edge = 3,
    /// It stands inside a longer run of letters.
    Inside = 4,
    /// It is a whole label beneath somebody else's domain.
    SubWhole = 5,
    /// It stands between hyphens in such a label.
    SubToken = 6,
    /// It is part of a longer run of letters in such a label.
    SubPart = 7,
    /// The full name, dots and all, begins somebody else's name: followed by a dot.
    DottedPrefix = 8,
    /// The full name, dots and all, followed by a hyphen.
    DottedHyphen = 9,
}

impl Form {
    /// Every form, in the order of the weights' table.
    pub const ALL: [Form; 10] = [
        Form::Whole,
        Form::Undashed,
        Form::Token,
        Form::Edge,
        Form::Inside,
        Form::SubWhole,
        Form::SubToken,
        Form::SubPart,
        Form::DottedPrefix,
        Form::DottedHyphen,
    ];

    /// Its name in the weights' table.
    pub fn word(self) -> &'static str {
        match self {
            Form::Whole => "whole-label",
            Form::Undashed => "whole-label-hyphens-moved",
            Form::Token => "between-hyphens",
            Form::Edge => "at-an-edge",
            Form::Inside => "inside",
            Form::SubWhole => "sub-label",
            Form::SubToken => "sub-label-between-hyphens",
            Form::SubPart => "sub-label-part",
            Form::DottedPrefix => "full-name-then-dot",
            Form::DottedHyphen => "full-name-then-hyphen",
        }
    }

    /// Whether it stands beneath somebody else's registrable domain.
    pub fn is_sub(self) -> bool {
        matches!(
            self,
            Form::SubWhole | Form::SubToken | Form::SubPart | Form::DottedPrefix | Form::DottedHyphen
        )
    }
}

/// How the letters differ from the unit's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Edit {
    /// Not at all.
    Exact = 0,
    /// Letters beyond ASCII that read as ASCII (UTS 39).
    Idn = 1,
    /// Letters or digits that look alike: `0` for `o`, `rn` for `m`.
    Lookalike = 2,
    /// A letter repeated.
    Repetition = 3,
    /// Two neighbours swapped.
    Transposition = 4,
    /// A letter replaced by one of similar outline.
    SimilarLetter = 5,
    /// A letter replaced by a neighbour on the keyboard.
    AdjacentKey = 6,
    /// A letter left out.
    Omission = 7,
    /// A letter put in.
    Insertion = 8,
    /// A letter that differs in one bit.
    BitFlip = 9,
    /// Another letter in its place.
    Substitution = 10,
}

impl Edit {
    /// Every edit, in the order of the weights' table.
    pub const ALL: [Edit; 11] = [
        Edit::Exact,
        Edit::Idn,
        Edit::Lookalike,
        Edit::Repetition,
        Edit::Transposition,
        Edit::SimilarLetter,
        Edit::AdjacentKey,
        Edit::Omission,
        Edit::Insertion,
        Edit::BitFlip,
        Edit::Substitution,
    ];

    /// Its name on the wire and in the weights' table.
    pub fn word(self) -> &'static str {
        match self {
            Edit::Exact => "exact",
            Edit::Idn => "idn-confusable",
            Edit::Lookalike => "lookalike-letters",
            Edit::Repetition => "repetition",
            Edit::Transposition => "transposition",
            Edit::SimilarLetter => "similar-letter",
            Edit::AdjacentKey => "adjacent-key",
            Edit::Omission => "omission",
            Edit::Insertion => "insertion",
            Edit::BitFlip => "bit-flip",
            Edit::Substitution => "substitution",
        }
    }

    /// Whether a letter differs in more than its looks.
    pub fn is_fuzzy(self) -> bool {
        self >= Edit::Repetition
    }
}

/// How the weights of a feature's levels may run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// As they fall out.
    Free,
    /// Never down from one level to the next.
    Rising,
    /// Never up from one level to the next.
    Falling,
}

/// One feature: its name, how its weights may run, and its levels. Level 0 means "does not apply" where it is called `-`.
pub struct FeatureCard {
    /// Its name in the weights' table.
    pub name: &'static str,
    /// How its weights may run, from level 1 on where level 0 is `-`.
    pub shape: Shape,
    /// The levels' names.
    pub levels: &'static [&'static str],
}

const FORMS: &[&str] = &[
    "-",
    "whole-label",
    "whole-label-hyphens-moved",
    "between-hyphens",
    "at-an-edge",
    "inside",
    "sub-label",
    "sub-label-between-hyphens",
    "sub-label-part",
    "full-name-then-dot",
    "full-name-then-hyphen",
];
const RESTS: &[&str] = &[
    "-",
    "nothing",
    "lure-words",
    "lure-and-other-words",
    "other-words",
    "one-or-two-letters",
    "lure-words-and-letters",
    "few-letters",
    "many-letters",
];
const LEVELS: &[&str] = &["-", "<8", "8", "16", "32", "64", "128", "256", ">=512"];
const SUFFIXES: &[&str] = &[
    "-",
    "academic",
    "country",
    "com",
    "org",
    "legacy-other",
    "country-sold-as-generic",
    "new-generic",
    "hosting",
];

const DISTINCT_BY_REST: &[&str] = &[
    "-",
    "rare:nothing",
    "rare:lure-words",
    "rare:lure-and-other-words",
    "rare:other-words",
    "rare:one-or-two-letters",
    "rare:lure-words-and-letters",
    "rare:few-letters",
    "rare:many-letters",
    "middling:nothing",
    "middling:lure-words",
    "middling:lure-and-other-words",
    "middling:other-words",
    "middling:one-or-two-letters",
    "middling:lure-words-and-letters",
    "middling:few-letters",
    "middling:many-letters",
    "common:nothing",
    "common:lure-words",
    "common:lure-and-other-words",
    "common:other-words",
    "common:one-or-two-letters",
    "common:lure-words-and-letters",
    "common:few-letters",
    "common:many-letters",
];
const KIND_BY_FORM: &[&str] = &[
    "office:whole",
    "office:token",
    "office:glued",
    "office:sub",
    "office:full",
    "person-or-party:whole",
    "person-or-party:token",
    "person-or-party:glued",
    "person-or-party:sub",
    "person-or-party:full",
    "vendor:whole",
    "vendor:token",
    "vendor:glued",
    "vendor:sub",
    "vendor:full",
    "media:whole",
    "media:token",
    "media:glued",
    "media:sub",
    "media:full",
    "login:whole",
    "login:token",
    "login:glued",
    "login:sub",
    "login:full",
    "other:whole",
    "other:token",
    "other:glued",
    "other:sub",
    "other:full",
];
const SUFFIX_BY_LURES: &[&str] = &[
    "academic:none",
    "academic:one",
    "academic:two-and-more",
    "country:none",
    "country:one",
    "country:two-and-more",
    "com:none",
    "com:one",
    "com:two-and-more",
    "org:none",
    "org:one",
    "org:two-and-more",
    "legacy-other:none",
    "legacy-other:one",
    "legacy-other:two-and-more",
    "country-sold-as-generic:none",
    "country-sold-as-generic:one",
    "country-sold-as-generic:two-and-more",
    "new-generic:none",
    "new-generic:one",
    "new-generic:two-and-more",
    "hosting:none",
    "hosting:one",
    "hosting:two-and-more",
];
const SHORT_BY_REST: &[&str] = &[
    "-",
    "whole-label:explained",
    "whole-label:part-explained",
    "whole-label:unexplained",
    "hyphens-moved:explained",
    "hyphens-moved:part-explained",
    "hyphens-moved:unexplained",
    "between-hyphens:explained",
    "between-hyphens:part-explained",
    "between-hyphens:unexplained",
    "at-an-edge:explained",
    "at-an-edge:part-explained",
    "at-an-edge:unexplained",
    "inside:explained",
    "inside:part-explained",
    "inside:unexplained",
    "sub-label:explained",
    "sub-label:part-explained",
    "sub-label:unexplained",
    "sub-between-hyphens:explained",
    "sub-between-hyphens:part-explained",
    "sub-between-hyphens:unexplained",
    "sub-part:explained",
    "sub-part:part-explained",
    "sub-part:unexplained",
];
const KIND_WHEN_EDITED: &[&str] = &[
    "-",
    "office:to-7-letters",
    "office:8-letters-and-up",
    "person-or-party:to-7-letters",
    "person-or-party:8-letters-and-up",
    "vendor:to-7-letters",
    "vendor:8-letters-and-up",
    "media:to-7-letters",
    "media:8-letters-and-up",
    "login:to-7-letters",
    "login:8-letters-and-up",
    "other:to-7-letters",
    "other:8-letters-and-up",
];
const KIND_BY_REST: &[&str] = &[
    "office:nothing",
    "office:lures",
    "office:words",
    "office:letters-with-lures",
    "office:letters",
    "person-or-party:nothing",
    "person-or-party:lures",
    "person-or-party:words",
    "person-or-party:letters-with-lures",
    "person-or-party:letters",
    "vendor:nothing",
    "vendor:lures",
    "vendor:words",
    "vendor:letters-with-lures",
    "vendor:letters",
    "media:nothing",
    "media:lures",
    "media:words",
    "media:letters-with-lures",
    "media:letters",
    "login:nothing",
    "login:lures",
    "login:words",
    "login:letters-with-lures",
    "login:letters",
    "other:nothing",
    "other:lures",
    "other:words",
    "other:letters-with-lures",
    "other:letters",
];
const SUFFIX_BY_FORM: &[&str] = &[
    "academic:whole",
    "academic:token",
    "academic:glued",
    "academic:sub",
    "academic:full",
    "country:whole",
    "country:token",
    "country:glued",
    "country:sub",
    "country:full",
    "com:whole",
    "com:token",
    "com:glued",
    "com:sub",
    "com:full",
    "org:whole",
    "org:token",
    "org:glued",
    "org:sub",
    "org:full",
    "legacy-other:whole",
    "legacy-other:token",
    "legacy-other:glued",
    "legacy-other:sub",
    "legacy-other:full",
    "country-sold-as-generic:whole",
    "country-sold-as-generic:token",
    "country-sold-as-generic:glued",
    "country-sold-as-generic:sub",
    "country-sold-as-generic:full",
    "new-generic:whole",
    "new-generic:token",
    "new-generic:glued",
    "new-generic:sub",
    "new-generic:full",
    "hosting:whole",
    "hosting:token",
    "hosting:glued",
    "hosting:sub",
    "hosting:full",
];

/// Number of features.
pub const FEATURES: usize = 37;

/// The features, in the order of [`Levels`].
pub const CARDS: [FeatureCard; FEATURES] = [
    FeatureCard {
        name: "form-of-2-to-4-letters",
        shape: Shape::Free,
        levels: FORMS,
    },
    FeatureCard {
        name: "form-of-5-letters-and-up",
        shape: Shape::Free,
        levels: FORMS,
    },
    FeatureCard {
        name: "edit",
        shape: Shape::Free,
        levels: &[
            "exact",
            "idn-confusable",
            "lookalike-letters",
            "repetition",
            "transposition",
            "similar-letter",
            "adjacent-key",
            "omission",
            "insertion",
            "bit-flip",
            "substitution",
        ],
    },
    FeatureCard {
        name: "letters-when-edited",
        shape: Shape::Rising,
        levels: &["-", "<=4", "5", "6", "7", "8", "9", "10-11", "12-14", ">=15"],
    },
    FeatureCard {
        name: "letters-when-exact",
        shape: Shape::Rising,
        levels: &["-", "2", "3", "4", "5", "6", "7", "8-9", "10-12", ">=13"],
    },
    FeatureCard {
        name: "ordinary-labels-that-hold-it",
        shape: Shape::Falling,
        levels: LEVELS,
    },
    FeatureCard {
        name: "ordinary-labels-that-hold-it-office",
        shape: Shape::Falling,
        levels: LEVELS,
    },
    FeatureCard {
        name: "ordinary-names-with-the-short-token",
        shape: Shape::Falling,
        levels: LEVELS,
    },
    FeatureCard {
        name: "rest-beside-2-to-4-letters",
        shape: Shape::Free,
        levels: RESTS,
    },
    FeatureCard {
        name: "rest-beside-5-letters-and-up",
        shape: Shape::Free,
        levels: RESTS,
    },
    FeatureCard {
        name: "sign-in-words",
        shape: Shape::Rising,
        levels: &["0", "1", "2", ">=3"],
    },
    FeatureCard {
        name: "other-lure-words",
        shape: Shape::Rising,
        levels: &["0", "1", "2", ">=3"],
    },
    FeatureCard {
        name: "suffix-of-whole-label",
        shape: Shape::Free,
        levels: SUFFIXES,
    },
    FeatureCard {
        name: "suffix-otherwise",
        shape: Shape::Free,
        levels: SUFFIXES,
    },
    FeatureCard {
        name: "target-kind",
        shape: Shape::Free,
        levels: &["office", "person-or-party", "vendor", "media", "login", "other"],
    },
    FeatureCard {
        name: "unit-origin",
        shape: Shape::Free,
        levels: &[
            "label",
            "sub-label",
            "alias",
            "initials",
            "organisation-words",
            "full-dotted",
            "full-hyphened",
            "full-glued",
            "parts",
            "full-of-three-labels",
        ],
    },
    FeatureCard {
        name: "second-protected-unit",
        shape: Shape::Rising,
        levels: &["none", "same-owner", "other-owner"],
    },
    FeatureCard {
        name: "edit-at-the-ends",
        shape: Shape::Falling,
        levels: &["no", "last-letter", "first-letter"],
    },
    FeatureCard {
        name: "hyphens",
        shape: Shape::Free,
        levels: &["0", "1", "2", ">=3"],
    },
    FeatureCard {
        name: "edit-by-place",
        shape: Shape::Free,
        levels: &[
            "-",
            "whole-same-suffix",
            "whole-other-suffix",
            "part",
            "office-whole-same-suffix",
            "office-whole-other-suffix",
            "office-part",
        ],
    },
    FeatureCard {
        name: "unit-is-a-listed-word",
        shape: Shape::Falling,
        levels: &["no", "yes"],
    },
    FeatureCard {
        name: "ordinary-names-with-the-seen-spelling",
        shape: Shape::Falling,
        levels: LEVELS,
    },
    FeatureCard {
        name: "distinct-by-rest",
        shape: Shape::Free,
        levels: DISTINCT_BY_REST,
    },
    FeatureCard {
        name: "kind-by-form",
        shape: Shape::Free,
        levels: KIND_BY_FORM,
    },
    FeatureCard {
        name: "suffix-by-lures",
        shape: Shape::Free,
        levels: SUFFIX_BY_LURES,
    },
    FeatureCard {
        name: "short-form-by-rest",
        shape: Shape::Free,
        levels: SHORT_BY_REST,
    },
    FeatureCard {
        name: "kind-when-edited",
        shape: Shape::Free,
        levels: KIND_WHEN_EDITED,
    },
    FeatureCard {
        name: "kind-by-rest",
        shape: Shape::Free,
        levels: KIND_BY_REST,
    },
    FeatureCard {
        name: "suffix-by-form",
        shape: Shape::Free,
        levels: SUFFIX_BY_FORM,
    },
    FeatureCard {
        name: "looks-alike-by",
        shape: Shape::Free,
        levels: &["-", "letter-for-letter", "digit-for-letter", "pair-for-letter"],
    },
    FeatureCard {
        name: "place-in-label",
        shape: Shape::Free,
        levels: &["whole", "begins", "ends", "middle"],
    },
    FeatureCard {
        name: "digits-beside",
        shape: Shape::Free,
        levels: &["0", "1-2", ">=3"],
    },
    FeatureCard {
        name: "service-words",
        shape: Shape::Free,
        levels: &["0", "1", ">=2"],
    },
    FeatureCard {
        name: "civic-words",
        shape: Shape::Free,
        levels: &["0", "1", ">=2"],
    },
    FeatureCard {
        name: "firm-words",
        shape: Shape::Free,
        levels: &["0", "1", ">=2"],
    },
    FeatureCard {
        name: "place-words",
        shape: Shape::Free,
        levels: &["0", "1", ">=2"],
    },
    FeatureCard {
        name: "suffix-words",
        shape: Shape::Free,
        levels: &["0", "1", ">=2"],
    },
];

/// The features whose level depends on what stands beside the unit: the only ones that cost time to find.
pub(crate) const REST_FEATURES: [usize; 14] = [8, 9, 10, 11, 22, 24, 25, 27, 31, 32, 33, 34, 35, 36];

/// One level for each feature.
pub type Levels = [u8; FEATURES];

/// What stands beside the unit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rest {
    /// Letters of sign-in words, service words and the other classes.
    pub lure_letters: u16,
    /// Letters of words that ordinary names have too.
    pub word_letters: u16,
    /// Letters of no known word.
    pub unknown_letters: u16,
    /// Sign-in words.
    pub signin_words: u8,
    /// Words of the other classes.
    pub other_lures: u8,
    /// Digits.
    pub digits: u16,
    /// Words of the classes service, civic, firm, place and suffix.
    pub by_class: [u8; 5],
}

impl Rest {
    /// Adds what stands elsewhere beside the unit.
    pub fn add(&mut self, other: Rest) {
        self.lure_letters += other.lure_letters;
        self.word_letters += other.word_letters;
        self.unknown_letters += other.unknown_letters;
        self.signin_words = self.signin_words.saturating_add(other.signin_words);
        self.other_lures = self.other_lures.saturating_add(other.other_lures);
        self.digits += other.digits;
        for (count, more) in self.by_class.iter_mut().zip(other.by_class) {
            *count = count.saturating_add(more);
        }
    }

    fn level(self) -> u8 {
        match (self.unknown_letters, self.word_letters > 0, self.lure_letters > 0) {
            (0, false, false) if self.digits == 0 => 1,
            (0, false, _) => 2,
            (0, true, true) => 3,
            (0, true, false) => 4,
            (1..=2, _, _) => 5,
            (3.., _, true) => 6,
            (3..=5, _, false) => 7,
            (_, _, false) => 8,
        }
    }
}

/// Everything that the levels are made of.
#[derive(Debug, Clone, Copy)]
pub struct Facts {
    /// See [`Form`].
    pub form: Form,
    /// See [`Edit`].
    pub edit: Edit,
    /// See [`Origin`].
    pub origin: Origin,
    /// Letters of the unit.
    pub unit_letters: usize,
    /// Twice the binary logarithm of the number of ordinary labels that hold the unit.
    pub run_level: u8,
    /// Twice the binary logarithm of the number of ordinary names in which the unit stands alone.
    pub token_level: u8,
    /// Whether the unit stands for offices and jurisdictions only.
    pub is_civic: bool,
    /// What the target is.
    pub kind: TargetKind,
    /// What stands beside the unit.
    pub rest: Rest,
    /// The seen name's suffix.
    pub suffix: SuffixClass,
    /// Whether the unit is itself a word of the list.
    pub is_listed: bool,
    /// Twice the binary logarithm of the number of ordinary labels that hold the seen letters, where they differ.
    pub seen_level: u8,
    /// What looks alike: 0 nothing, 1 a letter for a letter, 2 a digit for a letter, 3 two letters for one.
    pub looks_alike_by: u8,
    /// Where in its label the unit stands: 0 it is all of it, 1 begins it, 2 ends it, 3 stands in the middle.
    pub place: u8,
    /// Whether that suffix is `com`, `org` or neither.
    pub is_com: bool,
    /// See `is_com`.
    pub is_org: bool,
    /// Whether the seen and the protected name have one suffix.
    pub is_same_suffix: bool,
    /// 0 none, 1 another unit of the same owner, 2 a unit of another owner.
    pub second_unit: u8,
    /// 0 no, 1 the last letter, 2 the first letter.
    pub end_edit: u8,
    /// Hyphens in the label.
    pub hyphens: usize,
}

fn log_level(level: u8) -> u8 {
    // Levels are twice a binary logarithm: 6 is a count of 8.
    match level {
        0..=5 => 1,
        6..=7 => 2,
        8..=9 => 3,
        10..=11 => 4,
        12..=13 => 5,
        14..=15 => 6,
        16..=17 => 7,
        _ => 8,
    }
}

impl Facts {
    /// The levels of the features.
    pub fn levels(&self) -> Levels {
        let mut levels = [0u8; FEATURES];
        let is_short = self.unit_letters <= 4;
        let form = self.form as u8 + 1;
        levels[if is_short { 0 } else { 1 }] = form;
        levels[2] = self.edit as u8;
        if self.edit.is_fuzzy() {
            levels[3] = match self.unit_letters {
                0..=4 => 1,
                n @ 5..=9 => n as u8 - 3,
                10..=11 => 7,
                12..=14 => 8,
                _ => 9,
            };
        } else {
            levels[4] = match self.unit_letters {
                0..=2 => 1,
                n @ 3..=7 => n as u8 - 1,
                8..=9 => 7,
                10..=12 => 8,
                _ => 9,
            };
        }
        // How common a unit is says nothing of its misspellings; how common the seen spelling is does (below).
        let run_level = if self.edit.is_fuzzy() {
            self.seen_level
        } else {
            self.run_level
        };
        if is_short {
            levels[7] = log_level(self.token_level);
        } else if self.is_civic {
            levels[6] = log_level(if self.edit.is_fuzzy() {
                run_level
            } else {
                run_level.max(self.token_level)
            });
        } else {
            levels[5] = log_level(run_level);
        }
        levels[if is_short { 8 } else { 9 }] = self.rest.level();
        levels[10] = self.rest.signin_words.min(3);
        levels[11] = self.rest.other_lures.min(3);
        let suffix = match self.suffix {
            SuffixClass::Government | SuffixClass::Academic => 1,
            SuffixClass::Country => 2,
            SuffixClass::Legacy if self.is_com => 3,
            SuffixClass::Legacy if self.is_org => 4,
            SuffixClass::Legacy => 5,
            SuffixClass::CountrySoldAsGeneric => 6,
            SuffixClass::NewGeneric => 7,
            SuffixClass::Hosting => 8,
        };
        let is_whole = matches!(self.form, Form::Whole | Form::Undashed);
        levels[if is_whole { 12 } else { 13 }] = suffix;
        levels[14] = match self.kind {
            TargetKind::Office | TargetKind::Jurisdiction => 0,
            TargetKind::Candidate | TargetKind::Campaign | TargetKind::Party => 1,
            TargetKind::Vendor => 2,
            TargetKind::Media => 3,
            TargetKind::Login => 4,
            TargetKind::Other => 5,
        };
        levels[15] = self.origin as u8;
        levels[16] = self.second_unit.min(2);
        levels[17] = self.end_edit.min(2);
        levels[18] = self.hyphens.min(3) as u8;
        if self.edit.is_fuzzy() {
            let place = match (is_whole, self.is_same_suffix) {
                (true, true) => 1,
                (true, false) => 2,
                (false, _) => 3,
            };
            levels[19] = if self.is_civic { place + 3 } else { place };
        }
        levels[20] = u8::from(self.is_listed);
        if self.edit != Edit::Exact {
            levels[21] = log_level(self.seen_level);
        }
        let rest = self.rest.level();
        if is_short {
            let explained = match rest {
                1 | 2 => 0,
                3..=5 => 1,
                _ => 2,
            };
            if (self.form as u8) < 8 {
                levels[25] = 1 + self.form as u8 * 3 + explained;
            }
        } else {
            let distinct = match log_level(run_level) {
                0..=2 => 0,
                3..=4 => 1,
                _ => 2,
            };
            levels[22] = 1 + distinct * 8 + (rest - 1);
        }
        let group = match self.form {
            _ if self.origin.is_full() => 4,
            Form::Whole | Form::Undashed => 0,
            Form::Token => 1,
            Form::Edge | Form::Inside => 2,
            _ => 3,
        };
        levels[23] = levels[14] * 5 + group;
        if self.edit.is_fuzzy() {
            levels[26] = 1 + levels[14] * 2 + u8::from(self.unit_letters >= 8);
        }
        levels[30] = self.place.min(3);
        levels[31] = match self.rest.digits {
            0 => 0,
            1..=2 => 1,
            _ => 2,
        };
        for (class, count) in self.rest.by_class.iter().enumerate() {
            levels[32 + class] = (*count).min(2);
        }
        levels[29] = self.looks_alike_by.min(3);
        levels[27] = levels[14] * 5
            + match rest {
                1 => 0,
                2 => 1,
                3 | 4 => 2,
                5 | 6 => 3,
                _ => 4,
            };
        levels[28] = (suffix - 1) * 5 + group;
        levels[24] = (suffix - 1) * 3 + (self.rest.signin_words + self.rest.other_lures).min(2);
        levels
    }
}
