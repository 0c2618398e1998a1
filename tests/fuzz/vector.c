/* vector.c - any bytes as a file with a direction: its kind by how they begin. */
#include "engine/run/vector_file.h"
#include "tests/fuzz/fuzz.h"

static const char *kind_of(const uint8_t *bytes, size_t n)
{
	if (n >= 4 && !memcmp(bytes, "GGUF", 4))
		return "v.gguf";
	if (n >= 2 && !memcmp(bytes, "PK", 2))
		return memmem(bytes, n, "data.pkl", strlen("data.pkl")) ? "v.pt" : "v.npz";
	return n >= 1 && *bytes == 0x93 ? "v.npy" : "v.safetensors";
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	static char folder[64];
	const char *name = kind_of(bytes, n);
	struct arena *arena = arena_new();
	char path[PATH_MAX];

	snprintf(path, sizeof path, "%s/%s", fuzz_folder(folder, NULL, name, bytes, n), name);
	for (int layer = 0; layer < 2; layer++) {
		struct err err = { 0 };
		size_t rows = 0, cols = 0;
		float sum = 0, *v = vector_rows_read(NULL, &asset_vectors, path, layer, arena, &rows, &cols, &err);

		FUZZ_EXPECT(v || *err.text);
		for (size_t i = 0; v && i < rows * cols; i++)
			sum += v[i];
		FUZZ_EXPECT(sum >= 0 || sum <= 0 || sum != sum);
	}
	arena_free(arena);
	return 0;
}
