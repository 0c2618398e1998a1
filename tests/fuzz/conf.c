/* conf.c - any bytes as YAML; the tree printed again. */
#include "engine/base/conf.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct arena *arena = arena_new();
	struct err err = { 0 };
	const struct conf *tree = conf_parse((const char *)bytes, n, "fuzz", arena, &err);
	struct str text;

	FUZZ_EXPECT(tree || *err.text);
	if (tree) {
		str_init(&text);
		conf_print(tree, &text);
		str_done(&text);
	}
	arena_free(arena);
	return 0;
}
