//! libFuzzer's way into `packets`.
#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| lwaftr_fuzz::packets(octets));
