/* man.c - the man page as roff, from the tables that the program itself works with: see command.h. */
#include <stdio.h>
#include <string.h>

#include "engine/analysis/analysis.h"
#include "engine/base/build.h"
#include "engine/run/edit.h"
#include "engine/run/metric.h"
#include "tui/app/action.h"
#include "tui/cli/command.h"

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

static void man_commands(struct str *out)
{
	char left[200];

	str_add(out, ".SH COMMANDS\n");
	for (const struct command *c = commands; c->usage; c++) {
		snprintf(left, sizeof left, "lmscope %s", c->usage);
		man_row(out, left, c->help);
	}
}

/* All keys, in the groups of the help that `?` opens. */
static void man_keys(struct str *out)
{
	const char *group = "";
	struct str left;

	str_init(&left);
	str_add(out, ".SH KEYS\n");
	for (int i = 0; i < ACTION_COUNT; i++) {
		const struct action *a = &actions[i];

		if (strcmp(a->group, group)) {
			group = a->group;
			str_addf(out, ".SS %s\n", group);
		}
		str_clear(&left);
		str_add(&left, a->keys);
		if (*a->words)
			str_addf(&left, "%s:%.*s %s", *a->keys ? ", " : "", (int)strcspn(a->words, " "), a->words,
				 wants_word(a->wants));
		man_row(out, left.s, a->help);
	}
	str_done(&left);
}

static void man_formats(struct str *out)
{
	char left[100];

	str_add(out, ".SH FORMATS\nOf \\-f, and by a file's extension of :export, which writes the pane that has the keys, or the "
		     "whole screen.\n");
	for (const struct format *f = formats; f->word; f++) {
		snprintf(left, sizeof left, "%s (.%s)", f->word, f->extension);
		man_row(out, left, f->help);
	}
}

static void man_edits(struct str *out)
{
	char left[200];

	str_add(out, ".SH EDITS\nTARGET LAYER[.UNIT] [@POSITIONS] OP [ARGUMENTS]. A unit is a head, a KV head or a neuron; 5.0..3 "
		     "are four of layer 5. Positions count from 0, the beginning-of-sequence token included; negative ones from "
		     "the end; a..b is a range, a.. runs to the end and to what is generated.\n");
	for (const struct place_word *t = place_words; t->word; t++)
		man_row(out, t->word, t->help);
	for (int op = 0; op < EDIT_OPS; op++) {
		snprintf(left, sizeof left, "%s %s", edit_ops[op].word, edit_ops[op].arguments);
		man_row(out, left, edit_ops[op].help);
	}
	str_add(out, ".SH METRICS\n");
	for (int k = 0; k < METRIC_KINDS; k++)
		man_row(out, metric_table[k]->word, metric_table[k]->help);
}

static void man_techniques(struct str *out)
{
	struct str line;

	str_init(&line);
	str_add(out, ".SH TECHNIQUES\n");
	for (int i = 0; analysis_list[i]; i++) {
		const struct analysis *a = analysis_list[i];

		man_row(out, a->name, a->blurb);
		for (const struct param *p = a->params; p && p->name; p++) {
			str_clear(&line);
			str_addf(&line, "%s: %s (", p->name, p->help);
			param_range_text(p, 0, &line);
			str_add(&line, ")");
			str_add(out, ".br\n");
			roff(out, line.s);
			str_add(out, "\n");
		}
	}
	str_done(&line);
}

static void man_surroundings(struct str *out)
{
	static const struct {
		const char *left, *right;
	} files[] = {
		{ "~/.config/lmscope/presets/NAME.yaml", "views that you saved; also under $XDG_CONFIG_HOME" },
		{ "~/.config/lmscope/themes/NAME.yaml", "themes of your own" },
		{ "~/.local/state/lmscope/", "what was typed before, and what was on the screen when a connection was lost" },
	}, environment[] = {
		{ "NO_COLOR", "when set: no colours" },
		{ "COLORTERM", "truecolor: the terminal shows all colours" },
		{ "LMSCOPE_SHARE", "the folder with presets, themes and models/demo, before any other" },
		{ "LMSCOPE_MEMORY", "bytes that may be used at most, where less than what is free should be" },
		{ "LMSCOPE_CPU",
		  "generic, avx2 or avx512: the kernels to compute with, instead of the best that this processor has" },
		{ "LMSCOPE_GEMM",
		  "openblas: every matrix product through OpenBLAS; bits then depend on what is computed together" },
	};

	str_add(out, ".SH FILES\n");
	for (size_t i = 0; i < sizeof files / sizeof *files; i++)
		man_row(out, files[i].left, files[i].right);
	str_add(out, ".SH ENVIRONMENT\n");
	for (size_t i = 0; i < sizeof environment / sizeof *environment; i++)
		man_row(out, environment[i].left, environment[i].right);
	str_add(out, ".SH EXIT STATUS\n");
	man_row(out, "0", "done");
	man_row(out, "1", "the question cannot be answered: a missing or broken file, a layer that the model does not have");
	man_row(out, "2", "the question is not well-formed: an unknown option or technique, an edit that does not parse");
}

void command_man(struct str *out)
{
	str_addf(out, ".TH LMSCOPE 1 \"\" \"lmscope %s\"\n.SH NAME\nlmscope \\- a microscope for language models\n.SH SYNOPSIS\n",
		 LMSCOPE_VERSION);
	for (const struct command *c = commands; c->usage; c++) {
		str_add(out, ".B lmscope\n");
		roff(out, c->usage);
		str_add(out, "\n.br\n");
	}
	str_add(out, ".SH DESCRIPTION\nlmscope opens a model where its weights are and shows what happens inside it: heatmaps of "
		     "layers and tokens, attention patterns, the logit lens, attribution. Heads, neurons and layers can be "
		     "switched off, and every number answers. MODEL is a Hugging Face folder, a .gguf file, a name that `lmscope "
		     "models` lists, or demo, the small model that comes with the program.\n");
	man_commands(out);
	str_add(out, ".SH OPTIONS\n");
	options_man(out);
	man_formats(out);
	man_edits(out);
	man_techniques(out);
	man_keys(out);
	man_surroundings(out);
}
