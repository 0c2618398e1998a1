/* bookmarks.c - bookmarks and notes on cells. */
#include "tests/screens/stage.h"

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
	CHECK_THAT(s.app.zoomed && !memcmp(cursor, s.app.doc.cursor, sizeof cursor) &&
			   job_pane_equal(&pane, &s.app.doc.job.pane[s.app.focus]),
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
	return tap_done();
}
