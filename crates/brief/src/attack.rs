//! Names of the ATT&CK techniques that desks cite.

/// Name of a technique of MITRE ATT&CK for Enterprise, or `None` for an id that this table does not have.
///
/// Source: attack.mitre.org, Enterprise matrix, version 15 (April 2024).
pub(crate) fn technique_name(id: &str) -> Option<&'static str> {
    let at = TECHNIQUES.binary_search_by_key(&id, |(known, _)| known).ok()?;
    Some(TECHNIQUES[at].1)
}

/// Ids and names, ordered by id.
const TECHNIQUES: &[(&str, &str)] = &[
    ("T1036", "Masquerading"),
    ("T1036.005", "Masquerading: Match Legitimate Name or Location"),
    ("T1078", "Valid Accounts"),
    ("T1078.004", "Valid Accounts: Cloud Accounts"),
    ("T1110", "Brute Force"),
    ("T1110.001", "Brute Force: Password Guessing"),
    ("T1110.003", "Brute Force: Password Spraying"),
    ("T1110.004", "Brute Force: Credential Stuffing"),
    ("T1114", "Email Collection"),
    ("T1114.002", "Email Collection: Remote Email Collection"),
    ("T1114.003", "Email Collection: Email Forwarding Rule"),
    ("T1133", "External Remote Services"),
    ("T1190", "Exploit Public-Facing Application"),
    ("T1204", "User Execution"),
    ("T1204.001", "User Execution: Malicious Link"),
    ("T1204.002", "User Execution: Malicious File"),
    ("T1213", "Data from Information Repositories"),
    ("T1491", "Defacement"),
    ("T1491.002", "Defacement: External Defacement"),
    ("T1498", "Network Denial of Service"),
    ("T1499", "Endpoint Denial of Service"),
    ("T1505.003", "Server Software Component: Web Shell"),
    ("T1528", "Steal Application Access Token"),
    ("T1534", "Internal Spearphishing"),
    ("T1565", "Data Manipulation"),
    ("T1565.001", "Data Manipulation: Stored Data Manipulation"),
    ("T1566", "Phishing"),
    ("T1566.001", "Phishing: Spearphishing Attachment"),
    ("T1566.002", "Phishing: Spearphishing Link"),
    ("T1566.003", "Phishing: Spearphishing via Service"),
    ("T1566.004", "Phishing: Spearphishing Voice"),
    ("T1583", "Acquire Infrastructure"),
    ("T1583.001", "Acquire Infrastructure: Domains"),
    ("T1583.002", "Acquire Infrastructure: DNS Server"),
    ("T1583.003", "Acquire Infrastructure: Virtual Private Server"),
    ("T1583.004", "Acquire Infrastructure: Server"),
    ("T1583.006", "Acquire Infrastructure: Web Services"),
    ("T1584", "Compromise Infrastructure"),
    ("T1584.001", "Compromise Infrastructure: Domains"),
    ("T1585", "Establish Accounts"),
    ("T1585.001", "Establish Accounts: Social Media Accounts"),
    ("T1585.002", "Establish Accounts: Email Accounts"),
    ("T1586", "Compromise Accounts"),
    ("T1586.001", "Compromise Accounts: Social Media Accounts"),
    ("T1586.002", "Compromise Accounts: Email Accounts"),
    ("T1588.004", "Obtain Capabilities: Digital Certificates"),
    ("T1589", "Gather Victim Identity Information"),
    ("T1589.001", "Gather Victim Identity Information: Credentials"),
    ("T1590", "Gather Victim Network Information"),
    ("T1595", "Active Scanning"),
    ("T1595.001", "Active Scanning: Scanning IP Blocks"),
    ("T1595.002", "Active Scanning: Vulnerability Scanning"),
    ("T1595.003", "Active Scanning: Wordlist Scanning"),
    ("T1598", "Phishing for Information"),
    ("T1598.002", "Phishing for Information: Spearphishing Attachment"),
    ("T1598.003", "Phishing for Information: Spearphishing Link"),
    ("T1608", "Stage Capabilities"),
    ("T1608.001", "Stage Capabilities: Upload Malware"),
    ("T1608.005", "Stage Capabilities: Link Target"),
    ("T1656", "Impersonation"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_order_and_is_searched() {
        assert!(TECHNIQUES.is_sorted_by_key(|(id, _)| id));
        assert_eq!(
            technique_name("T1583.001"),
            Some("Acquire Infrastructure: Domains")
        );
        assert_eq!(technique_name("T9999"), None);
    }
}
