/* log.c - the log of questions: what becomes an entry and what does not, the way back, and its lines as a file. */
#include <time.h>

#include "tests/screens/stage.h"

#include "tests/screens/golden.h"

static const struct log_entry *newest(const struct stage *s)
{
	return &s->app.log.entry[s->app.log.n - 1];
}

static void check_newest(const struct stage *s, int n, const char *what, const char *number)
{
	if (!CHECK_THAT(s->app.log.n == n, "%d of %d questions", s->app.log.n, n))
		return;
	CHECK_TEXT(newest(s)->what, what);
	CHECK_TEXT(newest(s)->number, number);
}

static void what_is_a_question(void)
{
	struct stage s;

	raise_curtain(&s);
	check_newest(&s, 1, "prompt The capital of France is", "·Paris 0.710");
	press(&s, "3 Down Right [ Tab z z");
	CHECK_THAT(s.app.log.n == 1, "moving and looking ask nothing new");
	press(&s, "3 Space");
	check_newest(&s, 2, "edit head 1.1 zero", "14.20 → 12.89");
	CHECK_TEXT(newest(&s)->edit, "head 1.1 zero");
	press(&s, "u C-r u");
	CHECK_THAT(s.app.log.n == 2, "back and forth asks nothing new, and the undone edit keeps its line");
	press(&s, "e C-e '_not Enter");
	check_newest(&s, 3, "prompt … of France is not", "·Paris 0.710");
	press(&s, "m C-u 'entropy Enter");
	check_newest(&s, 4, "metric entropy", "14.20");
	press(&s, "f C-u 'A_foil Enter");
	check_newest(&s, 5, "foil A foil", "·Rome 0.640");
	press(&s, "1 : 'technique_attention-overview Enter");
	CHECK_THAT(s.app.log.n == 6 && strstr(newest(&s)->what, "attention-overview") &&
			   strstr(newest(&s)->number, "layer 1 · head 1"),
		   "%s  %s", newest(&s)->what, newest(&s)->number);
	press(&s, "g");
	CHECK_THAT(s.app.log.n == 7 && strstr(newest(&s)->what, "continuation of"), "%s", newest(&s)->what);
	press(&s, "Slow m C-u 'rank_\"_Paris\" Enter");
	CHECK_THAT(s.app.log.n == 7, "what is not answered is not in it yet");
	drop_curtain(&s);
}

static void in_short(void)
{
	struct stage s;

	raise_curtain(&s);
	press(&s, "f 'not Enter 1 : 'technique_attention-knockout Enter Down Space");
	CHECK_THAT(strstr(newest(&s)->what, "edit scores 2 @") && strstr(newest(&s)->what, " and 1 more"), "%s", newest(&s)->what);
	job_set(&s.app.doc.job.prompt, "aéééééééééééééééééééééééé b");
	press(&s, "F9");
	job_set(&s.app.doc.job.prompt, "aéééééééééééééééééééééééé c");
	press(&s, "F9");
	CHECK_TEXT(newest(&s)->what, "prompt … éé c");
	drop_curtain(&s);
}

/* The strength of an edit under the arrow keys is one question, of the value that it ends with. */
static void steering(void)
{
	struct stage s;

	raise_curtain(&s);
	press(&s, ": 'edit_head_1.0_scale_0.5 Enter E Right Right Right");
	CHECK_THAT(s.app.log.n == 2, "not each step");
	press(&s, "Esc");
	CHECK_THAT(s.app.log.n == 3 && strstr(newest(&s)->what, "edit head 1.0 scale"), "%s", newest(&s)->what);
	CHECK_TEXT(newest(&s)->edit, s.app.doc.job.edit[0].line);
	drop_curtain(&s);
}

static void the_list(void)
{
	struct stage s;

	raise_curtain(&s);
	press(&s, "3 Space m C-u 'entropy Enter 3 Space b a : 'log Enter");
	CHECK_THAT(screen_has(&s, "off now"), "an edit that is off says so");
	{
		struct str all;

		str_init(&all);
		canvas_dump(&s.canvas, &all);
		check_golden("log-120x40", &all);
		str_done(&all);
	}
	resize(&s, 80, 24);
	CHECK_THAT(screen_has(&s, "09:15:00  prompt The capital") && screen_has(&s, "14.20 → 12.89"),
		   "the number fits into 80 columns");
	press(&s, "Down Down Tab");
	CHECK_THAT(screen_has(&s, "12.89 then, entropy: 14.20 now"), "Tab compares with now");
	press(&s, "C-y");
	CHECK_TEXT(s.fake.copied, "lmscope print head-attribution -p 'The capital of France is' -e 'head 3.0 zero'");
	press(&s, "Up Up Up Up 'off_now");
	CHECK_THAT(screen_has(&s, "1 of 4") && screen_has(&s, "head 3.0 zero"), "letters filter");
	press(&s, "Enter");
	CHECK_THAT(!s.app.popup && s.app.doc.job.edits == 1 && !s.app.doc.job.metric && s.app.focus == 2,
		   "Enter goes back to the question");
	CHECK_THAT(s.app.doc.places == 1, "what was bookmarked since stays");
	CHECK_THAT(s.app.log.n == 4, "which is none that is new");
	press(&s, "u");
	CHECK_THAT(s.app.doc.job.edits == 0 && s.app.doc.job.metric, "u undoes that");
	drop_curtain(&s);
}

/* ---- as a file ---- */

static char *text_of(const struct preset *doc)
{
	struct str out;

	str_init(&out);
	preset_print(doc, &out);
	return str_take(&out);
}

static void print_all(const struct question_log *log, struct str *out)
{
	for (int i = 0; i < log->n; i++)
		log_print(&log->entry[i], out);
}

static void done_all(struct log_entry *entry, int n)
{
	for (int i = 0; i < n; i++)
		log_entry_done(&entry[i]);
	free(entry);
}

static void as_lines(void)
{
	struct log_entry *read;
	struct stage s;
	struct str text;
	int n;

	raise_curtain(&s);
	str_init(&text);
	press(&s, "3 Space");
	job_set(&s.app.doc.job.prompt, "\033]0;title\a\033[2J\r\nAAA\tB \xff\xfe \"quoted\" \\ \xe2\x80\xae mirrored "
				       "{\"at\":1}\n{\"doc\":\"x\"}");
	press(&s, "F9");
	CHECK_THAT(s.app.log.n == 3 && !strpbrk(newest(&s)->what, "\033\a\r\n"), "%d: %s", s.app.log.n, newest(&s)->what);
	press(&s, ": 'log Enter");
	CHECK_THAT(!screen_has(&s, "\033"), "a hostile prompt is shown safely");
	print_all(&s.app.log, &text);
	CHECK_THAT(!strpbrk(text.s, "\033\a\r"), "and written so");
	n = log_read(text.s, text.n, &read);
	CHECK_THAT(n == 3, "%d lines are read back", n);
	for (int i = 0; i < n; i++) {
		char *was = text_of(&s.app.log.entry[i].doc), *now = text_of(&read[i].doc);

		CHECK_TEXT(read[i].what, s.app.log.entry[i].what);
		CHECK_TEXT(read[i].number, s.app.log.entry[i].number);
		CHECK_TEXT(now, was);
		CHECK(read[i].at == s.app.log.entry[i].at && read[i].pane == s.app.log.entry[i].pane);
		free(was);
		free(now);
	}
	done_all(read, n);
	n = log_read(text.s, text.n - 20, &read);
	CHECK_THAT(n == 2, "a line that is cut short is left out");
	done_all(read, n);
	str_add(&text, "[[[\n{}\n{\"doc\":\"panes: 5\"}\n\n{\"doc\":\"panes: [next-token]\",\"pane\":99,\"at\":\"x\"}\n");
	n = log_read(text.s, text.n, &read);
	CHECK_THAT(n == 4 && read[3].pane == 0 && !*read[3].what, "so is what is none");
	log_merge(&s.app.log, read, n);
	free(read);
	CHECK_THAT(s.app.log.n == 4 && s.app.log.merged, "entries that it has are not there twice");
	str_done(&text);
	drop_curtain(&s);
}

static void bounded(void)
{
	struct stage s;
	char *prompt = malloc(20001);

	raise_curtain(&s);
	memset(prompt, 'x', 20000);
	prompt[20000] = 0;
	for (int i = 0; i < 100; i++) {
		snprintf(prompt, 12, "%010d", i);
		prompt[10] = ' ';
		job_set(&s.app.doc.job.prompt, prompt);
		fake_keys(&s.fake, &s.app, "F9");
	}
	CHECK_THAT(s.app.log.bytes <= LOG_BYTES && s.app.log.n > 40 && s.app.log.n < 60, "%zu bytes of %d long prompts",
		   s.app.log.bytes, s.app.log.n);
	CHECK_THAT(strstr(newest(&s)->what, "0000000099"), "the newest are kept: %s", newest(&s)->what);
	for (int i = 0; i < LOG_MOST + 50; i++) {
		snprintf(prompt, 12, "%d", i);
		job_set(&s.app.doc.job.prompt, prompt);
		fake_keys(&s.fake, &s.app, "F9");
	}
	CHECK_THAT(s.app.log.n == LOG_MOST, "%d short ones", s.app.log.n);
	free(prompt);
	drop_curtain(&s);
}

int main(void)
{
	setenv("TZ", "UTC0", 1);
	tzset();
	what_is_a_question();
	in_short();
	steering();
	the_list();
	as_lines();
	bounded();
	return tap_done();
}
