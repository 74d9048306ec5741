//! The table.

/// One line of the table.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) name: String,
    pub(crate) measured: String,
    pub(crate) limit: String,
    pub(crate) ratio: String,
    pub(crate) target: String,
}

/// What was measured, in the order of measuring.
#[derive(Debug, Default)]
pub(crate) struct Table {
    lines: Vec<Line>,
    remarks: Vec<String>,
}

impl Table {
    /// Adds a line, and shows it at once: a run may take minutes.
    pub(crate) fn add(&mut self, line: Line) {
        eprintln!("{}: {} {}", line.name, line.measured, line.ratio);
        self.lines.push(line);
    }

    /// Adds a line that is a limit itself.
    pub(crate) fn limit(&mut self, name: &str, measured: String) {
        let (limit, ratio, target) = (String::new(), String::new(), String::new());
        self.add(Line { name: name.to_owned(), measured, limit, ratio, target });
    }

    /// Adds a sentence below the table.
    pub(crate) fn remark(&mut self, remark: String) {
        self.remarks.push(remark);
    }

    pub(crate) fn print(&self) {
        let header = Line {
            name: "row".to_owned(),
            measured: "measured".to_owned(),
            limit: "raw limit".to_owned(),
            ratio: "ratio".to_owned(),
            target: "target".to_owned(),
        };
        let lines = || std::iter::once(&header).chain(&self.lines);
        let width = |cell: fn(&Line) -> &str| lines().map(|line| cell(line).chars().count()).max().unwrap_or(0);
        let (name, measured) = (width(|line| &line.name), width(|line| &line.measured));
        let (limit, ratio) = (width(|line| &line.limit), width(|line| &line.ratio));
        for line in lines() {
            let text = format!(
                "{:name$}  {:measured$}  {:limit$}  {:ratio$}  {}",
                line.name, line.measured, line.limit, line.ratio, line.target
            );
            println!("{}", text.trim_end());
        }
        for remark in &self.remarks {
            println!("{remark}");
        }
    }
}
