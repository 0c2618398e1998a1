/* direction.c - see direction.h. */
#include "engine/run/direction.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/run/run.h"

bool prompt_set_encode(struct prompt_set *out, const struct prompt *prompt, int n, const char *path, const struct model *m,
		       enum tokenizer_bos bos, struct arena *arena, struct err *err)
{
	bool ok = true;

	*out = (struct prompt_set){ .path = path, .n = n };
	out->tokens = arena_alloc(arena, (size_t)n * sizeof *out->tokens);
	out->T = arena_alloc(arena, (size_t)n * sizeof *out->T);
	out->line = arena_alloc(arena, (size_t)n * sizeof *out->line);
	for (int i = 0; ok && i < n; i++) {
		int32_t *ids = NULL, *kept;
		size_t length = 0;

		ok = tokenizer_encode(m->tokenizer, prompt[i].text, strlen(prompt[i].text), bos, &ids, &length, err);
		if (ok && !length)
			ok = err_set(err, ERR_FILE, "%s: %s %d has no tokens", path, prompt[i].counted, prompt[i].line);
		kept = arena_alloc(arena, (length + 1) * sizeof *kept);
		if (ok)
			memcpy(kept, ids, length * sizeof *kept);
		out->tokens[i] = kept;
		out->T[i] = (int)length;
		out->line[i] = prompt[i].line;
		free(ids);
	}
	return ok;
}

bool prompt_set_read(const char *path, const struct model *m, enum tokenizer_bos bos, struct prompt_set *out, struct arena *arena,
		     struct err *err)
{
	int n;
	const struct prompt *prompt = prompts_read(path, arena, &n, err);

	return prompt && prompt_set_encode(out, prompt, n, path, m, bos, arena, err);
}

/* x[n, L, D] = resid_post of every layer at each prompt's last position. */
static float *read_set(const struct model *m, const struct prompt_set *set, int done, int total, struct arena *arena,
		       struct task *task, struct err *err)
{
	size_t L = (size_t)m->config.L, D = (size_t)m->config.D;
	float *x = arena_floats(arena, (size_t)set->n * L * D, err);

	for (int i = 0; x && i < set->n; i++) {
		struct run_order order = { .model = m, .tokens = set->tokens[i], .T = set->T[i], .without_logits = true };
		struct run *r = task_step(task, done + i, total, err) ? run_new(&order, NULL, err) : NULL;

		if (!r)
			return NULL;
		for (size_t l = 0; l < L; l++)
			memcpy(x + ((size_t)i * L + l) * D, run_at(r, SITE_RESID_POST, (int)l, r->T - 1), D * sizeof *x);
		run_unref(r);
	}
	return x;
}

static double dot(const double *a, const float *b, int n)
{
	double sum = 0;

	for (int i = 0; i < n; i++)
		sum += a[i] * (double)b[i];
	return sum;
}

/* One layer of two sets: rows are ld floats apart. */
struct cloud {
	const float *with, *without;
	int n_with, n_without, D;
	size_t ld;
};

static void mean_difference(const struct cloud *c, double *out)
{
	memset(out, 0, (size_t)c->D * sizeof *out);
	for (int d = 0; d < c->D; d++) {
		for (int i = 0; i < c->n_with; i++)
			out[d] += (double)c->with[(size_t)i * c->ld + (size_t)d] / c->n_with;
		for (int i = 0; i < c->n_without; i++)
			out[d] -= (double)c->without[(size_t)i * c->ld + (size_t)d] / c->n_without;
	}
}

/*
 * From the mean difference u[D] to the first principal direction of the pairs' differences, by power iteration on their second
 * moment; it starts at the mean, so its sign is the mean's unless they are at right angles.
 */
static void principal(const struct cloud *c, double *u)
{
	enum { ROUNDS = 1000 };
	double *v = xmalloc(3 * (size_t)c->D * sizeof *v), *next = v + c->D, *mean = v + 2 * c->D, length = 0, along = 0;

	memcpy(mean, u, (size_t)c->D * sizeof *mean);
	memcpy(v, u, (size_t)c->D * sizeof *v);
	for (int round = 0; round < ROUNDS; round++) {
		double moved = 0;

		memset(next, 0, (size_t)c->D * sizeof *next);
		for (int i = 0; i < c->n_with; i++) {
			const float *a = c->with + (size_t)i * c->ld, *b = c->without + (size_t)i * c->ld;
			double on = dot(v, a, c->D) - dot(v, b, c->D);

			for (int d = 0; d < c->D; d++)
				next[d] += on * ((double)a[d] - (double)b[d]);
		}
		length = 0;
		for (int d = 0; d < c->D; d++)
			length += next[d] * next[d];
		length = sqrt(length);
		for (int d = 0; d < c->D; d++) {
			next[d] = length > 0 ? next[d] / length : 0;
			moved = fmax(moved, fabs(next[d] - v[d]));
		}
		memcpy(v, next, (size_t)c->D * sizeof *v);
		if (moved < 1e-12)
			break;
	}
	for (int d = 0; d < c->D; d++)
		along += v[d] * mean[d];
	for (int d = 0; d < c->D; d++)
		u[d] = v[d] * along;
	free(v);
}

/* The share of pairs, one of each set, that the projection on u puts in the right order; a tie is half. */
static double area(const struct cloud *c, const double *u)
{
	double right = 0;

	for (int i = 0; i < c->n_with; i++) {
		double a = dot(u, c->with + (size_t)i * c->ld, c->D);

		for (int k = 0; k < c->n_without; k++) {
			double b = dot(u, c->without + (size_t)k * c->ld, c->D);

			right += a > b ? 1 : a == b ? 0.5 : 0;
		}
	}
	return right / ((double)c->n_with * c->n_without);
}

static bool begin(const struct model *m, struct directions *out, struct arena *arena, struct err *err)
{
	*out = (struct directions){ .L = m->config.L, .D = m->config.D };
	out->vector = arena_floats(arena, (size_t)out->L * (size_t)out->D, err);
	out->norm = arena_alloc(arena, (size_t)out->L * sizeof *out->norm);
	return out->vector != NULL;
}

static void set_vector(struct directions *out, int l, const double *u)
{
	double sum = 0;

	for (int d = 0; d < out->D; d++) {
		out->vector[(size_t)l * (size_t)out->D + (size_t)d] = (float)u[d];
		sum += u[d] * u[d];
	}
	out->norm[l] = sqrt(sum);
}

bool directions_of_prompts(const struct model *m, const struct prompt_set *with, const struct prompt_set *without, bool pca,
			   struct directions *out, struct arena *arena, struct task *task, struct err *err)
{
	size_t each = (size_t)m->config.L * (size_t)m->config.D;
	double *u = arena_alloc(arena, (size_t)m->config.D * sizeof *u);
	float *x, *y;

	if (pca && with->n != without->n)
		return err_set(err, ERR_ARGUMENT, "pairs are needed: %s has %d prompts and %s has %d", with->path, with->n,
			       without->path, without->n);
	if (!begin(m, out, arena, err) || !(x = read_set(m, with, 0, with->n + without->n, arena, task, err)) ||
	    !(y = read_set(m, without, with->n, with->n + without->n, arena, task, err)))
		return false;
	out->auc = arena_alloc(arena, (size_t)out->L * sizeof *out->auc);
	for (int l = 0; l < out->L; l++) {
		struct cloud c = {
			x + (size_t)l * (size_t)out->D, y + (size_t)l * (size_t)out->D, with->n, without->n, out->D, each
		};

		mean_difference(&c, u);
		if (pca)
			principal(&c, u);
		set_vector(out, l, u);
		out->auc[l] = area(&c, u);
	}
	return true;
}

bool directions_of_tokens(const struct model *m, int32_t a, int32_t b, struct directions *out, struct arena *arena, struct err *err)
{
	size_t D = (size_t)m->config.D;
	float *row = arena_floats(arena, 2 * D, err);
	double *u = arena_alloc(arena, D * sizeof *u);

	if (!row || !begin(m, out, arena, err))
		return false;
	matrix_output(m->W_U, a, row);
	matrix_output(m->W_U, b, row + D);
	for (size_t d = 0; d < D; d++)
		u[d] = (double)row[d] - (double)row[D + d];
	for (int l = 0; l < out->L; l++)
		set_vector(out, l, u);
	return true;
}
