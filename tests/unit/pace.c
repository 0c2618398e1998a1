/* pace.c - time left: quiet at first, near the truth, and without jumps when the work is uneven. */
#include "engine/base/pace.h"
#include "tests/tap.h"

/* Work of 400 steps of so many milliseconds (every tenth ten times as slow), looked at every 250 ms. */
static void uneven(double step)
{
	struct pace p = { 0 };
	double now = 5000, start = now, total = 0, worst = 0, jump = 0, before = 0, next = now;

	for (int i = 0; i < 400; i++)
		total += i % 10 ? step : 10 * step;
	for (int done = 0; done < 400; done++) {
		now += done % 10 ? step : 10 * step;
		for (; next <= now; next += 250) {
			double left = pace_left(&p, next, done, 400), truth = (start + total - next) / 1000;

			if (next - start < 1000) {
				if (left != 0)
					CHECK_THAT(false, "%g s are promised after %g ms", left, next - start);
				continue;
			}
			if (next - start > total / 5)
				worst = fmax(worst, fabs(left - truth) / (total / 1000));
			if (before > 0)
				jump = fmax(jump, left - before);
			before = left;
		}
	}
	CHECK_THAT(worst < 0.1, "steps of %g ms: wrong by %.3f of the whole", step, worst);
	CHECK_THAT(jump < 0.05 * total / 1000, "and it rises by at most %.2f s of %.0f", jump, total / 1000);
}

int main(void)
{
	struct pace p = { 0 };

	uneven(5);
	uneven(40);
	CHECK_THAT(pace_left(&p, 1000, 5, 10) == 0, "nothing is known at the first look");
	CHECK_NEAR(((float[]){ (float)pace_left(&p, 3000, 5, 10) }), ((float[]){ 2 }), 1, 1e-5, "half of it has taken 2 s");
	CHECK_THAT(pace_left(&p, 3100, 1, 10) == 0, "work that begins again is measured again");
	CHECK_THAT(pace_left(&p, 9000, 0, 0) == 0, "and work that says nothing has no end");
	return tap_done();
}
