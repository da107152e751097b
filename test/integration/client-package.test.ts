import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { formatMessage } from "publint/utils";
import { publint } from "publint";
import manifest from "../../package.json" with { type: "json" };
import clientManifest from "../../services/client/package.json" with { type: "json" };
import { type InstalledClient, installClient } from "#test/support/install-client.ts";

const run = promisify(execFile);

let client: InstalledClient;

beforeAll(async () => void (client = await installClient()));
afterAll(() => client[Symbol.asyncDispose]());

test("the package has the project's version", () => {
  expect(clientManifest.version).toBe(manifest.version);
});

test("its files are where its manifest says", async () => {
  const { messages, pkg } = await publint({ pkgDir: client.file(""), pack: false, strict: true });
  expect(messages.map((message) => formatMessage(message, pkg ?? {}))).toEqual([]);
});

test("it brings its license", async () => {
  expect(await readFile(client.file("dist/LICENSE"), "utf8")).toContain("Apache License");
});

test("its types are found by every resolution that takes modules", async () => {
  const attw = fileURLToPath(new URL("../../node_modules/.bin/attw", import.meta.url));
  // It ends with an error where something is wrong for these.
  await run(process.execPath, [attw, client.tarball, "--profile", "esm-only", "--no-definitely-typed"]);
});

/** What somebody writes who has read the package's page. */
const PROGRAM = `
import { connect } from "@sluice/client";
import { createFakeEdge } from "@sluice/client/testing";

const edge = createFakeEdge();
globalThis.fetch = edge.fetch;
const stream = connect({
  url: "https://events.example.com", topics: ["order.>"], token: "secret",
  onGap: "ignore", onReset: "ignore", onDegraded: "ignore",
});
edge.opened().then(() => edge.emit("order.created.42", { amount: 7 }));
for await (const { type, topic, data } of stream) {
  console.log(process.versions.node.split(".")[0], type, topic, data.amount);
  stream.close();
}
`;

/** The Nodes of this machine, the project's own among them. */
async function findNodes(): Promise<string[]> {
  const names = (process.env["PATH"] ?? "").split(delimiter).map((folder) => join(folder, "node"));
  const versions = await Promise.all(
    names.map(async (name) => {
      const { stdout } = await run(name, ["--version"]).catch(() => ({ stdout: "" }));
      return [stdout, name] as const;
    }),
  );
  const usable = versions.filter(([version]) => Number(/^v(\d+)/.exec(version)?.[1]) >= 20);
  return [...new Map([...usable, [process.version, process.execPath] as const]).values()];
}

test("a program in a folder of its own runs it, in every Node of this machine from 20 on", async () => {
  await writeFile(join(client.folder, "program.js"), PROGRAM);
  const nodes = await findNodes();
  for (const node of nodes) {
    const { stdout } = await run(node, ["program.js"], { cwd: client.folder });
    expect(stdout).toMatch(/^\d+ order\.created order\.created\.42 7\n$/);
  }
  expect(nodes.length).toBeGreaterThan(0);
});
