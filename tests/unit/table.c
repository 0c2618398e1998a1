/* table.c - tables own what they show: cells, labels, words, counting, differences, ranges. */
#include "engine/analysis/table.h"
#include "tests/tap.h"

static void test_cells_and_labels(void)
{
	struct err err = { 0 };
	struct table *t = table_new(2, 3, &err);
	char label[] = "embed";

	CHECK(isnan(t->value[0]) && isnan(t->value[5]) && table_cell(t, 1, 2) == 5);
	axis_numbers(t, &t->rows, DIM_LAYER);
	CHECK_TEXT(t->rows.label[1], "1");
	CHECK_TEXT(t->rows.name, "layer");
	axis_label(t, &t->cols, 0, label);
	label[0] = 'X';
	CHECK_TEXT(t->cols.label[0], "embed");
	axis_token(t, &t->cols, 1, 42, "a\0b", 3, "a\\x00b");
	CHECK(t->cols.id[1] == 42 && t->cols.label_bytes[1] == 3 && !memcmp(t->cols.label[1], "a\0b", 4));
	axis_place(t, &t->cols, 2, place_at(SITE_MLP_OUT, 3, -1, -1));
	CHECK(t->cols.place[2].layer == 3 && t->cols.place[0].site == SITE_NONE);
	table_set_words(t);
	CHECK(t->id[4] == -1 && !*t->word[4]);
	table_set_word(t, 4, 7, " Paris", 6, "·Paris");
	CHECK(t->id[4] == 7 && t->word_bytes[4] == 6);
	CHECK_TEXT(t->word_show[4], "·Paris");
	CHECK(table_ref(t) == t && t->refs == 2);
	table_unref(t);
	CHECK(t->refs == 1);
	table_unref(t);
	table_unref(NULL);
	CHECK(!table_new(1 << 30, 1 << 30, &err) && err.kind == ERR_MEMORY);
}

static struct table *ranking(const int32_t *ids, const float *values, int n)
{
	struct err err = { 0 };
	struct table *t = table_new(n, 1, &err);

	axis_numbers(t, &t->rows, DIM_RANK);
	table_set_words(t);
	table_set_unit(t, "logit");
	table_set_title(t, "ranking", NULL, NULL);
	for (int i = 0; i < n; i++) {
		t->value[i] = values[i];
		table_set_word(t, (size_t)i, ids[i], "x", 1, "x");
	}
	return t;
}

static void test_minus(void)
{
	struct err err = { 0 };
	struct table *a = ranking((int32_t[]){ 5, 6, 7 }, (float[]){ 3, 2, 1 }, 3);
	struct table *b = ranking((int32_t[]){ 6, 5, 8 }, (float[]){ 9, 4, 1 }, 3);
	struct table *c = ranking((int32_t[]){ 6, 5 }, (float[]){ 9, 4 }, 2);
	struct table *d = table_minus(a, b, "edited − unedited", &err);

	CHECK_THAT(d->value[0] == -1 && d->value[1] == -7 && isnan(d->value[2]), "ranks are matched by their token");
	CHECK(d->scale == SCALE_DIVERGING && d->id[2] == 7);
	CHECK_TEXT(d->title, "ranking · edited − unedited");
	CHECK_TEXT(d->unit[0], "logit");
	CHECK_TEXT(d->rows.label[2], "2");
	table_unref(d);
	a->rows.dim = b->rows.dim = DIM_LAYER;
	d = table_minus(a, b, "a − b", &err);
	CHECK_THAT(d->value[0] == -6 && d->value[1] == -2 && d->value[2] == 0, "other rows stay where they are");
	table_unref(d);
	a->rows.dim = DIM_COMPONENT;
	axis_label(a, &a->rows, 2, "edits");
	d = table_minus(a, c, "a − c", &err);
	CHECK_THAT(d->value[0] == -6 && d->value[1] == -2 && d->value[2] == 1, "a component that is not there counts as 0");
	table_unref(d);
	a->rows.dim = DIM_LAYER;
	CHECK(!table_minus(a, c, "a − c", &err) && err.kind == ERR_ARGUMENT);
	CHECK(strstr(err.text, "3 × 1") && strstr(err.text, "2 × 1"));
	table_unref(a);
	table_unref(b);
	table_unref(c);
}

static void test_range_and_check(void)
{
	struct err err = { 0 };
	struct table *t = table_new(2, 2, &err);
	struct check check = { "rows sum to 1", 100, 100.5, 0.01 };
	float lo = 8, hi = 8;

	CHECK(!table_range(t, false, &lo, &hi) && lo == 8);
	t->value[0] = 9;
	t->value[2] = -1;
	t->value[3] = INFINITY;
	CHECK(table_range(t, false, &lo, &hi) && lo == -1 && hi == 9);
	t->value[3] = 2;
	t->value[1] = 3;
	t->cols.dim = DIM_KEY;
	CHECK(table_range(t, true, &lo, &hi) && lo == 2 && hi == 3);
	t->rows.dim = DIM_POSITION;
	CHECK(table_range(t, true, &lo, &hi) && lo == 2 && hi == 2);
	table_unref(t);
	CHECK(check_holds(&check));
	check.actual = 101.5;
	CHECK(!check_holds(&check));
	check.actual = NAN;
	CHECK(!check_holds(&check));
	check.name = NULL;
	CHECK(check_holds(&check));
}

/* Trees and graphs are copied with their rows; places of cells come from the table, its rows and its columns. */
static void test_relations(void)
{
	struct err err = { 0 };
	struct table *t = table_new(3, 2, &err), *copy;
	struct place place;

	axis_numbers(t, &t->rows, DIM_COMPONENT);
	axis_numbers(t, &t->cols, DIM_POSITION);
	axis_place(t, &t->rows, 0, place_at(SITE_ATTN_OUT, 3, -1, -1));
	axis_place(t, &t->rows, 1, place_at(SITE_RESULT, 3, 1, -1));
	table_set_tree(t);
	CHECK(t->parent[2] == -1 && !t->closed[2]);
	t->parent[1] = 0;
	t->closed[1] = true;
	table_set_edges(t, 1);
	CHECK(t->edge[0].place.site == SITE_NONE);
	t->edge[0] = (struct edge){ 2, 0, 0.5f, place_at(SITE_MLP_OUT, 2, -1, -1) };
	table_set_unit(t, "logit");
	table_set_title(t, "tree", NULL, NULL);
	t->analysis = "tree";
	copy = table_copy(t, &err);
	CHECK_THAT(copy->parent[1] == 0 && copy->closed[1] && copy->edges == 1 && copy->edge[0].from == 2 &&
			   copy->edge[0].weight == 0.5f && place_equal(&copy->edge[0].place, &t->edge[0].place) &&
			   copy->edge != t->edge,
		   "a copy relates its rows alike");
	CHECK_THAT(table_place(t, 1, 1, &place) && place.site == SITE_RESULT && place.unit == 1 && place.position == 1,
		   "a cell is where row and column say");
	CHECK_THAT(!table_place(t, 2, 1, &place), "a component that has no place is nowhere");
	table_unref(t);
	table_unref(copy);
}

int main(void)
{
	test_cells_and_labels();
	test_relations();
	test_minus();
	test_range_and_check();
	return tap_done();
}
