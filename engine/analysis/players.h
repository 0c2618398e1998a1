/*
 * players.h - the tokens, words or sentences of a prompt that can be taken away, alone or many at once, and the metric without
 * them: what occlusion, Shapley values and LIME have in common.
 *
 *     struct players p;
 *     players_init(&p, ask, err)                       the arguments → groups → players
 *     t = players_table(&p, "occlusion", …, err)       a row each, one column
 *     players_fill(&p, in, n, value, &filling, err)    the metric of n coalitions, and the cells, while they come
 *
 * Never taken away, and so no players: the mark before the prompt (BOS), and the token at which the metric is read (with attention
 * weights, their key as well); of the group that has it, the tokens before it are the player. Tokens after it change nothing.
 *
 *   mask     no later query, in any layer, looks at the player's tokens; they still look at each other, and at what was before
 *   replace  another token in the place of each, its input alone (model_input): learned positions stay
 *   mean     the mean row of the embedding matrix in the place of each
 *   remove   the tokens leave the prompt and the rest closes up: later positions shift, which is part of what is measured
 */
#ifndef LMSCOPE_ENGINE_ANALYSIS_PLAYERS_H
#define LMSCOPE_ENGINE_ANALYSIS_PLAYERS_H

#include "engine/analysis/filling.h"
#include "engine/analysis/token_groups.h"

enum player_how { HOW_MASK, HOW_REPLACE, HOW_REMOVE, HOW_MEAN };
extern const struct choice player_groups[], player_hows[];

/* A technique's arguments begin with these. */
enum { PLAYERS_HOW, PLAYERS_GROUP, PLAYERS_TOKEN, PLAYERS_PARAM_COUNT };
/* clang-format off */
#define PLAYERS_PARAMS \
	[PLAYERS_HOW] = { "how", PARAM_CHOICE, .choices = player_hows, .help = "how tokens are taken away" }, \
	[PLAYERS_GROUP] = { "group", PARAM_CHOICE, .choices = player_groups, .help = "what is taken away together" }, \
	[PLAYERS_TOKEN] = { "token", PARAM_TEXT, .help = "for how=replace: the token that takes their place" }
/* clang-format on */

enum { NO_PLAYER = -1, NO_EFFECT = -2 };

struct players {
	const struct ask *ask;
	enum token_group group;
	enum player_how how;
	int rows;		   /* of the table: tokens, words or sentences, in the order of the prompt */
	struct token_span *row;	   /* [rows] */
	int *player;		   /* [rows] its number; NO_PLAYER: in every coalition; NO_EFFECT: after all that is read */
	int n;			   /* players */
	struct token_span *span;   /* [n] what is taken away */
	int *row_of;		   /* [n] */
	int *first;		   /* [n] the first position that changes without it */
	const struct edit **edits; /* [n] what takes each away; NULL: how=remove */
};

/*
 * From ask->scratch. ERR_ARGUMENT: the metric or the edits cannot be asked in this way, or there is no such token. The arguments
 * are the technique's PLAYERS_PARAMS.
 */
bool players_init(struct players *p, const struct ask *ask, struct err *err);
/* The same without arguments: `token` is the text for how=replace, or NULL. */
bool players_of(struct players *p, const struct ask *ask, enum token_group group, enum player_how how, const char *token,
		struct err *err);
/*
 * The same input x[D] for each token of the span, in their place, as it enters the run's first layer there, with the run's own
 * edits of the embedding. From ask->scratch; NULL: ERR_MEMORY.
 */
struct edit *player_input(const struct ask *ask, struct token_span span, const float *x, struct err *err);
/*
 * Another way of taking them away, in place of that of `how`: edits[n], resolved. Players are in the order of the first positions
 * that change.
 */
void players_take_by(struct players *p, const struct edit *const *edits);

/*
 * in[n, n]: all but one, for each player in turn; `width` neighbours together: in[n - width + 1, n]. From ask->scratch.
 */
const bool *players_all_but(const struct players *p, int width);

/*
 * value[count]: the metric of each coalition: in[c * p->n + i] whether player i is there in coalition c. Exact: what one run after
 * the other would give. Progress and pieces as of sweep_metric().
 */
bool players_values(const struct players *p, const bool *in, int count, double *value, struct err *err);
/* The same, shown while it comes; the values that are not known yet are NaN. */
bool players_fill(const struct players *p, const bool *in, int count, double *value, struct filling *f, struct err *err);

/* How many passes through the model that takes. */
int players_passes(const struct players *p, const bool *in, int count);

/* The metric of one coalition by a whole run of its own: for checks. */
bool players_value_alone(const struct players *p, const bool *in, double *value, struct err *err);

/*
 * A table of one column, drawn as the text of the prompt: the rows are tokens as axis_tokens() writes them, or groups with their
 * text as label and their tokens as place. The title tells of groups and way, and `more` (may be NULL). NULL: ERR_MEMORY.
 */
struct table *players_table(const struct players *p, const char *technique, const char *column, const char *more, struct err *err);
/* Its cells: worth[n] of each player, 0 where nothing changes; what is always there has none. */
void players_put(const struct players *p, struct table *t, const double *worth);
/* What Space does in each cell: takes that row's player away; where no edit says that, table->no_edit tells why. */
void players_edits(const struct players *p, struct table *t);

#endif
