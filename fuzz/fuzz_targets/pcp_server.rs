//! libFuzzer's way into `pcp_server`.
#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| fuzz::pcp::pcp_server(octets));
