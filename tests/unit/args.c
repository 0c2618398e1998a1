/* args.c - an argument's value: given, else the cursor's, else the metric's, else the default. */
#include "engine/session/args.h"
#include "tests/tap.h"

#include <stdlib.h>

/* The value of one argument of a technique under that binding, after "NAME=VALUE" (NULL: not given). */
static double bound(const char *technique, const char *name, const char *assignment, const struct binding *b, enum bound *from)
{
	struct job_pane pane;
	struct value args[PARAM_MAX];
	enum bound all[PARAM_MAX];
	struct err err;
	int i;

	job_pane_init(&pane, analysis_find(technique));
	if (assignment && !job_pane_set(&pane, assignment, &err))
		abort();
	i = param_find(pane.analysis->params, name);
	if (i < 0)
		abort();
	args_bind(&pane, b, args, all);
	*from = all[i];
	return args[i].number;
}

int main(void)
{
	static const struct {
		const char *technique, *name, *given;
		int cursor; /* along each dimension */
		bool has_cursor;
		int n, metric; /* how many there are along each dimension; where the metric is */
		double value;
		enum bound from;
	} rows[] = {
		/* an argument that follows the cursor */
		{ "attention", "layer", "layer=2", 3, true, 4, -1, 2, BOUND_GIVEN },
		{ "attention", "layer", NULL, 3, true, 4, -1, 3, BOUND_CURSOR },
		{ "attention", "layer", NULL, 9, true, 4, -1, 3, BOUND_CURSOR },
		{ "attention", "layer", NULL, 9, true, 0, -1, 9, BOUND_CURSOR },
		{ "attention", "layer", NULL, -9, true, 4, -1, 0, BOUND_CURSOR },
		{ "attention", "layer", NULL, -1, true, 4, -1, -1, BOUND_CURSOR },
		{ "attention", "layer", NULL, CURSOR_UNSET, true, 4, -1, -1, BOUND_CURSOR },
		{ "attention", "layer", NULL, CURSOR_UNSET, true, 0, -1, 0, BOUND_CURSOR },
		{ "attention", "head", NULL, CURSOR_UNSET, true, 4, -1, 0, BOUND_CURSOR },
		{ "attention", "layer", NULL, 0, false, 4, 2, 0, BOUND_DEFAULT },
		/* one that is where the metric is */
		{ "head-attribution", "position", "position=1", 3, true, 8, 5, 1, BOUND_GIVEN },
		{ "head-attribution", "position", NULL, 3, true, 8, 5, 5, BOUND_METRIC },
		{ "head-attribution", "position", NULL, 3, true, 8, 7, -1, BOUND_METRIC },
		{ "head-attribution", "position", NULL, 3, true, 8, -1, -1, BOUND_DEFAULT },
		/* one that does neither */
		{ "attention-knockout", "window", NULL, 8, true, 8, 5, 3, BOUND_DEFAULT },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		int cursor[DIM_COUNT];
		struct binding b = { .cursor = rows[i].has_cursor ? cursor : NULL, .metric_position = rows[i].metric };
		enum bound from;
		double value;

		for (int dim = 0; dim < DIM_COUNT; dim++) {
			cursor[dim] = rows[i].cursor;
			b.extent[dim] = rows[i].n;
		}
		value = bound(rows[i].technique, rows[i].name, rows[i].given, &b, &from);
		CHECK_THAT(value == rows[i].value && from == rows[i].from, "%s %s, row %zu: %g", rows[i].technique, rows[i].name, i,
			   value);
	}
	return tap_done();
}
