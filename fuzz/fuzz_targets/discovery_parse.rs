//! A discovery document that is taken leads to its own operator and nowhere else.
#![no_main]

use countersign::ground::crypto::hash::Digest;
use countersign::ground::discovery::Discovered;
use countersign::ground::name::Issuer;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let issuer: Issuer = "https://a.example".parse().expect("an issuer");
    if let Ok(discovered) = Discovered::parse(bytes, &issuer) {
        let answers = discovered.endpoints.evidence(&Digest::of(b"a decision"));
        assert!(answers.starts_with("https://a.example/"), "{answers}");
        assert_eq!(discovered.key_set.document().iss, issuer);
    }
});
