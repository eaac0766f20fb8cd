/* see progress.h */
#define _POSIX_C_SOURCE 200809L
#define _DEFAULT_SOURCE /* setitimer */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "progress.h"

#define LINE 120

/* Written by the timer's handler, so async-signal-safe means only. */
static volatile sig_atomic_t percent = -1, shown, seconds, running;
static char line[LINE];
static volatile sig_atomic_t line_length;

static size_t put_number(char *to, int value)
{
    char digits[12];
    size_t n = 0, i = 0;
    do
        digits[n++] = (char)('0' + value % 10);
    while ((value /= 10) > 0);
    while (n)
        to[i++] = digits[--n];
    return i;
}

static void tick(int signal_number)
{
    char text[LINE + 40];
    size_t n = (size_t)line_length;
    int kept = errno;
    (void)signal_number;
    seconds++;
    memcpy(text, line, n);
    if (percent >= 0) {
        n += put_number(text + n, percent);
        memcpy(text + n, " %", 2);
    } else {
        n += put_number(text + n, seconds);
        memcpy(text + n, " s", 2);
    }
    n += 2;
    if (write(STDERR_FILENO, text, n) > 0)
        shown = 1;
    errno = kept;
}

static void set_timer(time_t interval)
{
    struct itimerval timer = {{interval, 0}, {interval, 0}};
    setitimer(ITIMER_REAL, &timer, NULL);
}

void progress_begin(const char *what)
{
    struct sigaction action = {.sa_handler = tick, .sa_flags = SA_RESTART};
    if (!isatty(STDERR_FILENO))
        return;
    size_t n = strlen(what);
    if (n > LINE - 16)
        n = LINE - 16;
    memcpy(line, "\rmlinfer: ", 10);
    memcpy(line + 10, what, n);
    memcpy(line + 10 + n, ": ", 2);
    line_length = (sig_atomic_t)(n + 12);
    percent = -1;
    seconds = 0;
    running = 1;
    sigemptyset(&action.sa_mask);
    sigaction(SIGALRM, &action, NULL);
    set_timer(1);
}

void progress_set(uint64_t done, uint64_t total)
{
    if (running && total)
        percent = (sig_atomic_t)(100.0 * (double)done / (double)total);
}

void progress_clear(void)
{
    static const char wipe[] = "\r\033[K";
    if (!shown)
        return;
    shown = 0;
    if (write(STDERR_FILENO, wipe, sizeof wipe - 1) < 0)
        return; /* no terminal any more: nothing to wipe */
}

void progress_end(void)
{
    if (!running)
        return;
    running = 0;
    set_timer(0);
    progress_clear();
}
