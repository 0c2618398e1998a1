/* variant.h - a sweep's variant from lines, as a person would write them. */
#ifndef LMSCOPE_TESTS_NUMBERS_VARIANT_H
#define LMSCOPE_TESTS_NUMBERS_VARIANT_H

#include "engine/run/sweep.h"
#include "tests/tap.h"

/* Memory from `arena`. */
static inline struct sweep_variant variant_of(const char *const *line, int n, struct arena *arena)
{
	struct sweep_variant v = { .edits = n };

	for (int i = 0; i < n; i++) {
		struct edit *edit = arena_alloc(arena, sizeof *edit);
		struct err err = { 0 };

		if (!edit_parse(line[i], edit, arena, &err))
			CHECK_THAT(false, "%s", err.text);
		v.edit[i] = edit;
	}
	return v;
}

#endif
