//! The description of the API (OpenAPI 3.1), made from the types that the handlers give and take.

use axum::Json;
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::problem::Problem;
use super::types::{
    CoverageRecord, DeskRecord, EntryRecord, FindingPage, FindingRecord, LedgerRecord, NewDecision,
    TallyRecord, TargetListQuery, TargetPage, TargetRecord, WatchRecord, Whole,
};
use crate::pages::query::FindingQuery;

/// An operation before it is written out.
struct Operation {
    path: &'static str,
    method: &'static str,
    id: &'static str,
    summary: &'static str,
    scope: &'static str,
    query: Option<Value>,
    path_fields: &'static [(&'static str, &'static str, &'static str)],
    body: Option<Value>,
    status: &'static str,
    answer: Answer,
    may_be_missing: bool,
}

enum Answer {
    Json(Value),
    Bytes(&'static str),
}

/// The document.
pub fn document() -> Value {
    // OpenAPI 3.1 speaks JSON Schema 2020-12; only the place of the definitions is its own.
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut schemas = settings.into_generator();
    let problem = reference::<Problem>(&mut schemas);
    let mut paths: Map<String, Value> = Map::new();
    for operation in operations(&mut schemas) {
        let written = write(&operation, &problem);
        let path = paths.entry(operation.path).or_insert_with(|| json!({}));
        path[operation.method] = written;
    }
    let components = schemas.take_definitions(true);
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Pollwatch",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "What was found, how sure that is, and what it rests on.",
            "description": "Texts of findings are as their sources had them: escape and defang them before people see them. \
                An absence of findings is not a statement of safety.",
            "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": "Made on the page People; scopes: read, decide, meters."},
            },
        },
    })
}

/// The document as an answer.
pub(crate) async fn show() -> Json<Value> {
    Json(document())
}

fn reference<T: JsonSchema>(schemas: &mut SchemaGenerator) -> Value {
    schemas.subschema_for::<T>().to_value()
}

/// The fields of a query type as parameters.
fn query<T: JsonSchema>() -> Value {
    let schema = SchemaSettings::draft2020_12()
        .into_generator()
        .into_root_schema_for::<T>()
        .to_value();
    let fields = schema["properties"].as_object().cloned().unwrap_or_default();
    let parameters = fields.into_iter().map(|(name, mut field)| {
        let description = field["description"].take();
        json!({"name": name, "in": "query", "description": description, "schema": {"type": "string"}})
    });
    Value::Array(parameters.collect())
}

const FINDING_ID: (&str, &str, &str) = ("id", "The finding's id.", "^f-[a-z2-7]{26}$");
const TARGET_ID: (&str, &str, &str) = ("id", "The target's id in the register.", "^[a-z0-9-]{1,64}$");

fn operations(schemas: &mut SchemaGenerator) -> Vec<Operation> {
    let get = |path, id, summary, answer| Operation {
        path,
        method: "get",
        id,
        summary,
        scope: "read",
        query: None,
        path_fields: &[],
        body: None,
        status: "200",
        answer: Answer::Json(answer),
        may_be_missing: false,
    };
    vec![
        Operation {
            query: Some(query::<FindingQuery>()),
            ..get(
                "/api/v1/findings",
                "listFindings",
                "Findings that answer to a question, a page at a time; `text` searches.",
                reference::<FindingPage>(schemas),
            )
        },
        Operation {
            path_fields: &[FINDING_ID],
            may_be_missing: true,
            ..get(
                "/api/v1/findings/{id}",
                "getFinding",
                "One finding.",
                reference::<FindingRecord>(schemas),
            )
        },
        Operation {
            method: "post",
            scope: "decide",
            path_fields: &[FINDING_ID],
            body: Some(reference::<NewDecision>(schemas)),
            status: "201",
            may_be_missing: true,
            ..get(
                "/api/v1/findings/{id}/decisions",
                "decide",
                "Records what an analyst made of a finding; an entry of the ledger, never rewritten.",
                reference::<pollwatch_model::Decision>(schemas),
            )
        },
        Operation {
            query: Some(query::<TargetListQuery>()),
            ..get(
                "/api/v1/targets",
                "listTargets",
                "Targets by id, with the furthest that anything got.",
                reference::<TargetPage>(schemas),
            )
        },
        Operation {
            path_fields: &[TARGET_ID],
            may_be_missing: true,
            ..get(
                "/api/v1/targets/{id}",
                "getTarget",
                "One target.",
                reference::<TargetRecord>(schemas),
            )
        },
        get(
            "/api/v1/tally",
            "getTally",
            "Who was targeted, how far it got, and what could not be seen.",
            reference::<TallyRecord>(schemas),
        ),
        get(
            "/api/v1/coverage",
            "listCoverage",
            "What each source let each desk see.",
            reference::<Whole<CoverageRecord>>(schemas),
        ),
        get(
            "/api/v1/sources",
            "listDesks",
            "The desks of this build, and what was read for each.",
            reference::<Whole<DeskRecord>>(schemas),
        ),
        get(
            "/api/v1/watch",
            "getWatch",
            "What is followed day and night: whether the daemon runs, and each source that is late, missing or never connected.",
            reference::<WatchRecord>(schemas),
        ),
        get(
            "/api/v1/ledger",
            "getLedger",
            "The ledger's size, checkpoint and key.",
            reference::<LedgerRecord>(schemas),
        ),
        Operation {
            path_fields: &[("index", "The entry's place, from 0.", "^[0-9]+$")],
            may_be_missing: true,
            ..get(
                "/api/v1/ledger/{index}",
                "getEntry",
                "An entry of the ledger with its proof.",
                reference::<EntryRecord>(schemas),
            )
        },
        Operation {
            path_fields: &[("sha256", "Its SHA-256, in hexadecimal.", "^[0-9a-f]{64}$")],
            answer: Answer::Bytes("application/octet-stream"),
            may_be_missing: true,
            ..get(
                "/api/v1/evidence/{sha256}",
                "getEvidence",
                "The exact bytes of a piece of evidence. They are hostile: save them, do not open them.",
                Value::Null,
            )
        },
    ]
}

fn write(operation: &Operation, problem: &Value) -> Value {
    let fault = |description: &str| json!({"description": description, "content": {"application/problem+json": {"schema": problem}}});
    let content = match &operation.answer {
        Answer::Json(schema) => json!({"application/json": {"schema": schema}}),
        Answer::Bytes(media_type) => json!({*media_type: {"schema": {"type": "string", "format": "binary"}}}),
    };
    let mut responses = json!({
        operation.status: {"description": operation.summary, "content": content},
        "401": fault("No token or session, or one that has ended."),
        "403": fault("The account or token may not do that."),
    });
    if operation.query.is_some() || operation.body.is_some() {
        responses["400"] = fault("Something that was asked makes no sense; the detail says what.");
    }
    if operation.may_be_missing {
        responses["404"] = fault("There is none.");
    }
    if operation.body.is_some() {
        responses["413"] = fault("The body is too long.");
        responses["415"] = fault("The body is not JSON.");
        responses["422"] = fault("The body is not a decision, or has no reason.");
        responses["503"] = fault("Another process is recording. Nothing was changed; try again.");
    }
    let mut parameters: Vec<Value> = operation
        .path_fields
        .iter()
        .map(|(name, description, pattern)| {
            json!({"name": name, "in": "path", "required": true, "description": description, "schema": {"type": "string", "pattern": pattern}})
        })
        .collect();
    if let Some(Value::Array(query)) = &operation.query {
        parameters.extend(query.iter().cloned());
    }
    let mut written = json!({
        "operationId": operation.id,
        "summary": operation.summary,
        "description": format!("Scope: `{}`.", operation.scope),
        "parameters": parameters,
        "responses": responses,
    });
    if let Some(body) = &operation.body {
        written["requestBody"] = json!({"required": true, "content": {"application/json": {"schema": body}}});
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `docs/schemas/openapi-1.json` is generated by `cargo xtask gen`; here is checked that what it refers to is there.
    #[test]
    fn every_reference_is_defined() {
        let document = document();
        let text = document.to_string();
        let schemas = document["components"]["schemas"].as_object().unwrap();
        for piece in text.split("#/components/schemas/").skip(1) {
            let name = piece.split('"').next().unwrap();
            assert!(schemas.contains_key(name), "{name}");
        }
        assert!(!text.contains("$defs") && !text.contains("#/definitions"));
    }
}
