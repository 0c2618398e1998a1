/*
 * fake.h - a worker without a model: answers any question at once, with tables whose numbers follow from a formula.
 *
 * Screens drawn from it are the same everywhere. Four layers, three heads; each word of the prompt is a token.
 */
#ifndef LMSCOPE_TESTS_SCREENS_FAKE_H
#define LMSCOPE_TESTS_SCREENS_FAKE_H

#include "tui/app/app.h"

enum { FAKE_LAYERS = 4, FAKE_HEADS = 3, FAKE_NOW = 1764493980 }; /* 30 November 2025, 9:13 in Greenwich */

struct fake {
	struct snapshot shot;
	unsigned serial;
	int asked;			  /* questions so far */
	char copied[4000], exported[400]; /* what was asked for last */
	bool slow;			  /* the answers do not come: the first pane's is at 12 of 30 */
	/* What cannot be answered, and why; NULL: nothing. */
	const char *(*refuses)(const struct job *job, struct job_fault *fault);
};

/* Carries out what the app asks for until it asks for nothing: questions are answered, the rest is only counted. Returns
 * whether the app wants to be left. */
bool fake_serve(struct fake *f, struct app *app);
void fake_done(struct fake *f);

/* A key by its name, "Click@30,12" among them. */
bool fake_parse(const char *name, struct key *key);
/*
 * One key by its name, or "'text" for characters, or "Click@30,12" for the mouse; then fake_serve. "Slow": from here on answers
 * do not come; "Answer": now they do.
 */
bool fake_key(struct fake *f, struct app *app, const char *name);
/* Words of key names, separated by spaces; "'two_words" types "two words". */
bool fake_keys(struct fake *f, struct app *app, const char *names);

/* The usual four panes on a prompt. */
void fake_document(struct preset *doc);

#endif
