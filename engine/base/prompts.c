/* prompts.c - see prompts.h. */
#include "engine/base/prompts.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/base/plain_text.h"
#include "engine/base/str.h"
#include "engine/base/utf8.h"

enum { LIMIT = 256 << 20 };

/* A member that must be a text if it is there. */
static bool member(const struct json_value *root, const char *key, const char *where, struct arena *arena, const char **out, struct err *err)
{
	const struct json_value *v = json_get(root, key);
	size_t n;
	const char *text = json_text_n(v, &n);

	if (!v || json_is(v, JSON_NULL))
		return true;
	if (!text || memchr(text, 0, n))
		return err_set(err, ERR_FILE, "%s: \"%s\" should be a text without NUL bytes", where, key);
	*out = arena_strdup(arena, text);
	return true;
}

static bool take_object(const struct json_value *v, const char *where, struct arena *arena, struct prompt *p, struct err *err)
{
	if (!member(v, "prompt", where, arena, &p->text, err) || !member(v, "foil", where, arena, &p->foil, err) ||
	    !member(v, "answer", where, arena, &p->answer, err) || !member(v, "wrong", where, arena, &p->wrong, err))
		return false;
	if (!json_is(v, JSON_OBJECT) || !p->text)
		return err_set(err, ERR_FILE, "%s: expected an object with a \"prompt\"", where);
	return !p->wrong || p->answer || err_set(err, ERR_FILE, "%s: there is a \"wrong\" answer without an \"answer\"", where);
}

static bool read_object(const char *line, size_t n, const char *where, struct arena *arena, struct prompt *p, struct err *err)
{
	struct json *doc = json_parse(line, n, where, err);
	bool ok = doc && take_object(json_root(doc), where, arena, p, err);

	json_free(doc);
	return ok;
}

static bool read_line(const char *line, size_t n, bool json, const char *where, struct arena *arena, struct prompt *p, struct err *err)
{
	if (json)
		return read_object(line, n, where, arena, p, err);
	if (memchr(line, 0, n) || !utf8_valid(line, n))
		return err_set(err, ERR_FILE, "%s: this is not UTF-8 text", where);
	p->text = arena_strndup(arena, line, n);
	return true;
}

static bool is_blank(const char *line, size_t n)
{
	return strspn(line, " \t\r\n") >= n;
}

static struct prompt *read_lines(const char *path, const char *text, size_t bytes, struct arena *arena, int *n, struct err *err)
{
	bool json = text[strspn(text, " \t\r\n")] == '{';
	struct prompt *list;
	struct str where;
	int lines = 1, number = 0;
	bool ok = true;

	str_init(&where);
	for (size_t i = 0; i < bytes; i++)
		lines += text[i] == '\n';
	list = arena_alloc(arena, (size_t)lines * sizeof *list);
	for (const char *line = text, *end; ok && line && line < text + bytes; line = end ? end + 1 : NULL) {
		end = memchr(line, '\n', (size_t)(text + bytes - line));
		size_t length = end ? (size_t)(end - line) : (size_t)(text + bytes - line);

		number++;
		if (is_blank(line, length))
			continue;
		str_clear(&where);
		str_addf(&where, "%s: line %d", path, number);
		list[*n].counted = "line";
		list[*n].line = number;
		ok = read_line(line, length, json, where.s, arena, &list[(*n)++], err);
	}
	str_done(&where);
	return ok ? list : NULL;
}

/* ---- one JSON list ---- */

struct entries {
	const char *path;
	struct arena *arena;
	struct prompt *list;
	struct err *err;
};

static bool take_value(struct entries *e, const struct json_value *v, const char *where, struct prompt *p)
{
	size_t n;
	const char *text = json_text_n(v, &n);

	if (!text && !json_is(v, JSON_OBJECT))
		return err_set(e->err, ERR_FILE, "%s: expected a text or an object with a \"prompt\"", where);
	if (!text)
		return take_object(v, where, e->arena, p, e->err);
	if (memchr(text, 0, n))
		return err_set(e->err, ERR_FILE, "%s: expected a text without NUL bytes", where);
	p->text = arena_strdup(e->arena, text);
	return true;
}

static bool take_entry(void *context, size_t i, const char *key, const struct json_value *v)
{
	struct entries *e = context;
	struct prompt *p = &e->list[i];
	struct str where;
	bool ok;

	(void)key;
	p->counted = "entry";
	p->line = (int)i + 1;
	str_init(&where);
	str_addf(&where, "%s: entry %zu", e->path, i + 1);
	ok = take_value(e, v, where.s, p);
	str_done(&where);
	return ok;
}

/* A text may begin with a bracket too ("[INST] …"): what is no JSON as a whole is a list only where its first entry looks like one. */
static bool is_list(const char *path, const char *text, size_t bytes, struct json **doc, struct err *err)
{
	size_t at = strspn(text, " \t\r\n");
	struct err why = { 0 };

	*doc = NULL;
	if (text[at] != '[')
		return false;
	at += 1 + strspn(text + at + 1, " \t\r\n");
	if ((*doc = json_parse(text, bytes, path, &why)))
		return true;
	if (text[at] == '{' || text[at] == '"')
		*err = why;
	return err->kind != ERR_NONE;
}

static struct prompt *read_list(const char *path, const struct json *doc, struct arena *arena, int *n, struct err *err)
{
	struct entries e = { path, arena, arena_alloc(arena, (json_count(json_root(doc)) + 1) * sizeof *e.list), err };

	if (!json_each(json_root(doc), take_entry, &e))
		return NULL;
	*n = (int)json_count(json_root(doc));
	return e.list;
}

struct prompt *prompts_read(const char *path, struct arena *arena, int *n, struct err *err)
{
	size_t bytes;
	char *text = file_read(path, LIMIT, &bytes, err);
	struct err why = { 0 };
	struct prompt *list = NULL;
	struct json *doc;

	*n = 0;
	if (text && plain_text_check(text, bytes, path, err)) {
		bytes = plain_text_tidy(text, bytes);
		if (!is_list(path, text, bytes, &doc, &why))
			list = read_lines(path, text, bytes, arena, n, err);
		else if (doc)
			list = read_list(path, doc, arena, n, err);
		else
			*err = why;
		json_free(doc);
	}
	free(text);
	if (list && !*n) {
		err_set(err, ERR_FILE, "%s: there is no prompt in it", path);
		return NULL;
	}
	return list;
}
