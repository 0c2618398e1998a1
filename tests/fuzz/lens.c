/* lens.c - any bytes as a lens: a .safetensors of ours, or the params.pt of a folder of the tuned-lens project. */
#include "engine/numbers/kernels.h"
#include "engine/run/lens_file.h"
#include "tests/fuzz/fuzz.h"

enum { SMALL = 64 };

/* Reads through each layer: reading outside is a defect that the sanitizer sees. */
static void apply_all(const struct lens *lens)
{
	float h[SMALL] = { 0 }, y[SMALL];

	for (int l = 0; l < lens->L && lens->D <= SMALL; l++)
		lens_apply(lens, l, h, 1, y);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct err err = { 0 };
	struct lens *lens = asset_lens.open(fuzz_file(bytes, n), &err);

	FUZZ_EXPECT(lens || *err.text);
	if (!lens)
		return 0;
	FUZZ_EXPECT(lens->L > 0 && lens->D > 0);
	apply_all(lens);
	asset_lens.free(lens);
	return 0;
}
