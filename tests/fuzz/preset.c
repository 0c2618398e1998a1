/* preset.c - any bytes as a preset; what was read can be printed and read again. */
#include "engine/preset/preset.h"
#include "tests/fuzz/fuzz.h"

static void read_preset(const char *bytes, size_t n, bool again)
{
	struct notes notes = { 0 };
	struct err err = { 0 };
	struct preset preset;
	struct str text;
	bool ok;

	ok = preset_parse(bytes, n, "fuzz", &preset, &notes, &err);
	FUZZ_EXPECT(ok || (*err.text && !again)); /* what is printed can be read */
	if (ok && !again) {
		str_init(&text);
		preset_print(&preset, &text);
		read_preset(text.s, text.n, true);
		str_done(&text);
	}
	if (ok)
		preset_done(&preset);
	notes_done(&notes);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	read_preset((const char *)bytes, n, false);
	return 0;
}
