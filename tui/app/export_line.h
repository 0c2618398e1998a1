/* export_line.h - what follows `:export`, in its parts: for who carries it out, and for Tab. */
#ifndef LMSCOPE_TUI_APP_EXPORT_LINE_H
#define LMSCOPE_TUI_APP_EXPORT_LINE_H

#include <stdbool.h>
#include <stddef.h>

struct export_line {
	bool overwrite, screen; /* "!", "screen" */
	const char *file;	/* of the line; it may hold spaces */
	size_t file_bytes;
	const char *last;  /* the last word, where one follows the file's first: "theme=print", or what becomes of it; else NULL */
	const char *theme; /* the name after "theme=", to the end of the line; NULL: none was given */
};

/* "[!] [screen] FILE [theme=NAME]". The parts are of `line`. */
struct export_line export_line_read(const char *line);

#endif
