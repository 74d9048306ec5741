//! A receipt that is read is exactly the bytes that came, and its payload is its own canonical form.
#![no_main]

use countersign::ground::receipt::compact::UnverifiedReceipt;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(receipt) = UnverifiedReceipt::parse(bytes) {
        assert_eq!(receipt.compact().as_bytes(), bytes);
    }
});
