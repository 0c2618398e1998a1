/*
 * unit_file.h - bases to try interchange with. Included once per test executable.
 */
#ifndef LMSCOPE_TESTS_UNIT_FILE_H
#define LMSCOPE_TESTS_UNIT_FILE_H

#include <string.h>

#include "engine/base/str.h"
#include "engine/job.h"
#include "tests/scratch.h"

/* A .npy file of rows × columns numbers: a part of the unit matrix, times `size`. */
static char *unit_file(const char *name, int rows, int columns, float size, bool turned)
{
	char header[128];
	struct str s;
	int length = snprintf(header, sizeof header, "\x93NUMPY\x01%c\x76%c{'descr': '<f4', 'fortran_order': %s, 'shape': (%d, %d), }", 0, 0,
			      turned ? "True" : "False", rows, columns);
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

/* Gives the job's first pane a basis of as many numbers as the site of its first argument has channels, where it asks for one. */
__attribute__((unused))
static void unit_file_basis(struct job *job, const struct config *c)
{
	const struct job_pane *pane = &job->pane[0];
	char *path;
	int letters;

	if (strcmp(pane->analysis->name, "subspace-interchange"))
		return;
	(void)param_choice(&pane->analysis->params[0], pane->args[0], &letters);
	path = unit_file("basis.npy", 2, letters == 1 ? c->K : c->D, 1, false);	/* z, q, k and v are of a head's channels */
	job_set(&job->basis, path);
	free(path);
}

#endif
