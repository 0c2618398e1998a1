/* strongest.c - the list of the pane's strongest cells, to go to; and the walk through them. */
#include "tui/app/strongest.h"

#include <math.h>
#include <string.h>

#include "engine/base/utf8.h"
#include "tui/app/binding.h"
#include "tui/draw/text.h"
#include "tui/panes/lists.h"
#include "tui/views/views.h"

/* The cells of the pane with the keys; NULL: it has no table yet. */
static const struct table *cells_here(const struct app *app, int cell[STRONGEST_MOST], int *n)
{
	struct answer_shown answer = { 0 };
	int row, col;

	*n = 0;
	if (app->doc.job.panes)
		question_answer(app, app->focus, &answer);
	if (!answer.table)
		return NULL;
	cursor_in(app, answer.table, &row, &col);
	*n = strongest_cells(answer.table, answer.table->skip_first && !app->pane[app->focus].sink_in, col < 0 ? 0 : col, cell);
	return answer.table;
}

/* With as many decimals in each line, so that they can be compared; the unit is in the title. */
static struct number_form form_of(const struct table *t, int cell)
{
	struct number_form form = number_form(t, t->units > 1 ? cell % t->cols.n : ALL_COLUMNS);

	if (form.decimals && !form.exponent) { /* neighbours in the list are close to each other */
		form.decimals++;
		form.width++;
	}
	return form;
}

static void add_value(const struct table *t, const struct number_form *form, int cell, struct str *out)
{
	char text[NUMBER_BYTES];
	const char *number = number_print(form, t->value[cell], text);

	str_addf(out, "%*s%s", form->width - utf8_columns(number, strlen(number)), "", number);
	if (t->error && !isnan(t->error[cell]))
		str_addf(out, " ± %s", number_print(form, t->error[cell], text));
	if (t->word_show && t->word_show[cell])
		str_addf(out, "  %s", t->word_show[cell]);
	if (t->mark && t->mark[cell])
		str_add(out, "  marked !");
}

static void fill_strongest(const struct app *app, struct list *list)
{
	int cell[STRONGEST_MOST], n;
	const struct table *t = cells_here(app, cell, &n);
	struct number_form form = n ? form_of(t, *cell) : (struct number_form){ 0 };
	const char *unit = n && t->unit ? t->unit[t->units > 1 ? *cell % t->cols.n : 0] : NULL;
	struct str place, value;

	str_init(&place);
	str_init(&value);
	for (int i = 0; i < n; i++) {
		str_clear(&place);
		str_clear(&value);
		text_place(t, cell[i] / t->cols.n, cell[i] % t->cols.n, &place);
		add_value(t, &form, cell[i], &value);
		list_add(list, place.s, value.s)->id = cell[i];
	}
	if (unit && *unit)
		list->title = arena_printf(list->arena, "strongest cells of this pane · %s", unit);
	str_done(&place);
	str_done(&value);
}

static void go_to(struct app *app, const struct table *t, int cell)
{
	cursor_to(app, t, cell / t->cols.n, cell % t->cols.n);
}

static void choose_cell(struct app *app, const struct list_item *item)
{
	int cell[STRONGEST_MOST], n;
	const struct table *t = cells_here(app, cell, &n);

	if (t && item->id < t->rows.n * t->cols.n) /* the answer may be another by now */
		go_to(app, t, item->id);
	popup_close(app);
}

static const struct popup popup_strongest = {
	.title = "strongest cells of this pane",
	.fill = fill_strongest,
	.choose = choose_cell,
	.empty = "this pane has no numbers yet",
};

void act_strongest(struct app *app, const char *argument)
{
	(void)argument;
	app->walks_strongest = true;
	popup_open(app, &popup_strongest);
}

void strongest_walk(struct app *app, int by)
{
	int cell[STRONGEST_MOST], n, row, col, at = -1;
	const struct table *t = cells_here(app, cell, &n);

	if (!n) {
		app_say(app, STYLE_WARNING, "this pane has no numbers yet");
		return;
	}
	cursor_in(app, t, &row, &col);
	for (int i = 0; i < n; i++)
		if (row >= 0 && col >= 0 && cell[i] == (int)table_cell(t, row, col))
			at = i;
	at = at < 0 ? 0 : (at + by + n) % n;
	go_to(app, t, cell[at]);
	app_say(app, STYLE_DIM, "strongest cells: %d of %d", at + 1, n);
}
