import { execFile, spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openEventStream } from "#test/support/event-stream.ts";
import type { RunningService } from "#test/support/start-service.ts";
import { type Bus, type Stack, startStack } from "#test/support/start-stack.ts";
import { startTcpProxy } from "#test/support/tcp-proxy.ts";
import { waitFor } from "#test/support/wait.ts";

const run = promisify(execFile);
const SNIPPETS = resolve("docs/snippets");
/** Where the client matrix has its packages, nats-py among them. */
const PYTHON_WITH_NATS = resolve(".sluice/clients/python/bin/python");

type Command = readonly [string, ...string[]];

/** A language: its tool, the argument that the tool says its version to, and how both programs are made ready. */
interface Language {
  readonly name: string;
  readonly tool: readonly [command: string, argument: string];
  prepare(folder: string): Promise<{ readonly consume: Command; readonly publish: Command }>;
}

const LANGUAGES: readonly Language[] = [
  {
    name: "Python",
    tool: ["python3", "--version"],
    prepare: async () => ({
      consume: ["python3", join(SNIPPETS, "python/consume.py")],
      publish: ["python3", join(SNIPPETS, "python/publish.py")],
    }),
  },
  {
    name: "Go",
    tool: ["go", "version"],
    async prepare(folder) {
      const build = async (name: string): Promise<Command> => {
        await run("go", ["build", "-o", join(folder, name), join(SNIPPETS, `go/${name}.go`)]);
        return [join(folder, name)];
      };
      return { consume: await build("consume"), publish: await build("publish") };
    },
  },
  {
    name: "Java",
    tool: ["javac", "-version"],
    async prepare(folder) {
      const sources = ["Consume", "Publish"].map((name) => join(SNIPPETS, `java/${name}.java`));
      await run("javac", ["-J-XX:TieredStopAtLevel=1", "-d", folder, ...sources]);
      const java = ["java", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", folder] as const;
      return { consume: [...java, "Consume"], publish: [...java, "Publish"] };
    },
  },
];

let stack: Stack;
let publisher: RunningService;
let env: NodeJS.ProcessEnv;
let folder: string;
let bus: Bus;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sluice-snippets-"));
  stack = await startStack();
  publisher = await stack.startPublish();
  bus = await stack.bus("demo");
  env = {
    ...process.env,
    SLUICE_TOKEN: (await stack.login("carol")).access_token,
    NATS_USER: "demo",
    NATS_PASSWORD: new URL(stack.nats.url("demo")).password,
  };
});
afterAll(async () => {
  await stack[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

function isThere([command, argument]: readonly [string, string]): boolean {
  return spawnSync(command, [argument]).status === 0;
}

/** Whether a stream of this topic is open. */
async function isListening(topic: string): Promise<boolean> {
  const { body } = await stack.operate("GET", "demo/connections?subject=carol");
  const connections = body["connections"] as { topics: { topic: string }[] }[];
  return connections.some(({ topics }) => topics.some((each) => each.topic === topic));
}

describe.concurrent.each(LANGUAGES.map((language) => [language.name, language] as const))("in %s", (name, language) => {
  test.skipIf(!isThere(language.tool))(
    "a program publishes events, and another goes on where it was when its stream breaks off",
    { timeout: 180_000 },
    async () => {
      const { consume, publish } = await language.prepare(folder);
      await using proxy = await startTcpProxy(stack.edge.ports.http);
      const topic = `issues.opened.${name}`;
      const [command, ...args] = consume;
      const reader = spawn(command, [...args, `http://127.0.0.1:${proxy.port}`, topic, "2"], { env });
      let printed = "";
      reader.stdout.on("data", (text: Buffer) => void (printed += text.toString()));
      const ended = new Promise((end) => void reader.once("close", end));
      try {
        await waitFor("the program listens", () => isListening(topic));
        const [program, ...own] = publish;
        const url = `http://127.0.0.1:${publisher.ports.http}`;
        const { stdout } = await run(program, [...own, url, "issues.opened", name, '{"text":"before"}'], { env });
        expect(JSON.parse(stdout)).toEqual({ ids: [expect.any(String)], duplicates: [] });
        await waitFor("the first event is printed", () => printed.includes("before"));
        proxy.set("reset");
        await bus.publish(`events.demo.${topic}`, '{"text":"while it is away"}');
        proxy.set("pass");
        expect(await ended).toBe(0);
      } finally {
        reader.kill();
      }
      const lines = printed.trim().split("\n");
      const events = lines.map((line) => JSON.parse(line.replace(/^[\w-]+\.\d+\.\w+ /, "")) as object);
      expect(events).toEqual([{ text: "before" }, { text: "while it is away" }]);
    },
  );
});

// The package is there once the client matrix has been provisioned: tests download nothing.
test.skipIf(!existsSync(PYTHON_WITH_NATS))(
  "a program in Python publishes on the bus as a tenant's producer",
  async () => {
    const token = (await stack.login("carol")).access_token;
    await using stream = await openEventStream(`${stack.streamUrl}/v1/stream?topic=issues.opened.nats`, { token });
    await stream.frame("ready");
    const program = [join(SNIPPETS, "python/publish_nats.py"), `nats://127.0.0.1:${stack.nats.port}`, "demo"];
    const { stdout } = await run(PYTHON_WITH_NATS, [...program, "issues.opened.nats", '{"from":"the bus"}'], { env });
    expect(Number(stdout)).toBeGreaterThan(0);
    expect(await stream.receive(1)).toEqual(['{"from":"the bus"}']);
  },
);
