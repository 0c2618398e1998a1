/* clock.h - how late it is: milliseconds on a clock that never goes back. */
#ifndef LMSCOPE_ENGINE_BASE_CLOCK_H
#define LMSCOPE_ENGINE_BASE_CLOCK_H

double clock_now(void);
long clock_ms(void); /* whole ones */

#endif
