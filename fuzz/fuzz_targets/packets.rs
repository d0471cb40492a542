//! libFuzzer's way into `packets`.
#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| fuzz::dataplane::packets(octets));
