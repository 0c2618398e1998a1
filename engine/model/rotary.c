/* rotary.c - see rotary.h. The scalings are those of transformers' modeling_rope_utils.py. */
#include "engine/model/rotary.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engine/model/family.h"

/* ---- frequencies ---- */

/* frequency[i] = base^(-2i / width): Su et al. 2021. */
static void from_base(float *f, const struct rotary *r, float base)
{
	for (int i = 0; i < r->pairs; i++)
		f[i] = 1.0f / powf(base, (float)(2 * i) / (float)r->width);
}

const float *rotary_frequencies(const struct rotary *r, int T, float *room)
{
	double ratio;

	if (!r->first_length || T <= r->first_length)
		return r->frequency;
	if (r->beyond)
		return r->beyond;
	ratio = (double)r->growth * T / r->first_length - ((double)r->growth - 1);
	from_base(room, r, (float)((double)r->base * pow(ratio, (double)r->width / (r->width - 2))));
	return room;
}

bool rotary_alike(const struct rotary *r, int T, int other)
{
	bool beyond = T > r->first_length, other_beyond = other > r->first_length;

	return !r->first_length || T == other || (beyond == other_beyond && (!beyond || r->beyond));
}

static void divide_by(struct rotary *r, double factor)
{
	for (int i = 0; i < r->pairs; i++)
		r->frequency[i] /= (float)factor;
}

/* Llama 3.1: long wavelengths are slowed by `factor`, short ones kept, those between blended. */
static void blend_by_wavelength(struct rotary *r, double factor, double low, double high, double old)
{
	float *f = r->frequency;

	for (int i = 0; i < r->pairs; i++) {
		double wavelength = 2 * M_PI / (double)f[i];

		if (wavelength > old / low) {
			f[i] = (float)((double)f[i] / factor);
		} else if (wavelength >= old / high) {
			double smooth = (old / wavelength - low) / (high - low);

			f[i] = (float)((1 - smooth) * (double)f[i] / factor + smooth * (double)f[i]);
		}
	}
}

/*
 * YaRN (Peng et al. 2023): pairs that turn more than `fast` times within the old length keep their frequency, those that turn
 * less than `slow` times are slowed by `factor`, and there is a ramp between.
 */
struct yarn {
	double factor, old, fast, slow;
	bool whole; /* the ramp begins and ends at whole pairs */
};

/* The pair, as a real number, that turns `turns` times. */
static double pair_of(const struct rotary *r, const struct yarn *y, double turns)
{
	return r->width * log(y->old / (turns * 2 * M_PI)) / (2 * log((double)r->base));
}

static void ramp(struct rotary *r, const struct yarn *y)
{
	double low = pair_of(r, y, y->fast), high = pair_of(r, y, y->slow);

	low = fmax(y->whole ? floor(low) : low, 0);
	high = fmin(y->whole ? ceil(high) : high, r->width - 1);
	if (low == high)
		high += 0.001;
	for (int i = 0; i < r->pairs; i++) {
		double slowed = fmin(fmax((i - low) / (high - low), 0), 1), f = (double)r->frequency[i];

		r->frequency[i] = (float)(f / y->factor * slowed + f * (1 - slowed));
	}
}

/* What YaRN multiplies cosine and sine by: attention is sharper over a longer text. */
static double yarn_scale(double factor, double by)
{
	return factor <= 1 ? 1 : 0.1 * by * log(factor) + 1;
}

/*
 * The second table of frequencies, for prompts beyond the length that the model was first trained for. Both tables' cosines and
 * sines are multiplied by a factor that grows with the ratio of the two lengths.
 */
static bool begin_beyond(struct rotary *r, double old, double ratio, double factor, struct arena *arena, struct err *err)
{
	r->first_length = (int)old;
	if (!(r->beyond = arena_floats(arena, (size_t)r->pairs, err)))
		return false;
	memcpy(r->beyond, r->frequency, (size_t)r->pairs * sizeof(float));
	if (factor <= 0)
		factor = ratio <= 1 ? 1 : sqrt(1 + log(ratio) / log(old));
	r->factor = (float)factor;
	return true;
}

/* ---- config.json ---- */

struct rotary_source {
	const struct settings *s;
	const struct json_value *v; /* the object with the scaling's numbers */
	const struct config *c;
	int first_context; /* of the family */
};

static bool number(const struct rotary_source *o, const char *key, double *out)
{
	return json_double(json_get(o->v, key), out);
}

static bool sensible(double length)
{
	return length >= 1 && length <= 1 << 24;
}

/* The length that the model was first trained for: of the whole model, of its family, of this scaling, or the same as now. */
static double old_length(const struct rotary_source *o)
{
	double old = o->c->context;

	number(o, "original_max_position_embeddings", &old);
	if (o->first_context)
		old = o->first_context;
	json_double(setting_json(o->s, "original_max_position_embeddings"), &old);
	return sensible(old) ? old : 0;
}

static bool scale_linear(const struct rotary_source *o, struct rotary *r, struct arena *arena, struct err *err)
{
	double factor;

	(void)arena, (void)err;
	if (!number(o, "factor", &factor) || factor <= 0)
		return false;
	divide_by(r, factor);
	return true;
}

static bool scale_dynamic(const struct rotary_source *o, struct rotary *r, struct arena *arena, struct err *err)
{
	double factor;

	(void)arena, (void)err;
	if (!number(o, "factor", &factor) || factor <= 0 || r->width <= 2)
		return false;
	r->first_length = o->c->context;
	r->growth = (float)factor;
	return true;
}

static bool scale_llama3(const struct rotary_source *o, struct rotary *r, struct arena *arena, struct err *err)
{
	double factor, low, high, old = old_length(o);

	(void)arena, (void)err;
	if (!number(o, "factor", &factor) || !number(o, "low_freq_factor", &low) || !number(o, "high_freq_factor", &high) ||
	    factor <= 0 || high <= low || old == 0)
		return false;
	blend_by_wavelength(r, factor, low, high, old);
	return true;
}

static bool scale_yarn(const struct rotary_source *o, struct rotary *r, struct arena *arena, struct err *err)
{
	struct yarn y = { .old = old_length(o), .fast = 32, .slow = 1, .whole = true };
	double by = 0, by_all = 0, attention;

	(void)arena, (void)err;
	y.factor = o->c->context / fmax(y.old, 1);
	number(o, "factor", &y.factor);
	number(o, "beta_fast", &y.fast);
	number(o, "beta_slow", &y.slow);
	number(o, "mscale", &by);
	number(o, "mscale_all_dim", &by_all);
	json_bool(json_get(o->v, "truncate"), &y.whole);
	if (r->width % 2 || y.old == 0 || !(y.factor > 0) || !(y.fast > 0) || !(y.slow > 0) || r->base == 1)
		return false;
	if (!number(o, "attention_factor", &attention))
		attention =
			by != 0 && by_all != 0 ? yarn_scale(y.factor, by) / yarn_scale(y.factor, by_all) : yarn_scale(y.factor, 1);
	r->factor = (float)attention;
	ramp(r, &y);
	return true;
}

/* Divides the frequencies by a list of numbers. */
static bool divide_by_list(const struct json_value *list, float *f, int pairs)
{
	for (int i = 0; i < pairs; i++) {
		double by;

		if (!json_double(json_at(list, (size_t)i), &by) || by == 0)
			return false;
		f[i] = (float)((double)f[i] / by);
	}
	return json_count(list) == (size_t)pairs;
}

static bool scale_long(const struct rotary_source *o, struct rotary *r, struct arena *arena, struct err *err)
{
	double old = old_length(o), ratio = o->c->context / fmax(old, 1), attention = 0;

	number(o, "factor", &ratio);
	number(o, "attention_factor", &attention);
	return old > 0 && begin_beyond(r, old, ratio, attention, arena, err) &&
	       divide_by_list(json_get(o->v, "short_factor"), r->frequency, r->pairs) &&
	       divide_by_list(json_get(o->v, "long_factor"), r->beyond, r->pairs);
}

static const struct {
	const char *type;
	bool (*scale)(const struct rotary_source *o, struct rotary *r, struct arena *arena, struct err *err);
} scalings[] = {
	{ "linear", scale_linear }, { "dynamic", scale_dynamic }, { "llama3", scale_llama3 },
	{ "yarn", scale_yarn },	    { "longrope", scale_long },	  { "su", scale_long },
};

static bool scale_from_json(const struct rotary_source *o, struct rotary *r, struct arena *arena, struct err *err)
{
	const char *type = json_text(json_get(o->v, "rope_type"));

	if (!type)
		type = json_text(json_get(o->v, "type"));
	if (!type || !strcmp(type, "default"))
		return true;
	for (size_t i = 0; i < sizeof scalings / sizeof *scalings; i++)
		if (!strcmp(scalings[i].type, type) &&
		    (o->first_context && !strcmp(type, "yarn") ? scale_long : scalings[i].scale)(o, r, arena, err))
			return true; /* Phi-3's "yarn" is its own long form under an older name */
	return err_set(err, ERR_FILE,
		       "%s/config.json: the rotary scaling \"%.40s\" is not supported, or lacks a number; lmscope "
		       "knows linear, dynamic, llama3, yarn and longrope",
		       o->s->from->path, type);
}

/* The scaling of all layers; where layers with a window turn differently, of the others. */
static const struct json_value *scaling_of(const struct settings *s, const struct family *f)
{
	const struct json_value *v = setting_json(s, "rope_scaling");

	if (json_is(v, JSON_OBJECT))
		return v;
	v = setting_json(s, "rope_parameters");
	return f->rotary_local ? json_get(v, "full_attention") : v;
}

/* ---- GGUF ---- */

static bool gguf_number(const struct settings *s, const char *word, double *out)
{
	char key[160];

	snprintf(key, sizeof key, "%s.rope.%s", s->arch, word);
	return gguf_double(s->from->gguf, key, out);
}

/* A tensor with a divisor for each frequency. false: it is there and has another length. */
static bool divide_by_tensor(const struct settings *s, const char *name, float *f, int pairs, struct arena *arena, struct err *err)
{
	const struct tensor *t = gguf_find(s->from->gguf, name);
	float *by = t ? arena_floats(arena, (size_t)pairs, err) : NULL;

	if (!t)
		return true;
	if (!by)
		return false;
	if (tensor_count(t) != (size_t)pairs)
		return err_set(err, ERR_FILE, "%s: %s has %zu numbers, expected %d", s->from->path, name, tensor_count(t), pairs);
	tensor_expand(t, by);
	for (int i = 0; i < pairs; i++)
		f[i] /= by[i];
	return true;
}

/* llama.cpp's YaRN: the same ramp, and a factor of the file on top of YaRN's own. */
static bool scale_yarn_gguf(const struct settings *s, const struct config *c, struct rotary *r, double factor, struct err *err)
{
	struct yarn y = { .factor = factor, .old = c->context, .fast = 32, .slow = 1, .whole = true };
	double attention = 1, by_all = 0;

	gguf_number(s, "scaling.original_context_length", &y.old);
	gguf_number(s, "scaling.yarn_beta_fast", &y.fast);
	gguf_number(s, "scaling.yarn_beta_slow", &y.slow);
	if (!gguf_number(s, "scaling.yarn_attn_factor", &attention))
		gguf_number(s, "scaling.attn_factor", &attention);
	if (!sensible(y.old) || !(y.fast > 0) || !(y.slow > 0) || r->base == 1)
		return err_set(err, ERR_FILE, "%s: the numbers of %s.rope.scaling make no sense", s->from->path, s->arch);
	gguf_number(s, "scaling.yarn_log_multiplier", &by_all);
	r->factor = (float)(attention * yarn_scale(factor, 1) / (by_all != 0 ? yarn_scale(factor, by_all) : 1));
	ramp(r, &y);
	return true;
}

static bool scale_from_gguf(const struct settings *s, struct config *c, struct arena *arena, struct err *err)
{
	const struct gguf *g = s->from->gguf;
	struct rotary *r = &c->rotary;
	char key[160];
	const char *type;
	size_t n;
	double factor = 0, old = 0;
	bool yarn = false;

	snprintf(key, sizeof key, "%s.rope.scaling.type", s->arch);
	if (gguf_string(g, key, &type, &n) && !(n == 4 && !memcmp(type, "none", 4)) && !(n == 8 && !memcmp(type, "longrope", 8))) {
		yarn = n == 4 && !memcmp(type, "yarn", 4);
		if (!yarn && !(n == 6 && !memcmp(type, "linear", 6)))
			return err_set(err, ERR_FILE,
				       "%s: the rotary scaling \"%.*s\" is not supported; lmscope knows linear, yarn and longrope",
				       s->from->path, (int)(n < 40 ? n : 40), type);
		if (!gguf_number(s, "scaling.factor", &factor) || !(factor > 0))
			return err_set(err, ERR_FILE, "%s: %s.rope.scaling.factor is not a positive number", s->from->path,
				       s->arch);
	} else {
		gguf_number(s, "scale_linear", &factor);
	}
	if (yarn && !scale_yarn_gguf(s, c, r, factor, err))
		return false;
	if (!yarn && factor > 0)
		divide_by(r, factor);
	if (gguf_find(g, "rope_factors_short.weight") && gguf_number(s, "scaling.original_context_length", &old) && sensible(old)) {
		factor = 0;
		gguf_number(s, "scaling.attn_factor", &factor);
		return begin_beyond(r, old, c->context / old, factor, arena, err) &&
		       divide_by_tensor(s, "rope_factors_short.weight", r->frequency, r->pairs, arena, err) &&
		       divide_by_tensor(s, "rope_factors_long.weight", r->beyond, r->pairs, arena, err);
	}
	return divide_by_tensor(s, "rope_freqs.weight", r->frequency, r->pairs, arena, err);
}

/* ---- both ---- */

static bool begin(struct rotary *r, int width, bool interleaved, float base, struct arena *arena, struct err *err)
{
	*r = (struct rotary){ .pairs = (width + 1) / 2, .width = width, .interleaved = interleaved, .factor = 1, .base = base };
	if (!(r->frequency = arena_floats(arena, (size_t)r->pairs, err)))
		return false;
	from_base(r->frequency, r, base);
	return true;
}

/* Gemma 3, OLMo 3: layers with a window have a base, and may have a scaling, of their own. */
bool rotary_read_local(const struct settings *s, float usual, struct config *c, struct arena *arena, struct err *err)
{
	const struct json_value *nested = json_get(setting_json(s, "rope_parameters"), "sliding_attention");
	struct rotary_source o = { s, nested, c, 0 };
	double base = (double)usual;

	if (!s->json)
		gguf_number(s, "freq_base_swa", &base);
	else if (!number(&o, "rope_theta", &base))
		json_double(setting_json(s, "rope_local_base_freq"), &base);
	if (!(base > 0))
		return err_set(err, ERR_FILE, "%s: a rotary base of the local layers that is not above 0 is not supported",
			       s->from->path);
	return begin(&c->rotary_local, c->rotary.width, c->rotary.interleaved, (float)base, arena, err) &&
	       scale_from_json(&o, &c->rotary_local, arena, err);
}

bool rotary_read(const struct settings *s, const struct family *f, struct config *c, struct arena *arena, struct err *err)
{
	float base = f->rope_base > 0 ? f->rope_base : 10000, share = s->json && f->rotary_share > 0 ? f->rotary_share : 1;
	struct rotary_source o = { s, scaling_of(s, f), c, f->first_context };
	int width;

	if (!setting_float(s, SETTING_ROPE_BASE, &base, err) || !setting_float(s, SETTING_ROTARY_SHARE, &share, err))
		return false;
	width = (int)((float)c->K * share);
	if (!setting_int(s, SETTING_ROTARY_WIDTH, 2, c->K, &width, err))
		return false;
	if (base <= 0 || width < 2 || width + width % 2 > c->K)
		return setting_refuse(s, SETTING_ROPE_BASE, err,
				      ": rotary positions over %d of %d channels with base %g make no sense", width, c->K,
				      (double)base);
	return begin(&c->rotary, width, f->interleaved, base, arena, err) &&
	       (s->json ? scale_from_json(&o, &c->rotary, arena, err) : scale_from_gguf(s, c, arena, err)) &&
	       (!f->rotary_local || rotary_read_local(s, f->rope_base_local > 0 ? f->rope_base_local : 10000, c, arena, err));
}
