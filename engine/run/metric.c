/*
 * metric.c - see metric.h: the table of kinds, and specs made numbers of a run. The kinds: metrics/; what they share:
 * metric_inner.c, reading.c.
 */
#include "engine/run/metric.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/arena.h"
#include "engine/base/utf8.h"
#include "engine/model/tokenizer/tokenizer.h"
#include "engine/numbers/kernels.h"
#include "engine/run/metric_inner.h"
#include "engine/run/metric_parse.h"
#include "engine/run/reading.h"
#include "engine/run/run.h"
#include "engine/run/basis_file.h"

#define METRIC(KIND, stem) extern const struct metric_info metric_kind_##stem;
#include "engine/run/metrics.def"
#undef METRIC

const struct metric_info *const metric_table[METRIC_KINDS] = {
#define METRIC(KIND, stem) [METRIC_##KIND] = &metric_kind_##stem,
#include "engine/run/metrics.def"
#undef METRIC
};

/* A target's token: by number, by its exact bytes, or the first piece of the text. */
bool metric_find_token(const struct model *m, const char *what, const char *text, int32_t *id, struct notes *notes, struct err *err)
{
	const struct tokenizer *t = m->tokenizer;
	int32_t *ids = NULL;
	size_t n = 0;
	long number;
	bool ok;

	if (metric_token_number(text, &number)) {
		*id = (int32_t)number;
		return (number >= 0 && number < m->config.V) ||
		       err_set(err, ERR_ARGUMENT, "%s: the vocabulary has the tokens #0 … #%d, not %s", what, m->config.V - 1,
			       text);
	}
	if ((*id = tokenizer_find(t, text, strlen(text))) >= 0 && *id < m->config.V)
		return true;
	ok = tokenizer_encode_raw(t, text, strlen(text), &ids, &n, err);
	if (ok && n == 0)
		ok = err_set(err, ERR_ARGUMENT, "%s: \"%s\" is not a token", what, text);
	if (ok) {
		struct str first;

		*id = ids[0];
		str_init(&first);
		tokenizer_show(t, *id, &first);
		notes_add(notes, "\"%s\" is %zu tokens; the first is used, %s", text, n, first.s);
		str_done(&first);
	}
	free(ids);
	return ok;
}

/* A token in quotes, as it can be typed again; by number where its bytes do not name it. */
static void write_target(const struct model *m, int32_t id, struct str *out)
{
	size_t n;
	const char *bytes = tokenizer_bytes(m->tokenizer, id, &n);
	bool plain = n > 0 && tokenizer_find(m->tokenizer, bytes, n) == id;

	for (size_t i = 0; i < n; i++)
		plain = plain && ((unsigned char)bytes[i] >= 0x20 || bytes[i] == '\n' || bytes[i] == '\t') && bytes[i] != 0x7F;
	if (!plain || !utf8_valid(bytes, n)) {
		str_addf(out, " #%d", id);
		return;
	}
	str_add(out, " \"");
	for (size_t i = 0; i < n; i++) {
		if (bytes[i] == '"' || bytes[i] == '\\')
			str_add_char(out, '\\');
		if (bytes[i] == '\n' || bytes[i] == '\t')
			str_add(out, bytes[i] == '\n' ? "\\n" : "\\t");
		else
			str_add_char(out, bytes[i]);
	}
	str_add_char(out, '"');
}

/* ---- as text ---- */

/* A file's name, in quotes where it would not be one word. */
static void write_file(const char *file, struct str *out)
{
	bool plain = *file != '"' && *file != '@' && !strpbrk(file, " \t\\");

	str_add(out, plain ? " " : " \"");
	for (const char *s = file; *s; s++) {
		if (!plain && (*s == '"' || *s == '\\'))
			str_add_char(out, '\\');
		str_add_char(out, *s);
	}
	if (!plain)
		str_add_char(out, '"');
}

void metric_name_file(const char *spec, const char *(*name)(const char *written, const char *context), const char *context,
		      struct str *out)
{
	struct arena *arena = arena_new();
	size_t from = 0, to = 0;
	const char *file = metric_file_word(spec, arena, &from, &to), *named = file ? name(file, context) : NULL;

	if (named && strcmp(named, file)) {
		str_add_n(out, spec, from - 1);
		write_file(named, out);
		str_add(out, spec + to);
	} else {
		str_add(out, spec);
	}
	arena_free(arena);
}

/* The place as an edit begins; a kind that has one site alone leaves its word out. */
static void write_place(const struct metric *m, bool position, struct str *out)
{
	struct place place = m->place;
	struct str text;

	if (!position)
		place_set(&place, DIM_POSITION, -1, -1);
	str_init(&text);
	place_print(&place, &text);
	str_add(out, metric_table[m->kind]->site == SITE_NONE ? " " : "");
	str_add(out, metric_table[m->kind]->site == SITE_NONE ? text.s : strchr(text.s, ' '));
	str_done(&text);
}

static bool write_spec(struct metric *m, const struct model *model, const struct parsed_metric *p, const char *of, struct err *err)
{
	bool inner = !metric_of_output(m), fits;
	struct str s;

	str_init(&s);
	str_add(&s, metric_table[m->kind]->word);
	for (int i = 0; i < metric_targets(m->kind); i++)
		write_target(model, m->target[i], &s);
	if (p->file)
		write_file(p->file, &s);
	if (inner)
		write_place(m, p->has_position, &s);
	else if (p->has_position)
		str_addf(&s, " @%d", m->position);
	if (of)
		str_addf(&s, " of %s", of);
	fits = s.n < sizeof m->spec;
	snprintf(m->spec, sizeof m->spec, "%s", s.s);
	str_done(&s);
	return fits || err_set(err, ERR_ARGUMENT, "metric: \"%.60s…\" is longer than a metric may be", m->spec);
}

/* ---- resolving ---- */

static bool read_direction(const struct parsed_metric *p, const struct run *run, struct metric *m, struct err *err)
{
	struct arena *arena = arena_new();
	size_t n, D = (size_t)run->model->config.D;
	float *x = vector_read(run->assets, p->file, m->place.layer, arena, &n, err);
	struct asset_file file;
	bool ok = x &&
		  (n == D || err_set(err, ERR_ARGUMENT, "metric: the vector in %s has %zu numbers, expected %zu", p->file, n, D));

	if (ok && !basis_normalise(x, n))
		ok = err_set(err, ERR_ARGUMENT, "metric: the vector in %s has no direction", p->file);
	if (ok) {
		asset_find(p->file, NULL, &file);
		m->vector = metric_vector_new(m->position, 1, D);
		m->vector->version = file.version;
		memcpy(m->vector->row, x, D * sizeof *x);
	}
	arena_free(arena);
	return ok;
}

/* A run of the stream alone has no queries and no neurons. */
static bool has_site(const struct metric *m, const struct run *r, struct err *err)
{
	return metric_of_output(m) || run_has(r, metric_site(m)) ||
	       err_set(err, ERR_MEMORY,
		       "metric %s: all of a run over %d tokens would not fit into memory, and its stream alone "
		       "does not say that",
		       m->spec, r->T);
}

static bool resolve(const char *spec, const struct run *run, struct metric *m, struct arena *arena, struct notes *notes,
		    struct err *err)
{
	struct parsed_metric p;
	struct metric of = { .kind = METRIC_NONE };
	bool ok;

	*m = (struct metric){ .kind = METRIC_LOGIT, .target = { -1, -1 } };
	if (!metric_parse(spec, run->T, &p, arena, err) || !metric_parsed_check(&p, &run->model->config, run->T, err))
		return false;
	*m = (struct metric){
		.kind = p.kind, .target = { -1, -1 }, .position = p.has_position ? p.position : run->T - 1, .place = p.place
	};
	m->position += m->position < 0 ? run->T : 0;
	if (!metric_of_output(m) && p.kind != METRIC_PART)
		place_set(&m->place, DIM_POSITION, m->position, m->position);
	for (int i = 0; i < metric_targets(p.kind); i++)
		if (!metric_find_token(run->model, "metric", p.target[i], &m->target[i], notes, err))
			return false;
	if (p.file && !read_direction(&p, run, m, err))
		return false;
	ok = !p.of ||
	     (resolve(p.of, run, &of, arena, notes, err) && has_site(&of, run, err) && reading_freeze_part(m, &of, run, err));
	m->of = of.kind == METRIC_PART ? of.of : of.kind;
	ok = ok && write_spec(m, run->model, &p, p.of ? of.spec : NULL, err);
	metric_done(&of);
	return ok && has_site(m, run, err);
}

bool metric_resolve(const char *spec, const struct run *unedited, struct metric *metric, struct notes *notes, struct err *err)
{
	struct arena *arena;
	bool ok;

	if (!spec || !*spec) {
		const struct parsed_metric p = { .kind = METRIC_LOGIT };

		*metric = (struct metric){ .kind = METRIC_LOGIT,
					   .position = unedited->T - 1,
					   .target = { kernel_best(unedited->last_logits, unedited->model->config.V), -1 } };
		return write_spec(metric, unedited->model, &p, NULL, err);
	}
	arena = arena_new();
	ok = resolve(spec, unedited, metric, arena, notes, err);
	if (!ok)
		metric_done(metric);
	arena_free(arena);
	return ok;
}

struct metric metric_share(const struct metric *m)
{
	if (m->vector)
		atomic_fetch_add(&m->vector->refs, 1);
	return *m;
}

void metric_done(struct metric *m)
{
	struct metric_vector *v = m->vector;

	m->vector = NULL;
	if (!v || atomic_fetch_sub(&v->refs, 1) != 1)
		return;
	free(v->row);
	free(v->scale);
	free(v);
}

/* ---- what it is ---- */

int metric_targets(enum metric_kind kind)
{
	enum metric_takes takes = metric_table[kind]->takes;

	return takes == TAKES_TOKENS ? 2 : takes == TAKES_TOKEN || takes == TAKES_TOKEN_STREAM;
}

const char *metric_unit(const struct metric *m)
{
	return metric_table[m->kind == METRIC_PART ? m->of : m->kind]->unit;
}

unsigned metric_kind_can(enum metric_kind kind)
{
	const struct metric_info *k = metric_table[kind];
	const bool of_output = !k->of_rows;

	return METRICS_ALL | (k->read ? METRICS_LINEAR : 0) | (k->read && k->one_norm ? METRICS_ONE_NORM : 0) |
	       (of_output ? METRICS_OF_OUTPUT : 0) | (of_output && k->takes == TAKES_TOKEN ? METRICS_OF_TOKEN : 0) |
	       (k->own_tokens ? 0 : METRICS_ANY_PROMPT);
}

bool metric_of_output(const struct metric *m)
{
	return !metric_table[m->kind]->of_rows;
}

int metric_layer(const struct metric *m, const struct config *c)
{
	return metric_of_output(m) ? c->L - 1 : m->place.layer;
}

uint64_t metric_version(const struct metric *m)
{
	return m->vector ? m->vector->version : 0;
}

bool metric_equal(const struct metric *a, const struct metric *b)
{
	return a->kind == b->kind && a->target[0] == b->target[0] && a->target[1] == b->target[1] && a->position == b->position &&
	       metric_version(a) == metric_version(b) &&
	       (metric_of_output(a) || (place_equal(&a->place, &b->place) && !strcmp(a->spec, b->spec)));
}

struct metric metric_at(const struct metric *m, int position)
{
	struct metric moved = *m;

	if (m->kind == METRIC_PART) /* what it reads is frozen where it is */
		return moved;
	moved.position = position;
	if (!metric_of_output(m))
		place_set(&moved.place, DIM_POSITION, position, position);
	if (moved.place.key > position && !metric_of_output(m))
		place_set(&moved.place, DIM_KEY, position, position);
	return moved;
}

/* ---- its value ---- */

double metric_of_logits(const struct metric *metric, const float *x, const float *unedited, int V)
{
	return metric_table[metric->kind]->of_logits ? metric_table[metric->kind]->of_logits(metric, x, unedited, V) : NAN;
}

void metric_slope_of_logits(const struct metric *metric, const float *x, const float *unedited, int V, float *d)
{
	metric_table[metric->kind]->slope(metric, x, unedited, V, d);
}

static bool value_of_output(const struct metric *metric, const struct run *run, const struct run *unedited, double *value,
			    struct task *task, struct err *err)
{
	int V = run->model->config.V;
	float *logits;
	bool ok;

	if (metric->kind == METRIC_LOSS) { /* mean over tokens 1 … T-1 */
		ok = run_loss(run, 1, value, task, err);
		*value /= run->T - 1;
		return ok;
	}
	if (metric->position == run->T - 1) {
		*value = metric_of_logits(metric, run->last_logits, unedited->last_logits, V);
		return true;
	}
	logits = xmalloc(2 * (size_t)V * sizeof *logits);
	ok = run_logits(run, metric->position, 1, logits, task, err) &&
	     run_logits(unedited, metric->position, 1, logits + V, task, err);
	if (ok)
		*value = metric_of_logits(metric, logits, logits + V, V);
	free(logits);
	return ok;
}

bool metric_value(const struct metric *metric, const struct run *run, const struct run *unedited, double *value, struct task *task,
		  struct err *err)
{
	if (metric_of_output(metric))
		return value_of_output(metric, run, unedited, value, task, err);
	if (metric->position >= run->T)
		return err_set(err, ERR_ARGUMENT, "metric %s: a prompt of %d tokens has no position %d", metric->spec, run->T,
			       metric->position);
	if (!has_site(metric, run, err))
		return false;
	*value = metric_of_run(metric, run);
	return true;
}
