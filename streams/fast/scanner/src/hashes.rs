//! The keyed hashes that stand for identifiers and contents; contracts/pseudonyms.py defines them.

use blake2b_simd::many::{HashManyJob, hash_many};
use blake2b_simd::{Hash, Params};

use crate::values::Role;

/// One site's hashes.
pub struct Hashes {
    roles: [Params; 5],
    content: Params,
}

/// A column of pseudonyms: the halves of each as numbers of the machine's own byte order.
#[derive(Default)]
pub struct Halves {
    pub high: Vec<u8>,
    pub low: Vec<u8>,
}

impl Hashes {
    /// With the site's key, of at most 64 bytes.
    pub fn new(key: &[u8]) -> Self {
        let of = |person: &[u8]| {
            let mut params = Params::new();
            params.hash_length(16).key(key).personal(person);
            params
        };
        let roles: [&[u8]; 5] = [b"b12.id", b"b12.subject", b"b12.record", b"b12.mother", b"b12.scan"];
        Hashes { roles: roles.map(of), content: of(b"b12.content") }
    }

    /// Appends the pseudonyms of these values in a role.
    pub fn codes<'a>(&self, role: Role, values: impl Iterator<Item = &'a [u8]>, into: &mut Halves) {
        append(&self.roles[role as usize], values, into);
    }

    /// Appends what these contents are known by.
    pub fn contents<'a>(&self, values: impl Iterator<Item = &'a [u8]>, into: &mut Halves) {
        append(&self.content, values, into);
    }
}

fn append<'a>(params: &Params, values: impl Iterator<Item = &'a [u8]>, into: &mut Halves) {
    let mut jobs: Vec<_> = values.map(|value| HashManyJob::new(params, value)).collect();
    hash_many(jobs.iter_mut());
    for job in &jobs {
        let hash: Hash = job.to_hash();
        for (half, column) in hash.as_bytes().chunks_exact(8).zip([&mut into.high, &mut into.low]) {
            let number = half.iter().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
            column.extend_from_slice(&number.to_ne_bytes());
        }
    }
}
