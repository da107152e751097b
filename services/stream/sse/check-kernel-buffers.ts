import { readFile } from "node:fs/promises";
import type { Logger } from "#shared/log/create-logger.ts";

/** What the kernel may hold for one socket: more only delays the moment a slow reader, or a cut one, is noticed. */
const MAX_KERNEL_BYTES = 131_072;

const TCP_WMEM = "/proc/sys/net/ipv4/tcp_wmem";

/** Warns where the kernel may buffer more for each socket than the promises count on. Says nothing outside Linux. */
export async function checkKernelBuffers(log: Logger): Promise<void> {
  const text = await readFile(TCP_WMEM, "utf8").catch(() => "");
  const max = Number(text.trim().split(/\s+/)[2] ?? 0);
  if (max <= MAX_KERNEL_BYTES) return;
  log.warn(
    { max },
    `the kernel may hold ${max} bytes for a reader that does not read: set net.ipv4.tcp_wmem to "4096 16384 ${MAX_KERNEL_BYTES}"`,
  );
}
