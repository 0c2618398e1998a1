/* command.c - see command.h. */
#include "tui/cli/command.h"

#include <signal.h>
#include <string.h>

#include "engine/base/build.h"
#include "engine/base/utf8.h"
#include "engine/model/model.h"
#include "engine/numbers/pool.h"
#include "tui/cli/say.h"

const struct command commands[] = {
	{ NULL, FOR_EXPLORE, "[MODEL] [-p PROMPT] [OPTION]…", "look inside a model, on the screen", NULL },
	{ "print", FOR_PRINT, "print ANALYSIS [MODEL] -p PROMPT [OPTION]…", "one technique's table, or every pane of a preset",
	  command_print },
	{ "merge", FOR_MERGE, "merge FILE…", "what print --shard left, one file of each shard, as the table of a single run",
	  command_merge },
	{ "analyses", FOR_ANALYSES, "analyses [NAME]", "the techniques; or one technique's arguments, unit and paper",
	  command_analyses },
	{ "info", FOR_INFO, "info [MODEL]", "family, sizes, number formats, memory, tokenizer", command_info },
	{ "models", FOR_MODELS, "models", "what lies in the caches of this machine, and whether it can be opened", command_models },
	{ "tokens", FOR_TOKENS, "tokens [MODEL] -p TEXT", "how a text is cut into tokens", command_tokens },
	{ "generate", FOR_GENERATE, "generate [MODEL] -p PROMPT [-n 20] [-e EDIT]…", "the likeliest continuation, under edits",
	  command_generate },
	{ "direction", FOR_DIRECTION, "direction [MODEL] --with FILE --without FILE [-o FILE]",
	  "a direction to steer by, from two sets of prompts", command_direction },
	{ "perplexity", FOR_PERPLEXITY, "perplexity MODEL FILE [--stride N] [--window N]", "how well a model predicts a text",
	  command_perplexity },
	{ "verify", FOR_VERIFY, "verify MODEL REFERENCE", "compare logits and sites with values from elsewhere", command_verify },
	{ "bench", FOR_BENCH, "bench [MODEL]", "how fast the work is here, beside what this machine could do at most",
	  command_bench },
	{ 0 },
};

void command_say_notes(const struct notes *notes)
{
	for (int i = 0; i < notes->n; i++)
		say_sentence(notes->line[i]);
}

static void help(const struct command *c)
{
	struct str out;

	str_init(&out);
	if (c->word) {
		str_addf(&out, "Usage: lmscope %s\n%s.\n\n", c->usage, c->help);
	} else {
		str_add(&out, "lmscope: a microscope for language models\n\n");
		for (const struct command *k = commands; k->usage; k++)
			str_addf(&out, "  lmscope %s%*s %s\n", k->usage, 46 - utf8_columns(k->usage, strlen(k->usage)), "",
				 k->help);
		str_add(&out, "  lmscope COMMAND --help\n\nMODEL is a Hugging Face folder, a .gguf file, a name that `lmscope "
			      "models` lists, or demo (the default).\n\n");
	}
	options_help(c->bit, &out);
	if (c->bit & (FOR_PRINT | FOR_MERGE)) {
		str_add(&out, "\nFormats of -f:\n");
		for (const struct format *f = formats; f->word; f++)
			str_addf(&out, "  %-28s %s\n", f->word, f->help);
	}
	say_text(&out);
	str_done(&out);
}

static bool run(const struct command *c, struct options *o, bool (*explore)(struct options *o, struct err *err), struct err *err)
{
	bool ok;

	if (o->help) {
		help(c);
		return true;
	}
	if (o->version) {
		struct str out;

		str_init(&out);
		str_addf(&out, "lmscope %s\n", LMSCOPE_VERSION);
		say_text(&out);
		str_done(&out);
		return true;
	}
	if (o->man) {
		struct str out;

		str_init(&out);
		command_man(&out);
		say_text(&out);
		str_done(&out);
		return true;
	}
	/*
	 * The screen shows what it can of a preset, and says what it left out. A script that reads numbers would take them for
	 * the preset's.
	 */
	if (c->word && o->notes.n)
		return err_set(err, o->preset.misspelt ? ERR_USAGE : ERR_FILE, "%s", o->notes.line[0]);
	if (c->word && !(c->bit & (FOR_PRINT | FOR_MERGE)) && strcmp(o->format->word, "text") && !o->json)
		return err_set(err, ERR_USAGE, "-f: %s writes text or json, not %s", c->word, o->format->word);
	if (!matrix_start(err))
		return false;
	pool_threads(o->threads);
	matrix_low_memory(o->low_memory);
	ok = c->word ? c->run(o, err) : explore(o, err);
	pool_stop();
	return ok;
}

int command_main(int argc, char **argv, bool (*explore)(struct options *o, struct err *err))
{
	const struct command *c = commands;
	struct options o;
	struct err err = { 0 };
	bool ok;

	for (const struct command *k = commands + 1; argc > 1 && k->run; k++)
		if (!strcmp(argv[1], k->word))
			c = k;
	if (c->word) { /* the command's own word takes the place of the program's */
		argc--;
		argv++;
	}
	ok = options_parse(argc, argv, c->bit, &o, &err) && run(c, &o, explore, &err);
	ok = ok && say_done(&err);
	options_done(&o);
	if (ok)
		return 0;
	say_sentence(err.text);
	return err.kind == ERR_USAGE ? 2 : err.kind == ERR_CANCELLED ? 128 + SIGINT : 1;
}
