/*
 * edit.c - any bytes as the line of an edit. What parses is written in a form that says the same, and that is written as it was
 * read.
 */
#include "engine/run/edit.h"
#include "tests/fuzz/fuzz.h"

/* Parses the line and writes it again; false with a sentence. */
static bool again(const char *line, struct str *out)
{
	struct arena *arena = arena_new();
	struct err err = { 0 };
	struct edit edit;
	bool ok = edit_parse(line, &edit, arena, &err);

	FUZZ_EXPECT(ok || (*err.text && err.kind == ERR_USAGE));
	if (ok) {
		FUZZ_EXPECT((edit.place.layer >= 0 || !place_has_layer(&edit.place)) && edit.place.unit_to >= edit.place.unit);
		FUZZ_EXPECT(!edit.has_key || edit.place.site == SITE_PATTERN || edit.place.site == SITE_SCORES);
		FUZZ_EXPECT(edit_op_fits(edit.place.site, edit.op));
		edit_print(&edit, out);
	}
	arena_free(arena);
	return ok;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct str line, first, second;

	str_init(&line);
	str_init(&first);
	str_init(&second);
	str_add_n(&line, (const char *)bytes, n);
	if (again(line.s ? line.s : "", &first)) {
		FUZZ_EXPECT(again(first.s, &second));
		FUZZ_EXPECT(!strcmp(first.s, second.s));
	}
	str_done(&line);
	str_done(&first);
	str_done(&second);
	return 0;
}
