/*
 * A stand-in for an OpenAI-compatible provider, made to cost as little as possible, so that a
 * measurement of a gateway in front of it is a measurement of the gateway.
 *
 *   stub [--port P] [--events 200] [--rate 200] [--delay-ms 0]
 *
 * One thread, one epoll. Any POST whose body holds "stream": true is answered with --events content
 * events, --rate of them a second (0: all in one write), then a usage chunk and [DONE]. Any other POST
 * is answered with one chat.completion after --delay-ms. A GET is answered with a list of one model.
 * The port in use is printed on the first line of standard output; the counts follow on SIGTERM.
 *
 * House rules: a connection is freed in one place (drop); every fd is edge-triggered and registered
 * once, so no request pays for an epoll_ctl; timers of one kind share one interval, so a sorted list
 * whose inserts go to the tail is all the timer wheel there is.
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

#define IN_MAX (16u << 20)   /* the largest request we hold */
#define OUT_MAX (8u << 20)   /* a reader this far behind is dropped */
#define STAMP_DIGITS 16      /* CLOCK_MONOTONIC in ns, zero padded: 115 days of uptime */

enum state { READING, DELAYED, STREAMING };

struct conn {
    int fd;
    enum state state;
    bool close_after;          /* the caller said connection: close */
    int events_left;
    uint64_t due_ns;
    struct conn *prev, *next;  /* neighbours in a timer list while not READING */
    char *in, *out;
    size_t in_len, in_cap, out_off, out_len, out_cap;
};

struct timers { struct conn *head, *tail; };

static struct timers delayed, streaming;
static int epoll_fd, listen_fd, timer_fd;
static uint64_t armed_ns;
static int option_port, option_events = 200;
static double option_rate = 200.0, option_delay_ms;
static uint64_t interval_ns, delay_ns;
static uint64_t count_whole, count_streams, count_done, count_hangups;
static volatile sig_atomic_t stopping;

/* ---- the answers, written once at start ---- */

#define CHUNK_HEAD "{\"id\":\"chatcmpl-bench\",\"object\":\"chat.completion.chunk\",\"created\":1700000000," \
    "\"model\":\"bench\",\"service_tier\":\"default\",\"system_fingerprint\":\"fp_bench\",\"choices\":["
#define USAGE "{\"prompt_tokens\":10,\"completion_tokens\":20,\"total_tokens\":30," \
    "\"prompt_tokens_details\":{\"cached_tokens\":0,\"audio_tokens\":0}," \
    "\"completion_tokens_details\":{\"reasoning_tokens\":0,\"audio_tokens\":0}}"

static const char whole_body[] =
    "{\"id\":\"chatcmpl-bench\",\"object\":\"chat.completion\",\"created\":1700000000,\"model\":\"bench\","
    "\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"This is the answer of a "
    "provider that always says the same thing, in about twenty tokens.\",\"refusal\":null,"
    "\"annotations\":[]},\"logprobs\":null,\"finish_reason\":\"stop\"}],\"usage\":" USAGE ","
    "\"service_tier\":\"default\",\"system_fingerprint\":\"fp_bench\"}";
static const char models_body[] =
    "{\"object\":\"list\",\"data\":[{\"id\":\"bench\",\"object\":\"model\",\"created\":1700000000,"
    "\"owned_by\":\"bench\"}]}";
static const char stream_head[] =
    "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ncache-control: no-cache\r\n"
    "transfer-encoding: chunked\r\n\r\n";
static const char role_data[] =
    CHUNK_HEAD "{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\",\"refusal\":null},"
    "\"logprobs\":null,\"finish_reason\":null}],\"usage\":null}";
static const char content_data[] =
    CHUNK_HEAD "{\"index\":0,\"delta\":{\"content\":\" @0000000000000000\"},"
    "\"logprobs\":null,\"finish_reason\":null}],\"usage\":null}";
static const char finish_data[] =
    CHUNK_HEAD "{\"index\":0,\"delta\":{},\"logprobs\":null,\"finish_reason\":\"stop\"}],\"usage\":null}";
static const char usage_data[] = CHUNK_HEAD "],\"usage\":" USAGE "}";
static const char bad_request[] =
    "HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

struct blob { char *at; size_t len; };

static struct blob whole, models, opening, content, ending, burst;
static size_t stamp_at;        /* where the digits lie inside content */

static void die(const char *what)
{
    perror(what);
    exit(2);
}

static void blob_add(struct blob *blob, const char *bytes, size_t len)
{
    blob->at = realloc(blob->at, blob->len + len);
    if (!blob->at) die("realloc");
    memcpy(blob->at + blob->len, bytes, len);
    blob->len += len;
}

/* One SSE event as one HTTP chunk, as providers send them. */
static void blob_add_event(struct blob *blob, const char *data)
{
    char size[32];
    int n = snprintf(size, sizeof size, "%zx\r\ndata: ", strlen(data) + 8);
    blob_add(blob, size, (size_t)n);
    blob_add(blob, data, strlen(data));
    blob_add(blob, "\n\n\r\n", 4);
}

static void blob_add_answer(struct blob *blob, const char *body)
{
    char head[128];
    int n = snprintf(head, sizeof head,
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %zu\r\n\r\n", strlen(body));
    blob_add(blob, head, (size_t)n);
    blob_add(blob, body, strlen(body));
}

static void write_answers(void)
{
    blob_add_answer(&whole, whole_body);
    blob_add_answer(&models, models_body);
    blob_add(&opening, stream_head, sizeof stream_head - 1);
    blob_add_event(&opening, role_data);
    blob_add_event(&content, content_data);
    stamp_at = (size_t)((char *)memchr(content.at, '@', content.len) - content.at) + 1;
    blob_add_event(&ending, finish_data);
    blob_add_event(&ending, usage_data);
    blob_add_event(&ending, "[DONE]");
    blob_add(&ending, "0\r\n\r\n", 5);
    blob_add(&burst, opening.at, opening.len);
    for (int i = 0; i < option_events; i++) blob_add(&burst, content.at, content.len);
    blob_add(&burst, ending.at, ending.len);
}

/* ---- time ---- */

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* Sorted by due time. A new timer is nearly always the last, so the walk is from the tail. */
static void timers_add(struct timers *list, struct conn *c)
{
    struct conn *before = list->tail;
    while (before && before->due_ns > c->due_ns) before = before->prev;
    c->prev = before;
    c->next = before ? before->next : list->head;
    if (c->next) c->next->prev = c; else list->tail = c;
    if (before) before->next = c; else list->head = c;
}

static void timers_remove(struct timers *list, struct conn *c)
{
    if (c->prev) c->prev->next = c->next; else list->head = c->next;
    if (c->next) c->next->prev = c->prev; else list->tail = c->prev;
    c->prev = c->next = NULL;
}

static void arm(void)
{
    uint64_t due = delayed.head ? delayed.head->due_ns : 0;
    if (streaming.head && (!due || streaming.head->due_ns < due)) due = streaming.head->due_ns;
    if (!due || due == armed_ns) return;
    struct itimerspec when = {0};
    when.it_value.tv_sec = (time_t)(due / 1000000000u);
    when.it_value.tv_nsec = (long)(due % 1000000000u);
    if (timerfd_settime(timer_fd, TFD_TIMER_ABSTIME, &when, NULL) < 0) die("timerfd_settime");
    armed_ns = due;
}

/* ---- connections ---- */

static void drop(struct conn *c)
{
    if (c->state != READING || c->out_len) count_hangups++;
    if (c->state == DELAYED) timers_remove(&delayed, c);
    if (c->state == STREAMING) timers_remove(&streaming, c);
    close(c->fd);              /* which also leaves the epoll set */
    free(c->in);
    free(c->out);
    free(c);
}

static bool reserve(char **buffer, size_t *cap, size_t need, size_t max)
{
    if (need <= *cap) return true;
    if (need > max) return false;
    size_t grown = *cap ? *cap : 4096;
    while (grown < need) grown *= 2;
    char *at = realloc(*buffer, grown);
    if (!at) return false;
    *buffer = at;
    *cap = grown;
    return true;
}

/* Send now what the socket takes and keep the rest for EPOLLOUT. False when the caller is gone. */
static bool say(struct conn *c, const char *bytes, size_t len)
{
    if (!c->out_len) {
        ssize_t n = send(c->fd, bytes, len, MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN && errno != EINTR) return false;
        if (n > 0) {
            bytes += n;
            len -= (size_t)n;
        }
        if (!len) return true;
    }
    if (!reserve(&c->out, &c->out_cap, c->out_off + c->out_len + len, OUT_MAX)) return false;
    memcpy(c->out + c->out_off + c->out_len, bytes, len);
    c->out_len += len;
    return true;
}

static bool flush(struct conn *c)
{
    while (c->out_len) {
        ssize_t n = send(c->fd, c->out + c->out_off, c->out_len, MSG_NOSIGNAL);
        if (n < 0) return errno == EAGAIN || errno == EINTR;
        c->out_off += (size_t)n;
        c->out_len -= (size_t)n;
    }
    c->out_off = 0;
    return true;
}

/* ---- requests ---- */

struct request { bool get, stream, close; size_t len; };

static bool wants_stream(const char *body, size_t len)
{
    const char *end = body + len, *at = body;
    while ((at = memmem(at, (size_t)(end - at), "\"stream\"", 8))) {
        at += 8;
        while (at < end && (*at == ' ' || *at == ':')) at++;
        if (end - at >= 4 && !memcmp(at, "true", 4)) return true;
    }
    return false;
}

/*
 * Unfold a chunked body in place. Returns the length of the encoded form, 0 while it is incomplete,
 * -1 when it is no chunked body. An incomplete body is left untouched, to be read again from its start.
 */
static ssize_t unchunk(char *body, size_t len, size_t *decoded)
{
    for (int pass = 0; pass < 2; pass++) {   /* first see that all of it is here, then move bytes */
        size_t at = 0;
        *decoded = 0;
        for (;;) {
            char *line_end = memmem(body + at, len - at, "\r\n", 2);
            if (!line_end) return 0;
            if (!isxdigit((unsigned char)body[at])) return -1;
            size_t size = strtoul(body + at, NULL, 16);
            if (size > IN_MAX) return -1;
            at = (size_t)(line_end - body) + 2;
            if (len - at < size + 2) return 0;
            if (pass) memmove(body + *decoded, body + at, size);
            *decoded += size;
            at += size + 2;
            if (size) continue;
            if (pass) return (ssize_t)at;
            break;
        }
    }
    return -1;
}

/* 1: a whole request is here; 0: more is to come; -1: this is no request. */
static int parse(struct conn *c, struct request *r)
{
    char *head_end = memmem(c->in, c->in_len, "\r\n\r\n", 4);
    if (!head_end) return c->in_len > 65536 ? -1 : 0;
    size_t head = (size_t)(head_end - c->in) + 4, body_len = 0, decoded;
    bool chunked = false;
    *r = (struct request){ .get = c->in[0] == 'G' };
    char *line = memmem(c->in, head, "\r\n", 2);
    for (; line < head_end; line = memmem(line, (size_t)(head_end + 2 - line), "\r\n", 2)) {
        line += 2;
        /* The first letters decide for nearly every header, so the comparisons are rare. */
        if ((*line | 32) == 'c') {
            if (!strncasecmp(line, "content-length:", 15)) body_len = strtoul(line + 15, NULL, 10);
            else if (!strncasecmp(line, "connection: close", 17)) r->close = true;
        } else if ((*line | 32) == 't') {
            if (!strncasecmp(line, "transfer-encoding: chunked", 26)) chunked = true;
        } else if ((*line | 32) == 'e') {
            if (!strncasecmp(line, "expect: 100-continue", 20) && c->in_len == head)
                if (!say(c, "HTTP/1.1 100 Continue\r\n\r\n", 25)) return -1;
        }
    }
    if (chunked) {
        ssize_t encoded = unchunk(c->in + head, c->in_len - head, &decoded);
        if (encoded <= 0) return (int)encoded;
        r->len = head + (size_t)encoded;
    } else {
        if (body_len > IN_MAX) return -1;
        r->len = head + body_len;
        decoded = body_len;
        if (c->in_len < r->len) return 0;
    }
    r->stream = wants_stream(c->in + head, decoded);
    return 1;
}

static bool begin_stream(struct conn *c)
{
    count_streams++;
    if (!interval_ns || !option_events) {
        count_done++;
        return say(c, burst.at, burst.len);
    }
    c->state = STREAMING;
    c->events_left = option_events;
    c->due_ns = now_ns() + interval_ns;
    timers_add(&streaming, c);
    return say(c, opening.at, opening.len);
}

static bool begin_whole(struct conn *c)
{
    if (!delay_ns) {
        count_whole++;
        return say(c, whole.at, whole.len);
    }
    c->state = DELAYED;
    c->due_ns = now_ns() + delay_ns;
    timers_add(&delayed, c);
    return true;
}

/* Answer every whole request in the buffer. False when the connection is to be dropped. */
static bool serve(struct conn *c)
{
    while (c->state == READING && c->in_len) {
        if (c->close_after) return c->out_len > 0;
        struct request r;
        int found = parse(c, &r);
        if (found < 0) {
            say(c, bad_request, sizeof bad_request - 1);
            return false;
        }
        if (!found) break;
        c->close_after = r.close;
        c->in_len -= r.len;
        if (c->in_len) memmove(c->in, c->in + r.len, c->in_len);
        bool alive = r.get ? say(c, models.at, models.len) : r.stream ? begin_stream(c) : begin_whole(c);
        if (!alive) return false;
    }
    return !(c->close_after && c->state == READING && !c->out_len);
}

static bool receive(struct conn *c)
{
    for (;;) {
        if (!reserve(&c->in, &c->in_cap, c->in_len + 2048, IN_MAX)) return false;
        size_t room = c->in_cap - c->in_len;
        ssize_t n = recv(c->fd, c->in + c->in_len, room, 0);
        if (n == 0) return false;
        if (n < 0) return errno == EAGAIN || errno == EINTR;
        c->in_len += (size_t)n;
        if ((size_t)n < room) return true;   /* a short read has emptied the socket: spare the EAGAIN */
    }
}

static void run_delayed(uint64_t now)
{
    while (delayed.head && delayed.head->due_ns <= now) {
        struct conn *c = delayed.head;
        timers_remove(&delayed, c);
        c->state = READING;
        count_whole++;
        if (!say(c, whole.at, whole.len) || !serve(c)) drop(c);
    }
}

/* One content event, stamped with the time so that the reader can tell how long it was under way. */
static bool say_event(struct conn *c)
{
    uint64_t stamp = now_ns();
    char *digits = content.at + stamp_at;
    for (int i = STAMP_DIGITS - 1; i >= 0; i--, stamp /= 10) digits[i] = (char)('0' + stamp % 10);
    return say(c, content.at, content.len);
}

static void run_streaming(uint64_t now)
{
    while (streaming.head && streaming.head->due_ns <= now) {
        struct conn *c = streaming.head;
        bool alive = say_event(c);
        if (alive && --c->events_left) {
            timers_remove(&streaming, c);
            c->due_ns += interval_ns;
            timers_add(&streaming, c);
            continue;
        }
        if (alive) {
            timers_remove(&streaming, c);
            c->state = READING;
            count_done++;
            alive = say(c, ending.at, ending.len) && serve(c);
        }
        if (!alive) drop(c);
    }
}

/* ---- the loop ---- */

static void watch(int fd, uint32_t events, void *ptr)
{
    struct epoll_event e = { .events = events, .data.ptr = ptr };
    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &e) < 0) die("epoll_ctl");
}

static void accept_all(void)
{
    for (;;) {
        int fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            if (errno == EAGAIN || errno == EMFILE || errno == ENFILE) return;
            if (errno == EINTR || errno == ECONNABORTED) continue;
            die("accept4");
        }
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
        struct conn *c = calloc(1, sizeof *c);
        if (!c) die("calloc");
        c->fd = fd;
        watch(fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, c);
    }
}

static void listen_on_loopback(void)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)option_port) };
    socklen_t len = sizeof at;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (listen_fd < 0) die("socket");
    setsockopt(listen_fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    if (bind(listen_fd, (struct sockaddr *)&at, sizeof at) < 0) die("bind");
    if (listen(listen_fd, 1024) < 0) die("listen");
    if (getsockname(listen_fd, (struct sockaddr *)&at, &len) < 0) die("getsockname");
    printf("{\"port\": %d}\n", ntohs(at.sin_port));
    fflush(stdout);
}

static void on_event(const struct epoll_event *e)
{
    struct conn *c = e->data.ptr;
    bool alive = !(e->events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR));
    if (alive && (e->events & EPOLLOUT) && c->out_len) alive = flush(c);
    if (alive && (e->events & EPOLLIN)) alive = receive(c);
    if (alive) alive = serve(c);
    if (!alive) drop(c);
}

static void loop(void)
{
    struct epoll_event events[256];
    while (!stopping) {
        int n = epoll_wait(epoll_fd, events, 256, 500);
        if (n < 0 && errno != EINTR) die("epoll_wait");
        for (int i = 0; i < n; i++) {
            if (events[i].data.ptr == &listen_fd) accept_all();
            else if (events[i].data.ptr == &timer_fd) armed_ns = 0;   /* it fired: arm anew below */
            else on_event(&events[i]);
        }
        /* Timers run after the events: none of the events above can then point at a dropped connection. */
        if (delayed.head || streaming.head) {
            uint64_t now = now_ns();
            run_delayed(now);
            run_streaming(now);
            arm();
        }
    }
}

static void on_signal(int number)
{
    (void)number;
    stopping = 1;
}

static void usage(void)
{
    fputs("usage: stub [--port P] [--events N] [--rate EVENTS_PER_SECOND] [--delay-ms MS]\n", stderr);
    exit(2);
}

static void read_options(int argc, char **argv)
{
    static const struct option options[] = {
        { "port", required_argument, NULL, 'p' }, { "events", required_argument, NULL, 'e' },
        { "rate", required_argument, NULL, 'r' }, { "delay-ms", required_argument, NULL, 'd' }, { 0 },
    };
    for (int o; (o = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (o == 'p') option_port = atoi(optarg);
        else if (o == 'e') option_events = atoi(optarg);
        else if (o == 'r') option_rate = atof(optarg);
        else if (o == 'd') option_delay_ms = atof(optarg);
        else usage();
    }
    if (optind != argc || option_port < 0 || option_port > 65535) usage();
    if (option_events < 0 || option_events > 100000 || option_rate < 0 || option_delay_ms < 0) usage();
    interval_ns = option_rate > 0 ? (uint64_t)(1e9 / option_rate) : 0;
    delay_ns = (uint64_t)(option_delay_ms * 1e6);
}

int main(int argc, char **argv)
{
    prctl(PR_SET_PDEATHSIG, SIGTERM);   /* never outlive the benchmark that started us */
    struct sigaction stop = { .sa_handler = on_signal };
    sigaction(SIGTERM, &stop, NULL);
    sigaction(SIGINT, &stop, NULL);
    read_options(argc, argv);
    write_answers();
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (epoll_fd < 0 || timer_fd < 0) die("epoll or timerfd");
    listen_on_loopback();
    watch(listen_fd, EPOLLIN, &listen_fd);
    watch(timer_fd, EPOLLIN | EPOLLET, &timer_fd);
    loop();
    printf("{\"whole\": %lu, \"streams\": %lu, \"streams_done\": %lu, \"hangups\": %lu}\n",
           (unsigned long)count_whole, (unsigned long)count_streams, (unsigned long)count_done,
           (unsigned long)count_hangups);
    return 0;
}
