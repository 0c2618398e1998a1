/* param.c - arguments of techniques: choices, numbers, dimensions; what is refused, and in which words. */
#include "engine/analysis/param.h"
#include "tests/tap.h"

static const struct param params[] = {
	{ "show", .choices = "probability|logit|rank", .help = "what" },
	{ "k", .lo = 1, .hi = 50, .start = 10, .help = "how many" },
	{ "layer", .dim = DIM_LAYER, .start = -1, .help = "which" },
	{ 0 },
};

static void test_lists(void)
{
	int n;

	CHECK(param_count(params) == 3 && param_count(NULL) == 0);
	CHECK(param_find(params, "k") == 1 && param_find(params, "kk") == -1);
	CHECK(param_choices(&params[0]) == 3 && param_choices(&params[1]) == 0);
	CHECK(!strncmp(param_choice(&params[0], 1, &n), "logit", 5) && n == 5);
	CHECK(!strcmp(param_choice(&params[0], 2, &n), "rank") && n == 4);
	CHECK(param_choice(&params[0], 3, &n) == NULL && n == 0);
}

static void test_parse(void)
{
	struct err err = { 0 };
	int value = 77;

	CHECK(param_parse(&params[0], "rank", 0, &value, &err) && value == 2);
	CHECK(!param_parse(&params[0], "ran", 0, &value, &err) && err.kind == ERR_USAGE && value == 2);
	CHECK_TEXT(err.text, "show is ran; expected probability, logit, rank");
	CHECK(param_parse(&params[1], "50", 0, &value, &err) && value == 50);
	CHECK(!param_parse(&params[1], "51", 0, &value, &err) && err.kind == ERR_USAGE);
	CHECK_TEXT(err.text, "k is 51; expected 1 … 50");
	CHECK(!param_parse(&params[1], "", 0, &value, &err));
	CHECK(!param_parse(&params[1], "5x", 0, &value, &err));
	CHECK(!param_parse(&params[1], "99999999999999999999", 0, &value, &err));
	CHECK(param_parse(&params[2], "-3", 0, &value, &err) && value == -3);
	CHECK(param_parse(&params[2], "123", 0, &value, &err) && value == 123);
	CHECK(!param_parse(&params[2], "4", 4, &value, &err) && err.kind == ERR_ARGUMENT && value == 123);
}

static void test_resolve_and_print(void)
{
	struct err err = { 0 };
	struct str s;
	int value = 0;

	CHECK(param_resolve(&params[2], -1, 4, &value, &err) && value == 3);
	CHECK(param_resolve(&params[2], -4, 4, &value, &err) && value == 0);
	CHECK(!param_resolve(&params[2], -5, 4, &value, &err) && err.kind == ERR_ARGUMENT);
	CHECK(!param_resolve(&params[2], 4, 4, &value, &err));
	CHECK_TEXT(err.text, "there is no layer 4: this has 4, 0 … 3");
	CHECK(!param_resolve(&params[0], 3, 0, &value, &err));
	CHECK(!param_resolve(&params[1], 0, 0, &value, &err));
	str_init(&s);
	param_print(&params[0], 1, &s);
	str_add_char(&s, ' ');
	param_print(&params[2], -1, &s);
	str_add(&s, " | ");
	param_range_text(&params[2], 4, &s);
	str_add(&s, " | ");
	param_range_text(&params[2], 0, &s);
	CHECK_TEXT(s.s, "logit -1 | 0 … 3 | a layer, negative from the end");
	str_done(&s);
}

int main(void)
{
	test_lists();
	test_parse();
	test_resolve_and_print();
	return tap_done();
}
