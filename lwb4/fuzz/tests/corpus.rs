//! Every input that is kept runs without libFuzzer as well, and breaks no law.

use std::fs;
use std::path::Path;

#[test]
fn the_corpus_of_the_nat_breaks_no_law() {
    run("nat", lwb4_fuzz::nat);
}

#[test]
fn the_corpus_of_the_tunnel_breaks_no_law() {
    run("tunnel", lwb4_fuzz::tunnel);
}

#[test]
fn no_input_at_all_is_an_input() {
    lwb4_fuzz::nat(&[]);
    lwb4_fuzz::tunnel(&[]);
}

fn run(target: &str, execute: impl Fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(target);
    let mut inputs = 0;
    for entry in fs::read_dir(folder).expect("a corpus") {
        let path = entry.expect("an input").path();
        // The last one printed is the one that fails.
        println!("{}", path.display());
        execute(&fs::read(path).expect("an input"));
        inputs += 1;
    }
    assert!(inputs > 20, "{target}: a corpus of {inputs} inputs");
}
