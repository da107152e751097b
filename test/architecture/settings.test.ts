import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { settingMetaOf } from "#shared/config/setting-meta.ts";
import { OWNERS, SCHEMAS } from "../../scripts/config/services.ts";
import { writtenFiles } from "../../scripts/config/written-files.ts";

/** What a secret is called; a variable that ends with `_FILE` names where one is. */
const SECRET = /(PASSWORD|SECRET|TOKEN|_KEY|_KEYS|SEED|NKEY|CREDS|CREDENTIALS|_HEADERS)$/;

describe.each(OWNERS)("each setting of %s", (owner) => {
  const settings = Object.entries(SCHEMAS[owner].shape);

  test("carries what it means, in a phrase that stands by itself", () => {
    const wordless = settings.filter(([, schema]) => {
      const { description = "" } = z.globalRegistry.get(schema) ?? {};
      return !/^[^A-Z].{8,}[^.]$/s.test(description) || /\b(the same|that certificate|that key)\b,?$/.test(description);
    });
    expect(wordless.map(([name]) => name)).toEqual([]);
  });

  test("is hidden where its name says that it is a secret", () => {
    const shown = settings.filter(([name, schema]) => SECRET.test(name) && !settingMetaOf(schema).secret);
    expect(shown.map(([name]) => name)).toEqual([]);
  });

  test("names a page that is there, where it names one", async () => {
    const pages = settings
      .flatMap(([, schema]) => settingMetaOf(schema).see ?? [])
      .map((page) => page.split("#")[0] ?? "");
    await Promise.all([...new Set(pages)].map((page) => readFile(`docs/${page}`)));
  });
});

test("what is written from the schemas is what they say; where it is not: npm run gen", async () => {
  const files = await writtenFiles();
  const stale = await Promise.all(
    files.map(async ({ path, text }) =>
      shape(await readFile(path, "utf8").catch(() => "")) === shape(text) ? [] : [path],
    ),
  );
  expect(stale.flat()).toEqual([]);
});

test("each variable of the compose file is a setting", async () => {
  const compose = await readFile("docker-compose.yml", "utf8");
  const known = new Set(OWNERS.flatMap((owner) => Object.keys(SCHEMAS[owner].shape)));
  const asked = new Set(Array.from(compose.matchAll(/(?<!\$)\$\{([A-Z_]+)/g), ([, name = ""]) => name));
  expect([...asked].filter((name) => !known.has(name))).toEqual([]);
  expect(asked.size).toBeGreaterThan(20);
});

/** A text without what the formatter changes: spaces, the dashes below the head of a table, the comma behind the last element. */
function shape(text: string): string {
  return text.replaceAll(/\s+/g, "").replaceAll(/-{3,}/g, "---");
}
