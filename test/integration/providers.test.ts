import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import type { AppError } from "#shared/errors/app-error.ts";
import { entraOverage } from "#test/support/providers/entra.ts";
import { createLogger, type Logger } from "#shared/log/create-logger.ts";
import { judgeToken } from "#shared/tokens/judge-token.ts";
import { parseIssuerEntry } from "#shared/tokens/outside-issuers.ts";
import { TrustedIssuers } from "#shared/tokens/trusted-issuers.ts";
import { runProvider } from "#test/support/providers/provider.ts";
import { withProviders } from "#test/support/providers/provider-table.ts";
import { PROVIDERS } from "#test/support/providers/providers.ts";

const log = createLogger("test", "silent");

describe.each(PROVIDERS.map((provider) => [`${provider.name}, ${provider.token}`, provider] as const))(
  "%s",
  (_, provider) => {
    const running = runProvider(provider);
    const entry = parseIssuerEntry(running.entry);
    const outside = new TrustedIssuers({ fetchJson: running.fetchJson, now: () => performance.now(), log });
    outside.adopt([{ entry, ca: undefined, clientSecret: "s" }]);
    const verify = async (token: string): Promise<object | string> => {
      try {
        return (await judgeToken(token, undefined, outside)).claims;
      } catch (error) {
        return (error as AppError).message;
      }
    };

    test("is understood with the entry that the documentation shows", async () => {
      expect(await verify(await running.sign())).toMatchObject({ ...provider.expected, isOutside: true });
    });

    test("is refused for another audience, and past its end, with words that say so", async () => {
      const claim = entry.audience_claim;
      expect(await verify(await running.sign({ [claim]: "another" }))).toMatch(
        `the token's audience (${claim}) is not`,
      );
      expect(await verify(await running.sign({ [claim]: undefined }))).toMatch(
        `the token names no audience (${claim})`,
      );
      expect(await verify(await running.sign({ exp: 1_700_000_000 }))).toBe("the access token has expired");
    });

    test.runIf(entry.tenant_claim !== undefined)("never chooses a tenant that its entry does not list", async () => {
      const [name = "", ...path] = entry.tenant_claim?.[0] ?? [];
      const saying = (said: string) => path.reduceRight<unknown>((value, each) => ({ [each]: value }), said);
      for (const said of ["evil", "evil-acme", "team-evil", "", "__proto__"]) {
        const claims = { [name]: saying(said) };
        expect(await verify(await running.sign(claims))).toMatch(/tenant \(.*\) is none that/);
      }
      expect(await verify(await running.sign({ [name]: undefined }))).toMatch("does not name its tenant");
    });
  },
);

test("groups that Entra ID leaves out are told to the operator, once for the issuer", async () => {
  const running = runProvider(entraOverage);
  const lines: object[] = [];
  const warn = (facts: object, message: string): void => void lines.push({ ...facts, message });
  const outside = new TrustedIssuers({
    fetchJson: running.fetchJson,
    now: () => performance.now(),
    log: { warn } as unknown as Logger,
  });
  outside.adopt([{ entry: parseIssuerEntry(running.entry), ca: undefined, clientSecret: undefined }]);
  const found: string[] = [];
  const report = (step: string, tell: () => string): void => void found.push(`${step}: ${tell()}`);
  for (const oid of ["one", "two"]) await judgeToken(await running.sign({ oid }), undefined, outside, { report });
  expect(lines).toEqual([
    { issuer: running.entry.issuer, claim: "_claim_names", message: expect.stringContaining("overage") },
  ]);
  expect(found).toContain("groups: none: the person has so many that the issuer left them out (overage)");
});

test("the page about login providers shows these entries; where it does not: npm run gen", async () => {
  const page = await readFile(new URL("../../docs/guides/login-providers.md", import.meta.url), "utf8");
  expect(page).toBe(withProviders(page, PROVIDERS));
});
