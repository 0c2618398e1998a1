/* theme.c - any bytes as a theme. */
#include "tui/draw/theme_file.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct notes notes = { 0 };
	struct err err = { 0 };
	struct theme_file theme = { 0 };

	FUZZ_EXPECT(theme_file_parse(&theme, (const char *)bytes, n, "fuzz", &notes, &err) || *err.text);
	notes_done(&notes);
	return 0;
}
