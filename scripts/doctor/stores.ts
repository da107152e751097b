import { jetstreamManager } from "@nats-io/jetstream";
import { openRedis } from "../backup/redis-dump.ts";
import { redisOfBackup } from "../backup/redis-of-backup.ts";
import { connectBus } from "../shared/connect-bus.ts";
import { fail, type Finding, ok, warn } from "../shared/finding.ts";
import { natsVersionFinding } from "./nats-version.ts";

const FAR_MS = 20;

/** How nats-server and its JetStream are, as policy reaches them. */
export async function busFindings(env: NodeJS.ProcessEnv): Promise<Finding[]> {
  try {
    await using stack = new AsyncDisposableStack();
    const nats = stack.adopt(await connectBus("policy", env), (connection) => connection.close());
    // The client's types do not name it.
    const { version = "", domain } = (nats.info ?? {}) as { readonly version?: string; readonly domain?: string };
    const rtt = await nats.rtt();
    const { storage, streams, limits } = await (await jetstreamManager(nats)).getAccountInfo();
    return [
      natsVersionFinding(version, domain),
      rtt <= FAR_MS
        ? ok("bus", `${rtt} ms away`)
        : warn("bus", `${rtt} ms away`, "Every event comes so much later: run edges near the bus."),
      roomOf(storage, limits.max_storage, streams),
    ];
  } catch (error) {
    return [fail("bus", (error as Error).message, "docs/operate/nats.md says what each service needs of it.")];
  }
}

function roomOf(bytes: number, max: number, streams: number): Finding {
  const found = `${streams} streams of ${Math.round(bytes / 1024)} KiB${max > 0 ? `, at most ${Math.round(max / 1024)} KiB` : ""}`;
  if (max <= 0 || bytes < max * 0.8) return ok("bus", found);
  return warn("bus", found, "A full store takes no event and no revocation: give JetStream more room.");
}

/** How Redis keeps what it is given; and how far its clock is from this machine's. */
export async function redisFindings(env: NodeJS.ProcessEnv): Promise<Finding[]> {
  try {
    await using redis = await openRedis(redisOfBackup(env));
    const facts = factsOf(await redis.info());
    const before = Date.now();
    const [seconds, micros] = await redis.time();
    const theirs = Number(seconds) * 1_000 + Number(micros) / 1_000;
    const [policy, aof, written] = ["maxmemory_policy", "aof_enabled", "aof_last_write_status"].map((name) =>
      facts.get(name),
    );
    return [
      ok(
        "redis",
        `${facts.get("server_name") ?? "redis"} ${facts.get("valkey_version") ?? facts.get("redis_version") ?? ""}`,
      ),
      policy === "noeviction"
        ? ok("redis", "noeviction")
        : fail(
            "redis",
            `maxmemory-policy ${policy}`,
            "A spent token that is evicted is accepted again: set noeviction.",
          ),
      aof === "1"
        ? ok("redis", "keeps an append-only file")
        : fail("redis", "keeps no append-only file", "A restart forgets sessions: set appendonly yes."),
      written === "ok" || aof !== "1"
        ? ok("redis", "its last write succeeded")
        : fail("redis", `its last write: ${written}`, "Its disk is full or broken."),
      clockFinding("redis", theirs - (before + Date.now()) / 2),
    ];
  } catch (error) {
    return [fail("redis", (error as Error).message, "docs/operate/redis.md says what auth needs of it.")];
  }
}

function factsOf(info: string): ReadonlyMap<string, string> {
  const pairs = info.split("\r\n").map((line) => line.split(":"));
  return new Map(pairs.map(([name = "", value = ""]) => [name, value]));
}

/** By how much a clock may be off before anybody notices. */
const MAX_OFF_MS = 2_000;

/** What it means that a clock differs from this machine's by so much. */
export function clockFinding(whose: string, offMs: number): Finding {
  const found = `the clock of ${whose} is ${(Math.abs(offMs) / 1_000).toFixed(1)} s ${offMs < 0 ? "behind" : "ahead"}`;
  if (Math.abs(offMs) <= MAX_OFF_MS) return ok("clocks", found);
  return fail("clocks", found, `${consequenceOf(whose)} Have every machine follow the same time (chrony, NTP).`);
}

/** Every service judges tokens by auth's time, whatever its own clock says. */
function consequenceOf(whose: string): string {
  if (whose === "auth")
    return "Tokens are judged by it: those of another auth or an outside issuer are refused, or live too long.";
  const others = "Tokens are judged by auth's clock: none is refused for this.";
  if (whose === "policy") return `${others} Rights that begin or end at a time do so early or late.`;
  if (whose === "redis") return `${others} Counts and sessions last as long as they should.`;
  return `${others} Its lines and metrics have wrong times, and its windows of limits are not those of others.`;
}
