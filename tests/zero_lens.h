/*
 * zero_lens.h - a lens whose translators change nothing, and a Jacobian lens that nothing passes. Include scratch.h first.
 */
#ifndef LMSCOPE_TESTS_ZERO_LENS_H
#define LMSCOPE_TESTS_ZERO_LENS_H

#include "engine/run/lens_file.h"

/* Writes it with zeros, unless it is there; the path, heap. */
static char *zero_write(const char *name, struct lens *lens, const struct asset_kind *kind)
{
	const int maps = lens_maps(lens), D = lens->D;
	struct err err = { 0 };
	char *path = scratch_path(name);
	float *zero;

	if (file_exists(path))
		return path;
	zero = xcalloc((size_t)D * (size_t)D, sizeof *zero);
	lens->weight = xcalloc((size_t)maps, sizeof *lens->weight);
	lens->bias = lens->jacobian ? NULL : xcalloc((size_t)maps, sizeof *lens->bias);
	for (int l = 0; l < maps; l++) {
		lens->weight[l] = (struct tensor){
			NULL, DTYPE_F32, 2, { D, D }, (const unsigned char *)zero, (size_t)D * (size_t)D * sizeof *zero
		};
		if (lens->bias)
			lens->bias[l] =
				(struct tensor){ NULL, DTYPE_F32, 1, { D }, (const unsigned char *)zero, (size_t)D * sizeof *zero };
	}
	if (!kind->save(lens, path, &err)) {
		printf("Bail out! %s\n", err.text);
		exit(1);
	}
	free(lens->weight);
	free(lens->bias);
	free(zero);
	return path;
}

/* heads 0: of the stream; otherwise of so many heads a layer. */
static char *zero_lens(const char *name, int L, int D, int heads)
{
	char number[24];
	const struct safetensors_note note[] = { { "heads", number } };
	struct lens lens = { .L = L, .D = D, .heads = heads, .residual = true, .note = note, .notes = 1 };

	snprintf(number, sizeof number, "%d", heads);
	return zero_write(name, &lens, &asset_lens);
}

/* Of the stream, as one that was trained to foresee the token after the next. */
static __attribute__((unused)) char *zero_lens_ahead(const char *name, int L, int D)
{
	const struct safetensors_note note[] = { { "ahead", "1" } };
	struct lens lens = { .L = L, .D = D, .residual = true, .note = note, .notes = 1 };

	return zero_write(name, &lens, &asset_lens);
}

/* Of all layers but the last. */
static __attribute__((unused)) char *zero_jacobian(const char *name, int L, int D)
{
	struct lens lens = { .L = L - 1, .D = D, .jacobian = true };

	return zero_write(name, &lens, &asset_jacobian);
}

#endif
