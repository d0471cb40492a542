//! Every input that is kept runs without libFuzzer as well, and breaks no law.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

#[test]
fn the_corpus_of_frames_breaks_no_law() {
    run("frames");
}

#[test]
fn the_corpus_of_packets_breaks_no_law() {
    run("packets");
}

#[test]
fn the_corpus_of_the_codec_breaks_no_law() {
    run("codec");
}

#[test]
fn the_corpus_of_the_server_breaks_no_law() {
    run("pcp-server");
}

#[test]
fn the_corpus_of_the_nat_breaks_no_law() {
    run("nat");
}

#[test]
fn the_corpus_of_the_tunnel_breaks_no_law() {
    run("tunnel");
}

#[test]
fn no_input_at_all_is_an_input() {
    for (_, execute) in TARGETS {
        execute(&[]);
    }
}

#[test]
fn every_target_keeps_a_corpus_and_every_corpus_has_a_target() {
    let mut kept = names(&corpus());
    let mut targets = TARGETS.map(|(name, _)| name.to_owned());
    kept.sort();
    targets.sort();
    assert_eq!(kept, targets);
}

fn run(target: &str) {
    let known = TARGETS.iter().find(|(name, _)| *name == target);
    let (_, execute) = known.expect("a target");
    let folder = corpus().join(target);
    let inputs = names(&folder);
    assert!(
        inputs.len() > 20,
        "{target}: a corpus of {} inputs",
        inputs.len()
    );
    for input in inputs {
        let path = folder.join(input);
        // The last one printed is the one that fails.
        println!("{}", path.display());
        execute(&fs::read(path).expect("an input"));
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a corpus");
    let names = entries.map(|entry| entry.expect("an entry").file_name().into_string());
    names.map(|name| name.expect("a name in UTF-8")).collect()
}

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus")
}

type Target = fn(&[u8]);

/// By the names of their corpora, which are those of libFuzzer's programs.
const TARGETS: [(&str, Target); 6] = [
    ("frames", fuzz::dataplane::frames),
    ("packets", fuzz::dataplane::packets),
    ("codec", fuzz::pcp::codec),
    ("pcp-server", fuzz::pcp::pcp_server),
    ("nat", fuzz::lwb4::nat),
    ("tunnel", fuzz::lwb4::tunnel),
];
