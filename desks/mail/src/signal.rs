//! The signals that a message can give, their stable ids and the group each belongs to.

use serde::{Deserialize, Serialize};

/// The four parts of a judgement. Phishing is a claim without proof, an ask, and a path that does not belong to the claimed
/// identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Group {
    /// Who the message says that it is from.
    Claim,
    /// Whether that identity is shown.
    Proof,
    /// What the message wants.
    Ask,
    /// Where the ask leads.
    Path,
}

macro_rules! signals {
    ($($(#[$doc:meta])* $name:ident = $id:literal, $group:ident;)*) => {
        /// One sort of evidence in a message.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Signal {
            $($(#[$doc])* #[serde(rename = $id)] $name,)*
        }

        impl Signal {
            /// Every signal, in the order of their groups.
            pub const ALL: &'static [Signal] = &[$(Signal::$name,)*];

            /// Its stable id, such as `link.userinfo`.
            pub fn id(self) -> &'static str {
                match self { $(Signal::$name => $id,)* }
            }

            /// The group that it belongs to.
            pub fn group(self) -> Group {
                match self { $(Signal::$name => Group::$group,)* }
            }
        }
    };
}

signals! {
    /// The display name names an organisation whose domain the From address is not of.
    DisplayBrand = "from.display_brand", Claim;
    /// The display name is that of a person of the register, the address is not theirs.
    DisplayVip = "from.display_vip", Claim;
    /// An address or domain in the display name differs from the address.
    DisplayAddrMismatch = "from.display_addr_mismatch", Claim;
    /// A free mailbox writes as an organisation, a vendor or a person of the register.
    FreemailImpersonation = "from.freemail_impersonation", Claim;
    /// More than one From field, or more than one author address.
    FromMultiple = "from.multiple", Claim;
    /// The From field hides what it is by its encoding.
    EncodedTrick = "from.encoded_trick", Claim;
    /// The domain of From imitates a protected or well-known one.
    LookalikeDomain = "from.lookalike_domain", Claim;
    /// The display name is an office that the reader's own organisation has (help desk, payroll), the address is foreign.
    InternalRole = "from.internal_role", Claim;
    /// The display name is an organisation's, and no word of it stands in the address.
    UnrelatedName = "from.unrelated_name", Claim;
    /// Subject, body or pictures speak as an organisation that From does not belong to.
    BodyBrand = "body.brand_claim", Claim;
    /// A trusted result says that DMARC failed.
    DmarcFail = "auth.dmarc_fail", Proof;
    /// A trusted result says that SPF failed.
    SpfFail = "auth.spf_fail", Proof;
    /// Something passes, and nothing that passes is aligned with From.
    Unaligned = "auth.unaligned", Proof;
    /// An Authentication-Results field that is not of our boundary claims a pass.
    UntrustedResults = "auth.untrusted_ar", Proof;
    /// It asks for a sign-in, a code or a password.
    CredentialLure = "body.credential_lure", Ask;
    /// It asks for money, a change of bank details, or to look at an invoice.
    PaymentLure = "body.payment_lure", Ask;
    /// It presses for time.
    Urgency = "body.urgency", Ask;
    /// It wants to be called about a charge, and has no link.
    CallbackPhone = "body.callback_phone", Ask;
    /// Text that the reader does not see.
    HiddenText = "body.hidden_text", Ask;
    /// Characters without width inside words.
    ZeroWidth = "body.zero_width", Ask;
    /// A picture in place of text.
    ImageOnly = "body.image_only", Ask;
    /// It gives the password of an encrypted archive.
    ArchivePassword = "body.archive_password", Ask;
    /// A form in the body.
    BodyForm = "body.form", Path;
    /// A QR code drawn in characters or table cells.
    BodyQrLink = "body.qr_link", Path;
    /// It pretends to answer.
    ThreadFake = "body.thread_fake", Ask;
    /// The host of a link imitates a protected or well-known name.
    LookalikeHost = "link.lookalike_host", Path;
    /// A brand or an own domain stands left of somebody else's registrable domain.
    BrandInSubdomain = "link.brand_in_subdomain", Path;
    /// Text before an at sign in the authority of a link.
    Userinfo = "link.userinfo", Path;
    /// The host is an address in numbers.
    IpLiteral = "link.ip_literal", Path;
    /// An internationalised name that looks like another.
    IdnHomograph = "link.idn_homograph", Path;
    /// The visible text is a host or URL of another registrable domain.
    TextMismatch = "link.text_mismatch", Path;
    /// A link shortener.
    Shortener = "link.shortener", Path;
    /// Free hosting or storage.
    FreeHost = "link.free_host", Path;
    /// An open redirector, with its target.
    OpenRedirect = "link.open_redirect", Path;
    /// The recipient's address in the link.
    VictimAddress = "link.victim_address", Path;
    /// A `data:` or `javascript:` link.
    DataOrJs = "link.data_or_js", Path;
    /// The asked-for click leaves the claimed identity.
    UnrelatedToClaimedSender = "link.unrelated_to_claimed_sender", Path;
    /// A script that builds a file and has it saved.
    HtmlSmuggling = "att.html_smuggling", Path;
    /// An attached page with a form.
    HtmlForm = "att.html_form", Path;
    /// A picture in SVG with script or a form.
    SvgScript = "att.svg_script", Path;
    /// A PDF with a link.
    PdfLink = "att.pdf_link", Path;
    /// A QR code with a link, in a picture or PDF.
    QrLink = "att.qr_link", Path;
    /// An Office document that loads from or leads to an outside address.
    OfficeExternalLink = "att.office_external_link", Path;
    /// An Office document with macros.
    OfficeMacro = "att.office_macro", Path;
    /// An encrypted archive.
    ArchiveEncrypted = "att.archive_encrypted", Path;
    /// A program or script inside an archive, or attached as it is.
    ArchiveExecutable = "att.archive_executable", Path;
    /// A disk image.
    DiskImage = "att.disk_image", Path;
    /// A shortcut file.
    Shortcut = "att.shortcut", Path;
    /// A name with two endings, the last one active.
    DoubleExtension = "att.double_extension", Claim;
    /// A name with a right-to-left override.
    Rtlo = "att.rtlo", Claim;
    /// Bytes that are not what name and type say.
    TypeMismatch = "att.type_mismatch", Path;
    /// A calendar entry with a link.
    IcsLink = "att.ics_link", Path;
}
