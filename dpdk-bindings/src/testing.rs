//! One EAL for all unit tests of this process, without hugepages, PCI or privileges.

use std::sync::OnceLock;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering;

use crate::eal::Eal;
use crate::mempool::Mempool;
use crate::mempool::MempoolSetup;

pub(crate) fn eal() -> Eal {
    static EAL: OnceLock<Eal> = OnceLock::new();
    EAL.get_or_init(|| {
        let prefix = format!("--file-prefix=dpdk-unit-{}", std::process::id());
        let args = [
            "-l",
            "0",
            "-m",
            "256",
            "--no-huge",
            "--no-pci",
            "--no-shconf",
            "--no-telemetry",
        ];
        let args: Vec<String> = args
            .into_iter()
            .map(str::to_owned)
            .chain([prefix])
            .collect();
        Eal::init(&args).unwrap()
    })
    .clone()
}

/// A pool of its own for one test, so that conservation can be checked.
pub(crate) fn pool(mbufs: u32) -> Mempool {
    let setup = MempoolSetup {
        mbufs,
        cache: (mbufs / 2).min(256),
        ..MempoolSetup::default()
    };
    Mempool::new(&eal(), &unique("pool"), setup).unwrap()
}

/// A name that no other object of this process has.
pub(crate) fn unique(kind: &str) -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("{kind}{}", NEXT.fetch_add(1, Ordering::Relaxed))
}
