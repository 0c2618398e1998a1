/*
 * term_keys.h - what the terminal sends: keys, mouse, pasted text, answers to questions. For term.c; the rest asks term_key().
 */
#ifndef LMSCOPE_TUI_TERMINAL_TERM_KEYS_H
#define LMSCOPE_TUI_TERMINAL_TERM_KEYS_H

#include <stdbool.h>

#include "tui/terminal/key.h"

void term_keys_start(void); /* terminfo's entry has been read */
void term_keys_stop(void);
bool term_keys_read(struct key *key); /* as term_key() */
int term_keys_due(void);	      /* as term_due() */
/* The terminal has announced that it can hold a frame back until it is whole. */
bool term_keys_sync(void);
/* How often the terminal has answered that question. */
unsigned term_keys_answers(void);

#endif
