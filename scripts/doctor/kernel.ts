import { fail, type Finding, ok, warn } from "../shared/finding.ts";

/** Answers what a file of /proc or /sys says; undefined where there is none. */
export type ReadProc = (path: string) => Promise<string | undefined>;

/** What docker-compose.yml sets for the edge, and an edge of 19 000 streams needs. */
const WANTED = { somaxconn: 4_096, writeBytes: 131_072, readBytes: 131_072, retries: 8, descriptors: 20_000 };

/** A setting of the kernel, and what it does to event streams. */
interface Setting {
  readonly check: string;
  readonly path: string;
  /** What the setting is called, and what stands before its value. */
  readonly name: string;
  /** The part of the file that counts, by its place; the first one by default. */
  readonly part?: number;
  readonly isGood: (value: number) => boolean;
  /** What the value means for event streams. */
  readonly means: string;
  readonly todo: string;
}

const SETTINGS: readonly Setting[] = [
  {
    check: "backlog",
    path: "/proc/sys/net/core/somaxconn",
    name: "somaxconn",
    isGood: (value) => value >= WANTED.somaxconn,
    means: "so many that knock at once wait until the edge takes them, and more are refused",
    todo: `sysctl net.core.somaxconn=${WANTED.somaxconn}`,
  },
  {
    check: "buffers",
    path: "/proc/sys/net/ipv4/tcp_wmem",
    name: "tcp_wmem, its end,",
    part: 2,
    isGood: (value) => value <= WANTED.writeBytes,
    means: "bytes that the kernel holds for a reader that does not read, and still sends it when a right is gone",
    todo: `sysctl net.ipv4.tcp_wmem="4096 16384 ${WANTED.writeBytes}"`,
  },
  {
    check: "buffers",
    path: "/proc/sys/net/ipv4/tcp_rmem",
    name: "tcp_rmem, its middle,",
    part: 1,
    isGood: (value) => value <= WANTED.readBytes,
    means: "bytes that a connection may have sent before the edge reads them: a request is shorter",
    todo: `sysctl net.ipv4.tcp_rmem="4096 ${WANTED.readBytes} 6291456"`,
  },
  {
    check: "silence",
    path: "/proc/sys/net/ipv4/tcp_slow_start_after_idle",
    name: "tcp_slow_start_after_idle",
    isGood: (value) => value === 0,
    means: "with 1, what is longer than some 14 KB and comes after a silence takes another round trip",
    todo: "sysctl net.ipv4.tcp_slow_start_after_idle=0",
  },
  {
    check: "patience",
    path: "/proc/sys/net/ipv4/tcp_retries2",
    name: "tcp_retries2",
    isGood: (value) => value <= WANTED.retries,
    means:
      "times that the kernel sends again to a reader that has vanished: with 15 it is kept for a quarter of an hour",
    todo: `sysctl net.ipv4.tcp_retries2=${WANTED.retries}`,
  },
  {
    check: "patience",
    path: "/proc/sys/net/ipv4/tcp_keepalive_time",
    name: "tcp_keepalive_time",
    isGood: () => true,
    means: "seconds for proxies and stores; an edge probes after 30 s, and writes to each stream every 15 s",
    todo: "",
  },
  {
    check: "files",
    path: "/proc/sys/fs/file-max",
    name: "file-max",
    isGood: (value) => value >= 10 * WANTED.descriptors,
    means: "open files and connections of all processes of this machine",
    todo: `sysctl fs.file-max=${10 * WANTED.descriptors}`,
  },
];

/** What the kernel of this machine allows an edge. On another system than Linux there is nothing to say. */
export async function kernelFindings(read: ReadProc): Promise<Finding[]> {
  const limits = await read("/proc/self/limits");
  if (limits === undefined) return [warn("kernel", "this is no Linux", "Run it where the edge runs.")];
  const settings = await Promise.all(SETTINGS.map((setting) => settingFinding(setting, read)));
  return [
    ...settings.flat(),
    descriptors(limits),
    ...ports(await read("/proc/sys/net/ipv4/ip_local_port_range")),
    ...(await conntrack(read)),
  ];
}

async function settingFinding(setting: Setting, read: ReadProc): Promise<Finding[]> {
  const { check, path, name, part = 0, isGood, means, todo } = setting;
  const text = await read(path);
  // A container may not be shown what is the node's.
  if (text === undefined) return [];
  const value = text.trim().split(/\s+/)[part];
  const found = `${name} ${value}: ${means}`;
  return [isGood(Number(value)) ? ok(check, found) : warn(check, found, todo)];
}

function descriptors(limits: string): Finding {
  const [, soft = "", hard = ""] = /^Max open files\s+(\S+)\s+(\S+)/m.exec(limits) ?? [];
  // Node raises its own limit up to the hard one.
  const own = hard === "unlimited" ? Infinity : Number(hard);
  const found = `${soft} descriptors a process, ${hard} where it asks for more, as an edge does: it holds fewer streams than these`;
  if (own >= WANTED.descriptors) return ok("descriptors", found);
  const todo = `ulimit -n ${WANTED.descriptors}, LimitNOFILE= of systemd, or nofile of docker compose`;
  return own < 1_024 ? fail("descriptors", found, todo) : warn("descriptors", found, todo);
}

function ports(range = ""): Finding[] {
  const [first = Number.NaN, last = Number.NaN] = range.trim().split(/\s+/).map(Number);
  if (Number.isNaN(first + last)) return [];
  const count = last - first + 1;
  const found = `ip_local_port_range ${first} to ${last}: a proxy here has ${count} connections to one address of an edge`;
  if (count >= WANTED.descriptors) return [ok("ports", found)];
  return [warn("ports", found, 'sysctl net.ipv4.ip_local_port_range="32768 60999", or more addresses of the edge')];
}

/** Of the streams of one edge, coming in and, behind a proxy of this machine, going out. */
const WANTED_ENTRIES = 2 * WANTED.descriptors;

async function conntrack(read: ReadProc): Promise<Finding[]> {
  const [max, count] = await Promise.all(
    ["max", "count"].map((name) => read(`/proc/sys/net/netfilter/nf_conntrack_${name}`)),
  );
  if (max === undefined) return [];
  const found = `nf_conntrack_max ${Number(max)}, ${Number(count)} taken: each stream takes one, and connections beyond it are dropped without a word`;
  if (Number(max) >= WANTED_ENTRIES && Number(count) <= 0.8 * Number(max)) return [ok("conntrack", found)];
  return [warn("conntrack", found, `sysctl net.netfilter.nf_conntrack_max=${10 * WANTED_ENTRIES}`)];
}
