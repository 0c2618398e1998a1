/* picture.h - the screen of a pseudo-terminal as an SVG, for the README. */
#ifndef LMSCOPE_TESTS_PTY_PICTURE_H
#define LMSCOPE_TESTS_PTY_PICTURE_H

#include "tests/pty/pty.h"

bool picture_write(struct pty *p, const char *path);

#endif
