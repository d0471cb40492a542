//! libFuzzer's way into `codec`.
#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| pcp_fuzz::codec(octets));
