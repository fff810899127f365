#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| dropoff_fuzz::targets::json::run(data));
