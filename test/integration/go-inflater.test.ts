import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { endWithUs } from "#test/support/end-with-us.ts";
import { waitFor } from "#test/support/wait.ts";
import { gzip } from "../../services/stream/sse/content-coding.ts";

/** Copies what it inflates to its output, as soon as the inflater gives it out. */
const PROGRAM = `package main

import (
	"compress/gzip"
	"os"
)

func main() {
	reader, err := gzip.NewReader(os.Stdin)
	if err != nil {
		panic(err)
	}
	buffer := make([]byte, 4096)
	for err == nil {
		var count int
		count, err = reader.Read(buffer)
		os.Stdout.Write(buffer[:count])
	}
}
`;

const hasGo = spawnSync("go", ["version"]).status === 0;

test.skipIf(!hasGo)("Go's inflater gives out each piece of a compressed stream before the next one comes", async () => {
  await using reader = await startReader();
  reader.write(gzip.head);
  for (const [index, size] of [1, 200, 255, 256, 3_000].entries()) {
    const piece = `${index}${"x".repeat(size - 1)}`;
    reader.write(gzip.encode(Buffer.from(piece)));
    await waitFor(`${size} bytes`, () => reader.read().endsWith(piece));
  }
});

async function startReader() {
  const folder = await mkdtemp(join(tmpdir(), "sluice-go-"));
  const binary = join(folder, "reader");
  await writeFile(join(folder, "main.go"), PROGRAM);
  const built = spawnSync("go", ["build", "-o", binary, join(folder, "main.go")], { encoding: "utf8" });
  expect(built.stderr).toBe("");
  const child = spawn(binary, { stdio: ["pipe", "pipe", "inherit"] });
  endWithUs(child);
  let text = "";
  child.stdout.setEncoding("latin1").on("data", (chunk: string) => (text += chunk));
  return {
    write: (bytes: Buffer) => void child.stdin.write(bytes),
    read: () => text,
    async [Symbol.asyncDispose]() {
      const ended = once(child, "exit");
      child.kill();
      await ended;
      await rm(folder, { recursive: true });
    },
  };
}
