/* preset.c - see preset.h: presets as values, and where they are kept. Reading is in preset_read.c, writing in preset_write.c. */
#include "engine/preset/preset.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/conf.h"
#include "engine/base/file.h"
#include "engine/base/paths.h"
#include "engine/base/text.h"
#include "engine/model/files/find.h"

void kept_place_copy(struct kept_place *to, const struct kept_place *from)
{
	*to = *from;
	to->text = to->where = NULL;
	job_set(&to->text, from->text);
	job_set(&to->where, from->where);
}

void kept_place_done(struct kept_place *place)
{
	free(place->text);
	free(place->where);
	*place = (struct kept_place){ 0 };
}

bool kept_place_equal(const struct kept_place *a, const struct kept_place *b)
{
	return a->letter == b->letter && a->zoomed == b->zoomed && text_same(a->text, b->text) && text_same(a->where, b->where) &&
	       job_pane_equal(&a->pane, &b->pane) && job_view_equal(&a->pane.view, &b->pane.view) &&
	       !memcmp(a->cursor, b->cursor, sizeof a->cursor);
}

void preset_remove_place(struct preset *p, int i)
{
	kept_place_done(&p->place[i]);
	memmove(p->place + i, p->place + i + 1, (size_t)(--p->places - i) * sizeof *p->place);
	if (!p->places) {
		free(p->place);
		p->place = NULL;
	}
}

void preset_add_place(struct preset *p, const struct kept_place *place)
{
	if (p->places == PLACES_MOST)
		preset_remove_place(p, 0);
	p->place = xrealloc(p->place, (size_t)(p->places + 1) * sizeof *p->place);
	kept_place_copy(&p->place[p->places++], place);
}

void preset_init(struct preset *p)
{
	*p = (struct preset){ 0 };
	job_init(&p->job);
	for (int d = 0; d < DIM_COUNT; d++)
		p->cursor[d] = CURSOR_UNSET;
}

void preset_done(struct preset *p)
{
	free(p->title);
	free(p->about);
	free(p->theme);
	free(p->file);
	for (int i = 0; i < p->expects; i++)
		free(p->expect[i].line);
	free(p->expect);
	free(p->task);
	for (int i = 0; i < p->goals; i++)
		free(p->goal[i]);
	free(p->goal);
	while (p->places)
		preset_remove_place(p, p->places - 1);
	free(p->place);
	job_done(&p->job);
	*p = (struct preset){ 0 };
}

/* Its line is copied. */
static void add_expect(struct preset *p, struct preset_expect e)
{
	e.line = xstrdup(e.line);
	p->expect = xrealloc(p->expect, ((size_t)p->expects + 1) * sizeof *p->expect);
	p->expect[p->expects++] = e;
}

void preset_add_goal(struct preset *p, const char *line)
{
	p->goal = xrealloc(p->goal, ((size_t)p->goals + 1) * sizeof *p->goal);
	p->goal[p->goals++] = xstrdup(line);
}

void preset_copy(struct preset *to, const struct preset *from)
{
	*to = *from;
	to->title = to->about = to->theme = to->file = to->task = NULL;
	to->expect = NULL;
	to->expects = 0;
	for (int i = 0; i < from->expects; i++)
		add_expect(to, from->expect[i]);
	to->goal = NULL;
	to->goals = 0;
	job_set(&to->title, from->title);
	job_set(&to->about, from->about);
	job_set(&to->theme, from->theme);
	job_set(&to->file, from->file);
	job_set(&to->task, from->task);
	for (int i = 0; i < from->goals; i++)
		preset_add_goal(to, from->goal[i]);
	job_copy(&to->job, &from->job);
	to->place = NULL;
	to->places = 0;
	for (int i = 0; i < from->places; i++)
		preset_add_place(to, &from->place[i]);
}

void preset_expect(struct preset *p, int pane, const char *line, int at)
{
	add_expect(p, (struct preset_expect){ (char *)line, pane, pane < 0 ? NULL : p->job.pane[pane].analysis, at });
}

void preset_shift_expects(struct preset *p, int at, int by)
{
	int kept = 0;

	for (int i = 0; i < p->expects; i++) {
		struct preset_expect e = p->expect[i];

		if (by < 0 && e.pane == at) {
			free(e.line);
			continue;
		}
		e.pane += e.pane >= at ? by : 0;
		p->expect[kept++] = e;
	}
	p->expects = kept;
}

bool preset_expects_now(const struct preset *p, const struct preset_expect *e)
{
	return e->pane < 0 || (e->pane < p->job.panes && p->job.pane[e->pane].analysis == e->of);
}

/* --- finding --- */

enum { FILE_LIMIT = 1 << 20 };

static bool open_file(const char *path, struct preset *p, struct notes *notes, struct err *err)
{
	size_t n;
	char *yaml = file_read(path, FILE_LIMIT, &n, err);
	bool ok = yaml && preset_parse(yaml, n, path, p, notes, err);

	free(yaml);
	return ok;
}

/* "there is no preset "indction"; there are induction, …" */
static bool no_such_preset(const char *name, struct err *err)
{
	struct preset_entry *list;
	int n = preset_list(&list);
	struct str names;

	str_init(&names);
	for (int i = 0; i < n; i++)
		str_addf(&names, "%s%s", i ? ", " : "; there are ", list[i].name);
	err_set(err, ERR_ARGUMENT, "there is no preset \"%s\"%s", name, names.s);
	str_done(&names);
	preset_list_free(list, n);
	return false;
}

bool preset_open(const char *name, struct preset *p, struct notes *notes, struct err *err)
{
	struct str below;
	char *path;
	bool ok;

	if (strchr(name, '/') || text_ends(name, ".yaml"))
		return open_file(name, p, notes, err);
	str_init(&below);
	str_addf(&below, "presets/%s.yaml", name);
	path = paths_config(below.s);
	if (!path || !file_exists(path)) {
		free(path);
		path = paths_data(below.s);
	}
	ok = path ? open_file(path, p, notes, err) : no_such_preset(name, err);
	free(path);
	str_done(&below);
	return ok;
}

static char *text_of(const struct conf *root, const char *key)
{
	const struct conf *v = conf_get(root, key);

	return v && v->kind == CONF_SCALAR ? xstrdup(v->text) : NULL;
}

static void read_entry(struct preset_entry *entry)
{
	struct arena *arena = arena_new();
	struct err err = { 0 };
	const struct conf *root = conf_open(entry->path, arena, &err);

	entry->title = text_of(root, "title");
	entry->model = text_of(root, "model");
	if (!entry->title)
		entry->title = xstrdup("");
	arena_free(arena);
}

/* Adds the presets of a folder (freed here; NULL: there is none) that the list does not have by name. */
static int list_folder(char *folder, bool shipped, struct preset_entry **list, int n)
{
	DIR *dir = folder ? opendir(folder) : NULL;
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		size_t stem = strlen(entry->d_name) - strlen(".yaml");
		bool there = entry->d_name[0] == '.' || !text_ends(entry->d_name, ".yaml");

		for (int i = 0; i < n && !there; i++)
			there = !strncmp((*list)[i].name, entry->d_name, stem) && !(*list)[i].name[stem];
		if (there)
			continue;
		*list = xrealloc(*list, ((size_t)n + 1) * sizeof **list);
		(*list)[n] = (struct preset_entry){ .name = xstrdup(entry->d_name),
						    .path = file_join(folder, entry->d_name),
						    .shipped = shipped };
		(*list)[n].name[stem] = '\0';
		read_entry(&(*list)[n]);
		n++;
	}
	if (dir)
		closedir(dir);
	free(folder);
	return n;
}

static int by_name(const void *a, const void *b)
{
	const struct preset_entry *x = a, *y = b;

	return x->shipped != y->shipped ? (int)x->shipped - (int)y->shipped : strcmp(x->name, y->name);
}

int preset_list(struct preset_entry **list)
{
	int n;

	*list = NULL;
	n = list_folder(paths_config("presets"), false, list, 0);
	n = list_folder(paths_data("presets"), true, list, n);
	if (n)
		qsort(*list, (size_t)n, sizeof **list, by_name);
	return n;
}

void preset_look(struct preset_entry *list, int n)
{
	for (int i = 0; i < n; i++) {
		struct err err;
		char *path;
		int k = 0;

		while (k < i && (!list[i].model || !list[k].model || strcmp(list[i].model, list[k].model)))
			k++;
		if (k < i) {
			list[i].absent = list[k].absent;
			continue;
		}
		path = list[i].model ? find_model(list[i].model, &err) : NULL;
		list[i].absent = list[i].model && !path;
		free(path);
	}
}

int preset_list_tour(struct preset_entry **list)
{
	int n;

	*list = NULL;
	n = list_folder(paths_data("presets/tour"), true, list, 0);
	if (n)
		qsort(*list, (size_t)n, sizeof **list, by_name);
	return n;
}

void preset_list_free(struct preset_entry *list, int n)
{
	for (int i = 0; i < n; i++) {
		free(list[i].name);
		free(list[i].title);
		free(list[i].model);
		free(list[i].path);
	}
	free(list);
}
