/* args.c - see args.h. */
#include "engine/session/args.h"

#include <string.h>

/* Along these the end is the interesting side: the last position, the last layer. */
static int resting_place(enum dim dim)
{
	return dim == DIM_POSITION || dim == DIM_KEY || dim == DIM_LAYER ? -1 : 0;
}

int cursor_index(int cursor, int n, enum dim dim)
{
	int at = cursor == CURSOR_UNSET ? resting_place(dim) : cursor;

	if (n <= 0 || (at >= -n && at < n))
		return at;
	return at < 0 ? 0 : n - 1;
}

static enum bound bind_one(const struct param *p, bool given, const struct binding *b, struct value *value)
{
	if (given)
		return BOUND_GIVEN;
	if (b->cursor && param_follows(p)) {
		const int cursor = b->cursor[p->dim], n = b->extent[p->dim];

		if (cursor != CURSOR_UNSET || n > 0)
			*value = value_number(cursor_index(cursor, n, p->dim));
		return BOUND_CURSOR;
	}
	if (p->at_metric && b->metric_position >= 0) {
		if (b->metric_position != b->extent[DIM_POSITION] - 1) /* the last stays -1, its default */
			*value = value_number(b->metric_position);
		return BOUND_METRIC;
	}
	return BOUND_DEFAULT;
}

void args_bind(const struct job_pane *pane, const struct binding *binding, struct value args[PARAM_MAX], enum bound from[PARAM_MAX])
{
	const struct param *params = pane->analysis->params;

	memcpy(args, pane->args, sizeof pane->args);
	for (int i = 0; i < param_count(params); i++) {
		enum bound bound = bind_one(&params[i], pane->given[i], binding, &args[i]);

		if (from)
			from[i] = bound;
	}
}

void args_of_run(const struct job_pane *pane, int metric_position, int T, struct value args[PARAM_MAX])
{
	struct binding binding = { .extent = { [DIM_POSITION] = T }, .metric_position = metric_position };

	args_bind(pane, &binding, args, NULL);
}
