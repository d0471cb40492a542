//! libFuzzer's way into `tunnel`.
#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| fuzz::lwb4::tunnel(octets));
