//! IPv4 options in fragments: which of them every fragment carries (RFC 791 s3.1, s3.2).

use arrayvec::ArrayVec;

/// The options of a later fragment.
pub(super) type Options = ArrayVec<u8, MOST>;

/// Those of `options` that are copied into every fragment, filled up to whole words.
pub(super) fn copied(options: &[u8]) -> Options {
    let mut copied = Options::new();
    let mut rest = options;
    while let Some(len) = first_len(rest) {
        let (option, following) = rest.split_at(len);
        // No more is copied than there is, and that is at most what a header holds.
        if option[0] & COPIED != 0 && copied.try_extend_from_slice(option).is_err() {
            break;
        }
        rest = following;
    }
    while !copied.len().is_multiple_of(4) && !copied.is_full() {
        copied.push(END);
    }
    copied
}

/// Octets of the first option; none at the end of the list, or where it can be followed no further.
fn first_len(options: &[u8]) -> Option<usize> {
    match *options.first()? {
        END => None,
        NO_OPERATION => Some(1),
        _ => options
            .get(1)
            .map(|len| usize::from(*len))
            .filter(|len| (2..=options.len()).contains(len)),
    }
}

/// Most octets of options: 15 words of header, less the 5 without.
const MOST: usize = 40;

/// The bit of an option's type that has it copied into every fragment.
const COPIED: u8 = 0x80;

// Option types of one octet.
const END: u8 = 0;
const NO_OPERATION: u8 = 1;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    // Loose source route and router alert are copied, record route and timestamp are not.
    const LOOSE_ROUTE: [u8; 7] = [131, 7, 4, 10, 0, 0, 1];
    const ROUTER_ALERT: [u8; 4] = [148, 4, 0, 0];
    const RECORD_ROUTE: [u8; 7] = [7, 7, 4, 0, 0, 0, 0];
    const TIMESTAMP: [u8; 4] = [68, 4, 5, 0];

    #[test]
    fn rfc_791_s3_1_only_options_with_the_copied_flag_are_copied() {
        let options = [&RECORD_ROUTE[..], &[1], &ROUTER_ALERT, &TIMESTAMP].concat();
        assert_eq!(copied(&options)[..], ROUTER_ALERT);
        assert!(copied(&[&RECORD_ROUTE[..], &[1]].concat()).is_empty());
        assert!(copied(&[1, 1, 1, 0]).is_empty());
    }

    #[test]
    fn rfc_791_s3_1_what_is_copied_is_filled_up_with_ends_of_list() {
        let options = [&[1][..], &LOOSE_ROUTE].concat();
        assert_eq!(copied(&options)[..], [131, 7, 4, 10, 0, 0, 1, 0]);
        let options = [&LOOSE_ROUTE[..], &[1], &ROUTER_ALERT].concat();
        assert_eq!(
            copied(&options)[..],
            [131, 7, 4, 10, 0, 0, 1, 148, 4, 0, 0, 0]
        );
    }

    #[test]
    fn after_the_end_of_the_list_nothing_is_copied() {
        let options = [&ROUTER_ALERT[..], &[0, 1, 1, 1], &ROUTER_ALERT].concat();
        assert_eq!(copied(&options)[..], ROUTER_ALERT);
    }

    #[test]
    fn options_that_lie_about_their_length_end_the_list() {
        for len in [0, 1, 9] {
            let options = [&ROUTER_ALERT[..], &[148, len, 0, 0, 148, 4, 0, 0]].concat();
            assert_eq!(copied(&options)[..], ROUTER_ALERT, "{len}");
        }
        assert!(copied(&[148]).is_empty());
    }

    proptest! {
        #[test]
        fn no_options_panic_or_grow(options in prop::collection::vec(any::<u8>(), 0..=40)) {
            let kept = copied(&options);
            prop_assert!(kept.len().is_multiple_of(4));
            prop_assert!(kept.len() <= options.len().next_multiple_of(4));
            // What is copied once is copied again.
            prop_assert_eq!(copied(&kept), kept);
        }
    }
}
