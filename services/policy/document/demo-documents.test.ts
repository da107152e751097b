import { readFile } from "node:fs/promises";
import examples from "@octokit/webhooks-examples/api.github.com/index.json" with { type: "json" };
import { describe, expect, it } from "vitest";
import { parseDocument } from "./parse-document.ts";

describe.each(["demo", "rival"])("the document of tenant %s", (tenant) => {
  it("maps every webhook event to the permission to read it", async () => {
    const text = await readFile(new URL(`../../../infra/policies/${tenant}.yaml`, import.meta.url), "utf8");
    const { document, faults } = parseDocument(text, tenant);
    expect(faults).toBeUndefined();
    const names = examples.map(({ name }) => name).toSorted();
    expect(document?.events).toEqual(names.map((name) => ({ pattern: `${name}.*`, permission: `${name}:read` })));
  });
});
