/*
 * circuit.c - any bytes as a circuit file; what was read can be printed and read again as the same, and gone as a way or
 * refused.
 */
#include <string.h>

#include "engine/preset/circuit.h"
#include "tests/fuzz/fuzz.h"

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

static void expect_same(const struct circuit *a, const struct circuit *b)
{
	FUZZ_EXPECT(a->edges == b->edges && same_text(a->metric, b->metric) && same_text(a->model, b->model) &&
		    same_text(a->prompt, b->prompt) && same_text(a->foil, b->foil));
	for (int i = 0; i < a->edges; i++)
		FUZZ_EXPECT(same_text(a->edge[i].from, b->edge[i].from) && same_text(a->edge[i].to, b->edge[i].to) &&
			    same_text(a->edge[i].metric, b->edge[i].metric));
}

static void go(const struct circuit *c)
{
	struct err err = { 0 };
	struct job job;
	bool ok;

	job_init(&job);
	ok = circuit_to_way(c, "fuzz", &job, &err);
	FUZZ_EXPECT(ok ? job.ways > 0 && job.metric : *err.text != 0);
	job_done(&job);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct arena *arena = arena_new();
	struct err err = { 0 };
	struct circuit c, again;
	struct str text;

	str_init(&text);
	if (circuit_parse((const char *)bytes, n, "fuzz", &c, arena, &err)) {
		circuit_print(&c, &text);
		FUZZ_EXPECT(circuit_parse(text.s, text.n, "fuzz", &again, arena, &err));
		expect_same(&c, &again);
		go(&c);
	} else {
		FUZZ_EXPECT(*err.text);
	}
	str_done(&text);
	arena_free(arena);
	return 0;
}
