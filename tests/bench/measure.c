/*
 * measure OUTPUT COMMAND [ARGUMENT…] - runs the command and appends to the file OUTPUT one line:
 * wall, user and system seconds, the largest resident set in KiB, the exit status.
 *
 * Each process of a pipeline is measured by a `measure` of its own.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static double seconds(struct timeval time)
{
	return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

int main(int argc, char **argv)
{
	if (argc < 3) {
		fputs("usage: measure OUTPUT COMMAND [ARGUMENT...]\n", stderr);
		return 2;
	}
	double start = now();
	pid_t child = fork();
	if (child == 0) {
		execvp(argv[2], argv + 2);
		perror(argv[2]);
		_exit(127);
	}
	int status;
	struct rusage usage;
	if (child < 0 || wait4(child, &status, 0, &usage) < 0) {
		perror("measure");
		return 126;
	}
	int code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
	FILE *output = fopen(argv[1], "a");
	if (!output) {
		perror(argv[1]);
		return 126;
	}
	fprintf(output, "%.3f %.3f %.3f %ld %d\n", now() - start, seconds(usage.ru_utime),
	        seconds(usage.ru_stime), usage.ru_maxrss, code);
	if (fclose(output) != 0)
		return 126;
	return code;
}
