/*
 * neutral.c - a walk over the registry: every technique says which value is neutral, what is neutral draws nothing, and a question
 * in which nothing is changed comes out neutral.
 */
#include <math.h>

#include "engine/analysis/span.h"
#include "tests/registry_walk.h"
#include "tui/views/view.h"

#define MODEL "tests/fixtures/tiny/llama-grouped"
#define PROMPT "one two three two one"
#define FOIL "one three two two one"

enum { DEPTHS = 4 };
static struct theme *themes[DEPTHS];

static bool is_braille(const char *text)
{
	return (unsigned char)text[0] == 0xE2 && (unsigned char)text[1] >= 0xA0 && (unsigned char)text[1] < 0xA4;
}

/* Colour anywhere above the lines at the bottom: a background of its own, or a block. */
static int coloured_cells(const struct canvas *c, const struct theme *theme)
{
	enum { BOTTOM = 3 };
	int32_t ground = theme_ink(theme, STYLE_TEXT).bg;
	int n = 0;

	for (int i = 0; i < c->w * (c->h - BOTTOM); i++) {
		const char *text = c->cell[i].text;

		n += c->cell[i].ink.bg != ground || is_braille(text) || !strcmp(text, "▀") || !strcmp(text, "▄") ||
		     !strcmp(text, "█") || !strcmp(text, "░");
	}
	return n;
}

static void check_draws_nothing(const struct walk *w, const struct table *t)
{
	struct err err = { 0 };
	struct table *neutral = table_copy(t, &err);
	struct view_way ways[VIEW_WAYS];
	int coloured = 0, n = view_ways(t, ways);

	for (int i = 0; i < t->rows.n * t->cols.n; i++)
		neutral->value[i] = isnan(t->value[i]) ? NAN : isnan(t->neutral) ? 0 : t->neutral;
	for (int i = 0; neutral->tile && i < t->rows.n * t->cols.n * t->tile_rows * t->tile_cols; i++)
		neutral->tile[i] = isnan(t->tile[i]) ? NAN : 0;
	for (int d = 0; d < DEPTHS; d++)
		for (int i = 0; i < n; i++) {
			const bool curve = ways[i].view == VIEW_lines; /* which is drawn where nothing happens, too */
			struct view v = { .table = neutral,
					  .as = ways[i].view,
					  .zoom = ways[i].zoom,
					  .rect = { 0, 0, 60, 16 },
					  .theme = themes[d],
					  .row = -1,
					  .col = -1 };
			struct view_state state = { 0 };
			struct canvas c;

			canvas_init(&c, v.rect.w, v.rect.h);
			canvas_reset(&c, v.rect.w, v.rect.h, theme_ink(themes[d], STYLE_TEXT));
			view_draw(&c, &v, &state);
			coloured += curve ? 0 : coloured_cells(&c, themes[d]);
			canvas_done(&c);
		}
	CHECK_THAT(coloured == 0, "%s: all neutral, %d cells are coloured", w->what, coloured);
	table_unref(neutral);
}

static void check_table(struct walk *w)
{
	struct table *t = answer(w);
	bool logits;

	if (!t)
		return;
	/* what is added to all logits changes nothing: none of them is neutral */
	logits = strstr(w->what, "-lens show=logit") != NULL;
	CHECK_THAT(isnan(t->neutral) == logits, "%s: neutral is %g", w->what, (double)t->neutral);
	check_draws_nothing(w, t);
	table_unref(t);
}

/*
 * From a foil that is the prompt itself nothing can be patched: every cell is neutral, or (normalised) there is nothing to
 * divide by.
 */
static void check_changes_nothing(struct walk *w)
{
	struct table *t = answer(w);
	int loud = 0;

	if (!t)
		return;
	for (int i = 0; i < t->rows.n * t->cols.n; i++)
		loud += isfinite(t->value[i]) && fabsf(t->value[i] - t->neutral) > 1e-4f * fmaxf(1, fabsf(t->neutral));
	CHECK_THAT(loud == 0, "%s: the foil is the prompt, and %d cells are not neutral", w->what, loud);
	table_unref(t);
}

static float neutral_of(struct walk *w, const char *analysis, int direction, int show)
{
	const struct param *params = analysis_find(analysis)->params;
	struct job_pane *pane = &w->job.pane[0];
	struct table *t;
	float neutral;

	job_pane_init(pane, analysis_find(analysis));
	for (int i = 0; i < param_count(params); i++) {
		if (!strcmp(params[i].name, "direction"))
			pane->args[i] = value_number(direction);
		if (!strcmp(params[i].name, "show"))
			pane->args[i] = value_number(show);
	}
	snprintf(w->what, sizeof w->what, "%s direction=%d show=%d", analysis, direction, show);
	t = answer(w);
	neutral = t ? t->neutral : NAN;
	table_unref(t);
	return neutral;
}

static bool says_excluded(const struct table *t, bool sink_in)
{
	struct view v = { .table = t, .rect = { 0, 0, 90, 16 }, .theme = themes[0], .row = -1, .col = -1, .sink_in = sink_in };
	struct view_state state = { 0 };
	struct canvas c;
	struct str text;
	bool has;

	str_init(&text);
	canvas_init(&c, v.rect.w, v.rect.h);
	canvas_reset(&c, v.rect.w, v.rect.h, theme_ink(themes[0], STYLE_TEXT));
	view_draw(&c, &v, &state);
	for (int i = 0; i < c.w * c.h; i++)
		str_add(&text, c.cell[i].text);
	has = strstr(text.s, "colour range excludes a") != NULL;
	canvas_done(&c);
	str_done(&text);
	return has;
}

/* The first token, which a table leaves out of the range, can be let in without another table. */
static void test_first_token(void)
{
	struct err err = { 0 };
	struct table *t = table_new(1, 3, &err);
	struct span without, with;

	memcpy(t->value, (const float[]){ 90, 2, 3 }, 3 * sizeof(float));
	axis_numbers(t, &t->rows, DIM_LAYER);
	t->cols.dim = DIM_POSITION;
	t->cols.name = "position";
	for (int i = 0; i < 3; i++)
		axis_token(
			t, &t->cols, i, i, &"abc" [i], 1, (const char *[]) { "a", "b", "c" }[i]);
	table_set_title(t, "norms", NULL, NULL);
	table_set_unit(t, "length");
	t->analysis = "residual-norms";
	t->neutral = 0;
	t->skip_first = true;
	without = span_of(t, NULL, false);
	with = span_of(t, NULL, true);
	CHECK_THAT(without.hi == 3 && with.hi == 90, "the range ends at %g, with the first token at %g", (double)without.hi,
		   (double)with.hi);
	CHECK_THAT(says_excluded(t, false) && !says_excluded(t, true), "the legend says whether it is left out");
	table_unref(t);
}

static void test_spans(void)
{
	struct err err = { 0 };
	struct table *t = table_new(1, 3, &err), *before = table_new(1, 3, &err);
	const float values[] = { 1, 0.02f, 1.2f };
	struct span s;

	memcpy(t->value, values, sizeof values);
	t->scale = before->scale = SCALE_DIVERGING;
	t->neutral = before->neutral = 1;
	s = span_of(t, NULL, false);
	CHECK_THAT(fabsf(s.lo - 0.02f) < 1e-6f && fabsf(s.hi - 1.98f) < 1e-6f && span_at(&s, 1) == 0.5f,
		   "as far above neutral as below: %g … %g", (double)s.lo, (double)s.hi);
	CHECK(span_is_quiet(&s, 1.02f) && !span_is_quiet(&s, 1.2f) && span_strength(&s, 0.02f) == 1);
	memcpy(before->value, (const float[]){ 1, 1, 0.5f }, sizeof values);
	s = span_of(t, before, false);
	CHECK_THAT(s.lo == 0.5f && s.hi == 1.5f && span_is_beyond(&s, 0.02f) && !span_is_beyond(&s, 1.2f),
		   "the range of another table");
	t->scale = SCALE_RANK;
	t->neutral = 1024;
	memcpy(t->value, (const float[]){ 1000, 1, 500 }, sizeof values);
	s = span_of(t, before, false);
	CHECK_THAT(span_at(&s, 1) == 1 && span_at(&s, 1024) == 0 && fabsf(span_at(&s, 32) - 0.5f) < 1e-6f,
		   "ranks by factors, of another scale than before");
	memcpy(t->value, values, sizeof values);
	t->scale = SCALE_SEQUENTIAL;
	t->neutral = 3;
	s = span_of(t, NULL, false);
	CHECK_THAT(s.lo == 0.02f && s.hi == 3 && span_at(&s, 3) == 0 && span_at(&s, 0.02f) == 1, "downwards from the greatest");
	CHECK_THAT(!span_is_quiet(&s, 4) && span_at(&s, 4) == 0, "beyond neutral there is a number, and no colour");
	table_unref(t);
	table_unref(before);
}

/*
 * More than one cell in five is beyond half way: then half the ramp's strength is farther, the ends stay, and the way back is
 * the same.
 */
static void test_knee(void)
{
	static const enum scale scales[] = { SCALE_SEQUENTIAL, SCALE_DIVERGING, SCALE_PROBABILITY, SCALE_RANK };
	struct err err = { 0 };
	struct table *t = table_new(10, 10, &err);

	for (size_t k = 0; k < sizeof scales / sizeof *scales; k++) {
		bool ranks = scales[k] == SCALE_RANK;
		struct span s;
		int loud = 0, loud_pools = 0;

		t->scale = scales[k];
		t->neutral = ranks ? 1000 : 0;
		for (int i = 0; i < 100; i++)
			/* all in the farther half */
			t->value[i] = ranks ? 1 + (float)(i * 37 % 100) / 10 : 1 - (float)(i * 37 % 100) / 200;
		s = span_of(t, NULL, false);
		for (int i = 0; i < 100; i++)
			loud += span_strength(&s, t->value[i]) >= 0.5f;
		CHECK_THAT(loud > 2 && loud <= 20, "scale %d: %d of 100 are loud, half at %g", (int)scales[k], loud,
			   (double)s.knee);
		CHECK_THAT(span_at(&s, 1) == 1 && span_strength(&s, t->neutral) == 0, "the ends are where they were");
		for (int i = 0; i <= 20; i++) {
			float at = (float)i / 20, back = span_at(&s, span_value(&s, at));

			if (fabsf(back - at) > 1e-4f)
				CHECK_THAT(false, "scale %d: %g comes back as %g", (int)scales[k], (double)at, (double)back);
		}
		span_pool(&s, t, 1, 2);
		for (int i = 0; i < 100; i += 2)
			loud_pools += fmaxf(span_strength(&s, t->value[i]), span_strength(&s, t->value[i + 1])) >= 0.5f;
		CHECK_THAT(loud_pools > 2 && loud_pools <= 10, "scale %d: of 50 pairs %d are loud", (int)scales[k], loud_pools);
	}
	table_unref(t);
}

int main(void)
{
	static const enum depth depths[DEPTHS] = { DEPTH_MONO, DEPTH_16, DEPTH_256, DEPTH_TRUE };
	struct walk w;

	for (int d = 0; d < DEPTHS; d++)
		themes[d] = theme_builtin((struct theme_for){ depths[d], false });
	test_first_token();
	test_spans();
	test_knee();
	walk_open(&w, MODEL, PROMPT, FOIL);
	for (int i = 0; analysis_list[i]; i++)
		walk_choices(&w, analysis_list[i], check_table);
	CHECK(neutral_of(&w, "activation-patching", 0, 0) == 1 && neutral_of(&w, "activation-patching", 1, 0) == 0);
	CHECK(neutral_of(&w, "path-patching", 0, 0) == 1 && neutral_of(&w, "path-patching", 1, 0) == 0);
	CHECK(neutral_of(&w, "activation-patching", 0, 1) != neutral_of(&w, "activation-patching", 1, 1));
	CHECK(neutral_of(&w, "activation-patching", 0, 2) == 0 && neutral_of(&w, "activation-patching", 1, 2) > 0);
	job_set(&w.job.foil, PROMPT);
	for (int i = 0; analysis_list[i]; i++)
		if (analysis_list[i]->needs & NEEDS_FOIL)
			walk_choices(&w, analysis_list[i], check_changes_nothing);
	walk_close(&w);
	for (int d = 0; d < DEPTHS; d++)
		theme_free(themes[d]);
	return tap_done();
}
