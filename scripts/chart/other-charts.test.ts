import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { parse } from "yaml";
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
