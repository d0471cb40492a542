//! libFuzzer's way into `codec`.
#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| fuzz::pcp::codec(octets));
