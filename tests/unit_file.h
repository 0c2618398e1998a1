/*
 * unit_file.h - files that techniques read, made to fit: bases to try interchange with, a lens. Included once per test executable.
 */
#ifndef LMSCOPE_TESTS_UNIT_FILE_H
#define LMSCOPE_TESTS_UNIT_FILE_H

#include <string.h>

#include "engine/base/str.h"
#include "engine/session/job.h"
#include "tests/scratch.h"
#include "tests/zero_lens.h"

/* A .npy file of rows × columns numbers: a part of the unit matrix, times `size`. */
static char *unit_file(const char *name, int rows, int columns, float size, bool turned)
{
	char header[128];
	struct str s;
	int length =
		snprintf(header, sizeof header, "\x93NUMPY\x01%c\x76%c{'descr': '<f4', 'fortran_order': %s, 'shape': (%d, %d), }",
			 0, 0, turned ? "True" : "False", rows, columns);
	char *path;

	memset(header + length, ' ', sizeof header - (size_t)length);
	header[127] = '\n';
	str_init(&s);
	str_add_n(&s, header, sizeof header);
	for (int i = 0; i < rows * columns; i++) {
		int row = turned ? i % rows : i / columns, column = turned ? i / rows : i % columns;
		float x = row == column ? size : 0;

		str_add_n(&s, (const char *)&x, sizeof x);
	}
	path = scratch_file(name, s.s, s.n);
	str_done(&s);
	return path;
}

/* One document is held out, one is not. */
__attribute__((unused)) static const char unit_corpus[] = "one two three two one\none three two two one\n";

/* A name that no file has yet. */
__attribute__((unused)) static char *unit_new_name(void)
{
	static int number;
	char name[40];

	snprintf(name, sizeof name, "made%d.safetensors", number++);
	return scratch_path(name);
}

/*
 * Gives the job's first pane each file that its technique wants: a lens, a vector, a basis of as many numbers as the chosen site
 * has channels, prompts; and a token.
 */
__attribute__((unused)) static void unit_file_arguments(struct job *job, const struct config *c, const char *samples)
{
	struct job_pane *pane = &job->pane[0];
	const struct param *params = pane->analysis->params;
	const char *site = params && params[0].kind == PARAM_CHOICE ? param_word(&params[0], pane->args[0].number) : "";
	const int heads = !strcmp(site, "head") ? c->H : 0;
	char *file, lens[60], jacobian[60];
	struct err err;

	snprintf(lens, sizeof lens, "%s-%d-%d.safetensors", heads ? "heads" : "lens", c->L, c->D);
	snprintf(jacobian, sizeof jacobian, "jacobian-%d-%d.safetensors", c->L, c->D);
	for (const struct param *p = params; p && p->name; p++) {
		struct value *value = &pane->args[p - params];

		if (pane->analysis->cost == COST_TRAINING && p->kind == PARAM_INT)
			*value = value_number(p->lo); /* a step of a few tokens */
		if (p->kind == PARAM_INT && (!strcmp(p->name, "samples") || !strcmp(p->name, "probes")) && value->number > 4)
			*value = value_number(4);
		if (p->kind == PARAM_INT && !strcmp(p->name, "steps") && value->number > 60)
			*value = value_number(60); /* a random model's prompt never suffices */
		if (p->kind == PARAM_TEXT && !strcmp(p->name, "token")) {
			param_parse(p, "#3", 0, value, &err);
			pane->given[p - params] = true;
		}
		if (p->kind == PARAM_TEXT && !strcmp(p->name, "at")) {
			param_parse(p, "-1", 0, value, &err); /* tiny models have no token for a placeholder */
			pane->given[p - params] = true;
		}
		if (p->kind == PARAM_TEXT && !strcmp(p->name, "target"))
			param_parse(p, "the cat", 0, value, &err); /* within a tiny model's learned positions */
		if (p->kind != PARAM_FILE && p->kind != PARAM_OUTPUT)
			continue;
		if (p->kind == PARAM_OUTPUT)
			file = unit_new_name();
		else if (!strcmp(p->name, "basis"))
			/* z, q, k and v are of a head's channels */
			file = unit_file("basis.npy", 2, strlen(site) == 1 ? c->K : c->D, 1, false);
		else if (p->file == &asset_jacobian)
			file = zero_jacobian(jacobian, c->L, c->D);
		else if (p->file == &asset_vectors)
			file = unit_file("vector.npy", 1, c->D, 1, false);
		else if (!strcmp(p->name, "corpus"))
			file = scratch_file("corpus.txt", unit_corpus, sizeof unit_corpus - 1);
		else
			file = p->file == &asset_lens ? zero_lens(lens, c->L, c->D, heads) : xstrdup(samples);
		param_parse(p, file, 0, value, &err);
		pane->given[p - params] = true;
		free(file);
	}
}

#endif
