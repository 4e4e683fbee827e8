# streams.sh - dump, restore, filter and verify, each as one stream on one connection; sourced by run.sh.

ours_dump() { m "$bin/iddump" bench; }
theirs_dump() { m "$pg_bin/pg_dump" bench; }

prepare_ours_copy() { dropdb --if-exists bench_ours; }
ours_copy() { m "$bin/iddump" bench | m "$bin/idrestore" --create -d bench_ours; }
prepare_theirs_copy() {
	dropdb --if-exists bench_theirs
	createdb -T template0 bench_theirs
}
theirs_copy() { m "$pg_bin/pg_dump" bench | m psql -X -q -1 -v ON_ERROR_STOP=1 -d bench_theirs; }

recipe='(DROP\ SCHEMA\ public|CREATE\ SCHEMA\ public|COMMENT\ ON\ SCHEMA\ public|DROP\ EXTENSION\ plpgsql|CREATE\ EXTENSION\ IF\ NOT\ EXISTS\ plpgsql|COMMENT\ ON\ EXTENSION\ plpgsql)'

ours_filter() { m "$bin/idfilter" -v "$recipe" "$work/dump.sql" | cat; }
theirs_filter() { LC_ALL=C m grep -v -E "$recipe" "$work/dump.sql" | cat; }
ours_filter_own() { m "$bin/idfilter" -v "$recipe" "$work/own.sql" | cat; }
theirs_filter_own() { LC_ALL=C m grep -v -E "$recipe" "$work/own.sql" | cat; }

ours_verify() { m "$bin/idverify" bench bench_ours; }
theirs_verify() {
	local table
	for table in $tables; do
		for database in bench bench_ours; do
			m psql -X -q -d "$database" -c "COPY $table TO STDOUT" &
		done
		wait
	done
}

"$bin/iddump" -o "$work/own.sql" bench
table 'One stream, one connection: ours against theirs'
compare 'iddump, pg_dump, both to nowhere' ours_dump theirs_dump
compare '`iddump \| idrestore --create`, `pg_dump \| psql -1`' ours_copy theirs_copy
compare '`idfilter -v`, `grep -v -E`, of a pg_dump file, to `cat`' ours_filter theirs_filter
compare 'the same of an iddump file' ours_filter_own theirs_filter_own
compare 'idverify of two databases, reading both with psql COPY' ours_verify theirs_verify
rm -f "$work/own.sql"
dropdb --if-exists bench_ours
dropdb --if-exists bench_theirs
