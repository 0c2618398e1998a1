/* prompt_runs.c - see prompt_runs.h. */
#include "engine/run/prompt_runs.h"

#include <stdlib.h>
#include <string.h>

#include "engine/numbers/kernels.h"
#include "engine/run/direction.h"
#include "engine/run/layer.h"

static const size_t most_bytes = 128 << 20; /* of a file's runs; at least the latest is kept */

/* A run of one prompt, by its number in the file, or, with -T, the mean of those with T tokens. */
struct made {
	struct made *next; /* made before it */
	int which;
	struct run *run;
};

/* The prompts as tokens of one model, and what was made of them. */
struct prompt_file {
	struct prompt_file *next;
	const struct model *model;
	const char *path; /* for sentences */
	enum tokenizer_bos bos;
	struct arena *arena;
	struct prompt_set set;
	struct made *made; /* the latest first */
	struct run *sum;   /* of the first `summed` prompts, while the mean is made, with weights[L, H, keys] */
	float *weights;
	int summed;
	struct run *mean; /* NULL: not made yet */
	struct prompt_mean about;
};

/* What asset_prompts opens. */
struct prompt_runs {
	struct arena *arena;
	const struct prompt *prompt; /* [n] */
	int n;
	struct prompt_file *file; /* one for each model, and for each way in which a prompt may begin */
};

static void *prompts_asset_open(const char *path, struct err *err)
{
	struct prompt_runs *p = xcalloc(1, sizeof *p);

	p->arena = arena_new();
	if ((p->prompt = prompts_read(path, p->arena, &p->n, err)))
		return p;
	arena_free(p->arena);
	free(p);
	return NULL;
}

static void file_drop(struct prompt_file *f)
{
	for (struct made *m = f->made, *next; m; m = next) {
		next = m->next;
		run_unref(m->run);
		free(m);
	}
	run_unref(f->sum);
	run_unref(f->mean);
	arena_free(f->arena);
	free(f);
}

static void prompts_asset_free(void *content)
{
	struct prompt_runs *p = content;

	for (struct prompt_file *f = p->file, *next; f; f = next) {
		next = f->next;
		file_drop(f);
	}
	arena_free(p->arena);
	free(p);
}

/* clang-format off */
const struct asset_kind asset_prompts = {
	.name = "prompts",
	.help = "prompts, one a line or as JSON lines",
	.open = prompts_asset_open,
	.free = prompts_asset_free,
};
/* clang-format on */

/* As the prompt begins, so do those of the file. */
static enum tokenizer_bos bos_of(const struct prompt_question *q)
{
	const struct tokenizer *t = q->model->tokenizer;
	bool begins = q->tokens[0] == tokenizer_bos(t);

	return begins == tokenizer_adds_bos(t) ? BOS_DEFAULT : begins ? BOS_ALWAYS : BOS_NEVER;
}

/* Its prompts as that prompt's model reads them. */
static struct prompt_file *encoded(const struct asset *a, const struct prompt_question *q, struct err *err)
{
	struct prompt_runs *p = a->content;
	const enum tokenizer_bos bos = bos_of(q);
	struct prompt_file *f = p->file;

	while (f && (f->model != q->model || f->bos != bos))
		f = f->next;
	if (f)
		return f;
	f = xcalloc(1, sizeof *f);
	*f = (struct prompt_file){ .next = p->file, .model = q->model, .path = a->path, .bos = bos, .arena = arena_new() };
	if (!prompt_set_encode(&f->set, p->prompt, p->n, a->path, q->model, bos, f->arena, err)) {
		file_drop(f);
		return NULL;
	}
	p->file = f;
	return f;
}

/* ---- runs ---- */

/* The run of prompt i; one of a prompt that begins alike saves work. */
static struct run *run_prompt(const struct prompt_file *f, int i, const struct run *prefix, struct err *err)
{
	struct run_order order = {
		.model = f->model, .tokens = f->set.tokens[i], .T = f->set.T[i], .prefix = prefix, .without_logits = true
	};
	struct run *r = run_fits(f->model, f->set.T[i], RUN_ALL, err) ? run_new(&order, NULL, err) : NULL;

	if (!r)
		err_in(err, "%s: line %d", f->path, f->set.line[i]);
	return r;
}

static struct run *find_made(const struct prompt_file *f, int which)
{
	for (struct made *m = f->made; m; m = m->next)
		if (m->which == which)
			return m->run;
	return NULL;
}

/* Takes the run over, and hands it to `reads`. */
static const struct run *keep_made(struct prompt_file *f, int which, struct run *r, struct run_set *reads)
{
	struct made *m = xcalloc(1, sizeof *m);
	size_t bytes = 0;

	*m = (struct made){ f->made, which, r };
	f->made = m;
	run_set_add(reads, r);
	for (struct made **at = &f->made; (m = *at);) {
		bytes += run_bytes(&m->run->model->config, m->run->T, m->run->keeps);
		if (bytes > most_bytes && m != f->made) {
			*at = m->next;
			run_unref(m->run);
			free(m);
		} else {
			at = &m->next;
		}
	}
	return r;
}

/* ---- means ---- */

/* A run whose sites are all 0. */
static struct run *blank(const struct model *m, const int32_t *tokens, int T, struct err *err)
{
	const struct config *c = &m->config;
	struct run *r = xcalloc(1, sizeof *r);

	atomic_init(&r->refs, 1);
	r->model = m;
	r->T = r->prompt_T = T;
	r->arena = arena_new();
	r->tokens = arena_alloc(r->arena, (size_t)T * sizeof *r->tokens);
	memcpy(r->tokens, tokens, (size_t)T * sizeof *r->tokens);
	r->layer = arena_alloc(r->arena, (size_t)c->L * sizeof *r->layer);
	r->embed = arena_floats(r->arena, (size_t)T * (size_t)c->D, err);
	for (int l = 0; r->embed && l < c->L; l++) {
		if (!(r->layer[l] = layer_sites_new(m, T, true, err)))
			break;
		for (int site = 0; site < SITE_COUNT; site++)
			if (layer_site(r->layer[l], (enum site)site))
				memset(layer_site(r->layer[l], (enum site)site), 0,
				       (size_t)T * run_width(c, (enum site)site) * sizeof(float));
		memset(r->layer[l]->pattern, 0, (size_t)c->H * (size_t)T * (size_t)T * sizeof(float));
	}
	if (r->embed && r->layer[c->L - 1])
		return r;
	run_unref(r);
	return NULL;
}

/* Row `row` of every site but the pattern += row t of another run's. */
static void add_row(struct run *to, int row, const struct run *from, int t)
{
	const struct config *c = &to->model->config;
	size_t D = (size_t)c->D;
	float *embed = to->embed + (size_t)row * D;

	kernel_add(embed, from->embed + (size_t)t * D, embed, D);
	for (int l = 0; l < c->L; l++)
		for (int site = 0; site < SITE_COUNT; site++) {
			size_t width = run_width(c, (enum site)site);
			float *sum = layer_site(to->layer[l], (enum site)site);

			if (!sum)
				continue;
			sum += (size_t)row * width;
			kernel_add(sum, layer_site(from->layer[l], (enum site)site) + (size_t)t * width, sum, width);
		}
}

/* The weights of all queries, each over all keys, += those of another run of as many tokens. */
static void add_pattern(struct run *to, const struct run *from)
{
	const struct config *c = &to->model->config;

	for (int l = 0; l < c->L; l++)
		for (int h = 0; h < c->H; h++)
			for (int t = 0; t < to->T; t++) {
				float *sum = layer_weights(to->layer[l], h, t);

				kernel_add(sum, run_pattern(from, l, h, t), sum, (size_t)to->T);
			}
}

/* Every row of every site times a number; of a blank run, whose pattern has no room for more. */
static void scale_rows(struct run *r, float by)
{
	const struct config *c = &r->model->config;
	size_t T = (size_t)r->T;

	for (size_t i = 0; i < T * (size_t)c->D; i++)
		r->embed[i] *= by;
	for (int l = 0; l < c->L; l++) {
		for (int site = 0; site < SITE_COUNT; site++) {
			float *x = layer_site(r->layer[l], (enum site)site);

			for (size_t i = 0; x && i < T * run_width(c, (enum site)site); i++)
				x[i] *= by;
		}
		for (size_t i = 0; i < (size_t)c->H * T * T; i++)
			r->layer[l]->pattern[i] *= by;
	}
}

/* The weights of all queries of a run, added to sum[L, H, keys]. */
static void add_weights(const struct run *r, float *sum, int keys)
{
	const struct config *c = &r->model->config;

	for (int l = 0; l < c->L; l++)
		for (int h = 0; h < c->H; h++)
			for (int t = 0; t < r->T; t++) {
				float *to = sum + (size_t)(l * c->H + h) * (size_t)keys;

				kernel_add(to, run_pattern(r, l, h, t), to, (size_t)t + 1);
			}
}

/* The sums so far, of no prompt at first. */
static bool begin_mean(struct prompt_file *f, struct err *err)
{
	const struct config *c = &f->model->config;

	for (int i = 0; i < f->set.n; i++)
		f->about.keys = f->set.T[i] > f->about.keys ? f->set.T[i] : f->about.keys;
	f->weights = arena_floats(f->arena, (size_t)c->L * (size_t)c->H * (size_t)f->about.keys, err);
	f->sum = f->weights ? blank(f->model, f->set.tokens[0], 1, err) : NULL;
	return f->sum != NULL;
}

/* Sums are taken over each prompt first, so that many prompts lose no digits. */
static bool add_prompt(struct prompt_file *f, struct run **last, struct err *err)
{
	struct run *r = run_prompt(f, f->summed, *last, err), *part = r ? blank(f->model, r->tokens, 1, err) : NULL;

	run_unref(*last);
	*last = r;
	if (!part)
		return false;
	for (int t = 0; t < r->T; t++)
		add_row(part, 0, r, t);
	add_row(f->sum, 0, part, 0);
	add_weights(r, f->weights, f->about.keys);
	run_unref(part);
	f->summed++;
	return true;
}

static void finish_mean(struct prompt_file *f)
{
	const struct config *c = &f->model->config;
	double positions = 0;

	for (int i = 0; i < f->set.n; i++)
		positions += f->set.T[i];
	scale_rows(f->sum, (float)(1 / positions));
	for (size_t i = 0; i < (size_t)c->L * (size_t)c->H * (size_t)f->about.keys; i++)
		f->weights[i] *= (float)(1 / positions);
	f->about.run = f->mean = f->sum;
	f->about.pattern = f->weights;
	f->sum = NULL;
}

/* Resumes where work on the file was stopped; while it waits at a step, another call may take it further, to its end even. */
static bool make_mean(struct prompt_file *f, struct task *task, struct err *err)
{
	struct run *last = NULL;
	bool ok = f->sum || begin_mean(f, err);

	while (ok && !f->mean && f->summed < f->set.n)
		ok = task_step(task, f->summed, f->set.n, err) && (f->mean || add_prompt(f, &last, err));
	run_unref(last);
	if (ok && !f->mean)
		finish_mean(f);
	return ok;
}

const struct prompt_mean *prompt_runs_mean(const struct asset *file, const struct prompt_question *q, struct err *err)
{
	struct prompt_file *f = encoded(file, q, err);
	bool ok = f && (f->mean || make_mean(f, q->task, err));

	return ok ? &f->about : NULL;
}

/* The mean at each position of those with T tokens. */
static struct run *make_same(const struct prompt_file *f, const struct prompt_question *q, struct err *err)
{
	struct run *sum = NULL, *last = NULL;
	int n = 0;
	bool ok = run_fits(f->model, q->T, RUN_ALL, err) && (sum = blank(f->model, q->tokens, q->T, err));

	for (int i = 0; ok && i < f->set.n; i++) {
		struct run *r;

		if (f->set.T[i] != q->T)
			continue;
		r = task_step(q->task, i, f->set.n, err) ? run_prompt(f, i, last, err) : NULL;
		run_unref(last);
		last = r;
		ok = r != NULL;
		for (int t = 0; ok && t < q->T; t++)
			add_row(sum, t, r, t);
		if (ok)
			add_pattern(sum, r);
		n++;
	}
	run_unref(last);
	if (ok && !n)
		ok = err_set(err, ERR_ARGUMENT,
			     "%s: none of its prompts has %d tokens, as this one has, so there is no mean at "
			     "the same position; leave out same for one over all positions",
			     f->path, q->T);
	if (ok) {
		scale_rows(sum, 1 / (float)n);
		return sum;
	}
	run_unref(sum);
	return NULL;
}

const struct run *prompt_runs_same(const struct asset *file, const struct prompt_question *q, struct run_set *reads,
				   struct err *err)
{
	struct prompt_file *f = encoded(file, q, err);
	struct run *r = f ? find_made(f, -q->T) : NULL;

	if (!f)
		return NULL;
	if (r)
		run_set_add(reads, r);
	else if ((r = make_same(f, q, err)))
		keep_made(f, -q->T, r, reads);
	return r;
}

/* ---- another prompt ---- */

static bool is_other(const struct prompt_set *set, int i, const struct prompt_question *q)
{
	return set->T[i] == q->T && memcmp(set->tokens[i], q->tokens, (size_t)q->T * sizeof *q->tokens);
}

/* SplitMix64's step: seeds that follow one another draw what has nothing to do with each other. */
static uint64_t scramble(uint64_t x)
{
	x += 0x9E3779B97F4A7C15u;
	x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
	x = (x ^ x >> 27) * 0x94D049BB133111EBu;
	return x ^ x >> 31;
}

/* The number of the prompt that the seed draws; -1 with a sentence. */
static int draw(const struct prompt_file *f, const struct prompt_question *q, unsigned seed, struct err *err)
{
	int n = 0, skip, i = 0;

	for (int k = 0; k < f->set.n; k++)
		n += is_other(&f->set, k, q);
	if (!n) {
		err_set(err, ERR_ARGUMENT,
			"%s: of its %d prompts none is another one with %d tokens; resample takes a value from "
			"the same position, so it needs one as long as this prompt",
			f->path, f->set.n, q->T);
		return -1;
	}
	skip = (int)(scramble(seed) % (uint64_t)n);
	while (!is_other(&f->set, i, q) || skip--)
		i++;
	return i;
}

static int on_line(const struct prompt_file *f, const struct prompt_question *q, int line, struct err *err)
{
	int i = 0;

	while (i < f->set.n && f->set.line[i] != line)
		i++;
	if (i == f->set.n)
		err_set(err, ERR_ARGUMENT, "%s: there is no prompt on line %d", f->path, line);
	else if (f->set.T[i] != q->T)
		err_set(err, ERR_ARGUMENT,
			"%s: line %d has %d tokens and this prompt %d; resample takes a value from the same "
			"position, so both need equally many",
			f->path, line, f->set.T[i], q->T);
	else
		return i;
	return -1;
}

const struct run *prompt_runs_other(const struct asset *file, const struct prompt_question *q, int line, unsigned seed,
				    struct run_set *reads, struct err *err)
{
	struct prompt_file *f = encoded(file, q, err);
	int i = !f ? -1 : line ? on_line(f, q, line, err) : draw(f, q, seed, err);
	struct run *r = i >= 0 ? find_made(f, i) : NULL;

	if (r)
		run_set_add(reads, r);
	else if (i >= 0 && (r = run_prompt(f, i, NULL, err)))
		keep_made(f, i, r, reads);
	return r;
}
