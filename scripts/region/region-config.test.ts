import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { sluice } from "#test/support/run-sluice.ts";
import { closeLink } from "../commands/region/link.ts";
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
    // What one of three servers reads: its JetStream block takes the place of the region's.
    const cluster = await readFile(join(folder, "cluster", "nats.conf"), "utf8");
    expect(cluster).toMatch(/^jetstream \{\n {2}domain: "us"$/m);
    expect(cluster).toMatch(/^cluster \{\n {2}name: "us"$/m);
  });

  test("leaves a link closed that was closed with a promotion, until link open has looked who takes events", async () => {
    await run(CONFIG);
    expect(await run("region link close --home eu")).toMatchObject({ code: 0 });
    await run("region config --region us");
    const { code, out } = await run(`${CONFIG} --peer eu=${US_KEY}`);
    expect([code, out.join(" ")]).toEqual([0, expect.stringContaining("The link of home eu stays closed")]);
    expect(await readFile(join(folder, "nats.conf"), "utf8")).toContain("disabled: true");
    await rm(join(folder, "region.json"));
  });

  test.each([
    ["us=nats://operator-eu:x@127.0.0.1:9", "does not say where region eu is; of home eu it is eu=nats://operator:…"],
    [
      "eu=nats://operator-us:x@127.0.0.1:9 us=nats://operator:x@127.0.0.1:9",
      "comes to region us as operator; of home eu it is us=nats://operator-eu:…",
    ],
  ])("opens no link of home eu where SLUICE_REGIONS is %s, and a promotion closes none", async (urls, reason) => {
    await run(CONFIG);
    const env = { SLUICE_REGIONS: urls };
    const { code, err } = await sluice(["region", "link", "open", "--home", "eu", "--dir", folder], { env });
    expect([code, err.join(" ")]).toEqual([1, expect.stringContaining(reason)]);
    const closing = closeLink({ home: "eu", dir: folder }, "us", { env });
    await expect(closing).rejects.toThrow(reason);
    await expect(closeLink({ home: "eu", dir: folder }, "eu", { env })).rejects.toThrow(
      "is of region us, and not of eu",
    );
    expect(await readFile(join(folder, "nats.conf"), "utf8")).toContain("disabled: false");
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
