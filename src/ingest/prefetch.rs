//! Asking memory for what will be read soon, so that the waits of many look-ups overlap.
//!
//! A plain read in advance would do as well, but it holds up the reads behind it until it is
//! answered; a request does not.

/// Asks for the cache line at which `items[index]` starts, if there is such an item. Changes
/// nothing that a program can see.
#[inline(always)]
pub fn prefetch<T>(items: &[T], index: usize) {
    #[cfg(target_arch = "x86_64")]
    if let Some(item) = items.get(index) {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: SSE belongs to every x86-64 processor, the address is that of a live item, and a
        // prefetch neither reads into the program nor writes.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(item).cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (items, index);
}
