//! What may stand in a blank: how far it reaches, whether it fits, and what the lake keeps of it.
//!
//! All of it is a strict part of what the contract takes. What does not fit here goes to the judge, which decides.

const DAY: i64 = 86_400;
const MOST_OF_A_CODE: usize = 64;
/// Characters, of at most four bytes.
const MOST_OF_AN_IDENTIFIER: usize = 256;
const MOST_OF_A_NUMBER: usize = 30;
const MOST_OF_A_TIME: usize = 32;

/// Which bytes belong to what.
const CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let letter = byte as u8;
        // A text of JSON has these as they are; letters beyond ASCII too.
        if letter >= b' ' && !matches!(letter, b'"' | b'\\' | 0x7f) {
            classes[byte] |= PRINTABLE;
        }
        if letter.is_ascii_alphanumeric() || matches!(letter, b'.' | b'_' | b'-') {
            classes[byte] |= CODE;
        }
        if letter.is_ascii_digit() || matches!(letter, b'-' | b':' | b'T' | b'Z' | b'.' | b'+') {
            classes[byte] |= CLOCK;
        }
        if letter.is_ascii_digit() || matches!(letter, b'-' | b'.') {
            classes[byte] |= NUMBER;
        }
        byte += 1;
    }
    classes
};
const PRINTABLE: u8 = 1;
const CODE: u8 = 2;
const CLOCK: u8 = 4;
const NUMBER: u8 = 8;

/// In which role an identifier is hashed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    Id,
    Subject,
    Record,
    Mother,
    Scan,
}

/// What a blank takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shape {
    Code(Role),
    /// The event's own time, to the second or closer.
    Time,
    /// A date or a time of `data`; or a date alone.
    When {
        date_only: bool,
    },
    /// DECIMAL(28,12).
    Decimal,
    Int {
        least: i32,
        most: i32,
    },
    /// Neither read nor stored.
    Unread,
}

/// What was read of one blank.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Value {
    /// An identifier: its text is all there is.
    Code,
    /// Microseconds since 1970 in UTC.
    Time(i64),
    /// The same of a day's midnight or of a month's 15th; 0 for a month, 1 for a day, 2 for a time.
    When(i64, i8),
    /// In units of the twelfth decimal.
    Decimal(i128),
    Int(i32),
    Unread,
}

impl Role {
    /// Whether it takes more than letters, digits and `._-`.
    fn is_free(self) -> bool {
        matches!(self, Role::Id | Role::Record)
    }
}

impl Shape {
    /// How many bytes at the beginning of `text` can belong to such a value.
    pub fn reach(self, text: &[u8]) -> usize {
        let (most, class) = match self {
            Shape::Code(role) if role.is_free() => (4 * MOST_OF_AN_IDENTIFIER, PRINTABLE),
            Shape::Code(_) => (MOST_OF_A_CODE, CODE),
            Shape::Time | Shape::When { .. } => (MOST_OF_A_TIME, CLOCK),
            Shape::Decimal | Shape::Int { .. } => (MOST_OF_A_NUMBER, NUMBER),
            Shape::Unread => (usize::MAX, PRINTABLE),
        };
        text.iter().take(most).take_while(|byte| CLASSES[usize::from(**byte)] & class != 0).count()
    }

    /// What `text` says; None when it is not, or not plainly, such a value.
    pub fn read(self, text: &[u8]) -> Option<Value> {
        match self {
            Shape::Code(role) if role.is_free() => is_identifier(text).then_some(Value::Code),
            Shape::Code(_) => (!text.is_empty()).then_some(Value::Code),
            Shape::Time => match moment(text)? {
                (micros, Precision::Time { seconds: true }) => Some(Value::Time(micros)),
                _ => None,
            },
            Shape::When { date_only } => match moment(text)? {
                (micros, Precision::Month) => Some(Value::When(micros, 0)),
                (micros, Precision::Day) => Some(Value::When(micros, 1)),
                (micros, Precision::Time { .. }) => (!date_only).then_some(Value::When(micros, 2)),
            },
            Shape::Decimal => decimal(text).map(Value::Decimal),
            Shape::Int { least, most } => {
                integer(text).filter(|number| (least..=most).contains(number)).map(Value::Int)
            }
            Shape::Unread => str::from_utf8(text).ok().map(|_| Value::Unread),
        }
    }
}

/// Whether it is a text without spaces around it, and not too long.
fn is_identifier(text: &[u8]) -> bool {
    let Ok(text) = str::from_utf8(text) else {
        return false;
    };
    let at_ends = [text.chars().next(), text.chars().next_back()];
    let bare = at_ends.iter().all(|end| end.is_some_and(|letter| !letter.is_whitespace()));
    bare && (text.len() <= MOST_OF_AN_IDENTIFIER || text.chars().count() <= MOST_OF_AN_IDENTIFIER)
}

enum Precision {
    Month,
    Day,
    Time { seconds: bool },
}

/// Whether a number is negative, its digits before the point, and those behind it.
type Digits<'a> = (bool, &'a [u8], Option<&'a [u8]>);

/// Splits a number, which has no zeros to spare before its point.
fn split(text: &[u8]) -> Option<Digits<'_>> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        _ => (false, text),
    };
    let (whole, fraction) = match digits.iter().position(|c| *c == b'.') {
        Some(point) => (&digits[..point], Some(&digits[point + 1..])),
        None => (digits, None),
    };
    let spare = whole.len() > 1 && whole[0] == b'0';
    let plain = !whole.is_empty() && !spare && whole.iter().chain(fraction.unwrap_or(b"")).all(u8::is_ascii_digit);
    plain.then_some((negative, whole, fraction))
}

fn decimal(text: &[u8]) -> Option<i128> {
    let (negative, whole, fraction) = split(text)?;
    let fits = whole.len() <= 16 && fraction.is_none_or(|digits| (1..=12).contains(&digits.len()));
    if !fits || (negative && whole == b"0" && fraction.is_none()) {
        return None;
    }
    let behind = fraction.unwrap_or(b"");
    let number = whole.iter().chain(behind).fold(0_i128, |sum, c| sum * 10 + i128::from(c - b'0'));
    let scaled = number * 10_i128.pow(12 - u32::try_from(behind.len()).ok()?);
    Some(if negative { -scaled } else { scaled })
}

fn integer(text: &[u8]) -> Option<i32> {
    let (negative, whole, fraction) = split(text)?;
    if fraction.is_some() || whole.len() > 9 || (negative && whole == b"0") {
        return None;
    }
    let number = whole.iter().fold(0_i32, |sum, c| sum * 10 + i32::from(c - b'0'));
    Some(if negative { -number } else { number })
}

/// Appends what the canonical content says for a number that `decimal` takes: Python's text of Decimal, normalised.
pub fn say_number(text: &[u8], content: &mut Vec<u8>) {
    let Some((negative, whole, fraction)) = split(text) else {
        return content.extend_from_slice(text);
    };
    let ends_plainly = text.last().is_some_and(|last| *last != b'0');
    if ends_plainly && (whole != b"0" || fraction.is_some_and(|digits| !digits.starts_with(b"000000"))) {
        return content.extend_from_slice(text); // most numbers are said as they are written
    }
    let behind = fraction.unwrap_or(b"");
    let significant: Vec<u8> = whole.iter().chain(behind).copied().skip_while(|c| *c == b'0').collect();
    let Some(last) = significant.iter().rposition(|c| *c != b'0') else {
        return content.push(b'0');
    };
    let digits = &significant[..=last];
    let exponent = (significant.len() - digits.len()) as i64 - behind.len() as i64;
    let before_point = exponent + digits.len() as i64;
    if negative {
        content.push(b'-');
    }
    let (point, power) = if exponent <= 0 && before_point > -6 { (before_point, 0) } else { (1, before_point - 1) };
    match usize::try_from(point) {
        Ok(point) if point >= digits.len() => content.extend_from_slice(digits),
        Ok(point) if point > 0 => {
            content.extend_from_slice(&digits[..point]);
            content.push(b'.');
            content.extend_from_slice(&digits[point..]);
        }
        _ => {
            content.extend_from_slice(b"0.");
            content.extend(std::iter::repeat_n(b'0', usize::try_from(-point).unwrap_or(0)));
            content.extend_from_slice(digits);
        }
    }
    if power != 0 {
        content.extend_from_slice(format!("E{power:+}").as_bytes());
    }
}

/// Reads `2026-03`, `2026-03-14`, or a time to the minute, second, milli- or microsecond in UTC or with its offset.
fn moment(text: &[u8]) -> Option<(i64, Precision)> {
    let [y1, y2, y3, y4, b'-', m1, m2, rest @ ..] = text else {
        return None;
    };
    let year = number(&[*y1, *y2, *y3, *y4])?;
    let month = number(&[*m1, *m2])?;
    if !(1000..3000).contains(&year) || !(1..=12).contains(&month) {
        return None;
    }
    let first = days_before(year, month);
    let [b'-', d1, d2, clock @ ..] = rest else {
        return rest.is_empty().then_some(((first + 14) * DAY * 1_000_000, Precision::Month));
    };
    let day = number(&[*d1, *d2])?;
    let next = if month == 12 { days_before(year + 1, 1) } else { days_before(year, month + 1) };
    if !(1..=next - first).contains(&day) {
        return None;
    }
    let midnight = (first + day - 1) * DAY;
    if clock.is_empty() {
        return Some((midnight * 1_000_000, Precision::Day));
    }
    let [b'T', h1, h2, b':', n1, n2, rest @ ..] = clock else {
        return None;
    };
    let (hour, minute) = (number(&[*h1, *h2])?, number(&[*n1, *n2])?);
    let (seconds, second, rest) = match rest {
        [b':', s1, s2, rest @ ..] => (true, number(&[*s1, *s2])?, rest),
        _ => (false, 0, rest),
    };
    let (micros, zone) = match rest {
        [b'.', f1, f2, f3, f4, f5, f6, rest @ ..] if seconds && f4.is_ascii_digit() => {
            (number(&[*f1, *f2, *f3, *f4, *f5, *f6])?, rest)
        }
        [b'.', f1, f2, f3, rest @ ..] if seconds => (number(&[*f1, *f2, *f3])? * 1000, rest),
        _ => (0, rest),
    };
    let ahead = match zone {
        b"Z" => 0,
        [sign @ (b'+' | b'-'), h1, h2, b':', n1, n2] => {
            let (hours, minutes) = (number(&[*h1, *h2])?, number(&[*n1, *n2])?);
            if hours >= 24 || minutes >= 60 {
                return None;
            }
            (hours * 60 + minutes) * if *sign == b'-' { -60 } else { 60 }
        }
        _ => return None,
    };
    if hour >= 24 || minute >= 60 || second >= 60 {
        return None;
    }
    let moment = midnight + hour * 3600 + minute * 60 + second - ahead;
    Some((moment * 1_000_000 + micros, Precision::Time { seconds }))
}

fn number(digits: &[u8]) -> Option<i64> {
    digits.iter().try_fold(0, |sum, c| c.is_ascii_digit().then(|| sum * 10 + i64::from(c - b'0')))
}

/// Days from 1970 to the first of a month of the Gregorian calendar.
fn days_before(year: i64, month: i64) -> i64 {
    // Counted in years that begin in March, so that the leap day is a year's last.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    365 * year + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + (153 * month + 2) / 5 - 719_468
}
