/* model.c - any bytes as a GGUF model: its keys, its tensors and what they say of each other. What opens runs over two tokens. */
#include "engine/model/model.h"
#include "engine/run/run.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	static const int32_t tokens[] = { 0, 1 };
	static char folder[64];
	struct err err = { 0 };
	struct notes notes = { 0 };
	char path[PATH_MAX];
	struct model *m;

	snprintf(path, sizeof path, "%s/m.gguf", fuzz_folder(folder, NULL, "m.gguf", bytes, n));
	m = model_open(path, NULL, &notes, &err);
	FUZZ_EXPECT(m || *err.text);
	if (m) {
		struct run_order order = { .model = m, .tokens = tokens, .T = 2 };
		struct run *r = run_new(&order, NULL, &err);

		FUZZ_EXPECT(r || *err.text);
		run_unref(r);
	}
	model_free(m);
	notes_done(&notes);
	return 0;
}
