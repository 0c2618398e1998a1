/* foot.c - the lines below a table: the ramp with its range, what is shown of how many, a footnote, and the check. See views.h. */
#include "tui/views/views.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { SEGMENTS = 14, GAP = 3, RAMP_W = 10, SEGMENT_BYTES = 400 };

/* A piece of text, or of text, ramp, text. */
struct segment {
	int w;
	struct ink ink;
	bool ramp, downwards; /* the strongest colour first */
	/* the values between the ramp's parts, where half its strength is not half way; "": one part */
	char half[2][NUMBER_BYTES];
	bool stays; /* the check: the others give way to it */
	bool right; /* at the right edge */
	char text[SEGMENT_BYTES], after[SEGMENT_BYTES];
};

struct foot {
	struct segment segment[SEGMENTS];
	int line[SEGMENTS], x[SEGMENTS];
	int n;
};

/* The same margin as above. */
static struct rect ground(const struct view *v)
{
	int margin = v->rect.w >= MARGIN_FROM;

	return (struct rect){ v->rect.x + margin, v->rect.y, v->rect.w - 2 * margin, v->rect.h };
}

static struct segment *add(struct foot *f, const struct view *v, enum style style)
{
	struct segment *s = &f->segment[f->n++];

	*s = (struct segment){ .ink = theme_ink(v->theme, v->stale ? STYLE_STALE : style) };
	return s;
}

static void set_sentence(struct segment *s, const char *text)
{
	struct str shown;

	str_init(&shown);
	number_sentence(text, &shown);
	snprintf(s->text, sizeof s->text, "%s", shown.s);
	str_done(&shown);
}

/* Of the range that was the unedited table's: how many cells it has no colour for. */
static int cells_beyond(const struct view *v, const struct plan *p)
{
	int n = 0;

	for (int i = 0; p->held && i < v->table->rows.n * v->table->cols.n; i++)
		n += span_is_beyond(&p->span, v->table->value[i]);
	return n;
}

/* Where a ramp is parted: in the middle, a diverging one in both halves; returns how many parts. */
static int ramp_parts(const struct segment *s, int part[3])
{
	part[0] = s->half[1][0] ? RAMP_W / 4 : s->half[0][0] ? RAMP_W / 2 : RAMP_W;
	part[1] = s->half[1][0] ? RAMP_W - 2 * (RAMP_W / 4) : RAMP_W - part[0];
	part[2] = RAMP_W - part[0] - part[1];
	return 1 + (s->half[0][0] != '\0') + (s->half[1][0] != '\0');
}

static int ramp_columns(const struct segment *s)
{
	int w = RAMP_W;

	for (int i = 0; i < 2 && s->half[i][0]; i++)
		w += canvas_columns(s->half[i], strlen(s->half[i])) + 2;
	return w;
}

static int legend_columns(const struct segment *s)
{
	return canvas_columns(s->text, strlen(s->text)) + 1 + ramp_columns(s) + 1 + canvas_columns(s->after, strlen(s->after));
}

/* "-2.86 ▒░░▒ 2.86 logit (of the unedited run)"; then what the numbers mean. */
static void add_legend(struct foot *f, const struct view *v, const struct plan *p)
{
	const struct table *t = v->table;
	struct number_form form = number_form(t, ALL_COLUMNS);
	bool fixed = t->scale == SCALE_PROBABILITY || t->scale == SCALE_RANK,
	     downwards = span_at(&p->span, p->span.lo) > span_at(&p->span, p->span.hi);
	struct segment *s = add(f, v, STYLE_DIM);
	const char *unit = t->unit && t->unit[0] && strcmp(t->unit[0], "normalised") ? t->unit[0] : "";
	char number[NUMBER_BYTES];
	int beyond = cells_beyond(v, p);

	if (!p->span.any) {
		snprintf(s->text, sizeof s->text, "no values");
		return;
	}
	s->ramp = true;
	s->downwards = downwards;
	span_half_print(&p->span, form, s->half);
	if (fixed)
		form.decimals = 0;
	snprintf(s->text, sizeof s->text, "%s", number_print(&form, p->span.lo, number));
	snprintf(s->after, sizeof s->after, "%s%s%s%s", number_print(&form, p->span.hi, number), *unit ? " " : "", unit,
		 p->held && !fixed ? " (of the unedited run)" : "");
	if (legend_columns(s) > ground(v).w) /* the title has the unit */
		snprintf(s->after, sizeof s->after, "%s", number_print(&form, p->span.hi, number));
	if (legend_columns(s) > ground(v).w) /* the ends are worth more than what is between them */
		s->half[0][0] = s->half[1][0] = '\0';
	if (t->meaning)
		snprintf(add(f, v, STYLE_DIM)->text, SEGMENT_BYTES, "%s", t->meaning);
	if (beyond && !fixed)
		snprintf(add(f, v, STYLE_EDITED)->text, SEGMENT_BYTES, "%d cell%s beyond", beyond, beyond == 1 ? "" : "s");
}

static void add_excluded(struct foot *f, const struct view *v)
{
	const struct table *t = v->table;
	bool fixed = t->scale == SCALE_PROBABILITY || t->scale == SCALE_RANK;

	if (t->skip_first && !v->sink_in)
		snprintf(add(f, v, STYLE_DIM)->text, SEGMENT_BYTES, fixed ? "%s muted" : "colour range excludes %s",
			 t->cols.show[0]);
}

/* What the dots stand for that are printed in place of numbers. */
static void add_quiet(struct foot *f, const struct view *v, const struct plan *p)
{
	const struct table *t = v->table;
	float width = (t->scale == SCALE_DIVERGING ? 0.5f : 1) * (p->span.hi - p->span.lo) * SPAN_QUIET;
	int n = 0;

	for (int i = 0; i < t->rows.n * t->cols.n; i++)
		n += span_is_quiet(&p->span, t->value[i]);
	if (!n || !(width > 0) || isnan(p->span.neutral) || t->scale == SCALE_RANK ||
	    (p->zoom != ZOOM_NUMBER && p->zoom != ZOOM_SHADE))
		return;
	snprintf(add(f, v, STYLE_DIM)->text, SEGMENT_BYTES, "%s within %.2g of %.4g", theme_dot(v->theme), (double)width,
		 (double)p->span.neutral);
}

/* "layer 12–29 of 30" for an axis that is not all there. */
static void add_mark(struct foot *f, const struct view *v, const struct axis *axis, int from, int to)
{
	struct segment *s = add(f, v, STYLE_DIM);

	snprintf(s->text, sizeof s->text, "%s %d–%d of %d", axis->name ? axis->name : dim_step(axis->dim), from, to, axis->n);
}

static void add_marks(struct foot *f, const struct view *v, const struct plan *p)
{
	const struct table *t = v->table;

	if (p->pool_rows > 1 || p->pool_cols > 1)
		snprintf(add(f, v, STYLE_DIM)->text, SEGMENT_BYTES, "each cell: the strongest of %d × %d", p->pool_rows,
			 p->pool_cols);
	if (p->page_rows < p->rows) {
		int a = plan_table_row(p, t, p->top), b = plan_table_row(p, t, p->top + p->page_rows - 1);

		add_mark(f, v, &t->rows, a < b ? a : b, a < b ? b : a);
	}
	if (p->page_cols < p->cols)
		add_mark(f, v, &t->cols, p->left, p->left + p->page_cols - 1);
}

/* What the view itself has to say. */
static void add_remarks(struct foot *f, const struct view *v, const struct view_kind *kind, const struct plan *p)
{
	enum { MOST = 4 };
	struct str says;
	int n = 0;

	str_init(&says);
	if (kind->says)
		kind->says(v, p, &says);
	for (const char *line = says.s; line && *line && n < MOST; n++) {
		size_t length = strcspn(line, "\n");

		snprintf(add(f, v, STYLE_DIM)->text, SEGMENT_BYTES, "%.*s", (int)length, line);
		line += length + (line[length] == '\n');
	}
	str_done(&says);
}

/*
 * One ✓ at the right edge while the identity holds. Where it does not, the sentence, and the numbers first where it might be
 * cut.
 */
static void add_check(struct foot *f, const struct view *v, int w)
{
	const struct check *k = &v->table->check;
	struct segment *s = add(f, v, check_holds(k) ? STYLE_GOOD : STYLE_ERROR);
	char text[SEGMENT_BYTES];

	s->stays = true;
	s->right = check_holds(k);
	if (s->right) {
		snprintf(s->text, sizeof s->text, "✓");
		return;
	}
	snprintf(text, sizeof text, "✗ %s: %.7g ≠ %.7g", k->name, k->actual, k->expected);
	if (canvas_columns(text, strlen(text)) > w)
		snprintf(text, sizeof text, "✗ %.7g ≠ %.7g: %s", k->actual, k->expected, k->name);
	set_sentence(s, text);
}

static void gather(struct foot *f, const struct view *v, const struct view_kind *kind, const struct plan *p)
{
	f->n = 0;
	if (kind->has_legend)
		add_legend(f, v, p);
	if (!kind->hit) /* its lines are rows of the table */
		add_marks(f, v, p);
	add_remarks(f, v, kind, p);
	if (v->table->footnote)
		set_sentence(add(f, v, STYLE_DIM), v->table->footnote);
	if (kind->has_legend) {
		add_quiet(f, v, p);
		add_excluded(f, v);
	}
	if (v->table->check.name)
		add_check(f, v, ground(v).w);
	for (int i = 0; i < f->n; i++) {
		struct segment *s = &f->segment[i];

		s->w = s->ramp ? legend_columns(s) : canvas_columns(s->text, strlen(s->text));
	}
}

/* Puts the segments into lines of w columns; returns how many lines. */
static int flow(struct foot *f, int w)
{
	int y = 0, at = 0;

	for (int i = 0; i < f->n; i++) {
		if (at && at + (f->segment[i].right ? 1 : GAP) + f->segment[i].w > w) {
			y++;
			at = 0;
		}
		f->line[i] = y;
		f->x[i] = at ? at + GAP : 0;
		at = f->x[i] + f->segment[i].w;
	}
	return f->n ? y + 1 : 0;
}

/* Leaves out the last ones that need not stay until the rest fits in `limit` lines. */
static void squeeze(struct foot *f, int w, int limit)
{
	while (f->n && flow(f, w) > limit) {
		int victim = f->n - 1;

		if (f->segment[victim].stays && victim > 0)
			victim--;
		f->n--;
		memmove(&f->segment[victim], &f->segment[victim + 1], (size_t)(f->n - victim) * sizeof *f->segment);
	}
}

int foot_lines(const struct view *v, const struct view_kind *kind, const struct plan *p, int limit)
{
	struct foot f;
	int lines;

	gather(&f, v, kind, p);
	lines = flow(&f, ground(v).w);
	limit = limit > v->edge ? limit : v->edge;
	return lines < limit ? lines : limit > 0 ? limit : 0;
}

static void draw_ramp(struct canvas *c, const struct view *v, const struct segment *s, int x, int y)
{
	enum ramp ramp = ramp_of(v->table->scale);
	int part[3], parts = ramp_parts(s, part), step = 0;

	for (int k = 0; k < parts; k++) {
		for (int i = 0; i < part[k]; i++, step++) {
			float at = (float)(s->downwards ? RAMP_W - 1 - step : step) / (RAMP_W - 1);

			canvas_text(c, x++, y, theme_shade_ink(v->theme, ramp, at), theme_shade(v->theme, ramp, at));
		}
		if (k < parts - 1)
			x += canvas_text(c, x + 1, y, s->ink, s->half[k]) + 2;
	}
}

void foot_draw(struct canvas *c, const struct view *v, const struct view_kind *kind, const struct plan *p)
{
	struct rect r = ground(v);
	struct foot f;

	gather(&f, v, kind, p);
	squeeze(&f, r.w, p->foot_lines);
	if (!p->foot_lines)
		return;
	for (int i = 0; i < f.n; i++) {
		const struct segment *s = &f.segment[i];
		int x = s->right ? r.x + r.w - s->w : r.x + f.x[i], room = r.x + r.w - x;
		int y = p->foot_y +
			(v->edge ? (f.line[i] + p->foot_lines - 1) % p->foot_lines : f.line[i]); /* the first in the edge */

		if (y == v->rect.y + v->rect.h) /* in the frame's edge */
			canvas_repeat(c, x - 1, y, (s->w < room ? s->w : room) + 2, s->ink, " ");
		canvas_field(c, x, y, s->w < room ? s->w : room, ALIGN_LEFT, s->ink, s->text);
		if (!s->ramp)
			continue;
		x += canvas_columns(s->text, strlen(s->text)) + 1;
		draw_ramp(c, v, s, x, y);
		canvas_text(c, x + ramp_columns(s) + 1, y, s->ink, s->after);
	}
}
