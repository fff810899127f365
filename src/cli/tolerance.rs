//! How many rejected rows a run may have.

use std::str::FromStr;

/// Rejected rows that a run may have and still be trusted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Tolerance {
    Rows(u64),
    /// Of the rows read, `0.0..=1.0`.
    Share(f64),
}

impl Tolerance {
    pub fn allows(self, rejected: u64, read: u64) -> bool {
        match self {
            Tolerance::Rows(most) => rejected <= most,
            Tolerance::Share(share) => rejected as f64 <= share * read as f64,
        }
    }
}

impl FromStr for Tolerance {
    type Err = String;

    fn from_str(text: &str) -> Result<Tolerance, String> {
        let wrong = || format!("{text:?} is neither a number of rows nor a share such as 0.5%");
        match text.strip_suffix('%') {
            Some(per_cent) => {
                let per_cent: f64 = per_cent.trim().parse().map_err(|_| wrong())?;
                if !(0.0..=100.0).contains(&per_cent) {
                    return Err(wrong());
                }
                Ok(Tolerance::Share(per_cent / 100.0))
            }
            None => text.parse().map(Tolerance::Rows).map_err(|_| wrong()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tolerances_are_rows_or_shares() {
        assert!("1%".parse::<Tolerance>().unwrap().allows(1, 100));
        assert!(!"1%".parse::<Tolerance>().unwrap().allows(2, 100));
        assert!("3".parse::<Tolerance>().unwrap().allows(3, 3));
        assert!("101%".parse::<Tolerance>().is_err());
        assert!("x".parse::<Tolerance>().is_err());
    }
}
