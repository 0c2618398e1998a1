/* place.c - places: what is printed is read again as the same place, dimensions, joining, and sentences for what is none. */
#include "engine/run/place.h"

#include <string.h>

#include "engine/model/config.h"
#include "tests/tap.h"

static const char *printed(const struct place *place)
{
	static char text[100];
	struct str s;

	str_init(&s);
	place_print(place, &s);
	snprintf(text, sizeof text, "%s", s.n ? s.s : "");
	str_done(&s);
	return text;
}

/* What a place without a site says of the prompt. */
static void check_positions(void)
{
	static const struct {
		int position, position_to, key;
		const char *text;
	} cases[] = { { 13, 13, -1, "@13" }, { 3, 5, -1, "@3..5" }, { 13, 13, 7, "@13<7" }, { -1, -1, -1, "" } };

	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct place place = PLACE_NONE;
		struct str s;

		place_set(&place, DIM_POSITION, cases[i].position, cases[i].position_to);
		place_set(&place, DIM_KEY, cases[i].key, cases[i].key);
		str_init(&s);
		place_print_positions(&place, &s);
		CHECK_TEXT(s.n ? s.s : "", cases[i].text);
		CHECK_TEXT(printed(&place), "");
		str_done(&s);
	}
}

/* Every word, with all that it may have, there and back. */
static void check_words(void)
{
	for (const struct place_word *w = place_words; w->word; w++) {
		struct place place = place_at(w->site, 3, site_table[w->site].unit != DIM_NONE ? 5 : -1, 7), again;
		const struct place_word *own;
		struct err err = { 0 };

		place.also_mlp = w->also_mlp;
		if (w->site == SITE_LN_FINAL)
			place.layer = -1;
		if (w->site == SITE_PATTERN || w->site == SITE_SCORES)
			place_set(&place, DIM_KEY, 2, 4);
		own = place_word_of(&place);
		CHECK_THAT(own && own->site == w->site && own->also_mlp == w->also_mlp &&
				   !strncmp(printed(&place), own->word, strlen(own->word)),
			   "%s is written as %s", w->word, printed(&place));
		CHECK_THAT(place_parse(printed(&place), 10, &again, "x", &err) && place_equal(&place, &again),
			   "%s is read again %s", printed(&place), err.text);
	}
}

static void check_forms(void)
{
	static const struct {
		const char *text, *canonical;
	} forms[] = {
		{ "head 5.1 @-1", "head 5.1 @9" },
		{ "mlp_post 3.64..127", "neuron 3.64..127" },
		{ " mlp_post  3 ", "mlp_post 3" },
		{ "v 2.1", "kv 2.1" },
		{ "v 2", "v 2" },
		{ "scores 2.1 @-1<2..4", "scores 2.1 @9<2..4" },
		{ "layer 4 @2..-2", "layer 4 @2..8" },
		{ "ln_final @3", "ln_final @3" },
		{ "neuron 3.4..4", "neuron 3.4" },
		{ "embed 0 @4", "embed 0 @4" },
		{ "scores * @5<2..4", "scores * @5<2..4" },
		{ "scores * @-1<3", "scores * @9<3" },
	};

	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
		struct place place;
		struct err err = { 0 };

		CHECK_THAT(place_parse(forms[i].text, 10, &place, "x", &err) && !strcmp(printed(&place), forms[i].canonical),
			   "\"%s\" is %s %s", forms[i].text, printed(&place), err.text);
	}
}

static void check_refusals(void)
{
	static const struct {
		const char *text, *why;
		enum err_kind kind;
	} wrong[] = {
		{ "", "expected a place such as", ERR_USAGE },
		{ "heads 5.1", "expected a place such as", ERR_USAGE },
		{ "head", "after head", ERR_USAGE },
		{ "head 5", "which head of the layer?", ERR_USAGE },
		{ "mlp_out 5.1", "belongs to a whole layer", ERR_USAGE },
		{ "neuron 3.9..4", "runs backwards", ERR_USAGE },
		{ "head 5.1 @10", "position 10 is outside the prompt, which has 10 tokens", ERR_ARGUMENT },
		{ "head 5.1 @-11", "position -11 is outside", ERR_ARGUMENT },
		{ "head 5.1 @x", "expected a position", ERR_USAGE },
		{ "head 5.1 @3<2", "for pattern and scores alone", ERR_USAGE },
		{ "head 5.1 zero", "unexpected \"zero\"", ERR_USAGE },
		{ "pattern * @5<4", "* (every layer) is for scores; write pattern 0", ERR_USAGE },
		{ "head *", "* (every layer) is for scores; write head 0.0", ERR_USAGE },
		{ "scores *.1", "after scores", ERR_USAGE },
		{ "pattern 2.1 @5<4..2", "runs backwards", ERR_ARGUMENT },
	};

	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		struct place place;
		struct err err = { 0 };

		CHECK_THAT(!place_parse(wrong[i].text, 10, &place, "argument of", &err) && err.kind == wrong[i].kind &&
				   strstr(err.text, wrong[i].why) && !strncmp(err.text, "argument of: ", 13),
			   "\"%s\": %s", wrong[i].text, err.text);
	}
}

static void check_dimensions(void)
{
	struct place place = place_at(SITE_NONE, -1, -1, -1), more = place_at(SITE_MLP_OUT, -1, -1, 4), joined;

	place_set(&place, DIM_NEURON, 64, 127);
	place_set(&place, DIM_LAYER, 2, 2);
	place_set(&place, DIM_COMPONENT, 9, 9);
	CHECK_TEXT(printed(&place), "neuron 2.64..127");
	CHECK(place_get(&place, DIM_LAYER) == 2 && place_get(&place, DIM_NEURON) == 64 && place_get(&place, DIM_POSITION) == -1 &&
	      place_get(&place, DIM_COMPONENT) == -1);
	joined = place_join(&place, &more);
	CHECK_THAT(joined.site == SITE_MLP_OUT && joined.layer == 2 && joined.position == 4 && joined.unit_to == 127,
		   "what more says counts");
	place = place_at(SITE_SCORES, 0, -1, 5);
	place.every_layer = true;
	more = place_at(SITE_NONE, 3, -1, -1);
	CHECK_THAT(place_get(&place, DIM_LAYER) == -1, "every layer is none");
	joined = place_join(&place, &more);
	CHECK_THAT(joined.layer == 3 && !joined.every_layer && !place_equal(&joined, &place), "a layer is one of all");
	place_set(&place, DIM_LAYER, 2, 2);
	CHECK_TEXT(printed(&place), "scores 2 @5");
	joined = PLACE_NONE;
	CHECK_TEXT(printed(&joined), "");
}

static void check_model(void)
{
	struct config c = { .L = 4, .H = 5, .G = 5, .K = 8, .F = 64, .dense = 64, .D = 40 };
	struct place fits = place_at(SITE_MLP_POST, 3, 60, -1), beyond = fits;
	struct err err = { 0 };
	size_t from;

	fits.unit_to = 63;
	CHECK(place_check(&fits, &c, "x", &err) && place_slice(&fits, &c, &from) == 4 && from == 60);
	beyond.unit_to = 64;
	CHECK_THAT(!place_check(&beyond, &c, "x", &err) && strstr(err.text, "x: a layer has neurons 0 … 63"), "%s", err.text);
	beyond = place_at(SITE_RESULT, 4, 0, -1);
	CHECK_THAT(!place_check(&beyond, &c, "x", &err) && strstr(err.text, "layers 0 … 3"), "%s", err.text);
	fits = place_at(SITE_RESULT, 1, 2, -1);
	CHECK(place_slice(&fits, &c, &from) == 8 && from == 16);
}

static void check_experts(void)
{
	bool here[] = { false, true };
	struct config c = { .L = 2, .H = 1, .G = 1, .K = 8, .F = 64, .dense = 64, .D = 8 };
	struct place first = place_at(SITE_EXPERT, 0, 3, -1), second = place_at(SITE_EXPERT, 1, 3, -1),
		     beyond = place_at(SITE_EXPERT, 1, 4, -1);
	struct err err = { 0 };

	CHECK_THAT(!place_check(&second, &c, "x", &err) && !strcmp(err.text, "x: this model has no experts"), "%s", err.text);
	c.experts.X = 4;
	c.experts.here = here;
	CHECK(place_check(&second, &c, "x", &err));
	CHECK_THAT(!place_check(&first, &c, "x", &err) && strstr(err.text, "x: layer 0 has one MLP"), "%s", err.text);
	CHECK_THAT(!place_check(&beyond, &c, "x", &err) && strstr(err.text, "0 … 3"), "%s", err.text);
}

static void check_convolutions(void)
{
	enum mixer_kind mixer[] = { MIXER_CONV, MIXER_ATTENTION };
	struct config c = { .L = 2, .H = 2, .G = 1, .K = 8, .F = 64, .dense = 64, .D = 16 };
	struct place conv = place_at(SITE_CONV_IN, 0, 1, -1), above = place_at(SITE_CONV_GATE, 1, 1, -1),
		     query = place_at(SITE_Q, 0, 1, -1), weights = place_at(SITE_PATTERN, 1, 0, 3),
		     head = place_at(SITE_RESULT, 0, 1, -1);
	struct err err = { 0 };
	size_t from;

	CHECK_THAT(!place_check(&conv, &c, "x", &err) && !strcmp(err.text, "x: this model has no short convolutions"), "%s",
		   err.text);
	c.mixer = mixer;
	c.conv_taps = 3;
	CHECK(place_check(&conv, &c, "x", &err) && place_check(&weights, &c, "x", &err) && place_check(&head, &c, "x", &err));
	CHECK(place_slice(&conv, &c, &from) == 8 && from == 8);
	CHECK_THAT(!place_check(&above, &c, "x", &err) && strstr(err.text, "x: layer 1 attends"), "%s", err.text);
	CHECK_THAT(!place_check(&query, &c, "x", &err) && strstr(err.text, "x: layer 0 is a short convolution"), "%s", err.text);
	query.every_layer = true;
	CHECK(place_check(&query, &c, "x", &err));
}

int main(void)
{
	check_words();
	check_positions();
	check_forms();
	check_refusals();
	check_dimensions();
	check_model();
	check_experts();
	check_convolutions();
	return tap_done();
}
