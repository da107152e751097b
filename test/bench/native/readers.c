// Holds many event streams over raw sockets and counts what comes: the load of `npm run bench`, in C so that it is never
// the bottleneck. Driven by lines on stdin; answers each with one line of JSON.
//
//   readers <port> <file of requests> [<mark>]     connection i sends the file's request i mod n, from an address of its own
//                                                  in 127/8
//
//   open <count>          → {"opened":n,"refused":n,"ms":n}    so many more; an answer that is not a 200 or 101, or busy, is refused
//   count                 → {"events":n,"bytes":n,"closed":n}  since the start; an event is a payload with "t":
//   reset                 → {}                                 the latencies begin anew
//   latency               → {"events":n,"p50":ms,"p99":ms,"max":ms}
//   pause <from> <to>     → {}                                 these connections are not read any more
//   resume <from> <to>    → {}
//
// A payload says when it was published: "t":<microseconds since 1970>. Where it stands inside a text of JSON, the mark is another.
#include "load.h"

#define MAX_MARK 8

#define OPENING_AT_ONCE 256
#define OPEN_TIMEOUT_MICROS 120000000LL

struct connection {
  int fd;
  int answered;
  // The last bytes of the read before: a mark may be torn between two reads.
  char carry[MAX_MARK];
};

static struct connection *connections;
static int connection_count, opened, refused, closed_count;
static int poller, port;
static long long events, bytes;
// A client of a WebSocket that answers no ping is taken for gone: 0x89 0 asks, and this answers.
static const char PING[] = {(char)0x89, 0}, PONG[] = {(char)0x8a, (char)0x80, 0, 0, 0, 0};
static const char *mark = MARK;
static int mark_length = MARK_LENGTH;
static char buffer[MAX_MARK + (1 << 18) + 1];

static void watch(int index, int events_wanted) {
  struct epoll_event wanted = {.events = events_wanted, .data.u32 = index};
  if (epoll_ctl(poller, EPOLL_CTL_MOD, connections[index].fd, &wanted)) fail("epoll_ctl");
}

static void open_one(int index) {
  int fd = socket_of(index, 0);
  if (connect_to(fd, port)) fail("connect");
  struct request request = requests[index % request_count];
  if (write(fd, request.text, request.length) != (ssize_t)request.length) fail("write");
  connections[index] = (struct connection){.fd = fd};
  struct epoll_event wanted = {.events = EPOLLIN, .data.u32 = index};
  if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &wanted)) fail("epoll_ctl");
}

static void count_events(const char *from, const char *end) {
  for (; (from = memmem(from, end - from, mark, mark_length)); from += mark_length) {
    events += 1;
    char *after;
    long long sent = strtoll(from + mark_length, &after, 10);
    // Cut off by the end of this read: the next one would have to be waited for.
    if (*after != 0 && after != from + mark_length) note_latency(sent);
  }
}

static void answer(struct connection *connection, const char *text, long length) {
  connection->answered = 1;
  int is_ok = length > 12 && (!memcmp(text + 9, "200", 3) || !memcmp(text + 9, "101", 3));
  int is_open = is_ok && !memmem(text, length, "event: busy", 11);
  if (is_open) opened += 1;
  else if (refused++ == 0) fprintf(stderr, "refused: %.*s\n", length > 500 ? 500 : (int)length, text);
}

static void take(int index) {
  struct connection *connection = &connections[index];
  char *text = buffer + MAX_MARK;
  long length = read(connection->fd, text, 1 << 18);
  if (length < 0 && errno == EAGAIN) return;
  if (length <= 0) {
    if (!connection->answered) refused += 1;
    closed_count += 1;
    close(connection->fd);
    connection->fd = -1;
    return;
  }
  bytes += length;
  text[length] = 0;
  if (!connection->answered) answer(connection, text, length);
  if (mark_length != MARK_LENGTH && memmem(text, length, PING, sizeof PING)) {
    if (write(connection->fd, PONG, sizeof PONG) < 0) fail("write");
  }
  memcpy(buffer, connection->carry, MAX_MARK);
  // One byte less than the mark: a whole one has been counted.
  count_events(text - (mark_length - 1), text + length);
  memcpy(connection->carry, text + length - MAX_MARK, MAX_MARK);
}

static int take_all(int timeout_ms) {
  struct epoll_event ready[512];
  int count = epoll_wait(poller, ready, 512, timeout_ms), is_told = 0;
  for (int i = 0; i < count; i++) {
    if (ready[i].data.u32 == UINT32_MAX) is_told = 1;
    else take(ready[i].data.u32);
  }
  return is_told;
}

static void open_many(int count) {
  long long begin = now_micros();
  int before = opened, refused_before = refused, target = connection_count + count;
  connections = realloc(connections, target * sizeof *connections);
  while (opened + refused < before + refused_before + count && now_micros() - begin < OPEN_TIMEOUT_MICROS) {
    for (int burst = 0; burst < 16 && connection_count < target && connection_count - opened - refused < OPENING_AT_ONCE; burst++)
      open_one(connection_count++);
    int has_room = connection_count < target && connection_count - opened - refused < OPENING_AT_ONCE;
    take_all(has_room ? 0 : 10);
  }
  printf("{\"opened\":%d,\"refused\":%d,\"ms\":%lld}\n", opened - before, refused - refused_before, (now_micros() - begin) / 1000);
}

static void obey(const char *line) {
  int from, to;
  if (sscanf(line, "open %d", &from) == 1) return open_many(from);
  if (!strncmp(line, "count", 5)) {
    printf("{\"events\":%lld,\"bytes\":%lld,\"closed\":%d}\n", events, bytes, closed_count);
  } else if (!strncmp(line, "latency", 7)) {
    print_latency();
  } else if (!strncmp(line, "reset", 5)) {
    reset_latency();
  } else if (sscanf(line, "pause %d %d", &from, &to) == 2 || sscanf(line, "resume %d %d", &from, &to) == 2) {
    for (int i = from; i < to; i++) watch(i, *line == 'p' ? 0 : EPOLLIN);
    puts("{}");
  }
}

int main(int count, char **arguments) {
  if (count != 3 && count != 4) return fprintf(stderr, "usage: readers <port> <file of requests> [<mark>]\n"), 2;
  port = atoi(arguments[1]);
  if (count == 4) mark = arguments[3], mark_length = strlen(mark);
  if (mark_length > MAX_MARK) return fprintf(stderr, "a mark has at most %d bytes\n", MAX_MARK), 2;
  read_requests(arguments[2]);
  poller = prepare();
  char line[256];
  for (;;) {
    if (!take_all(-1)) continue;
    if (!fgets(line, sizeof line, stdin)) return 0;
    obey(line);
  }
}
