/* undo.c - undo undoes: letters, steps, questions and looks. */
#include "tests/screens/stage.h"

static void typing(void)
{
	struct stage s;
	int before;

	raise_curtain(&s);
	before = s.fake.asked;
	press(&s, "e '_and");
	CHECK_THAT(s.fake.asked == before + 4, "every letter asks again");
	press(&s, "Backspace Left Delete Backspace");
	CHECK_TEXT(s.app.doc.job.prompt, "The capital of France is ");
	press(&s, "'an End 'd");
	CHECK_TEXT(s.app.doc.job.prompt, "The capital of France is and");
	press(&s, "Esc");
	CHECK_TEXT(s.app.doc.job.prompt, "The capital of France is");
	CHECK_THAT(!s.app.undo.past.n, "what was taken back is nothing to undo");
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

/* Any keys, then undo to the end: the first document; redo to the end: the last one. */
static void undo_property(unsigned seed)
{
	static const char *const keys[] = {
		"Space",
		".",
		"Up",
		"Down",
		"Left",
		"Right",
		"Tab",
		"S-Tab",
		"[",
		"]",
		"{",
		"}",
		"d",
		"D",
		"g",
		"T",
		"X",
		"x",
		"Backspace",
		"a Down Enter",
		"t Enter",
		"s Right Esc",
		"e 'z Enter",
		"e 'z Esc",
		"f 'y Enter",
		"m C-u 'entropy Enter",
		"E Space Esc",
		"E Delete Esc",
		"E S-Down Esc",
		"E C-o Esc",
		"u",
		"U",
		"C-r",
		"z",
		"v",
		"0",
		": 'clear Enter",
		": 'below_next-token Enter",
		": 'bos_never Enter",
		"PgUp",
		"End",
		"Home",
		"n",
		"Esc",
	};
	struct stage s;
	char *first, *last, *back, *again;

	raise_curtain(&s);
	first = document_text(&s.app.doc);
	for (int i = 0; i < 120; i++) {
		seed = seed * 1103515245u + 12345u;
		press(&s, keys[(seed >> 16) % (sizeof keys / sizeof *keys)]);
	}
	press(&s, "Esc Esc Esc");
	while (app_redo(&s.app, NULL)) /* the keys may have ended with an undo */
		;
	last = document_text(&s.app.doc);
	while (app_undo(&s.app, NULL))
		;
	while (app_undo_looks(&s.app, NULL))
		;
	back = document_text(&s.app.doc);
	while (app_redo(&s.app, NULL))
		;
	again = document_text(&s.app.doc);
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

/* u undoes the question and leaves the looks; U the other way round; both say what. */
static void two_undos(void)
{
	struct stage s;

	raise_curtain(&s);
	press(&s, "3 Space . d 2 s Right Esc z");
	CHECK(s.app.doc.job.edits == 1 && s.app.doc.job.pane[2].shown == SHOWN_MINUS_UNEDITED && s.app.zoomed);
	press(&s, "u");
	CHECK_THAT(!s.app.doc.job.edits && s.app.doc.job.pane[2].shown == SHOWN_MINUS_UNEDITED && s.app.zoomed,
		   "u takes the edit, not the difference");
	CHECK_TEXT(s.app.message.s, "undone: edit head 3.0 zero");
	press(&s, "C-r U");
	CHECK_THAT(s.app.doc.job.edits == 1 && !s.app.zoomed, "U takes the zoom, not the edit");
	CHECK_TEXT(s.app.message.s, "undone: zoom");
	press(&s, "U");
	CHECK_TEXT(s.app.message.s, "undone: arguments of attention");
	press(&s, "U");
	CHECK_THAT(s.app.doc.job.pane[2].shown == SHOWN_RUN && !strcmp(s.app.message.s, "undone: the difference"), "%s",
		   s.app.message.s);
	press(&s, "C-r");
	CHECK_THAT(s.app.doc.job.pane[2].shown == SHOWN_MINUS_UNEDITED, "what was undone last is redone");
	press(&s, "m C-u 'entropy Enter u");
	CHECK_TEXT(s.app.message.s, "undone: metric of the answer");
	press(&s, "e '_so Enter u");
	CHECK_TEXT(s.app.message.s, "undone: the prompt");
	press(&s, "u u u");
	CHECK_THAT(s.app.message_style == STYLE_WARNING && strstr(s.app.message.s, "U undoes how it is looked at"), "%s",
		   s.app.message.s);
	drop_curtain(&s);
}

/*
 * Steps share what did not change: with a prompt of a third of a megabyte a thousand toggles are undone one by one; of many such
 * prompts the first are forgotten.
 */
static void undo_takes_little(void)
{
	enum { LONG = 300 << 10, TOGGLES = 1000, PROMPTS = 40 };
	char *text = malloc(LONG + 1);
	struct stage s;

	memset(text, 'x', LONG);
	text[LONG] = '\0';
	raise_curtain(&s);
	app_change(&s.app);
	job_set(&s.app.doc.job.prompt, text);
	for (int i = 0; i < TOGGLES; i++) {
		app_change(&s.app);
		s.app.doc.job.bos = i % 2 ? BOS_NEVER : BOS_DEFAULT;
	}
	CHECK_THAT(s.app.undo.past.n == UNDO_MOST && s.app.undo.past.bytes < 1 << 20, "%d steps take %zu bytes", s.app.undo.past.n,
		   s.app.undo.past.bytes);
	for (int i = 0; i < PROMPTS; i++) {
		app_change(&s.app);
		text[0] = (char)('a' + i % 26);
		job_set(&s.app.doc.job.prompt, text);
	}
	CHECK_THAT(s.app.undo.past.bytes <= UNDO_BYTES && s.app.undo.past.n >= 5, "%d steps take %zu bytes", s.app.undo.past.n,
		   s.app.undo.past.bytes);
	CHECK(app_undo(&s.app, NULL) && s.app.doc.job.prompt[0] == 'a' + (PROMPTS - 2) % 26 &&
	      strlen(s.app.doc.job.prompt) == LONG);
	while (app_undo(&s.app, NULL))
		;
	CHECK_THAT(!s.app.undo.past.bytes && s.app.undo.future.bytes <= UNDO_BYTES, "%zu bytes", s.app.undo.past.bytes);
	drop_curtain(&s);
	free(text);
}

int main(void)
{
	typing();
	for (unsigned seed = 1; seed <= 12; seed++)
		undo_property(seed);
	two_undos();
	undo_takes_little();
	return tap_done();
}
