/* command.c - see command.h. */
#include "tui/cli/command.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/utf8.h"
#include "engine/base/build.h"
#include "engine/numbers/pool.h"

const struct command commands[] = {
	{ NULL, FOR_EXPLORE, "[MODEL] [-p PROMPT] [OPTION]…", "look inside a model, on the screen", NULL },
	{ "print", FOR_PRINT, "print ANALYSIS [MODEL] -p PROMPT [OPTION]…", "one technique's table, or every pane of a preset", command_print },
	{ "analyses", FOR_ANALYSES, "analyses [NAME]", "the techniques; or one technique's arguments, unit and paper", command_analyses },
	{ "info", FOR_INFO, "info [MODEL]", "family, sizes, number formats, memory, tokenizer", command_info },
	{ "models", FOR_MODELS, "models", "what lies in the caches of this machine, and whether it can be opened", command_models },
	{ "tokens", FOR_TOKENS, "tokens [MODEL] -p TEXT", "how a text is cut into tokens", command_tokens },
	{ "generate", FOR_GENERATE, "generate [MODEL] -p PROMPT [-n 20] [-e EDIT]…", "the likeliest continuation, under edits", command_generate },
	{ 0 },
};

void command_say(const char *sentence)
{
	struct str safe;

	str_init(&safe);
	utf8_safe(&safe, sentence, strlen(sentence), false);
	fprintf(stderr, "lmscope: %s\n", safe.s);
	str_done(&safe);
}

void command_say_notes(const struct notes *notes)
{
	for (int i = 0; i < notes->n; i++)
		command_say(notes->line[i]);
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
			str_addf(&out, "  lmscope %-46s %s\n", k->usage, k->help);
		str_add(&out, "  lmscope COMMAND --help\n\nMODEL is a Hugging Face folder, a .gguf file, a name that `lmscope models` lists, or demo (the default).\n\n");
	}
	options_help(c->bit, &out);
	fputs(out.s, stdout);
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
		printf("lmscope %s\n", LMSCOPE_VERSION);
		return true;
	}
	if (o->man) {
		struct str out;

		str_init(&out);
		command_man(&out);
		fputs(out.s, stdout);
		str_done(&out);
		return true;
	}
	pool_threads(o->threads);
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
	if (c->word) {	/* the command's own word takes the place of the program's */
		argc--;
		argv++;
	}
	ok = options_parse(argc, argv, c->bit, &o, &err) && run(c, &o, explore, &err);
	if (ok && (fflush(stdout) || ferror(stdout)))
		ok = err_set(&err, ERR_FILE, "standard output: %s", strerror(errno));
	options_done(&o);
	if (ok)
		return 0;
	command_say(err.text);
	return err.kind == ERR_USAGE ? 2 : 1;
}

/* ---- the man page ---- */

/* Text with roff's own characters escaped. */
static void roff(struct str *out, const char *text)
{
	for (const char *p = text; *p; p++) {
		if (*p == '\\')
			str_add(out, "\\e");
		else if (*p == '-')
			str_add(out, "\\-");
		else if ((*p == '.' || *p == '\'') && (p == text || p[-1] == '\n'))
			str_addf(out, "\\&%c", *p);
		else
			str_add_char(out, *p);
	}
}

static void man_row(struct str *out, const char *left, const char *right)
{
	str_add(out, ".TP\n.B ");
	roff(out, left);
	str_add(out, "\n");
	roff(out, right);
	str_add(out, "\n");
}

void command_man(struct str *out)
{
	char left[200];

	str_addf(out, ".TH LMSCOPE 1 \"\" \"lmscope %s\"\n.SH NAME\nlmscope \\- a microscope for language models\n.SH SYNOPSIS\n", LMSCOPE_VERSION);
	for (const struct command *c = commands; c->usage; c++) {
		str_add(out, ".B lmscope\n");
		roff(out, c->usage);
		str_add(out, "\n.br\n");
	}
	str_add(out, ".SH DESCRIPTION\nlmscope opens a model where its weights are and shows what happens inside it: heatmaps of layers and "
		     "tokens, attention patterns, the logit lens, attribution. Heads, neurons and layers can be switched off, and every "
		     "number answers. MODEL is a Hugging Face folder, a .gguf file, a name that `lmscope models` lists, or demo, the small "
		     "model that comes with the program.\n"
		     ".SH COMMANDS\n");
	for (const struct command *c = commands; c->usage; c++) {
		snprintf(left, sizeof left, "lmscope %s", c->usage);
		man_row(out, left, c->help);
	}
	str_add(out, ".SH OPTIONS\n");
	options_man(out);
	str_add(out, ".SH EDITS\nTARGET LAYER[.UNIT] [@POSITIONS] OP [ARGUMENTS]. Positions count from 0, the beginning-of-sequence token "
		     "included; negative ones from the end; a..b is a range.\n");
	for (const struct edit_target *t = edit_targets; t->word; t++)
		man_row(out, t->word, t->help);
	for (int op = 0; op < EDIT_OPS; op++) {
		snprintf(left, sizeof left, "%s %s", edit_ops[op].word, edit_ops[op].arguments);
		man_row(out, left, edit_ops[op].help);
	}
	str_add(out, ".SH METRICS\n");
	for (int k = 0; k < METRIC_KINDS; k++)
		man_row(out, metric_table[k].word, metric_table[k].help);
	str_add(out, ".SH TECHNIQUES\n");
	for (int i = 0; analysis_list[i]; i++) {
		const struct analysis *a = analysis_list[i];

		man_row(out, a->name, a->blurb);
		for (const struct param *p = a->params; p && p->name; p++) {
			struct str range;

			str_init(&range);
			param_range_text(p, 0, &range);
			str_add(out, ".br\n");
			snprintf(left, sizeof left, "%s: %s (%s)", p->name, p->help, range.s);
			roff(out, left);
			str_add(out, "\n");
			str_done(&range);
		}
	}
}
