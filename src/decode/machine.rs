//! Which vector instructions the machine has, found out when the program runs.
//!
//! A value of [`Avx2`] or [`Avx512`] exists only where the machine has the instructions, so that
//! whoever holds one may run them: that is what `unsafe` blocks of the decoders rest on.

/// How bytes are looked at. All levels give the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Level {
    /// Eight bytes at a time in plain integers, for any machine.
    #[default]
    Portable,
    /// SSE2 belongs to every x86-64 machine.
    #[cfg(target_arch = "x86_64")]
    Sse2,
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2),
    #[cfg(target_arch = "x86_64")]
    Avx512(Avx512),
}

/// The machine has AVX2, BMI1, BMI2, LZCNT and POPCNT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg(target_arch = "x86_64")]
pub(super) struct Avx2(());

/// The machine has what [`Avx2`] says, and of AVX-512 what came with Ice Lake and Zen 4: F, BW, VBMI,
/// VBMI2, VPOPCNTDQ and VPCLMULQDQ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg(target_arch = "x86_64")]
pub(super) struct Avx512(pub(super) Avx2);

#[cfg(target_arch = "x86_64")]
impl Avx2 {
    fn detect() -> Option<Avx2> {
        use std::is_x86_feature_detected as has;
        let has_all = has!("avx2") && has!("bmi1") && has!("bmi2") && has!("lzcnt") && has!("popcnt");
        has_all.then_some(Avx2(()))
    }
}

#[cfg(target_arch = "x86_64")]
impl Avx512 {
    fn detect() -> Option<Avx512> {
        use std::is_x86_feature_detected as has;
        let has_all = has!("avx512f")
            && has!("avx512bw")
            && has!("avx512vbmi")
            && has!("avx512vbmi2")
            && has!("avx512vpopcntdq")
            && has!("vpclmulqdq");
        Avx2::detect().filter(|_| has_all).map(Avx512)
    }
}

impl Level {
    /// The fastest level of this machine.
    pub(super) fn detect() -> Level {
        Level::all().last().unwrap_or_default()
    }

    /// All levels that this machine can run, the fastest last.
    pub(super) fn all() -> impl Iterator<Item = Level> {
        #[cfg(target_arch = "x86_64")]
        let vectors =
            [Some(Level::Sse2), Avx2::detect().map(Level::Avx2), Avx512::detect().map(Level::Avx512)];
        #[cfg(not(target_arch = "x86_64"))]
        let vectors: [Option<Level>; 0] = [];
        [Some(Level::Portable)].into_iter().chain(vectors).flatten()
    }
}
