/* behave.c - what keys do to the document and to the question: cursors that are linked, edits that toggle, undo that undoes. */
#include <stdlib.h>

#include "engine/analysis/grid.h"
#include "tests/screens/stage.h"
#include "tui/align.h"
#include "tui/panes/lists.h"
#include "tui/question.h"
#include "tui/strongest.h"

/* The document as a file, cursors aside: they are not undone. */
static char *text_of(const struct preset *doc)
{
	struct preset copy;
	struct str out;

	preset_copy(&copy, doc);
	for (int i = 0; i < DIM_COUNT; i++)
		copy.cursor[i] = CURSOR_UNSET;
	str_init(&out);
	preset_print(&copy, &out);
	preset_done(&copy);
	return str_take(&out);
}

static int asked_argument(const struct app *app, int pane, const char *name)
{
	const struct job_pane *p = &app->asked.pane[pane];

	return (int)p->args[param_find(p->analysis->params, name)].number;
}

static void linked_cursors(void)
{
	struct stage s;

	raise_curtain(&s);
	CHECK(asked_argument(&s.app, 1, "layer") == -1);
	press(&s, "[");
	CHECK_THAT(asked_argument(&s.app, 1, "layer") == FAKE_LAYERS - 2, "[ takes the attention pane a layer down");
	press(&s, "}");
	CHECK_THAT(asked_argument(&s.app, 1, "head") == 1, "} takes it to the next head");
	press(&s, "3 Down Right");
	CHECK_THAT(asked_argument(&s.app, 1, "layer") == FAKE_LAYERS - 3 && asked_argument(&s.app, 1, "head") == 2,
		   "moving in layer × head moves the attention pane");
	press(&s, "2 : 'set_layer=0 Enter 3 Up");
	CHECK_THAT(asked_argument(&s.app, 1, "layer") == 0, "an argument that was set stays");
	press(&s, "1 Left e '_longer Enter");
	CHECK_THAT(s.app.doc.cursor[DIM_POSITION] >= 0, "a position that is not the last stays where it is");
	press(&s, "End e '_still Enter");
	CHECK_THAT(s.app.doc.cursor[DIM_POSITION] == -1, "the last position stays the last while the prompt grows");
	drop_curtain(&s);
}

/* What explains the metric stays where the metric is, unless it is told otherwise. */
static void metric_stays(void)
{
	struct stage s;

	raise_curtain(&s);
	press(&s, "3 : 'technique_direct-attribution Enter 1 Left Left");
	CHECK_THAT(s.app.doc.cursor[DIM_POSITION] == 3 && asked_argument(&s.app, 3, "position") == 3, "the next token follows the cursor");
	CHECK_THAT(asked_argument(&s.app, 2, "position") == -1 && !s.app.asked.pane[2].given[0], "the attribution does not");
	press(&s, "3 : 'set_position=2 Enter");
	CHECK_THAT(asked_argument(&s.app, 2, "position") == 2, "it goes where it is sent");
	drop_curtain(&s);
}

static void ablating(void)
{
	struct stage s;

	raise_curtain(&s);
	press(&s, "3 Space");
	CHECK(s.app.doc.job.edits == 1);
	CHECK_TEXT(s.app.doc.job.edit[0].line, "head 3.0 zero");
	press(&s, "Space");
	CHECK_THAT(s.app.doc.job.edits == 0, "the same key on the same head takes it back");
	press(&s, "1 Space");
	CHECK_TEXT(s.app.doc.job.edit[0].line, "layer 3 zero");
	press(&s, ".");
	CHECK_TEXT(s.app.doc.job.edit[1].line, "layer 3 @5 zero");
	press(&s, "2 Home .");
	CHECK_TEXT(s.app.doc.job.edit[2].line, "pattern 3.0 @5<0 zero");
	press(&s, ": 'technique_direct-attribution Enter Down Down Space");
	CHECK_THAT(s.app.doc.job.edits == 4, "a component can be ablated");
	CHECK(!strncmp(s.app.doc.job.edit[3].line, "attn_out", 8) || !strncmp(s.app.doc.job.edit[3].line, "mlp_out", 7));
	press(&s, "E Space");
	CHECK_THAT(!s.app.doc.job.edit[0].on && s.app.doc.job.edit[1].on, "the list switches one edit");
	press(&s, "S-Down Delete Esc");
	CHECK_THAT(s.app.doc.job.edits == 3 && !strcmp(s.app.doc.job.edit[0].line, "layer 3 @5 zero"), "it reorders and removes");
	press(&s, ": 'edit_head_9 Enter");
	CHECK_THAT(s.app.message_style == STYLE_ERROR && s.app.doc.job.edits == 3, "a line that is no edit says why: %s", s.app.message.s);
	drop_curtain(&s);
}

/* What was saved is what was seen; opened again, it moves with the cursor as before. */
static void saving(void)
{
	struct stage s;
	struct preset saved;

	raise_curtain(&s);
	press(&s, "[ }");
	question_save(&s.app, &saved);
	CHECK_THAT(saved.job.pane[1].given[0] && saved.job.pane[1].args[0].number == FAKE_LAYERS - 2 && saved.job.pane[1].args[1].number == 1,
		   "a saved pane names its layer and head");
	app_opened(&s.app, &saved);
	fake_serve(&s.fake, &s.app);
	press(&s, "[");
	CHECK_THAT(asked_argument(&s.app, 1, "layer") == FAKE_LAYERS - 3, "an opened one follows the cursor");
	preset_done(&saved);
	drop_curtain(&s);
}

/* A preset that is opened and does not show what it says it does is told so once, and not for what the user changes then. */
static void expecting(void)
{
	struct stage s;
	struct preset doc;
	int said;

	raise_curtain(&s);
	preset_copy(&doc, &s.doc);
	preset_expect(&doc, -1, "metric > -1e9", 0);
	preset_expect(&doc, 0, "cell 0 0 > -1e9", 0);
	job_set(&doc.job.prompt, "The capital of France is not");
	said = s.app.said.n;
	app_opened(&s.app, &doc);
	fake_serve(&s.fake, &s.app);
	CHECK_THAT(s.app.said.n == said, "what holds is not worth a message");
	preset_expect(&doc, 0, "cell 0 0 > 1e9", 0);
	job_set(&doc.job.prompt, "The capital of France is now");
	app_opened(&s.app, &doc);
	fake_serve(&s.fake, &s.app);
	CHECK_THAT(s.app.said.n == said + 1 && strstr(s.app.message.s, ": cell 0 0 > 1e9; it is "), "what drifts is said: %s", s.app.message.s);
	preset_expect(&doc, -1, "metric > 1e9", 0);
	app_opened(&s.app, &doc);	/* the same question: nothing is asked */
	press(&s, "e x");
	app_opened(&s.app, &doc);
	app_change(&s.app);
	job_set(&s.app.doc.job.prompt, "Something else");	/* before there is an answer */
	press(&s, "e y");
	for (int i = 0; i < s.app.said.n; i++)
		CHECK_THAT(!strstr(s.app.said.line[i], "metric > 1e9"), "not of another question: %s", s.app.said.line[i]);
	preset_done(&doc);
	drop_curtain(&s);
	raise_curtain(&s);
	preset_expect(&s.app.doc, 1, "cell 0 0 > 2", 0);
	act_split(&s.app, "next-token");
	CHECK_THAT(s.app.doc.expect[0].pane == 2, "what is expected of a pane goes along with it");
	act_close(&s.app, NULL);
	CHECK_THAT(s.app.doc.expects == 1 && s.app.doc.expect[0].pane == 1, "and back");
	drop_curtain(&s);
}

static void typing(void)
{
	struct stage s;
	int before;

	raise_curtain(&s);
	before = s.fake.asked;
	press(&s, "e '_and");
	CHECK_THAT(s.fake.asked == before + 4, "every letter asks anew");
	press(&s, "Backspace Left Delete Backspace");
	CHECK_TEXT(s.app.doc.job.prompt, "The capital of France is ");
	press(&s, "'an End 'd");
	CHECK_TEXT(s.app.doc.job.prompt, "The capital of France is and");
	press(&s, "Esc");
	CHECK_TEXT(s.app.doc.job.prompt, "The capital of France is");
	CHECK_THAT(!s.app.undo.pasts, "what was taken back is nothing to undo");
	press(&s, "e Up Enter");
	CHECK_TEXT(s.app.doc.job.prompt, "The capital of France is and");
	press(&s, "u");
	CHECK_TEXT(s.app.doc.job.prompt, "The capital of France is");
	press(&s, "C-r");
	CHECK_TEXT(s.app.doc.job.prompt, "The capital of France is and");
	press(&s, "e C-u ' Enter");
	CHECK_TEXT(s.app.doc.job.prompt, "");
	press(&s, "e Up Up Enter");
	CHECK_THAT(*s.app.doc.job.prompt, "older prompts come back");
	drop_curtain(&s);
}

/* A key of an action that has no name would be one that nothing reaches. */
static void every_key_has_a_name(void)
{
	for (int i = 0; i < ACTION_COUNT; i++)
		for (const char *at = actions[i].keys; *at; at += strspn(at, " ")) {
			char name[40];
			struct key key;
			size_t n = strcspn(at, " ");

			snprintf(name, sizeof name, "%.*s", (int)n, at);
			CHECK_THAT(key_parse(name, &key) && action_for_key(&key, actions[i].where), "%s is a key, of %s", name, actions[i].id);
			at += n;
		}
}

static void still(void)
{
	struct stage s;
	int before;

	raise_curtain(&s);
	before = s.fake.asked;
	press(&s, "? Down Esc i Esc Tab Tab S-Tab z z v v + - C-l : Esc / Esc");
	CHECK_THAT(s.fake.asked == before, "looking around asks nothing");
	CHECK_THAT(fake_keys(&s.fake, &s.app, "Esc") && !fake_serve(&s.fake, &s.app), "Esc does not leave");
	app_event(&s.app, &(struct key){ .kind = K_CHAR, .c = 'c', .mods = MOD_CTRL });
	CHECK_THAT(!fake_serve(&s.fake, &s.app) && strstr(s.app.message.s, "C-c again to quit"), "C-c asks first when there is nothing to stop");
	press(&s, "Down");
	app_event(&s.app, &(struct key){ .kind = K_CHAR, .c = 'c', .mods = MOD_CTRL });
	CHECK_THAT(!fake_serve(&s.fake, &s.app), "and again after another key");
	app_event(&s.app, &(struct key){ .kind = K_CHAR, .c = 'c', .mods = MOD_CTRL });
	CHECK_THAT(fake_serve(&s.fake, &s.app), "twice, it leaves");
	app_event(&s.app, &(struct key){ .kind = K_CHAR, .c = 'q' });
	CHECK_THAT(fake_serve(&s.fake, &s.app), "q leaves");
	drop_curtain(&s);
}

/* Any keys, then undo to the end: the first document; redo to the end: the last one. */
static void undo_property(unsigned seed)
{
	static const char *const keys[] = {
		"Space", ".", "Up", "Down", "Left", "Right", "Tab", "S-Tab", "[", "]", "{", "}", "d", "D", "g", "T", "x", "a Down Enter",
		"t Enter", "s Right Esc", "e 'z Enter", "e 'z Esc", "f 'y Enter", "m C-u 'entropy Enter", "E Space Esc", "E Delete Esc", "E S-Down Esc", "E C-o Esc", "u", "U",
		"C-r", "z", "v", "0", ": 'clear Enter", ": 'below_next-token Enter", ": 'bos_never Enter", "PgUp", "End", "Home", "n", "Esc",
	};
	struct stage s;
	char *first, *last, *back, *again;

	raise_curtain(&s);
	first = text_of(&s.app.doc);
	for (int i = 0; i < 120; i++) {
		seed = seed * 1103515245u + 12345u;
		press(&s, keys[(seed >> 16) % (sizeof keys / sizeof *keys)]);
	}
	press(&s, "Esc Esc Esc");
	while (app_redo(&s.app, NULL))	/* the keys may have ended with an undo */
		;
	last = text_of(&s.app.doc);
	while (app_undo(&s.app, NULL))
		;
	while (app_undo_looks(&s.app, NULL))
		;
	back = text_of(&s.app.doc);
	while (app_redo(&s.app, NULL))
		;
	again = text_of(&s.app.doc);
	CHECK_THAT(!strcmp(first, back), "seed %u: undone to the first document", seed);
	CHECK_THAT(!strcmp(last, again), "seed %u: made again to the last", seed);
	if (strcmp(first, back))
		printf("# first: %s\n# back: %s\n", first, back);
	if (strcmp(last, again))
		printf("# last: %s\n# again: %s\n", last, again);
	free(first);
	free(last);
	free(back);
	free(again);
	drop_curtain(&s);
}

static struct model_entry entry(const char *name, const char *about, bool opens)
{
	return (struct model_entry){ .name = strdup(name), .path = strdup(name), .place = "Ollama", .about = about ? strdup(about) : NULL,
				     .opens = opens };
}

/* The list of models: what is not looked at yet can be chosen, what cannot be opened says why, undo goes back. */
static void models(void)
{
	struct stage s;
	struct model_entry *list = calloc(3, sizeof *list);
	int asked;

	raise_curtain(&s);
	list[0] = entry("demo", "gpt2 · 1.6M", true);
	list[1] = entry("strange:7b", "no: the architecture is not supported", false);
	list[2] = entry("llama3.2:1b", NULL, false);
	app_models(&s.app, list, 3);
	press(&s, "M");
	CHECK(s.app.popup == &popup_models && models_unseen(&s.app));
	asked = s.fake.asked;
	press(&s, "Down Enter");
	CHECK_THAT(s.app.popup && !s.app.doc.job.model && s.app.message_style == STYLE_ERROR && strstr(s.app.message.s, "not supported"),
		   "one that cannot be opened says why: %s", s.app.message.s);
	press(&s, "Down Enter");
	CHECK(!s.app.popup && !models_unseen(&s.app));
	CHECK_TEXT(s.app.doc.job.model, "llama3.2:1b");
	CHECK_THAT(s.fake.asked > asked && !strcmp(s.app.asked.model, "llama3.2:1b"), "the question is put to the new model");
	press(&s, "u");
	CHECK_THAT(!s.app.doc.job.model && !s.app.asked.model, "undo goes back to the model before");
	press(&s, ": 'model_other Enter");
	CHECK_TEXT(s.app.doc.job.model, "other");
	drop_curtain(&s);
}

static void any_size(void)
{
	struct stage s;
	int sizes = 0;

	raise_curtain(&s);
	for (int h = 1; h <= 100; h += h < 30 ? 1 : 7)
		for (int w = 1; w <= 300; w += w < 40 ? 3 : 29) {
			canvas_reset(&s.canvas, w, h, theme_ink(s.theme, STYLE_TEXT));
			s.app.zoomed = (w + h) % 3 == 0;
			app_draw(&s.app, &s.canvas);
			sizes++;
			if (sizes % 50 == 0)
				press(&s, "? Esc t Esc : Tab Esc E Esc i Esc Down PgDn");
		}
	CHECK_THAT(sizes > 500, "drawn at %d sizes", sizes);
	drop_curtain(&s);
}

/* The number behind an edit follows the arrows; steps in a row are one to undo; an edit without a number stays as it is. */
static void strength(void)
{
	struct stage s;
	int steps;

	raise_curtain(&s);
	job_add_edit(&s.app.doc.job, "head 1.0 scale 2");
	job_add_edit(&s.app.doc.job, "head 1.1 zero");
	steps = s.app.undo.pasts;
	press(&s, "E Right Right Left Right");
	CHECK_TEXT(s.app.doc.job.edit[0].line, "head 1.0 scale 2.5");
	CHECK_TEXT(s.app.asked.edit[0].line, "head 1.0 scale 2.5");
	CHECK_THAT(s.app.undo.pasts == steps + 1, "steps in a row are undone together: %d", s.app.undo.pasts - steps);
	press(&s, "- - - - - - -");
	CHECK_TEXT(s.app.doc.job.edit[0].line, "head 1.0 scale 0.75");
	press(&s, "Down Right Esc u");
	CHECK_TEXT(s.app.doc.job.edit[1].line, "head 1.1 zero");
	CHECK_TEXT(s.app.doc.job.edit[0].line, "head 1.0 scale 2");
	job_set(&s.app.doc.job.edit[0].line, "head 1.0 resample set.txt");
	job_set(&s.app.doc.job.edit[1].line, "head 1.1 resample set.txt line 2");
	press(&s, "E Up Up Right Right Left Left Left Right Down Left Left Left Esc");
	CHECK_TEXT(s.app.doc.job.edit[0].line, "head 1.0 resample set.txt 1");
	CHECK_TEXT(s.app.doc.job.edit[1].line, "head 1.1 resample set.txt line 1");
	drop_curtain(&s);
}

/* "a b c" as tokens with an id for each letter. */
static int letters(const char *text, struct snapshot_token *out)
{
	int n = 0;

	for (; *text; text++)
		out[n++].id = *text;
	return n;
}

static void check_aligned(const char *prompt, const char *foil, const char *want)
{
	struct snapshot_token a[16] = { { 0 } }, b[16] = { { 0 } };
	struct aligned at[32];
	struct str got;
	int n = letters(prompt, a), m = letters(foil, b), pairs = align_tokens(a, n, b, m, at);

	str_init(&got);
	for (int i = 0; i < pairs; i++)
		str_addf(&got, "%s%c%c%s", i ? " " : "", at[i].prompt < 0 ? '.' : prompt[at[i].prompt], at[i].foil < 0 ? '.' : foil[at[i].foil],
			 at[i].differ ? "*" : "");
	CHECK_THAT(!strcmp(got.s ? got.s : "", want), "%s over %s: %s", prompt, foil, got.s ? got.s : "");
	str_done(&got);
}

static void test_aligned(void)
{
	check_aligned("abcd", "abxd", "aa bb cx* dd");
	check_aligned("abcd", "bcda", "ab* bc* cd* da*");	/* equally many: one for one, whatever they are */
	check_aligned("abcd", "abcde", "aa bb cc dd .e*");
	check_aligned("abcz", "abcdez", "aa bb cc .d* .e* zz");
	check_aligned("abcdez", "axz", "aa bx* c.* d.* e.* zz");
	check_aligned("aaa", "aa", "aa aa a.*");
	check_aligned("ab", "", "a.* b.*");
	check_aligned("", "", "");
}

/* The marked line of the open list begins so. */
static bool marked(const struct stage *s, const char *text)
{
	struct list list;
	struct list_item item;
	bool ok = popup_marked(&s->app, &list, &item) && !strncmp(item.text, text, strlen(text));

	list_done(&list);
	return ok;
}

/* How many lines of the open list can be chosen. */
static int lines_left(const struct stage *s)
{
	struct list list;
	struct list_item item;
	int n = 0;

	popup_marked(&s->app, &list, &item);
	for (int i = 0; i < list.n; i++)
		n += !list.item[i].heading;
	list_done(&list);
	return n;
}

/* In every list letters filter, and nothing else. */
static void filtering(void)
{
	static const char *const lists[] = { "t", "o", "?", "E", "s", "i", ": 'theme Enter", ": 'messages Enter", ": 'sessions Enter", "M", "S", "C-p" };
	struct stage s;
	int whole;

	raise_curtain(&s);
	press(&s, "t");
	whole = lines_left(&s);
	press(&s, "'acpat");
	CHECK_THAT(s.app.popup == &popup_menu && marked(&s, "activation-patching") && lines_left(&s) < whole, "letters in their order find");
	press(&s, "Backspace Backspace Backspace Backspace Backspace Backspace");
	CHECK_THAT(s.app.popup == &popup_menu && lines_left(&s) == whole, "and are erased again");
	press(&s, "'patching_path");
	CHECK_THAT(marked(&s, "path-patching") && lines_left(&s) >= 1, "a space begins another word: %d lines", lines_left(&s));
	press(&s, "C-w 'zzqq");
	CHECK_THAT(lines_left(&s) == 0 && screen_has(&s, "nothing here matches"), "nothing matches");
	press(&s, "Enter");
	CHECK_THAT(s.app.popup == &popup_menu, "and cannot be chosen");
	press(&s, "Esc");
	CHECK_THAT(s.app.popup == &popup_menu && lines_left(&s) == whole, "Esc clears the filter");
	press(&s, "Esc");
	CHECK_THAT(!s.app.popup, "and then closes the list");
	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
		const struct popup *popup;
		char *before, *after;

		press(&s, lists[i]);
		popup = s.app.popup;
		before = text_of(&s.app.doc);
		press(&s, "'hjklqxaodcKJnNE/_S");
		after = text_of(&s.app.doc);
		CHECK_THAT(popup && s.app.popup == popup && !s.app.line && !strcmp(s.app.filter.s, "hjklqxaodcKJnNE/ S"),
			   "after %s letters are letters: \"%s\"", lists[i], s.app.filter.s);
		CHECK_THAT(!strcmp(before, after), "and change nothing");
		free(before);
		free(after);
		press(&s, "Esc Esc");
		CHECK(!s.app.popup);
	}
	press(&s, "? 'suspend");
	CHECK_THAT(lines_left(&s) == 1 && screen_has(&s, "1 of "), "the keys are filtered too");
	press(&s, "Esc Esc E");
	CHECK_THAT(!s.app.filter.n, "another list begins without a filter");
	drop_curtain(&s);
}

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
	CHECK_THAT(count(t, true, cell) == 4 && cell[0] == 7 && cell[1] == 8 && cell[2] == 5 && cell[3] == 4, "without the first token");
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

/* Whatever can be done is found by its name, and done. */
static void palette(void)
{
	struct stage s;

	raise_curtain(&s);
	press(&s, "3 C-p");
	for (int i = 0; i < ACTION_COUNT; i++) {
		if (!(actions[i].where & W_MAIN) || !*actions[i].words || i == ACTION_palette)
			continue;
		char word[40];

		snprintf(word, sizeof word, "%.*s", (int)strcspn(actions[i].words, " "), actions[i].words);
		popup_filter(&s.app, word);
		CHECK_THAT(marked(&s, word), "%s is found by its name", word);
	}
	press(&s, "Esc 'clear Enter");
	CHECK_THAT(!s.app.popup && !s.app.line, "an action is done");
	press(&s, "C-p 'tech_atten Enter");
	CHECK_TEXT(s.app.doc.job.pane[2].analysis->name, "attention");
	press(&s, "u 3 : 'technique_head-attribution Enter C-p 'edit_zero Enter");
	CHECK_THAT(s.app.doc.job.edits == 1 && !strncmp(s.app.doc.job.edit[0].line, "head ", 5), "an edit of the cell");
	press(&s, "C-p 'edit_scale Enter");
	CHECK_THAT(!s.app.popup && s.app.line == LINE_COMMAND && strstr(s.app.input.text.s, " scale "), "one that needs a number: %s", s.app.input.text.s);
	press(&s, "Esc C-p 'export Enter");
	CHECK_THAT(s.app.line == LINE_COMMAND && !strcmp(s.app.input.text.s, "export "), "a command that needs a file");
	press(&s, "Esc C-p 'prompt Enter");
	CHECK(s.app.line == LINE_PROMPT);
	press(&s, "Esc C-p 'pane Enter");
	CHECK_TEXT(s.app.input.text.s, "pane ");
	press(&s, "Esc C-p 'diff_foil Enter");
	CHECK(s.app.doc.job.pane[2].diff == DIFF_FOIL);
	drop_curtain(&s);
}

static void help_topics(void)
{
	struct stage s;

	raise_curtain(&s);
	press(&s, ": 'help_suspend Enter");
	CHECK_THAT(s.app.popup == &popup_help && !strcmp(s.app.filter.s, "suspend") && screen_has(&s, "Back to the shell"), ":help WORD");
	press(&s, "Esc Esc : 'help_path-patching Enter");
	CHECK(screen_has(&s, "path-patching") && lines_left(&s) >= 1);
	press(&s, "Esc Esc : 'help Enter");
	CHECK_THAT(s.app.popup == &popup_help && !s.app.filter.n, ":help alone");
	drop_curtain(&s);
}

/* Among the edits that a filter leaves, keys work on the marked one. */
static void filtering_edits(void)
{
	struct stage s;

	raise_curtain(&s);
	press(&s, ": 'edit_head_1.0_zero Enter : 'edit_layer_2_zero Enter : 'edit_head_3.1_zero Enter E 'laye");
	CHECK_THAT(lines_left(&s) == 1, "one of three edits");
	press(&s, "Enter");
	CHECK_THAT(!s.app.doc.job.edit[1].on && s.app.doc.job.edit[0].on, "it is the one that is switched");
	press(&s, "Esc 'head Down S-Up");
	CHECK_TEXT(s.app.doc.job.edit[1].line, "head 3.1 zero");
	CHECK_THAT(marked(&s, "● head 3.1"), "the mark goes with it");
	press(&s, "Delete");
	CHECK_THAT(s.app.doc.job.edits == 2 && marked(&s, "● head 1.0"), "and removed");
	press(&s, "Esc Space");
	CHECK_THAT(!s.app.doc.job.edit[0].on, "Space switches while nothing is typed");
	drop_curtain(&s);
}

/* Arguments are chosen in their list; numbers and texts are typed. */
static void arguments(void)
{
	struct stage s;

	raise_curtain(&s);
	press(&s, "1 : 'technique_activation-patching Enter s Right");
	CHECK_THAT(s.app.popup == &popup_form && asked_argument(&s.app, 0, "site") == GRID_OF_ATTN_OUT, "the next site");
	press(&s, "Enter");
	CHECK_THAT(!s.app.popup && !s.app.line && asked_argument(&s.app, 0, "site") == GRID_OF_ATTN_OUT, "and that is it");
	press(&s, "s Down Down Down Enter");
	CHECK_THAT(!s.app.popup && s.app.line == LINE_COMMAND, "a layer is typed");
	press(&s, "1 Enter");
	CHECK(!s.app.line && asked_argument(&s.app, 0, "layer") == 1);
	drop_curtain(&s);
}

static bool shows(const struct window *w, int row, int col)
{
	return row >= w->row && row < w->row + w->rows && col >= w->col && col < w->col + w->cols;
}

/* What the worker is told of the screen: where the cursor is, and no more than there is room for. */
static void visible(void)
{
	struct window window[JOB_PANES];
	struct stage s;
	const struct table *t;

	raise_curtain(&s);
	fake_key(&s.fake, &s.app, "Slow");
	app_visible(&s.app, window);
	t = s.fake.shot.pane[0].table;
	CHECK_THAT(t && window[0].rows >= t->rows.n && window[0].cols >= t->cols.n && window[0].row == 0, "a small table is seen whole");
	canvas_done(&s.canvas);
	canvas_init(&s.canvas, 40, 14);
	press(&s, "1 z");
	app_visible(&s.app, window);
	CHECK_THAT(window[0].cols < t->cols.n && shows(&window[0], t->rows.n - 1, t->cols.n - 1), "in a narrow window its last columns are, with the cursor");
	CHECK_THAT(window[1].rows == 0, "and nothing of a pane that has no room");
	press(&s, "Home");
	app_visible(&s.app, window);
	CHECK_THAT(shows(&window[0], t->rows.n - 1, 0) && !shows(&window[0], t->rows.n - 1, t->cols.n - 1), "the first ones when the cursor goes there");
	drop_curtain(&s);
}

/* The line that was typed is open again with its sentence, and nothing has changed or been asked. */
static void check_refused(struct stage *s, const char *keys, const char *why)
{
	char *before = text_of(&s->app.doc), *after;
	int asked = s->fake.asked, pasts = s->app.undo.pasts;
	enum line_kind line;

	press(s, keys);
	after = text_of(&s->app.doc);
	line = s->app.line;
	CHECK_THAT(!strcmp(before, after) && s->app.undo.pasts == pasts && s->fake.asked == asked, "%s changes nothing", keys);
	CHECK_THAT(s->app.message_style == STYLE_ERROR && strstr(s->app.message.s, why), "%s: %s", keys, s->app.message.s);
	CHECK_THAT(line && s->app.input.text.n, "%s: the line is open for correction", keys);
	press(s, "Esc");
	free(before);
	free(after);
}

static void refused_at_once(void)
{
	struct stage s;

	raise_curtain(&s);
	check_refused(&s, ": 'edit_head_99.1_zero Enter", "layers 0 … 3; not applied");
	check_refused(&s, ": 'edit_head_1.7_zero Enter", "heads 0 … 2");
	check_refused(&s, ": 'edit_head_1.1_@40_zero Enter", "position 40 is outside the prompt");
	check_refused(&s, ": 'edit_resid_post_1_add_nofile.npy_3 Enter", "nofile.npy");
	check_refused(&s, ": 'edit_head_1.1_patch Enter", "reads from the foil, and none is set");
	check_refused(&s, ": 'edit_head_9 Enter", "head 9");
	check_refused(&s, "m C-u 'logit_#9999 Enter", "the vocabulary has the tokens #0 … #511");
	check_refused(&s, "m C-u 'entropy_@40 Enter", "position 40 is outside the prompt");
	check_refused(&s, "m C-u 'sorrow Enter", "expected logit");
	check_refused(&s, "2 : 'set_layer=9 Enter", "there is no layer 9");
	check_refused(&s, ": 'set_colour=9 Enter", "no argument \"colour\"");
	check_refused(&s, ": 'technique_telepathy Enter", "no technique telepathy");
	check_refused(&s, ": 'sing Enter", "no command :sing");
	press(&s, ": 'edit_head_99.1_zero Enter C-w C-w '1.1_zero Enter");
	CHECK_THAT(!s.app.line && s.app.doc.job.edits == 1 && !strcmp(s.app.doc.job.edit[0].line, "head 1.1 zero"), "corrected, it is taken");
	check_refused(&s, "E C-e C-w C-w '7.1_zero Enter", "layers 0 … 3");
	press(&s, "E C-o C-o C-o C-o Esc");
	CHECK_THAT(!strstr(s.app.doc.job.edit[0].line, "patch"), "an op that needs a foil is passed over where there is none: %s", s.app.doc.job.edit[0].line);
	drop_curtain(&s);
}

/* Everything that has the word "bad" in it, and edits at positions that the prompt does not have. */
static const char *refuse_bad(const struct job *job, struct job_fault *fault)
{
	int words = 2;

	for (const char *c = job->prompt; *c; c++)
		words += *c == ' ';
	*fault = (struct job_fault){ JOB_WHOLE, 0 };
	if (job->model && strstr(job->model, "bad"))
		fault->part = JOB_MODEL;
	else if (strstr(job->prompt, "bad"))
		fault->part = JOB_PROMPT;
	else if (job->foil && strstr(job->foil, "bad"))
		fault->part = JOB_FOIL;
	else if (job->metric && strstr(job->metric, "bad"))
		fault->part = JOB_METRIC;
	else if (job->generate == 13)
		fault->part = JOB_GENERATE;
	else if (job->bos == BOS_NEVER)
		return "what is said of the whole";
	if (fault->part != JOB_WHOLE)
		return "what is said of it";
	for (int i = 0; i < job->edits; i++)
		if (job->edit[i].on && (strstr(job->edit[i].line, "bad") || (strstr(job->edit[i].line, "@5") && words < 6))) {
			*fault = (struct job_fault){ JOB_EDIT, i };
			return "what is said of an edit";
		}
	return NULL;
}

/* What the worker turns down is put back, and the line is open again. */
static void check_put_back(struct stage *s, const char *keys)
{
	char *before = text_of(&s->app.doc), *after;
	int pasts = s->app.undo.pasts;

	press(s, keys);
	after = text_of(&s->app.doc);
	CHECK_THAT(!strcmp(before, after) && s->app.undo.pasts == pasts, "%s: put back", keys);
	if (strcmp(before, after))
		printf("# %s\n# %s\n", before, after);
	CHECK_THAT(s->app.message_style == STYLE_ERROR && strstr(s->app.message.s, "; not applied"), "%s: %s", keys, s->app.message.s);
	CHECK_THAT(s->app.line && s->app.input.text.n, "%s: the line is open for correction", keys);
	CHECK_THAT(!s->app.shot->error && s->app.shot->serial == s->app.serial && !s->app.shot->pane[0].stale, "%s: the screen is answered", keys);
	press(s, "Esc Esc");
	free(before);
	free(after);
}

static void put_back(void)
{
	struct stage s;

	raise_curtain(&s);
	s.fake.refuses = refuse_bad;
	press(&s, "3 Space");
	check_put_back(&s, ": 'edit_head_1.1_mean_bad.txt Enter");
	check_put_back(&s, "E C-e C-u 'head_1.1_mean_bad.txt Enter");
	check_put_back(&s, "m C-u 'logit_\"_bad\" Enter");
	press(&s, "m C-u 'entropy Enter");
	check_put_back(&s, "m C-u 'logit_\"_bad\" Enter");
	check_put_back(&s, ": 'model_bad Enter");
	check_put_back(&s, ": 'bos_never Enter");
	check_put_back(&s, ": 'generate_13 Enter");
	check_put_back(&s, "e '_bad Enter");
	check_put_back(&s, "f '_bad Enter");
	press(&s, "e '_bad");
	CHECK_THAT(s.app.line == LINE_PROMPT && strstr(s.app.doc.job.prompt, "bad"), "while it is typed it may be on its way to something else");
	press(&s, "'ger Backspace Backspace Backspace C-w Enter : 'edit_head_2.1_@5_zero Enter");
	CHECK(s.app.doc.job.edits == 2 && s.app.doc.job.edit[1].on);
	press(&s, "e C-u 'short Enter");
	CHECK_THAT(s.app.doc.job.edits == 2 && !s.app.doc.job.edit[1].on && s.app.doc.job.edit[0].on && !strcmp(s.app.doc.job.prompt, "short"),
		   "an edit that a shorter prompt has no place for is switched off: %s", s.app.message.s);
	press(&s, "Esc u");
	CHECK_THAT(s.app.doc.job.edit[1].on && !strcmp(s.app.doc.job.prompt, "The capital of France is "), "and is on again when the prompt is back: %s", s.app.doc.job.prompt);
	drop_curtain(&s);
}

/* From the command line or a preset: what cannot be is off, and said. */
static void refused_at_the_start(void)
{
	struct stage s = { .theme = theme_builtin((struct theme_for){ DEPTH_256, false }) };

	fake_document(&s.doc);
	job_add_edit(&s.doc.job, "head 1.1 zero");
	job_add_edit(&s.doc.job, "head 1.2 mean bad.txt");
	job_set(&s.doc.job.metric, "logit \" bad\"");
	app_init(&s.app, &s.doc, s.theme);
	s.fake.refuses = refuse_bad;
	fake_serve(&s.fake, &s.app);
	CHECK_THAT(s.app.doc.job.edits == 2 && s.app.doc.job.edit[0].on && !s.app.doc.job.edit[1].on, "the impossible edit is off");
	CHECK_THAT(!s.app.doc.job.metric && !s.app.undo.pasts, "the impossible metric is not there");
	CHECK_THAT(strstr(s.app.message.s, "; not applied") && s.app.said.n == 2, "both are said");
	CHECK_THAT(!s.app.line && !s.app.shot->error && s.app.shot->serial == s.app.serial, "and the rest is answered");
	drop_curtain(&s);
}

static int kept_times(struct app *app)
{
	struct request r;
	int kept = 0;

	while (app_take(app, &r)) {
		kept += r.kind == REQUEST_KEEP;
		free(r.text);
	}
	return kept;
}

/* Which layer a pane shows is known when the model is: what was kept before that says another. */
static void keeping_what_follows(void)
{
	struct stage s;
	const struct snapshot *shot;
	struct snapshot early;
	long now = 100000;

	raise_curtain(&s);
	shot = s.app.shot;
	early = *shot;
	early.has_model = false;
	app_snapshot(&s.app, &early);
	app_tick(&s.app, now);
	app_tick(&s.app, now += 1000);
	kept_times(&s.app);
	app_snapshot(&s.app, shot);
	app_tick(&s.app, now);
	app_tick(&s.app, now += 1000);
	CHECK_THAT(kept_times(&s.app) == 1, "the session is kept again when the model is there");
	drop_curtain(&s);
}

/* What was changed is kept when one rests, and now and then while one does not. */
static void keeping(void)
{
	struct stage s;
	int kept = 0, wait;
	long now = 100000;

	raise_curtain(&s);
	app_tick(&s.app, now);
	app_tick(&s.app, now += 1000);
	CHECK_THAT(kept_times(&s.app) == 1 && app_tick(&s.app, now += 1000) == -1 && !kept_times(&s.app), "it is kept once");
	press(&s, "Down");
	wait = app_tick(&s.app, now);
	CHECK_THAT(wait > 0 && wait <= 500 && !kept_times(&s.app), "a moment after the change: %d ms", wait);
	app_tick(&s.app, now += wait);
	CHECK(kept_times(&s.app) == 1);
	press(&s, "e");
	for (int i = 0; i < 60; i++) {
		press(&s, "'x");
		app_tick(&s.app, now += 100);
		kept += kept_times(&s.app);
	}
	CHECK_THAT(kept >= 3 && kept <= 6, "in six seconds of typing it is kept %d times", kept);
	press(&s, "Esc ? Esc z z");
	app_tick(&s.app, now += 5000);
	kept_times(&s.app);
	press(&s, "? Esc z z v : Esc");
	CHECK_THAT(app_tick(&s.app, now += 5000) == -1 && !kept_times(&s.app), "looking around is nothing to keep");
	drop_curtain(&s);
}

/* The first screen names keys that exist, and is out of the way once it was understood. */
static void start_here(void)
{
	struct stage s;
	const char *keys;
	struct key key;
	bool ambiguous;

	raise_curtain(&s);
	CHECK_THAT(!screen_has(&s, "start here"), "who asks something at once is not told how");
	s.app.card = CARD_START;
	press(&s, "Tab Up [");
	CHECK_THAT(screen_has(&s, "start here") && screen_has(&s, "type another prompt"), "moving leaves the card where it is");
	CHECK_THAT(line_has(&s, -1, "help"), "the hints are below it");
	press(&s, "Esc");
	CHECK_THAT(!screen_has(&s, "start here"), "Esc closes it");
	s.app.card = CARD_START;
	press(&s, "3 Space");
	CHECK_THAT(s.app.doc.job.edits == 1 && !screen_has(&s, "start here"), "so does the first key that asks something");
	s.app.card = CARD_START;
	resize(&s, 80, 24);
	app_say(&s.app, STYLE_WARNING, ":recover brings it back");
	app_draw(&s.app, &s.canvas);
	CHECK_THAT(screen_has(&s, "type another prompt") && line_has(&s, -2, ":recover") && line_has(&s, -1, "help"),
		   "it hides neither what is said nor the hints");
	for (int i = 0; card_key(i, &keys); i++)
		for (; *keys; keys += strcspn(keys, " "), keys += *keys == ' ') {
			char name[16];

			snprintf(name, sizeof name, "%.*s", (int)strcspn(keys, " "), keys);
			CHECK_THAT(name[0] == ':' ? action_for_word(name + 1, strlen(name + 1), &ambiguous) != NULL :
				   key_parse(name, &key) && action_for_key(&key, W_MAIN), "%s does something", name);
		}
	drop_curtain(&s);
}

/* Space makes the intervention that a cell is the effect of; Enter lists what else there is. */
static void cells_own(void)
{
	struct stage s;
	int pasts;

	raise_curtain(&s);
	press(&s, "f Backspace Backspace 'was Enter 1 : 'technique_activation-patching Enter Down Left Space");
	CHECK(s.app.doc.job.edits == 1);
	CHECK_TEXT(s.app.doc.job.edit[0].line, "resid_pre 2 @4 patch");
	press(&s, ".");
	CHECK_THAT(!s.app.doc.job.edits, "so does . at a cell that has its own position");
	press(&s, ": 'technique_attention-knockout Enter");
	pasts = s.app.undo.pasts;
	press(&s, "Space");
	CHECK(s.app.doc.job.edits == 2 && s.app.undo.pasts == pasts + 1);
	CHECK_TEXT(s.app.doc.job.edit[0].line, "scores 2 @5<4 mask");
	CHECK_TEXT(s.app.doc.job.edit[1].line, "scores 3 @5<4 mask");
	press(&s, "E Delete Esc Space");
	CHECK_THAT(s.app.doc.job.edits == 2, "half of it there: the rest comes");
	press(&s, "Space");
	CHECK_THAT(!s.app.doc.job.edits, "and all of it goes at once");
	press(&s, "3 Up Right Enter");
	CHECK(s.app.popup == &popup_cell && marked(&s, "head 3.1 zero"));
	press(&s, "Enter");
	CHECK_THAT(!s.app.popup && s.app.doc.job.edits == 1 && !strcmp(s.app.doc.job.edit[0].line, "head 3.1 zero"), "Enter Enter does what Space does");
	press(&s, "Enter Down Enter");
	CHECK_TEXT(s.app.doc.job.pane[2].analysis->name, "attention");
	CHECK(asked_argument(&s.app, 2, "layer") == 3 && asked_argument(&s.app, 2, "head") == 1);
	press(&s, "U Enter Down Down Enter");
	CHECK_TEXT(s.app.doc.job.pane[2].analysis->name, "path-patching");
	CHECK(asked_argument(&s.app, 2, "receiver") == 1 && asked_argument(&s.app, 2, "layer") == 3 && asked_argument(&s.app, 2, "head") == 1);
	press(&s, "U Enter Down Tab");
	CHECK_THAT(s.app.doc.job.panes == 5 && !strcmp(s.app.doc.job.pane[3].analysis->name, "attention"), "Tab opens it in a pane of its own");
	drop_curtain(&s);
}

/* u undoes the question and leaves the looks; U the other way round; both say what. */
static void two_undos(void)
{
	struct stage s;

	raise_curtain(&s);
	press(&s, "3 Space . d 2 s Right Esc z");
	CHECK(s.app.doc.job.edits == 1 && s.app.doc.job.pane[2].diff == DIFF_EDITS && s.app.zoomed);
	press(&s, "u");
	CHECK_THAT(!s.app.doc.job.edits && s.app.doc.job.pane[2].diff == DIFF_EDITS && s.app.zoomed, "u takes the edit, not the difference");
	CHECK_TEXT(s.app.message.s, "undone: edit head 3.0 zero");
	press(&s, "C-r U");
	CHECK_THAT(s.app.doc.job.edits == 1 && !s.app.zoomed, "U takes the zoom, not the edit");
	CHECK_TEXT(s.app.message.s, "undone: zoom");
	press(&s, "U");
	CHECK_TEXT(s.app.message.s, "undone: arguments of attention");
	press(&s, "U");
	CHECK_THAT(s.app.doc.job.pane[2].diff == DIFF_NONE && !strcmp(s.app.message.s, "undone: the difference"), "%s", s.app.message.s);
	press(&s, "C-r");
	CHECK_THAT(s.app.doc.job.pane[2].diff == DIFF_EDITS, "what was undone last is redone");
	press(&s, "m C-u 'entropy Enter u");
	CHECK_TEXT(s.app.message.s, "undone: metric of the answer");
	press(&s, "e '_so Enter u");
	CHECK_TEXT(s.app.message.s, "undone: the prompt");
	press(&s, "u u u");
	CHECK_THAT(s.app.message_style == STYLE_WARNING && strstr(s.app.message.s, "U undoes how it is looked at"), "%s", s.app.message.s);
	drop_curtain(&s);
}

/* Wherever the position goes, attention's key is not ahead of it. */
static void no_query_looks_ahead(void)
{
	static const char *const keys[] = { "(", "Left", "Home" };

	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
		struct stage s;
		int key, position;

		raise_curtain(&s);
		press(&s, "2 End 1");
		press(&s, keys[i]);
		press(&s, keys[i]);
		key = cursor_get(&s.app, DIM_KEY, s.app.shot->tokens);
		position = cursor_get(&s.app, DIM_POSITION, s.app.shot->tokens);
		CHECK_THAT(key <= position && position < s.app.shot->tokens - 1, "%s: key %d, position %d", keys[i], key, position);
		drop_curtain(&s);
	}
}

/* What is slow says so before it is chosen; the help of a technique shows what to look for. */
static void techniques_warn(void)
{
	struct stage s;

	raise_curtain(&s);
	press(&s, "t");
	for (int i = 0; analysis_list[i]; i++) {
		struct list list;
		const char *slow = cost_sentences[analysis_list[i]->cost];
		bool warned = false, listed = false;

		list_init(&list);
		popup_menu.fill(&s.app, &list);
		for (int k = 0; k < list.n; k++)
			if (!list.item[k].heading && !strcmp(list.item[k].text, analysis_list[i]->name)) {
				listed = true;
				warned = strstr(list.item[k].detail, "slow") != NULL;
			}
		list_done(&list);
		CHECK_THAT(listed && warned == (slow != NULL) && (slow != NULL) == (analysis_list[i]->cost >= COST_RUNS), "%s %s that it is slow",
			   analysis_list[i]->name, warned ? "says" : "does not say");
	}
	press(&s, "Esc 2 ?");
	CHECK_THAT(screen_has(&s, "previous token  first token    induction"), "the help of attention shows the usual patterns");
	drop_curtain(&s);
}

static bool page_has(const struct app *app, const char *text)
{
	struct list list;
	bool has = false;

	list_init(&list);
	popup_help.fill(app, &list);
	for (int i = 0; i < list.n && !has; i++)
		has = list.item[i].detail && !strcmp(list.item[i].detail, text);
	list_done(&list);
	return has;
}

/* Help by topic: Tab goes through them, and no action is left out. */
static void help_by_topic(void)
{
	int seen[ACTION_COUNT] = { 0 }, topics = 0;
	struct stage s;

	raise_curtain(&s);
	press(&s, "?");
	for (int i = 0; i < ACTION_COUNT; i++)
		CHECK_THAT(page_has(&s.app, actions[i].help), "help has %s", actions[i].id);
	for (press(&s, "Tab"); s.app.help_topic && topics < 20; press(&s, "Tab"), topics++)
		for (int i = 0; i < ACTION_COUNT; i++)
			seen[i] += page_has(&s.app, actions[i].help);
	CHECK(topics == 8);
	for (int i = 0; i < ACTION_COUNT; i++)
		CHECK_THAT(seen[i] >= 1, "%s is in %d topics", actions[i].id, seen[i]);
	press(&s, "S-Tab S-Tab Esc : 'help_sav Enter");
	CHECK_THAT(screen_has(&s, "‹saving›") && page_has(&s.app, actions[ACTION_write].help) && !page_has(&s.app, actions[ACTION_left].help),
		   ":help names a topic");
	press(&s, "Esc : 'help_nonsense Enter");
	CHECK_THAT(s.app.message_style == STYLE_ERROR && strstr(s.app.message.s, "expected all, moving"), "%s", s.app.message.s);
	drop_curtain(&s);
}

/* b and a letter, moves, ' and the letter: technique, arguments, cursor and zoom are as they were; '' leads back. */
static void bookmarks(void)
{
	struct stage s;
	struct job_pane pane;
	int cursor[DIM_COUNT];

	raise_curtain(&s);
	press(&s, "Down Left z b 'a");
	pane = s.app.doc.job.pane[s.app.focus];
	memcpy(cursor, s.app.doc.cursor, sizeof cursor);
	CHECK_THAT(s.app.doc.places == 1 && s.app.doc.place[0].letter == 'a', "b and a letter sets a bookmark");
	press(&s, "z Up Up Right : 'technique_next-token Enter");
	CHECK(strcmp(s.app.doc.job.pane[s.app.focus].analysis->name, pane.analysis->name));
	press(&s, "''a");
	CHECK_THAT(s.app.zoomed && !memcmp(cursor, s.app.doc.cursor, sizeof cursor) && job_pane_equal(&pane, &s.app.doc.job.pane[s.app.focus]),
		   "' and the letter leads there, zoom and all");
	press(&s, "'''");
	CHECK_THAT(!s.app.zoomed && memcmp(cursor, s.app.doc.cursor, sizeof cursor), "'' leads back");
	press(&s, "'''");
	CHECK_THAT(s.app.zoomed && !memcmp(cursor, s.app.doc.cursor, sizeof cursor), "and there again");
	press(&s, "''x");
	CHECK_THAT(strstr(s.app.message.s, "no bookmark x"), "one that was not set is told");
	press(&s, "b Esc");
	CHECK_THAT(!s.app.awaits && s.app.doc.places == 1, "Esc sets none");
	press(&s, "z Up : 'bookmarks Enter");
	CHECK_THAT(screen_has(&s, "bookmarks") && s.app.popup, "they are listed");
	press(&s, "Enter");
	CHECK_THAT(s.app.zoomed && !s.app.popup && !memcmp(cursor, s.app.doc.cursor, sizeof cursor), "Enter goes");
	drop_curtain(&s);
}

/* A note is the cell's: marked there, whole in the inspector, gone from the next cell and with an empty line. */
static void notes_on_cells(void)
{
	struct stage s;

	raise_curtain(&s);
	CHECK_THAT(!screen_has(&s, "¹") && !screen_has(&s, "1 note"), "no note at first");
	press(&s, "Left Left Down c 'why_here? Enter");
	CHECK_THAT(s.app.doc.places == 1 && !strcmp(s.app.doc.place[0].text, "why here?"), "c writes a note");
	CHECK_THAT(screen_has(&s, "1 note"), "the pane's edge counts it");
	press(&s, "i");
	CHECK_THAT(screen_has(&s, "why here?"), "the inspector tells it");
	press(&s, "Esc Left");
	CHECK_THAT(screen_has(&s, "¹"), "the cell is marked");
	press(&s, "i");
	CHECK_THAT(!screen_has(&s, "why here?"), "the next cell has none");
	press(&s, "Esc Up : 'notes Enter");
	CHECK_THAT(screen_has(&s, "why here?"), "the list has it");
	press(&s, "Enter i");
	CHECK_THAT(screen_has(&s, "why here?"), "Enter goes to its cell");
	press(&s, "Esc c");
	CHECK_TEXT(s.app.input.text.s, "why here?");
	press(&s, "C-u Enter");
	CHECK_THAT(s.app.doc.places == 0 && !screen_has(&s, "1 note"), "an empty line removes it");
	drop_curtain(&s);
}

int main(void)
{
	bookmarks();
	notes_on_cells();
	two_undos();
	no_query_looks_ahead();
	cells_own();
	keeping();
	keeping_what_follows();
	refused_at_once();
	put_back();
	refused_at_the_start();
	arguments();
	linked_cursors();
	filtering();
	filtering_edits();
	strongest_of_a_table();
	strongest();
	palette();
	help_topics();
	metric_stays();
	ablating();
	saving();
	expecting();
	models();
	typing();
	every_key_has_a_name();
	still();
	for (unsigned seed = 1; seed <= 12; seed++)
		undo_property(seed);
	any_size();
	strength();
	test_aligned();
	visible();
	start_here();
	techniques_warn();
	help_by_topic();
	return tap_done();
}
