//! How much memory a run may take: what was typed, what the machine allows, and what is left of it
//! for events and ids.

use super::failure::Failure;
use crate::human;
use crate::source::scratch::Scratch;
use std::path::{Path, PathBuf};

/// Of what the machine allows, where nothing was typed.
const DEFAULT_SHARE: f64 = 0.6;
/// Taken for the memory of a machine that does not tell it.
const UNKNOWN_MEMORY: u64 = 8 << 30;
/// What a run takes beside events and ids, without its threads.
const BASE_BYTES: u64 = 24 << 20;
/// What each thread takes: chunks and batches on their way, tables of its own.
const THREAD_BYTES: u64 = 12 << 20;
/// Of what is left, the share that lists may ask for; the rest is what the allocator cannot give
/// back at once.
const STORE_SHARE: f64 = 0.8;
/// Of the address space of a process, what program and libraries take without being in memory.
const IMAGE_BYTES: u64 = 64 << 20;
/// Less than this for events and ids, and runs of temporary files get too short.
const LEAST_STORE_BYTES: u64 = 8 << 20;

/// A size as typed.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Size {
    Bytes(u64),
    Share(f64),
}

/// Bytes that events and ids may take in memory. `typed` is a size or nothing, `available` what the
/// machine allows, if that is known.
pub fn store_bytes(typed: Option<&str>, available: Option<u64>, threads: usize) -> Result<u64, Failure> {
    let share_of = |share: f64, memory: u64| (memory as f64 * share) as u64;
    let least = least_bytes(threads);
    let typed = typed.map(|text| parse_size("--memory", text)).transpose().map_err(Failure::usage)?;
    let memory = match typed {
        // What was not typed is no mistake of the user.
        None => share_of(DEFAULT_SHARE, available.unwrap_or(UNKNOWN_MEMORY)).max(least),
        Some(Size::Bytes(bytes)) => bytes,
        Some(Size::Share(share)) => {
            let available = available.ok_or_else(|| {
                Failure::usage("--memory: this machine does not say how much memory it has")
                    .hint("give a size, e.g. --memory 2GiB")
            })?;
            share_of(share, available)
        }
    };
    if memory < least {
        let threads = human::counted(threads as u64, "thread", "threads");
        return Err(Failure::usage(format!(
            "--memory: {} is too little: a run with {threads} takes at least {}",
            human::bytes(memory),
            least_text(least)
        ))
        .hint("more than that makes a run faster, fewer --threads need less"));
    }
    Ok(room(memory, threads))
}

/// What is left for events and ids.
fn room(memory: u64, threads: usize) -> u64 {
    let rest = memory.saturating_sub(BASE_BYTES + THREAD_BYTES * threads as u64);
    (rest as f64 * STORE_SHARE) as u64
}

/// The least memory that leaves enough for events and ids.
fn least_bytes(threads: usize) -> u64 {
    BASE_BYTES + THREAD_BYTES * threads as u64 + (LEAST_STORE_BYTES as f64 / STORE_SHARE) as u64 + 1
}

/// In whole MB, rounded up, so that it can be typed.
fn least_text(bytes: u64) -> String {
    format!("{}MB", bytes.div_ceil(1_000_000))
}

/// A number of bytes as typed behind a flag, e.g. `64KiB`; a share is none.
pub fn read_bytes(flag: &str, text: &str) -> Result<u64, Failure> {
    match parse_size(flag, text).map_err(Failure::usage)? {
        Size::Bytes(bytes) => Ok(bytes),
        Size::Share(_) => {
            Err(Failure::usage(format!("{flag}: {text:?} is a share, not a size such as 2GiB")))
        }
    }
}

fn parse_size(flag: &str, text: &str) -> Result<Size, String> {
    let wrong = || format!("{flag}: {text:?} is not a size such as 512MB, 2GiB or 50%");
    let text_trimmed = text.trim();
    let digits = text_trimmed.bytes().take_while(|byte| byte.is_ascii_digit() || *byte == b'.').count();
    let (number, unit) = text_trimmed.split_at(digits);
    let number: f64 = number.parse().map_err(|_| wrong())?;
    let unit = unit.trim().to_ascii_lowercase();
    if unit == "%" {
        return if number > 0.0 && number <= 100.0 { Ok(Size::Share(number / 100.0)) } else { Err(wrong()) };
    }
    let bytes = number
        * match unit.as_str() {
            "b" => 1.0,
            "kb" | "k" => 1e3,
            "mb" | "m" => 1e6,
            "gb" | "g" => 1e9,
            "tb" | "t" => 1e12,
            "kib" => 1024.0,
            "mib" => f64::from(1 << 20),
            "gib" => f64::from(1 << 30),
            "tib" => 1024.0 * f64::from(1 << 30),
            _ => return Err(wrong()),
        };
    Ok(Size::Bytes(bytes as u64))
}

/// A directory that was named must take temporary files: told before the first byte is read.
pub fn check_temp_dir(directory: &Path) -> Result<(), Failure> {
    Scratch::create_in(directory).map(drop).map_err(|error| {
        Failure::usage(format!(
            "--temp-dir: {}: cannot make a temporary file there: {error}",
            directory.display()
        ))
    })
}

/// The memory of the machine, or what control groups and limits of the process leave of it; `None` where
/// none of them can be told. `read` gives the text of a file.
///
/// Groups are nested and each may have a limit: the least one counts. A process that asks for more than its own
/// limits is ended by the system, and cannot say why.
pub fn available(read: impl Fn(&Path) -> Option<String>) -> Option<u64> {
    let machine = read(Path::new("/proc/meminfo")).and_then(|text| total_memory(&text));
    let groups = read(Path::new("/proc/self/cgroup")).unwrap_or_default();
    let mounts = read(Path::new("/proc/self/mountinfo")).unwrap_or_default();
    let limits = mounts.lines().filter_map(Mount::parse).flat_map(|mount| {
        let directories = mount.directories(&groups);
        let files = mount.files;
        directories.into_iter().flat_map(move |directory| files.iter().map(move |file| directory.join(file)))
    });
    // "max", and the huge number that stands for it in the first version, are no limits.
    let limits = limits.filter_map(|file| read(&file)?.trim().parse::<u64>().ok());
    let of_process = read(Path::new("/proc/self/limits")).unwrap_or_default();
    let of_process = process_limits(&of_process);
    machine.into_iter().chain(limits.filter(|&bytes| bytes < 1 << 60)).chain(of_process).min()
}

/// What a process may ask for (`ulimit -v`, `ulimit -d`), without what it has at its start.
fn process_limits(limits: &str) -> impl Iterator<Item = u64> {
    let kinds = [("Max address space", IMAGE_BYTES), ("Max data size", 0)];
    kinds.into_iter().filter_map(|(kind, taken)| {
        let rest = limits.lines().find_map(|line| line.strip_prefix(kind))?;
        // The soft limit comes first; "unlimited" is none.
        let limit: u64 = rest.split_whitespace().next()?.parse().ok()?;
        Some(limit.saturating_sub(taken))
    })
}

fn total_memory(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kib| kib * 1024)
}

/// Where a hierarchy of control groups that limits memory is mounted.
struct Mount<'t> {
    /// The group that is seen at the mount point.
    root: &'t str,
    point: &'t str,
    /// Of the second version, where one hierarchy has all controllers.
    is_unified: bool,
    files: &'static [&'static str],
}

impl<'t> Mount<'t> {
    /// Reads a line of `mountinfo`: number, parent, device, root, mount point, options, then after a
    /// lone hyphen type, source and the options of the file system.
    fn parse(line: &'t str) -> Option<Mount<'t>> {
        let (before, after) = line.split_once(" - ")?;
        let mut before = before.split(' ').skip(3);
        let (root, point) = (before.next()?, before.next()?);
        let mut after = after.split(' ');
        let (kind, options) = (after.next()?, after.nth(1)?);
        match kind {
            "cgroup2" => Some(Mount { root, point, is_unified: true, files: &["memory.max", "memory.high"] }),
            "cgroup" if options.split(',').any(|option| option == "memory") => {
                Some(Mount { root, point, is_unified: false, files: &["memory.limit_in_bytes"] })
            }
            _ => None,
        }
    }

    /// The directories of the group of the process and of all groups around it that can be seen.
    /// `groups` has lines of number, controllers and path, with colons between.
    fn directories(&self, groups: &str) -> Vec<PathBuf> {
        let path = groups.lines().find_map(|line| {
            let mut parts = line.splitn(3, ':');
            let (number, controllers, path) = (parts.next()?, parts.next()?, parts.next()?);
            let is_ours = if self.is_unified {
                number == "0" && controllers.is_empty()
            } else {
                controllers.split(',').any(|controller| controller == "memory")
            };
            is_ours.then_some(path)
        });
        // In a container the path may be that of the machine outside, and its group the mounted one.
        let inside =
            path.and_then(|path| Path::new(path).strip_prefix(self.root).ok()).unwrap_or(Path::new(""));
        inside.ancestors().map(|inside| Path::new(self.point).join(inside)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;
    const MEMINFO: (&str, &str) = ("/proc/meminfo", "MemTotal:       16384 kB\nMemFree:         1000 kB\n");
    const MACHINE: u64 = 16 * MIB;

    fn available_of(files: &[(&str, &str)]) -> Option<u64> {
        available(|path| {
            let text = files.iter().find(|(name, _)| Path::new(name) == path);
            text.map(|(_, text)| (*text).to_owned())
        })
    }

    #[test]
    fn a_machine_without_groups_has_its_memory() {
        assert_eq!(available_of(&[MEMINFO]), Some(MACHINE));
        assert_eq!(available_of(&[]), None);
        assert_eq!(available_of(&[("/proc/meminfo", "MemTotal: lots\n")]), None);
    }

    #[test]
    fn a_process_may_have_less_than_its_machine() {
        let limits = |address: &str, data: &str| {
            let text = format!(
                "Limit                     Soft Limit           Hard Limit           Units     \n\
                 Max cpu time              unlimited            unlimited            seconds   \n\
                 Max data size             {data:<20} unlimited            bytes     \n\
                 Max address space         {address:<20} 999999               bytes     \n"
            );
            available_of(&[MEMINFO, ("/proc/self/limits", &text)])
        };
        assert_eq!(limits("unlimited", "unlimited"), Some(MACHINE));
        assert_eq!(limits("unlimited", "4194304"), Some(4 * MIB));
        assert_eq!(limits("75497472", "unlimited"), Some(8 * MIB), "72 MiB less 64");
        assert_eq!(limits("75497472", "4194304"), Some(4 * MIB));
        assert_eq!(limits("1048576", "unlimited"), Some(0));
        assert_eq!(limits("750000000000", "unlimited"), Some(MACHINE));
    }

    #[test]
    fn the_least_limit_of_nested_groups_counts() {
        let mounts = "29 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n";
        let files = |outer, middle, own, high| {
            available_of(&[
                MEMINFO,
                ("/proc/self/cgroup", "0::/a.slice/b.service/c\n"),
                ("/proc/self/mountinfo", mounts),
                ("/sys/fs/cgroup/a.slice/memory.max", outer),
                ("/sys/fs/cgroup/a.slice/b.service/memory.max", middle),
                ("/sys/fs/cgroup/a.slice/b.service/c/memory.max", own),
                ("/sys/fs/cgroup/a.slice/b.service/c/memory.high", high),
                // Of a group beside it.
                ("/sys/fs/cgroup/a.slice/d/memory.max", "1\n"),
            ])
        };
        assert_eq!(files("max\n", "max\n", "max\n", "max\n"), Some(MACHINE));
        assert_eq!(files("max\n", "4194304\n", "8388608\n", "max\n"), Some(4 * MIB));
        assert_eq!(files("2097152\n", "4194304\n", "max\n", "max\n"), Some(2 * MIB));
        assert_eq!(files("max\n", "max\n", "8388608\n", "1048576\n"), Some(MIB));
        assert_eq!(files("max\n", "max\n", "33554432\n", "max\n"), Some(MACHINE), "more than there is");
    }

    #[test]
    fn groups_of_the_first_version_are_found_by_their_controller() {
        let mounts = "\
30 25 0:27 / /sys/fs/cgroup ro - tmpfs tmpfs ro
31 30 0:28 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct
32 30 0:29 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
33 30 0:30 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw
";
        let groups = "4:memory:/jobs/7\n3:cpu,cpuacct:/cpus\n0::/\n";
        let none = "9223372036854771712\n";
        let files = |own, outer| {
            available_of(&[
                MEMINFO,
                ("/proc/self/cgroup", groups),
                ("/proc/self/mountinfo", mounts),
                ("/sys/fs/cgroup/memory/jobs/7/memory.limit_in_bytes", own),
                ("/sys/fs/cgroup/memory/jobs/memory.limit_in_bytes", outer),
                ("/sys/fs/cgroup/memory/memory.limit_in_bytes", none),
                ("/sys/fs/cgroup/cpu/cpus/memory.limit_in_bytes", "1\n"),
            ])
        };
        assert_eq!(files(none, none), Some(MACHINE));
        assert_eq!(files("3145728\n", none), Some(3 * MIB));
        assert_eq!(files(none, "5242880\n"), Some(5 * MIB));
    }

    #[test]
    fn in_a_container_the_mounted_group_counts() {
        // The path is that of the machine outside, with the group of the container mounted.
        let mounts = "32 30 0:29 /docker/abc /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n";
        for groups in ["4:memory:/docker/abc\n", "4:memory:/docker/other\n", "4:memory:/\n", ""] {
            let limit = available_of(&[
                MEMINFO,
                ("/proc/self/cgroup", groups),
                ("/proc/self/mountinfo", mounts),
                ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "6291456\n"),
            ]);
            assert_eq!(limit, Some(6 * MIB), "{groups:?}");
        }
    }

    #[test]
    fn sizes_are_bytes_or_shares() {
        let bytes = |text: &str| match parse_size("--memory", text) {
            Ok(Size::Bytes(bytes)) => Some(bytes),
            _ => None,
        };
        assert_eq!(bytes("512MB"), Some(512_000_000));
        assert_eq!(bytes("512MiB"), Some(512 * MIB));
        assert_eq!(bytes(" 2 gib "), Some(2048 * MIB));
        assert_eq!(bytes("1.5G"), Some(1_500_000_000));
        assert_eq!(bytes("700000000b"), Some(700_000_000));
        assert_eq!(parse_size("--memory", "50%"), Ok(Size::Share(0.5)));
        for wrong in ["", "512", "MB", "-1GB", "0%", "101%", "1e9B", "2 parsecs", "1..5GB", "nan%"] {
            assert!(parse_size("--memory", wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn what_is_left_is_for_events() {
        let of = |typed, available, threads| store_bytes(typed, available, threads).expect("enough");
        let machine = Some(10_000 * MIB);
        assert_eq!(of(None, machine, 2), of(Some("60%"), machine, 2));
        assert_eq!(of(Some("6000MiB"), machine, 2), room(6_000 * MIB, 2));
        assert_eq!(room(6_000 * MIB, 2), (6_000 - 24 - 24) * MIB * 4 / 5);
        assert!(of(None, None, 2) > 0, "a machine that does not tell");
        // A small machine is not the user's mistake.
        assert!(of(None, Some(10 * MIB), 64) >= LEAST_STORE_BYTES);
    }

    #[test]
    fn too_little_names_the_least() {
        for threads in [1, 2, 64] {
            let failure = store_bytes(Some("1MB"), None, threads).expect_err("too little");
            let text = failure.error.to_string();
            let least = text.rsplit(' ').next().expect("the least").to_owned();
            assert_eq!(failure.exit.code(), 2);
            let bytes = store_bytes(Some(&least), None, threads).expect("the least is enough");
            assert!((LEAST_STORE_BYTES..LEAST_STORE_BYTES + 2 * MIB).contains(&bytes), "{least}: {bytes}");
        }
        assert_eq!(store_bytes(Some("1%"), None, 1).expect_err("of what?").exit.code(), 2);
    }
}
