//! The records of one of Kafka's batches, version 2 of the format, decompressed.

/// A record, read in place.
#[derive(Clone)]
pub struct Record<'a> {
    pub offset: i64,
    /// Milliseconds since 1970.
    pub timestamp: i64,
    pub value: Option<&'a [u8]>,
    pub headers: Vec<(&'a [u8], Option<&'a [u8]>)>,
}

/// What a batch says of all its records.
pub struct Header {
    pub base_offset: i64,
    /// Of the first record; of each, where `is_append_time`.
    pub timestamp: i64,
    pub is_append_time: bool,
    pub count: usize,
}

/// Appends the records from an offset on; None when the bytes are no such records.
pub fn records<'a>(header: &Header, payload: &'a [u8], start: i64, into: &mut Vec<Record<'a>>) -> Option<()> {
    let mut rest = payload;
    for _ in 0..header.count {
        let length = length(&mut rest)??;
        let mut record = take(&mut rest, length)?;
        take(&mut record, 1)?; // attributes, of which there are none
        let later = varint(&mut record)?;
        let offset = header.base_offset.checked_add(varint(&mut record)?)?;
        bytes(&mut record)?; // the key
        let value = bytes(&mut record)?;
        let headers = usize::try_from(varint(&mut record)?).ok()?;
        let headers = (0..headers).map(|_| Some((bytes(&mut record)??, bytes(&mut record)?))).collect::<Option<_>>()?;
        if offset >= start {
            let timestamp = header.timestamp.checked_add(if header.is_append_time { 0 } else { later })?;
            into.push(Record { offset, timestamp, value, headers });
        }
    }
    rest.is_empty().then_some(())
}

fn take<'a>(from: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (taken, rest) = from.split_at_checked(count)?;
    *from = rest;
    Some(taken)
}

/// Bytes with their length before them; the inner None is Kafka's null.
fn bytes<'a>(from: &mut &'a [u8]) -> Option<Option<&'a [u8]>> {
    match length(from)? {
        Some(count) => take(from, count).map(Some),
        None => Some(None),
    }
}

fn length(from: &mut &[u8]) -> Option<Option<usize>> {
    match varint(from)? {
        -1 => Some(None),
        count => usize::try_from(count).ok().map(Some),
    }
}

/// A whole number in zigzag and groups of seven bits, the lowest first.
fn varint(from: &mut &[u8]) -> Option<i64> {
    let mut number = 0_u64;
    for (place, byte) in from.iter().take(10).enumerate() {
        number |= u64::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            *from = &from[place + 1..];
            return Some((number >> 1) as i64 ^ -((number & 1) as i64));
        }
    }
    None
}
