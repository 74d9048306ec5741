//! The problem registry and its page in `spec/` say the same.

use countersign::ground::problem::{Fault, Help, ProblemType};

fn row(problem: ProblemType) -> String {
    let fault = match problem.fault() {
        Fault::Sender => "sender",
        Fault::Evidence => "evidence",
        Fault::Policy => "policy",
        Fault::Node => "node",
        Fault::Upstream => "upstream",
    };
    let help = match problem.help() {
        Help::None => "nothing",
        Help::Retry => "retry",
        Help::NewReceipt => "new receipt",
        Help::Approval => "approval",
        Help::Operator => "operator",
    };
    format!("| `{}` | {} | {fault} | {help} | {} |", problem.code(), problem.status(), problem.title())
}

#[test]
fn every_problem_is_listed_in_the_spec_as_it_is_registered() {
    let page = include_str!("../../spec/problems.md");
    let listed: Vec<&str> = page.lines().filter(|line| line.starts_with("| `")).collect();
    let registered: Vec<String> = ProblemType::ALL.iter().copied().map(row).collect();
    for row in &registered {
        assert!(listed.contains(&row.as_str()), "spec/problems.md lacks the row\n{row}");
    }
    assert_eq!(listed, registered, "spec/problems.md lists other problems, or in another order");
}
