import { readFile } from "node:fs/promises";
import examples from "@octokit/webhooks-examples/api.github.com/index.json" with { type: "json" };
import { describe, expect, it } from "vitest";
import { lintDocument } from "./lint-document.ts";
import { parseDocument } from "./parse-document.ts";

describe.each(["demo", "rival"])("the document of tenant %s", (tenant) => {
  it("maps every webhook event to the permission to read it, and holds nothing of no use", async () => {
    const text = await readFile(new URL(`../../../infra/policies/${tenant}.yaml`, import.meta.url), "utf8");
    const { document, faults } = parseDocument(text, tenant);
    expect(faults).toBeUndefined();
    expect(lintDocument(document!, 0)).toEqual([]);
    const names = examples.map(({ name }) => name).toSorted();
    expect(document?.events).toEqual(names.map((name) => ({ pattern: `${name}.*`, permission: `${name}:read` })));
  });
});
