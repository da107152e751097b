import { describe, expect, test } from "vitest";
import { createSluice } from "../commands/run-sluice.ts";
import { silentTerminal } from "../shared/silent-terminal.ts";
import { type PublishOptions, readPublishOptions as readGiven } from "./publish-options.ts";

/** The options of a command line, as the command reads them. */
function readPublishOptions(args: readonly string[], env: NodeJS.ProcessEnv): PublishOptions | undefined {
  const publish = createSluice(silentTerminal(env)).commands.find((group) => group.name() === "demo")?.commands[0];
  let options: PublishOptions | undefined;
  publish?.action((given: unknown) => void (options = readGiven(given, env)));
  publish?.parse(args, { from: "user" });
  return options;
}

describe("the publisher's command line", () => {
  test("says nothing of what the demo already knows", () => {
    expect(readPublishOptions([], {})).toEqual({
      tenant: "demo",
      ratePerSecond: 20,
      count: Infinity,
      natsUrl: "nats://demo:sluice-demo@127.0.0.1:4222",
    });
  });

  test("names a tenant, whose producer publishes", () => {
    expect(readPublishOptions(["--tenant", "rival"], {})?.natsUrl).toBe("nats://rival:sluice-demo@127.0.0.1:4222");
  });

  test("ends after a count or one pass", () => {
    expect(readPublishOptions(["--count", "7"], {})?.count).toBe(7);
    expect(readPublishOptions(["--once"], {})?.count).toBeUndefined();
  });

  test("leaves where NATS is to the environment", () => {
    const natsUrl = "nats://me:secret@nats.example:4333";
    expect(readPublishOptions([], { NATS_PORT: "5222" })?.natsUrl).toBe("nats://demo:sluice-demo@127.0.0.1:5222");
    expect(readPublishOptions([], { NATS_URL: natsUrl, NATS_PORT: "5222" })?.natsUrl).toBe(natsUrl);
  });

  test("has a variable of its own, and the tenant's own producer where the URL names nobody", () => {
    const env = { DEMO_NATS_URL: "nats://nats:4222", NATS_URL: "nats://stream:secret@nats:4222" };
    expect(readPublishOptions([], env)?.natsUrl).toBe("nats://demo:sluice-demo@nats:4222");
    expect(readPublishOptions(["--tenant", "rival"], env)?.natsUrl).toBe("nats://rival:sluice-demo@nats:4222");
  });

  test.for(["0.5", "10000"])("takes a rate of %s", (rate) => {
    expect(readPublishOptions(["--rate", rate], {})?.ratePerSecond).toBe(Number(rate));
  });

  test.for([
    [["--rate", "0"], "--rate must be"],
    [["--rate=-1"], "--rate must be"],
    [["--rate", "10001"], "--rate must be"],
    [["--rate", "fast"], "--rate must be"],
    [["--rate", "NaN"], "--rate must be"],
    [["--count", "0"], "--count must be"],
    [["--count", "1.5"], "--count must be"],
    [["--count", "3", "--once"], "either --count or --once"],
    [["--tenant", "de.mo"], "--tenant must be"],
    [["--tenant", ">"], "--tenant must be"],
    [["--speed", "3"], "unknown option '--speed'"],
    [["now"], "too many arguments"],
  ] as const)("refuses %s", ([args, message]) => {
    expect(() => readPublishOptions(args, {})).toThrow(message);
  });

  test("refuses a NATS_URL that is none", () => {
    expect(() => readPublishOptions([], { NATS_URL: "localhost" })).toThrow("NATS_URL must be a URL");
  });
});
