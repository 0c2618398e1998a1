/* preset_write.c - see preset.h: a preset as YAML, and into the user's folder. */
#include "engine/preset/preset.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/conf.h"
#include "engine/base/file.h"
#include "engine/base/paths.h"

static struct conf *edit_tree(struct arena *arena, const struct job *job)
{
	struct conf *list = conf_new_list(arena);

	for (int i = 0; i < job->edits; i++) {
		struct conf *map;

		if (job->edit[i].on) {
			conf_add_text(arena, list, NULL, job->edit[i].line);
			continue;
		}
		map = conf_new_map(arena);
		map->flow = true;
		conf_add_text(arena, map, "edit", job->edit[i].line);
		conf_add_bool(arena, map, "on", false);
		conf_add(arena, list, NULL, map);
	}
	return list;
}

/* What is expected of a pane, or of the whole (-1). */
static struct conf *expect_tree(struct arena *arena, const struct preset *p, int pane)
{
	struct conf *list = conf_new_list(arena);

	list->flow = pane >= 0;
	for (int i = 0; i < p->expects; i++)
		if (p->expect[i].pane == pane && preset_expects_now(p, &p->expect[i]))
			conf_add_text(arena, list, NULL, p->expect[i].line);
	return list;
}

static struct conf *list_of_places(struct arena *arena, const char *places)
{
	struct conf *list = conf_new_list(arena);
	const char *place;

	list->flow = true;
	while (param_next_place(&places, &place))
		conf_add_text(arena, list, NULL, place);
	return list;
}

static struct conf *technique_tree(struct arena *arena, const struct job_pane *pane)
{
	struct conf *map = conf_new_map(arena), *args = conf_new_map(arena);
	const struct param *params = pane->analysis->params;
	struct str value;

	map->flow = args->flow = true;
	conf_add_text(arena, map, "analysis", pane->analysis->name);
	str_init(&value);
	for (int i = 0; i < param_count(params); i++) {
		str_clear(&value);
		param_print(&params[i], pane->args[i], &value);
		if (!pane->given[i])
			continue;
		if (params[i].kind == PARAM_INT || params[i].kind == PARAM_DIM)
			conf_add_plain(arena, args, params[i].name, value.s);
		else if (params[i].kind == PARAM_PLACES)
			conf_add(arena, args, params[i].name, list_of_places(arena, pane->args[i].text));
		else
			conf_add_text(arena, args, params[i].name, value.s);
	}
	str_done(&value);
	if (args->count)
		conf_add(arena, map, "args", args);
	if (pane->shown == SHOWN_FOIL)
		conf_add_text(arena, map, "on", "foil");
	else if (pane->shown != SHOWN_RUN)
		conf_add_text(arena, map, "diff", shown_words[pane->shown].word);
	if (pane->over)
		conf_add_text(arena, map, "over", pane->over);
	if (pane->view.name)
		conf_add_text(arena, map, "view", pane->view.name);
	if (pane->view.zoom)
		conf_add_text(arena, map, "zoom", pane->view.zoom);
	if (pane->view.threshold > 0) {
		char text[32];

		snprintf(text, sizeof text, "%g", pane->view.threshold);
		conf_add_plain(arena, map, "threshold", text);
	}
	return map;
}

static struct conf *pane_tree(struct arena *arena, const struct preset *p, int index)
{
	struct conf *map = technique_tree(arena, &p->job.pane[index]), *expect = expect_tree(arena, p, index);

	if (p->size[index].taller)
		conf_add_int(arena, map, "taller", p->size[index].taller);
	if (p->size[index].wider)
		conf_add_int(arena, map, "wider", p->size[index].wider);
	if (expect->count)
		conf_add(arena, map, "expect", expect);
	return map;
}

static struct conf *layout_tree(struct arena *arena, const struct preset *p)
{
	struct conf *rows = conf_new_list(arena), *row = NULL;

	for (int i = 0; i < p->job.panes; i++) {
		if (!row || p->row[i] != p->row[i - 1]) {
			row = conf_new_list(arena);
			row->flow = true;
			conf_add(arena, rows, NULL, row);
		}
		conf_add(arena, row, NULL, pane_tree(arena, p, i));
	}
	return rows;
}

static struct conf *cursor_tree(struct arena *arena, const int *cursor)
{
	struct conf *map = conf_new_map(arena);

	map->flow = true;
	for (int d = 0; d < DIM_COUNT; d++)
		if (cursor[d] != CURSOR_UNSET)
			conf_add_int(arena, map, dim_word((enum dim)d), cursor[d]);
	return map;
}

/* Bookmarks (`notes` false) or notes. */
static struct conf *places_tree(struct arena *arena, const struct preset *p, bool notes)
{
	struct conf *list = conf_new_list(arena);

	for (int i = 0; i < p->places; i++) {
		const struct kept_place *place = &p->place[i];
		struct conf *map = conf_new_map(arena), *cursor = cursor_tree(arena, place->cursor);

		if ((place->text != NULL) != notes)
			continue;
		conf_add_text(arena, map, notes ? "text" : "letter", notes ? place->text : (char[]){ place->letter, 0 });
		if (place->where)
			conf_add_text(arena, map, "place", place->where);
		conf_add(arena, map, "pane", technique_tree(arena, &place->pane));
		if (cursor->count)
			conf_add(arena, map, "cursor", cursor);
		if (place->zoomed)
			conf_add_bool(arena, map, "zoom", true);
		conf_add(arena, list, NULL, map);
	}
	return list;
}

static struct conf *way_tree(struct arena *arena, const struct job *job)
{
	struct conf *list = conf_new_list(arena);

	for (int i = 0; i < job->ways; i++)
		conf_add_text(arena, list, NULL, arena_printf(arena, "%.9g %s", job->way[i].value, job->way[i].spec));
	return list;
}

void preset_print(const struct preset *p, struct str *out)
{
	struct arena *arena = arena_new();
	struct conf *root = conf_new_map(arena), *cursor = cursor_tree(arena, p->cursor), *expect = expect_tree(arena, p, -1);
	struct conf *bookmarks = places_tree(arena, p, false), *notes = places_tree(arena, p, true);
	const struct job *job = &p->job;

	if (p->title)
		conf_add_text(arena, root, "title", p->title);
	if (p->about)
		conf_add_text(arena, root, "about", p->about);
	conf_add_text(arena, root, "model", job->model ? job->model : "demo");
	if (job->bos != BOS_DEFAULT)
		conf_add_text(arena, root, "bos", tokenizer_bos_words[job->bos]);
	conf_add_text(arena, root, "prompt", job->prompt);
	conf_add_text(arena, root, "foil", job->foil);
	conf_add_text(arena, root, "metric", job->metric);
	if (job->ways)
		conf_add(arena, root, "way", way_tree(arena, job));
	if (job->edits)
		conf_add(arena, root, "edits", edit_tree(arena, job));
	if (job->generate)
		conf_add_int(arena, root, "generate", job->generate);
	if (expect->count)
		conf_add(arena, root, "expect", expect);
	conf_add(arena, root, "panes", layout_tree(arena, p));
	if (cursor->count)
		conf_add(arena, root, "cursor", cursor);
	if (bookmarks->count)
		conf_add(arena, root, "bookmarks", bookmarks);
	if (notes->count)
		conf_add(arena, root, "notes", notes);
	if (p->theme)
		conf_add_text(arena, root, "theme", p->theme);
	conf_print(root, out);
	arena_free(arena);
}

static bool check_name(const char *name, struct err *err)
{
	if (!*name || *name == '.' || strlen(name) > 100)
		return err_set(err, ERR_USAGE, "a preset needs a name of 1 to 100 bytes that does not begin with a dot");
	for (const char *s = name; *s; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			return err_set(err, ERR_USAGE, "a preset's name may hold no control character");
	return true;
}

static bool is_yaml(const char *path)
{
	const char *end = strrchr(path, '.');

	return end && (!strcmp(end, ".yaml") || !strcmp(end, ".yml"));
}

/* There, for whoever should find it; a folder that does not exist is a slip of the keys. */
static char *file_at(const char *name, struct err *err)
{
	char *at = file_at_home(name), *file = NULL;
	const char *slash = strrchr(at, '/');
	struct str path;

	str_init(&path);
	str_add_n(&path, at, (size_t)(slash + 1 - at));
	if (file_is_folder(path.s)) {
		str_addf(&path, "%s%s", slash + 1, is_yaml(name) ? "" : ".yaml");
		file = xstrdup(path.s);
	} else {
		err_set(err, ERR_FILE, "%s: there is no such folder", path.s);
	}
	str_done(&path);
	free(at);
	return file;
}

/* A path as it is, a name in the user's folder. malloc()ed; NULL: err says why. */
static char *file_of(const char *name, struct err *err)
{
	struct str path;
	char *file = NULL;

	str_init(&path);
	if (strchr(name, '/')) {
		file = file_at(name, err);
	} else if (check_name(name, err)) {
		str_addf(&path, "presets/%s.yaml", name);
		if (!(file = paths_config(path.s)))
			err_set(err, ERR_FILE, "there is no home folder to keep presets in: set HOME or XDG_CONFIG_HOME");
	}
	str_done(&path);
	return file;
}

/* What is there already may be replaced when it is a preset; anything else is somebody's work. */
static bool may_replace(const char *path, struct err *err)
{
	struct err reason = { 0 };
	struct preset old;

	if (!file_exists(path))
		return true;
	if (!preset_open(path, &old, NULL, &reason))
		return err_set(err, ERR_FILE, "%s; it is left as it is", reason.text);
	preset_done(&old);
	return true;
}

bool preset_save(const struct preset *p, const char *name, struct str *path, struct err *err)
{
	char *file = file_of(name, err);
	struct str yaml;
	bool ok;

	str_init(&yaml);
	preset_print(p, &yaml);
	ok = file && may_replace(file, err) && file_write(file, yaml.s, yaml.n, err);
	if (ok && path)
		str_add(path, file);
	free(file);
	str_done(&yaml);
	return ok;
}
