/* task.c - see task.h. */
#include "engine/base/task.h"

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/chunk.h"
#include "engine/base/inject.h"

void task_part(struct task *task, int from, int n, int of)
{
	if (!task)
		return;
	task->part_from = from;
	task->part_n = n;
	task->part_of = of;
}

static void take_call(struct task *task)
{
	atomic_store(&task->call, false);
	task->called(task->called_context);
}

bool task_going(struct task *task, struct err *err)
{
	assert(!chunk_inside() && "a chunk may not be interrupted: it asks task_stopped()");
	if (task && task->called && atomic_load_explicit(&task->call, memory_order_relaxed))
		take_call(task);
	if (task_stopped(task))
		return err_set(err, ERR_CANCELLED, "cancelled");
	return true;
}

bool task_stopped(const struct task *task)
{
	inject_slow();
	return task && atomic_load_explicit(&task->stop, memory_order_relaxed);
}

void task_piece(struct task *task)
{
	assert(!chunk_inside());
	if (task && task->piece)
		task->piece(task->piece_context);
}

bool task_step(struct task *task, int done, int total, struct err *err)
{
	if (task) {
		bool part = task->part_of > 0 && total > 0;
		int at = part ? task->part_from + (int)((int64_t)task->part_n * done / total) : done;

		atomic_store_explicit(&task->done, at, memory_order_relaxed);
		atomic_store_explicit(&task->total, part ? task->part_of : total, memory_order_relaxed);
	}
	return task_going(task, err);
}

void task_count_runs(struct task *task, int n)
{
	if (task)
		atomic_fetch_add_explicit(&task->runs, n, memory_order_relaxed);
}
