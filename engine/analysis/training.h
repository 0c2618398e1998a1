/*
 * training.h - a training as an analysis: its table is the loss curve as it grows, and what it makes is a file (asset.h).
 *
 *     OUT         the asset as far as it is, whole at every checkpoint, with the question and the curve in it
 *     OUT.part    all that the next step depends on
 *
 * The same question resumes from OUT.part, to the same bits as if it had never stopped, whatever stopped it: Esc, Ctrl-C, SIGKILL
 * in the middle of a write. A file of another question is refused. Where no name is given:
 * ~/.local/share/lmscope/TECHNIQUE/MODEL-HASH.safetensors.
 *
 * A technique keeps what its steps change in arrays that it names here, and draws what it needs at random from the number of the
 * step.
 */
#ifndef LMSCOPE_ENGINE_ANALYSIS_TRAINING_H
#define LMSCOPE_ENGINE_ANALYSIS_TRAINING_H

#include "engine/analysis/analysis.h"
#include "engine/model/files/safetensors_write.h"
#include "engine/run/corpus.h"

enum { TRAINING_COLUMNS = 8 };

struct training {
	const struct ask *ask;
	const char *technique;	    /* "train-tuned-lens" */
	const char *title, *object; /* of the table */
	const char *question;	    /* everything that its result depends on, in words; another one is another training */
	const char *out;	    /* as given; NULL: none is */
	int steps;
	const char *const *column; /* [columns] the loss of a step first, then what is measured on held-out text */
	int columns;
	const char *unit;
	/* What a step changes: F32 arrays, by name, and the place in the text. */
	struct tensor *state; /* [states] */
	int states;
	struct corpus_place *place;
	/*
	 * Where there is nothing to resume: what the arrays begin with, and the first row of the curve as far as it is known then;
	 * begin_steps: how many steps take as long as that and the first measure, roughly. NULL: the arrays are ready.
	 */
	bool (*begin)(struct training *t, struct err *err);
	double begin_steps;
	/*
	 * One more step, from `step` done to step + 1: *loss is before it. False: an error, or it should stop; then nothing is
	 * changed.
	 */
	bool (*step)(struct training *t, int step, float *loss, struct err *err);
	/* Fills columns 1 … of the row of a step that is done. */
	bool (*measure)(struct training *t, int step, float *row, struct err *err);
	double measure_steps; /* how many steps take as long as measuring, roughly: for saying beforehand how long it takes */
	/* A table other than the curve, from the state; NULL: the curve is shown. */
	struct table *(*table)(const struct training *t, struct err *err);
	/* What else there is to say of the result, from the state; NULL: nothing. */
	void (*remark)(const struct training *t, struct str *out);
	/*
	 * Writes the asset as it is; `note` is to be in its metadata: the kind that the technique makes, the question, the
	 * result.
	 */
	bool (*save)(const struct training *t, const char *path, const struct safetensors_note *note, int notes, struct err *err);
	void *context;

	/* Its own. */
	char *path, *part;  /* of the two files */
	float *curve;	    /* [steps + 1, columns]; NaN: not known */
	int done, saved;    /* steps; in the file */
	bool resumed;	    /* from OUT.part */
	double step_ms;	    /* a step takes, as far as is known; 0: nothing is known */
	const char *result; /* that a finished file says; NULL: it was trained here */
};

/* How often held-out text is measured in so many steps, the one before the first among them. */
int training_measures(int steps);
/* The curve as a tensor, for save: it is read back from there. */
struct tensor training_curve(const struct training *t);
/*
 * Trains, or resumes, or reads what is trained; the table, NULL on error (ERR_CANCELLED: stopped, and what is done is in the
 * files).
 */
struct table *training_run(struct training *t, struct err *err);

#endif
