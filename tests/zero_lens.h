/*
 * zero_lens.h - a lens whose translators change nothing. Include scratch.h first.
 */
#ifndef LMSCOPE_TESTS_ZERO_LENS_H
#define LMSCOPE_TESTS_ZERO_LENS_H

#include "engine/run/lens_file.h"

/* Writes it, unless it is there; the path, heap. heads 0: of the stream; otherwise of so many heads a layer. */
static char *zero_lens(const char *name, int L, int D, int heads)
{
	char number[24];
	const struct safetensors_note note[] = { { "heads", number } };
	struct lens lens = { .L = L, .D = D, .heads = heads, .residual = true, .note = note, .notes = 1 };
	const int maps = lens_maps(&lens);
	struct err err = { 0 };
	char *path = scratch_path(name);
	float *zero;

	if (file_exists(path))
		return path;
	snprintf(number, sizeof number, "%d", heads);
	zero = xcalloc((size_t)D * (size_t)D, sizeof *zero);
	lens.weight = xcalloc((size_t)maps, sizeof *lens.weight);
	lens.bias = xcalloc((size_t)maps, sizeof *lens.bias);
	for (int l = 0; l < maps; l++) {
		lens.weight[l] = (struct tensor){
			NULL, DTYPE_F32, 2, { D, D }, (const unsigned char *)zero, (size_t)D * (size_t)D * sizeof *zero
		};
		lens.bias[l] = (struct tensor){ NULL, DTYPE_F32, 1, { D }, (const unsigned char *)zero, (size_t)D * sizeof *zero };
	}
	if (!asset_lens.save(&lens, path, &err)) {
		printf("Bail out! %s\n", err.text);
		exit(1);
	}
	free(lens.weight);
	free(lens.bias);
	free(zero);
	return path;
}

#endif
