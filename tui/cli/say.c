/* say.c - see say.h. No other file of the command line writes anywhere: tests/layers.sh looks for it. */
#include "tui/cli/say.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/utf8.h"

static void put_safe(FILE *to, const char *text, size_t n)
{
	struct str safe;

	str_init(&safe);
	utf8_safe(&safe, text, n, true);
	fwrite(safe.s, 1, safe.n, to);
	str_done(&safe);
}

void say_text(const struct str *text)
{
	put_safe(stdout, text->s, text->n);
	fflush(stdout);
}

void say_json(const struct str *json)
{
	struct str safe;

	str_init(&safe);
	if (isatty(STDOUT_FILENO))
		utf8_safe_json(&safe, json->s, json->n);
	else
		str_add_n(&safe, json->s, json->n);
	fwrite(safe.s, 1, safe.n, stdout);
	str_done(&safe);
}

void say_data(const struct str *data)
{
	if (isatty(STDOUT_FILENO))
		put_safe(stdout, data->s, data->n);
	else
		fwrite(data->s, 1, data->n, stdout);
}

void say_painted(const struct str *cells)
{
	fwrite(cells->s, 1, cells->n, stdout);
}

bool say_done(struct err *err)
{
	errno = 0;
	if (fflush(stdout) || ferror(stdout))
		return err_set(err, ERR_FILE, "standard output: %s", errno ? strerror(errno) : "not everything could be written");
	return true;
}

void say_sentence(const char *sentence)
{
	fputs("lmscope: ", stderr);
	put_safe(stderr, sentence, strlen(sentence));
	fputc('\n', stderr);
}

static int progress_columns; /* of the line that is there; 0: none */

void say_progress(const char *format, ...)
{
	char text[200];
	int columns;
	va_list ap;

	if (!isatty(STDERR_FILENO))
		return;
	va_start(ap, format);
	vsnprintf(text, sizeof text, format, ap);
	va_end(ap);
	columns = utf8_columns(text, strlen(text));
	fputc('\r', stderr);
	put_safe(stderr, text, strlen(text));
	fprintf(stderr, "%*s", progress_columns > columns ? progress_columns - columns : 0, "");
	progress_columns = columns;
}

void say_progress_end(void)
{
	if (progress_columns)
		fprintf(stderr, "\r%*s\r", progress_columns, "");
	progress_columns = 0;
}
