/* options.c - see options.h. */
#include "tui/cli/options.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/arena.h"
#include "engine/base/plain_text.h"
#include "tui/views/view.h"

enum { STDIN_LIMIT = 16 << 20 };

struct option_row {
	char letter;		     /* 0: none */
	const char *word, *argument; /* argument NULL: a switch */
	unsigned commands;
	const char *help;
	bool (*take)(struct options *o, const char *value, struct err *err);
};

static bool read_stdin(char **out, struct err *err)
{
	struct str s;
	char part[65536];
	size_t n;

	str_init(&s);
	while ((n = fread(part, 1, sizeof part, stdin)) && s.n <= STDIN_LIMIT)
		str_add_n(&s, part, n);
	if (s.n > STDIN_LIMIT || memchr(s.s, 0, s.n)) {
		str_done(&s);
		return err_set(err, ERR_ARGUMENT, "standard input: a prompt is a text of at most 16 MB without NUL bytes");
	}
	s.n = plain_text_tidy(s.s, s.n);
	if (s.n && s.s[s.n - 1] == '\n') /* the one that echo and editors put there */
		s.s[--s.n] = '\0';
	*out = str_take(&s);
	return true;
}

static bool take_prompt(struct options *o, const char *value, struct err *err)
{
	if (!strcmp(value, "-")) {
		free(o->preset.job.prompt);
		o->preset.job.prompt = NULL;
		return read_stdin(&o->preset.job.prompt, err);
	}
	job_set(&o->preset.job.prompt, value);
	return true;
}

static bool take_foil(struct options *o, const char *value, struct err *err)
{
	(void)err;
	job_set(&o->preset.job.foil, value);
	return true;
}

static bool take_edit(struct options *o, const char *value, struct err *err)
{
	struct arena *arena = arena_new();
	struct edit edit;
	bool ok = edit_parse(value, &edit, arena, err);

	arena_free(arena);
	if (ok)
		job_add_edit(&o->preset.job, value);
	return ok;
}

static bool take_metric(struct options *o, const char *value, struct err *err)
{
	if (!metric_check(value, NULL, 0, err))
		return false;
	job_set(&o->preset.job.metric, value);
	return true;
}

static bool take_set(struct options *o, const char *value, struct err *err)
{
	if (o->sets == SET_MOST)
		return err_set(err, ERR_USAGE, "-s: at most %d arguments", SET_MOST);
	o->set[o->sets++] = value;
	return true;
}

static bool take_each(struct options *o, const char *value, struct err *err)
{
	char word[64];

	for (const char *p = value, *end; p; p = *end ? end + 1 : NULL) {
		enum dim dim;

		end = strchr(p, ',') ? strchr(p, ',') : p + strlen(p);
		snprintf(word, sizeof word, "%.*s", (int)(end - p), p);
		dim = dim_find(word);
		if (dim == DIM_COUNT || dim == DIM_NONE)
			return err_set(err, ERR_USAGE, "--each: there is no dimension \"%s\"; expected layer, head or position",
				       word);
		if (o->eaches == EACH_MOST)
			return err_set(err, ERR_USAGE, "--each: at most %d dimensions", EACH_MOST);
		o->each[o->eaches++] = dim;
	}
	return true;
}

static bool one_view(enum shown before, struct err *err)
{
	return before == SHOWN_RUN ||
	       err_set(err, ERR_USAGE, "--diff and --on foil do not go together: a table is the foil's own or a difference");
}

static bool take_on(struct options *o, const char *value, struct err *err)
{
	if (!strcmp(value, "prompt"))
		return true;
	if (strcmp(value, "foil"))
		return err_set(err, ERR_USAGE, "--on: expected prompt or foil instead of \"%s\"", value);
	if (!one_view(o->shown, err))
		return false;
	o->shown = SHOWN_FOIL;
	return true;
}

static bool take_diff(struct options *o, const char *value, struct err *err)
{
	if (!one_view(o->shown == SHOWN_FOIL ? SHOWN_FOIL : SHOWN_RUN, err))
		return false;
	o->shown = !strcmp(value, "edits") ? SHOWN_MINUS_UNEDITED : !strcmp(value, "foil") ? SHOWN_MINUS_FOIL : SHOWN_RUN;
	return o->shown != SHOWN_RUN || err_set(err, ERR_USAGE, "--diff: expected edits or foil instead of \"%s\"", value);
}

static bool take_format(struct options *o, const char *value, struct err *err)
{
	o->format = format_find(value);
	o->json = !strcmp(value, "json");
	return o->format || err_set(err, ERR_USAGE, "-f: expected text, json, csv, svg or ans instead of \"%s\"", value);
}

/* The preset is read first of all options (see options_parse), so that the others change what it says. */
static bool take_preset(struct options *o, const char *value, struct err *err)
{
	struct preset preset;

	if (!preset_open(value, &preset, &o->notes, err))
		return false;
	view_words_check(&preset, &o->notes);
	preset_done(&o->preset);
	o->preset = preset;
	o->from_preset = true;
	return true;
}

static bool take_view(struct options *o, const char *value, struct err *err)
{
	const enum view_id id = view_find(value);
	struct str known;

	if (id != VIEW_COUNT) {
		o->view = view_words[id];
		return true;
	}
	str_init(&known);
	for (int i = VIEW_OWN + 1; i < VIEW_COUNT; i++)
		str_addf(&known, "%s%s", !known.n ? "" : i < VIEW_COUNT - 1 ? ", " : " or ", view_words[i]);
	err_set(err, ERR_USAGE, "--view: expected %s instead of \"%s\"", known.s, value);
	str_done(&known);
	return false;
}

static bool take_theme(struct options *o, const char *value, struct err *err)
{
	(void)err;
	job_set(&o->preset.theme, value);
	o->theme = value;
	return true;
}

static bool whole_number(const char *name, const char *value, int lo, int hi, int *out, struct err *err)
{
	char *end;
	long x = strtol(value, &end, 10);

	if (end == value || *end || x < lo || x > hi)
		return err_set(err, ERR_USAGE, "%s: expected a whole number from %d to %d instead of \"%s\"", name, lo, hi, value);
	*out = (int)x;
	return true;
}

static bool take_threads(struct options *o, const char *value, struct err *err)
{
	return whole_number("--threads", value, 1, 1024, &o->threads, err);
}

static bool take_pane(struct options *o, const char *value, struct err *err)
{
	return whole_number("--pane", value, 1, JOB_PANES, &o->pane, err);
}

static bool take_count(struct options *o, const char *value, struct err *err)
{
	return whole_number("-n", value, 1, 100000, &o->count, err);
}

static bool take_stride(struct options *o, const char *value, struct err *err)
{
	return whole_number("--stride", value, 1, 1 << 24, &o->stride, err);
}

static bool take_window(struct options *o, const char *value, struct err *err)
{
	return whole_number("--window", value, 2, 1 << 24, &o->window, err);
}

static bool take_layer(struct options *o, const char *value, struct err *err)
{
	return whole_number("--layer", value, 0, 1 << 20, &o->layer, err);
}

static bool take_with(struct options *o, const char *value, struct err *err)
{
	(void)err;
	o->with = value;
	return true;
}

static bool take_without(struct options *o, const char *value, struct err *err)
{
	(void)err;
	o->without = value;
	return true;
}

static bool take_output(struct options *o, const char *value, struct err *err)
{
	(void)err;
	o->output = value;
	return true;
}

static bool take_over(struct options *o, const char *value, struct err *err)
{
	(void)err;
	o->over = value;
	return true;
}

static bool take_resume(struct options *o, const char *value, struct err *err)
{
	(void)err;
	o->resume = value;
	return true;
}

static bool take_shard(struct options *o, const char *value, struct err *err)
{
	enum { SHARDS_MOST = WORDS_MOST };
	int end = 0;

	if (sscanf(value, "%d/%d%n", &o->shard, &o->shards, &end) != 2 || value[end] || o->shard < 1 || o->shard > o->shards ||
	    o->shards > SHARDS_MOST)
		return err_set(err, ERR_USAGE, "--shard: expected I/N, such as 2/4, with N up to %d, instead of \"%s\"",
			       SHARDS_MOST, value);
	o->shard--;
	return true;
}

static bool take_pca(struct options *o, const char *value, struct err *err)
{
	(void)value, (void)err;
	return o->pca = true;
}

static bool take_check(struct options *o, const char *value, struct err *err)
{
	(void)value, (void)err;
	return o->check = true;
}

static bool take_compare(struct options *o, const char *value, struct err *err)
{
	(void)value, (void)err;
	return o->compare = true;
}

static bool take_bos(struct options *o, const char *value, struct err *err)
{
	(void)value, (void)err;
	o->preset.job.bos = BOS_ALWAYS;
	return true;
}

static bool take_no_bos(struct options *o, const char *value, struct err *err)
{
	(void)value, (void)err;
	o->preset.job.bos = BOS_NEVER;
	return true;
}

static bool take_ascii(struct options *o, const char *value, struct err *err)
{
	(void)value, (void)err;
	return o->ascii = true;
}

static bool take_low_memory(struct options *o, const char *value, struct err *err)
{
	(void)value, (void)err;
	return o->low_memory = true;
}

static bool take_help(struct options *o, const char *value, struct err *err)
{
	(void)value, (void)err;
	return o->help = true;
}

static bool take_version(struct options *o, const char *value, struct err *err)
{
	(void)value, (void)err;
	return o->version = true;
}

static bool take_man(struct options *o, const char *value, struct err *err)
{
	(void)value, (void)err;
	return o->man = true;
}

/* clang-format off */
static const struct option_row rows[] = {
	{ 'p', "prompt", "PROMPT", FOR_PROMPT | FOR_TOKENS, "the text; - reads it from standard input", take_prompt },
	{ 0, "foil", "PROMPT", FOR_PROMPT, "the second prompt, to patch from and to compare with", take_foil },
	{ 'e', "edit", "EDIT", FOR_PROMPT, "an intervention, such as \"head 5.1 zero\"; may be given again", take_edit },
	{ 'm', "metric", "METRIC", FOR_EXPLORE | FOR_PRINT | FOR_DIRECTION, "what is measured, such as 'logit \" Paris\"'",
	  take_metric },
	{ 's', "set", "KEY=VALUE", FOR_PRINT, "an argument of the technique; may be given again", take_set },
	{ 0, "each", "DIM[,DIM]", FOR_PRINT, "once for every layer, head or position that the technique takes", take_each },
	{ 0, "over", "FILE", FOR_PRINT, "the mean over many prompts, with standard errors: a file of lines, JSON lines, or one "
					"JSON list", take_over },
	{ 0, "resume", "FILE", FOR_PRINT, "where --over saves what is done, to resume from when interrupted", take_resume },
	{ 0, "shard", "I/N", FOR_PRINT, "of --over each N-th prompt alone, from the I-th on, into the file of --resume; `lmscope "
					"merge` adds the shards up", take_shard },
	{ 0, "check", NULL, FOR_PRINT, "a line for each expectation of the preset, ok or DRIFT, instead of tables; exit status 1 "
				       "on drift", take_check },
	{ 0, "diff", "edits|foil", FOR_PRINT, "edited minus unedited, or prompt minus foil", take_diff },
	{ 0, "on", "prompt|foil", FOR_PRINT, "the table of the prompt, or of the foil", take_on },
	{ 'f', "format", "text|json|csv|svg|ans", FOR_PRINT | FOR_MERGE, "output format", take_format },
	{ 0, "pane", "N", FOR_PRINT, "of a preset's panes the N-th alone, from 1", take_pane },
	{ 0, "view", "NAME", FOR_PRINT, "what the table is drawn as, with -f text, svg and ans: heat, text, lines, graph, tiles, "
					"ranking, bars, tree", take_view },
	{ 'f', "format", "text|json", FOR_ANALYSES | FOR_INFO | FOR_TOKENS | FOR_MODELS | FOR_PERPLEXITY | FOR_VERIFY | FOR_BENCH |
	  FOR_DIRECTION, "output format", take_format },
	{ 'n', "count", "N", FOR_GENERATE, "how many tokens (20)", take_count },
	{ 0, "compare", NULL, FOR_GENERATE, "the continuation without the edits beside it", take_compare },
	{ 0, "with", "FILE", FOR_DIRECTION, "prompts with the trait, one a line", take_with },
	{ 0, "without", "FILE", FOR_DIRECTION, "prompts without it", take_without },
	{ 0, "pca", NULL, FOR_DIRECTION, "the first principal direction of the pairs' differences, uncentred (their mean counts), "
					 "not the difference of means", take_pca },
	{ 0, "layer", "N", FOR_DIRECTION, "of one layer (all)", take_layer },
	{ 'o', "output", "FILE", FOR_DIRECTION, "where it is written: .npy (one layer), .safetensors, or .gguf, llama.cpp's "
						"control vector", take_output },
	{ 0, "stride", "N", FOR_PERPLEXITY, "tokens from one window to the next (half a window)", take_stride },
	{ 0, "window", "N", FOR_PERPLEXITY, "tokens of a window (512, or the model's context)", take_window },
	{ 0, "preset", "NAME|FILE", FOR_EXPLORE | FOR_PRINT, "open a saved view; options beside it change it", take_preset },
	{ 0, "theme", "NAME|FILE", FOR_EXPLORE | FOR_PRINT | FOR_MERGE, "colours: of the screen, or of -f svg and -f ans",
	  take_theme },
	{ 0, "ascii", NULL, FOR_EXPLORE, "no characters beyond ASCII", take_ascii },
	{ 0, "bos", NULL, FOR_PROMPT | FOR_TOKENS | FOR_PERPLEXITY | FOR_DIRECTION, "put the beginning-of-sequence token first",
	  take_bos },
	{ 0, "no-bos", NULL, FOR_PROMPT | FOR_TOKENS | FOR_PERPLEXITY | FOR_DIRECTION, "do not put it first", take_no_bos },
	{ 0, "threads", "N", FOR_PROMPT | FOR_MERGE | FOR_PERPLEXITY | FOR_VERIFY | FOR_BENCH,
	  "threads to compute with (all that this process may use)", take_threads },
	{ 0, "low-memory", NULL, FOR_PROMPT | FOR_MERGE | FOR_PERPLEXITY | FOR_VERIFY | FOR_BENCH | FOR_INFO,
	  "read the weights from the file at each use: slower, and small", take_low_memory },
	{ 'h', "help", NULL, FOR_ALL, "this", take_help },
	{ 0, "version", NULL, FOR_EXPLORE, "name and version", take_version },
	{ 0, "man", NULL, FOR_EXPLORE, NULL, take_man },
	{ 0 },
};
/* clang-format on */

/* The command's row of "-p", "--prompt", "--prompt=…" or "-pTEXT"; *value points at what is glued to it, or is NULL. */
/* What options were called once: scripts that have those names work. */
static const char *now_called(const char *arg)
{
	return !strcmp(arg, "--prompts") ? "--over" : !strcmp(arg, "--keep") ? "--resume" : arg;
}

static const struct option_row *find_row(const char *arg, unsigned command, const char **value)
{
	arg = now_called(arg);
	*value = NULL;
	for (const struct option_row *r = rows; r->word; r++) {
		size_t n = strlen(r->word);

		if (!(r->commands & command))
			continue;
		if (!strncmp(arg, "--", 2) && !strncmp(arg + 2, r->word, n) && (!arg[2 + n] || arg[2 + n] == '=')) {
			*value = arg[2 + n] ? arg + 3 + n : NULL;
			return r;
		}
		if (r->letter && arg[0] == '-' && arg[1] == r->letter && (!arg[2] || r->argument)) {
			*value = arg[2] ? arg + 2 : NULL;
			return r;
		}
	}
	return NULL;
}

static bool take_word(struct options *o, char *word, unsigned command, struct err *err)
{
	if (o->words == (command == FOR_MERGE ? WORDS_MOST : 2))
		return err_set(err, ERR_USAGE, "unexpected argument \"%s\"", word);
	o->word[o->words++] = word;
	return true;
}

/* One pass over argv: with presets_only just the presets are read, otherwise everything but them. */
static bool scan(int argc, char **argv, unsigned command, struct options *o, bool presets_only, struct err *err)
{
	bool options_end = false;

	for (int i = 1; i < argc; i++) {
		const struct option_row *r;
		const char *value;

		if (options_end || argv[i][0] != '-' || !argv[i][1]) {
			if (!presets_only && !take_word(o, argv[i], command, err))
				return false;
			continue;
		}
		if (!strcmp(argv[i], "--")) {
			options_end = true;
			continue;
		}
		r = find_row(argv[i], command, &value);
		if (!r)
			return err_set(err, ERR_USAGE, "there is no option %s here; --help lists them", argv[i]);
		if (r->argument && !value) {
			if (i + 1 == argc)
				return err_set(err, ERR_USAGE, "%s needs a value: %s", argv[i], r->argument);
			value = argv[++i];
		} else if (!r->argument && value) {
			return err_set(err, ERR_USAGE, "--%s takes no value", r->word);
		}
		if ((r->take == take_preset) == presets_only && !r->take(o, value, err))
			return false;
	}
	return true;
}

bool options_parse(int argc, char **argv, unsigned command, struct options *o, struct err *err)
{
	*o = (struct options){ .format = format_find("text"), .count = 20, .layer = -1 };
	preset_init(&o->preset);
	return scan(argc, argv, command, o, true, err) && scan(argc, argv, command, o, false, err);
}

void options_done(struct options *o)
{
	preset_done(&o->preset);
	notes_done(&o->notes);
}

void options_help(unsigned command, struct str *out)
{
	for (const struct option_row *r = rows; r->word; r++) {
		char left[64];

		if (!(r->commands & command) || !r->help)
			continue;
		snprintf(left, sizeof left, "%c%c%c --%s%s%s", r->letter ? '-' : ' ', r->letter ? r->letter : ' ',
			 r->letter ? ',' : ' ', r->word, r->argument ? " " : "", r->argument ? r->argument : "");
		str_addf(out, "  %-28s %s\n", left, r->help);
	}
}

void options_man(struct str *out)
{
	for (const struct option_row *r = rows; r->word; r++) {
		if (!r->help)
			continue;
		str_add(out, ".TP\n.B ");
		if (r->letter)
			str_addf(out, "\\-%c, ", r->letter);
		str_addf(out, "\\-\\-%s%s%s\n%s\n", r->word, r->argument ? " " : "", r->argument ? r->argument : "", r->help);
	}
}
