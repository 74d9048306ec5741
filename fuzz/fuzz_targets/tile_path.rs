//! A tile path that is read is exactly the text that came.
#![no_main]

use countersign::ground::log::tile::TileAddress;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Ok(address) = text.parse::<TileAddress>()
    {
        assert_eq!(address.to_string(), text);
    }
});
