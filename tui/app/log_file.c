/* log_file.c - see log.h: an entry as a line of JSON. Its document is a preset's YAML, which is read as carefully as any. */
#include <string.h>

#include "engine/base/json.h"
#include "tui/app/log.h"

static void add_field(struct str *out, const char *name, const char *text)
{
	if (!text)
		return;
	str_addf(out, ",\"%s\":", name);
	json_write_string(out, text, strlen(text));
}

void log_print(const struct log_entry *e, struct str *out)
{
	struct str yaml;

	str_init(&yaml);
	preset_print(&e->doc, &yaml);
	str_addf(out, "{\"at\":%lld,\"pane\":%d,\"seconds\":", e->at, e->pane);
	json_write_double(out, e->seconds);
	str_add(out, ",\"value\":");
	json_write_double(out, e->value);
	add_field(out, "metric", e->metric);
	add_field(out, "edit", e->edit);
	add_field(out, "what", e->what);
	add_field(out, "number", e->number);
	add_field(out, "doc", yaml.s);
	str_add(out, "}\n");
	str_done(&yaml);
}

static char *text_of(const struct json_value *root, const char *name)
{
	const char *text = json_text(json_get(root, name));

	return text ? xstrdup(text) : NULL;
}

static bool read_line(const char *line, size_t n, struct log_entry *e)
{
	struct err err;
	struct json *json = json_parse(line, n, "log", &err);
	const struct json_value *root = json ? json_root(json) : NULL;
	const char *doc = json_text(json_get(root, "doc"));
	int64_t at = 0, pane = 0;

	*e = (struct log_entry){ .bytes = n + 1 };
	if (!doc || !preset_parse(doc, strlen(doc), "log", &e->doc, NULL, &err)) {
		json_free(json);
		return false;
	}
	job_set(&e->doc.file, NULL);
	json_int(json_get(root, "at"), &at);
	json_int(json_get(root, "pane"), &pane);
	json_double(json_get(root, "seconds"), &e->seconds);
	json_double(json_get(root, "value"), &e->value);
	e->at = at;
	e->pane = pane >= 0 && pane < e->doc.job.panes ? (int)pane : 0;
	e->what = text_of(root, "what");
	e->number = text_of(root, "number");
	e->edit = text_of(root, "edit");
	e->metric = text_of(root, "metric");
	e->what = e->what ? e->what : xstrdup("");
	e->number = e->number ? e->number : xstrdup("");
	json_free(json);
	return true;
}

int log_read(const char *bytes, size_t n, struct log_entry **entries)
{
	int count = 0;

	*entries = NULL;
	for (const char *line = bytes, *end; line < bytes + n; line = end + 1) {
		struct log_entry e;

		end = memchr(line, '\n', (size_t)(bytes + n - line));
		if (!end) /* cut short as it was written */
			break;
		if (!read_line(line, (size_t)(end - line), &e))
			continue;
		*entries = xrealloc(*entries, ((size_t)count + 1) * sizeof **entries);
		(*entries)[count++] = e;
	}
	return count;
}
