/* parts.c - see parts.h. */
#include "engine/session/parts.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/inject.h"
#include "engine/base/json.h"
#include "engine/base/lines.h"

enum { LINE_MOST = 16 << 20 /* as lines.h */ };

struct parts_file {
	char *path;
	struct lines *lines; /* NULL: all that was there is read */
	int file;	     /* that parts are appended to; -1: none */
	float *value;	     /* of the part that was read last */
};

void parts_of_done(struct parts_of *of)
{
	free(of->question);
	free(of->model);
	*of = (struct parts_of){ 0 };
}

void parts_close(struct parts_file *p)
{
	if (!p)
		return;
	lines_close(p->lines);
	if (p->file >= 0)
		close(p->file);
	free(p->value);
	free(p->path);
	free(p);
}

const char *parts_path(const struct parts_file *p)
{
	return p->path;
}

/* ---- the first line ---- */

static void write_of(const struct parts_of *of, struct str *out)
{
	str_add(out, "{\"lmscope\":\"parts\",\"question\":");
	json_write_string(out, of->question, strlen(of->question));
	str_add(out, ",\"model\":");
	json_write_string(out, of->model, strlen(of->model));
	str_addf(out, ",\"prompts\":\"%016" PRIx64 "\",\"shard\":%d,\"of\":%d}\n", of->prompts, of->shard + 1,
		 of->shards > 1 ? of->shards : 1);
}

static bool take_of(const struct json_value *root, struct parts_of *of)
{
	const char *question = json_text(json_get(root, "question")), *model = json_text(json_get(root, "model")),
		   *prompts = json_text(json_get(root, "prompts"));
	int64_t shard = 0, shards = 0;

	json_int(json_get(root, "shard"), &shard);
	json_int(json_get(root, "of"), &shards);
	if (!question || !model || !prompts || shard < 1 || shard > shards || shards > 1 << 20)
		return false;
	*of = (struct parts_of){ xstrdup(question), xstrdup(model), strtoull(prompts, NULL, 16), (int)shard - 1, (int)shards };
	return true;
}

/* What the first line says; false without an error: nothing that was kept by this program. */
static bool read_of(const char *path, struct lines *lines, struct parts_of *of, struct err *err)
{
	struct err unread = { 0 };
	struct line line;
	struct json *doc;
	bool fine;

	if (!lines_next(lines, &line, err))
		return false;
	doc = line.text ? json_parse(line.text, line.n, path, &unread) : NULL;
	fine = doc && take_of(json_root(doc), of);
	json_free(doc);
	return fine;
}

struct parts_file *parts_read(const char *path, struct parts_of *of, struct err *err)
{
	struct parts_file *p = xcalloc(1, sizeof *p);

	*p = (struct parts_file){ .path = xstrdup(path), .file = -1 };
	*of = (struct parts_of){ 0 };
	if ((p->lines = lines_open(path, err)) && read_of(path, p->lines, of, err))
		return p;
	if (err->kind == ERR_NONE)
		err_set(err, ERR_FILE, "%s: this is no file of --resume: its first line does not say what it is of", path);
	parts_close(p);
	return NULL;
}

/* ---- resuming ---- */

static bool is_of(const char *path, const struct parts_of *is, const struct parts_of *of, struct err *err)
{
	const int shards = of->shards > 1 ? of->shards : 1;

	if (strcmp(is->question, of->question) || strcmp(is->model, of->model) || is->prompts != of->prompts)
		return err_set(err, ERR_ARGUMENT,
			       "%s: this was kept for another question, model or file of prompts; name another file", path);
	return (is->shard == of->shard && is->shards == shards) ||
	       err_set(err, ERR_ARGUMENT, "%s: this was kept for shard %d/%d, not %d/%d; name another file", path, is->shard + 1,
		       is->shards, of->shard + 1, shards);
}

/* Somebody else's file is not written over. */
static bool check_file(const char *path, const struct parts_of *of, struct err *err)
{
	struct parts_of is;
	struct err why = { 0 };
	struct parts_file *p = parts_read(path, &is, &why);
	bool fine = p && is_of(path, &is, of, err);

	if (!p)
		err_set(err, ERR_ARGUMENT, "%s; name another file", why.text);
	parts_close(p);
	parts_of_done(&is);
	return fine;
}

/* How many bytes there are up to the end of the last whole line; -1 on error. */
static off_t whole_lines(int file)
{
	char bytes[4096];
	off_t at = lseek(file, 0, SEEK_END);

	while (at > 0) {
		const size_t n = at < (off_t)sizeof bytes ? (size_t)at : sizeof bytes;
		const char *end;

		if (pread(file, bytes, n, at - (off_t)n) != (ssize_t)n)
			return -1;
		if ((end = memrchr(bytes, '\n', n)))
			return at - (off_t)n + (end - bytes) + 1;
		at -= (off_t)n;
	}
	return at;
}

static bool open_end(struct parts_file *p, struct err *err)
{
	off_t end;

	if ((p->file = open(p->path, O_RDWR | O_APPEND | O_CLOEXEC)) >= 0 && (end = whole_lines(p->file)) >= 0 &&
	    !ftruncate(p->file, end))
		return true;
	return err_set(err, ERR_FILE, "%s: %s", p->path, strerror(errno));
}

static bool begin(const char *path, const struct parts_of *of, struct err *err)
{
	struct str first;
	bool ok;

	str_init(&first);
	write_of(of, &first);
	ok = file_write(path, first.s, first.n, err);
	str_done(&first);
	return ok;
}

struct parts_file *parts_resume(const char *path, const struct parts_of *of, struct err *err)
{
	char *at_home = file_at_home(path);
	struct parts_file *p = xcalloc(1, sizeof *p);
	struct line first;

	*p = (struct parts_file){ .path = at_home ? at_home : xstrdup(path), .file = -1 };
	if ((file_exists(p->path) ? check_file(p->path, of, err) : begin(p->path, of, err)) && open_end(p, err) &&
	    (p->lines = lines_open(p->path, err)) && lines_next(p->lines, &first, err))
		return p;
	parts_close(p);
	return NULL;
}

/* ---- the other lines ---- */

static double number_of(const struct json_value *root, const char *key)
{
	double x = NAN;

	json_double(json_get(root, key), &x);
	return x;
}

static bool take_value(void *context, size_t k, const char *key, const struct json_value *v)
{
	double x = NAN;

	(void)key;
	json_double(v, &x);
	((float *)context)[k] = (float)x;
	return true;
}

static bool take_part(struct parts_file *p, const struct json_value *root, int i, struct part *part)
{
	const struct json_value *values = json_get(root, "values");
	int64_t at = -1, rows = 0, cols = 0;

	json_int(json_get(root, "prompt"), &at);
	json_int(json_get(root, "rows"), &rows);
	json_int(json_get(root, "cols"), &cols);
	if (at != i || rows < 1 || cols < 1 || rows > 1 << 24 || cols > 1 << 24 || !json_is(values, JSON_ARRAY) ||
	    (size_t)(rows * cols) != json_count(values))
		return false;
	p->value = xrealloc(p->value, (size_t)(rows * cols) * sizeof *p->value);
	json_each(values, take_value, p->value);
	*part = (struct part){ (int)rows,
			       (int)cols,
			       p->value,
			       number_of(root, "metric"),
			       number_of(root, "unedited"),
			       number_of(root, "expected"),
			       number_of(root, "actual") };
	return true;
}

bool parts_next(struct parts_file *p, int i, struct part *part, bool *there, struct err *err)
{
	struct err unread = { 0 };
	struct line line = { 0 };
	struct json *doc;
	bool fine;

	*there = false;
	if (!p->lines)
		return true;
	if (!lines_next(p->lines, &line, err))
		return false;
	if (!line.text) {
		lines_close(p->lines);
		p->lines = NULL;
		return true;
	}
	doc = json_parse(line.text, line.n, p->path, &unread);
	fine = *there = doc && take_part(p, json_root(doc), i, part);
	json_free(doc);
	return fine || err_set(err, ERR_ARGUMENT,
			       "%s: line %d is not the next part of this question's answer; remove the file to start over", p->path,
			       line.number);
}

static void write_number(struct str *out, const char *key, double x)
{
	str_addf(out, ",\"%s\":", key);
	json_write_double(out, x);
}

static void write_part(int i, const struct part *part, struct str *out)
{
	str_addf(out, "{\"prompt\":%d,\"rows\":%d,\"cols\":%d", i, part->rows, part->cols);
	write_number(out, "metric", part->metric);
	write_number(out, "unedited", part->unedited);
	write_number(out, "expected", part->expected);
	write_number(out, "actual", part->actual);
	str_add(out, ",\"values\":[");
	for (int k = 0; k < part->rows * part->cols; k++) {
		if (k)
			str_add_char(out, ',');
		json_write_float(out, part->value[k]);
	}
	str_add(out, "]}\n");
}

bool parts_add(struct parts_file *p, int i, const struct part *part, struct err *err)
{
	struct str line;
	bool ok;

	str_init(&line);
	write_part(i, part, &line);
	if (line.n > LINE_MOST)
		ok = err_set(err, ERR_ARGUMENT, "%s: a table of %d × %d cells is too large to be kept", p->path, part->rows,
			     part->cols);
	else if (!(ok = file_append(p->file, line.s, line.n) && !inject_file_fault() && !fsync(p->file)))
		err_set(err, ERR_FILE, "%s: %s", p->path, strerror(errno));
	str_done(&line);
	return ok;
}
