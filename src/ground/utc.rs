//! Times as people write them: `2027-01-15T08:00:00Z` (RFC 3339, UTC, whole seconds).
//!
//! Evidence holds seconds since the epoch; this is for pages, terminals and command lines. Out of scope: time zones,
//! leap seconds (the epoch's seconds have none) and clocks.

use crate::ground::name::Timestamp;

/// Days of 400 Gregorian years, after which the calendar repeats.
const DAYS_PER_ERA: u64 = 146_097;
/// Days from 1 March of year 0 to 1 January 1970.
const DAYS_TO_EPOCH: u64 = 719_468;
const SECONDS_PER_DAY: u64 = 86_400;

/// Text that is no time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a time: expected seconds since 1970, or UTC such as `2027-01-15T08:00:00Z`")]
pub struct TimeError(String);

/// Writes a time.
pub fn format(time: Timestamp) -> String {
    let (days, seconds) = (time.unix_s() / SECONDS_PER_DAY, time.unix_s() % SECONDS_PER_DAY);
    let (year, month, day) = date_of(days);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// Reads a time in that form, or as seconds since the epoch.
pub fn parse(text: &str) -> Result<Timestamp, TimeError> {
    let refuse = || TimeError(text.chars().take(40).collect());
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let seconds = if is_number { text.parse().ok() } else { seconds_of(text) };
    let time = seconds.and_then(|seconds| Timestamp::from_unix_s(seconds).ok()).ok_or_else(refuse)?;
    // Written again, so that the 31st of February and the like do not slip through.
    if is_number || format(time) == text { Ok(time) } else { Err(refuse()) }
}

fn seconds_of(text: &str) -> Option<u64> {
    let (date, clock) = text.strip_suffix('Z')?.split_once('T')?;
    let [year, month, day] = numbers(date, '-')?;
    let [hour, minute, second] = numbers(clock, ':')?;
    let within = (1970..=9999).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
    if !within || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    Some(days_of(year, month, day)? * SECONDS_PER_DAY + hour * 3600 + minute * 60 + second)
}

fn numbers(text: &str, separator: char) -> Option<[u64; 3]> {
    let parts: Option<Vec<u64>> = text.split(separator).map(|part| part.parse().ok()).collect();
    parts?.try_into().ok()
}

/// The calendar with March as its first month, so that the leap day comes last (Hinnant, "chrono-compatible low-level
/// date algorithms").
fn date_of(days: u64) -> (u64, u64, u64) {
    let days = days + DAYS_TO_EPOCH;
    let (era, day_of_era) = (days / DAYS_PER_ERA, days % DAYS_PER_ERA);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year_of_era + era * 400 + u64::from(month <= 2), month, day)
}

fn days_of(year: u64, month: u64, day: u64) -> Option<u64> {
    let (shifted_year, shifted) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let (era, year_of_era) = (shifted_year / 400, shifted_year % 400);
    let day_of_year = (153 * shifted + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    (era * DAYS_PER_ERA + day_of_era).checked_sub(DAYS_TO_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(seconds: u64) -> Timestamp {
        Timestamp::from_unix_s(seconds).unwrap()
    }

    #[test]
    fn times_are_written_in_utc_and_read_back() {
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_800_000_000, "2027-01-15T08:00:00Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
            (253_402_300_799, "9999-12-31T23:59:59Z"),
        ] {
            assert_eq!(format(time(seconds)), text);
            assert_eq!(parse(text), Ok(time(seconds)));
            assert_eq!(parse(&seconds.to_string()), Ok(time(seconds)));
        }
        assert!(format(time((1 << 53) - 1)).ends_with('Z'));
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for bad in [
            "",
            "now",
            "-1",
            "2027-01-15",
            "2027-01-15T08:00:00",
            "2027-01-15T08:00:00+01:00",
            "2027-02-29T08:00:00Z",
            "2027-1-15T08:00:00Z",
            "2027-13-15T08:00:00Z",
            "2027-01-15T24:00:00Z",
            "1969-12-31T23:59:59Z",
            "99999999999999999999",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
