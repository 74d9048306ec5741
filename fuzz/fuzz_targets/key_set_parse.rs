//! A key set that is read is exactly the bytes that came.
#![no_main]

use countersign::ground::keyset::SelfSignedKeySet;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(key_set) = SelfSignedKeySet::parse(bytes) {
        assert_eq!(key_set.compact().as_bytes(), bytes);
    }
});
