/* paths.c - see paths.h. The folders of the build come from build.h, which meson writes. */
#include "engine/base/paths.h"

#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/arena.h"
#include "engine/base/build.h"
#include "engine/base/file.h"
#include "engine/base/str.h"

static char *join(const char *folder, const char *middle, const char *name)
{
	struct str path;

	str_init(&path);
	str_addf(&path, "%s%s/%s", folder, middle, name);
	return str_take(&path);
}

/* FOLDER MIDDLE/NAME, without the detours in it, where that is there; NULL where it is not, or where there is no folder. */
static char *found(const char *folder, const char *middle, const char *name)
{
	char *path, *real;

	if (!folder || !*folder)
		return NULL;
	path = join(folder, middle, name);
	real = realpath(path, NULL);
	free(path);
	return real;
}

/* The folder that the running program is in; false where /proc does not say. */
static bool program_folder(char folder[PATH_MAX])
{
	ssize_t n = readlink("/proc/self/exe", folder, PATH_MAX - 1);
	char *slash;

	if (n <= 0)
		return false;
	folder[n] = '\0';
	if (!(slash = strrchr(folder, '/')))
		return false;
	*slash = '\0';
	return true;
}

static bool is_within(const char *folder, const char *root)
{
	size_t n = strlen(root);

	return !strncmp(folder, root, n) && (folder[n] == '/' || folder[n] == '\0');
}

char *paths_data(const char *name)
{
	char here[PATH_MAX];
	bool placed = program_folder(here);
	char *path = found(getenv("LMSCOPE_SHARE"), "", name);

	if (!path && placed && is_within(here, LMSCOPE_BUILD_FOLDER))
		path = found(LMSCOPE_SOURCE_FOLDER, "", name);
	if (!path && placed)
		path = found(here, "/../share/lmscope", name);
	if (!path)
		path = found(LMSCOPE_DATA_FOLDER, "", name);
	return path;
}

static char *beside(const char *file, const char *name)
{
	const char *slash = strrchr(file, '/');
	struct str folder;
	char *path;

	str_init(&folder);
	str_add_n(&folder, file, slash ? (size_t)(slash - file) : 0);
	path = slash ? found(folder.s, "", name) : NULL;
	str_done(&folder);
	return path;
}

char *paths_find(const char *name, const char *named_in)
{
	char *path = NULL;

	if (*name == '/' || file_exists(name))
		return file_exists(name) ? file_at_home(name) : NULL;
	if (named_in)
		path = beside(named_in, name);
	return path ? path : paths_data(name);
}

/* A folder of the XDG base directory specification, which wants relative values ignored. */
static char *personal(const char *variable, const char *below_home, const char *name)
{
	const char *base = getenv(variable), *home = getenv("HOME");

	if (base && *base == '/')
		return join(base, "/lmscope", name);
	if (!home || *home != '/')
		return NULL;
	return join(home, below_home, name);
}

char *paths_config(const char *name)
{
	return personal("XDG_CONFIG_HOME", "/.config/lmscope", name);
}

char *paths_state(const char *name)
{
	return personal("XDG_STATE_HOME", "/.local/state/lmscope", name);
}

char *paths_share(const char *name)
{
	return personal("XDG_DATA_HOME", "/.local/share/lmscope", name);
}

char *paths_cache(const char *name)
{
	return personal("XDG_CACHE_HOME", "/.cache/lmscope", name);
}
