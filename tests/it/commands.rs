//! The commands that make, run and read a node, by the real program on real folders.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

fn program() -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_countersign"));
    program.env_remove("COUNTERSIGN_CONFIG").env("COUNTERSIGN_LOG", "warn");
    program
}

/// A node's folder, in a folder of its own.
pub(crate) struct Place {
    folder: TempDir,
    issuer: String,
}

impl Place {
    /// Made by `countersign init` on ports that were free a moment ago.
    pub(crate) fn init() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (one, other) = (TcpListener::bind("127.0.0.1:0").unwrap(), TcpListener::bind("127.0.0.1:0").unwrap());
        let (public, private) = (one.local_addr().unwrap(), other.local_addr().unwrap());
        drop((one, other));
        let place = Self { folder, issuer: format!("http://{public}") };
        let made =
            place.json(0, &["init", "--dev", "--public", &public.to_string(), "--private", &private.to_string()]);
        assert_eq!((&made["issuer"], &made["folder"]), (&json!(place.issuer), &json!("countersign")));
        place
    }

    pub(crate) fn issuer(&self) -> &str {
        &self.issuer
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("countersign").join(name)
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        program().args(arguments).current_dir(self.folder.path()).stdin(Stdio::null()).output().unwrap()
    }

    /// Runs, checks the exit code and reads the result.
    pub(crate) fn json(&self, exit: i32, arguments: &[&str]) -> Value {
        let output = self.run(&[&["--json"], arguments].concat());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(exit), "{arguments:?}: {said}");
        serde_json::from_slice(&output.stdout).unwrap_or(Value::Null)
    }

    pub(crate) fn text(&self, exit: i32, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(exit), "{arguments:?}: {said}");
        String::from_utf8(output.stdout).unwrap() + &said
    }

    pub(crate) fn serve(&self) -> Serving {
        let mut child = program()
            .args(["serve", "--json"])
            .current_dir(self.folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let ready = serde_json::from_str(&line).unwrap_or_else(|_| {
            let mut said = String::new();
            child.stderr.as_mut().unwrap().read_to_string(&mut said).unwrap();
            panic!("not ready: {line}{said}")
        });
        Serving { child, ready }
    }
}

/// A running node.
pub(crate) struct Serving {
    child: Child,
    ready: Value,
}

impl Serving {
    /// Asks it to end, and answers its exit code.
    pub(crate) fn end(mut self) -> Option<i32> {
        let killed = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        assert!(killed.success());
        self.child.wait().unwrap().code()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ended_already = self.child.kill();
    }
}

fn append(path: &Path, text: &str) {
    let before = std::fs::read_to_string(path).unwrap();
    std::fs::write(path, before + text).unwrap();
}

#[test]
fn the_demos_story_is_true() {
    let folder = tempfile::tempdir().unwrap();
    let output = program().args(["--json", "demo"]).env("TMPDIR", folder.path()).output().unwrap();
    let story: Value = serde_json::from_slice(&output.stdout).unwrap();
    let steps = story["steps"].as_array().unwrap();
    let otherwise: Vec<_> = steps.iter().filter(|step| step["as_told"] != true).collect();
    assert_eq!((output.status.code(), story["as_told"].as_bool()), (Some(0), Some(true)), "{otherwise:#?}");
    let names: Vec<_> = steps.iter().map(|step| step["name"].as_str().unwrap()).collect();
    let told = [
        "card",
        "allowed",
        "denied",
        "refused",
        "escalated",
        "tampered_receipt",
        "tampered_body",
        "transplanted",
        "replayed",
        "wrong_operator",
        "offline_audit",
        "forged_operator",
        "own_stores",
    ];
    assert_eq!(names, told);
    let code = |name: &str| {
        let step = steps.iter().find(|step| step["name"] == name).unwrap();
        step["facts"]["code"].as_str().unwrap().to_owned()
    };
    let codes =
        ["denied", "escalated", "tampered_receipt", "tampered_body", "transplanted", "replayed", "wrong_operator"];
    assert_eq!(
        codes.map(code),
        [
            "policy_denied",
            "approval_required",
            "signature_invalid",
            "body_mismatch",
            "target_mismatch",
            "duplicate",
            "audience_mismatch"
        ]
    );
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "the demo cleans up");
}

#[test]
fn a_new_node_is_made_once_and_says_what_is_permanent() {
    let place = Place::init();
    assert!(place.text(64, &["init", "--dev"]).contains("exists and is not empty; nothing was changed"));
    let words = place.text(0, &["init", "--issuer", "https://agents.example", "real"]);
    for expected in
        ["Permanent from now on", "agents.example/log", "fingerprint", "shred -u real/root.jwk", "serve --config real"]
    {
        assert!(words.contains(expected), "{expected}: {words}");
    }
    assert!(place.text(64, &["init", "elsewhere"]).contains("--issuer"));
    assert!(place.text(64, &["init", "--issuer", "http://agents.example", "elsewhere"]).contains("https origin"));
    assert!(place.text(64, &["--json", "peer", "list", "--config", "nowhere"]).contains("is not a data folder"));
}

#[test]
fn tokens_are_shown_once() {
    let place = Place::init();
    let made = place.json(0, &["token", "add", "runtime", "--role", "decide"]);
    let token = made["token"].as_str().unwrap();
    assert!(token.starts_with("cst_"));
    assert!(!place.text(0, &["token", "list"]).contains(token));
    assert!(
        place.text(64, &["token", "add", "runtime", "--role", "read"]).contains("there is a token named `runtime`")
    );
    assert!(place.text(64, &["token", "add", "x", "--role", "king"]).contains("not a role"));
    place.json(0, &["token", "remove", "runtime"]);
    place.json(64, &["token", "remove", "runtime"]);
    assert_eq!(place.json(0, &["token", "list"])["tokens"], json!([]));
}

#[test]
fn an_agent_gets_a_base_url_for_each_route_and_the_configuration_keeps_its_comments() {
    let place = Place::init();
    let config = place.path("countersign.toml");
    append(
        &config,
        "\n# ours\n[[outbound]]\nname = \"hotel\"\npeer = \"https://b.example\"\nurl = \"https://b.example/hotel\"\n",
    );
    let made = place.json(0, &["agent", "add", "booker"]);
    let base = made["agents"][0]["base_urls"]["hotel"].as_str().unwrap();
    assert!(base.contains("/a/") && base.ends_with("/hotel"));
    assert_eq!(place.json(0, &["agent", "list"])["agents"][0]["base_urls"]["hotel"], base);
    assert!(std::fs::read_to_string(&config).unwrap().contains("# ours"));
    assert!(place.text(64, &["agent", "add", "booker"]).contains("is there twice"));
    assert!(place.text(64, &["agent", "add", "No Name"]).contains("`agent[1].name`"));
}

#[test]
fn policies_are_checked_tried_applied_and_shown() {
    fn eval<'a>(question: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
        [&["policy", "eval"], question, more].concat()
    }
    let place = Place::init();
    let question = ["--subject", "Agent:desk", "--action", "respond", "--resource", "User:ana"];
    assert!(
        place
            .text(0, &eval(&question, &[]))
            .starts_with("allow (policy_permit)\n  permit `answers-keep-internal-data`")
    );
    let denied = place.text(0, &eval(&question, &["--context", "{\"labels\": [\"internal\"]}"]));
    assert!(
        denied.contains("deny (default_deny)") && denied.contains("nearest permit: `answers-keep-internal-data`"),
        "{denied}"
    );
    place.text(1, &eval(&question, &["--expect", "deny"]));
    assert!(place.text(75, &eval(&question, &["--in-force"])).contains("no policy is in force yet"));
    let file = place.folder.path().join("question.json");
    let evaluation = json!({
        "subject": { "type": "Agent", "id": "desk" }, "action": { "name": "respond" }, "resource": { "type": "User", "id": "ana" },
    });
    std::fs::write(&file, evaluation.to_string()).unwrap();
    place.json(0, &["policy", "eval", "question.json", "--expect", "allow"]);

    let first = place.json(0, &["policy", "apply"]);
    assert_eq!((&first["number"], &first["changed"]), (&json!(1), &json!(true)));
    assert_eq!(place.json(0, &["policy", "apply"])["changed"], false);
    append(&place.path("policy/outbound.cedar"), "\n// changed\n");
    let second = place.json(0, &["policy", "apply"]);
    assert_eq!((&second["number"], &second["changed"]), (&json!(2), &json!(true)));
    let shown = place.json(0, &["policy", "show", first["epoch"].as_str().unwrap(), "--out", "before"]);
    assert_eq!((&shown["number"], &shown["in_force"]), (&json!(1), &json!(false)));
    assert_eq!(place.json(0, &["policy", "check", "before"])["epoch"], first["epoch"]);
    assert!(place.text(64, &["policy", "show", "--out", "before"]).contains("exists already"));

    append(&place.path("policy/outbound.cedar"), "permit (principal);\n");
    let faults = place.text(1, &["policy", "apply"]);
    assert!(faults.contains("outbound.cedar"), "{faults}");
    assert_eq!(place.json(0, &["policy", "show"])["number"], 2);
}

#[test]
fn what_a_node_holds_is_found_shown_exported_proven_and_bundled() {
    let place = Place::init();
    place.json(0, &["policy", "apply"]);
    append(&place.path("policy/outbound.cedar"), "\n// changed\n");
    place.json(0, &["policy", "apply"]);

    let page = place.json(0, &["receipt", "find", "--kind", "configuration", "--limit", "1"]);
    let newest = page["receipts"][0]["digest"].as_str().unwrap();
    let rest = place.json(0, &["receipt", "find", "--limit", "1", "--after", page["next"].as_str().unwrap()]);
    assert_ne!(rest["receipts"][0]["digest"], newest);
    assert_eq!(rest["next"], Value::Null);
    assert_eq!(place.json(0, &["receipt", "find", "--effect", "deny"])["receipts"], json!([]));

    let shown = place.json(0, &["receipt", "show", newest]);
    assert_eq!((&shown["verdict"]["verdict"], &shown["log"]["index"]), (&json!("valid"), &json!(1)));
    assert_eq!(place.json(0, &["receipt", "show", shown["jti"].as_str().unwrap()])["digest"], newest);
    assert!(place.text(0, &["receipt", "show", newest]).contains("entry 1, in the published checkpoint of 2"));
    place.text(1, &["receipt", "show", &"A".repeat(43)]);
    place.text(64, &["receipt", "show", "x"]);
    assert_eq!(place.text(0, &["receipt", "tail", "-n", "1"]).lines().count(), 2);
    let lines = place.run(&["receipt", "export", "--kind", "configuration"]);
    assert_eq!(String::from_utf8(lines.stdout).unwrap().lines().count(), 2);

    let checkpoint = place.text(0, &["log", "checkpoint"]);
    let proof = place.text(0, &["log", "proof", newest]);
    assert!(proof.starts_with("c2sp.org/tlog-proof@v1\nindex 1\n") && proof.contains(checkpoint.trim_end()));
    let made = place.json(0, &["bundle", "create", newest, "--out", "one.json"]);
    assert_eq!((&made["receipts"], &made["without_proof"]), (&json!(1), &json!([])));
    place.text(74, &["bundle", "create", newest, "--out", "one.json"]);
    place.json(0, &["bundle", "create", "--kind", "configuration", "--out", "all.json"]);
    let joined = place.json(0, &["bundle", "join", "one.json", "all.json", "--out", "both.json"]);
    assert_eq!(joined["receipts"], 2);
    let document = place.json(2, &["bundle", "verify", "both.json"]);
    let fingerprint = document["operators"][0]["fingerprints"][0].as_str().unwrap();
    let trust = format!("{}={fingerprint}", place.issuer);
    assert_eq!(place.json(0, &["bundle", "verify", "both.json", "--trust", &trust])["verdict"], "valid");
}

#[test]
fn fsck_ends_with_1_when_anything_differs() {
    let place = Place::init();
    place.json(0, &["policy", "apply"]);
    let clean = place.json(0, &["log", "fsck"]);
    assert_eq!((&clean["entries"], &clean["differences"]), (&json!(1), &json!([])));
    std::fs::write(place.path("head"), "{\"root\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\",\"size\":1}")
        .unwrap();
    let damaged = place.json(1, &["log", "fsck"]);
    assert_eq!(damaged["differences"][0]["difference"], "head_file");
    assert!(place.text(1, &["log", "fsck"]).contains("difference: the head file knows a log of size 1"));
    assert_eq!(place.json(1, &["doctor", "--offline"])["healthy"], false);
}

#[test]
fn the_doctor_says_what_is_wrong_and_what_to_do() {
    let place = Place::init();
    let state = |report: &Value, check: &str| {
        let rows = report["checks"].as_array().unwrap();
        rows.iter().find(|row| row["check"] == check).map(|row| row["state"].as_str().unwrap().to_owned())
    };
    let healthy = place.json(0, &["doctor"]);
    for check in ["configuration", "keys", "root key", "disk", "store", "policy", "node", "public port", "private port"]
    {
        assert_eq!(state(&healthy, check).as_deref(), Some("ok"), "{check}: {healthy:#}");
    }
    place.json(0, &["policy", "apply"]);
    append(&place.path("policy/outbound.cedar"), "\n// edited\n");
    assert_eq!(state(&place.json(0, &["doctor"]), "policy").as_deref(), Some("warning"));

    Command::new("chmod").arg("644").arg(place.path("keys/log.jwk")).status().unwrap();
    let taken = TcpListener::bind(place.issuer.trim_start_matches("http://")).unwrap();
    let broken = place.json(1, &["doctor"]);
    assert_eq!(state(&broken, "keys").as_deref(), Some("broken"));
    assert_eq!(state(&broken, "public port").as_deref(), Some("broken"));
    drop(taken);
    assert!(place.text(1, &["doctor"]).contains("-> restore the file from a copy; its mode must be 0600"));
    append(&place.path("countersign.toml"), "\nzebra = 1\n");
    assert_eq!(state(&place.json(1, &["doctor"]), "configuration").as_deref(), Some("broken"));
}

#[test]
fn the_doctor_takes_a_log_that_moves_meanwhile_for_no_restored_one() {
    let place = Place::init();
    place.json(0, &["policy", "apply"]);
    append(&place.path("policy/outbound.cedar"), "\n// edited\n");
    // A pipe as the head file: the doctor stands still where it reads it, until the log has moved on.
    let (head, aside) = (place.path("head"), place.path("aside"));
    std::fs::rename(&head, &aside).unwrap();
    assert!(Command::new("mkfifo").arg(&head).status().unwrap().success());
    std::thread::scope(|scope| {
        let doctor = scope.spawn(|| place.json(0, &["doctor", "--offline"]));
        let mut pipe = std::fs::File::create(&head).unwrap();
        std::fs::rename(&aside, &head).unwrap();
        assert_eq!(place.json(0, &["policy", "apply"])["number"], 2);
        pipe.write_all(&std::fs::read(&head).unwrap()).unwrap();
        drop(pipe);
        assert_eq!(doctor.join().unwrap()["healthy"], true);
    });
}

#[test]
fn two_served_nodes_become_peers_by_the_line_that_serve_prints() {
    let (a, b) = (Place::init(), Place::init());
    let (serving_a, serving_b) = (a.serve(), b.serve());
    assert_eq!(serving_a.ready["ready"], true);
    let line = serving_b.ready["peer_add"].as_str().unwrap();
    let arguments: Vec<&str> = line.split(' ').skip(1).collect();
    assert_eq!(a.json(0, &arguments)["state"], "approved");
    assert_eq!(b.json(0, &["peer", "add", &a.issuer])["state"], "pending");
    assert_eq!(b.json(0, &["peer", "approve", &a.issuer])["state"], "approved");
    assert_eq!(b.json(0, &["peer", "suspend", &a.issuer])["state"], "suspended");
    let wrong = ["peer", "add", &a.issuer, "--fingerprint", &"A".repeat(43)];
    assert!(b.text(1, &wrong).contains("not the given"));
    assert!(a.text(0, &["peer", "show", &b.issuer]).contains("key set      number 1"));
    assert!(a.text(64, &["peer", "approve", "https://nobody.example"]).contains("is not a peer of this node"));
    let report = a.json(0, &["doctor"]);
    let ok = |check: &str| {
        report["checks"].as_array().unwrap().iter().any(|row| row["check"] == check && row["state"] == "ok")
    };
    assert!(ok("node") && ok("public url") && ok("peer") && ok("clock"), "{report:#}");
    assert!(a.text(75, &["serve"]).contains("another node serves"));

    append(&a.path("policy/outbound.cedar"), "\n// changed\n");
    assert_eq!(a.json(0, &["policy", "apply"])["number"], 2);
    a.json(0, &["log", "fsck"]);
    assert_eq!((serving_a.end(), serving_b.end()), (Some(0), Some(0)));
    a.json(0, &["log", "fsck"]);
    assert!(a.text(74, &["peer", "add", &b.issuer]).contains("cannot be reached"));
}
