/* shell_word.h - a word for a shell's command line. */
#ifndef LMSCOPE_TUI_APP_SHELL_WORD_H
#define LMSCOPE_TUI_APP_SHELL_WORD_H

#include "engine/base/str.h"

/*
 * Appends the word in quotes, so that bash, zsh and ksh read exactly its bytes: '…', or $'…' where it holds control characters or
 * what a terminal does not show. Nothing raw that a terminal or a shell could act on while it is pasted is in it.
 */
void shell_word(struct str *out, const char *word);

#endif
