use ed25519_dalek::{Signer as _, SigningKey};

use super::*;
use crate::ground::name::Timestamp;

fn key(seed: u8, name: &str, kind: SignatureType) -> (SigningKey, VerifierKey) {
    let signing = SigningKey::from_bytes(&[seed; 32]);
    let key = VerifierKey::new(name.parse().unwrap(), kind, &signing.verifying_key()).unwrap();
    (signing, key)
}

fn signed(text: &str, signing: &SigningKey, key: &VerifierKey, time: u64) -> NoteSignature {
    key.sign(text, Timestamp::from_unix_s(time).unwrap(), |message| signing.sign(message).to_bytes())
}

// LOG-12
#[test]
fn key_names_have_no_spaces_no_plus_and_an_end() {
    for good in ["a.example/log", "b", "ö", &"a".repeat(255)] {
        assert!(good.parse::<KeyName>().is_ok(), "{good}");
    }
    for bad in ["", "a b", "a+b", "a\u{a0}b", "a\u{2003}b", "a\tb", "a\nb", "a\u{1}b", &"a".repeat(256)] {
        assert!(bad.parse::<KeyName>().is_err(), "{bad}");
    }
}

// LOG-12
#[test]
fn every_way_bytes_are_no_note_has_its_own_error() {
    let line = "\u{2014} a AAAAAAA=";
    for (bytes, error) in [
        (b"a\n\xff".to_vec(), NoteError::NotUtf8),
        (format!("a\r\n\n{line}\n").into_bytes(), NoteError::ControlCharacter),
        (format!("a\n\n{line}").into_bytes(), NoteError::Unterminated),
        (b"a\n".to_vec(), NoteError::NoSignatures),
        (b"a\n\n".to_vec(), NoteError::NoSignatures),
        (format!("a\n\n{line}\nb\n").into_bytes(), NoteError::SignatureLine(2)),
        (b"a\n\n- a AAAAAAA=\n".to_vec(), NoteError::SignatureLine(1)),
        ("a\n\n\u{2014} a AAAAAAA\n".into(), NoteError::SignatureLine(1)),
        ("a\n\n\u{2014} a AAAAAAB=\n".into(), NoteError::SignatureLine(1)),
        ("a\n\n\u{2014} a AAAAAA==\n".into(), NoteError::SignatureLine(1)),
        ("a\n\n\u{2014} a  AAAAAAA=\n".into(), NoteError::SignatureLine(1)),
        ("a\n\n\u{2014} a AAAAAAA= \n".into(), NoteError::SignatureLine(1)),
        (format!("a\n\n{}", format!("{line}\n").repeat(101)).into_bytes(), NoteError::TooManySignatures(101)),
        (vec![b'a'; 65_537], NoteError::TooLarge(65_537)),
    ] {
        assert_eq!(Note::parse(&bytes), Err(error), "{}", String::from_utf8_lossy(&bytes));
    }
    let hundred = format!("a\n\nb\n\n{}", format!("{line}\n").repeat(100));
    let note = Note::parse(hundred.as_bytes()).unwrap();
    assert_eq!((note.text(), note.signatures().len()), ("a\n\nb\n", 100));
    assert_eq!(note.to_string(), hundred);
}

// LOG-13
#[test]
fn weak_misnamed_and_unknown_keys_are_refused() {
    let (signing, good) = key(1, "a.example/log", SignatureType::Ed25519);
    assert_eq!(good.to_string().parse(), Ok(good.clone()));
    let renamed = good.to_string().replace("a.example", "b.example");
    assert!(matches!(renamed.parse::<VerifierKey>(), Err(VkeyError::KeyId { .. })));
    let upper = good.to_string().replacen(&good.id().to_string(), &good.id().to_string().to_uppercase(), 1);
    assert!(upper == good.to_string() || upper.parse::<VerifierKey>().is_err());

    let vkey = |byte: u8, key: &[u8]| format!("a+00000000+{}", encode_base64(&[&[byte], key].concat()));
    let public = signing.verifying_key().to_bytes();
    assert_eq!(vkey(0x06, &public).parse::<VerifierKey>(), Err(VkeyError::UnknownType(0x06)));
    assert_eq!(vkey(0x01, &public[1..]).parse::<VerifierKey>(), Err(VkeyError::NotAKey));
    let mut identity = [0; 32];
    identity[0] = 1;
    assert_eq!(vkey(0x01, &identity).parse::<VerifierKey>(), Err(VkeyError::Weak));
    assert_eq!(vkey(0x04, &[0; 32]).parse::<VerifierKey>(), Err(VkeyError::Weak));
    for malformed in ["", "a", "a+00000000", "a+00000000+", "a+00000000+AQ", "+00000000+AQ=="] {
        assert_eq!(malformed.parse::<VerifierKey>(), Err(VkeyError::Malformed), "{malformed}");
    }
}

// LOG-14
#[test]
fn a_line_belongs_to_the_key_of_its_name_and_id_and_must_verify() {
    let text = "a text\n";
    let ((alice, alice_key), (bob, bob_key)) =
        (key(1, "alice", SignatureType::Ed25519), key(2, "bob", SignatureType::Cosignature));
    let mut note = Note::new(text.to_owned(), signed(text, &alice, &alice_key, 0));
    note.add(signed(text, &bob, &bob_key, 1_700_000_000)).unwrap();
    assert_eq!(Note::parse(note.to_string().as_bytes()), Ok(note.clone()));

    let dates = |note: &Note, key: &VerifierKey| -> Vec<_> {
        let lines = note.signatures_of(key).map(|line| key.verify(note.text(), &line.bytes));
        lines.map(|date| date.map(|date| date.map(Timestamp::unix_s))).collect()
    };
    assert_eq!(dates(&note, &alice_key), [Ok(None)]);
    assert_eq!(dates(&note, &bob_key), [Ok(Some(1_700_000_000))]);
    let (_, stranger) = key(1, "mallory", SignatureType::Ed25519);
    assert_eq!(dates(&note, &stranger), []);
    let forged = Note::parse(note.to_string().replace("a text", "another").as_bytes()).unwrap();
    assert_eq!([dates(&forged, &alice_key), dates(&forged, &bob_key)].concat(), [Err(SignatureInvalid); 2]);
    let repeated = note.add(signed(text, &bob, &bob_key, 1_800_000_000));
    assert_eq!(repeated, Err(NoteError::Repeated(bob_key.name().clone())));
}

// LOG-16
#[test]
fn a_cosignature_without_a_time_or_of_another_length_is_none() {
    let text = "a text\n";
    let (signing, key) = key(3, "carol", SignatureType::Cosignature);
    let good = signed(text, &signing, &key, 1).bytes;
    assert_eq!(key.verify(text, &good).map(|time| time.map(Timestamp::unix_s)), Ok(Some(1)));
    assert_eq!(key.verify(text, &signed(text, &signing, &key, 0).bytes), Err(SignatureInvalid));
    assert_eq!(key.verify(text, &good[1..]), Err(SignatureInvalid));
    assert_eq!(key.verify(text, &good[..7]), Err(SignatureInvalid));
    assert_eq!(key.verify(text, &[good.as_slice(), &[0]].concat()), Err(SignatureInvalid));
    let beyond = [u64::MAX.to_be_bytes().as_slice(), &good[8..]].concat();
    assert_eq!(key.verify(text, &beyond), Err(SignatureInvalid));
    assert_eq!(key.verify("another\n", &good), Err(SignatureInvalid));
}
