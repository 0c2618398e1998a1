/*
 * pace.h - how long work that says how far it is will still take: from what it has taken so far, smoothed, so that the number does
 * not jump.
 */
#ifndef LMSCOPE_ENGINE_BASE_PACE_H
#define LMSCOPE_ENGINE_BASE_PACE_H

/* Zeroed: before the first look. */
struct pace {
	double started, last_ms, left; /* milliseconds of any clock; left < 0: nothing is known yet */
	int done, total;
};

/*
 * Seconds left, looked at now (milliseconds); 0 (not known) in the first second, and while nothing is done. Work that begins
 * again is measured again.
 */
double pace_left(struct pace *p, double now, int done, int total);

#endif
