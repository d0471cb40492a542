//! The EAL from its first start to its end: once per process, so one test in a file of its own.

use dpdk::eal::Eal;
use dpdk::eal::EalError;
use dpdk::eal::LogLevel;
use dpdk::mbuf::Burst;
use dpdk::mempool::Mempool;
use dpdk::mempool::MempoolSetup;
use dpdk::port::Port;
use dpdk::port::PortSetup;

#[test]
fn the_eal_starts_once_and_ends_after_everything_that_stands_on_it() {
    let refused = Eal::init(&["zero\0byte".to_owned()]).unwrap_err();
    assert_eq!(
        refused.to_string(),
        r#"EAL argument "zero\0byte" contains a zero byte"#
    );

    let eal = Eal::init(&arguments()).unwrap();
    assert!(!eal.has_hugepages() && !eal.has_pci());
    assert!(matches!(Eal::init(&arguments()), Err(EalError::Twice)));
    eal.set_log_level(LogLevel::Error);

    let pool = Mempool::new(&eal, "last", MempoolSetup::default()).unwrap();
    let setup = PortSetup::new(vec![pool.clone()]);
    let port = Port::open(&eal, "net_null0").unwrap();
    let mut port = port.configure(&setup).unwrap();
    // The handles keep alive what they stand on, in whatever order their owners let go.
    drop((eal, pool));
    let mut burst = Burst::<32>::new();
    assert_eq!(port.rx[0].receive(&mut burst, 32), 32);
    drop(burst);
    drop(port);

    assert!(matches!(Eal::init(&arguments()), Err(EalError::Twice)));
}

fn arguments() -> Vec<String> {
    let prefix = format!("--file-prefix=dpdk-lifecycle-{}", std::process::id());
    [
        "-l",
        "0",
        "-m",
        "64",
        "--no-huge",
        "--no-pci",
        "--no-shconf",
    ]
    .into_iter()
    .map(str::to_owned)
    .chain([prefix])
    .collect()
}
