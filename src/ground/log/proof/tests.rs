use super::*;
use crate::ground::crypto::hash::leaf_hash;
use crate::ground::log::note::NoteError;

const NOTE: &str =
    "a.example/log\n2\nBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=\n\n\u{2014} a.example/log AAAAAAA=\n";
const HASH: &str = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";

fn file(middle: &str) -> String {
    format!("c2sp.org/tlog-proof@v1\n{middle}\n{NOTE}")
}

// LOG-18
#[test]
fn a_proof_file_is_its_own_serialisation() {
    for middle in
        ["index 0\n".to_owned(), format!("index 7\n{HASH}\n{HASH}\n"), format!("extra AQI=\nindex 1\n{HASH}\n")]
    {
        let text = file(&middle);
        let proof = ProofFile::parse(text.as_bytes()).unwrap();
        assert_eq!(proof.to_string(), text);
        assert_eq!(proof.checkpoint.claim().head.size, 2);
    }
    let proof = ProofFile::parse(file(&format!("extra AQI=\nindex 1\n{HASH}\n")).as_bytes()).unwrap();
    assert_eq!(proof.extra, Some(vec![1, 2]));
    assert_eq!(proof.inclusion, InclusionProof { index: 1, hashes: vec![Digest([7; 32])] });
}

// LOG-18
#[test]
fn every_way_bytes_are_no_proof_file_has_its_own_error() {
    let many = format!("index 0\n{}", format!("{HASH}\n").repeat(64));
    let long = format!("extra {}\nindex 0\n", encode_base64(&[0; MAX_PROOF_EXTRA_BYTES + 1]));
    for (text, error) in [
        (file("index 0\n").replace("@v1", "@v2"), ProofFileError::Header),
        (file(""), ProofFileError::Index),
        (file("index 01\n"), ProofFileError::Index),
        (file("index\n"), ProofFileError::Index),
        (file("index -1\n"), ProofFileError::Index),
        (file("index 9007199254740992\n"), ProofFileError::Index),
        (file("index 0\nextra AQI=\n"), ProofFileError::Hash(1)),
        (file("extra AQI\nindex 0\n"), ProofFileError::Extra),
        (file("extra AQI=\nextra AQI=\nindex 0\n"), ProofFileError::Index),
        (file(&long), ProofFileError::Extra),
        (file(&format!("index 0\n{HASH}\nAAAA\n")), ProofFileError::Hash(2)),
        (file(&format!("index 0\n{HASH} \n")), ProofFileError::Hash(1)),
        (file(&format!("index 0\r\n{HASH}\n")), ProofFileError::Index),
        (file(&many), ProofFileError::TooManyHashes),
        ("c2sp.org/tlog-proof@v1\nindex 0\n".to_owned(), ProofFileError::NoCheckpoint),
        (file("index 0\n\n"), ProofFileError::Checkpoint(CheckpointError::Origin)),
        (file("index 0\n") + "x", ProofFileError::Checkpoint(CheckpointError::Note(NoteError::Unterminated))),
        ("x".repeat(MAX_PROOF_BYTES + 1), ProofFileError::TooLarge(MAX_PROOF_BYTES + 1)),
    ] {
        assert_eq!(ProofFile::parse(text.as_bytes()), Err(error), "{}", text.chars().take(120).collect::<String>());
    }
    assert_eq!(ProofFile::parse(b"\xff\n\n"), Err(ProofFileError::NotUtf8));
    assert_eq!(ProofFileError::Index.problem(), ProblemType::ProofMalformed);
    assert_eq!(ProofFileError::Checkpoint(CheckpointError::Size).problem(), ProblemType::CheckpointMalformed);
}

// LOG-08
#[test]
fn the_empty_tree_is_the_beginning_of_every_tree_without_hashes() {
    let one = TreeHead { size: 1, root: leaf_hash(b"") };
    let (none, some) = (ConsistencyProof::default(), ConsistencyProof { hashes: vec![one.root] });
    assert_eq!(none.verify(&TreeHead::empty(), &one), Ok(()));
    assert_eq!(none.verify(&TreeHead::empty(), &TreeHead::empty()), Ok(()));
    assert_eq!(some.verify(&TreeHead::empty(), &one), Err(ConsistencyError::TooLong { hashes: 1 }));
    let false_empty = TreeHead { size: 0, root: one.root };
    assert_eq!(none.verify(&false_empty, &one), Err(ConsistencyError::FromEmpty));
}

#[test]
fn a_consistency_proof_is_an_array_of_at_most_63_digests() {
    let proof = ConsistencyProof { hashes: vec![Digest([7; 32]); 63] };
    let json = serde_json::to_string(&proof).unwrap();
    assert_eq!(serde_json::from_str::<ConsistencyProof>(&json).unwrap(), proof);
    let longer = serde_json::to_string(&vec![Digest([7; 32]); 64]).unwrap();
    assert!(serde_json::from_str::<ConsistencyProof>(&longer).is_err());
}
