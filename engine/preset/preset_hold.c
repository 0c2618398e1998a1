/* preset_hold.c - see preset.h: what a preset expects, held against an answer. */
#include "engine/analysis/expect.h"
#include "engine/preset/preset.h"

void preset_hold(const struct preset *p, int pane, const struct table *t, double metric, preset_held *held, void *context)
{
	struct arena *arena = arena_new();

	for (int i = 0; i < p->expects; i++) {
		const struct preset_expect *line = &p->expect[i];
		struct err err = { 0 };
		struct expect e;
		struct str actual;
		bool ok;

		/* Lines that do not parse were left out as the preset was read. */
		if (line->pane != pane || !preset_expects_now(p, line) || !expect_parse(line->line, &e, arena, &err))
			continue;
		str_init(&actual);
		ok = expect_hold(&e, t, metric, &actual); /* a statement of its own: `actual` may move while it is written */
		held(context, pane, ok, line->line, actual.s);
		str_done(&actual);
	}
	arena_free(arena);
}
