//! What keeps people from being told by what is printed: the key of their pseudonyms.

use super::args::InputArgs;
use super::failure::Failure;
use crate::identity::pseudonym::Pseudonyms;
use std::hash::{BuildHasher, RandomState};
use std::io::{ErrorKind, Write};

/// The variable that holds the key.
const KEY: &str = "DROPOFF_KEY";

/// Bytes of a key that nobody guesses.
const LEAST_BYTES: usize = 16;

/// What a note says where the key is that of one run.
const RANDOM_KEY: &str = "note: pseudonyms of this run alone: set DROPOFF_KEY or --anonymize-key-file for the same ones in every run";

/// The pseudonyms that were asked for; `None` where ids are printed as they are.
pub fn pseudonyms(args: &InputArgs) -> Result<Option<Pseudonyms>, Failure> {
    if !args.anonymize {
        return Ok(None);
    }
    let (secret, place) = match &args.anonymize_key_file {
        Some(path) => {
            let secret = std::fs::read(path).map_err(|error| {
                let why = match error.kind() {
                    ErrorKind::NotFound => "no such file".to_owned(),
                    kind => kind.to_string(),
                };
                Failure::usage(format!("--anonymize-key-file {}: {why}", path.display()))
            })?;
            (secret, format!("--anonymize-key-file {}", path.display()))
        }
        None => match std::env::var_os(KEY) {
            Some(secret) => (secret.into_encoded_bytes(), KEY.to_owned()),
            None => {
                if !args.quiet {
                    // A closed stderr changes nothing.
                    let _ = writeln!(std::io::stderr(), "{RANDOM_KEY}");
                }
                return Ok(Some(Pseudonyms::new(&random_bytes())));
            }
        },
    };
    let secret = secret.trim_ascii();
    if secret.len() < LEAST_BYTES {
        return Err(Failure::usage(format!("{place}: the key is shorter than {LEAST_BYTES} bytes"))
            .hint("a short key can be guessed; make one with: head -c 32 /dev/urandom | base64"));
    }
    Ok(Some(Pseudonyms::new(secret)))
}

/// Bytes that are others in every run, from the system's randomness behind the tables of the standard library.
pub fn random_bytes() -> [u8; 32] {
    let seeds = [(); 4].map(|()| RandomState::new().hash_one(0_u64).to_le_bytes());
    let mut bytes = [0; 32];
    bytes.copy_from_slice(seeds.as_flattened());
    bytes
}
