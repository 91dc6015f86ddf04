"""Two rolls joined by their identifiers and compared in every column by DuckDB. Prints key=value lines, as the bench's own tools do.

usage: duckdb_rolls.py A B IDENTIFIER SCRATCH
"""

import resource
import sys
import time

import duckdb

before, after, key, scratch = sys.argv[1:]
begin = time.monotonic()
db = duckdb.connect(":memory:", config={"temp_directory": scratch, "threads": 2})
for name, path in (("a", before), ("b", after)):
    db.execute(
        f"create view {name} as select * from read_csv(?, delim='\t', header=true, quote='', all_varchar=true)".replace("?", f"'{path}'")
    )
columns = [row[0] for row in db.execute("describe a").fetchall()]
differs = " or ".join(f'a."{column}" is distinct from b."{column}"' for column in columns if column != key)
new, gone, changed = db.execute(
    f'select count(*) filter (where a."{key}" is null), count(*) filter (where b."{key}" is null), '
    f'count(*) filter (where a."{key}" is not null and b."{key}" is not null and ({differs})) '
    f'from a full join b on a."{key}" = b."{key}"'
).fetchone()
wall = time.monotonic() - begin
used = resource.getrusage(resource.RUSAGE_SELF)
print(f"new={new}\ngone={gone}\nchanged={changed}\ncpu={used.ru_utime + used.ru_stime}\nwall={wall}\npeak_kib={used.ru_maxrss}")
