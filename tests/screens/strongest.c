/* strongest.c - the strongest cells, and the walk through them. */
#include "engine/base/utf8.h"
#include "tests/screens/stage.h"
#include "tui/app/binding.h"
#include "tui/app/strongest.h"

static float value_here(const struct stage *s)
{
	struct answer_shown answer;
	int row, col;

	question_answer(&s->app, s->app.focus, &answer);
	cursor_in(&s->app, answer.table, &row, &col);
	return answer.table->value[table_cell(answer.table, row, col)];
}

static int count(const struct table *t, bool skip_first, int cell[STRONGEST_MOST])
{
	return strongest_cells(t, skip_first, 0, cell);
}

/* Farthest from neutral first; what the colours leave out is left out. */
static void strongest_of_a_table(void)
{
	static const float values[] = { 9, -2, 1, NAN, 0, 3, -8, 5, 4 };
	int cell[STRONGEST_MOST];
	struct err err;
	struct table *t = table_new(3, 3, &err);

	axis_numbers(t, &t->rows, DIM_POSITION);
	axis_numbers(t, &t->cols, DIM_KEY);
	memcpy(t->value, values, sizeof values);
	t->scale = SCALE_DIVERGING;
	t->skip_first = true;
	CHECK_THAT(count(t, true, cell) == 4 && cell[0] == 7 && cell[1] == 8 && cell[2] == 5 && cell[3] == 4,
		   "without the first token");
	CHECK_THAT(count(t, false, cell) == 8 && cell[0] == 0 && cell[1] == 6 && cell[7] == 4, "with it");
	t->neutral = 5;
	CHECK_THAT(count(t, false, cell) == 8 && cell[0] == 6 && cell[7] == 7, "neutral is what the table says");
	table_unref(t);
}

static void strongest(void)
{
	struct stage s;
	float first, second;

	raise_curtain(&s);
	press(&s, "3 S Enter");
	first = fabsf(value_here(&s));
	CHECK_THAT(!s.app.popup, "Enter goes there");
	press(&s, "n");
	second = fabsf(value_here(&s));
	CHECK_THAT(second <= first && second > 0, "n goes to the next: %g, %g", (double)first, (double)second);
	press(&s, "N");
	CHECK_THAT(fabsf(value_here(&s)) == first, "N goes back");
	press(&s, "S Down Enter");
	CHECK(fabsf(value_here(&s)) == second);
	press(&s, "1 / 'rome Enter");
	CHECK_THAT(!s.app.walks_strongest, "a search is walked through when it is the last");
	press(&s, "n");
	CHECK(!strstr(s.app.message.s, "strongest"));
	press(&s, "S Esc n");
	CHECK_THAT(strstr(s.app.message.s, "strongest cells: ") != NULL, "%s", s.app.message.s);
	drop_curtain(&s);
}

static int columns_to(const char *line, const char *end)
{
	return utf8_columns(line, (size_t)(end - line));
}

/* Numbers of one pane are under each other, with as many decimals each; the title has their unit. */
static void aligned(void)
{
	struct stage s;
	struct list list;
	struct list_item item;
	const char *point;
	int wrong = 0;

	raise_curtain(&s);
	press(&s, "3 S");
	popup_marked(&s.app, &list, &item);
	point = strchr(item.detail, '.');
	CHECK(list.n > 3 && point && list.title && strstr(list.title, "logit") && !strstr(item.detail, "logit"));
	for (int i = 0; point && i < list.n; i++) {
		const char *here = strchr(list.item[i].detail, '.');

		wrong += !here || columns_to(list.item[i].detail, here) != columns_to(item.detail, point) ||
			 strlen(here) != strlen(point);
	}
	CHECK_THAT(!wrong, "%d of %d numbers are not under the first", wrong, list.n);
	list_done(&list);
	drop_curtain(&s);
}

int main(void)
{
	aligned();
	strongest_of_a_table();
	strongest();
	return tap_done();
}
