# jobs.sh - archives and parallel jobs; sourced by run.sh.

J=${J:-2}
archive=$work/bench.idar

ours_archive() { m "$bin/iddump" -j "$J" -o "$archive" bench; }
prepare_theirs_directory() { rm -rf "$work/bench.dir"; }
theirs_directory() { m "$pg_bin/pg_dump" -Fd -j "$J" -f "$work/bench.dir" bench; }
theirs_zstd() { m "$pg_bin/pg_dump" bench | m zstd -q -3 >"$work/bench.zst"; }
theirs_custom() { m "$pg_bin/pg_dump" -Fc -f "$work/bench.dump" bench; }
theirs_floor() { PGDATABASE=bench m "$work/floor" "$J" <"$work/statements"; }

prepare_ours_restore() { dropdb --if-exists bench_ours; }
ours_restore() { m "$bin/idrestore" --create -j "$J" -d bench_ours "$archive"; }
prepare_theirs_restore() {
	dropdb --if-exists bench_theirs
	createdb -T template0 bench_theirs
}
theirs_restore() { m "$pg_bin/pg_restore" -j "$J" -d bench_theirs "$work/bench.dir"; }

prepare_ours_plain() { prepare_ours_restore; }
ours_plain() { m "$bin/idrestore" --create -j "$J" -d bench_ours "$work/dump.sql"; }
prepare_theirs_plain() { prepare_theirs_restore; }
theirs_plain() { m psql -X -q -1 -v ON_ERROR_STOP=1 -f "$work/dump.sql" -d bench_theirs; }

prepare_ours_clone() { prepare_ours_restore; }
ours_clone() { m "$bin/iddump" bench | m "$bin/idrestore" --create -j "$J" -d bench_ours; }
prepare_theirs_clone() {
	prepare_theirs_restore
	rm -rf "$work/pgcopydb"
}
theirs_clone() {
	m pgcopydb clone --dir "$work/pgcopydb" --table-jobs "$J" --index-jobs "$J" \
		--source "dbname=bench" --target "dbname=bench_theirs"
}

ours_archive_verify() { m "$bin/idverify" -j "$J" "$archive" bench; }

# The COPY statements that iddump runs, as the server's log has them, in their order.
collect_statements() {
	local from
	from=$(wc -l <"$CLUSTER_DIR/log")
	PGOPTIONS='-c log_statement=all -c log_min_duration_statement=-1' ours_archive
	tail -n "+$((from + 1))" "$CLUSTER_DIR/log" |
		sed -n 's/^.*: \(COPY .* TO STDOUT\)$/\1/p' >"$work/statements"
}

cc -O2 -I"$(pg_config --includedir)" -o "$work/floor" tests/bench/floor.c -lpq
collect_statements
table "$J jobs: ours against theirs"
compare "\`iddump -j$J\` to an archive, \`pg_dump -Fd -j$J\` (gzip)" ours_archive theirs_directory
compare 'the same, `pg_dump \| zstd -3`' ours_archive theirs_zstd
compare 'the same, `pg_dump -Fc`' ours_archive theirs_custom
compare "the same, reading its COPY statements over $J connections" ours_archive theirs_floor
compare "\`idrestore --create -j$J\`, \`pg_restore -Fd -j$J\`" ours_restore theirs_restore
compare "\`idrestore --create -j$J\` of a pg_dump script, \`psql -1 -f\`" ours_plain theirs_plain
compare "\`iddump \| idrestore -j$J\`, \`pgcopydb clone\`" ours_clone theirs_clone
compare "\`idverify -j$J\` of archive and database, reading both sides' rows once" ours_archive_verify theirs_floor
