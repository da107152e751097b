import { expect, test } from "vitest";
import { kernelFindings } from "./kernel.ts";

const GOOD: Record<string, string> = {
  "/proc/sys/net/core/somaxconn": "4096\n",
  "/proc/sys/net/ipv4/tcp_wmem": "4096\t16384\t131072\n",
  "/proc/sys/net/ipv4/tcp_retries2": "8\n",
  "/proc/sys/fs/file-max": "9223372036854775807\n",
  "/proc/self/limits":
    "Limit  Soft Limit  Hard Limit  Units\nMax open files            20000                20000                files\n",
};

const levels = async (changed: Record<string, string>): Promise<Record<string, string>> => {
  const findings = await kernelFindings(async (path) => ({ ...GOOD, ...changed })[path]);
  return Object.fromEntries(findings.filter(({ level }) => level !== "ok").map(({ check, level }) => [check, level]));
};

test.each<[Record<string, string>, Record<string, string>]>([
  [{}, {}],
  [{ "/proc/sys/net/core/somaxconn": "4095" }, { backlog: "warn" }],
  [{ "/proc/sys/net/ipv4/tcp_wmem": "4096 16384 131073" }, { buffers: "warn" }],
  [{ "/proc/sys/net/ipv4/tcp_retries2": "9" }, { patience: "warn" }],
  [
    { "/proc/self/limits": "Max open files            19999                20000                files" },
    { descriptors: "warn" },
  ],
  [
    { "/proc/self/limits": "Max open files            1023                 20000                files" },
    { descriptors: "fail" },
  ],
  [{ "/proc/self/limits": "Max open files            unlimited            unlimited            files" }, {}],
])("%j is found", async (changed, expected) => {
  expect(await levels(changed)).toEqual(expected);
});

test("on another system there is one thing to say", async () => {
  expect(await kernelFindings(async () => undefined)).toMatchObject([{ check: "kernel", level: "warn" }]);
});
