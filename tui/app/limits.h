/*
 * limits.h - what the system must allow for the program to run at all; everything else that it denies is answered where it is
 * asked for.
 */
#ifndef LMSCOPE_TUI_APP_LIMITS_H
#define LMSCOPE_TUI_APP_LIMITS_H

#include <stdbool.h>

/*
 * Raises what may be raised; false, with a sentence on stderr, where the hard limit is too low. Needs next to nothing of what it
 * looks at.
 */
bool limits_suffice(void);

#endif
