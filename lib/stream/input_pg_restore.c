/* pg_dump's custom, tar and directory formats: pg_restore makes a script of them. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "input_internal.h"
#include "io.h"
#include "pgprogram.h"
#include "process.h"

struct pg_restore_stage {
	struct input_stage stage;
	struct input_stage *inner; /* NULL for a directory */
	struct process *process;
	pthread_t feeder;
	bool feeding;
	int feed_fd;
	struct err feed_err; /* the feeder's; read after it was joined */
	bool ended;
};

/* A thread: what the inner stage gives goes to pg_restore's stdin.  That pg_restore stops reading is
 * for pg_restore to explain. */
static void *feed(void *arg)
{
	struct pg_restore_stage *stage = arg;
	char data[65536];
	ssize_t got;
	struct err pipe_err = ERR_INIT;
	while ((got = input_stage_read(stage->inner, data, sizeof(data), &stage->feed_err)) > 0)
		if (io_write(stage->feed_fd, data, (size_t)got, "pg_restore", &pipe_err) < 0)
			break;
	close(stage->feed_fd);
	return NULL;
}

/* It may be waiting for a writer that has hours to go. */
static void end_feeder(struct pg_restore_stage *stage)
{
	if (!stage->feeding)
		return;
	input_stage_stop(stage->inner);
	pthread_join(stage->feeder, NULL);
	stage->feeding = false;
}

static int end_process(struct pg_restore_stage *stage, struct err *err)
{
	stage->ended = true;
	struct err process_err = ERR_INIT;
	int result = process_wait(stage->process, NULL, &process_err);
	end_feeder(stage);
	if (err_is_set(&stage->feed_err)) {
		*err = stage->feed_err;
		return -1;
	}
	if (result < 0)
		return err_set(err, process_err.kind == ERR_SIGNAL ? ERR_SIGNAL : ERR_INPUT, "%s: %s",
		               stage->stage.name, process_err.message);
	return 0;
}

static ssize_t pg_restore_read(struct input_stage *base, void *data, size_t len, struct err *err)
{
	struct pg_restore_stage *stage = (struct pg_restore_stage *)base;
	if (stage->ended)
		return 0;
	ssize_t got = io_read(process_output(stage->process), data, len, base->name, err);
	if (got == 0 && end_process(stage, err) < 0)
		return -1;
	return got;
}

static void pg_restore_free(struct input_stage *base)
{
	struct pg_restore_stage *stage = (struct pg_restore_stage *)base;
	process_free(stage->process);
	end_feeder(stage);
	input_stage_free(stage->inner);
	free(stage);
}

static void pg_restore_stop(struct input_stage *stage)
{
	input_stage_stop(((struct pg_restore_stage *)stage)->inner);
}

static const struct input_stage_ops pg_restore_ops = { pg_restore_read, pg_restore_free,
	                                               pg_restore_stop };

static struct process *start(const char *path, int stdin_fd, struct err *err)
{
	char *program = pgprogram_find("pg_restore", 0, NULL, err);
	if (!program)
		return NULL;
	const char *const argv[] = { program, "-f", "-", path, NULL };
	struct process_spec spec = { .argv = argv, .stdin_fd = stdin_fd };
	struct process *process = process_start(&spec, err);
	free(program);
	return process;
}

static struct pg_restore_stage *stage_new(const char *name, struct err *err)
{
	struct pg_restore_stage *stage = calloc(1, sizeof(*stage));
	if (!stage) {
		err_memory(err, name);
		return NULL;
	}
	stage->stage.ops = &pg_restore_ops;
	stage->stage.name = name;
	return stage;
}

struct input_stage *input_pg_restore_directory_new(const char *path, struct err *err)
{
	struct pg_restore_stage *stage = stage_new(path, err);
	if (!stage)
		return NULL;
	stage->process = start(path, -1, err);
	if (!stage->process) {
		pg_restore_free(&stage->stage);
		return NULL;
	}
	return &stage->stage;
}

static int start_feeding(struct pg_restore_stage *stage, struct err *err)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_system(err, errno, "cannot make a pipe for pg_restore");
	stage->process = start(NULL, ends[0], err);
	close(ends[0]);
	stage->feed_fd = ends[1];
	int failed = stage->process ? pthread_create(&stage->feeder, NULL, feed, stage) : -1;
	if (failed > 0)
		err_system(err, failed, "cannot start a thread for pg_restore");
	stage->feeding = failed == 0;
	if (failed)
		close(ends[1]);
	return failed ? -1 : 0;
}

struct input_stage *input_pg_restore_new(struct input_stage *inner, struct err *err)
{
	struct pg_restore_stage *stage = stage_new(inner->name, err);
	if (!stage) {
		input_stage_free(inner);
		return NULL;
	}
	stage->inner = inner;
	if (start_feeding(stage, err) < 0) {
		pg_restore_free(&stage->stage);
		return NULL;
	}
	return &stage->stage;
}
