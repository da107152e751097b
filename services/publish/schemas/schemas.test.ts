import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { createLogger, type Logger } from "#shared/log/create-logger.ts";
import { createMetricsRegistry } from "#shared/metrics/registry.ts";
import { waitFor } from "#test/support/wait.ts";
import type { PublishedEvent } from "../events/published-event.ts";
import { createSchemaCheck } from "./check-schemas.ts";
import { followSchemas } from "./follow-schemas.ts";
import { readSchemaFile } from "./schema-file.ts";
import { openSchemaPool } from "./schema-pool.ts";

const ORDERS = `
schemas:
  order.created:
    type: object
    required: [sum]
    properties: { sum: { type: number, minimum: 0 }, items: { type: array, items: { type: string } } }
  "order.*": { type: object }
  slow.matched: { type: string, pattern: "^(a+)+$" }
`;

const pool = openSchemaPool();
afterAll(() => pool[Symbol.asyncDispose]());

const eventOf = (type: string, data: unknown): PublishedEvent => ({
  id: "1",
  topic: type,
  type,
  payload: Buffer.from(typeof data === "string" ? data : JSON.stringify(data)),
  attributes: {},
  traceparent: undefined,
});

describe("a tenant's schemas", () => {
  let check: ReturnType<typeof createSchemaCheck>;
  beforeAll(async () => {
    const schemas = await readSchemaFile("acme", ORDERS, pool);
    check = createSchemaCheck((tenant) => (tenant === "acme" ? schemas : []), pool);
  });

  test("let through what fits, and what is of a type or a tenant without one", async () => {
    await check("acme", [
      eventOf("order.created", { sum: 1 }),
      eventOf("order.paid", {}),
      eventOf("note.added", "no JSON"),
    ]);
    await check("rival", [eventOf("order.created", [])]);
  });

  test.each([
    [[eventOf("order.created", {})], "data must have required property 'sum'"],
    [[eventOf("order.created", { sum: 1, items: ["a", 1] })], "data/items/1 must be string"],
    [[eventOf("order.created", { sum: 1 }), eventOf("order.paid", [])], "events[1]: data must be object"],
    [[eventOf("order.created", "text")], "data is not JSON"],
  ])("refuse what does not, with the path: %#", async (events, message) => {
    await expect(check("acme", events)).rejects.toMatchObject({ code: "schema_violated", message });
  });

  test("refuse data that takes too long to check, and go on", async () => {
    const slow = check("acme", [eventOf("slow.matched", JSON.stringify(`${"a".repeat(40)}!`))]);
    await expect(slow).rejects.toMatchObject({
      code: "schema_violated",
      message: expect.stringContaining("too long") as string,
    });
    await check("acme", [eventOf("order.created", { sum: 1 })]);
  });

  test("refuse data that is nested too deep to check", async () => {
    const deep = `{"sum":1,"items":${"[".repeat(100_000)}${"]".repeat(100_000)}}`;
    await expect(check("acme", [eventOf("order.created", deep)])).rejects.toMatchObject({ code: "schema_violated" });
  });
});

test.each([
  ["schemas: []", "schemas"],
  ["schemas: { order: {} }", "must be a pattern over event types"],
  ["schemas: { a.b: { type: nothing } }", "a.b: "],
  ["schemas: { a.b: { minimun: 1 } }", "a.b: strict mode: unknown keyword"],
  ['schemas: { a.b: { $ref: "http://127.0.0.1/schema.json" } }', "a.b: can't resolve reference"],
  ['schemas: { a.b: { pattern: "(" } }', "a.b: "],
  ["more: 1", "schemas"],
  [`schemas: { a.b: { const: ${"x".repeat(65_536)} } }`, "a.b: has more than 65536 characters"],
])("a file that holds no schemas is refused: %#", async (text, message) => {
  await expect(readSchemaFile("acme", text, pool)).rejects.toThrow(message);
});

describe("a folder of schemas", () => {
  let folder: string;
  beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), "sluice-schemas-"))));
  afterEach(() => rm(folder, { recursive: true }));

  const follow = () =>
    followSchemas(folder, {
      pool,
      registry: createMetricsRegistry(),
      log: createLogger("test", "silent"),
      everyMs: 20,
    });
  const put = (name: string, text: string) => writeFile(join(folder, name), text);

  test("is followed: a new file counts, a broken one leaves the last good schemas in force", async () => {
    await put("acme.yaml", "schemas: { a.b: { type: object } }");
    using schemas = await follow();
    expect([schemas.find("acme").length, schemas.find("rival").length]).toEqual([1, 0]);
    await put("acme.yaml", "schemas: { a.b: { type: nothing } }");
    await put("rival.json", '{"schemas":{"a.b":{},"a.c":{}}}');
    await waitFor("the new file counts", () => schemas.find("rival").length === 2);
    expect(schemas.find("acme").length).toBe(1);
    await put("acme.yaml", "schemas: {}");
    await waitFor("the mended file counts", () => schemas.find("acme").length === 0);
  });

  test("says whose events are checked, and that nobody's are", async () => {
    const lines: object[] = [];
    const write = (facts: object, message: string): void => void lines.push({ ...facts, message });
    const log = { ...createLogger("test", "silent"), info: write, warn: write } as Logger;
    using schemas = await followSchemas(folder, { pool, registry: createMetricsRegistry(), log, everyMs: 20 });
    expect(lines).toMatchObject([{ file: folder, message: expect.stringContaining("no event's data is checked") }]);
    await put("acme.yaml", "schemas: { a.b: { type: object } }");
    await waitFor("the new file counts", () => schemas.find("acme").length === 1);
    await rm(join(folder, "acme.yaml"));
    await waitFor("the file is gone", () => schemas.find("acme").length === 0);
    expect(lines.slice(1)).toMatchObject([{ tenants: ["acme"] }, { message: expect.stringContaining("holds none") }]);
  });

  test("takes one file of a tenant, and stops the start where there are two", async () => {
    await put("acme.json", '{"schemas":{"a.b":{}}}');
    await put("acme.yaml", "schemas: {}");
    await expect(follow()).rejects.toThrow("PUBLISH_SCHEMAS_DIR: acme.yaml: acme has another file");
  });

  test("stops the start where a file of it is broken, or it is not there", async () => {
    await put("acme.yaml", "schemas: { a.b: { type: nothing } }");
    await expect(follow()).rejects.toThrow("PUBLISH_SCHEMAS_DIR: acme.yaml: a.b: ");
    await expect(
      followSchemas(join(folder, "none"), {
        pool,
        registry: createMetricsRegistry(),
        log: createLogger("test", "silent"),
      }),
    ).rejects.toThrow("PUBLISH_SCHEMAS_DIR: ENOENT");
  });
});
