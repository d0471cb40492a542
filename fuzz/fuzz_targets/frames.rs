//! libFuzzer's way into `frames`.
#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| fuzz::dataplane::frames(octets));
