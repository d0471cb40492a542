//! Runs bindgen over `wrapper.h`, compiles `shim.c` and names the DPDK libraries to link.
//!
//! DPDK is linked as the distribution's shared libraries; EAL loads its drivers from the folder the
//! distribution compiled in, so no driver is named here.

use std::env;
use std::fmt;
use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::exit;

/// The libraries that the allow-list below draws on.
const LIBRARIES: [&str; 6] = [
    "rte_eal",
    "rte_ethdev",
    "rte_kvargs",
    "rte_mbuf",
    "rte_mempool",
    "rte_ring",
];

/// The oldest release whose names and layouts the crate `dpdk` was written against.
const OLDEST_DPDK: &str = "22.11";

const FUNCTIONS: [&str; 52] = [
    "dpdk_shim_.*",
    "rte_dev_probe",
    "rte_dev_remove",
    "rte_eal_cleanup",
    "rte_eal_has_hugepages",
    "rte_eal_has_pci",
    "rte_eal_init",
    "rte_epoll_wait",
    "rte_eth_allmulticast_enable",
    "rte_eth_call_rx_callbacks",
    "rte_eth_call_tx_callbacks",
    "rte_eth_dev_adjust_nb_rx_tx_desc",
    "rte_eth_dev_callback_register",
    "rte_eth_dev_close",
    "rte_eth_dev_configure",
    "rte_eth_dev_default_mac_addr_set",
    "rte_eth_dev_get_mtu",
    "rte_eth_dev_get_port_by_name",
    "rte_eth_dev_info_get",
    "rte_eth_dev_owner_new",
    "rte_eth_dev_owner_set",
    "rte_eth_dev_rss_hash_(conf_get|update)",
    "rte_eth_dev_rss_reta_query",
    "rte_eth_dev_rss_reta_update",
    "rte_eth_dev_rx_intr_(ctl_q|enable|disable)",
    "rte_eth_dev_set_link_.*",
    "rte_eth_dev_set_mc_addr_list",
    "rte_eth_dev_socket_id",
    "rte_eth_dev_start",
    "rte_eth_dev_stop",
    "rte_eth_iterator_.*",
    "rte_eth_link_get_nowait",
    "rte_eth_macaddr_get",
    "rte_eth_promiscuous_disable",
    "rte_eth_promiscuous_enable",
    "rte_eth_promiscuous_get",
    "rte_eth_rx_queue_setup",
    "rte_eth_stats_get",
    "rte_eth_tx_queue_setup",
    "rte_eth_xstats_get",
    "rte_eth_xstats_get_names",
    "rte_log_set_global_level",
    "rte_mbuf_check",
    "rte_mbuf_dynfield_lookup",
    "rte_mbuf_dynflag_lookup",
    "rte_mempool_(avail|in_use)_count",
    "rte_mempool_free",
    "rte_pktmbuf_free_bulk",
    "rte_pktmbuf_pool_create",
    "rte_ring_(create|free)",
    "rte_strerror",
    "rte_thread_(un)?register",
];

const CONSTANTS: [&str; 10] = [
    "DPDK_.*",
    "RTE_EAL_PMD_PATH",
    "RTE_ETH_ALL",
    "RTE_ETH_LINK_(UP|FULL_DUPLEX)",
    "RTE_ETH_RETA_GROUP_SIZE",
    "RTE_ETH_SPEED_NUM_UNKNOWN",
    "RTE_INTR_EVENT_(ADD|DEL)",
    "RTE_LOG_(ERR|WARNING|NOTICE|INFO|DEBUG)",
    "RTE_MAX_ETHPORTS",
    "RTE_PKTMBUF_HEADROOM",
];

fn main() {
    println!("cargo::rerun-if-changed=wrapper.h");
    println!("cargo::rerun-if-changed=shim.c");
    println!("cargo::rerun-if-changed=shim.h");
    if let Err(missing) = build() {
        eprintln!("dpdk-sys: {missing}");
        exit(1);
    }
}

fn build() -> Result<(), Missing> {
    let dpdk = pkg_config::Config::new()
        .atleast_version(OLDEST_DPDK)
        .cargo_metadata(false)
        .probe("libdpdk")
        .map_err(|error| Missing::Dpdk(error.to_string()))?;
    find_libclang()?;
    let includes = &dpdk.include_paths;
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or(Missing::OutDir)?);
    generate_bindings(includes, &out.join("bindings.rs"))?;
    compile_shim(includes)?;
    for folder in &dpdk.link_paths {
        println!("cargo::rustc-link-search=native={}", folder.display());
    }
    for library in LIBRARIES {
        println!("cargo::rustc-link-lib=dylib={library}");
    }
    Ok(())
}

/// bindgen panics without libclang; `.cargo/config.toml` says where it is.
fn find_libclang() -> Result<(), Missing> {
    println!("cargo::rerun-if-env-changed=LIBCLANG_PATH");
    let Some(folder) = env::var_os("LIBCLANG_PATH") else {
        return Ok(());
    };
    let named = |file: &str| file.starts_with("libclang") && file.contains(".so");
    let mut files = fs::read_dir(&folder).into_iter().flatten().flatten();
    if files.any(|file| file.file_name().to_str().is_some_and(named)) {
        return Ok(());
    }
    let folder = Path::new(&folder).display();
    Err(Missing::Clang(format!("no libclang in {folder}")))
}

fn generate_bindings(includes: &[PathBuf], output: &Path) -> Result<(), Missing> {
    let mut builder = bindgen::Builder::default()
        .header("wrapper.h")
        .clang_args(["-include", "rte_config.h", "-march=x86-64-v3"])
        .clang_args(includes.iter().map(|path| format!("-I{}", path.display())))
        .allowlist_recursively(true)
        .prepend_enum_name(false)
        // C examples in comments would run as doctests.
        .generate_comments(false)
        .layout_tests(true)
        .derive_default(true)
        // Packed inside aligned (E0588); only ever behind pointers here.
        .opaque_type("rte_l2tpv2_.*")
        .opaque_type("rte_gtp_psc_.*")
        // Behind pointers only, and large.
        .opaque_type("rte_mempool")
        .opaque_type("rte_ring")
        .opaque_type("rte_device")
        .allowlist_type("rte_eth_fp_ops")
        .allowlist_var("rte_eth_fp_ops")
        // Thread-locals bind as plain statics and crash; the shim reads them.
        .blocklist_item("per_lcore_.*");
    for name in FUNCTIONS {
        builder = builder.allowlist_function(name);
    }
    for name in CONSTANTS {
        builder = builder.allowlist_var(name);
    }
    let bindings = builder
        .generate()
        .map_err(|error| Missing::Clang(error.to_string()))?;
    bindings
        .write_to_file(output)
        .map_err(|error| Missing::Write(error.to_string()))
}

fn compile_shim(includes: &[PathBuf]) -> Result<(), Missing> {
    cc::Build::new()
        .file("shim.c")
        .includes(includes)
        .flag("-include")
        .flag("rte_config.h")
        .flag("-march=x86-64-v3")
        .opt_level(3)
        .try_compile("dpdk_shim")
        .map_err(|error| Missing::Compiler(error.to_string()))
}

/// What the build could not find, and which package brings it.
enum Missing {
    Dpdk(String),
    Clang(String),
    Compiler(String),
    Write(String),
    OutDir,
}

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dpdk(cause) => write!(
                f,
                "DPDK {OLDEST_DPDK} or newer was not found by pkg-config: \
                 apt-get install libdpdk-dev pkg-config\n{cause}"
            ),
            Self::Clang(cause) => write!(
                f,
                "bindgen could not read the DPDK headers: apt-get install libclang-14-dev clang-14\n{cause}"
            ),
            Self::Compiler(cause) => write!(
                f,
                "the C compiler failed on shim.c: apt-get install gcc libc6-dev libdpdk-dev\n{cause}"
            ),
            Self::Write(cause) => write!(f, "cannot write the bindings: {cause}"),
            Self::OutDir => write!(f, "OUT_DIR is not set: run this through cargo"),
        }
    }
}
