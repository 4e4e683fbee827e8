/* Chunks: what is refused unopened, and whose turn it is with a large one. */
#include <check.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "archive_frame.h"
#include "chunk.h"
#include "plain_writer.h"
#include "streams.h"

Suite *test_stream_chunk(void);

#define COPY_LINE "COPY public.b (id) FROM stdin;\n"

static const struct slice copy_line = { COPY_LINE, sizeof(COPY_LINE) - 1 };

/* A member with one row of so many bytes. */
struct member {
	struct buf rows;
	struct buf frame;
	struct chunk chunk;
};

static void member_init(struct member *member, enum chunk_form form, size_t bytes)
{
	struct buf text = BUF_INIT;
	struct err err = ERR_INIT;
	struct frame_packer *packer = frame_packer_new(1, false, &err);

	*member = (struct member){ .rows = BUF_INIT, .frame = BUF_INIT };
	buf_reserve(&member->rows, bytes);
	memset(member->rows.data, 'x', bytes);
	member->rows.len = bytes;
	buf_addc(&member->rows, '\n');
	buf_adds(&text, "\n" COPY_LINE);
	buf_add_slice(&text, buf_slice(&member->rows));
	buf_adds(&text, "\\.\n");
	plain_chunk_mark(&text, 1, hash128_of(member->rows.data, member->rows.len));
	ck_assert_int_eq(frame_pack(packer, buf_slice(&text), &member->frame, &err), 0);
	frame_packer_free(packer);
	member->chunk = (struct chunk){ .form = form,
		                            .place = "k.idar: member 2-data/000002.sql.zst",
		                            .fd = -1,
		                            .bytes = buf_slice(&member->frame),
		                            .raw_bytes = text.len };
	if (form == CHUNK_ROWS) {
		member->chunk.lasting = true;
		member->chunk.fd = fd_of(buf_slice(&member->rows));
		member->chunk.size = member->rows.len;
		member->chunk.raw_bytes = UINT64_MAX;
	}
	buf_release(&text);
}

static void member_release(struct member *member)
{
	buf_release(&member->rows);
	buf_release(&member->frame);
	if (member->chunk.fd >= 0)
		close(member->chunk.fd);
}

static void expect_rows(struct unpacker *unpacker, const struct member *member)
{
	struct err err = ERR_INIT;
	struct slice rows;

	ck_assert_msg(chunk_unpack(unpacker, &member->chunk, copy_line, &rows, &err) == 0, "%s",
	              err.message);
	ck_assert(slice_equal(rows, buf_slice(&member->rows)));
}

/* ---- sizes ---- */

static const struct {
	long more; /* than the text is large */
	const char *message;
} raw_sizes[] = {
	{ -1,
	  "k.idar: member 2-data/000002.sql.zst: the manifest is wrong about the size of its text" },
	{ 1, "k.idar: member 2-data/000002.sql.zst: the manifest is wrong about the size of its text" },
	{ 0, NULL },
};

START_TEST(frame_fits_the_manifest)
{
	struct err err = ERR_INIT;
	struct unpacker *unpacker = unpacker_new(&err);
	struct member member;
	struct slice rows;

	member_init(&member, CHUNK_FRAME, 100);
	member.chunk.raw_bytes += (uint64_t)raw_sizes[_i].more;
	/* What is refused is refused unopened: a frame that could not be unpacked anyway. */
	if (raw_sizes[_i].message)
		member.chunk.bytes.len -= 5;
	int result = chunk_unpack(unpacker, &member.chunk, copy_line, &rows, &err);
	if (raw_sizes[_i].message) {
		ck_assert_int_eq(err.kind, ERR_INPUT);
		ck_assert_str_eq(err.message, raw_sizes[_i].message);
	}
	ck_assert_int_eq(result, raw_sizes[_i].message ? -1 : 0);
	unpacker_free(unpacker);
	member_release(&member);
}
END_TEST

/* ---- the gate ---- */

#define THREADS 4
#define TURNS   3

static const struct {
	enum chunk_form form;
	size_t bytes;
	bool alone;
} sizes[] = {
	{ CHUNK_FRAME, 1000, false },
	{ CHUNK_FRAME, CHUNK_LARGE_BYTES - 1000, false },
	{ CHUNK_FRAME, CHUNK_LARGE_BYTES, true },
	{ CHUNK_ROWS, 1000, false },
	{ CHUNK_ROWS, CHUNK_LARGE_BYTES, true },
};

struct crowd {
	const struct member *member;
	struct chunk_gate *gate;
	bool alone;
	atomic_int inside;
	atomic_int most;
	atomic_int turns;
};

static void note(struct crowd *crowd, int inside)
{
	int most = atomic_load(&crowd->most);

	while (inside > most && !atomic_compare_exchange_weak(&crowd->most, &most, inside))
		;
}

/* Has the rows until all have theirs, or long enough to see who else would. */
static void hold_rows(struct crowd *crowd)
{
	note(crowd, atomic_fetch_add(&crowd->inside, 1) + 1);
	for (int i = 0; i < (crowd->alone ? 20 : 10000) && atomic_load(&crowd->most) < THREADS; i++)
		usleep(1000);
	atomic_fetch_add(&crowd->turns, 1);
	atomic_fetch_sub(&crowd->inside, 1);
}

static int take_turns(void *arg, struct err *err)
{
	struct crowd *crowd = arg;
	struct unpacker *unpacker = unpacker_new(err);

	unpacker_set_gate(unpacker, crowd->gate);
	for (int i = 0; i < TURNS; i++) {
		expect_rows(unpacker, crowd->member);
		hold_rows(crowd);
		/* The last turn ends with the unpacker. */
		if (i + 1 < TURNS)
			unpacker_done(unpacker);
	}
	unpacker_free(unpacker);
	return 0;
}

START_TEST(large_chunks_are_unpacked_one_at_a_time)
{
	struct err err = ERR_INIT;
	struct jobs *jobs = jobs_new(&err);
	struct member member;
	struct crowd crowd = { .member = &member,
		                   .gate = chunk_gate_new(jobs, &err),
		                   .alone = sizes[_i].alone };

	member_init(&member, sizes[_i].form, sizes[_i].bytes);
	for (int i = 0; i < THREADS; i++)
		ck_assert_int_eq(jobs_start(jobs, take_turns, &crowd, &err), 0);
	ck_assert_int_eq(jobs_wait(jobs, &err), 0);
	ck_assert_int_eq(atomic_load(&crowd.turns), THREADS * TURNS);
	int most = atomic_load(&crowd.most);
	ck_assert_int_eq(most, sizes[_i].alone ? 1 : THREADS);
	chunk_gate_free(crowd.gate);
	jobs_free(jobs);
	member_release(&member);
}
END_TEST

struct waiter {
	const struct member *member;
	struct chunk_gate *gate;
	atomic_bool waits;
};

static int wait_for_turn(void *arg, struct err *err)
{
	struct waiter *waiter = arg;
	struct unpacker *unpacker = unpacker_new(err);
	struct slice rows;

	unpacker_set_gate(unpacker, waiter->gate);
	atomic_store(&waiter->waits, true);
	int result = chunk_unpack(unpacker, &waiter->member->chunk, copy_line, &rows, err);
	unpacker_free(unpacker);
	return result;
}

/* Another's error ends the waiting, and nobody leaves a gate that he has not passed. */
START_TEST(failure_ends_the_wait_for_a_turn)
{
	struct err err = ERR_INIT, failed = ERR_INIT;
	struct jobs *jobs = jobs_new(&err);
	struct unpacker *unpacker = unpacker_new(&err);
	struct member member;
	struct waiter waiter = { .member = &member, .gate = chunk_gate_new(jobs, &err) };

	member_init(&member, CHUNK_FRAME, CHUNK_LARGE_BYTES);
	unpacker_set_gate(unpacker, waiter.gate);
	expect_rows(unpacker, &member);
	ck_assert_int_eq(jobs_start(jobs, wait_for_turn, &waiter, &err), 0);
	while (!atomic_load(&waiter.waits))
		usleep(1000);
	usleep(50000);
	err_set(&failed, ERR_DATABASE, "the server has gone");
	jobs_fail(jobs, &failed);
	ck_assert_int_eq(jobs_wait(jobs, &err), -1);
	ck_assert_str_eq(err.message, "the server has gone");
	unpacker_free(unpacker);
	chunk_gate_free(waiter.gate);
	jobs_free(jobs);
	member_release(&member);
}
END_TEST

Suite *test_stream_chunk(void)
{
	Suite *suite = suite_create("stream_chunk");
	TCase *tc = tcase_create("chunk");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, frame_fits_the_manifest, 0, sizeof(raw_sizes) / sizeof(*raw_sizes));
	tcase_add_loop_test(tc, large_chunks_are_unpacked_one_at_a_time, 0,
	                    sizeof(sizes) / sizeof(*sizes));
	tcase_add_test(tc, failure_ends_the_wait_for_a_turn);
	suite_add_tcase(suite, tc);
	return suite;
}
