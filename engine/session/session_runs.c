/* session_runs.c - a run by its tokens and edits, from the cache or made now; see session_parts.h. */
#include "engine/session/session_parts.h"

#include <stdlib.h>

#include "engine/base/clock.h"

static const char stream_key[] = "|stream"; /* at the end of the key of a run whose stream alone is kept */

/* A file that an edit reads may be another one by now under its old name. */
static void add_version(struct str *key, const char *line)
{
	struct arena *scratch = arena_new();
	struct asset_file file;
	struct edit edit;
	struct err err;

	if (edit_parse(line, &edit, scratch, &err) && edit.file) {
		asset_find(edit.file, NULL, &file);
		str_addf(key, "#%llx", (unsigned long long)file.version);
	}
	arena_free(scratch);
}

void session_key_edits(struct str *key, const struct job *job)
{
	for (int e = 0; e < job->edits; e++)
		if (job->edit[e].on) {
			str_addf(key, "|%s", job->edit[e].line);
			add_version(key, job->edit[e].line);
		}
}

static void run_key(struct str *key, const int32_t *tokens, size_t n, const struct job *job, const int32_t *foil, size_t foil_n)
{
	str_add_n(key, (const char *)tokens, n * sizeof *tokens);
	if (job)
		session_key_edits(key, job);
	if (job && foil)
		str_add_n(key, (const char *)foil, foil_n * sizeof *foil);
}

bool session_has_room(struct session *s, const struct wanted *w, int T, enum run_stores keeps, struct err *err)
{
	const struct run *in_use[] = { s->now.unedited, s->now.run, s->now.foil, w ? w->unedited : NULL, w ? w->foil : NULL };
	struct err why = { 0 };

	if (run_fits(s->model, T, keeps, &why))
		return true;
	cache_evict(s->cache, in_use, sizeof in_use / sizeof *in_use);
	return run_fits(s->model, T, keeps, err);
}

/* All of the run if that fits, its stream if only that does. An edited run continues the unedited one, and keeps as much. */
static bool choose_keeps(struct session *s, const struct wanted *w, enum run_stores *keeps, struct err *err)
{
	const int T = (int)w->n;
	struct err why = { 0 };

	*keeps = w->unedited && w->unedited->keeps == RUN_STREAM ? RUN_STREAM
		 : session_has_room(s, w, T, RUN_ALL, &why)	 ? RUN_ALL
								 : RUN_STREAM;
	return *keeps == RUN_ALL || session_has_room(s, w, T, RUN_STREAM, err);
}

/*
 * The run that is kept under this key; of a long prompt its stream, unless all of it would fit by now. Looked for before room is
 * made: it may be what would have to go.
 */
static struct run *find_run(struct session *s, struct str *key, int T, unsigned *id)
{
	struct err why = { 0 };
	struct run *r = cache_find_run(s->cache, key, id);
	const size_t n = key->n;

	if (r || run_fits(s->model, T, RUN_ALL, &why))
		return r;
	str_add(key, stream_key);
	r = cache_find_run(s->cache, key, id);
	key->n = n;
	return r;
}

int session_edit_lines(const struct job *job, const char **line)
{
	int n = 0;

	for (int e = 0; job && e < job->edits; e++)
		if (job->edit[e].on)
			line[n++] = job->edit[e].line;
	return n;
}

/* What a whole run takes is what later ones are reckoned by. One that begins in the middle of another says nothing about it. */
static struct run *measured_run(struct session *s, const struct run_order *order, struct task *task, struct err *err)
{
	double start = clock_now();
	struct run *r = run_new(order, task, err);

	if (r && !order->prefix && !order->edit_count)
		s->token_ms = (clock_now() - start) / r->T;
	return r;
}

struct run *session_get_run(struct session *s, const struct wanted *w, unsigned *id, struct task *task, struct err *err)
{
	struct str key;
	struct run *r;
	const char **line = w->job ? xcalloc((size_t)w->job->edits, sizeof *line) : NULL;
	struct run_order order = { .model = s->model,
				   .tokens = w->tokens,
				   .T = (int)w->n,
				   .edits = line,
				   .unedited = w->unedited,
				   .foil = w->foil,
				   .assets = s->assets };
	bool ok;

	str_init(&key);
	order.edit_count = session_edit_lines(w->job, line);
	run_key(&key, w->tokens, w->n, w->job, w->foil ? w->foil->tokens : NULL, w->foil ? (size_t)w->foil->T : 0);
	r = find_run(s, &key, (int)w->n, id);
	ok = r || choose_keeps(s, w, &order.keeps, err);
	if (!r && ok && order.keeps == RUN_STREAM) {
		str_add(&key, stream_key);
		r = cache_find_run(s->cache, &key, id);
	}
	if (!r && ok) {
		if (!w->job) /* a changed token costs only what is after it */
			order.prefix = cache_longest_prefix(s->cache, w->tokens, w->n);
		if (s->running && !w->passing)
			s->running(s->show_context, w->name);
		if ((r = measured_run(s, &order, task, err)) && !w->passing)
			*id = cache_add_run(s->cache, &key, r);
	}
	str_done(&key);
	free(line);
	return r;
}
