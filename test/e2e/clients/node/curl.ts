import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { parseFrame } from "#test/support/parse-frame.ts";
import { readTarget, report } from "./report.ts";

// curl with the options in the arguments. It prints the body as it comes; the loop reads it and comes back.
const { url, authorization } = readTarget();
let lastId = "";
let retryMs = 1_000;
for (;;) {
  const resume = lastId === "" ? [] : ["--header", `Last-Event-ID: ${lastId}`];
  const headers = ["--header", "Accept: text/event-stream", "--header", `Authorization: ${authorization}`, ...resume];
  const args = ["--silent", "--no-buffer", "--fail", ...process.argv.slice(2), ...headers, url];
  const curl = spawn("curl", args, { stdio: ["ignore", "pipe", "inherit"] });
  const closed = once(curl, "close");
  let pending = "";
  for await (const chunk of curl.stdout.setEncoding("utf8")) {
    const blocks = `${pending}${chunk as string}`.split("\n\n");
    pending = blocks.pop() ?? "";
    for (const block of blocks) readBlock(block);
  }
  const [code] = (await closed) as [number | null];
  report(code === 0 ? { ended: true } : { failed: `curl ended with ${code}` });
  await delay(retryMs);
}

function readBlock(block: string): void {
  retryMs = Number(/^retry: ?(\d+)$/m.exec(block)?.[1] ?? retryMs);
  const frame = parseFrame(block);
  if (frame === undefined) return;
  lastId = frame.id ?? lastId;
  report({ event: frame.event, id: lastId, data: frame.data });
}
