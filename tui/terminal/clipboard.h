/* clipboard.h - the escape sequence that puts text on the clipboard of the machine that the person sits at (OSC 52). */
#ifndef LMSCOPE_TUI_TERMINAL_CLIPBOARD_H
#define LMSCOPE_TUI_TERMINAL_CLIPBOARD_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/str.h"

enum { CLIPBOARD_LIMIT = 74000 }; /* xterm takes 100,000 characters of base64 */

/*
 * Appends it; inside tmux once for tmux and once wrapped for the terminal around it. false: more than the limit, nothing
 * appended.
 */
bool clipboard_sequence(const char *bytes, size_t n, bool in_tmux, struct str *out);

#endif
