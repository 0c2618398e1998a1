/*
 * direction.c - `lmscope direction`: a direction of the stream from two files of prompts, or from two tokens, written where an edit
 * (resid_post L add FILE STRENGTH) or llama.cpp (--control-vector) reads it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/run/direction.h"
#include "engine/run/vector_file.h"
#include "engine/session/session.h"
#include "tui/cli/command.h"
#include "tui/cli/say.h"

static void print_directions(const struct directions *d, int from, int to, bool pca, bool json)
{
	struct str out;

	str_init(&out);
	if (pca)
		str_add(&out, json ? "{\"method\":\"pca, uncentred\","
				   : "first principal direction of the pairs' differences, uncentred\n");
	str_add(&out, json ? pca ? "\"layers\":[" : "{\"layers\":[" : d->auc ? "layer   length      AUC\n" : "layer   length\n");
	for (int l = from; l <= to; l++) {
		if (json) {
			str_addf(&out, "%s{\"layer\":%d,\"length\":%.9g", l > from ? "," : "", l, d->norm[l]);
			if (d->auc)
				str_addf(&out, ",\"auc\":%.9g", d->auc[l]);
			str_add(&out, "}");
		} else if (d->auc) {
			str_addf(&out, "%5d %8.3f %8.3f\n", l, d->norm[l], d->auc[l]);
		} else {
			str_addf(&out, "%5d %8.3f\n", l, d->norm[l]);
		}
	}
	str_add(&out, json ? "]}\n" : "");
	(json ? say_json : say_text)(&out);
	str_done(&out);
}

/* The two tokens of -m 'logit_diff " a" " b"'. */
static bool from_metric(struct options *o, const struct model *m, struct directions *out, struct arena *arena, struct err *err)
{
	const char *spec = o->preset.job.metric;
	struct run_order order = { .model = m, .tokens = (const int32_t[]){ 0 }, .T = 1 };
	struct metric metric;
	struct run *r;
	bool ok;

	if (strncmp(spec, "logit_diff", strlen("logit_diff")))
		return err_set(err, ERR_USAGE, "direction: -m should be a logit_diff of two tokens");
	r = run_new(&order, NULL, err); /* what a metric is resolved against */
	ok = r && metric_resolve(spec, r, &metric, &o->notes, err) &&
	     directions_of_tokens(m, metric.target[0], metric.target[1], out, arena, err);
	run_unref(r);
	return ok;
}

static bool from_files(const struct options *o, const struct model *m, struct directions *out, struct arena *arena, struct err *err)
{
	struct prompt_set with, without;

	return prompt_set_read(o->with, m, o->preset.job.bos, &with, arena, err) &&
	       prompt_set_read(o->without, m, o->preset.job.bos, &without, arena, err) &&
	       directions_of_prompts(m, &with, &without, o->pca, out, arena, NULL, err);
}

bool command_direction(struct options *o, struct err *err)
{
	struct arena *arena;
	struct directions d;
	struct model *m;
	int from, to;
	bool ok;

	if (o->words > 1)
		return err_set(err, ERR_USAGE, "direction: unexpected argument \"%s\"", o->word[1]);
	if (!o->preset.job.metric == !o->with || !o->with != !o->without)
		return err_set(err, ERR_USAGE,
			       "direction: expected --with FILE and --without FILE, or -m 'logit_diff \" a\" \" "
			       "b\"'");
	if (!(m = model_open(o->words ? o->word[0] : "demo", NULL, &o->notes, err)))
		return false;
	arena = arena_new();
	from = o->layer < 0 ? 0 : o->layer;
	to = o->layer < 0 ? m->config.L - 1 : o->layer;
	ok = to < m->config.L ||
	     err_set(err, ERR_ARGUMENT, "there is no layer %d; the model has layers 0 … %d", o->layer, m->config.L - 1);
	ok = ok && (o->with ? from_files(o, m, &d, arena, err) : from_metric(o, m, &d, arena, err));
	command_say_notes(&o->notes);
	if (ok && o->output)
		ok = vector_write(o->output, m, d.vector, from, to, err);
	if (ok)
		print_directions(&d, from, to, o->pca, o->json);
	arena_free(arena);
	model_free(m);
	return ok;
}
