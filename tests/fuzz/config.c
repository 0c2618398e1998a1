/* config.c - any bytes as the config.json of two small models whose other files are right. */
#include "engine/model/model.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	static const char *const beside[] = { "tests/fixtures/tiny/llama-grouped", "tests/fixtures/tiny/gpt2-odd" };
	static char folder[2][64];

	for (int i = 0; i < 2; i++) {
		struct err err = { 0 };
		struct notes notes = { 0 };
		struct model *m = model_open(fuzz_folder(folder[i], beside[i], "config.json", bytes, n), NULL, &notes, &err);

		FUZZ_EXPECT(m || *err.text);
		model_free(m);
		notes_done(&notes);
	}
	return 0;
}
