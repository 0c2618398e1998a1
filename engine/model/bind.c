/* bind.c - see bind.h. */
#include "engine/model/bind.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/text.h"
#include "engine/model/unused_tensors.h"

enum { NAME = 128 };

struct binder {
	const struct checkpoint *from;
	const struct family *family;
	struct model *m;
	const struct config *c;
	struct bind_plan *plan;
	const struct tensor *table; /* of embeddings, as the file has it */
	struct str missing;	    /* names, with a comma between */
	int missing_count;
	char first_missing[NAME];
	struct str bare; /* names of biases that the settings have and the file has not */
	char last_bare[NAME];
};

/* A part of a layer: itself, or an expert of it. */
struct bind_part {
	int layer, expert; /* -1: none */
};

/*
 * The pattern has %d where the number of the layer goes, and perhaps %e for that of an expert. A name that would be too long is
 * cut: it then names nothing.
 */
static void fill_in(const char *pattern, struct bind_part part, const char *suffix, char name[NAME])
{
	struct str s;

	str_init(&s);
	for (const char *p = pattern; *p; p++)
		if (!strncmp(p, "%d", 2) || !strncmp(p, "%e", 2))
			str_addf(&s, "%d", *++p == 'd' ? part.layer : part.expert);
		else
			str_add_char(&s, *p);
	str_add(&s, suffix);
	memset(name, 0, NAME);
	memcpy(name, s.s, s.n < NAME ? s.n : NAME - 1);
	str_done(&s);
}

/*
 * Folders name tensors with or without the outer modules: "transformer.h…", "h…"; "model.layers…",
 * "language_model.model.layers…", "model.text_model.layers…".
 */
static const struct tensor *find_spelling(const struct binder *b, const char *name)
{
	static const char *const outer[] = { "model.language_model.", "model.text_model.", "language_model.", "text_model." };
	const struct tensor *t = checkpoint_find(b->from, name);
	const char *inner = strchr(name, '.');
	char longer[NAME + 32];

	if (t || b->from->gguf)
		return t;
	/* what follows the first dot is a tensor's name of its own, unless that is just "weight" */
	if (inner && strchr(inner + 1, '.') && (t = checkpoint_find(b->from, inner + 1)))
		return t;
	snprintf(longer, sizeof longer, "language_model.%s", name);
	if ((t = checkpoint_find(b->from, longer)) || !inner)
		return t;
	for (size_t i = 0; i < sizeof outer / sizeof *outer && !t; i++) {
		snprintf(longer, sizeof longer, "%s%s", outer[i], inner + 1);
		t = checkpoint_find(b->from, longer);
	}
	return t;
}

/* `name` receives the first spelling. */
static const struct tensor *find_part(const struct binder *b, enum weight w, struct bind_part part, const char *suffix,
				      char name[NAME])
{
	const char *pattern = family_name(b->family, w, b->from->gguf != NULL);
	const struct tensor *t = NULL;

	name[0] = '\0';
	for (const char *p = pattern, *end; !t && p && *p; p = *end ? end + 1 : end) {
		char one[NAME], spelled[NAME];

		end = strchr(p, '|') ? strchr(p, '|') : p + strlen(p);
		snprintf(one, sizeof one, "%.*s", (int)(end - p), p);
		fill_in(one, part, suffix, spelled);
		if (!*name)
			memcpy(name, spelled, NAME);
		t = find_spelling(b, spelled);
	}
	return t;
}

static const struct tensor *find(const struct binder *b, enum weight w, int layer, const char *suffix, char name[NAME])
{
	return find_part(b, w, (struct bind_part){ layer, -1 }, suffix, name);
}

/* Writes the name down when there is no such tensor. */
static const struct tensor *need_named(struct binder *b, const struct tensor *t, const char name[NAME])
{
	if (!t) {
		if (!b->missing_count++)
			memcpy(b->first_missing, name, NAME);
		if (b->missing_count <= 8)
			str_addf(&b->missing, "%s%s", b->missing_count > 1 ? ", " : "", name);
	}
	return t;
}

static const struct tensor *need(struct binder *b, enum weight w, int layer, const char *suffix)
{
	char name[NAME];
	const struct tensor *t = find(b, w, layer, suffix, name);

	return need_named(b, t, name);
}

static void plan_vector(struct bind_plan *p, struct plan_vector v)
{
	if (p->vectors == p->vector_capacity) {
		p->vector_capacity = 2 * p->vector_capacity + 64;
		p->vector = xrealloc(p->vector, (size_t)p->vector_capacity * sizeof v);
	}
	p->vector[p->vectors++] = v;
}

static void plan_matrix(struct bind_plan *p, struct plan_matrix m)
{
	if (p->matrices == p->matrix_capacity) {
		p->matrix_capacity = 2 * p->matrix_capacity + 64;
		p->matrix = xrealloc(p->matrix, (size_t)p->matrix_capacity * sizeof m);
	}
	p->matrix[p->matrices++] = m;
}

/* StableLM keeps the gains of each head in a tensor of its own: norms.0, norms.1 … one after the other in norm->gain[heads, K]. */
static void bind_head_norms(struct binder *b, enum weight w, int layer, int heads, struct norm *norm)
{
	const char *pattern = b->family->name_of[w], *mark = strstr(pattern, "%h");
	int K = b->c->K;

	norm->gain = arena_alloc(b->plan->arena, (size_t)(heads * K) * sizeof *norm->gain);
	for (int h = 0; h < heads; h++) {
		char one[NAME], name[NAME];
		const struct tensor *t;

		snprintf(one, sizeof one, "%.*s%d%s", (int)(mark - pattern), pattern, h, mark + 2);
		fill_in(one, (struct bind_part){ layer, -1 }, ".weight", name);
		if ((t = need_named(b, find_spelling(b, name), name)))
			plan_vector(b->plan,
				    (struct plan_vector){ .tensor = t, .count = K, .into = norm->gain + h * K, .layer = layer });
	}
}

static void bind_norm(struct binder *b, enum weight w, int layer, int n, struct norm *norm)
{
	bool plus_one = b->family->plus_one && !b->from->gguf;
	bool must, on_heads = w == WEIGHT_Q_NORM || w == WEIGHT_K_NORM; /* in a GGUF without biases, whatever the others have */
	const struct tensor *t;
	char name[NAME];

	if (!b->family->name_of[w])
		return;
	norm->there = true;
	if (!*b->family->name_of[w] || b->c->bare_norms) /* a norm without weights */
		return;
	if (!b->from->gguf && strstr(b->family->name_of[w], "norms.%h")) {
		bind_head_norms(b, w, layer, n / b->c->K, norm);
		return;
	}
	if ((t = need(b, w, layer, ".weight")))
		plan_vector(b->plan,
			    (struct plan_vector){
				    .tensor = t, .count = n, .add = plus_one ? 1.0f : 0.0f, .to = &norm->gain, .layer = layer });
	must = b->c->biases & BIAS_NORM && !(on_heads && b->from->gguf);
	if (b->c->norm == NORM_LAYER && b->c->may_biases & BIAS_NORM &&
	    (t = must ? need(b, w, layer, ".bias") : find(b, w, layer, ".bias", name)))
		plan_vector(b->plan, (struct plan_vector){ .tensor = t, .count = n, .to = &norm->bias, .layer = layer });
}

static unsigned bias_bit(enum weight w)
{
	switch (w) {
	case WEIGHT_Q:
	case WEIGHT_K:
	case WEIGHT_V:
	case WEIGHT_QKV:
		return BIAS_QKV;
	case WEIGHT_O:
		return BIAS_O;
	case WEIGHT_UNEMBED:
		return BIAS_UNEMBED;
	case WEIGHT_CONV_IN:
	case WEIGHT_CONV:
	case WEIGHT_CONV_OUT:
		return BIAS_CONV;
	default:
		return BIAS_MLP;
	}
}

/* A bias that its module begins with is zero; that the file has none although the settings say so is worth a word. */
static void note_bare(struct binder *b, const char name[NAME])
{
	if (b->from->gguf || !strcmp(b->last_bare, name)) /* parts of a fused tensor ask for it one after the other */
		return;
	memcpy(b->last_bare, name, NAME);
	if (b->bare.n < 4 * NAME)
		str_addf(&b->bare, "%s%s", b->bare.n ? ", " : "", name);
	else if (!text_ends(b->bare.s, " …"))
		str_add(&b->bare, " …");
}

/* The bias of a linear layer where it has one. */
static void bind_bias(struct binder *b, enum weight w, int layer, int out, int first, const int32_t *pick, float **bias)
{
	char name[NAME];
	bool must = b->c->biases & bias_bit(w), may = b->c->may_biases & bias_bit(w);
	const struct tensor *t = must ? need(b, w, layer, ".bias") : may ? find(b, w, layer, ".bias", name) : NULL;

	if (!t && may && !must)
		note_bare(b, name);
	if (t)
		plan_vector(b->plan, (struct plan_vector){
					     .tensor = t, .first = first, .count = out, .pick = pick, .to = bias, .layer = layer });
}

/* Outputs first … of a linear layer, or `pick` of them. */
static void bind_linear(struct binder *b, enum weight w, int layer, int in, int out, int first, const int32_t *pick,
			struct matrix **to, float **bias)
{
	const struct tensor *t = need(b, w, layer, ".weight");
	bool in_out = b->family->in_out && !b->from->gguf && w != WEIGHT_UNEMBED;

	if (t)
		plan_matrix(b->plan, (struct plan_matrix){
					     { .tensor = t, .in_out = in_out, .in = in, .out = out, .first = first, .pick = pick },
					     to,
					     layer });
	bind_bias(b, w, layer, out, first, pick, bias);
}

/* The rows of a fused tensor that are query, key or value (part 0, 1, 2), in the order of heads: [group][queries, k, v][K]. */
static int32_t *pick_from_groups(const struct config *c, int part, struct arena *arena)
{
	int per = c->H / c->G, count = part ? c->G : c->H;
	int32_t *pick = arena_alloc(arena, (size_t)(count * c->K) * sizeof *pick);

	for (int h = 0; h < count; h++) {
		int group = part ? h : h / per, place = part ? per + part - 1 : h % per;

		for (int k = 0; k < c->K; k++)
			pick[h * c->K + k] = (group * (per + 2) + place) * c->K + k;
	}
	return pick;
}

/*
 * Undoes the converter's reordering of rotary rows: channel (half, i) of a head lies at 2i + half in the file. NULL: it was not
 * done.
 */
static int32_t *pick_unpermuted(const struct binder *b, int heads, int first, struct arena *arena)
{
	int K = b->c->K;
	int32_t *pick;

	if (!b->from->gguf || !b->family->gguf_permuted)
		return NULL;
	pick = arena_alloc(arena, (size_t)(heads * K) * sizeof *pick);
	for (int h = 0; h < heads; h++)
		for (int k = 0; k < K; k++)
			pick[h * K + k] = first + h * K + 2 * (k % (K / 2)) + k / (K / 2);
	return pick;
}

/* The same of CodeGen's blocks, one from each of the four machines that it was trained on: [block][queries, values, keys]. */
static int32_t *pick_from_quarters(const struct config *c, int part, struct arena *arena)
{
	static const int place[] = { 0, 2, 1 };
	const int all = c->H * c->K, quarter = all / 4;
	int32_t *pick = arena_alloc(arena, (size_t)all * sizeof *pick);

	for (int k = 0; k < all; k++)
		pick[k] = (k / quarter * 3 + place[part]) * quarter + k % quarter;
	return pick;
}

static void bind_qkv(struct binder *b, int l, struct layer *y, struct arena *arena)
{
	const struct config *c = b->c;
	int q = c->H * c->K, kv = c->G * c->K;
	enum fused fused = b->from->gguf ? b->family->fused_gguf : b->family->fused;
	char name[NAME];

	/* some converters split them, some join them */
	if (b->from->gguf && fused == FUSED_NOT && !find(b, WEIGHT_Q, l, ".weight", name) &&
	    find(b, WEIGHT_QKV, l, ".weight", name))
		fused = FUSED_THIRDS;
	if (b->from->gguf && fused != FUSED_NOT && !find(b, WEIGHT_QKV, l, ".weight", name))
		fused = FUSED_NOT;
	if (fused == FUSED_THIRDS) {
		bind_linear(b, WEIGHT_QKV, l, c->D, q, 0, pick_unpermuted(b, c->H, 0, arena), &y->W_Q, &y->b_Q);
		bind_linear(b, WEIGHT_QKV, l, c->D, kv, q, pick_unpermuted(b, c->G, q, arena), &y->W_K, &y->b_K);
		bind_linear(b, WEIGHT_QKV, l, c->D, kv, q + kv, NULL, &y->W_V, &y->b_V);
	} else if (fused != FUSED_NOT) {
		int32_t *(*pick)(const struct config *c, int part, struct arena *arena) =
			fused == FUSED_QUARTERS ? pick_from_quarters : pick_from_groups;

		bind_linear(b, WEIGHT_QKV, l, c->D, q, 0, pick(c, 0, arena), &y->W_Q, &y->b_Q);
		bind_linear(b, WEIGHT_QKV, l, c->D, kv, 0, pick(c, 1, arena), &y->W_K, &y->b_K);
		bind_linear(b, WEIGHT_QKV, l, c->D, kv, 0, pick(c, 2, arena), &y->W_V, &y->b_V);
	} else {
		bind_linear(b, WEIGHT_Q, l, c->D, q, 0, pick_unpermuted(b, c->H, 0, arena), &y->W_Q, &y->b_Q);
		bind_linear(b, WEIGHT_K, l, c->D, kv, 0, pick_unpermuted(b, c->G, 0, arena), &y->W_K, &y->b_K);
		bind_linear(b, WEIGHT_V, l, c->D, kv, 0, NULL, &y->W_V, &y->b_V);
	}
}

/* A short convolution: [gate before, gate after, input] in one matrix. */
static void bind_conv(struct binder *b, int l, struct layer *y)
{
	const struct config *c = b->c;
	const int n = config_conv_width(c);
	const struct tensor *taps = need(b, WEIGHT_CONV, l, ".weight");

	bind_linear(b, WEIGHT_CONV_IN, l, c->D, n, 0, NULL, &y->W_B, &y->b_B);
	bind_linear(b, WEIGHT_CONV_IN, l, c->D, n, n, NULL, &y->W_C, &y->b_C);
	bind_linear(b, WEIGHT_CONV_IN, l, c->D, n, 2 * n, NULL, &y->W_X, &y->b_X);
	if (taps)
		plan_vector(b->plan,
			    (struct plan_vector){
				    .tensor = taps, .count = n * c->conv_taps, .to = &y->conv, .layer = l, .whole = true });
	bind_bias(b, WEIGHT_CONV, l, n, 0, NULL, &y->b_conv);
	bind_linear(b, WEIGHT_CONV_OUT, l, n, c->D, 0, NULL, &y->W_O, &y->b_O);
}

/* The numbers of an activation; those of a GGUF are settings. */
static void bind_curve(struct binder *b, int l)
{
	struct curve *curve = &b->c->curve[l];
	const struct {
		enum weight w;
		float *into;
		bool must;
	} rows[] = { { WEIGHT_ALPHA_P, &curve->alpha_p, true },
		     { WEIGHT_ALPHA_N, &curve->alpha_n, true },
		     { WEIGHT_BETA, &curve->beta, false },
		     { WEIGHT_EPS, &curve->eps, false } };

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char name[NAME];
		const struct tensor *t = rows[i].must ? need(b, rows[i].w, l, "") : find(b, rows[i].w, l, "", name);

		if (t)
			plan_vector(b->plan, (struct plan_vector){ .tensor = t, .count = 1, .into = rows[i].into, .layer = l });
	}
}

/* One expert's matrix in the tensor of all: [X, out, in]. Anything else is left as it is, and refused when it is read. */
static const struct tensor *slice(const struct binder *b, const struct tensor *all, int expert)
{
	struct tensor *one;

	if (all->dims != 3 || all->shape[0] != b->c->experts.X)
		return all;
	one = arena_alloc(b->plan->arena, sizeof *one);
	*one = *all;
	one->dims = 2;
	one->shape[0] = all->shape[1];
	one->shape[1] = all->shape[2];
	one->bytes = all->bytes / (size_t)all->shape[0];
	one->data = all->data + (size_t)expert * one->bytes;
	return one;
}

/* It stays in the file: of many experts a token reads a few. */
static void bind_of_expert(struct binder *b, enum weight w, struct bind_part part, int in, int out, int first, struct matrix **to)
{
	char name[NAME];
	const struct tensor *all = need_named(b, find_part(b, w, part, ".weight", name), name);

	if (all)
		plan_matrix(b->plan, (struct plan_matrix){ { .tensor = slice(b, all, part.expert),
							     .in = in,
							     .out = out,
							     .first = first,
							     .in_place = true },
							   to,
							   part.layer,
							   .whole = all });
}

static void bind_expert(struct binder *b, struct bind_part part, struct expert *x)
{
	const int D = b->c->D, F = b->c->experts.F;

	if (family_name(b->family, WEIGHT_EXPERT_GATE_IN, b->from->gguf != NULL)) {
		bind_of_expert(b, WEIGHT_EXPERT_GATE_IN, part, D, F, 0, &x->W_gate);
		bind_of_expert(b, WEIGHT_EXPERT_GATE_IN, part, D, F, F, &x->W_in);
	} else {
		bind_of_expert(b, WEIGHT_EXPERT_GATE, part, D, F, 0, &x->W_gate);
		bind_of_expert(b, WEIGHT_EXPERT_IN, part, D, F, 0, &x->W_in);
	}
	bind_of_expert(b, WEIGHT_EXPERT_OUT, part, F, D, 0, &x->W_out);
}

static void bind_mixture(struct binder *b, int l, struct layer *y)
{
	const struct experts *e = &b->c->experts;
	const int D = b->c->D;
	const struct tensor *choice;
	float *none = NULL;

	bind_linear(b, WEIGHT_ROUTER, l, D, e->X, 0, NULL, &y->W_router, &none);
	if (e->biased && (choice = need(b, WEIGHT_ROUTER_CHOICE, l, b->from->gguf ? ".bias" : "")))
		plan_vector(b->plan,
			    (struct plan_vector){ .tensor = choice, .count = e->X, .to = &y->b_choice, .layer = l, .whole = true });
	y->expert = arena_alloc(b->plan->arena, (size_t)e->X * sizeof *y->expert);
	for (int x = 0; x < e->X; x++)
		bind_expert(b, (struct bind_part){ l, x }, &y->expert[x]);
	if (!e->shared)
		return;
	bind_linear(b, WEIGHT_SHARED_GATE, l, D, e->shared, 0, NULL, &y->W_gate, &y->b_gate);
	bind_linear(b, WEIGHT_SHARED_IN, l, D, e->shared, 0, NULL, &y->W_in, &y->b_in);
	bind_linear(b, WEIGHT_SHARED_OUT, l, e->shared, D, 0, NULL, &y->W_out, &y->b_out);
	if (e->shared_gated)
		bind_linear(b, WEIGHT_SHARED_SHARE, l, D, 1, 0, NULL, &y->W_share, &none);
}

static void bind_mlp(struct binder *b, int l, struct layer *y)
{
	const struct config *c = b->c;

	if (b->family->name_of[WEIGHT_GATE_IN]) { /* gate and linear half in one tensor */
		bind_linear(b, WEIGHT_GATE_IN, l, c->D, c->dense, 0, NULL, &y->W_gate, &y->b_gate);
		bind_linear(b, WEIGHT_GATE_IN, l, c->D, c->dense, c->dense, NULL, &y->W_in, &y->b_in);
	} else {
		if (c->gated)
			bind_linear(b, WEIGHT_GATE, l, c->D, c->dense, 0, NULL, &y->W_gate, &y->b_gate);
		bind_linear(b, WEIGHT_IN, l, c->D, c->dense, 0, NULL, &y->W_in, &y->b_in);
	}
	bind_linear(b, WEIGHT_OUT, l, c->dense, c->D, 0, NULL, &y->W_out, &y->b_out);
	if (c->curve && !b->from->gguf)
		bind_curve(b, l);
}

static void bind_layer(struct binder *b, int l, struct arena *arena)
{
	const struct config *c = b->c;
	struct layer *y = &b->m->layers[l];

	if (c->norms_after) { /* what comes after one block is what the next one reads through */
		if (l)
			bind_norm(b, WEIGHT_LN2, l - 1, c->D, &y->ln1);
		bind_norm(b, WEIGHT_LN1, l, c->D, &y->ln2);
	} else {
		bind_norm(b, WEIGHT_LN1, l, c->D, &y->ln1);
		if (!c->parallel_shared_norm)
			bind_norm(b, WEIGHT_LN2, l, c->D, &y->ln2);
	}
	bind_norm(b, WEIGHT_LN1_POST, l, c->D, &y->ln1_post);
	bind_norm(b, WEIGHT_LN2_POST, l, c->D, &y->ln2_post);
	if (config_mixer(c, l) == MIXER_ATTENTION && c->qk_span != QK_NONE) {
		bind_norm(b, WEIGHT_Q_NORM, l, c->qk_span == QK_HEAD ? c->K : c->H * c->K, &y->q_norm);
		bind_norm(b, WEIGHT_K_NORM, l, c->qk_span == QK_HEAD ? c->K : c->G * c->K, &y->k_norm);
	}
	if (config_mixer(c, l) == MIXER_CONV) {
		bind_conv(b, l, y);
	} else {
		bind_qkv(b, l, y, arena);
		bind_linear(b, WEIGHT_O, l, c->H * c->K, c->D, 0, NULL, &y->W_O, &y->b_O);
	}
	if (config_mixes(c, l))
		bind_mixture(b, l, y);
	else
		bind_mlp(b, l, y);
}
/* [V, D] of a table [V, table_width]. */
static const struct tensor *plan_product(struct binder *b, const struct tensor *table, enum weight projection)
{
	const struct config *c = b->c;
	struct bind_plan *p = b->plan;
	const struct tensor *by = need(b, projection, 0, ".weight");
	struct tensor *into = arena_alloc(p->arena, sizeof *into);

	*into = (struct tensor){ .name = table->name,
				 .type = DTYPE_F32,
				 .dims = 2,
				 .shape = { table->shape[0], c->D },
				 .bytes = (size_t)table->shape[0] * (size_t)c->D * sizeof(float) };
	p->product[p->products++] = (struct plan_product){ table, by, projection == WEIGHT_PROJECT_OUT, into };
	return into;
}

/* Tables that are read a row at a time: their shapes are checked here. */
static bool bind_tables(struct binder *b, struct err *err)
{
	struct config *c = &b->m->config;
	char name[NAME];
	const struct tensor *e = find(b, WEIGHT_EMBED, 0, ".weight", name), *p;

	if (!e && c->tied && !b->from->gguf) /* tied to the unembedding, then */
		e = find(b, WEIGHT_UNEMBED, 0, ".weight", name);
	if (!e)
		e = need(b, WEIGHT_EMBED, 0, ".weight");
	if (e) {
		const int width = c->table_width ? c->table_width : c->D;

		if (e->dims != 2 || e->shape[1] != width || e->shape[0] < 1 || e->shape[0] > 1 << 24)
			return err_set(err, ERR_FILE, "%s: tensor %s should be [vocabulary, %d]", b->from->path, e->name, width);
		c->V = (int)e->shape[0];
		b->table = e;
		b->m->W_E = c->table_width ? plan_product(b, e, WEIGHT_PROJECT_IN) : e;
	}
	if (c->position == POSITION_LEARNED && (p = need(b, WEIGHT_POSITION, 0, ".weight"))) {
		if (p->dims != 2 || p->shape[1] != c->D || p->shape[0] < c->context + c->position_offset)
			return err_set(err, ERR_FILE, "%s: tensor %s should be [%d, %d]: a row for every position", b->from->path,
				       p->name, c->context + c->position_offset, c->D);
		b->m->W_pos = p;
	}
	return true;
}

/*
 * A tensor of its own counts, whatever the settings say; in a GGUF that is the only thing that tells. Where the settings tie the
 * two and the file has only the unembedding, it serves as both.
 */
static void bind_unembed(struct binder *b)
{
	struct config *c = &b->m->config;
	char name[NAME];
	const struct tensor *own = find(b, WEIGHT_UNEMBED, 0, ".weight", name);

	if (c->tied && own && own != b->table)
		b->plan->own_head = own;
	c->tied = (c->tied || b->from->gguf) && (!own || own == b->table);
	if (c->table_width && !own && !c->tied)
		own = need(b, WEIGHT_UNEMBED, 0, ".weight");
	if (c->table_width && b->table && (own || c->tied))
		plan_matrix(b->plan, (struct plan_matrix){ { .tensor = plan_product(b, own ? own : b->table, WEIGHT_PROJECT_OUT),
							     .in = c->D,
							     .out = c->V },
							   &b->m->W_U,
							   -1 });
	else if (c->tied && b->table)
		plan_matrix(b->plan, (struct plan_matrix){ { .tensor = b->table, .in = c->D, .out = c->V }, &b->m->W_U, -1 });
	if (c->tied || c->table_width) /* the weights are, a bias may be there all the same */
		bind_bias(b, WEIGHT_UNEMBED, -1, c->V, 0, NULL, &b->m->b_U);
	else
		bind_linear(b, WEIGHT_UNEMBED, -1, c->D, c->V, 0, NULL, &b->m->W_U, &b->m->b_U);
}

static bool say_missing(const struct binder *b, const struct account *a, struct err *err)
{
	const char *nearest = account_nearest(a, b->from, b->first_missing);
	struct str unused;

	str_init(&unused);
	if (a->n) {
		str_addf(&unused, "; %zu that %s there %s not used: ", a->n, a->n == 1 ? "is" : "are", a->n == 1 ? "is" : "are");
		account_list(a, &unused);
	}
	err_set(err, ERR_FILE, "%s: %d of the tensors that a %s model needs %s missing: %s%s%s%s%s", b->from->path,
		b->missing_count, b->family->name, b->missing_count == 1 ? "is" : "are", b->missing.s,
		b->missing_count > 8 ? " …" : "", unused.s,
		nearest ? "; the nearest name that is there is " : "; there are none at all", nearest ? nearest : "");
	str_done(&unused);
	return false;
}

/* Are all that nobody uses biases? */
static bool all_biases(const struct account *a)
{
	for (size_t i = 0; i < a->n; i++) {
		size_t n = strlen(a->unused[i]->name);

		if (n < 5 || strcmp(a->unused[i]->name + n - 5, ".bias"))
			return false;
	}
	return true;
}

/* All tensors are told apart: missing ones are an error, unused ones alone something to know. */
static bool settle_account(struct binder *b, bool wrapped, struct err *err)
{
	struct account a;
	struct str list;
	bool ok = !b->missing_count;

	account_open(b->from, b->m, b->plan, wrapped, &a);
	if (!ok) {
		say_missing(b, &a, err);
	} else if (a.n) {
		str_init(&list);
		account_list(&a, &list);
		b->plan->unused =
			arena_printf(b->plan->arena,
				     "%zu tensor%s of the file belong%s to no part of a %s model and %s left out%s: %s", a.n,
				     a.n == 1 ? "" : "s", a.n == 1 ? "s" : "", b->family->name, a.n == 1 ? "is" : "are",
				     all_biases(&a) && !b->from->gguf ? ", as its settings have no biases there" : "", list.s);
		str_done(&list);
	}
	if (ok && a.parts) {
		str_init(&list);
		account_list_parts(&a, &list);
		b->plan->other = arena_printf(b->plan->arena, "all but the text part: %s", list.s);
		str_done(&list);
	}
	account_close(&a);
	return ok;
}

/* Keys that the family does not have in transformers are not obeyed. */
static void note_ignored(const struct binder *b, const struct settings *s)
{
	char *keys = settings_ignored(s);

	if (keys)
		b->plan->ignored = arena_printf(b->plan->arena,
						"config.json has what a %s model does not know in transformers, and it is not "
						"obeyed: %s",
						settings_type(s), keys);
	free(keys);
	if (b->bare.n)
		b->plan->bare =
			arena_printf(b->plan->arena, "config.json has biases that the file has not; they are 0: %s", b->bare.s);
}

static bool check_vocabulary(const struct settings *s, const struct model *m, struct err *err)
{
	int given = m->config.V;

	/* a GGUF's key is for show: its tokens are counted by their list */
	return !s->json || !m->W_E ||
	       (setting_int(s, SETTING_VOCABULARY, 1, 1 << 24, &given, err) &&
		(given == m->config.V ||
		 setting_refuse(s, SETTING_VOCABULARY, err, " is %d, but %s has %d rows", given, m->W_E->name, m->config.V)));
}

bool bind_model(const struct checkpoint *from, struct model *m, struct bind_plan *plan, struct err *err)
{
	struct settings s;
	struct binder b = { .from = from, .m = m, .c = &m->config, .plan = plan };
	bool ok;

	if (!settings_open(from, &s, err) || !(b.family = family_of(&s, err)))
		return false;
	s.keys = s.json ? b.family->keys : NULL;
	if (!config_read(&s, b.family, plan->arena, &m->config, err))
		return false;
	m->layers = arena_alloc(plan->arena, (size_t)m->config.L * sizeof *m->layers);
	str_init(&b.missing);
	str_init(&b.bare);
	ok = bind_tables(&b, err) && check_vocabulary(&s, m, err);
	if (ok) {
		bind_norm(&b, WEIGHT_EMBED_NORM, -1, m->config.D, &m->embed_norm);
		if (m->config.norms_after)
			bind_norm(&b, WEIGHT_LN2, m->config.L - 1, m->config.D, &m->ln_final);
		else if (!m->config.no_final_norm)
			bind_norm(&b, WEIGHT_LN_FINAL, -1, m->config.D, &m->ln_final);
		bind_unembed(&b);
		for (int l = 0; l < m->config.L; l++)
			bind_layer(&b, l, plan->arena);
		ok = settle_account(&b, settings_wrapped(&s), err);
		note_ignored(&b, &s);
	}
	str_done(&b.missing);
	str_done(&b.bare);
	return ok;
}
