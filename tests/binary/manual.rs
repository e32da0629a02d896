//! Completions and manual pages: other programs read them, so they are tried with those.

use super::harness::Stage;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn completions_know_every_command_and_bash_takes_them() {
    let stage = Stage::new("none").await;
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = stage.topup(&["completions", shell]).await.exits(0).stdout;
        for word in ["run", "attest", "doctor", "--not-credited", "--confirm-total"] {
            let word = if shell == "fish" { word.trim_start_matches("--") } else { word };
            assert!(script.contains(word), "{shell} does not know {word}");
        }
        let json = stage.topup(&["completions", shell, "--json"]).await.exits(0).json();
        assert_eq!(json["script"], script);
        if shell == "bash" {
            let try_it = format!(
                "{script}\nCOMP_WORDS=(topup att); COMP_CWORD=1; _topup topup att topup; echo \"${{COMPREPLY[*]}}\""
            );
            let said = std::process::Command::new("bash").args(["--norc", "-c", &try_it]).output().unwrap();
            assert_eq!(String::from_utf8_lossy(&said.stdout), "attest\n", "{}", String::from_utf8_lossy(&said.stderr));
        }
    }
    stage.topup(&["completions", "tcsh"]).await.exits(2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn there_is_a_manual_page_for_every_command() {
    let stage = Stage::new("none").await;
    let page = stage.topup(&["man"]).await.exits(0).stdout;
    assert!(page.contains(".TH topup 1") && page.contains("topup\\-run(1)"), "{page}");
    let written = stage.topup(&["man", "--dir", "man/man1", "--json"]).await.exits(0).json();
    let files: Vec<&str> = written["files"].as_array().unwrap().iter().map(|file| file.as_str().unwrap()).collect();
    for file in ["topup.1", "topup-run.1", "topup-attest.1", "topup-man.1"] {
        assert!(files.contains(&file), "{files:?}");
    }
    let there = std::fs::read_dir(stage.path("man/man1")).unwrap().count();
    assert_eq!(there, files.len(), "nothing else is left in the folder");
    let page = std::fs::read_to_string(stage.path("man/man1/topup-attest.1")).unwrap();
    assert!(page.contains(".TH topup\\-attest 1") || page.contains(".TH topup-attest 1"), "{page}");
    assert!(page.contains("contradicts the evidence"), "the examples are in it: {page}");
}
