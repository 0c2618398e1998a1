/*
 * tap.h - the Test Anything Protocol in a page. A test is an executable: CHECK…, then `return tap_done();`.
 * Included once per test executable.
 */
#ifndef LMSCOPE_TESTS_TAP_H
#define LMSCOPE_TESTS_TAP_H

#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A sanitizer's build. It keeps what was freed for a while: how much memory is in use says nothing then. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { INSTRUMENTED = 1 };
#else
enum { INSTRUMENTED = 0 };
#endif

static int tap_count, tap_failed;

/*
 * Sanitizers look at what code does with memory and threads; whether numbers are right is decided in the release build, by every
 * case. So where the cases of a walk run the same code on other numbers, a sanitizer's build takes one case in n, another one for
 * each row of the walk. LMSCOPE_EVERY_CASE=1 (./check --long) gives it all of them.
 */
__attribute__((unused)) static bool tap_takes(size_t row, size_t i, size_t n)
{
	return !INSTRUMENTED || getenv("LMSCOPE_EVERY_CASE") || (row + i) % n == 0;
}

/* The same for walks that are long in every build: there one case in `elsewhere`. */
__attribute__((unused)) static bool tap_takes_some(size_t row, size_t i, size_t n, size_t elsewhere)
{
	return getenv("LMSCOPE_EVERY_CASE") || (row + i) % (INSTRUMENTED ? n : elsewhere) == 0;
}

__attribute__((format(printf, 4, 5), unused)) static bool tap_check(bool ok, const char *file, int line, const char *format, ...)
{
	va_list ap;

	printf("%sok %d - ", ok ? "" : "not ", ++tap_count);
	va_start(ap, format);
	vprintf(format, ap);
	va_end(ap);
	printf("\n");
	if (!ok) {
		tap_failed++;
		printf("# failed at %s:%d\n", file, line);
	}
	fflush(stdout);
	return ok;
}

/* CHECK(x == 3) or CHECK_THAT(x == 3, "x is %d", x). The condition first, so that the words may tell what it changed. */
__attribute__((unused)) static bool tap_held;
#define CHECK(condition) tap_check((condition), __FILE__, __LINE__, "%s", #condition)
#define CHECK_THAT(condition, ...) (tap_held = (condition), tap_check(tap_held, __FILE__, __LINE__, __VA_ARGS__))

/* The two strings are equal (prints both when not). */
#define CHECK_TEXT(actual, expected) tap_check_text((actual), (expected), __FILE__, __LINE__, #actual)
__attribute__((unused)) static bool tap_check_text(const char *actual, const char *expected, const char *file, int line,
						   const char *what)
{
	bool ok = actual && expected && !strcmp(actual, expected);

	tap_check(ok, file, line, "%s", what);
	if (!ok)
		printf("# expected: %s\n# actual:   %s\n", expected ? expected : "(null)", actual ? actual : "(null)");
	return ok;
}

/* max |a - b| <= tolerance * max(1e-30, max |b|): says the largest difference and where it is. NaN never passes. */
#define CHECK_NEAR(a, b, n, tolerance, ...) tap_check_near((a), (b), (size_t)(n), (tolerance), __FILE__, __LINE__, __VA_ARGS__)
__attribute__((format(printf, 7, 8), unused)) static bool tap_check_near(const float *a, const float *b, size_t n, double tolerance,
									 const char *file, int line, const char *format, ...)
{
	double scale = 1e-30, worst = 0;
	size_t where = 0;
	char what[300];
	va_list ap;
	bool ok;

	for (size_t i = 0; i < n; i++)
		if (fabs((double)b[i]) > scale)
			scale = fabs((double)b[i]);
	for (size_t i = 0; i < n; i++) {
		double gap = fabs((double)a[i] - (double)b[i]);

		if (!(gap <= worst)) { /* true for NaN as well */
			worst = gap;
			where = i;
			if (isnan(gap))
				break;
		}
	}
	ok = worst <= tolerance * scale;
	va_start(ap, format);
	vsnprintf(what, sizeof what, format, ap);
	va_end(ap);
	return tap_check(ok, file, line, "%s: max |difference| %.3g of scale %.3g, at %zu", what, worst, scale, where);
}

/* A test that cannot run here says why; the harness counts it as skipped. */
__attribute__((format(printf, 1, 2), unused)) static void tap_skip(const char *format, ...)
{
	va_list ap;

	printf("ok %d # SKIP ", ++tap_count);
	va_start(ap, format);
	vprintf(format, ap);
	va_end(ap);
	printf("\n");
	fflush(stdout);
}

__attribute__((unused)) static int tap_done(void)
{
	printf("1..%d\n", tap_count);
	return tap_failed != 0;
}

#endif
