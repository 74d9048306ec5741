//! Whatever is in a bundle, verifying it ends with a report; one that is written again reads as the same bundle.
#![no_main]

use countersign::ground::bundle::{Bundle, Options, verify};
use countersign::ground::trust::Pins;
use countersign::ground::verdict::Level;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(bundle) = Bundle::parse(bytes) else { return };
    let report = verify(&bundle, &Pins::default(), &Options::at_level(Level::Included));
    assert_eq!(report.items.len(), bundle.items().len());
    let written = bundle.to_bytes().expect("what was read can be written");
    assert_eq!(Bundle::parse(&written).expect("what was written can be read"), bundle);
});
