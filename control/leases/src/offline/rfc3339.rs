//! Times as text: RFC 3339, in UTC with milliseconds.

/// The text of a time.
#[must_use]
pub fn format(utc_ms: u64) -> String {
    let (days, ms) = (utc_ms / DAY_MS, utc_ms % DAY_MS);
    let (year, month, day) = date(days);
    let (hour, minute, second) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60);
    let fraction = ms % 1000;
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{fraction:03}Z")
}

/// The time of a text in UTC, from 1970 to 9999; more digits than milliseconds are cut off.
pub(super) fn parse(text: &str) -> Option<u64> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
    let (time, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let [hour, minute, second] = numbers(time, ':', [2, 2, 2])?;
    let is_time = hour < 24 && minute < 60 && second < 60;
    let is_date = year >= 1970 && (1..=12).contains(&month) && (1..=31).contains(&day);
    let digits = fraction.bytes().all(|digit| digit.is_ascii_digit());
    if !is_time || !is_date || !digits || fraction.is_empty() {
        return None;
    }
    let days = days(year, month, day);
    // The thirtieth of February is another day.
    if self::date(days) != (year, month, day) {
        return None;
    }
    let ms: u64 = format!("{fraction:0<3}").get(..3)?.parse().ok()?;
    Some(days * DAY_MS + (hour * 3600 + minute * 60 + second) * 1000 + ms)
}

/// Numbers of so many digits each.
fn numbers(text: &str, between: char, digits: [usize; 3]) -> Option<[u64; 3]> {
    let mut parts = text.split(between);
    let mut numbers = [0; 3];
    for (number, digits) in numbers.iter_mut().zip(digits) {
        let part = parts.next().filter(|part| part.len() == digits)?;
        if !part.bytes().all(|digit| digit.is_ascii_digit()) {
            return None;
        }
        *number = part.parse().ok()?;
    }
    parts.next().is_none().then_some(numbers)
}

/// Days since 1970. Years begin in March here, so that the leap day is the last, and come in eras of 400.
const fn days(year: u64, month: u64, day: u64) -> u64 {
    let year = if month <= 2 { year - 1 } else { year };
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let of_era = (year % 400) * 365 + (year % 400) / 4 - (year % 400) / 100 + of_year;
    (year / 400) * ERA_DAYS + of_era - BEFORE_1970
}

/// The date of a day since 1970.
const fn date(days: u64) -> (u64, u64, u64) {
    let days = days + BEFORE_1970;
    let (era, of_era) = (days / ERA_DAYS, days % ERA_DAYS);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 {
        from_march + 3
    } else {
        from_march - 9
    };
    let year = year + era * 400;
    (if month <= 2 { year + 1 } else { year }, month, day)
}

const DAY_MS: u64 = 86_400_000;

/// Days of 400 years.
const ERA_DAYS: u64 = 146_097;

/// Days from the first of March of the year 0 to 1970.
const BEFORE_1970: u64 = 719_468;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn known_times() {
        for (utc_ms, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_800_000_000_123, "2027-01-15T08:00:00.123Z"),
            (4_107_542_399_999, "2100-02-28T23:59:59.999Z"),
        ] {
            assert_eq!(format(utc_ms), text);
            assert_eq!(parse(text), Some(utc_ms));
        }
        assert_eq!(parse("2027-01-15T08:00:00Z"), Some(1_800_000_000_000));
        assert_eq!(parse("2027-01-15T08:00:00.5Z"), Some(1_800_000_000_500));
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in [
            "",
            "2027-02-30T08:00:00.000Z",
            "2027-13-01T08:00:00.000Z",
            "1969-12-31T23:59:59.000Z",
            "2027-01-15T24:00:00.000Z",
            "2027-01-15T08:00:00.000",
            "2027-01-15T08:00:00.Z",
            "2027-1-15T08:00:00.000Z",
            "+027-01-15T08:00:00.000Z",
            "2027-01-15T08:00:00.0é0Z",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_time_comes_back(utc_ms in 0..253_402_300_800_000_u64) {
            prop_assert_eq!(parse(&format(utc_ms)), Some(utc_ms));
        }

        #[test]
        fn any_text_is_a_time_or_none(text in ".{0,30}") {
            let _ = parse(&text);
        }
    }
}
