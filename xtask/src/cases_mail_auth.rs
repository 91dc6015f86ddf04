//! placeholder
pub struct Row { pub case: String, pub expect: serde_json::Value, pub got: serde_json::Value, pub pass: bool }
pub fn run(_d: &std::path::Path) -> anyhow::Result<Vec<(&'static str, Vec<Row>)>> { Ok(Vec::new()) }
