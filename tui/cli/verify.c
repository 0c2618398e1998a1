/*
 * verify.c - `lmscope verify`: a model's sites and logits against values from elsewhere.
 *
 * The reference is what tests/reference/make_reference.py writes: expected.json with the ids of a prompt, and beside it
 * expected.safetensors with "logits" [T, V], "ln_final" [T, D] and "blocks.L.SITE" [T, width] ([H, T, T] for the pattern).
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/model/files/weights.h"
#include "engine/model/model.h"
#include "engine/model/tokenizer/tokenizer.h"
#include "engine/run/run.h"
#include "tui/cli/command.h"
#include "tui/cli/say.h"

static const double tolerance = 1e-4; /* of a site's scale: its largest absolute value */

struct reference {
	struct json *about;
	struct weights *sites;
	int32_t *ids; /* [n] */
	int n;
};

static void reference_done(struct reference *r)
{
	json_free(r->about);
	weights_free(r->sites);
	free(r->ids);
}

static bool read_ids(struct reference *r, const char *path, struct err *err)
{
	const struct json_value *ids = json_get(json_root(r->about), "ids");

	r->n = (int)json_count(ids);
	r->ids = xcalloc((size_t)r->n, sizeof *r->ids);
	for (int i = 0; i < r->n; i++) {
		int64_t id;

		if (!json_int(json_at(ids, (size_t)i), &id) || id < 0 || id > INT32_MAX)
			return err_set(err, ERR_FILE, "%s: number %d of \"ids\" is not a token", path, i);
		r->ids[i] = (int32_t)id;
	}
	return r->n > 0 || err_set(err, ERR_FILE, "%s: \"ids\" should list the prompt's tokens", path);
}

/* `path` is the expected.json, or the folder in which it lies. */
static bool reference_open(const char *path, struct reference *r, struct err *err)
{
	const char *slash = strrchr(path, '/');
	char *folder = file_is_folder(path) ? xstrdup(path) : slash ? xstrdup(path) : xstrdup("."), *about, *sites;
	bool ok;

	if (!file_is_folder(path) && slash)
		folder[slash - path + 1] = '\0';
	about = file_is_folder(path) ? file_join(path, "expected.json") : xstrdup(path);
	sites = file_join(folder, "expected.safetensors");
	*r = (struct reference){ .about = json_open(about, 0, err) };
	ok = r->about && (r->sites = weights_open(sites, err)) && read_ids(r, about, err);
	free(folder);
	free(about);
	free(sites);
	if (!ok)
		reference_done(r);
	return ok;
}

/* Our values of a reference's tensor, in its order; 0: lmscope has no such site. */
static size_t collect(const struct run *r, const char *name, float *out, size_t room, struct err *err)
{
	const struct config *c = &r->model->config;
	size_t D = (size_t)c->D, T = (size_t)r->T, at = 0;
	int layer, behind = 0;
	enum site site;

	if (!strcmp(name, "logits"))
		return T * (size_t)c->V == room && run_logits(r, 0, r->T, out, NULL, err) ? room : 0;
	if (!strcmp(name, "ln_final") && T * D == room) {
		for (int t = 0; t < r->T; t++)
			run_ln_final(r, t, out + (size_t)t * D);
		return room;
	}
	if (sscanf(name, "blocks.%d.%n", &layer, &behind) != 1 || !behind || layer < 0 || layer >= c->L)
		return 0;
	site = site_find(name + behind);
	if (site == SITE_PATTERN && (size_t)c->H * T * T == room) {
		for (int h = 0; h < c->H; h++)
			for (int t = 0; t < r->T; t++, at += T)
				memcpy(out + at, run_pattern(r, layer, h, t), T * sizeof *out);
	} else if (site != SITE_NONE && site != SITE_PATTERN && site_table[site].stored && run_has(r, site)) {
		size_t width = run_width(c, site);

		for (int t = 0; width * T == room && t < r->T; t++, at += width)
			memcpy(out + at, run_at(r, site, layer, t), width * sizeof *out);
	}
	return at;
}

struct tensor_gap {
	const struct tensor *tensor;
	int layer; /* -1: not of a layer */
	const char *site;
	double gap, scale; /* max |difference|, max |reference| */
};

static bool compare(const struct run *run, const struct tensor *t, struct tensor_gap *c, struct err *err)
{
	size_t n = tensor_count(t);
	float *want = malloc(n * sizeof *want), *got = malloc(n * sizeof *got);
	bool known = want && got && collect(run, t->name, got, n, err) == n && n;
	const char *dot = strrchr(t->name, '.');

	*c = (struct tensor_gap){ .tensor = t, .layer = -1, .site = dot ? dot + 1 : t->name };
	if (known) {
		sscanf(t->name, "blocks.%d.", &c->layer);
		tensor_expand(t, want);
		for (size_t i = 0; i < n; i++) {
			double gap = fabs((double)got[i] - (double)want[i]);

			c->scale = fmax(c->scale, fabs((double)want[i]));
			c->gap = gap > c->gap || isnan(gap) ? (isnan(gap) ? INFINITY : gap) : c->gap;
		}
	}
	free(want);
	free(got);
	return known;
}

static int by_layer(const void *a, const void *b)
{
	const struct tensor_gap *x = a, *y = b;
	int lx = x->layer < 0 ? INT32_MAX : x->layer, ly = y->layer < 0 ? INT32_MAX : y->layer;

	return lx != ly ? (lx > ly) - (lx < ly) : (int)site_find(x->site) - (int)site_find(y->site);
}

static void add_row(const struct tensor_gap *c, bool json, struct str *out)
{
	double relative = c->scale > 0 ? c->gap / c->scale : c->gap;
	char layer[16] = "";

	if (c->layer >= 0)
		snprintf(layer, sizeof layer, "%d", c->layer);
	if (json)
		str_addf(out, "{\"site\":\"%s\",\"layer\":%s,\"max_difference\":%.9g,\"scale\":%.9g,\"relative\":%.9g,\"ok\":%s}\n",
			 c->site, c->layer >= 0 ? layer : "null", c->gap, c->scale, relative,
			 relative <= tolerance ? "true" : "false");
	else
		str_addf(out, "%5s  %-11s %12.3g %12.3g %12.3g%s\n", layer, c->site, c->gap, c->scale, relative,
			 relative <= tolerance ? "" : "  differs");
}

static bool report(const struct run *run, const struct reference *r, bool json, struct err *err)
{
	size_t n = weights_tensors(r->sites);
	struct tensor_gap *c = xcalloc(n, sizeof *c);
	int known = 0, wrong = 0;
	struct str out;

	str_init(&out);
	for (size_t i = 0; i < n; i++)
		known += compare(run, weights_tensor(r->sites, i), &c[known], err);
	qsort(c, (size_t)known, sizeof *c, by_layer);
	if (!json)
		str_addf(&out, "%5s  %-11s %12s %12s %12s\n", "layer", "site", "max |diff|", "scale", "relative");
	for (int i = 0; i < known; i++) {
		add_row(&c[i], json, &out);
		wrong += !(c[i].gap <= tolerance * c[i].scale) && c[i].gap > 0;
	}
	(json ? say_json : say_text)(&out);
	str_done(&out);
	free(c);
	if (!known)
		return err_set(err, ERR_ARGUMENT,
			       "verify: the reference has nothing that this model could be compared with; is it "
			       "of this model?");
	return !wrong ||
	       err_set(err, ERR_ARGUMENT, "verify: %d of %d differ by more than %g of their scale", wrong, known, tolerance);
}

/* The reference's text through our tokenizer: other ids would make every other difference meaningless. */
static void check_tokens(const struct model *m, const struct reference *r)
{
	const char *text = json_text(json_get(json_root(r->about), "text"));
	struct err err = { 0 };
	int32_t *ids;
	size_t n;

	if (!text || !m->tokenizer || !tokenizer_encode(m->tokenizer, text, strlen(text), BOS_DEFAULT, &ids, &n, &err))
		return;
	if (n != (size_t)r->n || memcmp(ids, r->ids, n * sizeof *ids))
		say_sentence("verify: the reference's tokens are not those that lmscope makes of its text (see `lmscope tokens`); "
			     "its own are used");
	free(ids);
}

bool command_verify(struct options *o, struct err *err)
{
	struct reference r;
	struct model *m;
	struct run *run = NULL;
	bool ok;

	if (o->words != 2)
		return err_set(err, ERR_USAGE, "verify: expected a model and a reference (expected.json, or its folder)");
	if (!reference_open(o->word[1], &r, err))
		return false;
	m = model_open_for_ids(o->word[0], NULL, &o->notes, err);
	command_say_notes(&o->notes);
	if (m) {
		struct run_order order = { .model = m, .tokens = r.ids, .T = r.n };

		check_tokens(m, &r);
		run = run_new(&order, NULL, err);
	}
	ok = run && report(run, &r, o->json, err);
	run_unref(run);
	model_free(m);
	reference_done(&r);
	return ok;
}
