/* samples.h - tables made by hand, of every kind that views have to draw. Included once per executable. */
#ifndef LMSCOPE_TESTS_SCREENS_SAMPLES_H
#define LMSCOPE_TESTS_SCREENS_SAMPLES_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/analysis/table.h"

/* Numbers that look like something and are the same everywhere: 0 … 1. */
static float sample_noise(unsigned i)
{
	i = (i ^ 61u) ^ (i >> 16);
	i *= 9u;
	i ^= i >> 4;
	i *= 0x27d4eb2du;
	i ^= i >> 15;
	return (float)(i & 0xFFFF) / 65535.0f;
}

static struct table *sample_new(int rows, int cols, const char *title, const char *unit, enum look look, enum scale scale)
{
	struct err err = { 0 };
	struct table *t = table_new(rows, cols, &err);

	if (!t)
		abort();
	table_set_title(t, title, NULL, NULL);
	t->look = look;
	t->scale = scale;
	table_set_unit(t, unit);
	return t;
}

static const char *const sample_tokens[] = {
	"‹bos›", "The",	    "·capital", "·of", "·France", "·is", "·a",	"·city",   "·that",
	"·many", "·people", "·love",	",",   "·and",	  "·it", "·is", "·called",
};
enum { SAMPLE_TOKENS = sizeof sample_tokens / sizeof *sample_tokens };

static void sample_positions(struct table *t, struct axis *axis, enum dim dim, const char *name)
{
	for (int i = 0; i < axis->n; i++) {
		const char *show = sample_tokens[i ? 1 + (i - 1) % (SAMPLE_TOKENS - 1) : 0];

		axis_token(t, axis, i, i, show, strlen(show), show);
	}
	axis->dim = dim;
	axis->name = name;
}

/* Layers × positions with words that become surer upwards. */
__attribute__((unused)) static struct table *sample_lens(int layers, int positions)
{
	static const char *const words[] = { "·the", "·Paris", ",", "·of", "·a", "ing", "·located", "↵", "·internationally", "s" };
	struct table *t =
		sample_new(layers, positions, "logit lens · resid_post, top token", "probability", LOOK_HEAT, SCALE_PROBABILITY);

	axis_numbers(t, &t->rows, DIM_LAYER);
	sample_positions(t, &t->cols, DIM_POSITION, "position");
	table_set_words(t);
	for (int l = 0; l < layers; l++)
		for (int p = 0; p < positions; p++) {
			size_t cell = table_cell(t, l, p);
			int word = l > layers - 4 && p == 5 ? 1 : (int)(sample_noise((unsigned)(l / 3 * 31 + p * 7)) * 9.99f);

			t->value[cell] = powf((float)(l + 1) / (float)layers, 2) * (0.35f + 0.65f * sample_noise((unsigned)cell));
			table_set_word(t, cell, word, words[word], strlen(words[word]), words[word]);
		}
	t->check = (struct check){ .name = "last layer = output", .expected = 0.7131, .actual = 0.7131, .tolerance = 1e-5 };
	return t;
}

/* Queries × keys: some on themselves, some on the first, some on the one before. */
__attribute__((unused)) static struct table *sample_attention(int n)
{
	struct table *t = sample_new(n, n, "attention · layer 12 head 4", "weight", LOOK_ATTENTION, SCALE_PROBABILITY);

	sample_positions(t, &t->rows, DIM_POSITION, "query");
	sample_positions(t, &t->cols, DIM_KEY, "key");
	for (int q = 0; q < n; q++) {
		float sum = 0;

		for (int k = 0; k <= q; k++) {
			float w = 0.05f * sample_noise((unsigned)(q * 97 + k)) + (k == 0) * 0.9f + (k == q - 1) * 0.6f +
				  (q - k == 8) * 0.8f;

			t->value[table_cell(t, q, k)] = w;
			sum += w;
		}
		for (int k = 0; k <= q; k++)
			t->value[table_cell(t, q, k)] /= sum;
	}
	t->skip_first = true;
	return t;
}

/* Layers × heads, around zero, with a few that stand out. */
__attribute__((unused)) static struct table *sample_heads(int layers, int heads)
{
	struct table *t = sample_new(layers, heads, "head attribution", "logit", LOOK_HEAT, SCALE_DIVERGING);

	axis_numbers(t, &t->rows, DIM_LAYER);
	axis_numbers(t, &t->cols, DIM_HEAD);
	for (int i = 0; i < layers * heads; i++) {
		float x = sample_noise((unsigned)i * 3) - 0.5f;

		t->value[i] = x * x * x * 12 + (i % 37 == 20) * 2.1f - (i % 53 == 31) * 1.7f;
	}
	t->check = (struct check){ .name = "heads + rest = logit", .expected = 14.2, .actual = 14.2, .tolerance = 1e-4 };
	t->footnote = "not heads: +3.10";
	return t;
}

/* Components × one column: 0.attn, 0.mlp, … */
__attribute__((unused)) static struct table *sample_components(int layers, float shift)
{
	struct table *t =
		sample_new(2 * layers + 2, 1, "direct attribution · logit \" Paris\"", "logit", LOOK_BARS, SCALE_DIVERGING);
	char name[20];

	t->rows.dim = DIM_COMPONENT;
	t->rows.name = "component";
	axis_label(t, &t->rows, 0, "embed");
	for (int i = 0; i < 2 * layers; i++) {
		snprintf(name, sizeof name, "%d.%s", i / 2, i % 2 ? "mlp" : "attn");
		axis_label(t, &t->rows, i + 1, name);
	}
	axis_label(t, &t->rows, 2 * layers + 1, "norm_bias");
	for (int i = 0; i < t->rows.n; i++)
		t->value[i] = (sample_noise((unsigned)i * 11 + 5) - 0.35f) * (i > layers ? 4 : 1) - (i % 5 == 3 ? shift : 0);
	axis_label(t, &t->cols, 0, "contribution");
	t->check = (struct check){ .name = "rows sum to the metric", .expected = 14.2034, .actual = 13.71, .tolerance = 1e-4 };
	return t;
}

/* Components that open: attention of layer 1 into heads, one of these into its tokens; negative shares, and a row of no size. */
__attribute__((unused)) static struct table *sample_tree(float shift)
{
	static const struct {
		int parent;
		const char *name;
		float value;
		bool closed;
	} rows[] = {
		{ -1, "embed", 0.02f, false },	    { -1, "0.attn", -0.8f, true },     { -1, "0.mlp", 1.1f, true },
		{ -1, "1.attn", 4.1f, false },	    { 3, "head 1.0", -0.4f, true },    { 3, "head 1.1", 3.2f, false },
		{ 5, "0 ‹bos›", 0.1f, false },	    { 5, "1 The", -0.25f, false },     { 5, "2 ·capital", 3.35f, false },
		{ 3, "head 1.2", 1.3f, true },	    { -1, "1.mlp", 2.5f, false },      { 10, "neuron 1.7", 1.9f, false },
		{ 10, "neuron 1.3", -0.9f, false }, { 10, "rest of 96", 1.5f, false }, { -1, "norm_bias", 0, false },
	};
	enum { N = sizeof rows / sizeof *rows };
	struct table *t = sample_new(N, 2, "direct attribution · all parts", "logit", LOOK_TREE, SCALE_DIVERGING);

	t->rows.dim = DIM_COMPONENT;
	t->rows.name = "component";
	table_set_tree(t);
	for (int i = 0; i < N; i++) {
		axis_label(t, &t->rows, i, rows[i].name);
		t->parent[i] = rows[i].parent;
		t->closed[i] = rows[i].closed;
		t->value[table_cell(t, i, 0)] = rows[i].value - (i % 5 == 2 ? shift : 0);
		t->value[table_cell(t, i, 1)] = t->value[table_cell(t, i, 0)] / 6.92f;
	}
	axis_label(t, &t->cols, 0, "contribution");
	axis_label(t, &t->cols, 1, "share");
	table_set_units(t, (const char *const[]){ "logit", "of the sum" });
	return t;
}

/* Layers × heads, each with a small pattern: diagonals, columns, single dots, and some that rest. */
__attribute__((unused)) static struct table *sample_tiles(int layers, int heads)
{
	enum { SIDE = 8 };
	struct table *t = sample_new(layers, heads, "attention · all heads · patterns", "weight", LOOK_TILES, SCALE_PROBABILITY);

	axis_numbers(t, &t->rows, DIM_LAYER);
	axis_numbers(t, &t->cols, DIM_HEAD);
	table_set_tiles(t, SIDE, SIDE);
	for (int i = 0; i < layers * heads; i++) {
		t->value[i] = sample_noise((unsigned)i);
		for (int q = 0; q < SIDE; q++)
			for (int k = 0; k <= q; k++) {
				bool dot = i % 4 == 0 ? k == q - 1 : i % 4 == 1 ? k == 2 : i % 4 == 2 && q == 6 && k == 4;

				t->tile[(i * SIDE + q) * SIDE + k] = dot ? 0.6f : 0.05f;
			}
	}
	t->footnote = "the strongest of 8 × 8, without the first key";
	return t;
}

/* Ranks × {logit, probability, and before the edits}. */
__attribute__((unused)) static struct table *sample_ranking(bool edited)
{
	static const char *const words[] = {
		"·Paris", "·the", "·a", "·located", "·not", "·known", "·one", "·in", "·also", "·called"
	};
	static const char *const cols[] = { "logit", "probability", "logit_unedited", "probability_unedited" };
	static const float p[] = { .712f, .041f, .0385f, .021f, .0152f, .0093f, .0071f, .0065f, .0042f, .0018f };
	struct table *t = sample_new(10, 4, "next token", "logit", LOOK_RANKING, SCALE_PROBABILITY);

	t->ranking = (struct ranking){ 1, 0, 3 };
	axis_numbers(t, &t->rows, DIM_RANK);
	t->cols.dim = DIM_QUANTITY;
	t->cols.name = "quantity";
	t->units = 4;
	t->unit = arena_alloc(t->arena, 4 * sizeof *t->unit);
	for (int i = 0; i < 4; i++) {
		axis_label(t, &t->cols, i, cols[i]);
		t->unit[i] = i % 2 ? "probability" : "logit";
	}
	table_set_words(t);
	for (int i = 0; i < 10; i++) {
		float before = edited ? p[i] * (i % 3 ? 0.6f : 1.1f) : p[i];

		t->value[table_cell(t, i, 0)] = 15.5f + logf(p[i]);
		t->value[table_cell(t, i, 1)] = p[i];
		t->value[table_cell(t, i, 2)] = 15.5f + logf(before);
		t->value[table_cell(t, i, 3)] = before;
		table_set_word(t, table_cell(t, i, 0), i, words[i], strlen(words[i]), words[i]);
	}
	return t;
}

/* Everything in words and labels that could push the grid out of line. */
__attribute__((unused)) static struct table *sample_hostile(void)
{
	static const char *const words[] = {
		"漢字",
		"日本語の長い言葉",
		"e\xCC\x81te\xCC\x81",
		"👩‍👩‍👧‍👦",
		"👍🏽",
		"🇫🇷",
		"☁️",
		"\x1b[31mred",
		"tab\there",
		"\xff\xfe",
		"a\xE2\x80\xAEgnp.exe",
		"\xCC\x81",
		"हिन्दी",
		"한국어",
		"العربية",
		"\n",
		"\xE2\x80\x8B",
		"ﷺ",
		"ａｂｃ",
		"x",
	};
	enum { N = sizeof words / sizeof *words };
	struct table *t = sample_new(N / 4, 4, "hostile", "probability", LOOK_HEAT, SCALE_PROBABILITY);

	axis_numbers(t, &t->rows, DIM_LAYER);
	for (int i = 0; i < 4; i++)
		axis_token(t, &t->cols, i, i, words[4 * i], strlen(words[4 * i]), words[4 * i]);
	t->cols.dim = DIM_POSITION;
	t->cols.name = "position";
	table_set_words(t);
	for (int i = 0; i < N; i++) {
		t->value[i] = (float)i / N;
		table_set_word(t, (size_t)i, i, words[i], strlen(words[i]), words[i]);
	}
	return t;
}

/* One value everywhere (NaN: none at all). */
__attribute__((unused)) static struct table *sample_constant(int rows, int cols, float value, enum scale scale)
{
	struct table *t = sample_new(rows, cols, "constant", "logit", LOOK_HEAT, scale);

	axis_numbers(t, &t->rows, DIM_LAYER);
	axis_numbers(t, &t->cols, DIM_HEAD);
	for (int i = 0; i < rows * cols; i++)
		t->value[i] = value;
	return t;
}

/* What each token of a text cost: one column, the first unknown. */
__attribute__((unused)) static struct table *sample_tokens_read(int n)
{
	struct table *t = sample_new(n, 1, "token loss", "bits", LOOK_TOKENS, SCALE_SEQUENTIAL);

	for (int i = 0; i < n; i++) {
		const char *show = sample_tokens[i ? 1 + (i - 1) % (SAMPLE_TOKENS - 1) : 0];
		char raw[40];

		snprintf(raw, sizeof raw, "%s%s", strncmp(show, "·", 2) ? "" : " ", strncmp(show, "·", 2) ? show : show + 2);
		axis_token(t, &t->rows, i, i, i % 23 == 22 ? "\n" : raw, i % 23 == 22 ? 1 : strlen(raw), i % 23 == 22 ? "↵" : show);
		t->value[i] = i ? 14 * powf(sample_noise((unsigned)i), 3) : NAN;
	}
	t->rows.dim = DIM_POSITION;
	t->rows.name = "position";
	t->cols.dim = DIM_QUANTITY;
	t->cols.name = "quantity";
	axis_label(t, &t->cols, 0, "loss");
	t->check = (struct check){ "mean = loss", 4.71, 4.71, 1e-5 };
	return t;
}

/* A training: loss that falls, what it is on held-out text, and the line to beat; `known` of `n` steps are there. */
__attribute__((unused)) static struct table *sample_training(int n, int known)
{
	static const char *const names[] = { "loss", "held out", "logit lens" };
	struct table *t = sample_new(n, 3, "train tuned lens", "nats", LOOK_LINES, SCALE_SEQUENTIAL);

	for (int i = 0; i < n; i++) {
		char step[12];

		snprintf(step, sizeof step, "%d", i * 10);
		axis_label(t, &t->rows, i, step);
		if (i >= known)
			continue;
		t->value[table_cell(t, i, 0)] = 0.6f + 3.9f * expf(-(float)i / 8) + 0.3f * (sample_noise((unsigned)i) - 0.5f);
		t->value[table_cell(t, i, 1)] = i % 5 ? NAN : 0.7f + 3.7f * expf(-(float)i / 8);
		t->value[table_cell(t, i, 2)] = 3.9f;
	}
	t->rows.dim = DIM_STEP;
	t->rows.name = "step";
	t->cols.dim = DIM_QUANTITY;
	t->cols.name = "quantity";
	for (int i = 0; i < 3; i++)
		axis_label(t, &t->cols, i, names[i]);
	t->unfinished = known < n;
	return t;
}

/* Tokens by layers: streams, and `each` edges into every node from tokens before it, a few of which are strong. */
__attribute__((unused)) static struct table *sample_graph(int layers, int tokens, int each)
{
	struct table *t = sample_new((layers + 1) * tokens, 2, "information flow", "share", LOOK_GRAPH, SCALE_PROBABILITY);
	int n = 0;

	table_set_edges(t, layers * tokens * (each + 1));
	for (int level = layers; level >= 0; level--)
		for (int i = 0; i < tokens; i++) {
			int row = (layers - level) * tokens + i;
			const char *token = sample_tokens[i ? 1 + (i - 1) % (SAMPLE_TOKENS - 1) : 0];
			char label[80];

			snprintf(label, sizeof label, "%s %d %d%s", level ? "resid_post" : "resid_pre", level ? level - 1 : 0, i,
				 token);
			axis_label(t, &t->rows, row, label);
			axis_place(t, &t->rows, row,
				   place_at(level ? SITE_RESID_POST : SITE_RESID_PRE, level ? level - 1 : 0, -1, i));
			axis_place_token(t, &t->rows, row, token + strspn(token, " "));
			t->value[table_cell(t, row, 0)] = level == layers ? i == tokens - 1 : 1.0f / (float)tokens;
			t->value[table_cell(t, row, 1)] = 0;
			for (int k = 0; level && k <= each; k++) {
				unsigned seed = (unsigned)(row * 131 + k * 17);
				int from = k ? (int)(sample_noise(seed) * (float)i) : i;
				float strong = sample_noise(seed + 7) > 0.93f ? 0.35f : 0.05f;

				t->edge[n++] =
					(struct edge){ row + tokens - i + from, row, k ? strong * sample_noise(seed + 3) : 0.6f,
						       k ? place_at(SITE_PATTERN, level - 1, -1, i)
							 : place_at(SITE_RESID_PRE, level - 1, -1, i) };
			}
		}
	t->rows.dim = DIM_COMPONENT;
	t->rows.name = "component";
	t->cols.dim = DIM_QUANTITY;
	t->cols.name = "quantity";
	axis_label(t, &t->cols, 0, "flow");
	axis_label(t, &t->cols, 1, "hidden");
	return t;
}

#endif
