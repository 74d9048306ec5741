//! A Rust file as the other rules see it: its text, and its code without comments and literals.

/// One Rust file.
pub(super) struct Source {
    /// From the root of the repository, with `/`.
    pub(super) path: String,
    pub(super) text: String,
    /// The text with every comment and the inside of every literal blanked; the lines stay where they are.
    pub(super) code: String,
}

impl Source {
    pub(super) fn new(path: impl Into<String>, text: impl Into<String>) -> Self {
        let (path, text) = (path.into(), text.into());
        let code = blank(&text);
        Self { path, text, code }
    }

    /// Whether the whole file is test code.
    pub(super) fn is_test(&self) -> bool {
        !self.path.starts_with("src/") || self.path.ends_with("/tests.rs") || self.path.contains("/tests/")
    }

    /// The code without its inline test modules.
    pub(super) fn product_code(&self) -> String {
        let mut code = self.code.clone();
        while let Some(start) = inline_tests(&code) {
            let open = start + code[start..].find('{').unwrap();
            code.replace_range(start..closing_brace(&code, open), "");
        }
        code
    }
}

fn inline_tests(code: &str) -> Option<usize> {
    let attribute = "#[cfg(test)]";
    code.match_indices(attribute).map(|(at, _)| at).find(|at| {
        let item = code[at + attribute.len()..].trim_start();
        item.starts_with("mod ") && item.find('{') < item.find(';').or(Some(usize::MAX)) && item.contains('{')
    })
}

/// The offset just behind the brace that closes the one at `open`.
pub(super) fn closing_brace(code: &str, open: usize) -> usize {
    let mut depth = 0_usize;
    for (at, character) in code[open..].char_indices() {
        match character {
            '{' => depth += 1,
            '}' if depth == 1 => return open + at + 1,
            '}' => depth -= 1,
            _ => {}
        }
    }
    code.len()
}

/// Identifiers and keywords, with their offsets.
pub(super) fn idents(code: &str) -> impl Iterator<Item = (usize, &str)> {
    let is_part = |character: char| character.is_alphanumeric() || character == '_';
    code.split(move |character| !is_part(character))
        .filter(|word| word.starts_with(|first: char| first.is_alphabetic() || first == '_'))
        .map(|word| (word.as_ptr() as usize - code.as_ptr() as usize, word))
}

pub(super) fn line_of(code: &str, offset: usize) -> usize {
    1 + code[..offset].matches('\n').count()
}

fn blank(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut code = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        let after_word = at > 0 && (chars[at - 1].is_alphanumeric() || chars[at - 1] == '_');
        match blanked(&chars[at..], after_word) {
            0 => {
                code.push(chars[at]);
                at += 1;
            }
            length => {
                let end = (at + length).min(chars.len());
                code.extend(chars[at..end].iter().map(|c| if *c == '\n' { '\n' } else { ' ' }));
                at = end;
            }
        }
    }
    code
}

/// How many characters from here on are a comment or a literal; 0 if none.
fn blanked(rest: &[char], after_word: bool) -> usize {
    match rest {
        ['/', '/', ..] => rest.iter().take_while(|c| **c != '\n').count(),
        ['/', '*', ..] => block_comment(rest),
        ['"', ..] => quoted(rest, '"'),
        ['\'', '\\', ..] => quoted(rest, '\''),
        ['\'', _, '\'', ..] => 3,
        ['r', ..] if !after_word => raw_string(rest, 1),
        ['b' | 'c', 'r', ..] if !after_word => raw_string(rest, 2),
        _ => 0,
    }
}

fn block_comment(rest: &[char]) -> usize {
    let (mut at, mut depth) = (0, 0_usize);
    loop {
        match rest.get(at..at + 2) {
            Some(['/', '*']) => (at, depth) = (at + 2, depth + 1),
            Some(['*', '/']) if depth == 1 => return at + 2,
            Some(['*', '/']) => (at, depth) = (at + 2, depth - 1),
            Some(_) => at += 1,
            None => return rest.len(),
        }
    }
}

fn quoted(rest: &[char], quote: char) -> usize {
    let mut escaped = false;
    let inside = rest[1..].iter().position(|c| {
        let closes = *c == quote && !escaped;
        escaped = *c == '\\' && !escaped;
        closes
    });
    inside.map_or(rest.len(), |inside| inside + 2)
}

fn raw_string(rest: &[char], prefix: usize) -> usize {
    let hashes = rest[prefix..].iter().take_while(|c| **c == '#').count();
    if rest.get(prefix + hashes) != Some(&'"') {
        return 0;
    }
    let mut end = vec!['"'];
    end.extend(std::iter::repeat_n('#', hashes));
    let inside = rest[prefix + hashes + 1..].windows(end.len()).position(|window| window == end);
    inside.map_or(rest.len(), |inside| prefix + hashes + 1 + inside + end.len())
}

#[test]
fn comments_and_literals_are_blanked_and_code_stays() {
    for (text, code) in [
        ("a // b\nc", "a     \nc"),
        ("a /* b /* c */ d */ e", "a                   e"),
        ("f(\"a\\\"b\", c)", "f(      , c)"),
        ("r#\"a\"b\"# + br\"x\"", "         +      "),
        ("fn f<'a>(x: &'a str) { '{' }", "fn f<'a>(x: &'a str) {     }"),
        ("'\\'' \"//\" x", "          x"),
        ("for r in br {}", "for r in br {}"),
    ] {
        assert_eq!(blank(text), code, "{text}");
    }
}

#[test]
fn inline_tests_are_no_product_code() {
    let source = Source::new("src/a.rs", "fn a() {}\n#[cfg(test)]\nmod tests {\n fn b() { {} }\n}\nfn c() {}\n");
    assert_eq!(source.product_code(), "fn a() {}\n\nfn c() {}\n");
    let source = Source::new("src/a.rs", "#[cfg(test)]\nmod tests;\nfn a() {}\n");
    assert_eq!(source.product_code(), source.code);
}
