//! What the allocator of the C library is told once, before anything runs.

/// Blocks from this size on are mapped one by one.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const MAPPED_BYTES: libc::c_int = 4 << 20;
/// Free memory at the end of a heap that is given back.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const TRIMMED_BYTES: libc::c_int = 64 << 20;

/// Keeps freed memory for the next piece of input instead of giving it back to the system, which would
/// hand it out page by page again. Changes nothing where the C library is not glibc.
pub fn keep_freed_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: both are parameters that glibc knows, set to sizes that it takes, before there are other
    // threads; a value that it refused would leave it as it was.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, MAPPED_BYTES);
        libc::mallopt(libc::M_TRIM_THRESHOLD, TRIMMED_BYTES);
    }
}
