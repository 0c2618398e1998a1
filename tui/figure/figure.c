/* figure.c - see figure.h: what is around the picture. */
#include "tui/figure/parts.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/build.h"

#define MARGIN 12.0
#define LEAST_W 345.0 /* one column of a paper */
#define MOST_W 720.0  /* two */
#define RAMP_W 80.0
#define RAMP_H 6.0
#define LEADING 1.35

const char figure_theme[] = "print";

enum { LABEL_COLUMNS = 24, PROMPT_COLUMNS = 400, STOPS = 21 };
static const int32_t WHITE = 0xFFFFFF;

static const struct picture *const pictures[VIEW_COUNT] = {
#define VIEW(id, name, picture, title) [VIEW_##id] = &picture_##picture,
#include "tui/views/views.def"
#undef VIEW
};

/* As the pane draws it. */
static const struct picture *picture_for(const struct answer *a)
{
	struct view v;

	view_of_words(&a->pane->view, &v);
	return pictures[view_for(a->table, v.as)];
}

bool figure_shows_before(const struct answer *a)
{
	return picture_for(a)->shows_before;
}

int32_t figure_ink(const struct figure *f, enum style style)
{
	return theme_ink(f->theme, style).fg;
}

struct svg_type figure_label(const struct figure *f, enum svg_anchor anchor)
{
	return (struct svg_type){ .size = SIZE_LABEL, .color = figure_ink(f, STYLE_LABEL), .anchor = anchor, .mono = true };
}

/* ---- labels ---- */

/* The byte where the character after the one at `at` begins. */
static size_t next_character(const char *text, size_t at)
{
	for (at++; ((unsigned char)text[at] & 0xC0) == 0x80; at++)
		;
	return at;
}

/* How many bytes fill at most so many columns. */
static size_t bytes_for(const char *text, int columns)
{
	size_t n = 0;

	while (text[n] && canvas_columns(text, next_character(text, n)) <= columns)
		n = next_character(text, n);
	return n;
}

void figure_cut(const char *text, int columns, struct str *out)
{
	bool whole = canvas_columns(text, strlen(text)) <= columns;

	str_add_n(out, text, whole ? strlen(text) : bytes_for(text, columns - 1));
	if (!whole)
		str_add(out, "…");
}

double figure_label_width(const struct axis *axis, int i)
{
	struct str label;
	double w;

	str_init(&label);
	figure_cut(axis->show[i], LABEL_COLUMNS, &label);
	w = svg_width(label.s, SIZE_LABEL, true) + (axis->id ? 2 * ROOM : 0);
	str_done(&label);
	return w;
}

double figure_labels_width(const struct axis *axis)
{
	double widest = 0;

	for (int i = 0; i < axis->n; i++)
		widest = fmax(widest, figure_label_width(axis, i));
	return widest;
}

void figure_label_draw(const struct figure *f, const struct axis *axis, int i, double x, double y, enum svg_anchor anchor,
		       double angle)
{
	double w = figure_label_width(axis, i), left = anchor == SVG_START ? x : anchor == SVG_END ? x - w : x - w / 2;
	double inset = !axis->id || anchor == SVG_MIDDLE ? 0 : anchor == SVG_END ? -ROOM : ROOM;
	struct str label;

	str_init(&label);
	figure_cut(axis->show[i], LABEL_COLUMNS, &label);
	if (angle != 0)
		svg_group_turned(f->out, angle, x, y);
	if (axis->id)
		svg_box(f->out, left, y - SIZE_LABEL * 0.68, w, SIZE_LABEL * 1.36, theme_ink(f->theme, STYLE_POPUP).bg,
			figure_ink(f, STYLE_BORDER));
	svg_text(f->out, x + inset, y + SIZE_LABEL * 0.35, figure_label(f, anchor), label.s);
	if (angle != 0)
		svg_group_end(f->out);
	str_done(&label);
}

/* ---- paragraphs: the same function measures and sets ---- */

struct paragraph {
	struct svg_type type;
	double x, w;
};

static double wrap(struct str *out, const struct paragraph *p, double y, const char *text)
{
	int columns = (int)(p->w / svg_width("x", p->type.size, false)), lines = 0;
	struct str line;

	str_init(&line);
	for (const char *from = text; *from; lines++) {
		size_t end = bytes_for(from, columns), space = end;

		while (from[end] && space && from[space] != ' ') /* a word that goes beyond is for the next line */
			space--;
		end = space ? space : end ? end : next_character(from, 0);
		str_clear(&line);
		str_add_n(&line, from, end);
		if (out)
			svg_text(out, p->x, y + (lines * LEADING + 0.9) * p->type.size, p->type, line.s);
		from += end + strspn(from + end, " ");
	}
	str_done(&line);
	return lines * LEADING * p->type.size;
}

/* ---- what they say ---- */

static void write_title(const struct answer *a, struct str *out)
{
	const struct table *t = a->table;

	str_add(out, t->title ? t->title : t->analysis);
	if (t->units == 1 && t->unit && *t->unit[0] && !t->parts.quantity)
		str_addf(out, " · %s", t->unit[0]);
}

static void write_text(struct str *out, const char *name, const char *text)
{
	struct str cut;

	str_init(&cut);
	figure_cut(text, PROMPT_COLUMNS, &cut);
	str_addf(out, " %s “%s”.", name, cut.s);
	str_done(&cut);
}

static void write_subject(const struct answer *a, struct str *out)
{
	const struct model_facts *m = &a->of->model;

	str_addf(out, "%s · %s · %d layers, %d heads.", m->name, m->family, m->L, m->H);
	if (a->table->over)
		str_addf(out, " Mean over %s.", a->table->error_over ? a->table->error_over : "prompts");
	else
		write_text(out, "Prompt", a->job->prompt);
	if (!a->table->over && a->job->foil)
		write_text(out, "Foil", a->job->foil);
}

static void write_metric(const struct answer *a, struct str *out)
{
	bool edited = false;

	if (a->pane->analysis->metrics) {
		str_addf(out, "Metric %s = ", answer_metric(a));
		str_addf(out, "%.4g", answer_value(a));
	}
	for (int i = 0; i < a->job->edits; i++) {
		if (!a->job->edit[i].on)
			continue;
		if (!edited && a->pane->analysis->metrics)
			str_addf(out, " (unedited %.4g)", answer_unedited(a));
		str_addf(out, "%s%s", edited ? " · " : out->n ? ". Edits: " : "Edits: ", a->job->edit[i].line);
		edited = true;
	}
	str_add(out, edited ? "." : out->n ? ". No edits." : "No edits.");
}

static void write_remarks(const struct answer *a, struct str *out)
{
	const struct table *t = a->table;

	if (t->footnote) {
		number_sentence(t->footnote, out);
		str_add(out, ". ");
	}
	if (t->error && t->error_over)
		str_addf(out, "Lines: ± one standard error over %s. ", t->error_over);
	if (t->check.name && check_holds(&t->check))
		str_addf(out, "✓ %s. ", t->check.name);
	else if (t->check.name)
		str_addf(out, "✗ %s: %.6g instead of %.6g. ", t->check.name, t->check.actual, t->check.expected);
	if (a->pane->analysis->paper)
		str_addf(out, "Technique: %s. ", a->pane->analysis->paper);
	str_addf(out, "lmscope %s", LMSCOPE_VERSION);
}

/* ---- the legend ---- */

static double legend_h(const struct figure *f, const struct picture *p)
{
	struct span s = span_of(f->t, NULL, f->a->sink_in);

	return p->has_legend && s.any ? RAMP_H + 2 * ROOM : 0;
}

static void draw_legend(const struct figure *f, double x, double y)
{
	struct number_form form = number_form(f->t, ALL_COLUMNS);
	struct span s = span_of(f->t, NULL, f->a->sink_in);
	bool fixed = s.scale == SCALE_PROBABILITY || s.scale == SCALE_RANK, downwards = span_at(&s, s.lo) > span_at(&s, s.hi);
	struct svg_type type = figure_label(f, SVG_START);
	int32_t stops[STOPS];
	struct str text;
	char number[NUMBER_BYTES], half[2][NUMBER_BYTES];

	type.size = SIZE_NUMBER;
	str_init(&text);
	str_add(&text, f->t->scale == SCALE_PROBABILITY ? "0" : number_print(&form, s.lo, number));
	svg_text(f->out, x, y + RAMP_H - 0.8, type, text.s);
	x += svg_width(text.s, SIZE_NUMBER, true) + ROOM;
	for (int i = 0; i < STOPS; i++)
		stops[i] = theme_ramp(f->theme, ramp_of(s.scale), (float)(downwards ? STOPS - 1 - i : i) / (STOPS - 1)).bg;
	svg_gradient(f->out, "ramp", x, y, RAMP_W, RAMP_H, stops, STOPS, figure_ink(f, STYLE_BORDER));
	str_clear(&text);
	str_add(&text, f->t->scale == SCALE_PROBABILITY ? "1" : number_print(&form, s.hi, number));
	if (f->t->unit && *f->t->unit[0])
		str_addf(&text, " %s", f->t->unit[0]);
	span_half_print(&s, form, half);
	if (half[0][0])
		str_addf(&text, " · middle colour %s%s%s", half[0], half[1][0] ? ", " : "", half[1]);
	if (f->t->meaning)
		str_addf(&text, " · %s", f->t->meaning);
	if (f->t->skip_first && !f->a->sink_in)
		str_addf(&text, fixed ? " · %s muted" : " · colour range excludes %s", f->t->cols.show[0]);
	svg_text(f->out, x + RAMP_W + ROOM, y + RAMP_H - 0.8, type, text.s);
	str_done(&text);
}

/* ---- all of it ---- */

struct figure_words {
	struct str title, subject, metric, remarks, about;
};

static void find_words(const struct answer *a, struct figure_words *w)
{
	str_init(&w->title);
	str_init(&w->subject);
	str_init(&w->metric);
	str_init(&w->remarks);
	str_init(&w->about);
	write_title(a, &w->title);
	write_subject(a, &w->subject);
	write_metric(a, &w->metric);
	write_remarks(a, &w->remarks);
	str_addf(&w->about, "%s %s %s", w->subject.s, w->metric.s, w->remarks.s);
}

static void words_done(struct figure_words *w)
{
	str_done(&w->title);
	str_done(&w->subject);
	str_done(&w->metric);
	str_done(&w->remarks);
	str_done(&w->about);
}

/* Sets the caption below y, or only measures it (out NULL). Returns its height. */
static double caption(const struct figure *f, struct str *out, const struct figure_words *w, double y, double width)
{
	struct paragraph p = { { .size = SIZE_CAPTION, .color = figure_ink(f, STYLE_TEXT) }, MARGIN, width };
	double h = wrap(out, &p, y, w->subject.s);

	h += wrap(out, &p, y + h, w->metric.s);
	p.type.color = figure_ink(f, STYLE_DIM);
	return h + wrap(out, &p, y + h, w->remarks.s);
}

void figure_svg(const struct answer *a, const struct theme *theme, struct str *out)
{
	struct figure f = { a, a->table, theme, out, MOST_W - 2 * MARGIN };
	const struct picture *picture = picture_for(a);
	struct paragraph title = { { .size = SIZE_TITLE, .color = figure_ink(&f, STYLE_TITLE), .bold = true }, MARGIN, 0 };
	struct figure_words words;
	double w, h, y, title_h, legend = legend_h(&f, picture);

	find_words(a, &words);
	picture->size(&f, &w, &h);
	title.w = fmax(w, LEAST_W - 2 * MARGIN);
	title_h = wrap(NULL, &title, 0, words.title.s) + ROOM;
	y = MARGIN + title_h + legend + h + 3 * ROOM;
	svg_begin(out, title.w + 2 * MARGIN, y + caption(&f, NULL, &words, 0, title.w) + MARGIN, words.title.s, words.about.s);
	str_add(out, "<rect width=\"100%\" height=\"100%\" fill=\"");
	svg_color(out, theme_ink(theme, STYLE_TEXT).bg, WHITE);
	str_add(out, "\"/>\n");
	wrap(out, &title, MARGIN, words.title.s);
	if (legend > 0)
		draw_legend(&f, MARGIN, MARGIN + title_h);
	picture->draw(&f, MARGIN, MARGIN + title_h + legend);
	caption(&f, out, &words, y, title.w);
	svg_end(out);
	words_done(&words);
}
