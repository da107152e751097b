import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { parse, parseDocument } from "yaml";
import { projectPath } from "../shared/project-folder.ts";

const read = (...path: string[]): Promise<string> => readFile(projectPath("infra", ...path), "utf8");

test("the users that Valkey's own chart makes have the rights of redis.conf", async () => {
  const conf = await read("redis", "redis.conf");
  const users = Array.from(conf.matchAll(/^user (\w+) on #\S+ (.+)$/gm), ([, name = "", permissions]) => [
    name,
    { permissions },
  ]);
  const { auth } = parse(await read("helm", "with", "valkey.yaml")) as { auth: { aclUsers: Record<string, object> } };
  const { default: _, ...made } = auth.aclUsers;
  expect(made).toEqual(Object.fromEntries(users));
});

test("NATS' own chart gets each password that nats.conf asks for, but those of producers", async () => {
  const asked = new Set(Array.from((await read("nats", "nats.conf")).matchAll(/\$(NATS_\w+)/g), ([, name]) => name));
  const { container } = parse(await read("helm", "with", "nats.yaml")) as { container: { env: object } };
  expect(new Set(Object.keys(container.env))).toEqual(asked);
});

test("a full Redis refuses what is written before the kernel ends it, which it would at every start again", async () => {
  type Services = { services: Record<string, { command: string[]; mem_limit: string }> };
  const compose = parse(await readFile(projectPath("docker-compose.yml"), "utf8"), { merge: true }) as Services;
  // Of the tags that compose knows nothing is needed here.
  const { services } = parseDocument(await read("docker", "cluster.yml"), {
    merge: true,
    logLevel: "silent",
  }).toJS() as Services;
  const valkey = parse(await read("helm", "with", "valkey.yaml")) as {
    valkeyConfig: string;
    resources: { limits: { memory: string } };
  };
  const alone = compose.services["redis"];
  const said = [
    [alone?.command.join(" "), alone?.mem_limit],
    ...["redis", "redis-2"].map((name) => [services[name]?.command.join(" "), alone?.mem_limit]),
    [valkey.valkeyConfig, valkey.resources.limits.memory],
  ];
  const shares = said.map(([text, limit]) => bytesOf(/maxmemory (\w+)/.exec(text ?? "")?.[1]) / bytesOf(limit));
  // What it needs beside its keys: a copy of what changes while it writes its file anew, and replicas' buffers.
  for (const share of shares) expect(share).toBeLessThanOrEqual(0.75);
});

function bytesOf(text = ""): number {
  const [, digits = "", unit = ""] = /^(\d+)([kmg])(?:i|b)?$/i.exec(text) ?? [];
  return Number(digits || Number.NaN) * 1024 ** " kmg".indexOf(unit.toLowerCase());
}
