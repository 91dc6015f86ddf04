//! The database of accounts: what is kept, and what ends with what.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use jiff::Timestamp;
use pollwatch_store::access::{AccessEvent, AccessStore, Account, Session, Token};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn account(name: &str) -> Account {
    Account {
        name: name.to_owned(),
        role: "viewer".to_owned(),
        password: "$argon2id$…".to_owned(),
        totp: None,
        totp_last_step: 0,
        is_disabled: false,
        language: String::new(),
        created: at(1_000),
    }
}

fn session(secret: u8, account: &str, used: i64) -> Session {
    Session {
        secret: [secret; 32],
        account: account.to_owned(),
        csrf: [9; 32],
        created: at(1_000),
        used: at(used),
    }
}

#[tokio::test]
async fn accounts_sessions_and_tokens_come_back_and_end_with_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let store = AccessStore::open(&folder.path().join("access.db")).await.unwrap();
    assert!(store.add_account(&account("ada")).await.unwrap());
    assert!(
        !store.add_account(&account("ada")).await.unwrap(),
        "the name is taken"
    );
    store.add_session(&session(1, "ada", 2_000)).await.unwrap();
    store.add_session(&session(2, "ada", 3_000)).await.unwrap();
    let token = Token {
        id: "t-1".to_owned(),
        secret: [3; 32],
        account: "ada".to_owned(),
        label: "wall".to_owned(),
        scopes: "read".to_owned(),
        created: at(1_000),
        expires: at(9_000),
        used: None,
    };
    store.add_token(&token).await.unwrap();
    let (found, of) = store.session(&[1; 32]).await.unwrap().unwrap();
    assert_eq!((found, of), (session(1, "ada", 2_000), account("ada")));
    assert_eq!(store.token(&[3; 32]).await.unwrap().unwrap().0, token);

    store.forget_expired(at(0), at(2_500), at(8_000)).await.unwrap();
    assert!(
        store.session(&[1; 32]).await.unwrap().is_none(),
        "not used for too long"
    );
    assert!(store.session(&[2; 32]).await.unwrap().is_some());

    let mut changed = account("ada");
    changed.language = "es".to_owned();
    assert!(store.change_account(&changed).await.unwrap());
    assert!(
        store.session(&[2; 32]).await.unwrap().is_some(),
        "a language ends no session"
    );
    changed.role = "officer".to_owned();
    assert!(store.change_account(&changed).await.unwrap());
    assert!(
        store.session(&[2; 32]).await.unwrap().is_none(),
        "another role does"
    );
    assert!(store.token(&[3; 32]).await.unwrap().is_some());
    changed.is_disabled = true;
    assert!(store.change_account(&changed).await.unwrap());
    assert!(store.token(&[3; 32]).await.unwrap().is_none());
    assert!(!store.change_account(&account("nobody")).await.unwrap());
}

#[tokio::test]
async fn a_code_counts_once_and_events_wait_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("access.db");
    let store = AccessStore::open(&path).await.unwrap();
    store.add_account(&account("ada")).await.unwrap();
    assert!(store.use_totp_step("ada", 7).await.unwrap());
    assert!(!store.use_totp_step("ada", 7).await.unwrap());
    assert!(!store.use_totp_step("ada", 6).await.unwrap());
    assert!(store.use_totp_step("ada", 8).await.unwrap());
    for what in ["signed-in", "signed-out"] {
        let event = AccessEvent {
            what: what.to_owned(),
            by: "ada".to_owned(),
            about: String::new(),
            at: at(5),
        };
        store.post(&event).await.unwrap();
    }
    store.close().await;
    let store = AccessStore::open(&path).await.unwrap();
    let posted = store.posted(10).await.unwrap();
    assert_eq!(
        posted.iter().map(|(_, e)| e.what.as_str()).collect::<Vec<_>>(),
        ["signed-in", "signed-out"]
    );
    store.forget_posted(posted[0].0).await.unwrap();
    assert_eq!(store.posted(10).await.unwrap().len(), 1);
    store.set_setting("guest", b"on").await.unwrap();
    assert_eq!(store.setting("guest").await.unwrap().as_deref(), Some(&b"on"[..]));
}

#[cfg(unix)]
#[tokio::test]
async fn only_its_owner_may_read_it() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("access.db");
    AccessStore::open(&path).await.unwrap().close().await;
    assert_eq!(
        std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
}

#[tokio::test]
async fn a_copy_has_the_accounts_and_nobody_signed_in() {
    let folder = tempfile::tempdir().unwrap();
    let store = AccessStore::open(&folder.path().join("access.db")).await.unwrap();
    store.add_account(&account("ada")).await.unwrap();
    store.add_session(&session(7, "ada", 2_000)).await.unwrap();
    store
        .set_setting(pollwatch_store::access::SECRET_SETTING, &[0xAB; 32])
        .await
        .unwrap();
    store.set_setting("guests", b"1").await.unwrap();
    let path = folder.path().join("copy.db");
    assert_eq!(store.copy_to(&path).await.unwrap(), 1);
    assert!(store.copy_to(&path).await.is_err(), "nothing is written over");
    let bytes = std::fs::read(&path).unwrap();
    for secret in [[7; 32], [0xAB; 32]] {
        assert!(
            !bytes.windows(32).any(|part| part == secret),
            "not even in free pages"
        );
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(
            std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
    }
    let copy = AccessStore::open(&path).await.unwrap();
    assert_eq!(
        copy.account("ada").await.unwrap(),
        store.account("ada").await.unwrap()
    );
    assert_eq!(copy.session(&[7; 32]).await.unwrap(), None);
    assert_eq!(copy.setting("guests").await.unwrap().as_deref(), Some(&b"1"[..]));
}
