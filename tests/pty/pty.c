/* pty.c - see pty.h. */
#include "tests/pty/pty.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <utmp.h>
#include <vterm.h>

enum { MODES = 64 };

/* Private modes (CSI ? n h) as they are switched, read from the stream itself: libvterm does not tell about all of them. */
struct modes {
	int state;	     /* of the reader: 0 text, 1 after ESC, 2 after CSI, 3 within CSI ? */
	int number[16], n;   /* of the sequence that is being read */
	int on[MODES], on_n; /* switched on and not off again */
	bool cursor_hidden, keypad;
};

struct pty {
	VTerm *vt;
	VTermScreen *screen;
	VTermState *pen;
	int w, h;
	int master, reports, orders; /* reports: struct report from the keeper; orders: a byte to it */
	pid_t keeper, program;
	struct termios before;
	enum pty_state state;
	int code;
	size_t bytes;
	long speed;	  /* bytes a second that the line carries; 0: all that comes */
	int64_t ready_at; /* when it carries the next */
	bool deaf;
	struct modes modes;
	char row[4096], left[400];
};

struct report {
	enum pty_state state;
	int code;
	pid_t program;
};

int64_t pty_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void tell(int fd, struct report report)
{
	if (write(fd, &report, sizeof report) != (ssize_t)sizeof report)
		_exit(1);
}

static volatile pid_t kept;

static void pass_on(int number)
{
	kill(-kept, number);
}

static const char *errors;

void pty_errors_to(const char *path)
{
	errors = path;
}

static void redirect_errors(void)
{
	int fd = errors ? open(errors, O_WRONLY | O_CREAT | O_APPEND, 0600) : -1;

	if (fd >= 0 && dup2(fd, STDERR_FILENO) >= 0)
		close(fd);
}

/* Until it stops or ends, also when a lost connection comes between: under ThreadSanitizer such a wait is not taken up again. */
static bool wait_for(pid_t program, int *status)
{
	pid_t done;

	do
		done = waitpid(program, status, WUNTRACED);
	while (done < 0 && errno == EINTR);
	return done == program;
}

/* The leader of the session: starts the program in a group of its own, and takes the terminal back whenever it stops or ends, as a
 * shell does; a lost connection is passed on. Never touches the terminal's modes, so that what the program leaves there is seen. */
static void keep(char *const *argv, int reports, int orders)
{
	pid_t program;
	char order;
	int status;

	signal(SIGTTOU, SIG_IGN);
	program = fork();
	if (program == 0) {
		setpgid(0, 0);
		tcsetpgrp(0, getpid());
		for (int i = 1; i < NSIG; i++) /* whatever this was started under: nohup ignores SIGHUP */
			signal(i, SIG_DFL);
		close(reports);
		close(orders);
		redirect_errors();
		execvp(argv[0], argv);
		_exit(127);
	}
	setpgid(program, program);
	tcsetpgrp(0, program);
	kept = program;
	signal(SIGHUP, pass_on);
	tell(reports, (struct report){ PTY_RUNNING, 0, program });
	while (wait_for(program, &status)) {
		tcsetpgrp(0, getpid());
		if (WIFEXITED(status))
			tell(reports, (struct report){ PTY_EXITED, WEXITSTATUS(status), program });
		else if (WIFSIGNALED(status))
			tell(reports, (struct report){ PTY_KILLED, WTERMSIG(status), program });
		else
			tell(reports, (struct report){ PTY_STOPPED, WSTOPSIG(status), program });
		if (read(orders, &order, 1) != 1) /* the harness is done */
			break;
		tcsetpgrp(0, program);
		kill(-program, SIGCONT);
	}
	kill(-program, SIGKILL);
	_exit(0);
}

static void answer(const char *bytes, size_t n, void *context)
{
	pty_send(context, bytes, n);
}

struct pty *pty_start(char *const *argv, int w, int h)
{
	struct winsize size = { .ws_col = (unsigned short)w, .ws_row = (unsigned short)h };
	struct pty *p = calloc(1, sizeof *p);
	struct report first;
	int reports[2], orders[2], slave;
	VTermColor light, dark;

	vterm_color_rgb(&light, 0xC8, 0xC8, 0xC8);
	vterm_color_rgb(&dark, 0x14, 0x14, 0x18);
	if (!p || pipe(reports) || pipe(orders))
		abort();
	if (openpty(&p->master, &slave, NULL, NULL, &size)) {
		free(p);
		return NULL;
	}
	tcgetattr(slave, &p->before); /* the program may be quick to change them */
	p->keeper = fork();
	if (p->keeper < 0)
		abort();
	if (p->keeper == 0) {
		close(p->master);
		login_tty(slave);
		close(reports[0]);
		close(orders[1]);
		keep(argv, reports[1], orders[0]);
	}
	close(reports[1]);
	close(orders[0]);
	close(slave);
	fcntl(p->master, F_SETFL, fcntl(p->master, F_GETFL) | O_NONBLOCK);
	p->reports = reports[0];
	p->orders = orders[1];
	p->w = w;
	p->h = h;
	p->vt = vterm_new(h, w);
	vterm_set_utf8(p->vt, 1);
	vterm_output_set_callback(p->vt, answer, p);
	p->screen = vterm_obtain_screen(p->vt);
	vterm_screen_enable_altscreen(p->screen, 1);
	vterm_state_set_default_colors(vterm_obtain_state(p->vt), &light, &dark);
	vterm_screen_reset(p->screen, 1);
	p->pen = vterm_obtain_state(p->vt);
	if (read(p->reports, &first, sizeof first) == (ssize_t)sizeof first)
		p->program = first.program;
	return p;
}

void pty_free(struct pty *p)
{
	if (!p)
		return;
	if (p->program > 0 && (p->state == PTY_RUNNING || p->state == PTY_STOPPED))
		kill(-p->program, SIGKILL);
	close(p->orders);
	close(p->reports);
	if (p->master >= 0)
		close(p->master);
	waitpid(p->keeper, NULL, 0);
	vterm_free(p->vt);
	free(p);
}

static void mode_switched(struct modes *m, int number, bool on)
{
	if (number == 25) {
		m->cursor_hidden = !on;
		return;
	}
	if (number == 7 || number == 12 || number == 2026) /* wrapping, blinking and brackets around a frame leave no trace */
		return;
	for (int i = 0; i < m->on_n; i++)
		if (m->on[i] == number)
			m->on[i--] = m->on[--m->on_n];
	if (on && m->on_n < MODES)
		m->on[m->on_n++] = number;
}

static void modes_read(struct modes *m, unsigned char c)
{
	switch (m->state) {
	case 0:
		m->state = c == 0x1B;
		return;
	case 1:
		if (c == '=' || c == '>')
			m->keypad = c == '=';
		m->state = c == '[' ? 2 : c == 0x1B;
		return;
	case 2:
		m->state = c == '?' ? 3 : 0;
		memset(m->number, 0, sizeof m->number);
		m->n = 0;
		return;
	default:
		if (c >= '0' && c <= '9' && m->number[m->n] < 100000) {
			m->number[m->n] = 10 * m->number[m->n] + (c - '0');
		} else if (c == ';' && m->n < 15) {
			m->n++;
		} else {
			for (int i = 0; i <= m->n && (c == 'h' || c == 'l'); i++)
				mode_switched(m, m->number[i], c == 'h');
			m->state = 0;
		}
	}
}

static bool read_screen(struct pty *p)
{
	char bytes[4096];
	/* what comes in 50 ms */
	size_t most = p->speed && p->speed / 20 < (long)sizeof bytes ? (size_t)(p->speed / 20) : sizeof bytes;
	ssize_t n = p->master < 0 ? 0 : read(p->master, bytes, most);

	if (n <= 0)
		return false;
	if (p->speed)
		p->ready_at = pty_now() + n * 1000 / p->speed;
	p->bytes += (size_t)n;
	for (ssize_t i = 0; i < n; i++)
		modes_read(&p->modes, (unsigned char)bytes[i]);
	vterm_input_write(p->vt, bytes, (size_t)n);
	return true;
}

static bool read_report(struct pty *p)
{
	struct report report;

	if (read(p->reports, &report, sizeof report) != (ssize_t)sizeof report)
		return false;
	p->state = report.state;
	p->code = report.code;
	return true;
}

bool pty_read(struct pty *p, int64_t deadline)
{
	struct pollfd wait[2] = { { p->deaf ? -1 : p->master, POLLIN, 0 }, { p->reports, POLLIN, 0 } };
	int64_t left = deadline - pty_now(), slow = p->ready_at - pty_now();

	if (slow > 0) {
		poll(NULL, 0, (int)(slow < left ? slow : left > 0 ? left : 0));
		if (slow >= left)
			return false;
		left -= slow;
	}
	if (poll(wait, 2, left > 0 ? (int)left : 0) <= 0)
		return false;
	if (wait[0].revents & POLLIN) /* all that was written comes before the news of an end */
		return read_screen(p);
	return (wait[1].revents & POLLIN) && read_report(p);
}

bool pty_wait(struct pty *p, int64_t deadline)
{
	struct pollfd wait = { p->reports, POLLIN, 0 };
	int64_t left = deadline - pty_now();

	return poll(&wait, 1, left > 0 ? (int)left : 0) > 0 && (wait.revents & POLLIN) && read_report(p);
}

int pty_fd(const struct pty *p)
{
	return p->master;
}

pid_t pty_program(const struct pty *p)
{
	return p->program;
}

void pty_set_speed(struct pty *p, long speed)
{
	p->speed = speed;
	p->ready_at = 0;
}

void pty_freeze(struct pty *p, bool frozen)
{
	int terminal = open(ptsname(p->master), O_RDWR | O_NOCTTY);

	tcflow(terminal, frozen ? TCOOFF : TCOON);
	close(terminal);
}

void pty_go_deaf(struct pty *p)
{
	p->deaf = true;
}

void pty_send(struct pty *p, const char *bytes, size_t n)
{
	int64_t deadline = pty_now() + 2000;

	while (n > 0 && p->master >= 0) {
		struct pollfd room = { p->master, POLLOUT, 0 };
		ssize_t sent = write(p->master, bytes, n);

		if (sent < 0 && errno == EAGAIN && pty_now() < deadline) {
			poll(&room, 1, 20);
			continue;
		}
		if (sent <= 0)
			return;
		bytes += sent;
		n -= (size_t)sent;
	}
}

static const struct {
	const char *name;
	VTermKey key;
} named_keys[] = {
	{ "Enter", VTERM_KEY_ENTER }, { "Tab", VTERM_KEY_TAB },	      { "Backspace", VTERM_KEY_BACKSPACE },
	{ "Esc", VTERM_KEY_ESCAPE },  { "Up", VTERM_KEY_UP },	      { "Down", VTERM_KEY_DOWN },
	{ "Left", VTERM_KEY_LEFT },   { "Right", VTERM_KEY_RIGHT },   { "Insert", VTERM_KEY_INS },
	{ "Delete", VTERM_KEY_DEL },  { "Home", VTERM_KEY_HOME },     { "End", VTERM_KEY_END },
	{ "PgUp", VTERM_KEY_PAGEUP }, { "PgDn", VTERM_KEY_PAGEDOWN },
};

bool pty_key(struct pty *p, const char *name)
{
	VTermModifier mods = VTERM_MOD_NONE;
	char control;

	for (; name[0] && name[1] == '-' && name[2]; name += 2)
		mods |= name[0] == 'C' ? VTERM_MOD_CTRL : name[0] == 'M' ? VTERM_MOD_ALT : VTERM_MOD_SHIFT;
	for (size_t i = 0; i < sizeof named_keys / sizeof *named_keys; i++)
		if (!strcmp(name, named_keys[i].name)) {
			vterm_keyboard_key(p->vt, named_keys[i].key, mods);
			return true;
		}
	if (!strcmp(name, "Space")) {
		pty_send(p, " ", 1);
	} else if (name[0] == 'F' && name[1] >= '1' && name[1] <= '9') {
		vterm_keyboard_key(p->vt, (VTermKey)VTERM_KEY_FUNCTION(atoi(name + 1)), mods);
	} else if ((mods & VTERM_MOD_CTRL) && name[0] && !name[1]) {
		control = (char)(name[0] & 0x1F);
		pty_send(p, &control, 1);
	} else if (name[0] && ((unsigned char)name[0] >= 0x80 || !name[1])) {
		if (mods & VTERM_MOD_ALT)
			pty_send(p, "\033", 1);
		pty_send(p, name, strlen(name));
	} else {
		return false;
	}
	return true;
}

void pty_click(struct pty *p, int x, int y)
{
	vterm_mouse_move(p->vt, y, x, VTERM_MOD_NONE);
	vterm_mouse_button(p->vt, 1, true, VTERM_MOD_NONE);
	vterm_mouse_button(p->vt, 1, false, VTERM_MOD_NONE);
}

void pty_resize(struct pty *p, int w, int h)
{
	struct winsize size = { .ws_col = (unsigned short)w, .ws_row = (unsigned short)h };

	vterm_set_size(p->vt, h, w);
	p->w = w;
	p->h = h;
	ioctl(p->master, TIOCSWINSZ, &size);
}

void pty_signal(struct pty *p, int signal)
{
	kill(p->program, signal);
}

void pty_continue(struct pty *p)
{
	p->state = PTY_RUNNING;
	if (write(p->orders, "c", 1) != 1)
		p->state = PTY_KILLED;
}

void pty_hang_up(struct pty *p)
{
	close(p->master);
	p->master = -1;
}

const char *pty_row(struct pty *p, int y)
{
	VTermRect rect = { .start_row = y, .end_row = y + 1, .start_col = 0, .end_col = p->w };
	size_t n = vterm_screen_get_text(p->screen, p->row, sizeof p->row - 1, rect);

	while (n > 0 && (p->row[n - 1] == ' ' || p->row[n - 1] == '\n'))
		n--;
	p->row[n] = '\0';
	return p->row;
}

static unsigned rgb(struct pty *p, VTermColor color)
{
	vterm_screen_convert_color_to_rgb(p->screen, &color);
	return (unsigned)color.rgb.red << 16 | (unsigned)color.rgb.green << 8 | color.rgb.blue;
}

struct pty_cell pty_cell_at(struct pty *p, int x, int y)
{
	VTermScreenCell cell;
	struct pty_cell out = { .text = "" };
	size_t n;

	vterm_screen_get_cell(p->screen, (VTermPos){ y, x }, &cell);
	out.ink = rgb(p, cell.attrs.reverse ? cell.bg : cell.fg);
	out.paper = rgb(p, cell.attrs.reverse ? cell.fg : cell.bg);
	out.bold = cell.attrs.bold;
	out.underline = cell.attrs.underline;
	if (cell.chars[0] != (uint32_t)-1) {
		n = vterm_screen_get_text(p->screen, out.text, sizeof out.text - 1, (VTermRect){ y, y + 1, x, x + 1 });
		out.text[n] = '\0';
	}
	if (!out.text[0] && cell.chars[0] != (uint32_t)-1)
		out.text[0] = ' ';
	return out;
}

int pty_width(const struct pty *p)
{
	return p->w;
}

int pty_height(const struct pty *p)
{
	return p->h;
}

enum pty_state pty_state(const struct pty *p, int *code)
{
	*code = p->code;
	return p->state;
}

size_t pty_bytes(struct pty *p)
{
	size_t n = p->bytes;

	p->bytes = 0;
	return n;
}

long pty_memory(const struct pty *p)
{
	char path[64], line[200];
	long kb = 0;
	FILE *file;

	snprintf(path, sizeof path, "/proc/%d/status", (int)p->program);
	if (!(file = fopen(path, "r")))
		return 0;
	while (!kb && fgets(line, sizeof line, file))
		sscanf(line, "VmRSS: %ld", &kb);
	fclose(file);
	return kb;
}

/* The state's letter of one thread; it is after the name, which may have anything in it. */
static char thread_state(const char *folder, const char *thread)
{
	char path[PATH_MAX], line[400] = "", *end;
	FILE *file;

	snprintf(path, sizeof path, "%s/%s/stat", folder, thread);
	if (!(file = fopen(path, "r")))
		return '\0';
	if (!fgets(line, sizeof line, file))
		line[0] = '\0';
	fclose(file);
	end = strrchr(line, ')');
	return end && end[1] ? end[2] : '\0';
}

/* Running, waiting for its turn, or for the disk. */
static bool at_work(char state)
{
	return state == 'R' || state == 'D';
}

bool pty_busy(const struct pty *p)
{
	char folder[64];
	struct dirent *entry;
	bool busy = false;
	DIR *threads;

	snprintf(folder, sizeof folder, "/proc/%d/task", (int)p->program);
	if (!(threads = opendir(folder)))
		return false;
	while (!busy && (entry = readdir(threads)))
		busy = entry->d_name[0] != '.' && at_work(thread_state(folder, entry->d_name));
	closedir(threads);
	return busy;
}

static bool pen_is_plain(struct pty *p)
{
	VTermValue value;

	for (int attribute = VTERM_ATTR_BOLD; attribute <= VTERM_ATTR_STRIKE; attribute++) {
		vterm_state_get_penattr(p->pen, (VTermAttr)attribute, &value);
		if (attribute == VTERM_ATTR_UNDERLINE ? value.number : value.boolean)
			return false;
	}
	vterm_state_get_penattr(p->pen, VTERM_ATTR_FOREGROUND, &value);
	if (!VTERM_COLOR_IS_DEFAULT_FG(&value.color))
		return false;
	vterm_state_get_penattr(p->pen, VTERM_ATTR_BACKGROUND, &value);
	return VTERM_COLOR_IS_DEFAULT_BG(&value.color);
}

const char *pty_left_behind(struct pty *p)
{
	struct termios now;
	size_t n = 0;

	p->left[0] = '\0';
	if (tcgetattr(p->master, &now))
		n += (size_t)snprintf(p->left + n, sizeof p->left - n, "no line modes: %s; ", strerror(errno));
	else if (now.c_iflag != p->before.c_iflag || now.c_oflag != p->before.c_oflag || now.c_cflag != p->before.c_cflag ||
		 now.c_lflag != p->before.c_lflag || memcmp(now.c_cc, p->before.c_cc, sizeof now.c_cc))
		n += (size_t)snprintf(p->left + n, sizeof p->left - n, "line modes are %o %o %o %o, and were %o %o %o %o; ",
				      now.c_iflag, now.c_oflag, now.c_cflag, now.c_lflag, p->before.c_iflag, p->before.c_oflag,
				      p->before.c_cflag, p->before.c_lflag);
	if (p->modes.cursor_hidden)
		n += (size_t)snprintf(p->left + n, sizeof p->left - n, "the cursor is hidden; ");
	if (p->modes.keypad)
		n += (size_t)snprintf(p->left + n, sizeof p->left - n, "the keypad is in application mode; ");
	if (!pen_is_plain(p))
		n += (size_t)snprintf(p->left + n, sizeof p->left - n, "colours or attributes are on; ");
	for (int i = 0; i < p->modes.on_n && n + 40 < sizeof p->left; i++)
		n += (size_t)snprintf(p->left + n, sizeof p->left - n, "mode ?%d is on; ", p->modes.on[i]);
	return n ? p->left : NULL;
}
