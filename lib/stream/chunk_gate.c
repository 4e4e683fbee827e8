#include "chunk_gate.h"

#include <stdbool.h>
#include <stdlib.h>

struct chunk_gate {
	struct jobs *jobs;
	pthread_mutex_t mutex;
	pthread_cond_t left;
	bool taken;
};

struct chunk_gate *chunk_gate_new(struct jobs *jobs, struct err *err)
{
	struct chunk_gate *gate = calloc(1, sizeof(*gate));
	if (!gate) {
		err_memory(err, "threads");
		return NULL;
	}
	gate->jobs = jobs;
	pthread_mutex_init(&gate->mutex, NULL);
	pthread_cond_init(&gate->left, NULL);
	return gate;
}

void chunk_gate_free(struct chunk_gate *gate)
{
	if (!gate)
		return;
	pthread_cond_destroy(&gate->left);
	pthread_mutex_destroy(&gate->mutex);
	free(gate);
}

int chunk_gate_enter(struct chunk_gate *gate, struct err *err)
{
	int result = 0;
	pthread_mutex_lock(&gate->mutex);
	while (gate->taken && result == 0)
		result = jobs_sleep(gate->jobs, &gate->left, &gate->mutex, err);
	if (result == 0)
		gate->taken = true;
	pthread_mutex_unlock(&gate->mutex);
	return result;
}

void chunk_gate_leave(struct chunk_gate *gate)
{
	pthread_mutex_lock(&gate->mutex);
	gate->taken = false;
	pthread_cond_signal(&gate->left);
	pthread_mutex_unlock(&gate->mutex);
}
