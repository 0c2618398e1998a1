/* lists.c - lists filter as one types; the palette, models, help. */
#include "tests/screens/stage.h"
#include "tui/panes/lists.h"

static struct model_entry entry(const char *name, const char *about, bool opens)
{
	return (struct model_entry){
		.name = strdup(name), .path = strdup(name), .place = "Ollama", .about = about ? strdup(about) : NULL, .opens = opens
	};
}

/* The list of models: what is not looked at yet can be chosen, what cannot be opened says why, undo goes back. */
static void models(void)
{
	struct stage s;
	struct model_entry *list = calloc(3, sizeof *list);
	int asked;

	raise_curtain(&s);
	list[0] = entry("demo", "gpt2 · 1.6M", true);
	list[1] = entry("strange:7b", "the architecture is not supported", false);
	list[2] = entry("llama3.2:1b", NULL, false);
	app_models(&s.app, list, 3);
	press(&s, "M");
	CHECK(s.app.popup == &popup_models && models_unseen(&s.app));
	asked = s.fake.asked;
	press(&s, "Down Enter");
	CHECK_THAT(s.app.popup && !s.app.doc.job.model && s.app.message_style == STYLE_ERROR &&
			   strstr(s.app.message.s, "not supported"),
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

/* In every list letters filter, and nothing else. */
static void filtering(void)
{
	static const char *const lists[] = {
		"t", "o", "?", "E", "s", "i", ": 'theme Enter", ": 'messages Enter", ": 'sessions Enter", "M", "S", "C-p"
	};
	struct stage s;
	int whole;

	raise_curtain(&s);
	press(&s, "t");
	whole = lines_left(&s);
	press(&s, "'acpat");
	CHECK_THAT(s.app.popup == &popup_menu && marked(&s, "activation-patching") && lines_left(&s) < whole,
		   "letters in their order find");
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
		before = document_text(&s.app.doc);
		press(&s, "'hjklqxaodcKJnNE/_S");
		after = document_text(&s.app.doc);
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
	CHECK_THAT(!s.app.popup && s.app.line == LINE_COMMAND && strstr(s.app.input.text.s, " scale "),
		   "one that needs a number: %s", s.app.input.text.s);
	press(&s, "Esc C-p 'export Enter");
	CHECK_THAT(s.app.line == LINE_COMMAND && !strcmp(s.app.input.text.s, "export "), "a command that needs a file");
	press(&s, "Esc C-p 'prompt Enter");
	CHECK(s.app.line == LINE_PROMPT);
	press(&s, "Esc C-p 'pane Enter");
	CHECK_TEXT(s.app.input.text.s, "pane ");
	press(&s, "Esc C-p 'diff_foil Enter");
	CHECK(s.app.doc.job.pane[2].shown == SHOWN_MINUS_FOIL);
	drop_curtain(&s);
}

static void help_topics(void)
{
	struct stage s;

	raise_curtain(&s);
	press(&s, ": 'help_suspend Enter");
	CHECK_THAT(s.app.popup == &popup_help && !strcmp(s.app.filter.s, "suspend") && screen_has(&s, "Back to the shell"),
		   ":help WORD");
	press(&s, "Esc Esc : 'help_path-patching Enter");
	CHECK(screen_has(&s, "path-patching") && lines_left(&s) >= 1);
	press(&s, "Esc Esc : 'help Enter");
	CHECK_THAT(s.app.popup == &popup_help && !s.app.filter.n, ":help alone");
	drop_curtain(&s);
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
		CHECK_THAT(listed && warned == (slow != NULL) && (slow != NULL) == (analysis_list[i]->cost >= COST_RUNS),
			   "%s %s that it is slow", analysis_list[i]->name, warned ? "says" : "does not say");
	}
	press(&s, "Esc 1 : 'metric_entropy Enter t 'reagent");
	CHECK_THAT(screen_has(&s, "not of this metric: m"), "what cannot explain the metric says so");
	press(&s, "Esc Esc : 'metric_logit_\"_Paris\" Enter t 'reagent");
	CHECK_THAT(!screen_has(&s, "not of this metric"), "and what can does not");
	press(&s, "Esc Esc 2 ?");
	CHECK_THAT(screen_has(&s, "previous token  first token    induction"), "the help of attention shows the usual patterns");
	drop_curtain(&s);
}

/* A pane that cannot be answered says why, and which keys may help. */
static void refused_pane(void)
{
	struct stage s;

	raise_curtain(&s);
	s.fake.shot.pane[0].error = strdup("this learns from a text, and none is given: corpus=FILE");
	app_draw(&s.app, &s.canvas);
	CHECK(screen_has(&s, "corpus=FILE") && screen_has(&s, "s arguments  m metric  t technique"));
	free(s.fake.shot.pane[0].error);
	s.fake.shot.pane[0].error = NULL;
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
	char last[60];

	raise_curtain(&s);
	resize(&s, 80, 24);
	press(&s, "C-p End");
	snprintf(last, sizeof last, " %d of %d ", lines_left(&s), lines_left(&s));
	CHECK_THAT(screen_has(&s, last), "lines that cannot be chosen are not counted: %s", last);
	press(&s, "Esc Esc");
	resize(&s, 120, 40);
	press(&s, "?");
	for (int i = 0; i < ACTION_COUNT; i++)
		CHECK_THAT(page_has(&s.app, actions[i].help), "help has %s", actions[i].id);
	for (press(&s, "Tab"); s.app.help_topic && topics < 20; press(&s, "Tab"), topics++)
		for (int i = 0; i < ACTION_COUNT; i++)
			seen[i] += page_has(&s.app, actions[i].help);
	CHECK(topics == 8);
	for (int i = 0; i < ACTION_COUNT; i++)
		CHECK_THAT(seen[i] >= 1, "%s is in %d topics", actions[i].id, seen[i]);
	press(&s, "Tab 'suspend");
	CHECK_THAT(lines_left(&s) == 1, "what is typed is looked for in all topics: %d lines", lines_left(&s));
	press(&s, "Esc S-Tab");
	press(&s, "S-Tab S-Tab Esc : 'help_sav Enter");
	CHECK_THAT(screen_has(&s, "‹saving›") && page_has(&s.app, actions[ACTION_write].help) &&
			   !page_has(&s.app, actions[ACTION_left].help),
		   ":help names a topic");
	press(&s, "Esc : 'help_nonsense Enter");
	CHECK_THAT(s.app.message_style == STYLE_ERROR && strstr(s.app.message.s, "expected all, moving"), "%s", s.app.message.s);
	drop_curtain(&s);
}

int main(void)
{
	models();
	filtering();
	palette();
	help_topics();
	techniques_warn();
	refused_pane();
	help_by_topic();
	return tap_done();
}
