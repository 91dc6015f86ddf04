//! The words of SQL, each with the letter that stands for it in a shape.
//!
//! From the reference manuals of MySQL 8.4, PostgreSQL 17, SQL Server 2022, Oracle 23ai and SQLite 3.

/// The letter of a word in a shape; `None` for a word that SQL does not know.
///
/// `is_call`: a bracket follows, which is what makes `count` or `left` a function.
pub(super) fn letter(word: &[u8], is_call: bool) -> Option<u8> {
    let letter = match word {
        b"union" | b"intersect" | b"except" | b"minus" => b'U',
        b"select" => b'E',
        b"all" | b"distinct" | b"distinctrow" => b'a',
        b"from" => b'F',
        b"where" => b'W',
        b"having" => b'H',
        b"or" | b"and" | b"xor" => b'&',
        b"not" => b'!',
        b"like" | b"rlike" | b"regexp" | b"glob" | b"ilike" => b'~',
        b"between" | b"is" | b"in" => b'I',
        b"null" | b"true" | b"false" => b'z',
        b"by" => b'y',
        b"order" | b"group" => b'O',
        b"limit" | b"offset" | b"fetch" => b'L',
        b"case" => b'C',
        b"when" | b"then" | b"else" | b"end" => b'N',
        b"insert" | b"update" | b"delete" | b"drop" | b"alter" | b"create" | b"truncate" | b"replace"
        | b"merge" | b"grant" | b"revoke" | b"exec" | b"execute" | b"declare" | b"shutdown" | b"call"
        | b"handler" | b"rename" | b"attach" | b"backup" | b"restore" | b"use" | b"set" | b"print"
        | b"copy" | b"do" | b"load" => b'k',
        b"values" => b'V',
        b"waitfor" => b'd',
        b"into" | b"table" | b"database" | b"schema" | b"view" | b"procedure" | b"function" | b"trigger"
        | b"user" | b"login" | b"role" | b"outfile" | b"dumpfile" | b"immediate" | b"delay" | b"index" => {
            b'T'
        }
        b"div" | b"mod" => b'o',
        b"information_schema"
        | b"sysobjects"
        | b"syscolumns"
        | b"sysusers"
        | b"sysdatabases"
        | b"sqlite_master"
        | b"sqlite_schema"
        | b"pg_catalog"
        | b"pg_class"
        | b"pg_user"
        | b"pg_shadow"
        | b"pg_tables"
        | b"pg_database"
        | b"all_tables"
        | b"all_tab_columns"
        | b"user_tables"
        | b"user_tab_columns"
        | b"dba_users"
        | b"dba_tables"
        | b"dual"
        | b"msysobjects"
        | b"msysaccessobjects"
        | b"mysql.user"
        | b"master..sysdatabases"
        | b"v$version"
        | b"table_name"
        | b"table_schema"
        | b"column_name"
        | b"schema_name"
        | b"sysibm"
        | b"syscat"
        | b"rdb$database" => b'S',
        _ if is_call && is_delay(word) => b'd',
        _ if is_call && is_function(word) => b'f',
        _ => return None,
    };
    Some(letter)
}

/// Functions that make the database wait, or run something outside itself.
fn is_delay(word: &[u8]) -> bool {
    matches!(
        word,
        b"sleep"
            | b"benchmark"
            | b"pg_sleep"
            | b"pg_sleep_for"
            | b"dbms_pipe.receive_message"
            | b"dbms_lock.sleep"
            | b"dbms_session.sleep"
            | b"randomblob"
            | b"load_file"
            | b"xp_cmdshell"
            | b"xp_dirtree"
            | b"xp_fileexist"
            | b"xp_regread"
            | b"sp_executesql"
            | b"sp_oacreate"
            | b"utl_http.request"
            | b"utl_inaddr.get_host_address"
            | b"utl_inaddr.get_host_name"
            | b"httpuritype"
            | b"dbms_ldap.init"
            | b"ctxsys.drithsx.sn"
            | b"extractvalue"
            | b"updatexml"
            | b"lo_import"
            | b"lo_export"
            | b"lo_get"
            | b"pg_read_file"
            | b"pg_ls_dir"
            | b"sys_eval"
            | b"sys_exec"
            | b"dblink"
            | b"openrowset"
            | b"opendatasource"
            | b"openquery"
            | b"procedure_analyse"
            | b"json_extract"
            | b"jsonb_pretty"
            | b"json_build_object"
            | b"query_to_xml"
            | b"database_to_xml"
            | b"xmltype"
            | b"gtid_subset"
            | b"exp_xml"
    )
}

/// Functions that injections call and sentences seldom do.
fn is_function(word: &[u8]) -> bool {
    const FUNCTIONS: &[&str] = &[
        "ascii",
        "ord",
        "char",
        "chr",
        "nchar",
        "unichr",
        "concat",
        "concat_ws",
        "group_concat",
        "string_agg",
        "listagg",
        "substr",
        "substring",
        "mid",
        "left",
        "right",
        "length",
        "len",
        "char_length",
        "octet_length",
        "count",
        "min",
        "max",
        "avg",
        "sum",
        "cast",
        "convert",
        "hex",
        "unhex",
        "to_base64",
        "from_base64",
        "conv",
        "md5",
        "sha1",
        "database",
        "version",
        "user",
        "current_user",
        "session_user",
        "system_user",
        "schema",
        "db_name",
        "user_name",
        "suser_name",
        "host_name",
        "if",
        "iif",
        "ifnull",
        "isnull",
        "nullif",
        "coalesce",
        "nvl",
        "decode",
        "elt",
        "field",
        "instr",
        "locate",
        "position",
        "find_in_set",
        "strcmp",
        "floor",
        "ceil",
        "round",
        "rand",
        "random",
        "pow",
        "power",
        "exp",
        "sqrt",
        "mod",
        "div",
        "row",
        "row_count",
        "exists",
        "make_set",
        "name_const",
        "json_keys",
        "json_value",
        "json_query",
        "xmlelement",
        "rawtohex",
        "utl_raw.cast_to_varchar2",
        "to_char",
        "to_number",
        "unistr",
        "overlay",
        "starts_with",
        "replace",
        "reverse",
        "repeat",
        "lpad",
        "rpad",
        "trim",
        "ltrim",
        "rtrim",
        "lower",
        "upper",
        "soundex",
        "typeof",
        "sqlite_version",
        "load_extension",
        "last_insert_rowid",
        "changes",
        "generate_series",
        "array_to_string",
        "string_to_array",
        "unnest",
        "regexp_replace",
        "regexp_substring",
        "regexp_like",
        "quote",
        "quote_literal",
        "quote_ident",
        "current_setting",
        "inet_server_addr",
        "connection_id",
        "last_insert_id",
        "found_rows",
        "benchmark",
        "polygon",
        "multipoint",
        "linestring",
        "geometrycollection",
        "analyse",
        "object_id",
        "col_name",
        "object_name",
        "is_srvrolemember",
        "has_dbaccess",
        "stuff",
        "patindex",
        "charindex",
        "fn_sqlvarbasetostr",
        "sysdate",
        "now",
        "curdate",
        "date_sub",
        "date_add",
        "unix_timestamp",
        "ctxsys.drithsx.sn",
        "in",
        "bin",
        "oct",
        "space",
        "insert",
        "format",
        "least",
        "greatest",
        "sign",
        "ln",
        "log",
        "pi",
        "uuid",
        "sys_context",
        "userenv",
        "crypt_key",
        "pg_client_encoding",
        "lo_creat",
        "any_value",
    ];
    FUNCTIONS.iter().any(|name| name.as_bytes() == word)
}

/// Types that PostgreSQL's `::` casts to.
pub(super) fn is_cast_type(word: &[u8]) -> bool {
    matches!(
        word,
        b"int"
            | b"int2"
            | b"int4"
            | b"int8"
            | b"integer"
            | b"bigint"
            | b"smallint"
            | b"text"
            | b"varchar"
            | b"char"
            | b"bpchar"
            | b"bool"
            | b"boolean"
            | b"json"
            | b"jsonb"
            | b"numeric"
            | b"decimal"
            | b"real"
            | b"float"
            | b"double"
            | b"money"
            | b"bytea"
            | b"regclass"
            | b"xml"
            | b"inet"
    )
}
