import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { provisionBrowsers, provisionLanguages } from "./provision-clients.ts";

test("clients whose programs cannot be had are each told in one line, and stop nothing", async () => {
  const home = await mkdtemp(join(tmpdir(), "sluice-clients-"));
  const lines: string[] = [];
  const options = { home, path: "", say: (line: string) => void lines.push(line) };
  await provisionBrowsers(options);
  await provisionLanguages(options);
  await rm(home, { recursive: true });
  expect(lines.map((line) => /^the (\w+) clients are not run here: .+$/.exec(line)?.[1])).toEqual([
    "Firefox",
    "WebKitGTK",
    "Python",
    "Go",
  ]);
});
