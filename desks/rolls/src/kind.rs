//! The kinds of change that are told apart and counted.

use crate::layout::{Binding, Role};

/// What happened to an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// An entry that was not there.
    New,
    /// One whose date of registration does not lie in the interval.
    NewOddDate,
    /// An entry that is no longer there and was active.
    GoneActive,
    /// … was inactive.
    GoneInactive,
    /// … was removed before.
    GoneRemoved,
    /// Active to inactive.
    Deactivated,
    /// Inactive to active.
    Reactivated,
    /// To removed.
    Removed,
    /// From removed.
    Restored,
    /// Another change of status.
    StatusOther,
    /// A status that its reason does not go with.
    ReasonIllegal,
    /// Another reason, the same status.
    ReasonAlone,
    /// Another address in the county.
    Moved,
    /// Another address in another county.
    MovedCounty,
    /// The same street, another house number whose digits are not those of the old one.
    HouseNumber,
    /// Two neighbouring digits of the house number exchanged.
    HouseDigits,
    /// Only the unit of the address.
    Unit,
    /// The same house number and unit, another street.
    StreetAlone,
    /// The address is gone.
    AddressGone,
    /// Another county, the same address.
    CountyAlone,
    /// Another city, the same address.
    CityAlone,
    /// Another ZIP code, the same address.
    ZipAlone,
    /// Mail goes to an address that is not the residence.
    MailRedirected,
    /// Mail goes to the residence again.
    MailToResidence,
    /// Only ZIP code, city or state of the mailing address.
    MailPlaceAlone,
    /// Another party.
    Party,
    /// One letter of a name.
    NameLetter,
    /// Another last name.
    LastName,
    /// Another first name.
    FirstName,
    /// Another middle name.
    MiddleName,
    /// Another suffix.
    Suffix,
    /// First and last name.
    NameWhole,
    /// Another birth date.
    BirthDate,
    /// Another date of registration.
    RegistrationDate,
    /// Withheld from the public.
    ConfidentialOn,
    /// No longer withheld.
    ConfidentialOff,
    /// Race.
    Race,
    /// Sex.
    Sex,
    /// Telephone.
    Phone,
    /// Electronic mail.
    Email,
    /// The county's own identifier, the same county.
    LocalId,
    /// Another precinct, the same address.
    PrecinctAlone,
    /// Other districts, the same address and precinct.
    DistrictAlone,
    /// Past elections.
    History,
    /// A column without a role, by its place in the run's list.
    Column(u16),
    /// A value that an older snapshot had.
    Returned(Role),
    /// The person of an entry that is gone, under a new identifier.
    IdReissued,
    /// A person who stood under another identifier before.
    IdSwapped,
    /// Nothing but the way of writing.
    Formatting,
}

impl Kind {
    /// Its name on the wire; that of a column is `column`.
    pub fn code(self) -> &'static str {
        match self {
            Kind::New => "new",
            Kind::NewOddDate => "new-odd-date",
            Kind::GoneActive => "gone-active",
            Kind::GoneInactive => "gone-inactive",
            Kind::GoneRemoved => "gone-removed",
            Kind::Deactivated => "deactivated",
            Kind::Reactivated => "reactivated",
            Kind::Removed => "removed",
            Kind::Restored => "restored",
            Kind::StatusOther => "status-other",
            Kind::ReasonIllegal => "status-reason-illegal",
            Kind::ReasonAlone => "reason-alone",
            Kind::Moved => "moved",
            Kind::MovedCounty => "moved-county",
            Kind::HouseNumber => "house-number",
            Kind::HouseDigits => "house-number-digits",
            Kind::Unit => "unit",
            Kind::StreetAlone => "street-alone",
            Kind::AddressGone => "address-gone",
            Kind::CountyAlone => "county-alone",
            Kind::CityAlone => "city-alone",
            Kind::ZipAlone => "zip-alone",
            Kind::MailRedirected => "mail-redirected",
            Kind::MailToResidence => "mail-to-residence",
            Kind::MailPlaceAlone => "mail-place-alone",
            Kind::Party => "party",
            Kind::NameLetter => "name-letter",
            Kind::LastName => "last-name",
            Kind::FirstName => "first-name",
            Kind::MiddleName => "middle-name",
            Kind::Suffix => "suffix",
            Kind::NameWhole => "name-whole",
            Kind::BirthDate => "birth-date",
            Kind::RegistrationDate => "registration-date",
            Kind::ConfidentialOn => "confidential-on",
            Kind::ConfidentialOff => "confidential-off",
            Kind::Race => "race",
            Kind::Sex => "sex",
            Kind::Phone => "phone",
            Kind::Email => "email",
            Kind::LocalId => "local-id",
            Kind::PrecinctAlone => "precinct-alone",
            Kind::DistrictAlone => "district-alone",
            Kind::History => "history",
            Kind::Column(_) => "column",
            Kind::Returned(_) => "returned",
            Kind::IdReissued => "id-reissued",
            Kind::IdSwapped => "id-swapped",
            Kind::Formatting => "formatting",
        }
    }

    /// What it is, for people, of several entries: "entries whose …" is put before it where it makes a sentence.
    pub fn words(self) -> &'static str {
        match self {
            Kind::New => "new entries",
            Kind::NewOddDate => "new entries whose date of registration does not lie in the interval",
            Kind::GoneActive => "active entries that are no longer there",
            Kind::GoneInactive => "inactive entries that are no longer there",
            Kind::GoneRemoved => "removed entries that are no longer there",
            Kind::Deactivated => "entries turned from active to inactive",
            Kind::Reactivated => "entries turned from inactive to active",
            Kind::Removed => "entries turned to removed",
            Kind::Restored => "removed entries that are valid again",
            Kind::StatusOther => "entries with another change of status",
            Kind::ReasonIllegal => "entries whose new status and reason do not go together",
            Kind::ReasonAlone => "entries with another reason of their status",
            Kind::Moved => "entries with another address in the county",
            Kind::MovedCounty => "entries with an address in another county",
            Kind::HouseNumber => "entries with another house number in the same street",
            Kind::HouseDigits => "entries in whose house number neighbouring digits were exchanged",
            Kind::Unit => "entries with another unit of the same house",
            Kind::StreetAlone => "entries with the same house number in another street",
            Kind::AddressGone => "entries whose address is gone",
            Kind::CountyAlone => "entries with another county and the same address",
            Kind::CityAlone => "entries with another city and the same address",
            Kind::ZipAlone => "entries with another ZIP code and the same address",
            Kind::MailRedirected => "entries whose mail now goes to an address that is not the residence",
            Kind::MailToResidence => "entries whose mail goes to the residence again",
            Kind::MailPlaceAlone => "entries with another place of the same mailing address",
            Kind::Party => "entries with another party",
            Kind::NameLetter => "entries with one letter of a name changed",
            Kind::LastName => "entries with another last name",
            Kind::FirstName => "entries with another first name",
            Kind::MiddleName => "entries with another middle name",
            Kind::Suffix => "entries with another suffix of the name",
            Kind::NameWhole => "entries with another first and last name",
            Kind::BirthDate => "entries with another birth date",
            Kind::RegistrationDate => "entries with another date of registration",
            Kind::ConfidentialOn => "entries newly withheld from the public",
            Kind::ConfidentialOff => "entries no longer withheld from the public",
            Kind::Race => "entries with another race",
            Kind::Sex => "entries with another sex",
            Kind::Phone => "entries with another telephone number",
            Kind::Email => "entries with another e-mail address",
            Kind::LocalId => "entries with another number of the county",
            Kind::PrecinctAlone => "entries with another precinct and the same address",
            Kind::DistrictAlone => "entries with other districts and the same address and precinct",
            Kind::History => "entries with other past elections",
            Kind::Column(_) => "entries with another value of this column",
            Kind::Returned(_) => "entries that have a value of an older snapshot again",
            Kind::IdReissued => "persons who are gone and are there under a new identifier",
            Kind::IdSwapped => "persons who stood under another identifier before",
            Kind::Formatting => "entries that are only written otherwise",
        }
    }

    /// The role whose column it is told of; `None` where it concerns the whole row.
    pub fn role(self) -> Option<Role> {
        Some(match self {
            Kind::New
            | Kind::NewOddDate
            | Kind::GoneActive
            | Kind::GoneInactive
            | Kind::GoneRemoved
            | Kind::Formatting
            | Kind::Column(_) => return None,
            Kind::Deactivated
            | Kind::Reactivated
            | Kind::Removed
            | Kind::Restored
            | Kind::StatusOther
            | Kind::ReasonIllegal => Role::Status,
            Kind::ReasonAlone => Role::Reason,
            Kind::Moved
            | Kind::MovedCounty
            | Kind::HouseNumber
            | Kind::HouseDigits
            | Kind::Unit
            | Kind::StreetAlone
            | Kind::AddressGone => Role::Address,
            Kind::CountyAlone => Role::County,
            Kind::CityAlone => Role::City,
            Kind::ZipAlone => Role::Zip,
            Kind::MailRedirected | Kind::MailToResidence => Role::MailAddress,
            Kind::MailPlaceAlone => Role::MailZip,
            Kind::Party => Role::Party,
            Kind::NameLetter | Kind::LastName | Kind::NameWhole => Role::LastName,
            Kind::FirstName => Role::FirstName,
            Kind::MiddleName => Role::MiddleName,
            Kind::Suffix => Role::Suffix,
            Kind::BirthDate => Role::BirthDate,
            Kind::RegistrationDate => Role::RegistrationDate,
            Kind::ConfidentialOn | Kind::ConfidentialOff => Role::Confidential,
            Kind::Race => Role::Race,
            Kind::Sex => Role::Sex,
            Kind::Phone => Role::Phone,
            Kind::Email => Role::Email,
            Kind::LocalId => Role::LocalId,
            Kind::PrecinctAlone => Role::Precinct,
            Kind::DistrictAlone => Role::District,
            Kind::History => Role::History,
            Kind::Returned(role) => role,
            Kind::IdReissued | Kind::IdSwapped => Role::Id,
        })
    }

    /// The column that it is told of, as the file calls it; `(row)` for the whole row.
    pub fn field(self, binding: &Binding, columns: &[String]) -> String {
        match (self, self.role()) {
            (Kind::Column(at), _) => columns.get(usize::from(at)).cloned().unwrap_or_default(),
            (_, Some(role)) => binding.column_of(role),
            (_, None) => "(row)".to_owned(),
        }
    }

    /// Whether it is told of one column rather than of the whole row.
    pub fn is_of_a_column(self) -> bool {
        self.role().is_some() || matches!(self, Kind::Column(_))
    }

    /// Whether voters or the routine of an office cause it in waves: before a deadline it rises everywhere at once, so a
    /// rise of the whole state says nothing, and a wave in one county needs an explanation rather than a culprit.
    pub fn comes_in_waves(self) -> bool {
        matches!(
            self,
            Kind::New
                | Kind::GoneActive
                | Kind::GoneInactive
                | Kind::GoneRemoved
                | Kind::Deactivated
                | Kind::Reactivated
                | Kind::Removed
                | Kind::Restored
                | Kind::StatusOther
                | Kind::ReasonAlone
                | Kind::Moved
                | Kind::MovedCounty
                | Kind::Unit
                | Kind::MailRedirected
                | Kind::MailToResidence
                | Kind::Party
                | Kind::LastName
                | Kind::FirstName
                | Kind::MiddleName
                | Kind::Suffix
                | Kind::Phone
                | Kind::Email
                | Kind::History
                | Kind::IdReissued
        )
    }

    /// Whether one old value that became one new value for nearly everybody who had it explains it: a renumbered precinct, a
    /// renamed street, a new ZIP code.
    pub fn is_mapped(self) -> bool {
        matches!(
            self,
            Kind::StreetAlone
                | Kind::CountyAlone
                | Kind::CityAlone
                | Kind::ZipAlone
                | Kind::MailPlaceAlone
                | Kind::PrecinctAlone
                | Kind::DistrictAlone
                | Kind::Column(_)
        )
    }
}
