import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sluice } from "#test/support/run-sluice.ts";
import { projectPath } from "../shared/project-folder.ts";
import { accountsOf, ownAccounts, passwordVariables } from "./home-accounts.ts";

const [EU_KEY, US_KEY] = [`U${"A".repeat(55)}`, `U${"B".repeat(55)}`];
const CONFIG = `region config --region us --home eu=nats-leaf://one:7422,nats-leaf://two:7422 --peer eu=${EU_KEY}`;

let template: string;
let folder: string;

beforeAll(async () => {
  template = await readFile(projectPath("infra", "nats", "nats.conf"), "utf8");
  folder = await mkdtemp(join(tmpdir(), "sluice-region-config-"));
});
afterAll(() => rm(folder, { recursive: true }));

test("the accounts of another home are those of the own one under other names, users' inboxes and passwords too", () => {
  const further = accountsOf("eu", template);
  expect(further.match(/"(SLUICE|EDGE|INGEST)_eu" \{/g)).toHaveLength(3);
  expect(passwordVariables(further)).toEqual(passwordVariables(ownAccounts(template)).map((each) => `${each}_EU`));
  const back = further.replaceAll(/"(SLUICE|EDGE|INGEST)_eu"/g, "$1").replaceAll(/user: "(\w+)-eu"/g, "user: $1");
  expect(back.replaceAll("-eu.>", ".>").replaceAll(/(PASSWORD)_EU/g, "$1")).toBe(ownAccounts(template));
});

describe("sluice region config", () => {
  test("writes what a region's servers read, and bus prepare keeps it", async () => {
    const { code, out } = await run(`${CONFIG} --json`);
    expect(code).toBe(0);
    expect(JSON.parse(out[0] ?? "")).toMatchObject({
      variables: expect.arrayContaining(["NATS_LINK_SEED", "NATS_POLICY_PASSWORD_EU"]),
    });
    const written = await readFile(join(folder, "nats.conf"), "utf8");
    expect(written).toContain('domain: "us"');
    expect(written).toContain('urls: ["nats-leaf://one:7422", "nats-leaf://two:7422"]');
    await run("bus prepare");
    expect(await readFile(join(folder, "nats.conf"), "utf8")).toBe(written);
  });

  test("takes two keys of a region while its key changes, and no third", async () => {
    expect(await run(`${CONFIG} --peer eu=${US_KEY}`)).toMatchObject({ code: 0 });
    expect(await run(`${CONFIG} --peer eu=${US_KEY} --peer eu=U${"C".repeat(55)}`)).toMatchObject({ code: 2 });
  });

  test.each([
    ["region config", "--region is missing"],
    ["region config --region Us", "must be a region's name"],
    ["region config --region us --home eu", "eu must be like <name>=<value>"],
    ["region config --region us --home eu=nats-leaf://user:password@one:7422", "without a user"],
    ["region config --region us --home us=nats-leaf://one:7422", "have different names"],
    ["region config --region us --peer eu=eu", "must be a public key"],
    ["region config --region us --tls-ca-file ca.pem", "TLS takes all three files"],
  ])("%s: %s", async (line, reason) => {
    const { code, err } = await run(line);
    expect([code, err.join(" ")]).toEqual([2, expect.stringContaining(reason)]);
  });
});

describe("sluice bus add --home", () => {
  test("gives a tenant of another home producers, whose keys change as others do", async () => {
    await run(CONFIG);
    expect(await run("bus add acme --home eu")).toMatchObject({ code: 0 });
    const account = () => readFile(join(folder, "producers", "acme.conf"), "utf8");
    expect(await account()).toContain('{ account: "SLUICE_eu", subject: "events.acme.>" }');
    expect(await run("bus rotate acme")).toMatchObject({ code: 0 });
    expect(await account()).toContain('{ account: "SLUICE_eu", subject: "events.acme.>" }');
    expect((await run("bus list --json")).out.map((line) => JSON.parse(line))).toMatchObject([
      { tenant: "acme", home: "eu", keys: [expect.any(String), expect.any(String)] },
    ]);
  });

  test("refuses a home that the region does not hold, and tenants named like its accounts", async () => {
    expect(await run("bus add other --home ap")).toMatchObject({ code: 2 });
    expect(await run("bus add SLUICE_eu")).toMatchObject({ code: 2 });
  });
});

function run(line: string) {
  return sluice([...line.split(" "), "--dir", folder]);
}
