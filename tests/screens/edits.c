/* edits.c - edits that toggle: of what the cursor is on, in their list, and what a cell is the effect of. */
#include "tests/screens/stage.h"
#include "tui/panes/lists.h"

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
	CHECK_THAT(s.app.message_style == STYLE_ERROR && s.app.doc.job.edits == 3, "a line that is no edit says why: %s",
		   s.app.message.s);
	drop_curtain(&s);
}

/* The number after an edit follows the arrows; steps in a row are one to undo; an edit without a number stays as it is. */
static void strength(void)
{
	struct stage s;
	int steps;

	raise_curtain(&s);
	job_add_edit(&s.app.doc.job, "head 1.0 scale 2");
	job_add_edit(&s.app.doc.job, "head 1.1 zero");
	steps = s.app.undo.past.n;
	press(&s, "E Right Right Left Right");
	CHECK_TEXT(s.app.doc.job.edit[0].line, "head 1.0 scale 2.5");
	CHECK_TEXT(s.app.asked.edit[0].line, "head 1.0 scale 2.5");
	CHECK_THAT(s.app.undo.past.n == steps + 1, "steps in a row are undone together: %d", s.app.undo.past.n - steps);
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

static int choice_of(const char *technique, const char *argument, const char *word)
{
	const struct param *params = analysis_find(technique)->params;

	for (const struct choice *c = params[param_find(params, argument)].choices; c->word; c++)
		if (!strcmp(c->word, word))
			return c->value;
	return -1;
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
	pasts = s.app.undo.past.n;
	press(&s, "Space");
	CHECK(s.app.doc.job.edits == 2 && s.app.undo.past.n == pasts + 1);
	CHECK_TEXT(s.app.doc.job.edit[0].line, "scores 2 @5<4 mask");
	CHECK_TEXT(s.app.doc.job.edit[1].line, "scores 3 @5<4 mask");
	press(&s, "E Delete Esc Space");
	CHECK_THAT(s.app.doc.job.edits == 2, "half of it there: the rest comes");
	press(&s, "Space");
	CHECK_THAT(!s.app.doc.job.edits, "and all of it goes at once");
	press(&s, "3 Up Right Enter");
	CHECK(s.app.popup == &popup_cell && marked(&s, "head 3.1 zero"));
	press(&s, "Enter");
	CHECK_THAT(!s.app.popup && s.app.doc.job.edits == 1 && !strcmp(s.app.doc.job.edit[0].line, "head 3.1 zero"),
		   "Enter Enter does what Space does");
	press(&s, "Enter Down");
	CHECK(marked(&s, "part head 3.1 of logit \" Paris\""));
	press(&s, "Down Enter");
	CHECK_TEXT(s.app.doc.job.pane[2].analysis->name, "attention");
	CHECK(asked_argument(&s.app, 2, "layer") == 3 && asked_argument(&s.app, 2, "head") == 1);
	press(&s, "U Enter Down Down Down Enter");
	CHECK_TEXT(s.app.doc.job.pane[2].analysis->name, "path-patching");
	CHECK(asked_argument(&s.app, 2, "receiver") == 1 && asked_argument(&s.app, 2, "layer") == 3 &&
	      asked_argument(&s.app, 2, "head") == 1);
	press(&s, "U Enter 'feed_MLP Enter");
	CHECK_THAT(asked_argument(&s.app, 2, "receiver") == choice_of("path-patching", "receiver", "mlp_in"),
		   "what feeds the MLP: %s", s.app.message.s);
	press(&s, "U Enter Down Down Tab");
	CHECK_THAT(s.app.doc.job.panes == 5 && !strcmp(s.app.doc.job.pane[3].analysis->name, "attention"),
		   "Tab opens it in a pane of its own");
	drop_curtain(&s);
}

/* The footer's word for Space is what it does on this cell. */
static bool says(struct stage *s, const char *verb)
{
	char hint[40];

	snprintf(hint, sizeof hint, " ␣ %s  ", verb);
	return line_has(s, -1, hint);
}

static void the_word_for_space(void)
{
	struct stage s;

	raise_curtain(&s);
	press(&s, "3");
	CHECK_THAT(says(&s, "ablate"), "a head");
	press(&s, "Space");
	CHECK_THAT(says(&s, "revert"), "which is off now");
	press(&s, "u 4");
	CHECK_THAT(says(&s, "no edit"), "a token that may come next");
	press(&s, "f Backspace Backspace 'was Enter 1 : 'technique_activation-patching Enter");
	CHECK_THAT(says(&s, "patch"), "a patch");
	press(&s, ": 'technique_attention-knockout Enter");
	CHECK_THAT(says(&s, "mask"), "a mask");
	press(&s, ": 'technique_path-patching Enter : 'set_direction=denoising Enter");
	CHECK_THAT(says(&s, "no edit"), "what is done in the foil's run");
	press(&s, "Space");
	CHECK_THAT(!s.app.doc.job.edits && screen_has(&s, "edits are made in the prompt's run"), "Space says why");
	press(&s, ".");
	CHECK_THAT(!s.app.doc.job.edits, "so does .");
	press(&s, "Enter");
	CHECK_THAT(marked(&s, "no edit") && screen_has(&s, "edits are made in the prompt's run"),
		   "and the list of what can be done");
	press(&s, "Enter");
	CHECK_THAT(!s.app.doc.job.edits, "which does nothing else either");
	drop_curtain(&s);
}

int main(void)
{
	ablating();
	strength();
	filtering_edits();
	cells_own();
	the_word_for_space();
	return tap_done();
}
