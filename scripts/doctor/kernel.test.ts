import { expect, test } from "vitest";
import { kernelFindings } from "./kernel.ts";

const NET = "/proc/sys/net/ipv4";

const GOOD: Record<string, string> = {
  "/proc/sys/net/core/somaxconn": "4096\n",
  [`${NET}/tcp_wmem`]: "4096\t16384\t131072\n",
  [`${NET}/tcp_rmem`]: "4096\t131072\t6291456\n",
  [`${NET}/tcp_slow_start_after_idle`]: "0\n",
  [`${NET}/tcp_retries2`]: "8\n",
  [`${NET}/tcp_keepalive_time`]: "7200\n",
  [`${NET}/ip_local_port_range`]: "32768\t60999\n",
  "/proc/sys/fs/file-max": "200000\n",
  "/proc/self/limits":
    "Limit  Soft Limit  Hard Limit  Units\nMax open files            1024                20000                files\n",
  "/proc/sys/net/netfilter/nf_conntrack_max": "40000\n",
  "/proc/sys/net/netfilter/nf_conntrack_count": "32000\n",
};

const findingsOf = (changed: Record<string, string | undefined>) =>
  kernelFindings(async (path) => ({ ...GOOD, ...changed })[path]);

const openFiles = (soft: string, hard: string): Record<string, string> => ({
  "/proc/self/limits": `Max open files            ${soft}                ${hard}                files`,
});

test.each<[Record<string, string | undefined>, Record<string, string>]>([
  [{}, {}],
  [{ "/proc/sys/net/core/somaxconn": "4095" }, { backlog: "warn" }],
  [{ [`${NET}/tcp_wmem`]: "4096 16384 131073" }, { buffers: "warn" }],
  [{ [`${NET}/tcp_rmem`]: "4096 131073 6291456" }, { buffers: "warn" }],
  [{ [`${NET}/tcp_slow_start_after_idle`]: "1" }, { silence: "warn" }],
  [{ [`${NET}/tcp_retries2`]: "9" }, { patience: "warn" }],
  [{ "/proc/sys/fs/file-max": "199999" }, { files: "warn" }],
  [openFiles("1024", "19999"), { descriptors: "warn" }],
  [openFiles("1023", "1023"), { descriptors: "fail" }],
  [openFiles("1024", "1024"), { descriptors: "warn" }],
  [openFiles("unlimited", "unlimited"), {}],
  [{ [`${NET}/ip_local_port_range`]: "40001 60000" }, {}],
  [{ [`${NET}/ip_local_port_range`]: "40002 60000" }, { ports: "warn" }],
  [{ "/proc/sys/net/netfilter/nf_conntrack_max": "39999" }, { conntrack: "warn" }],
  [{ "/proc/sys/net/netfilter/nf_conntrack_count": "32001" }, { conntrack: "warn" }],
  [{ "/proc/sys/net/netfilter/nf_conntrack_max": undefined }, {}],
])("%j is found", async (changed, expected) => {
  const findings = await findingsOf(changed);
  const levels = findings.filter(({ level }) => level !== "ok").map(({ check, level }) => [check, level]);
  expect(Object.fromEntries(levels)).toEqual(expected);
});

test("a finding says the value, what it means for event streams, and what to set", async () => {
  const [backlog] = await findingsOf({ "/proc/sys/net/core/somaxconn": "128" });
  expect(backlog).toEqual({
    check: "backlog",
    level: "warn",
    found: "somaxconn 128: so many that knock at once wait until the edge takes them, and more are refused",
    todo: "sysctl net.core.somaxconn=4096",
  });
});

test("what a container is not shown is no finding", async () => {
  const findings = await findingsOf({ "/proc/sys/net/core/somaxconn": undefined });
  expect(findings.map(({ check }) => check)).not.toContain("backlog");
});

test("on another system there is one thing to say", async () => {
  expect(await kernelFindings(async () => undefined)).toMatchObject([{ check: "kernel", level: "warn" }]);
});
