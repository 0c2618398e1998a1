/* forecast.h - how long a slow answer will take, announced before it starts. See session_forecast(). */
#ifndef LMSCOPE_ENGINE_SESSION_FORECAST_H
#define LMSCOPE_ENGINE_SESSION_FORECAST_H

#include <stdbool.h>

/*
 * Passes through the model, and seconds, by what a pass over this prompt took. Passes of a sweep share work and are cheaper than
 * one alone: until such a technique was measured, the time is the most that it can be.
 */
struct forecast {
	bool known; /* there is a prompt's run to judge by */
	/* 0: none, or the answer is there already; -1: it cannot be answered; the most, where what is found decides */
	int runs;
	int usual;	/* as a rule */
	int steps;	/* of a training, instead; the time is by what products take here */
	int prompts;	/* of a file, instead: each takes about what the first one would, or the prompt that is there */
	double seconds; /* of those; 0: no pass was measured yet */
	bool measured;	/* of this technique; otherwise the time is the most */
};

#endif
