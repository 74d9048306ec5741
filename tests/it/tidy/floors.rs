//! Which modules may name which: the floors `ground`, `io`, `node`, `edge`, and a few walls inside them.

use super::source::{Source, idents};

/// What a module must not name.
enum Ban {
    /// This path and everything under it.
    Under(&'static str),
    /// This name, wherever it stands in a path.
    Name(&'static str),
}

use Ban::{Name, Under};

struct Floor {
    /// The module and everything under it.
    of: &'static str,
    except: &'static [&'static str],
    bans: &'static [Ban],
    why: &'static str,
}

const FLOORS: &[Floor] = &[
    Floor {
        of: "crate::ground",
        except: &[],
        bans: &[Under("crate::io"), Under("crate::node"), Under("crate::edge")],
        why: "ground is the lowest floor",
    },
    Floor {
        of: "crate::ground",
        except: &[],
        bans: &[
            Under("tokio"),
            Under("tokio_util"),
            Under("sqlx"),
            Under("axum"),
            Under("axum_server"),
            Under("reqwest"),
            Under("rustls"),
            Under("getrandom"),
            Under("tempfile"),
            Under("tracing"),
            Under("std::fs"),
            Under("std::env"),
            Under("std::process"),
            Under("std::thread"),
            Name("TcpListener"),
            Name("TcpStream"),
            Name("UdpSocket"),
            Name("ToSocketAddrs"),
            Name("SystemTime"),
            Name("Instant"),
        ],
        why: "ground is pure: no input or output, no clock, no randomness, no runtime",
    },
    Floor {
        of: "crate::ground::log",
        except: &[],
        bans: &[Under("crate::ground::receipt")],
        why: "the log knows digests, never receipts",
    },
    Floor {
        of: "crate::ground::crypto",
        except: &[],
        bans: &[Under("crate::ground::receipt"), Under("crate::ground::log"), Under("crate::ground::policy")],
        why: "crypto stands below what uses it",
    },
    Floor {
        of: "crate",
        except: &["crate::ground::canonical"],
        bans: &[Under("serde_jcs")],
        why: "ground::canonical alone names the canonicalisation library",
    },
    Floor {
        of: "crate::io",
        except: &[],
        bans: &[Under("crate::node"), Under("crate::edge"), Under("axum"), Under("clap")],
        why: "io stands below node and edge",
    },
    Floor {
        of: "crate::node",
        except: &[],
        bans: &[Under("crate::edge"), Under("axum"), Under("clap"), Under("sqlx")],
        why: "node stands below edge, and reaches the database only through the store",
    },
    Floor { of: "crate::edge", except: &[], bans: &[Under("sqlx")], why: "only the store speaks to the database" },
    Floor {
        of: "crate::edge::http",
        except: &[],
        bans: &[Under("crate::io::store")],
        why: "http reaches the store only through node",
    },
];

/// The names by which a module reaches what its floor forbids. Tests may stand anywhere.
pub(super) fn complaints(source: &Source) -> Vec<String> {
    if source.is_test() {
        return Vec::new();
    }
    let module = module_path(&source.path);
    let paths = paths(&source.product_code(), &module);
    let floors = FLOORS
        .iter()
        .filter(|floor| under(&module, floor.of) && !floor.except.iter().any(|except| under(&module, except)));
    let mut complaints = Vec::new();
    for floor in floors {
        for path in paths.iter().filter(|path| floor.bans.iter().any(|ban| ban.forbids(path))) {
            complaints.push(format!("{}: names `{path}`, but {}", source.path, floor.why));
        }
    }
    complaints
}

impl Ban {
    fn forbids(&self, path: &str) -> bool {
        match self {
            Under(root) => under(path, root),
            Name(name) => path.split("::").any(|segment| segment == *name),
        }
    }
}

fn under(path: &str, root: &str) -> bool {
    path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// `src/ground/log/tile.rs` is `crate::ground::log::tile`.
fn module_path(path: &str) -> String {
    let inner = path.trim_start_matches("src/").trim_end_matches(".rs");
    match inner {
        "lib" | "main" => "crate".to_owned(),
        inner => format!("crate::{}", inner.replace('/', "::")),
    }
}

/// Every path that the code names, imports spread out, `self` and `super` resolved.
fn paths(code: &str, module: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = code.to_owned();
    while let Some((start, tree, end)) = next_import(&rest) {
        spread("", &tree, &mut found);
        rest.replace_range(start..end, "");
    }
    let mut open: Option<(String, usize)> = None;
    for (at, ident) in idents(&rest) {
        open = match open.take() {
            Some((path, end)) if rest[end..at].trim() == "::" => Some((format!("{path}::{ident}"), at + ident.len())),
            previous => {
                found.extend(previous.map(|(path, _)| path));
                Some((ident.to_owned(), at + ident.len()))
            }
        };
    }
    found.extend(open.map(|(path, _)| path));
    found.iter().map(|path| resolve(path, module)).collect()
}

/// The next `use` statement: where it starts, its tree, where it ends.
fn next_import(code: &str) -> Option<(usize, String, usize)> {
    let (start, _) = idents(code).find(|(at, word)| *word == "use" && !code[at + 3..].starts_with('<'))?;
    let end = start + code[start..].find(';')?;
    Some((start, code[start + 3..end].split_whitespace().collect::<Vec<_>>().join(" "), end + 1))
}

fn spread(prefix: &str, tree: &str, found: &mut Vec<String>) {
    let tree = tree.trim();
    let Some((head, group)) = tree.split_once('{') else {
        let name = tree.split(" as ").next().unwrap_or(tree).trim();
        found.push(format!("{prefix}{name}").trim_start_matches("::").replace("::self", ""));
        return;
    };
    let inner = group.strip_suffix('}').unwrap_or(group);
    let mut depth = 0_i32;
    let parts = inner.split(|character| {
        depth += i32::from(character == '{') - i32::from(character == '}');
        character == ',' && depth == 0
    });
    for part in parts.filter(|part| !part.trim().is_empty()) {
        spread(&format!("{prefix}{}", head.trim()), part, found);
    }
}

fn resolve(path: &str, module: &str) -> String {
    if let Some(rest) = path.strip_prefix("self::") {
        return format!("{module}::{rest}");
    }
    let (mut rest, mut base) = (path, module);
    while let Some(above) = rest.strip_prefix("super::") {
        (rest, base) = (above, base.rsplit_once("::").map_or(base, |(parent, _)| parent));
    }
    if rest == path { path.to_owned() } else { format!("{base}::{rest}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(path: &str, text: &str) -> usize {
        complaints(&Source::new(path, text)).len()
    }

    #[test]
    fn ground_may_not_look_up_nor_touch_the_world() {
        for bad in [
            "use crate::io::store::Store;",
            "use crate::{limits, node};",
            "use super::super::edge::http;",
            "fn f() { crate::edge::cli::run() }",
            "use std::{fmt, fs::{self, File}};",
            "fn now() -> u64 { std::time::SystemTime::now() }",
            "use std::time::{Duration, Instant as Clock};",
            "fn f() { tokio::spawn(g()) }",
            "use ::reqwest::Client;",
            "use std::net::TcpStream;",
            "fn f() { sqlx :: query(q) }",
        ] {
            assert_ne!(count("src/ground/receipt.rs", bad), 0, "{bad}");
        }
    }

    #[test]
    fn ground_may_name_itself_and_pure_libraries() {
        for good in [
            "use crate::ground::limits::MAX; use std::net::IpAddr; use std::time::Duration;",
            "// use crate::io::store;\nconst TEXT: &str = \"tokio::spawn\";",
            "#[cfg(test)]\nmod tests { use std::fs; }",
            "use super::crypto; use self::inner::x; fn tokio_like() {}",
        ] {
            assert_eq!(count("src/ground/receipt.rs", good), 0, "{good}");
        }
        assert_eq!(count("src/ground/receipt/tests.rs", "use std::fs;"), 0);
    }

    #[test]
    fn every_other_floor_bites() {
        for (path, bad) in [
            ("src/io/store.rs", "use crate::node::issuer;"),
            ("src/io.rs", "use crate::edge;"),
            ("src/node/issuer.rs", "use super::super::edge::config;"),
            ("src/node.rs", "use sqlx::Row;"),
            ("src/edge/http/public.rs", "use crate::io::{client, store::Store};"),
            ("src/edge/cli.rs", "fn f() { sqlx::query(q) }"),
            ("src/ground/log/proof.rs", "use super::super::receipt::Compact;"),
            ("src/ground/log.rs", "use super::receipt;"),
            ("src/ground/crypto/keys.rs", "use crate::ground::log::note;"),
            ("src/ground/receipt.rs", "fn f() { serde_jcs::to_vec(v) }"),
        ] {
            assert_eq!(count(path, bad), 1, "{path}: {bad}");
        }
        assert_eq!(count("src/edge/http/public.rs", "use crate::node::Node; use crate::io::client;"), 0);
        assert_eq!(count("src/ground/canonical.rs", "fn f() { serde_jcs::to_vec(v) }"), 0);
    }
}
