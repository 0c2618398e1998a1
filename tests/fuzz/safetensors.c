/* safetensors.c - any bytes as a safetensors file. */
#include "engine/model/files/weights.h"
#include "tests/fuzz/fuzz.h"

enum { SMALL = 4096 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct err err = { 0 };
	struct weights *s = weights_open(fuzz_file(bytes, n), &err);
	float row[SMALL];

	FUZZ_EXPECT(s || *err.text);
	if (!s)
		return 0;
	for (size_t i = 0; i < weights_tensors(s); i++) {
		const struct tensor *t = weights_tensor(s, i);

		FUZZ_EXPECT(weights_find(s, t->name) == t);
		if (tensor_rows(t) && tensor_columns(t) <= SMALL)
			tensor_row(t, tensor_rows(t) - 1, row);
	}
	weights_free(s);
	return 0;
}
