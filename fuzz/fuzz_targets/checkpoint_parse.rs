//! A checkpoint that is read is exactly the bytes that came, and what is understood is exactly what was signed.
#![no_main]

use countersign::ground::log::checkpoint::UnverifiedCheckpoint;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(checkpoint) = UnverifiedCheckpoint::parse(bytes) {
        assert_eq!(checkpoint.note().to_string().as_bytes(), bytes);
        assert_eq!(checkpoint.claim().text(), checkpoint.note().text());
    }
});
