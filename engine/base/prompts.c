/* prompts.c - see prompts.h. */
#include "engine/base/prompts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/base/utf8.h"

enum { LIMIT = 256 << 20, LINE_WHERE = 600 };

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

static bool read_json(const char *line, size_t n, const char *where, struct arena *arena, struct prompt *p, struct err *err)
{
	struct json *doc = json_parse(line, n, where, err);
	const struct json_value *root = doc ? json_root(doc) : NULL;
	bool ok = doc && member(root, "prompt", where, arena, &p->text, err) && member(root, "foil", where, arena, &p->foil, err) &&
		  member(root, "answer", where, arena, &p->answer, err) && member(root, "wrong", where, arena, &p->wrong, err);

	if (ok && (!json_is(root, JSON_OBJECT) || !p->text))
		ok = err_set(err, ERR_FILE, "%s: expected an object with a \"prompt\"", where);
	if (ok && p->wrong && !p->answer)
		ok = err_set(err, ERR_FILE, "%s: there is a \"wrong\" answer without an \"answer\"", where);
	json_free(doc);
	return ok;
}

static bool read_line(const char *line, size_t n, bool json, const char *where, struct arena *arena, struct prompt *p, struct err *err)
{
	if (json)
		return read_json(line, n, where, arena, p, err);
	if (memchr(line, 0, n) || !utf8_valid(line, n))
		return err_set(err, ERR_FILE, "%s: this is not UTF-8 text", where);
	p->text = arena_strndup(arena, line, n);
	return true;
}

static bool is_blank(const char *line, size_t n)
{
	return strspn(line, " \t\r\n") >= n;
}

struct prompt *prompts_read(const char *path, struct arena *arena, int *n, struct err *err)
{
	size_t bytes;
	char *text = file_read(path, LIMIT, &bytes, err), where[LINE_WHERE];
	struct prompt *list = NULL;
	int lines = 1, number = 0;
	bool ok = text != NULL, json = text && text[strspn(text, " \t\r\n")] == '{';

	*n = 0;
	for (size_t i = 0; ok && i < bytes; i++)
		lines += text[i] == '\n';
	if (ok)
		list = arena_alloc(arena, (size_t)lines * sizeof *list);
	for (char *line = text, *end; ok && line && line < text + bytes; line = end ? end + 1 : NULL) {
		size_t length;

		end = memchr(line, '\n', (size_t)(text + bytes - line));
		length = end ? (size_t)(end - line) : (size_t)(text + bytes - line);
		if (length && line[length - 1] == '\r')
			length--;
		number++;
		if (is_blank(line, length))
			continue;
		snprintf(where, sizeof where, "%s: line %d", path, number);
		list[*n].line = number;
		ok = read_line(line, length, json, where, arena, &list[(*n)++], err);
	}
	free(text);
	if (ok && !*n)
		ok = err_set(err, ERR_FILE, "%s: there is no prompt in it", path);
	return ok ? list : NULL;
}
