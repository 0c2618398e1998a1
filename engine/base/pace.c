/* pace.c - see pace.h. */
#include "engine/base/pace.h"

#include <math.h>

enum { QUIET_MS = 1000 };
#define SMOOTH_MS 2000.0 /* in which an estimate replaces most of the one before */

double pace_left(struct pace *p, double now, int done, int total)
{
	double guess, weight;

	if (p->started <= 0 || done < p->done || total != p->total)
		*p = (struct pace){ .started = now > 0 ? now : 1e-9, .last_ms = now, .left = -1, .total = total };
	p->done = done;
	if (done <= 0 || total <= 0 || now - p->started < QUIET_MS) {
		p->last_ms = now;
		return 0;
	}
	guess = (now - p->started) * (total - done) / done;
	weight = p->left < 0 ? 1 : 1 - exp(-(now - p->last_ms) / SMOOTH_MS);
	/* Meanwhile time passes. */
	p->left = p->left < 0 ? guess : fmax(0, p->left - (now - p->last_ms)) * (1 - weight) + guess * weight;
	p->last_ms = now;
	return fmax(p->left, 1) / 1000;
}
