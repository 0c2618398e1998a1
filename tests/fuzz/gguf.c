/* gguf.c - any bytes as a GGUF file: opened or refused; what was opened is looked at from all sides. */
#include "engine/model/files/gguf.h"
#include "engine/model/files/gguf_inside.h"
#include "tests/fuzz/fuzz.h"

enum { SMALL = 4096 };

static void look_at_key(const struct gguf *g, const struct name *name)
{
	char key[SMALL];
	const char *s;
	size_t n, count;
	int64_t i;
	double x;
	bool b;

	if (name->n >= sizeof key)
		return;
	memcpy(key, name->s, name->n);
	key[name->n] = '\0';
	gguf_int(g, key, &i);
	gguf_double(g, key, &x);
	gguf_bool(g, key, &b);
	gguf_string(g, key, &s, &n);
	count = gguf_array(g, key);
	for (size_t k = 0; k < count && k < SMALL; k++) {
		gguf_array_int(g, key, k, &i);
		gguf_array_double(g, key, count - 1 - k, &x);
		if (gguf_array_string(g, key, count - 1 - k, &s, &n))
			FUZZ_EXPECT((const unsigned char *)s + n <= g->part[0].map.bytes + g->part[0].map.size);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct err err = { 0 };
	struct gguf *g = gguf_open(fuzz_file(bytes, n), &err);
	float row[SMALL];

	FUZZ_EXPECT(g || *err.text);
	if (!g)
		return 0;
	for (size_t i = 0; i < g->part[0].names.n; i++)
		look_at_key(g, &g->part[0].names.name[i]);
	for (size_t i = 0; i < gguf_tensors(g); i++) {
		const struct tensor *t = gguf_tensor(g, i);

		FUZZ_EXPECT(gguf_find(g, t->name) == t);
		if (tensor_columns(t) <= SMALL)
			tensor_row(t, tensor_rows(t) - 1, row);
	}
	gguf_free(g);
	return 0;
}
