/*
 * intern.h - one copy of each text, for the life of the program: equal texts are equal pointers.
 *
 * What holds one is a plain value: copied by assignment, compared by ==, never freed. For few and short texts (file names, what is
 * typed as an argument): they are not given back, and each takes some forty bytes more than itself. Prompts are no such texts. Any
 * thread may call it.
 */
#ifndef LMSCOPE_ENGINE_BASE_INTERN_H
#define LMSCOPE_ENGINE_BASE_INTERN_H

const char *intern(const char *text); /* the one copy; NULL stays NULL */

#endif
