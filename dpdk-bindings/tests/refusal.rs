//! An EAL that cannot start: it may refuse only once per process, so a file of its own.

use dpdk::eal::Eal;
use dpdk::eal::EalError;

#[test]
fn arguments_that_dpdk_does_not_know_are_refused_with_a_hint() {
    let refused = Eal::init(&["--no-such-option".to_owned()]).unwrap_err();
    assert!(matches!(refused, EalError::Start { .. }), "{refused}");
    let text = refused.to_string();
    assert!(text.starts_with("the EAL did not start: "), "{text}");
    assert!(
        text.ends_with("; the lines above, from DPDK, name the argument or resource"),
        "{text}"
    );
}
