/* complete.c - Tab: files and folders wherever a path is wanted, and the names that belong there. */
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/paths.h"
#include "tests/screens/stage.h"
#include "tests/remove_tree.h"
#include "tui/app/complete.h"
#include "tui/app/input.h"
#include "tui/app/effects.h"

static void make(const char *home, const char *name)
{
	char *path = file_join(home, name);
	struct err err;

	if (!file_write(path, "x\n", 2, &err))
		abort();
	free(path);
}

/* What is in the line after those keys. */
static void check(struct stage *s, const char *keys, const char *expected)
{
	press(s, keys);
	CHECK_THAT(!strcmp(s->app.input.text.s, expected), "%s: %s", keys, expected);
	if (strcmp(s->app.input.text.s, expected))
		printf("# it is: %s\n", s->app.input.text.s);
	press(s, "Esc Esc");
}

static char **themes(void)
{
	char **names = xcalloc(2, sizeof *names);

	names[0] = xstrdup("dusk");
	names[1] = xstrdup("print");
	return names;
}

static void paths(void)
{
	struct stage s;

	raise_curtain(&s);
	check(&s, ": 'model_~/mod Tab", "model ~/models/");
	check(&s, ": 'model_~/models/ Tab", "model ~/models/small.gguf");
	check(&s, ": 'open_~/mi Tab", "open ~/mine.yaml");
	check(&s, ": 'edit_head_0.0_add_~/vec Tab", "edit head 0.0 add ~/vectors.npy ");
	check(&s, ": 'edit_head_0.0_@1_mean_~/pro Tab", "edit head 0.0 @1 mean ~/prompts.txt ");
	check(&s, ": 'edit_head_0.0_zer Tab", "edit head 0.0 zero ");
	check(&s, ": 'export_screen_~/f Tab", "export screen ~/figures/");
	app_lists(&s.app, NULL, 0, themes(), 2);
	check(&s, ": 'export_~/figures/a.svg_th Tab Tab", "export ~/figures/a.svg theme=print");
	check(&s, ": 'export!_screen_a_b.svg_theme=d Tab", "export! screen a b.svg theme=dusk");
	press(&s, ": 'technique_ablation-sweep Enter");
	check(&s, ": 'set_samples=~/pro Tab", "set samples=~/prompts.txt");
	check(&s, ": 'set_op=me Tab", "set op=mean");
	press(&s, "s 'samples Enter");
	CHECK_THAT(s.app.line == LINE_COMMAND, "a FILE of the form opens its line");
	check(&s, "'~/pro Tab", "set samples=~/prompts.txt");
	drop_curtain(&s);
}

/* The lines that a key opens complete as the command does. */
static void other_lines(void)
{
	struct preset_entry *presets = xcalloc(2, sizeof *presets);
	struct stage s;

	raise_curtain(&s);
	presets[0] = (struct preset_entry){
		.name = strdup("induction"), .title = strdup("Induction"), .path = strdup(""), .shipped = true
	};
	presets[1] = (struct preset_entry){ .name = strdup("in-mine"), .title = strdup("Mine"), .path = strdup("") };
	app_lists(&s.app, presets, 2, NULL, 0);
	check(&s, "m C-u 'entr Tab", "entropy ");
	check(&s, "m C-u 'logit_\"_Par Tab", "logit \" Paris\" ");
	check(&s, "w C-u 'in Tab", "in-mine");
	check(&s, ": 'write_in Tab", "write in-mine");
	check(&s, "e C-u 'lo Tab", "lo");
	press(&s, ": 'edit_head_0.0_zero Enter E C-e C-u");
	check(&s, "'head_0.0_add_~/vec Tab", "head 0.0 add ~/vectors.npy ");
	drop_curtain(&s);
}

/* All that a metric may name, step by step: the line, what is offered there, and what is not. */
static void metrics(void)
{
	static const struct {
		const char *line, *offered, *not_offered;
	} cases[] = {
		{ "metric al", "along", "norm" },
		{ "metric along ~/v", "~/vectors.npy", NULL },
		{ "metric along ~/vectors.npy ", "resid_post", "head" },
		{ "metric along ~/vectors.npy resid_post ", "3", "3.0" },
		{ "metric along ~/vectors.npy resid_post 3 ", "@5", "resid_post" },
		{ "metric norm ", "attn_out", "q" },
		{ "metric norm attn_out ", "3", NULL },
		{ "metric neuron_pre ", "3.0", "3" },
		{ "metric scores ", "3.0", NULL },
		{ "metric scores 3.0 ", "@5<5", NULL },
		{ "metric lens \" cap", "\" capital\"", NULL },
		{ "metric lens \" the\" ", "resid_post", "\" capital\"" },
		{ "metric part ", "head", "scores" },
		{ "metric part head ", "3.0", "3" },
		{ "metric part attn_out ", "3", "3.0" },
		{ "metric part head 3.0 ", "of", "resid_post" },
		{ "metric part head 3.0 ", "@5", NULL },
		{ "metric part pattern 3.0 ", "@5<5", NULL },
		{ "metric part head 3.0 of ", "logit", "head" },
		{ "metric part head 3.0 of scores ", "3.0", NULL },
		{ "metric part head 2.0 of part head 3.0 of lo", "logit_diff", "norm" },
		{ "metric loss ", "@5", "\" capital\"" },
	};
	struct stage s;

	raise_curtain(&s);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct completion c;
		bool offered = false, other = false;

		completion_make(&s.app, cases[i].line, &c);
		for (int k = 0; k < c.list.n; k++) {
			offered = offered || !strcmp(c.list.item[k].text, cases[i].offered);
			other = other || (cases[i].not_offered && !strcmp(c.list.item[k].text, cases[i].not_offered));
		}
		CHECK_THAT(offered && !other, "%s: %s%s%s", cases[i].line, cases[i].offered, cases[i].not_offered ? ", not " : "",
			   cases[i].not_offered ? cases[i].not_offered : "");
		completion_done(&c);
	}
	drop_curtain(&s);
}

static void at_home(const char *home)
{
	char *there = file_join(home, "prompts.txt"), *other = paths_find("~/prompts.txt", NULL);
	struct preset preset;
	struct err err = { 0 };
	size_t n;
	char *text = file_read("~/prompts.txt", 100, &n, &err);

	CHECK_THAT(text && file_exists("~/models") && file_is_folder("~/models") && !file_exists("~/none"),
		   "~/ is the user's home");
	CHECK_TEXT(other, there);
	CHECK(file_version("~/prompts.txt") == file_version(there));
	CHECK(!preset_open("~/none.yaml", &preset, NULL, &err) && strstr(err.text, "~/none.yaml"));
	free(text);
	free(other);
	free(there);
}

/* The last that was opened comes first, wherever it is; what is gone is left out. */
static void lately(const char *home)
{
	char *file = file_join(home, "models/small.gguf"), *gone = file_join(home, "models/gone.gguf");
	struct stage s;

	raise_curtain(&s);
	outside_opened("demo");
	outside_opened(gone);
	outside_opened(file);
	outside_models(&s.app);
	CHECK_THAT(s.app.models_n >= 2 && s.app.models[0].recent && s.app.models[1].recent, "%d models", s.app.models_n);
	CHECK_TEXT(s.app.models[0].path, file);
	CHECK_TEXT(s.app.models[1].name, "demo");
	press(&s, "M");
	CHECK_THAT(screen_has(&s, "small.gguf") && screen_has(&s, "opened lately"), "the list says so");
	press(&s, "Esc");
	outside_opened("demo");
	outside_models(&s.app);
	CHECK_TEXT(s.app.models[0].name, "demo");
	check(&s, ": 'model_dem Tab", "model demo");
	for (int i = 0; i < 100; i++) {
		char path[100];

		snprintf(path, sizeof path, "/tmp/none-%d.gguf", i);
		outside_opened(path);
	}
	free(gone);
	gone = paths_state("models");
	{
		struct err err;
		size_t n = 0;
		char *text = file_read(gone, 1 << 20, &n, &err);

		CHECK_THAT(text && n < 20 * 30 && strstr(text, "none-99"), "%zu bytes of names", n);
		free(text);
	}
	free(gone);
	free(file);
	drop_curtain(&s);
}

int main(void)
{
	char home[] = "/tmp/lmscope-complete-XXXXXX";

	if (!mkdtemp(home) || setenv("HOME", home, 1) || unsetenv("XDG_STATE_HOME"))
		abort();
	make(home, "models/small.gguf");
	make(home, "models/readme.txt");
	make(home, "mine.yaml");
	make(home, "my.txt");
	make(home, "vectors.npy");
	make(home, "prompts.txt");
	make(home, "figures/a.svg");
	paths();
	other_lines();
	metrics();
	at_home(home);
	lately(home);
	remove_tree(home);
	return tap_done();
}
