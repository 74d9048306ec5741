use super::*;

fn parse(text: &str) -> Result<Config, ConfigError> {
    Config::parse(text, Path::new("/data"))
}

fn fault(text: &str) -> String {
    parse(&format!("issuer = \"https://a.example\"\n{text}")).unwrap_err().to_string()
}

#[test]
fn an_issuer_is_enough() {
    let config = parse("issuer = \"https://a.example\"").unwrap();
    assert_eq!(config.public_url, config.issuer);
    assert!(config.listen.public.ip().is_loopback() && config.listen.private.ip().is_loopback());
    assert!(!config.peers.allow_loopback);
    assert_eq!(config.evidence.level, Level::Signed);
}

#[test]
fn a_loopback_identity_has_loopback_peers() {
    assert!(parse("issuer = \"http://127.0.0.1:7400\"").unwrap().peers.allow_loopback);
}

#[test]
fn an_unknown_key_is_named_with_its_path_and_its_nearest_neighbour() {
    assert_eq!(
        fault("[log]\ninclude_withn_s = 5"),
        "unknown key `log.include_withn_s`: did you mean `log.include_within_s`?"
    );
    assert_eq!(fault("[[inbound]]\npth = \"/a\""), "unknown key `inbound[0].pth`: did you mean `inbound[0].path`?");
    assert_eq!(fault("zebra = 1"), "unknown key `zebra`");
}

#[test]
fn a_value_of_the_wrong_type_is_shown_where_it_stands() {
    let fault = fault("[log]\ninclude_within_s = \"soon\"");
    assert!(fault.contains("line 3") && fault.contains("include_within_s = \"soon\""), "{fault}");
}

#[test]
fn a_value_out_of_range_names_its_key_and_the_range() {
    assert_eq!(
        fault("[evidence]\ndecision_lifetime_s = 601"),
        "`evidence.decision_lifetime_s`: must be 5 to 600, and is 601"
    );
    assert_eq!(fault("[evidence]\nskew_s = 61"), "`evidence.skew_s`: must be 0 to 60, and is 61");
    assert!(fault("[log]\ncheckpoint_interval_ms = 60000\ninclude_within_s = 60").contains("four times"));
    assert!(fault("[evidence]\nlevel = \"included\"").contains("only `signed`"));
}

fn inbound(name: &str, path: &str) -> String {
    format!("[[inbound]]\nname = \"{name}\"\npath = \"{path}\"\nupstream = \"http://127.0.0.1:9000\"\n")
}

#[test]
fn a_route_may_not_take_the_nodes_own_paths_or_anothers() {
    assert_eq!(fault(&inbound("x", "/v1/x")), "`inbound[0].path`: `/v1` is the node's own");
    let both = inbound("x", "/agents") + &inbound("y", "/agents/y");
    assert_eq!(fault(&both), "`inbound[1].path`: overlaps with the route `x`");
    assert!(fault(&(inbound("x", "/one") + &inbound("x", "/two"))).contains("there twice"));
    for path in ["", "/", "/a/", "a", "/a/../b", "/a//b", "/a%2fb", "/a?b"] {
        assert!(fault(&inbound("x", path)).contains("is not a path"), "{path}");
    }
}

#[test]
fn an_outbound_route_needs_a_secret_channel_and_another_operator() {
    let outbound = |peer: &str, url: &str| format!("[[outbound]]\nname = \"x\"\npeer = \"{peer}\"\nurl = \"{url}\"\n");
    assert!(fault(&outbound("https://b.example", "http://b.example/x")).contains("must be https"));
    assert!(fault(&outbound("https://a.example", "https://a.example/x")).contains("own issuer"));
    assert!(fault(&outbound("https://b.example/", "https://b.example/x")).contains("outbound[0].peer"));
}

#[test]
fn files_are_found_beside_the_configuration() {
    let text = "issuer = \"https://a.example\"\n[[agent]]\nname = \"x\"\nsecret_file = \"agents/x\"\n";
    assert_eq!(parse(text).unwrap().agents[0].secret_file, Path::new("/data/agents/x"));
}
