// What the programs that make load have in common: the clock, the file of requests, descriptors, and the latencies seen.
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
#define BUCKET_MICROS 10
#define BUCKETS 3000000
#define CONNECTIONS_PER_ADDRESS 10000

struct request {
  const char *text;
  size_t length;
};

static struct request *requests;
static int request_count;
static long long measured;
static unsigned buckets[BUCKETS];

static long long now_micros(void) {
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  return t.tv_sec * 1000000LL + t.tv_nsec / 1000;
}

static void fail(const char *what) {
  perror(what);
  exit(1);
}

// The requests of a file, each with its empty line.
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

// Takes all descriptors that this process may have, and a poller that is told of lines on stdin as UINT32_MAX.
static int prepare(void) {
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  int poller = epoll_create1(EPOLL_CLOEXEC);
  struct epoll_event wanted = {.events = EPOLLIN, .data.u32 = UINT32_MAX};
  if (epoll_ctl(poller, EPOLL_CTL_ADD, STDIN_FILENO, &wanted)) fail("stdin");
  setvbuf(stdin, NULL, _IONBF, 0);
  setvbuf(stdout, NULL, _IOLBF, 0);
  return poller;
}

// A socket with an address of its own in 127/8 for each of so many connections.
static int socket_of(int index, int type) {
  // Ports are taken when the connection is made, so that each address has all of them for this server.
  int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | type, 0);
  if (fd < 0) fail("socket");
  setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  // As much as a client far away has under way; this machine's kernel would take megabytes for one that reads nothing.
  int window = 128 * 1024;
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &window, sizeof window);
  unsigned host = (127u << 24) + (1u << 16) + (getpid() % 200 << 8) + 1 + index / CONNECTIONS_PER_ADDRESS;
  struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(host)};
  if (bind(fd, (void *)&from, sizeof from)) fail("bind");
  return fd;
}

static int connect_to(int fd, int port) {
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  return connect(fd, (void *)&to, sizeof to);
}

static void note_latency(long long sent) {
  long long bucket = (now_micros() - sent) / BUCKET_MICROS;
  buckets[bucket < 0 ? 0 : bucket < BUCKETS ? bucket : BUCKETS - 1] += 1;
  measured += 1;
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

static void print_latency(void) {
  printf("{\"events\":%lld,\"p50\":%.2f,\"p99\":%.2f,\"max\":%.2f}\n", measured, percentile(0.5), percentile(0.99), highest());
}

static void reset_latency(void) {
  memset(buckets, 0, sizeof buckets);
  measured = 0;
  puts("{}");
}
