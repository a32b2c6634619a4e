//! Reads what a JavaScript module exports when that is a literal: `module.exports = { … }`, `export default { … }`.
//!
//! Key by key: texts, template strings without `${}`, numbers, true, false, null, lists, objects, with comments and
//! trailing commas. A value that only running the program could tell (a function, a name, a call, a sum) costs its own
//! key, with a warning; `...spread` is passed over. A name that is exported is looked up once: `const x = { … }`.
//!
//! Promises: runs nothing; no text panics.
//!
//! BUGS: does not check the program around the literal; a slash after a closing bracket is taken as a division.

use std::ops::Range;

use serde_json::Value;

use crate::problem::{Problem, Source};

mod parser;

/// What a module exports, and a warning for each key that could not be told.
#[derive(Clone, Debug, PartialEq)]
pub struct Literal {
    pub value: Value,
    pub warnings: Vec<Problem>,
}

/// Reads a module's exported literal.
pub fn read(source: &Source) -> Result<Literal, Problem> {
    let range = 0..source.text.len();
    let Some(start) = parser::find_export(&source.text) else {
        return Err(Problem::warning("script-not-a-literal", "this script exports nothing that can be read")
            .help("export an object: `module.exports = { … }` or `export default { … }`; or say the same in a JSON file")
            .in_file(source.path.clone()));
    };
    read_expression(source, start..range.end)
}

/// Reads the literal that a part of a text begins with.
pub fn read_expression(source: &Source, range: Range<usize>) -> Result<Literal, Problem> {
    let mut parser = parser::Parser::new(&source.text, range.clone());
    match parser.value() {
        Ok(value) => {
            let warnings = parser.costs.iter().map(|cost| warning(source, cost)).collect();
            Ok(Literal { value, warnings })
        }
        Err(stop) => Err(Problem::warning(
            "script-not-a-literal",
            format!("this script exports {}, which only running it could tell", stop.what),
        )
        .label("here")
        .help("export an object literal, or say the same in a JSON file")
        .at(source.place(stop.range))),
    }
}

fn warning(source: &Source, cost: &parser::Cost) -> Problem {
    Problem::warning(
        "script-value",
        format!("`{}` is {}, which only running the script could tell: it is left out", cost.key, cost.what),
    )
    .label("left out")
    .help("write the value itself, or leave it: the other keys are read")
    .at(source.place(cost.range.clone()))
}

#[cfg(test)]
#[path = "object_literal_tests.rs"]
mod tests;
