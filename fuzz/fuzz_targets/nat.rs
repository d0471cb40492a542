//! libFuzzer's way into `nat`.
#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| fuzz::lwb4::nat(octets));
