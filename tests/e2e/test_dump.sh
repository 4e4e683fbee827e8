# iddump's stream, restored with psql, is the same database: everything that a copy can get wrong.

. "$E2E_DIR/dump.sh"

test_every_kind_of_object() {
	load source objects.sql
	expect_status 0 iddump -o dump.sql "$db_source"
	restore dump.sql copy
	expect_copy "$db_source" "$db_copy"
}

test_every_type() {
	load source types.sql
	expect_status 0 iddump -o dump.sql "$db_source"
	restore dump.sql copy
	expect_copy "$db_source" "$db_copy"
}

test_the_stream_checks_itself() {
	load source types.sql
	expect_status 0 iddump -o dump.sql "$db_source"
	expect_status 0 idfilter dump.sql
	expect_same "$out" dump.sql
	sed 's/^\(.*höchst erfreut\)/\1!/' dump.sql >damaged.sql
	expect_status 3 idfilter damaged.sql
}

# What psql 15 or an older server does not know is left out of the loaded file.
load_corpus() {
	local file
	file=$(corpus "$1.sql.zst")
	newdb source
	zstd -dcq "$file" | grep -av -e '^\\restrict ' -e '^\\unrestrict ' -e '^SET transaction_timeout' >corpus.sql
	psql -XAtq -1 -v ON_ERROR_STOP=1 -d "$db_source" -f corpus.sql >load.log 2>&1 ||
		fail "cannot load $1: $(tail -n 3 load.log)"
}

copies_corpus() {
	load_corpus "$1"
	expect_status 0 iddump -o dump.sql "$db_source"
	expect_equal "$(cat "$err")" ''
	restore dump.sql copy
	expect_copy "$db_source" "$db_copy"
	expect_status 0 idfilter -l dump.sql
	sql postgres "DROP DATABASE \"$db_source\""
	sql postgres "DROP DATABASE \"$db_copy\""
}

# The owner that the file names; it is no role of the harness.
with_role() {
	sql postgres "DROP ROLE IF EXISTS $1" 2>/dev/null
	sql postgres "CREATE ROLE $1"
	copies_corpus "$2"
	sql postgres "DROP ROLE $1"
}

test_real_keycloak() {
	copies_corpus keycloak-14.0
	with_role keycloak_user keycloak-26.4
}

test_real_keystone() {
	with_role keystone keystone-22
}

test_real_inmanta() {
	copies_corpus inmanta-202607130
	copies_corpus inmanta-202605060-pg17-dump
}

test_real_openidm() {
	with_role openidm openidm
}

# The copy's tables have the columns in another order, and rows must find theirs.
test_columns_are_named() {
	newdb source
	sql "$db_source" "CREATE TABLE t (a text, gone int, b text, twice text GENERATED ALWAYS AS (b || b) STORED);
		INSERT INTO t VALUES ('1', 2, '3'); ALTER TABLE t DROP COLUMN gone"
	expect_status 0 iddump --data-only -o data.sql "$db_source"
	expect_match '^COPY public\.t \(a, b\) FROM stdin;$' data.sql
	newdb copy
	sql "$db_copy" 'CREATE TABLE t (more int DEFAULT 7, b text, twice text GENERATED ALWAYS AS (b || b) STORED, a text)'
	restore_into "$db_copy" data.sql
	expect_equal "$(sql "$db_copy" 'TABLE t')" '7|3|33|1'
}

test_tables_without_columns_keep_their_rows() {
	newdb source
	sql "$db_source" 'CREATE TABLE none (); INSERT INTO none DEFAULT VALUES; INSERT INTO none DEFAULT VALUES;
		CREATE TABLE made (a int GENERATED ALWAYS AS (1) STORED, b int GENERATED ALWAYS AS (2) STORED);
		INSERT INTO made DEFAULT VALUES; CREATE TABLE empty ()'
	expect_status 0 iddump -o dump.sql "$db_source"
	restore dump.sql copy
	expect_equal "$(sql "$db_copy" 'SELECT (SELECT count(*) FROM none), (SELECT count(*) FROM empty), * FROM made')" '2|0|1|2'
	expect_status 0 idfilter dump.sql
}

test_inherited_rows_come_once() {
	newdb source
	sql "$db_source" "CREATE TABLE parent (a int); CREATE TABLE child (b int) INHERITS (parent);
		INSERT INTO parent VALUES (1); INSERT INTO child VALUES (2, 3)"
	expect_status 0 iddump -o dump.sql "$db_source"
	restore dump.sql copy
	expect_equal "$(sql "$db_copy" 'SELECT tableoid::regclass, a FROM parent ORDER BY 2')" $'parent|1\nchild|2'
}

# An enum's hash is that of its oid: in the copy the rows belong into other partitions.
test_hash_partitions_of_enums_go_through_the_root() {
	local i
	newdb source
	sql "$db_source" "CREATE TYPE e AS ENUM ('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h');
		CREATE TABLE h (k e, v int, PRIMARY KEY (k)) PARTITION BY HASH (k)"
	for i in 0 1 2 3; do
		sql "$db_source" "CREATE TABLE h$i PARTITION OF h FOR VALUES WITH (MODULUS 4, REMAINDER $i)"
	done
	sql "$db_source" "INSERT INTO h SELECT k, 1 FROM unnest(enum_range(NULL::e)) k;
		CREATE TABLE other (k int) PARTITION BY HASH (k);
		CREATE TABLE other0 PARTITION OF other FOR VALUES WITH (MODULUS 1, REMAINDER 0); INSERT INTO other VALUES (1)"
	expect_status 0 iddump -o dump.sql "$db_source"
	expect_match '^COPY public\.h \(k, v\)' dump.sql
	expect_no_match '^COPY public\.h[0-3] ' dump.sql
	expect_match '^COPY public\.other0 \(k\)' dump.sql
	restore dump.sql copy
	expect_equal "$(sql "$db_copy" 'SELECT count(*), sum(v) FROM h')" '8|8'
	expect_equal "$(sql "$db_copy" "SELECT count(*) FROM h WHERE k = 'c'")" 1
}

test_configuration_tables_of_extensions() {
	[ -z "$CLUSTER_WITHOUT_EXTENSION" ] || skip 'the server does not know extension_destdir'
	newdb source
	sql "$db_source" "CREATE EXTENSION idkit_probe; INSERT INTO idkit_probe.settings VALUES ('a', 'b');
		INSERT INTO idkit_probe.rules VALUES (9, false, 'mine'); SELECT setval('idkit_probe.ticket', 17)" >/dev/null
	expect_status 0 iddump -o dump.sql "$db_source"
	expect_no_match 'comes with the extension' dump.sql
	expect_no_match 'COPY idkit_probe.catalogue' dump.sql
	restore dump.sql copy
	expect_copy "$db_source" "$db_copy"
	expect_equal "$(sql "$db_copy" 'SELECT id FROM idkit_probe.rules ORDER BY 1')" $'1\n2\n9'
	# An extension is not part of one schema.
	expect_status 0 iddump -n public "$db_source"
	expect_no_match idkit_probe "$out"
}

test_foreign_tables_are_not_read() {
	newdb source
	sql "$db_source" "CREATE EXTENSION postgres_fdw;
		CREATE SERVER far FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '/nowhere');
		CREATE USER MAPPING FOR PUBLIC SERVER far; CREATE FOREIGN TABLE f (a int) SERVER far"
	expect_status 0 iddump "$db_source"
	expect_match '^CREATE FOREIGN TABLE public\.f ' "$out"
	expect_no_match '^COPY public\.f' "$out"
}

test_unlogged_tables() {
	newdb source
	sql "$db_source" "CREATE UNLOGGED TABLE u (id serial, v text); INSERT INTO u (v) VALUES ('x'); CREATE TABLE t (a int)"
	expect_status 0 iddump -o dump.sql "$db_source"
	restore dump.sql copy
	expect_copy "$db_source" "$db_copy"
	expect_status 0 iddump --no-unlogged-table-data "$db_source"
	expect_match '^CREATE UNLOGGED TABLE public\.u ' "$out"
	expect_match '^COPY public\.t ' "$out"
	expect_no_match '^COPY public\.u ' "$out"
}

test_materialized_views_keep_their_state() {
	newdb source
	sql "$db_source" "CREATE TABLE t (a int); INSERT INTO t VALUES (1);
		CREATE MATERIALIZED VIEW full_one AS SELECT a FROM t; CREATE MATERIALIZED VIEW a_on_it AS SELECT a FROM full_one;
		CREATE MATERIALIZED VIEW empty_one AS SELECT a FROM t WITH NO DATA"
	expect_status 0 iddump -o dump.sql "$db_source"
	restore dump.sql copy
	expect_equal "$(sql "$db_copy" 'SELECT a FROM full_one UNION ALL SELECT a FROM a_on_it')" $'1\n1'
	expect_equal "$(sql "$db_copy" "SELECT relispopulated FROM pg_class WHERE relname = 'empty_one'")" f
}

test_sequences_go_on_where_they_were() {
	newdb source
	sql "$db_source" "CREATE TABLE t (id int GENERATED ALWAYS AS IDENTITY (INCREMENT 5), v int, s serial);
		INSERT INTO t (v) VALUES (1), (2); CREATE SEQUENCE called; CREATE SEQUENCE set_only; CREATE SEQUENCE fresh;
		SELECT nextval('called'), setval('set_only', 9, false)" >/dev/null
	expect_status 0 iddump -o dump.sql "$db_source"
	restore dump.sql copy
	sql "$db_copy" 'INSERT INTO t (v) VALUES (3)'
	expect_equal "$(sql "$db_copy" 'SELECT max(id), max(s) FROM t')" '11|3'
	expect_equal "$(sql "$db_copy" "SELECT nextval('called'), nextval('set_only'), nextval('fresh')")" '2|9|1'
}

test_large_objects() {
	newdb source
	newrole owner
	newrole reader
	sql "$db_source" "SELECT lo_create(11), lo_from_bytea(12, '\\x00'), lo_create(14), lo_put(14, 700000, '\\x656e64'),
			lo_from_bytea(13, (SELECT string_agg(sha512(i::text::bytea), '' ORDER BY i) FROM generate_series(1, 81920) i));
		ALTER LARGE OBJECT 12 OWNER TO \"$role_owner\"; GRANT SELECT ON LARGE OBJECT 12 TO \"$role_reader\";
		COMMENT ON LARGE OBJECT 11 IS 'no bytes'" >/dev/null
	expect_status 0 iddump -o dump.sql "$db_source"
	expect_no_match '^(BEGIN|COMMIT)' dump.sql
	restore dump.sql copy
	expect_copy "$db_source" "$db_copy"
	expect_equal "$(sql "$db_copy" 'SELECT oid, length(lo_get(oid)), obj_description(oid, $$pg_largeobject$$) FROM pg_largeobject_metadata ORDER BY 1')" \
		$'11|0|no bytes\n12|1|\n13|5242880|\n14|700003|'
	# They belong to no schema and to no table.
	expect_status 0 iddump -n public "$db_source"
	expect_no_match 'lo_put|lo_create' "$out"
}

test_rows_hidden_by_policies_are_an_error() {
	newdb source
	newrole reader LOGIN
	sql "$db_source" "CREATE TABLE hidden (a int); CREATE TABLE seen (a int); CREATE TABLE also_hidden (a int);
		ALTER TABLE hidden ENABLE ROW LEVEL SECURITY; ALTER TABLE also_hidden ENABLE ROW LEVEL SECURITY;
		CREATE POLICY p ON hidden USING (true); GRANT SELECT ON hidden, seen, also_hidden TO \"$role_reader\""
	expect_status 4 iddump -U "$role_reader" "$db_source"
	expect_no_result
	expect_match "row-level security may hide rows of 2 tables .* from role \"$role_reader\": public\.also_hidden, public\.hidden$" "$err"
	expect_match '^HINT:  .*BYPASSRLS' "$err"
	expect_status 0 iddump -U "$role_reader" -T '*hidden' "$db_source"
	sql postgres "ALTER ROLE \"$role_reader\" BYPASSRLS"
	expect_status 0 iddump -U "$role_reader" "$db_source"
	# The owner is no exception where row-level security is forced.
	sql postgres "ALTER ROLE \"$role_reader\" NOBYPASSRLS"
	sql "$db_source" "ALTER TABLE hidden OWNER TO \"$role_reader\"; ALTER TABLE also_hidden DISABLE ROW LEVEL SECURITY"
	expect_status 0 iddump -U "$role_reader" "$db_source"
	sql "$db_source" 'ALTER TABLE hidden FORCE ROW LEVEL SECURITY'
	expect_status 4 iddump -U "$role_reader" "$db_source"
	expect_match 'rows of 1 table of' "$err"
	sql "$db_source" "ALTER TABLE hidden OWNER TO postgres; REVOKE ALL ON hidden, seen, also_hidden FROM \"$role_reader\""
}

test_tables_that_may_not_be_read_are_named() {
	newdb source
	newrole reader LOGIN
	sql "$db_source" "CREATE SCHEMA shut; CREATE TABLE one (a int); CREATE TABLE shut.two (a int); CREATE TABLE open (a int);
		GRANT SELECT ON open, shut.two TO \"$role_reader\""
	expect_status 4 iddump -U "$role_reader" "$db_source"
	expect_no_result
	expect_match "role \"$role_reader\" may not read 2 tables of database \"$db_source\": public\.one, shut\.two$" "$err"
	expect_match '^HINT:  Grant SELECT' "$err"
	expect_status 0 iddump -U "$role_reader" -t open "$db_source"
	sql "$db_source" "CREATE TABLE many (a int); GRANT USAGE ON SCHEMA shut TO \"$role_reader\"; GRANT SELECT ON one, many TO \"$role_reader\";
		CREATE SEQUENCE closed; CREATE SEQUENCE shut.closed"
	expect_status 4 iddump -U "$role_reader" "$db_source"
	expect_match "may not read 2 sequences .*: public\.closed, shut\.closed$" "$err"
	sql "$db_source" "DROP SEQUENCE closed; DROP SEQUENCE shut.closed"
	expect_status 0 iddump -U "$role_reader" "$db_source"
	sql "$db_source" "SELECT lo_create(4711)" >/dev/null
	expect_status 4 iddump -U "$role_reader" "$db_source"
	expect_match 'large object.* 4711' "$err"
	expect_status 0 iddump -U "$role_reader" -n '*' -N 'no*' "$db_source"
	sql "$db_source" "DROP OWNED BY \"$role_reader\""
}
