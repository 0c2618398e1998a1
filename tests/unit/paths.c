/* paths.c - the program's own files are found, and a person's folders follow the environment. */
#include "engine/base/paths.h"
#include "tests/tap.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* The path that was returned, freed, must be this. */
/* clang-format off */
#define CHECK_PATH(call, expected) \
	do { char *path_ = (call); tap_check_text(path_, expected, __FILE__, __LINE__, #call); free(path_); } while (0)
/* clang-format on */

static bool ends(const char *s, const char *end)
{
	return s && strlen(s) >= strlen(end) && !strcmp(s + strlen(s) - strlen(end), end);
}

static void test_data(void)
{
	char share[] = "/tmp/lmscope-paths-XXXXXX", themes[64], expected[64];
	char *path;

	unsetenv("LMSCOPE_SHARE");
	path = paths_data("tests/tap.h");
	CHECK_THAT(ends(path, "/tests/tap.h"), "a program in its build folder finds the source tree");
	free(path);
	CHECK(!paths_data("no/such/file"));

	if (!CHECK(mkdtemp(share) != NULL))
		return;
	snprintf(themes, sizeof themes, "%s/tests", share);
	snprintf(expected, sizeof expected, "%s/tests", share);
	setenv("LMSCOPE_SHARE", share, 1);
	path = paths_data("tests");
	CHECK_THAT(path && strcmp(path, expected), "what $LMSCOPE_SHARE lacks is found elsewhere");
	free(path);
	mkdir(themes, 0700);
	CHECK_PATH(paths_data("tests"), expected);
	rmdir(themes);
	rmdir(share);
	unsetenv("LMSCOPE_SHARE");
}

static void test_personal(void)
{
	setenv("HOME", "/home/ada", 1);
	unsetenv("XDG_CONFIG_HOME");
	setenv("XDG_STATE_HOME", "relative/is/ignored", 1);
	setenv("XDG_CACHE_HOME", "/var/ada", 1);
	CHECK_PATH(paths_config("presets/a.yaml"), "/home/ada/.config/lmscope/presets/a.yaml");
	CHECK_PATH(paths_state("history"), "/home/ada/.local/state/lmscope/history");
	CHECK_PATH(paths_cache("x"), "/var/ada/lmscope/x");
	unsetenv("HOME");
	CHECK(!paths_config("presets"));
}

int main(void)
{
	test_data();
	test_personal();
	return tap_done();
}
