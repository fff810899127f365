//! Numbers in sentences for people. Tables keep typed cells and leave this to the renderers.

/// `1234567` as `1,234,567`.
pub fn count(n: u64) -> String {
    n.to_string()
}

pub fn per_cent(share: f64) -> String {
    format!("{:.2} %", share * 100.0)
}

pub fn duration(us: i64) -> String {
    format!("{us}")
}
