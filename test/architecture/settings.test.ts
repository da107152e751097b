import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { KNOWN_SETTINGS } from "#shared/config/known-settings.ts";
import { authSettings } from "../../services/auth/config.ts";
import { policySettings } from "../../services/policy/config.ts";
import { publishSettings } from "../../services/publish/config.ts";
import { streamSettings } from "../../services/stream/config.ts";

const SETTINGS = { auth: authSettings, policy: policySettings, publish: publishSettings, stream: streamSettings };

describe.each(Object.entries(SETTINGS))("each variable that %s reads", (service, { shape }) => {
  const names = Object.keys(shape);

  test("is known to the other services, which would warn of it otherwise", () => {
    expect(names.filter((name) => !name.startsWith("LOG_") && !KNOWN_SETTINGS.includes(name))).toEqual([]);
  });

  test("stands in the reference", async () => {
    const page = await readFile(`docs/reference/settings-${service}.md`, "utf8");
    expect(names.filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
  });
});
