/* main.c - where it begins: the command line decides whether there is a screen. */
#include <locale.h>
#include <signal.h>

#include "tui/app/limits.h"
#include "tui/app/start.h"
#include "tui/app/tui.h"
#include "tui/cli/command.h"
#include "tui/terminal/crash.h"

static bool start_screen(struct options *o, struct err *err)
{
	const bool asked = o->words || o->from_preset || *o->preset.job.prompt || o->preset.job.edits;
	struct explore what = { &o->preset, &o->notes, o->ascii, !asked };

	if (o->words > 1)
		return err_set(err, ERR_USAGE, "unexpected argument \"%s\": one MODEL, and the prompt after -p", o->word[1]);
	if (o->words)
		job_set(&o->preset.job.model, o->word[0]);
	if (!asked)
		start_welcome(&o->preset, &o->notes);
	start_document(&o->preset);
	return explore(&what, err);
}

int main(int argc, char **argv)
{
	if (!limits_suffice())
		return 1;
	setlocale(LC_CTYPE, ""); /* characters alone: numbers in files and on the command line have a point everywhere */
	crash_catch();
	signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is an error of the write: a sentence */
	return command_main(argc, argv, start_screen);
}
