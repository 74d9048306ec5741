//! How long files, functions and comment lines may be, and which types must not be read from bytes.

use super::source::{Source, closing_brace, idents, line_of};

/// Lines of a file that are not tests.
const FILE_LINES_MAX: usize = 600;
/// Lines of a function, from `fn` to its closing brace.
const FUNCTION_LINES_MAX: usize = 70;
/// Characters of a line that is a comment, which rustfmt leaves as it is.
const COMMENT_WIDTH_MAX: usize = 120;

pub(super) fn complaints(source: &Source) -> Vec<String> {
    let mut complaints = wide_comments(source);
    if source.is_test() {
        return complaints;
    }
    let code = source.product_code();
    let lines = code.lines().count();
    if lines > FILE_LINES_MAX {
        complaints.push(format!("{}: {lines} lines that are not tests, at most {FILE_LINES_MAX}", source.path));
    }
    for (name, line, lines) in functions(&code).into_iter().filter(|(_, _, lines)| *lines > FUNCTION_LINES_MAX) {
        complaints.push(format!("{}:{line}: `{name}` has {lines} lines, at most {FUNCTION_LINES_MAX}", source.path));
    }
    complaints
}

fn wide_comments(source: &Source) -> Vec<String> {
    let too_wide = |line: &str| line.chars().count() > COMMENT_WIDTH_MAX && line.trim_start().starts_with("//");
    let wide = source.text.lines().enumerate().filter(|(_, line)| too_wide(line));
    wide.map(|(at, _)| format!("{}:{}: a comment wider than {COMMENT_WIDTH_MAX}", source.path, at + 1)).collect()
}

/// Name, first line and number of lines of every function with a body.
fn functions(code: &str) -> Vec<(&str, usize, usize)> {
    let words: Vec<(usize, &str)> = idents(code).collect();
    let named = words.windows(2).filter(|pair| pair[0].1 == "fn" && code[pair[0].0 + 2..pair[1].0].trim().is_empty());
    named
        .filter_map(|pair| {
            let open = body(code, pair[1].0)?;
            let first = line_of(code, pair[0].0);
            Some((pair[1].1, first, line_of(code, closing_brace(code, open)) - first + 1))
        })
        .collect()
}

/// Where the body of the function whose signature starts here opens; a declaration has none.
fn body(code: &str, signature: usize) -> Option<usize> {
    let mut depth = 0_i32;
    for (at, character) in code[signature..].char_indices() {
        match character {
            '(' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            '{' if depth == 0 => return Some(signature + at),
            ';' if depth == 0 => return None,
            _ => {}
        }
    }
    None
}

/// A `Verified…` type is proof that a check has run; whoever could deserialise one could skip the check.
pub(super) fn deserialised_proofs(source: &Source) -> Vec<String> {
    let code = source.product_code();
    let words: Vec<(usize, &str)> = idents(&code).collect();
    let declared = words.windows(2).filter(|pair| matches!(pair[0].1, "struct" | "enum"));
    let proofs = declared.filter(|pair| pair[1].1.starts_with("Verified"));
    let derived = proofs.filter(|pair| {
        let start = code[..pair[0].0].rfind(['}', ';']).unwrap_or(0);
        code[start..pair[0].0].contains("Deserialize")
    });
    let by_hand = words.windows(2).filter(|pair| {
        let line_start = code[..pair[0].0].rfind('\n').unwrap_or(0);
        let is_proof = pair[0].1 == "for" && pair[1].1.starts_with("Verified");
        is_proof && code[line_start..pair[0].0].contains("Deserialize")
    });
    let complaint = |pair: &[(usize, &str)]| format!("{}: `{}` can be deserialised", source.path, pair[1].1);
    derived.chain(by_hand).map(complaint).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(path: &str, text: &str) -> usize {
        complaints(&Source::new(path, text)).len()
    }

    #[test]
    fn long_files_are_found_and_their_tests_do_not_count() {
        assert_eq!(count("src/a.rs", &"const A: u8 = 1;\n".repeat(601)), 1);
        assert_eq!(count("src/a.rs", &"const A: u8 = 1;\n".repeat(600)), 0);
        let tests = format!("#[cfg(test)]\nmod tests {{\n{}}}\n", "// x\n".repeat(601));
        assert_eq!(count("src/a.rs", &tests), 0);
        assert_eq!(count("src/a/tests.rs", &"// x\n".repeat(601)), 0);
    }

    #[test]
    fn long_functions_are_found() {
        let function = |lines: usize| format!("fn f(x: [u8; 2]) -> bool {{\n{}}}\n", "    g();\n".repeat(lines - 2));
        assert_eq!(count("src/a.rs", &function(71)), 1);
        assert_eq!(count("src/a.rs", &function(70)), 0);
        let declared = format!("trait T {{\n    fn f(&self);\n{}}}\n", "    const A: u8;\n".repeat(80));
        assert_eq!(count("src/a.rs", &declared), 0);
        assert_eq!(count("src/a.rs", &format!("type F = fn(u8);\n{}", "const A: u8 = 1;\n".repeat(80))), 0);
    }

    #[test]
    fn wide_comments_are_found_in_tests_too() {
        assert_eq!(count("tests/it/a.rs", &format!("// {}", "x".repeat(118))), 1);
        assert_eq!(count("tests/it/a.rs", &format!("// {}", "é".repeat(117))), 0);
    }

    #[test]
    fn proofs_that_can_be_deserialised_are_found() {
        for bad in [
            "#[derive(Debug, Deserialize)]\npub struct VerifiedReceipt(u8);",
            "#[derive(serde::Deserialize)]\nenum VerifiedHead {}",
            "impl<'de> Deserialize<'de> for VerifiedReceipt {}",
        ] {
            assert_eq!(deserialised_proofs(&Source::new("src/a.rs", bad)).len(), 1, "{bad}");
        }
        for good in [
            "#[derive(Deserialize)] struct Raw; struct VerifiedReceipt(Raw);",
            "// Deserialize\nstruct VerifiedReceipt(u8);",
            "impl fmt::Display for VerifiedReceipt {}",
        ] {
            assert!(deserialised_proofs(&Source::new("src/a.rs", good)).is_empty(), "{good}");
        }
    }
}
