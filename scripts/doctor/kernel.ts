import { fail, type Finding, ok, warn } from "../shared/finding.ts";

/** Answers what a file of /proc says; undefined where there is none. */
export type ReadProc = (path: string) => Promise<string | undefined>;

/** As docker-compose.yml sets them for the edge. */
const WANTED = { somaxconn: 4_096, writeBytes: 131_072, retries: 8, descriptors: 20_000 };

/** What the kernel of this machine allows an edge. On another system than Linux there is nothing to say. */
export async function kernelFindings(read: ReadProc): Promise<Finding[]> {
  const [somaxconn, wmem, retries, fileMax, limits] = await Promise.all([
    read("/proc/sys/net/core/somaxconn"),
    read("/proc/sys/net/ipv4/tcp_wmem"),
    read("/proc/sys/net/ipv4/tcp_retries2"),
    read("/proc/sys/fs/file-max"),
    read("/proc/self/limits"),
  ]);
  if (limits === undefined) return [warn("kernel", "this is no Linux", "Run it where the edge runs.")];
  return [
    backlog(Number(somaxconn)),
    writeBuffer(wmem),
    patience(Number(retries)),
    descriptors(limits, Number(fileMax)),
  ];
}

function backlog(somaxconn: number): Finding {
  const found = `somaxconn ${somaxconn}`;
  if (somaxconn >= WANTED.somaxconn) return ok("backlog", found);
  return warn("backlog", found, `A crowd that comes at once is refused: sysctl net.core.somaxconn=${WANTED.somaxconn}`);
}

function writeBuffer(wmem = ""): Finding {
  const most = Number(wmem.trim().split(/\s+/)[2]);
  const found = `tcp_wmem up to ${most} bytes`;
  if (most <= WANTED.writeBytes) return ok("buffers", found);
  const todo = `The kernel holds so much for each reader that does not read, and still sends it when a right is gone: sysctl net.ipv4.tcp_wmem="4096 16384 ${WANTED.writeBytes}"`;
  return warn("buffers", found, todo);
}

function patience(retries: number): Finding {
  const found = `tcp_retries2 ${retries}`;
  if (retries <= WANTED.retries) return ok("patience", found);
  const todo = `A reader that has vanished is kept for up to a quarter of an hour: sysctl net.ipv4.tcp_retries2=${WANTED.retries}`;
  return warn("patience", found, todo);
}

function descriptors(limits: string, fileMax: number): Finding {
  const [, text = ""] = /^Max open files\s+(\S+)/m.exec(limits) ?? [];
  const own = text === "unlimited" ? Infinity : Number(text);
  const found = `${text} descriptors a process, ${fileMax} in all`;
  if (own >= WANTED.descriptors && fileMax >= WANTED.descriptors) return ok("descriptors", found);
  const todo = `An edge holds fewer streams than descriptors: ulimit -n ${WANTED.descriptors}, LimitNOFILE= of systemd, or nofile of docker compose.`;
  return own < 1_024 ? fail("descriptors", found, todo) : warn("descriptors", found, todo);
}
