/*
 * A load generator for one endpoint on this machine, over keep-alive connections.
 *
 *   load --port P --path /v1/chat/completions --connections 64 --seconds 5
 *        [--rate R] [--ramp-ms MS] [--drain-seconds S] [--stream] [--header 'Name: value']... [--body '{}']
 *
 * One thread, one epoll. Without --rate the loop is closed: each connection sends its next request when
 * its answer is complete. With --rate, requests fall due at a fixed pace in total and the latency counts
 * from when a request fell due, not from when a connection was free for it, so that a stall is seen by
 * every request it delayed. With --stream, answers are read as server-sent events and must end in
 * [DONE] or message_stop.
 *
 * When the time is over nothing new is sent, and what is under way may finish. Counts include those late
 * answers (so CPU time divides by them); rates count only the window of --seconds after the ramp.
 * One line of JSON is printed at the end.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS_MAX 16384
#define HEAD_MAX 65536
#define EVENT_MAX 262144
#define SAMPLES_MAX (32u << 20)
#define REVIVE_NS 10000000u     /* wait this long before a broken connection is tried again */
#define STAMP_DIGITS 16         /* the stub's " @<ns>" in each content event */

enum state { UNBORN, DEAD, CONNECTING, IDLE, BUSY };
enum part { HEAD, BY_LENGTH, CHUNK_SIZE, CHUNK_DATA, CHUNK_END, TRAILER, TO_EOF, COMPLETE };

struct text { char *at; size_t len, cap; };

struct conn {
    int fd;
    enum state state;
    enum part part;
    bool close_after, saw_body, saw_done, saw_error;
    int status;
    size_t sent;                /* bytes of the request that are out */
    uint64_t left;              /* bytes of the body or chunk still to come */
    uint64_t due_ns, revive_ns;
    struct text line;           /* the head, then chunk-size lines */
    struct text event;          /* an event whose end has not come yet, or the start of a refusal */
};

struct samples { uint32_t *us; size_t len, cap; };

static struct conn conns[CONNECTIONS_MAX];
static struct conn *idle[CONNECTIONS_MAX];
static int idle_len, started, busy, epoll_fd, timer_fd;
static struct text request;
static struct samples latency, first_byte, lag;
static uint64_t start_ns, window_ns, end_ns, next_due_ns, pace_ns, now;
static uint64_t count_sent, count_ok, count_non_2xx, count_errors, count_events;
static uint64_t count_window, count_events_window;   /* the part of them inside the window */

static int option_port, option_connections = 64;
static bool option_stream;
static double option_seconds = 5, option_rate, option_ramp_ms, option_drain = 5;
static const char *option_path = "/", *option_body;

static void die(const char *what)
{
    perror(what);
    exit(2);
}

static uint64_t clock_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static bool text_add(struct text *text, const char *bytes, size_t len, size_t max)
{
    if (text->len + len > max) return false;
    if (text->len + len > text->cap) {
        size_t cap = text->cap ? text->cap : 1024;
        while (cap < text->len + len) cap *= 2;
        text->at = realloc(text->at, cap);
        if (!text->at) die("realloc");
        text->cap = cap;
    }
    memcpy(text->at + text->len, bytes, len);
    text->len += len;
    return true;
}

static void sample(struct samples *s, uint64_t from_ns)
{
    if (s->len == s->cap) {
        if (s->cap >= SAMPLES_MAX) return;
        s->cap = s->cap ? s->cap * 2 : 65536;
        s->us = realloc(s->us, s->cap * sizeof *s->us);
        if (!s->us) die("realloc");
    }
    uint64_t us = now > from_ns ? (now - from_ns) / 1000 : 0;
    s->us[s->len++] = us > UINT32_MAX ? UINT32_MAX : (uint32_t)us;
}

static bool in_window(void)
{
    return now >= window_ns && now < end_ns;
}

/* The first trouble is told in full, the rest is only counted. */
static void complain(const char *what, const struct text *more)
{
    static bool told;
    if (told) return;
    told = true;
    fprintf(stderr, "load: %s %.*s\n", what, more ? (int)(more->len > 400 ? 400 : more->len) : 0,
            more && more->at ? more->at : "");
}

/* ---- connections ---- */

static void kill_conn(struct conn *c, const char *why)
{
    if (c->state == BUSY) busy--;
    if (why) {
        count_errors++;
        complain(why, NULL);
    }
    for (int i = 0; c->state == IDLE && i < idle_len; i++)
        if (idle[i] == c) idle[i] = idle[--idle_len];
    close(c->fd);
    c->state = DEAD;
    c->revive_ns = now + REVIVE_NS;
}

static void send_request(struct conn *c)
{
    while (c->sent < request.len) {
        ssize_t n = send(c->fd, request.at + c->sent, request.len - c->sent, MSG_NOSIGNAL);
        if (n < 0) {
            if (errno == EAGAIN || errno == EINTR) return;   /* the rest follows on EPOLLOUT */
            kill_conn(c, "the connection broke while sending");
            return;
        }
        c->sent += (size_t)n;
    }
}

static void begin(struct conn *c, uint64_t due_ns)
{
    c->state = BUSY;
    c->part = HEAD;
    c->close_after = c->saw_body = c->saw_done = c->saw_error = false;
    c->sent = 0;
    c->line.len = c->event.len = 0;
    c->due_ns = due_ns;
    busy++;
    count_sent++;
    send_request(c);
}

/* Put idle connections to work: those due by the pace, or all of them in a closed loop. */
static void dispatch(void)
{
    while (idle_len && now < end_ns && (!pace_ns || next_due_ns <= now)) {
        struct conn *c = idle[--idle_len];
        begin(c, pace_ns ? next_due_ns : now);
        next_due_ns += pace_ns;
    }
}

static void rest(struct conn *c)
{
    c->state = IDLE;
    idle[idle_len++] = c;
}

static void connect_conn(struct conn *c)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)option_port) };
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0) die("socket");
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    c->state = CONNECTING;
    if (connect(c->fd, (struct sockaddr *)&at, sizeof at) < 0 && errno != EINPROGRESS) {
        kill_conn(c, "cannot connect");
        return;
    }
    struct epoll_event e = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = c };
    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, c->fd, &e) < 0) die("epoll_ctl");
}

/* ---- answers ---- */

static void complete(struct conn *c)
{
    bool ok = c->status >= 200 && c->status < 300;
    c->part = COMPLETE;
    busy--;
    if (!ok) {
        char what[64];
        snprintf(what, sizeof what, "answered with status %d:", c->status);
        count_non_2xx++;
        complain(what, &c->event);
    } else if (option_stream && (!c->saw_done || c->saw_error)) {
        count_errors++;
        complain(c->saw_error ? "a stream carried an error" : "a stream ended without [DONE]", NULL);
    } else {
        count_ok++;
    }
    if (in_window()) count_window++;
    sample(&latency, c->due_ns);
    c->state = CONNECTING;      /* neither busy nor idle for the moment */
    if (c->close_after) kill_conn(c, NULL);
    else rest(c);
}

static void read_event(struct conn *c, const char *event, size_t len)
{
    if (*event == ':') return;  /* a comment keeps the connection warm and is no event */
    count_events++;
    if (in_window()) count_events_window++;
    if (len >= 12 && !memcmp(event, "data: [DONE]", 12)) c->saw_done = true;
    if (len >= 19 && !memcmp(event, "event: message_stop", 19)) c->saw_done = true;
    if (len >= 12 && !memcmp(event, "event: error", 12)) c->saw_error = true;
    if (len >= 15 && !memcmp(event, "data: {\"error\":", 15)) c->saw_error = true;
    const char *at = memmem(event, len, " @", 2);
    if (!at || (size_t)(event + len - at) < 2 + STAMP_DIGITS) return;
    uint64_t stamp = 0;
    for (int i = 0; i < STAMP_DIGITS; i++) {
        if (!isdigit((unsigned char)at[2 + i])) return;
        stamp = stamp * 10 + (uint64_t)(at[2 + i] - '0');
    }
    if (stamp) sample(&lag, stamp);
}

/* False when the answer is one we cannot hold. */
static bool read_body(struct conn *c, const char *bytes, size_t len)
{
    if (!c->saw_body && len) {
        c->saw_body = true;
        sample(&first_byte, c->due_ns);
    }
    bool ok = c->status >= 200 && c->status < 300;
    if (!ok) {
        text_add(&c->event, bytes, len < 400 ? len : 400, 800);
        return true;
    }
    if (!option_stream) return true;
    if (!text_add(&c->event, bytes, len, EVENT_MAX)) return false;
    char *at = c->event.at, *end = at + c->event.len, *stop;
    while ((stop = memmem(at, (size_t)(end - at), "\n\n", 2))) {
        read_event(c, at, (size_t)(stop - at));
        at = stop + 2;
    }
    c->event.len = (size_t)(end - at);
    memmove(c->event.at, at, c->event.len);
    return true;
}

static bool read_head(struct conn *c)
{
    char *at = c->line.at, *end = at + c->line.len;
    if (c->line.len < 14 || memcmp(at, "HTTP/1.", 7)) return false;
    c->status = atoi(at + 9);
    c->part = TO_EOF;
    for (char *line = memmem(at, c->line.len, "\r\n", 2); line && end - line > 2;) {
        line += 2;
        if (!strncasecmp(line, "content-length:", 15) && c->part == TO_EOF) {
            c->left = strtoull(line + 15, NULL, 10);
            c->part = BY_LENGTH;
        } else if (!strncasecmp(line, "transfer-encoding: chunked", 26)) {
            c->part = CHUNK_SIZE;
        } else if (!strncasecmp(line, "connection: close", 17)) {
            c->close_after = true;
        }
        line = memmem(line, (size_t)(end - line), "\r\n", 2);
    }
    if (c->status == 100) c->part = HEAD;
    if (c->part == TO_EOF) c->close_after = true;
    c->line.len = 0;
    return true;
}

/* Collect up to and with `mark`. Returns the bytes used; *found says whether the mark has come. */
static size_t take_until(struct conn *c, const char *bytes, size_t len, const char *mark, bool *found)
{
    size_t mark_len = strlen(mark), before = c->line.len;
    size_t overlap = before < mark_len - 1 ? before : mark_len - 1;
    *found = false;
    if (len > 4096) len = 4096; /* most of what has come may be body: the caller comes back for it */
    if (!text_add(&c->line, bytes, len, HEAD_MAX)) return 0;
    char *from = c->line.at + before - overlap;
    char *at = memmem(from, c->line.len - (before - overlap), mark, mark_len);
    if (!at) return len;
    *found = true;
    c->line.len = (size_t)(at - c->line.at) + mark_len;
    return c->line.len - before;
}

/* Read part of an answer. Returns the bytes used, 0 when they make no sense. */
static size_t read_part(struct conn *c, const char *bytes, size_t len)
{
    bool found = false;
    size_t used;
    switch (c->part) {
    case HEAD:
        used = take_until(c, bytes, len, "\r\n\r\n", &found);
        if (found && !read_head(c)) return 0;
        if (found && c->part == BY_LENGTH && !c->left) complete(c);
        return used;
    case BY_LENGTH:
    case CHUNK_DATA:
        used = len < c->left ? len : (size_t)c->left;
        if (!read_body(c, bytes, used)) return 0;
        c->left -= used;
        if (c->left) return used;
        if (c->part == BY_LENGTH) complete(c);
        else c->part = CHUNK_END;
        return used;
    case CHUNK_SIZE:
        used = take_until(c, bytes, len, "\r\n", &found);
        if (!found) return used;
        if (!isxdigit((unsigned char)c->line.at[0])) return 0;
        c->left = strtoull(c->line.at, NULL, 16);
        c->part = c->left ? CHUNK_DATA : TRAILER;
        c->line.len = 0;
        return used;
    case CHUNK_END:
        used = take_until(c, bytes, len, "\r\n", &found);
        if (!found) return used;
        if (c->line.len != 2) return 0;
        c->line.len = 0;
        c->part = CHUNK_SIZE;
        return used;
    case TRAILER:               /* lines until an empty one */
        used = take_until(c, bytes, len, "\r\n", &found);
        if (!found) return used;
        bool empty = c->line.len == 2;
        c->line.len = 0;
        if (empty) complete(c);
        return used;
    case TO_EOF:
        return read_body(c, bytes, len) ? len : 0;
    case COMPLETE:
        break;
    }
    return 0;
}

static void receive(struct conn *c)
{
    static char buffer[262144];
    ssize_t n;
    do {
        n = recv(c->fd, buffer, sizeof buffer, 0);
        if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
        if (n <= 0) {
            if (c->state == BUSY && c->part == TO_EOF && n == 0) complete(c);
            else if (c->state == BUSY) kill_conn(c, "the connection closed before the answer was complete");
            else kill_conn(c, NULL);
            return;
        }
        for (size_t at = 0; at < (size_t)n;) {
            size_t used = c->state == BUSY ? read_part(c, buffer + at, (size_t)n - at) : 0;
            if (c->state == DEAD) return;
            if (!used) {
                kill_conn(c, "bytes that are no part of an answer");
                return;
            }
            at += used;
        }
    } while ((size_t)n == sizeof buffer);   /* a short read has emptied the socket */
}

static void on_event(const struct epoll_event *e)
{
    struct conn *c = e->data.ptr;
    if (c->state == CONNECTING && (e->events & EPOLLOUT) && !(e->events & EPOLLERR)) rest(c);
    else if (c->state == CONNECTING) kill_conn(c, "cannot connect");
    else if (c->state == BUSY && (e->events & EPOLLOUT) && c->sent < request.len) send_request(c);
    if (c->state == BUSY || c->state == IDLE)
        if (e->events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) receive(c);
}

/* ---- the loop ---- */

/* Starts are spread over the ramp with jitter, so that paced streams do not beat in step. */
static uint64_t start_of(int i)
{
    uint32_t random = (uint32_t)(i + 1) * 2654435761u;
    double spread = option_ramp_ms * 1e6 / option_connections;
    return start_ns + (uint64_t)(spread * (i + random / 4294967296.0));
}

static void start_and_revive(void)
{
    while (started < option_connections && start_of(started) <= now) connect_conn(&conns[started++]);
    for (int i = 0; now < end_ns && i < started; i++)
        if (conns[i].state == DEAD && conns[i].revive_ns <= now) connect_conn(&conns[i]);
}

static void arm(void)
{
    static uint64_t armed_ns;
    uint64_t due = pace_ns && idle_len ? next_due_ns : UINT64_MAX;
    if (started < option_connections && start_of(started) < due) due = start_of(started);
    if (due == UINT64_MAX || due == armed_ns) return;
    struct itimerspec when = { .it_value = { (time_t)(due / 1000000000u), (long)(due % 1000000000u) } };
    if (timerfd_settime(timer_fd, TFD_TIMER_ABSTIME, &when, NULL) < 0) die("timerfd_settime");
    armed_ns = due;
}

static void loop(void)
{
    struct epoll_event events[256];
    uint64_t last_ns = end_ns + (uint64_t)(option_drain * 1e9), sweep_ns = 0;
    while (now < end_ns || (busy && now < last_ns)) {
        int n = epoll_wait(epoll_fd, events, 256, 10);
        if (n < 0 && errno != EINTR) die("epoll_wait");
        now = clock_ns();
        for (int i = 0; i < n; i++) {
            if (!events[i].data.ptr) continue;   /* the timer, which only has to wake us */
            now = clock_ns();
            on_event(&events[i]);
            dispatch();
        }
        if (started < option_connections || now >= sweep_ns) {
            start_and_revive();
            sweep_ns = now + REVIVE_NS;
        }
        dispatch();
        arm();
    }
    for (int i = 0; i < started; i++)
        if (conns[i].state == BUSY) kill_conn(&conns[i], "an answer was not complete when the time was over");
}

/* ---- the report ---- */

static int ascending(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void print_samples(const char *name, struct samples *s)
{
    if (!s->len) return;
    qsort(s->us, s->len, sizeof *s->us, ascending);
    printf(", \"%s_p50_us\": %u, \"%s_p90_us\": %u, \"%s_p99_us\": %u, \"%s_max_us\": %u",
           name, s->us[(s->len - 1) * 50 / 100], name, s->us[(s->len - 1) * 90 / 100],
           name, s->us[(s->len - 1) * 99 / 100], name, s->us[s->len - 1]);
}

static void report(void)
{
    uint64_t requests = count_ok + count_non_2xx + count_errors;
    printf("{\"requests\": %lu, \"ok\": %lu, \"non_2xx\": %lu, \"errors\": %lu", (unsigned long)requests,
           (unsigned long)count_ok, (unsigned long)count_non_2xx, (unsigned long)count_errors);
    printf(", \"seconds\": %.3f, \"rps\": %.1f", option_seconds, (double)count_window / option_seconds);
    if (pace_ns) {
        uint64_t due = (end_ns - start_ns) / pace_ns;
        printf(", \"unsent\": %lu", (unsigned long)(due > count_sent ? due - count_sent : 0));
    }
    print_samples("latency", &latency);
    print_samples("first_byte", &first_byte);
    if (option_stream) {
        printf(", \"events\": %lu, \"events_per_second\": %.1f", (unsigned long)count_events,
               (double)count_events_window / option_seconds);
        print_samples("lag", &lag);
    }
    puts("}");
}

/* ---- the start ---- */

static void add_line(struct text *text, const char *line)
{
    text_add(text, line, strlen(line), 1u << 24);
    text_add(text, "\r\n", 2, 1u << 24);
}

static void usage(void)
{
    fputs("usage: load --port P [--path /] [--connections 64] [--seconds 5] [--rate R] [--ramp-ms MS]\n"
          "            [--drain-seconds 5] [--stream] [--header 'Name: value']... [--body TEXT]\n", stderr);
    exit(2);
}

static void read_options(int argc, char **argv, struct text *headers)
{
    static const struct option options[] = {
        { "port", required_argument, NULL, 'p' },        { "path", required_argument, NULL, 'u' },
        { "connections", required_argument, NULL, 'c' }, { "seconds", required_argument, NULL, 's' },
        { "rate", required_argument, NULL, 'r' },        { "ramp-ms", required_argument, NULL, 'm' },
        { "drain-seconds", required_argument, NULL, 'd' }, { "stream", no_argument, NULL, 't' },
        { "header", required_argument, NULL, 'h' },      { "body", required_argument, NULL, 'b' },
        { 0 },
    };
    for (int o; (o = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (o) {
        case 'p': option_port = atoi(optarg); break;
        case 'u': option_path = optarg; break;
        case 'c': option_connections = atoi(optarg); break;
        case 's': option_seconds = atof(optarg); break;
        case 'r': option_rate = atof(optarg); break;
        case 'm': option_ramp_ms = atof(optarg); break;
        case 'd': option_drain = atof(optarg); break;
        case 't': option_stream = true; break;
        case 'h': add_line(headers, optarg); break;
        case 'b': option_body = optarg; break;
        default: usage();
        }
    }
    if (optind != argc || option_port < 1 || option_port > 65535 || option_seconds <= 0) usage();
    if (option_connections < 1 || option_connections > CONNECTIONS_MAX) usage();
    if (option_rate < 0 || option_rate > 1e6 || option_ramp_ms < 0 || option_drain < 0) usage();
}

static void write_request(const struct text *headers)
{
    char line[128];
    text_add(&request, option_body ? "POST " : "GET ", option_body ? 5 : 4, 1u << 24);
    text_add(&request, option_path, strlen(option_path), 1u << 24);
    add_line(&request, " HTTP/1.1");
    snprintf(line, sizeof line, "host: 127.0.0.1:%d", option_port);
    add_line(&request, line);
    if (option_body) {
        add_line(&request, "content-type: application/json");
        snprintf(line, sizeof line, "content-length: %zu", strlen(option_body));
        add_line(&request, line);
    }
    if (headers->len) text_add(&request, headers->at, headers->len, 1u << 24);
    add_line(&request, "");
    if (option_body) text_add(&request, option_body, strlen(option_body), 1u << 24);
}

int main(int argc, char **argv)
{
    struct text headers = {0};
    prctl(PR_SET_PDEATHSIG, SIGTERM);   /* never outlive the benchmark that started us */
    read_options(argc, argv, &headers);
    write_request(&headers);
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    struct epoll_event e = { .events = EPOLLIN | EPOLLET, .data.ptr = NULL };
    if (epoll_fd < 0 || timer_fd < 0 || epoll_ctl(epoll_fd, EPOLL_CTL_ADD, timer_fd, &e) < 0) die("epoll");
    now = start_ns = next_due_ns = clock_ns();
    window_ns = start_ns + (uint64_t)(option_ramp_ms * 1e6);
    end_ns = window_ns + (uint64_t)(option_seconds * 1e9);
    pace_ns = option_rate > 0 ? (uint64_t)(1e9 / option_rate) : 0;
    start_and_revive();
    loop();
    report();
    return 0;
}
