//! Whatever the strict reader accepts has a canonical form that reads back as itself.
#![no_main]

use countersign::ground::canonical::{Rules, parse, to_vec};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    for rules in [Rules::json(4096), Rules::receipt(4096)] {
        match parse(bytes, &rules) {
            Ok(document) => {
                let form = to_vec(&document).expect("a document that was read can be written");
                // The form may be longer than the document (`1e-5` is shorter than its digits), so the bound grows.
                let again = parse(&form, &Rules::json(1 << 20)).expect("a canonical form can be read");
                assert_eq!(to_vec(&again).expect("as before"), form);
            }
            Err(error) => assert!(error.offset <= bytes.len()),
        }
    }
});
