// Holds many event streams over raw sockets and counts what comes: the load of `npm run bench`, in C so that it is never
// the bottleneck. Driven by lines on stdin; answers each with one line of JSON.
//
//   readers <port> <file of requests>     connection i sends the file's request i mod n, from an address of its own in 127/8
//
//   open <count>          → {"opened":n,"refused":n,"ms":n}    so many more; an answer that is not a 200, or busy, is refused
//   count                 → {"events":n,"bytes":n,"closed":n}  since the start; an event is a payload with "t":
//   reset                 → {}                                 the latencies begin anew
//   latency               → {"events":n,"p50":ms,"p99":ms,"max":ms}
//   pause <from> <to>     → {}                                 these connections are not read any more
//   resume <from> <to>    → {}
//
// A payload says when it was published: "t":<microseconds since 1970>.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MARK "\"t\":"
#define MARK_LENGTH 4
#define OPENING_AT_ONCE 256
#define OPEN_TIMEOUT_MICROS 120000000LL
#define BUCKET_MICROS 10
#define BUCKETS 3000000
#define CONNECTIONS_PER_ADDRESS 10000

struct connection {
  int fd;
  int answered;
  // The last bytes of the read before: a mark may be torn between two reads.
  char carry[MARK_LENGTH - 1];
};

struct request {
  const char *text;
  size_t length;
};

static struct connection *connections;
static int connection_count, opened, refused, closed_count;
static struct request *requests;
static int request_count;
static int poller, port;
static long long events, bytes, measured;
static unsigned buckets[BUCKETS];
static char buffer[MARK_LENGTH - 1 + (1 << 18) + 1];

static long long now_micros(void) {
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  return t.tv_sec * 1000000LL + t.tv_nsec / 1000;
}

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static void read_requests(const char *path) {
  FILE *file = fopen(path, "r");
  if (!file) fail(path);
  fseek(file, 0, SEEK_END);
  long size = ftell(file);
  rewind(file);
  char *text = calloc(1, size + 1);
  if (fread(text, 1, size, file) != (size_t)size) fail(path);
  fclose(file);
  for (char *end; (end = strstr(text, "\r\n\r\n")); text = end + 4) {
    requests = realloc(requests, (request_count + 1) * sizeof *requests);
    requests[request_count++] = (struct request){text, end + 4 - text};
  }
}

static void watch(int index, int events_wanted) {
  struct epoll_event wanted = {.events = events_wanted, .data.u32 = index};
  if (epoll_ctl(poller, EPOLL_CTL_MOD, connections[index].fd, &wanted)) fail("epoll_ctl");
}

static void open_one(int index) {
  // Ports are taken when the connection is made, so that each address has all of them for this server.
  int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) fail("socket");
  setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  // As much as a client far away has under way; this machine's kernel would take megabytes for one that reads nothing.
  int window = 128 * 1024;
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &window, sizeof window);
  unsigned host = (127u << 24) + (1u << 16) + (getpid() % 200 << 8) + 1 + index / CONNECTIONS_PER_ADDRESS;
  struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(host)};
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  if (bind(fd, (void *)&from, sizeof from)) fail("bind");
  if (connect(fd, (void *)&to, sizeof to)) fail("connect");
  struct request request = requests[index % request_count];
  if (write(fd, request.text, request.length) != (ssize_t)request.length) fail("write");
  connections[index] = (struct connection){.fd = fd};
  struct epoll_event wanted = {.events = EPOLLIN, .data.u32 = index};
  if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &wanted)) fail("epoll_ctl");
}

static void note_latency(const char *digits) {
  char *end;
  long long sent = strtoll(digits, &end, 10);
  // Cut off by the end of this read: the next one would have to be waited for.
  if (*end == 0 || end == digits) return;
  long long bucket = (now_micros() - sent) / BUCKET_MICROS;
  buckets[bucket < 0 ? 0 : bucket < BUCKETS ? bucket : BUCKETS - 1] += 1;
  measured += 1;
}

static void count_events(const char *from, const char *end) {
  for (; (from = memmem(from, end - from, MARK, MARK_LENGTH)); from += MARK_LENGTH) {
    events += 1;
    note_latency(from + MARK_LENGTH);
  }
}

static void answer(struct connection *connection, const char *text, long length) {
  connection->answered = 1;
  int is_open = length > 12 && !memcmp(text + 9, "200", 3) && !memmem(text, length, "event: busy", 11);
  if (is_open) opened += 1;
  else if (refused++ == 0) fprintf(stderr, "refused: %.*s\n", length > 500 ? 500 : (int)length, text);
}

static void take(int index) {
  struct connection *connection = &connections[index];
  char *text = buffer + sizeof connection->carry;
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
  memcpy(buffer, connection->carry, sizeof connection->carry);
  count_events(buffer, text + length);
  memcpy(connection->carry, text + length - sizeof connection->carry, sizeof connection->carry);
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
    take_all(connection_count < target ? 0 : 10);
  }
  printf("{\"opened\":%d,\"refused\":%d,\"ms\":%lld}\n", opened - before, refused - refused_before, (now_micros() - begin) / 1000);
}

static double percentile(double share) {
  long long seen = 0;
  for (int i = 0; i < BUCKETS; i++)
    if ((seen += buckets[i]) > share * measured) return (i + 1) * BUCKET_MICROS / 1000.0;
  return 0;
}

static double highest(void) {
  for (int i = BUCKETS; i > 0; i--)
    if (buckets[i - 1]) return i * BUCKET_MICROS / 1000.0;
  return 0;
}

static void obey(const char *line) {
  int from, to;
  if (sscanf(line, "open %d", &from) == 1) return open_many(from);
  if (!strncmp(line, "count", 5)) {
    printf("{\"events\":%lld,\"bytes\":%lld,\"closed\":%d}\n", events, bytes, closed_count);
  } else if (!strncmp(line, "latency", 7)) {
    printf("{\"events\":%lld,\"p50\":%.2f,\"p99\":%.2f,\"max\":%.2f}\n", measured, percentile(0.5), percentile(0.99), highest());
  } else if (!strncmp(line, "reset", 5)) {
    memset(buckets, 0, sizeof buckets);
    measured = 0;
    puts("{}");
  } else if (sscanf(line, "pause %d %d", &from, &to) == 2 || sscanf(line, "resume %d %d", &from, &to) == 2) {
    for (int i = from; i < to; i++) watch(i, *line == 'p' ? 0 : EPOLLIN);
    puts("{}");
  }
}

int main(int count, char **arguments) {
  if (count != 3) return fprintf(stderr, "usage: readers <port> <file of requests>\n"), 2;
  port = atoi(arguments[1]);
  read_requests(arguments[2]);
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  poller = epoll_create1(EPOLL_CLOEXEC);
  struct epoll_event wanted = {.events = EPOLLIN, .data.u32 = UINT32_MAX};
  if (epoll_ctl(poller, EPOLL_CTL_ADD, STDIN_FILENO, &wanted)) fail("stdin");
  setvbuf(stdin, NULL, _IONBF, 0);
  setvbuf(stdout, NULL, _IOLBF, 0);
  char line[256];
  for (;;) {
    if (!take_all(-1)) continue;
    if (!fgets(line, sizeof line, stdin)) return 0;
    obey(line);
  }
}
