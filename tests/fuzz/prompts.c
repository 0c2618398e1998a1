/* prompts.c - any bytes as a file of prompts: text, JSON lines or a JSON list. */
#include "engine/base/prompts.h"
#include "engine/base/utf8.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct arena *arena = arena_new();
	struct err err = { 0 };
	int count = 0;
	const struct prompt *p = prompts_read(fuzz_file(bytes, n), arena, &count, &err);

	FUZZ_EXPECT(p ? count > 0 : *err.text != '\0');
	for (int i = 0; p && i < count; i++) {
		FUZZ_EXPECT(p[i].text && utf8_valid(p[i].text, strlen(p[i].text)) && p[i].counted && p[i].line > 0);
		FUZZ_EXPECT(p[i].answer || !p[i].wrong);
	}
	arena_free(arena);
	return 0;
}
