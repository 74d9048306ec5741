use ed25519_dalek::{Signer as _, SigningKey};

use super::*;
use crate::ground::log::note::{SignatureType, VkeyError};

const TIME: u64 = 1_770_193_051;

struct Operator {
    log: SigningKey,
    cosigner: SigningKey,
}

impl Operator {
    fn new(seed: u8) -> Self {
        Self { log: SigningKey::from_bytes(&[seed; 32]), cosigner: SigningKey::from_bytes(&[seed + 100; 32]) }
    }

    fn log_key(&self) -> LogKey {
        LogKey::new("a.example/log".parse().unwrap(), &self.log.verifying_key()).unwrap()
    }

    fn cosigner_key(&self) -> CosignerKey {
        CosignerKey::new("a.example/cosigner".parse().unwrap(), &self.cosigner.verifying_key()).unwrap()
    }

    fn publish(&self, checkpoint: &Checkpoint, time: u64) -> Note {
        let mut note = checkpoint.sign(&self.log_key(), |message| self.log.sign(message).to_bytes()).unwrap();
        note.add(self.cosign(checkpoint, time)).unwrap();
        note
    }

    fn cosign(&self, checkpoint: &Checkpoint, time: u64) -> NoteSignature {
        let time = Timestamp::from_unix_s(time).unwrap();
        checkpoint.cosign(&self.cosigner_key(), time, |message| self.cosigner.sign(message).to_bytes())
    }

    fn verify(&self, note: &str) -> Result<VerifiedCheckpoint, CheckpointError> {
        UnverifiedCheckpoint::parse(note.as_bytes())?.verify(&self.log_key(), &self.cosigner_key())
    }
}

fn checkpoint() -> Checkpoint {
    Checkpoint { origin: "a.example/log".parse().unwrap(), head: TreeHead { size: 10, root: Digest([7; 32]) } }
}

// LOG-17
#[test]
fn a_published_checkpoint_verifies_and_says_its_time() {
    let operator = Operator::new(1);
    let note = operator.publish(&checkpoint(), TIME).to_string();
    let verified = operator.verify(&note).unwrap();
    assert_eq!((verified.origin().as_str(), verified.head()), ("a.example/log", &checkpoint().head));
    assert_eq!(verified.time().unix_s(), TIME);
    assert_eq!(verified.note().to_string(), note);
    let empty = Checkpoint { head: TreeHead::empty(), ..checkpoint() };
    let note = operator.publish(&empty, TIME).to_string();
    assert!(note.contains("\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"));
    assert!(operator.verify(&note).is_ok());
}

// LOG-15
#[test]
fn every_way_a_text_is_no_checkpoint_has_its_own_error() {
    let note = Operator::new(1).publish(&checkpoint(), TIME).to_string();
    let root = encode_base64(&[7; 32]);
    let parse = |from: &str, to: &str| UnverifiedCheckpoint::parse(note.replacen(from, to, 1).as_bytes()).unwrap_err();
    assert_eq!(parse("a.example/log\n", "a example\n"), CheckpointError::Origin);
    assert_eq!(parse("a.example/log\n", "\n"), CheckpointError::Origin);
    for size in ["010", "+10", "-1", "", "1e1", "18446744073709551616", " 10"] {
        assert_eq!(parse("\n10\n", &format!("\n{size}\n")), CheckpointError::Size, "{size}");
    }
    let beyond = parse("\n10\n", "\n9007199254740992\n");
    assert_eq!(beyond, CheckpointError::Head(HeadError::Size(9_007_199_254_740_992)));
    assert_eq!(parse("\n10\n", "\n0\n"), CheckpointError::Head(HeadError::EmptyRoot));
    for bad in ["", "BwcH", root.trim_end_matches('='), &root.replace("Bwc=", "Bwd=")] {
        assert_eq!(parse(&root, bad), CheckpointError::Root, "{bad}");
    }
    assert_eq!(parse(&root, &format!("{root}\nextension")), CheckpointError::ExtensionLines);
    assert_eq!(parse(&root, &format!("{root}\n")), CheckpointError::ExtensionLines);
    assert_eq!(parse("a.example/log\n10\n", ""), CheckpointError::Size);
    let bare = UnverifiedCheckpoint::parse(checkpoint().text().as_bytes());
    assert_eq!(bare, Err(CheckpointError::Note(NoteError::NoSignatures)));
}

// LOG-17
#[test]
fn log_signature_and_own_cosignature_are_both_needed_exactly_once() {
    let (operator, other) = (Operator::new(1), Operator::new(2));
    let note = operator.publish(&checkpoint(), TIME).to_string();
    let lines: Vec<&str> = note.trim_end().split('\n').collect();
    let with = |signatures: &[&str]| format!("{}\n{}\n", lines[..4].join("\n"), signatures.join("\n"));
    let (log, own) = (lines[4], lines[5]);
    let forged =
        operator.publish(&Checkpoint { head: TreeHead { size: 11, root: Digest([7; 32]) }, ..checkpoint() }, TIME);
    let forged = forged.to_string();
    let forged: Vec<&str> = forged.trim_end().split('\n').collect();
    let later = operator.cosign(&checkpoint(), TIME + 1).to_string();
    let undated = operator.cosign(&checkpoint(), 0).to_string();
    let (origin, cosigner) = (operator.log_key().origin().clone(), operator.cosigner_key().vkey().name().clone());

    assert!(operator.verify(&with(&[own, log])).is_ok(), "the order of the lines says nothing");
    let error = |signatures: &[&str]| operator.verify(&with(signatures)).unwrap_err();
    assert_eq!(error(&[own]), CheckpointError::LogSignatureMissing(origin.clone()));
    assert_eq!(error(&[forged[4], own]), CheckpointError::LogSignatureInvalid(origin.clone()));
    assert_eq!(error(&[log, log, own]), CheckpointError::LogSignatureRepeated(origin.clone()));
    assert_eq!(error(&[log]), CheckpointError::CosignatureMissing(cosigner.clone()));
    assert_eq!(error(&[log, forged[5]]), CheckpointError::CosignatureInvalid(cosigner.clone()));
    assert_eq!(error(&[log, &undated]), CheckpointError::CosignatureInvalid(cosigner.clone()));
    assert_eq!(error(&[log, own, &later]), CheckpointError::CosignatureRepeated(cosigner));
    let strangers = other.publish(&checkpoint(), TIME).to_string();
    assert_eq!(operator.verify(&strangers), Err(CheckpointError::LogSignatureMissing(origin)));
}

// LOG-15, LOG-17
#[test]
fn a_checkpoint_of_another_log_is_refused_and_not_signed() {
    let operator = Operator::new(1);
    let other = Checkpoint { origin: "b.example/log".parse().unwrap(), ..checkpoint() };
    let wrong = CheckpointError::WrongOrigin { expected: checkpoint().origin, found: other.origin.clone() };
    assert_eq!(other.sign(&operator.log_key(), |_| [0; 64]), Err(wrong.clone()));
    let note = operator.publish(&checkpoint(), TIME).to_string().replacen("a.example/log\n", "b.example/log\n", 1);
    assert_eq!(operator.verify(&note), Err(wrong));
}

// LOG-13, LOG-17
#[test]
fn a_log_key_cannot_stand_in_for_a_cosigner_nor_the_other_way_round() {
    let operator = Operator::new(1);
    let (log, cosigner) = (operator.log_key().to_string(), operator.cosigner_key().to_string());
    assert_eq!(log.parse(), Ok(operator.log_key()));
    assert_eq!(cosigner.parse(), Ok(operator.cosigner_key()));
    let wrong = |expected, found| Some(VkeyError::WrongType { expected, found });
    assert_eq!(cosigner.parse::<LogKey>().err(), wrong(SignatureType::Ed25519, SignatureType::Cosignature));
    assert_eq!(log.parse::<CosignerKey>().err(), wrong(SignatureType::Cosignature, SignatureType::Ed25519));
}

#[test]
fn each_error_has_its_registered_problem() {
    let name: KeyName = "a".parse().unwrap();
    for (error, problem) in [
        (CheckpointError::Size, ProblemType::CheckpointMalformed),
        (CheckpointError::Note(NoteError::Unterminated), ProblemType::CheckpointMalformed),
        (CheckpointError::LogSignatureMissing(name.clone()), ProblemType::CheckpointSignature),
        (CheckpointError::CosignatureMissing(name.clone()), ProblemType::CheckpointUndated),
        (CheckpointError::WrongOrigin { expected: name.clone(), found: name }, ProblemType::CheckpointOrigin),
    ] {
        assert_eq!(error.problem(), problem, "{error}");
    }
}
