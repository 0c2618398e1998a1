/* torch.c - any bytes as a file of torch.save: a zip file where they begin like one, otherwise the pickle in a good zip file. */
#include "engine/base/arena.h"
#include "engine/base/str.h"
#include "engine/model/files/torch_zip.h"
#include "tests/fuzz/fuzz.h"

enum { SMALL = 4096, MEMBERS = 3 };

static void add_number(struct str *s, size_t x, int bytes)
{
	for (int i = 0; i < bytes; i++)
		str_add_char(s, i < (int)sizeof x ? (char)(x >> 8 * i & 255) : '\0');
}

/* What a local header and a row of the directory have in common; check sums are not looked at. */
static void add_header(struct str *s, const char *name, size_t n)
{
	add_number(s, 10, 2);	    /* version needed */
	add_number(s, 0, 4);	    /* flags, method: stored */
	add_number(s, 0x210000, 4); /* the first of January 1980 */
	add_number(s, 0, 4);	    /* check sum */
	add_number(s, n, 4);
	add_number(s, n, 4);
	add_number(s, strlen(name), 2);
	add_number(s, 0, 2);
}

static void make_zip(struct str *zip, const uint8_t *pickle, size_t n)
{
	static const char zeros[64];
	const struct {
		const char *name, *bytes;
		size_t n;
	} member[MEMBERS] = { { "a/data.pkl", (const char *)pickle, n }, { "a/data/0", zeros, 16 }, { "a/data/1", zeros, 64 } };
	size_t at[MEMBERS], directory;

	for (int i = 0; i < MEMBERS; i++) {
		at[i] = zip->n;
		str_add(zip, "PK\3\4");
		add_header(zip, member[i].name, member[i].n);
		str_add(zip, member[i].name);
		str_add_n(zip, member[i].bytes, member[i].n);
	}
	directory = zip->n;
	for (int i = 0; i < MEMBERS; i++) {
		str_add(zip, "PK\1\2");
		add_number(zip, 10, 2); /* version made by */
		add_header(zip, member[i].name, member[i].n);
		add_number(zip, 0, 10); /* no comment, first disk, no attributes */
		add_number(zip, at[i], 4);
		str_add(zip, member[i].name);
	}
	add_number(zip, 0x06054b50, 4);
	add_number(zip, 0, 4);
	add_number(zip, MEMBERS, 2);
	add_number(zip, MEMBERS, 2);
	add_number(zip, zip->n - 12 - directory, 4);
	add_number(zip, directory, 4);
	add_number(zip, 0, 2);
}

/* Touches what it was given: reading outside is a defect that the sanitizer sees. */
static void read_all(const struct torch_zip *z)
{
	float out[SMALL];

	for (size_t i = 0; i < torch_zip_tensors(z); i++) {
		const struct torch_tensor *t = torch_zip_tensor(z, i);

		FUZZ_EXPECT(torch_zip_find(z, t->name) == t);
		if (t->count <= SMALL)
			torch_tensor_expand(t, out);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	static const char broken[] = "zip file is broken";
	struct err err = { 0 };
	struct torch_zip *z;
	struct str zip;

	str_init(&zip);
	if (n >= 2 && !memcmp(bytes, "PK", 2))
		str_add_n(&zip, (const char *)bytes, n);
	else
		make_zip(&zip, bytes, n);
	z = torch_zip_open(fuzz_file((const uint8_t *)zip.s, zip.n), &err);
	FUZZ_EXPECT(z || *err.text);
	/* A good zip file is taken as such; a sentence may quote the pickle. */
	FUZZ_EXPECT(z || !strstr(err.text, broken) || memmem(bytes, n, broken, sizeof broken - 1) || !memcmp(bytes, "PK", 2));
	if (z)
		read_all(z);
	torch_zip_free(z);
	str_done(&zip);
	return 0;
}
