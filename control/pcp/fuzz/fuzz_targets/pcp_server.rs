//! libFuzzer's way into `pcp_server`.
#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| pcp_fuzz::pcp_server(octets));
