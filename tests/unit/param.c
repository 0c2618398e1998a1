/* param.c - arguments of techniques: each kind read, printed, stepped and checked; what is refused, and in which words. */
#include "engine/analysis/analysis.h"

#include "engine/base/intern.h"
#include "engine/model/model.h"
#include "tests/scratch.h"
#include "tests/tap.h"

static const struct choice shown[] = {
	{ "probability", "of the word", 3 }, { "logit", "before softmax", 7 }, { "rank", "of the token", 1 }, { 0 }
};
enum { SHOW, K, LAYER, RATE, TARGET, FILE_, CONTEXT, UNIT, OPEN, METHODS };
static const struct param params[] = {
	[SHOW] = { "show", PARAM_CHOICE, .choices = shown, .help = "what" },
	[K] = { "k", PARAM_INT, .lo = 1, .hi = 50, .start = 10, .words = "auto|all", .help = "how many" },
	[LAYER] = { "layer", PARAM_DIM, DIM_LAYER, .start = -1, .words = "all", .help = "which" },
	[RATE] = { "rate", PARAM_REAL, .lo = 0, .hi = 1, .start = 0.25, .help = "how fast" },
	[TARGET] = { "target", PARAM_TEXT, .help = "the prompt to patch into" },
	[FILE_] = { "file", PARAM_FILE, .help = "where it is" },
	[CONTEXT] = { "context", PARAM_POSITIONS, .words = "all", .help = "which tokens" },
	[UNIT] = { "unit", PARAM_UNIT, .help = "of what" },
	[OPEN] = { "open", PARAM_PLACES, .help = "which rows are open" },
	[METHODS] = { "methods", PARAM_WORDS, .choices = shown, .help = "which are compared" },
	{ 0 },
};

static bool parse(int i, const char *text, int n, struct value *value, struct err *err)
{
	return param_parse(&params[i], text, n, value, err);
}

static void test_lists(void)
{
	CHECK(param_count(params) == 10 && param_count(NULL) == 0);
	CHECK(param_find(params, "k") == K && param_find(params, "kk") == -1);
	CHECK(param_choices(&params[SHOW]) == 3 && param_choices(&params[K]) == 0);
	CHECK_TEXT(param_word(&params[SHOW], 7), "logit");
	CHECK_TEXT(param_choice(&params[SHOW], 1)->help, "of the token");
	CHECK(param_choice(&params[SHOW], 0) == NULL && !*param_word(&params[SHOW], 0));
	CHECK(param_default(&params[SHOW]).number == 3 && param_default(&params[LAYER]).number == -1 &&
	      !param_default(&params[FILE_]).text);
	CHECK(param_follows(&params[LAYER]) && !param_follows(&params[K]));
}

static void test_numbers(void)
{
	struct err err = { 0 };
	struct value v = { 77, NULL };

	CHECK(parse(SHOW, "rank", 0, &v, &err) && v.number == 1);
	CHECK(!parse(SHOW, "ran", 0, &v, &err) && err.kind == ERR_USAGE && v.number == 1);
	CHECK_TEXT(err.text, "show is ran; expected probability, logit, rank");
	CHECK(parse(K, "50", 0, &v, &err) && v.number == 50 && !v.text);
	CHECK(!parse(K, "51", 0, &v, &err) && err.kind == ERR_USAGE);
	CHECK_TEXT(err.text, "k is 51; expected 1 … 50, or auto, or all");
	for (const char *const *bad =
		     (const char *const[]){ "", "5x", "5.0", "1e1", "0x10", "nan", "99999999999999999999", "al", NULL };
	     *bad; bad++)
		CHECK_THAT(!parse(K, *bad, 0, &v, &err), "k is not %s", *bad);
	CHECK(parse(LAYER, "-3", 0, &v, &err) && v.number == -3);
	CHECK(parse(LAYER, "123", 0, &v, &err) && v.number == 123);
	CHECK(!parse(LAYER, "4", 4, &v, &err) && err.kind == ERR_ARGUMENT && v.number == 123);
	CHECK(parse(RATE, "1e-3", 0, &v, &err) && v.number == 1e-3);
	for (const char *const *bad = (const char *const[]){ "", "1.5", "-0.1", "inf", "nan", "0x1", "0.1.2", NULL }; *bad; bad++)
		CHECK_THAT(!parse(RATE, *bad, 0, &v, &err), "rate is not %s", *bad);
}

static void test_texts(void)
{
	struct err err = { 0 };
	struct value a = { 0 }, b = { 0 }, none = { 0 };

	CHECK(parse(TARGET, "what is ?", 0, &a, &err) && parse(TARGET, "what is ?", 0, &b, &err));
	CHECK(value_equal(a, b) && a.text != NULL && a.text == intern("what is ?"));
	CHECK(parse(TARGET, "", 0, &none, &err) && !none.text && !value_equal(a, none));
	CHECK(parse(K, "auto", 0, &a, &err) && a.text == intern("auto"));
	CHECK(parse(LAYER, "all", 4, &a, &err) && a.text == intern("all"));
	CHECK(param_resolve(&params[LAYER], a, 4, &b, &err) && b.text == a.text);
}

static void test_resolve_and_print(void)
{
	struct err err = { 0 };
	struct value v;
	struct str s;

	CHECK(param_resolve(&params[LAYER], value_number(-1), 4, &v, &err) && v.number == 3);
	CHECK(param_resolve(&params[LAYER], value_number(-4), 4, &v, &err) && v.number == 0);
	CHECK(!param_resolve(&params[LAYER], value_number(-5), 4, &v, &err) && err.kind == ERR_ARGUMENT);
	CHECK(!param_resolve(&params[LAYER], value_number(4), 4, &v, &err));
	CHECK_TEXT(err.text, "there is no layer 4: this has 4, 0 … 3");
	CHECK(!param_resolve(&params[SHOW], value_number(2), 0, &v, &err));
	CHECK(!param_resolve(&params[K], value_number(0), 0, &v, &err));
	CHECK(!param_resolve(&params[RATE], value_number(1.25), 0, &v, &err));
	str_init(&s);
	param_print(&params[SHOW], value_number(7), &s);
	str_add_char(&s, ' ');
	param_print(&params[LAYER], value_number(-1), &s);
	str_add_char(&s, ' ');
	param_print(&params[RATE], value_number(0.25), &s);
	param_print(&params[FILE_], param_default(&params[FILE_]), &s);
	str_add(&s, " | ");
	param_range_text(&params[LAYER], 4, &s);
	str_add(&s, " | ");
	param_range_text(&params[LAYER], 0, &s);
	str_add(&s, " | ");
	param_range_text(&params[RATE], 0, &s);
	str_add(&s, " | ");
	param_range_text(&params[FILE_], 0, &s);
	CHECK_TEXT(s.s, "logit -1 0.25 | 0 … 3, or all | a layer, negative from the end, or all | 0 … 1 | a file");
	str_done(&s);
}

static void test_places(void)
{
	static const char *const good[][2] = { { "context", "0..3,-1" },
					       { "context", "all" },
					       { "context", "2.." },
					       { "unit", "neuron 3.15" },
					       { "unit", "pattern 2.1 @-1<0" },
					       { "open", "head 5.1 @7; mlp_out 3" },
					       { "open", "" },
					       { "open", "; head 0.1;" } };
	static const char *const bad[][3] = { { "context", "3..x", "context: expected positions such as" },
					      { "context", "5", "context: position 5 is outside" },
					      { "unit", "heads 1", "unit: expected a place" },
					      { "open", "head 0.1; head 2", "open: which head" },
					      { "open", "head 0.1 @9", "open: position 9 is outside" } };
	const char *list = " head 5.1 @7 ;mlp_out 3; ", *place;
	struct value v;
	struct err err = { 0 };

	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		CHECK_THAT(parse(param_find(params, good[i][0]), good[i][1], 5, &v, &err) || i == 5, "%s=%s %s", good[i][0],
			   good[i][1], err.text);
		CHECK_THAT(parse(param_find(params, good[i][0]), good[i][1], 0, &v, &err), "%s=%s before the prompt is known %s",
			   good[i][0], good[i][1], err.text);
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		CHECK_THAT(!parse(param_find(params, bad[i][0]), bad[i][1], 5, &v, &err) && strstr(err.text, bad[i][2]),
			   "%s=%s: %s", bad[i][0], bad[i][1], err.text);
	CHECK(parse(CONTEXT, "5", 0, &v, &err) && !param_resolve(&params[CONTEXT], v, 5, &v, &err) && err.kind == ERR_ARGUMENT);
	CHECK(param_next_place(&list, &place) && !strcmp(place, "head 5.1 @7") && param_next_place(&list, &place) &&
	      !strcmp(place, "mlp_out 3") && !param_next_place(&list, &place));
	CHECK(param_dim(&params[OPEN]) == DIM_POSITION && param_dim(&params[LAYER]) == DIM_LAYER &&
	      param_dim(&params[SHOW]) == DIM_NONE);
}

/* As a technique sees them: an ask of a prompt of five tokens. */
static void test_asked(void)
{
	static const struct model model = { .config = { .L = 4, .H = 2, .G = 2, .K = 4, .F = 16, .dense = 16, .D = 8 } };
	static const struct run run = { .T = 5 };
	static const struct analysis own = { .name = "own", .params = params };
	struct ask ask = { .model = &model,
			   .run = &run,
			   .scratch = arena_new(),
			   .text = { [CONTEXT] = "1..2,-1", [OPEN] = "head 3.1; mlp_out 0 @-1" } };
	const bool *at = ask_positions(&ask, CONTEXT);
	const struct place *place;
	struct err err = { 0 };
	int n;

	CHECK_THAT(at && !at[0] && at[1] && at[2] && !at[3] && at[4], "positions are marked");
	CHECK(!ask_positions(&ask, FILE_));
	place = ask_places(&ask, &own, OPEN, &n, &err);
	CHECK_THAT(place && n == 2 && place[0].unit == 1 && place[1].site == SITE_MLP_OUT && place[1].position == 4,
		   "places are read");
	CHECK(ask_places(&ask, &own, UNIT, &n, &err) && n == 0);
	ask.text[UNIT] = "head 4.0";
	CHECK_THAT(!ask_places(&ask, &own, UNIT, &n, &err) && err.kind == ERR_ARGUMENT, "%s", err.text);
	CHECK_TEXT(err.text, "own: unit: the model has layers 0 … 3");
	arena_free(ask.scratch);
}

static void test_words(void)
{
	struct value v;
	struct err err = { 0 };
	struct str s;

	CHECK(param_default(&params[METHODS]).number == 7);
	CHECK(parse(METHODS, "rank,probability", 0, &v, &err) && v.number == 5);
	str_init(&s);
	param_print(&params[METHODS], v, &s);
	CHECK_TEXT(s.s, "probability,rank");
	CHECK(parse(METHODS, "all", 0, &v, &err) && v.number == 7 && parse(METHODS, "logit,logit", 0, &v, &err) && v.number == 2);
	str_clear(&s);
	param_print(&params[METHODS], value_number(7), &s);
	CHECK_TEXT(s.s, "all");
	CHECK(!parse(METHODS, "rank,x", 0, &v, &err) && !parse(METHODS, "", 0, &v, &err) && !parse(METHODS, "rank,", 0, &v, &err));
	CHECK_TEXT(err.text, "methods is rank,; expected all, or some of probability, logit, rank");
	CHECK(!param_resolve(&params[METHODS], value_number(8), 0, &v, &err) &&
	      !param_resolve(&params[METHODS], value_number(0), 0, &v, &err));
	str_done(&s);
}

static double stepped(int i, double from, int n, int by)
{
	struct value v = value_number(from);

	return param_step(&params[i], n, by, &v) ? v.number : -99;
}

static void test_step(void)
{
	CHECK(stepped(SHOW, 3, 0, 1) == 7 && stepped(SHOW, 3, 0, -1) == 1 && stepped(SHOW, 1, 0, 1) == 3);
	CHECK(stepped(K, 50, 0, 1) == 50 && stepped(K, 1, 0, -1) == 1 && stepped(K, 9, 0, 1) == 10);
	CHECK(stepped(LAYER, -1, 4, -1) == 2 && stepped(LAYER, 3, 4, 1) == 3 && stepped(LAYER, 0, 0, 1) == -99);
	CHECK(stepped(RATE, 0.25, 0, 1) == 0.275 && stepped(RATE, 1, 0, 1) == 1 && stepped(RATE, 0, 0, 1) == 0.05);
	CHECK(stepped(TARGET, 0, 0, 1) == -99);
}

int main(void)
{
	test_places();
	test_asked();
	test_words();
	test_lists();
	test_numbers();
	test_texts();
	test_resolve_and_print();
	test_step();
	scratch_done();
	return tap_done();
}
