/*
 * gradient_fixture.h - a tiny model with its runs, prompt and foil, for edits some of which name a file. Included once per test
 * executable.
 */
#ifndef LMSCOPE_TESTS_NUMBERS_GRADIENT_FIXTURE_H
#define LMSCOPE_TESTS_NUMBERS_GRADIENT_FIXTURE_H

#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/model/model.h"
#include "engine/run/gradient.h"
#include "tests/numbers/ids.h"
#include "tests/scratch.h"
#include "tests/tap.h"

enum { EDITS = 14 };

struct gradient_fixture {
	const char *name;
	struct model *model;
	int32_t ids[MOST_IDS], foil_ids[MOST_IDS];
	int T;
	struct run *unedited, *foil;
	const char *folder;
	char *basis; /* of three directions in the stream; heap */
};

/* A line that ends so is followed by a file: the vector in the model's folder, or a basis that is made here. */
#define VECTOR "project"
#define BASIS "interchange"

/* The line as it is, or with its file. */
static const char *whole_line(const struct gradient_fixture *f, const char *line, char *room, size_t n)
{
	size_t length = strlen(line);

	if (length >= strlen(VECTOR) && !strcmp(line + length - strlen(VECTOR), VECTOR))
		snprintf(room, n, "%s %s/vector.npy", line, f->folder);
	else if (length >= strlen(BASIS) && !strcmp(line + length - strlen(BASIS), BASIS))
		snprintf(room, n, "%s %s", line, f->basis);
	else
		return line;
	return room;
}

/* Families do not have all norms: a line that keeps one that is not there is left out. */
static bool has_norm(const struct model *m, const char *line, int layer)
{
	const struct layer *y = &m->layers[layer];
	const struct {
		const char *word;
		bool there;
	} norm[] = {
		{ "ln1 ", y->ln1.there },	    { "ln2 ", y->ln2.there },	    { "ln1_post ", y->ln1_post.there },
		{ "ln2_post ", y->ln2_post.there }, { "q_norm ", y->q_norm.there }, { "k_norm ", y->k_norm.there },
	};

	for (size_t i = 0; i < sizeof norm / sizeof *norm; i++)
		if (!strncmp(line, norm[i].word, strlen(norm[i].word)))
			return norm[i].there;
	return true;
}

static bool begins(const char *line, const char *const *words)
{
	while (*words && strncmp(line, *words, strlen(*words)))
		words++;
	return *words;
}

/* Neurons are where a layer's MLP is no mixture, experts where it is; queries where it attends. */
static bool has_place(const struct model *m, const char *line)
{
	const char *number = strchr(line, ' ');
	const int layer = number ? atoi(number + 1) : 0;
	static const char *const attention[] = { "pattern ", "scores ", "q ", "k ", "v ", "kv ", NULL }, *const conv[] = { "conv_",
															   NULL };
	const bool attends = config_mixer(&m->config, layer) == MIXER_ATTENTION;

	if (!strncmp(line, "neuron", 6) || !strncmp(line, "mlp_pre", 7))
		return !config_mixes(&m->config, layer);
	if (!strncmp(line, "expert", 6) || !strncmp(line, "router", 6))
		return config_mixes(&m->config, layer);
	if (begins(line, attention) || begins(line, conv))
		return attends == begins(line, attention);
	return has_norm(m, line, layer);
}

static struct run *make_run(const struct gradient_fixture *f, const int32_t *ids, const char *const *edits)
{
	struct err err = { 0 };
	const char *lines[EDITS + 2];
	char room[EDITS + 2][400];
	struct run_order order = {
		.model = f->model, .tokens = ids, .T = f->T, .edits = lines, .unedited = f->unedited, .foil = f->foil
	};
	struct run *r;

	for (; edits && *edits; edits++)
		if (has_place(f->model, *edits)) {
			lines[order.edit_count] = whole_line(f, *edits, room[order.edit_count], sizeof *room);
			order.edit_count++;
		}
	r = run_new(&order, NULL, &err);
	if (!r)
		CHECK_THAT(false, "%s runs: %s", f->name, err.text);
	return r;
}

/* -1 … 1, the same on every machine. */
static float noise(unsigned *state)
{
	*state = *state * 1664525u + 1013904223u;
	return (float)(*state >> 8) / (float)(1 << 23) - 1;
}

/* A .npy file of rows of n numbers. */
static char *npy_file(const char *name, const float *x, size_t rows, size_t n)
{
	char header[128], *bytes, *path;
	int length =
		snprintf(header, sizeof header,
			 "\x93NUMPY\x01%c\x76%c{'descr': '<f4', 'fortran_order': False, 'shape': (%zu, %zu), }", 0, 0, rows, n);

	memset(header + length, ' ', sizeof header - (size_t)length);
	header[127] = '\n';
	bytes = malloc(sizeof header + rows * n * sizeof *x);
	memcpy(bytes, header, sizeof header);
	memcpy(bytes + sizeof header, x, rows * n * sizeof *x);
	path = scratch_file(name, bytes, sizeof header + rows * n * sizeof *x);
	free(bytes);
	return path;
}

/* Three directions at right angles, none along an axis. */
static char *basis_file(int D)
{
	float *u = calloc((size_t)(3 * D), sizeof *u);
	unsigned state = 3;
	char *path;

	for (int i = 0; i < 3; i++) {
		double square = 0;

		for (int k = 0; k < D; k++)
			u[i * D + k] = noise(&state);
		for (int j = 0; j < i; j++) {
			double along = 0;

			for (int k = 0; k < D; k++)
				along += (double)u[i * D + k] * (double)u[j * D + k];
			for (int k = 0; k < D; k++)
				u[i * D + k] -= (float)along * u[j * D + k];
		}
		for (int k = 0; k < D; k++)
			square += (double)u[i * D + k] * (double)u[i * D + k];
		for (int k = 0; k < D; k++)
			u[i * D + k] /= (float)sqrt(square);
	}
	path = npy_file("basis.npy", u, 3, (size_t)D);
	free(u);
	return path;
}

static bool open_fixture(struct gradient_fixture *f, const char *folder)
{
	struct err err = { 0 };
	char path[500];
	struct json *about;

	f->folder = folder;
	snprintf(path, sizeof path, "%s/expected.json", folder);
	f->model = model_open(folder, NULL, NULL, &err);
	about = f->model ? json_open(path, 0, &err) : NULL;
	if (!CHECK_THAT(about, "%s opens %s", f->name, err.text))
		return false;
	f->basis = basis_file(f->model->config.D);
	f->T = read_ids(json_get(json_root(about), "ids"), f->ids, MOST_IDS);
	f->T = f->T < 10 ? f->T : 10; /* the long ones are about long prompts */
	read_ids(json_get(json_root(about), "foil_ids"), f->foil_ids, MOST_IDS);
	json_free(about);
	f->unedited = make_run(f, f->ids, NULL);
	f->foil = make_run(f, f->foil_ids, NULL);
	return f->unedited && f->foil;
}

static void close_fixture(struct gradient_fixture *f)
{
	run_unref(f->unedited);
	run_unref(f->foil);
	model_free(f->model);
	free(f->basis);
}

#endif
