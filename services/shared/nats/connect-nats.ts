import { connect, type ConnectionOptions, errors, type NatsConnection } from "@nats-io/transport-node";
import { jetstreamManager } from "@nats-io/jetstream";
import { within } from "#shared/async/within.ts";
import { BootError } from "#shared/config/read-config.ts";
import { formatAddress } from "#shared/config/server-urls.ts";
import type { Logger } from "#shared/log/create-logger.ts";
import { limitLines } from "#shared/log/limit-lines.ts";
import { explainFailure, findMissingCertificate } from "./explain-failure.ts";
import { natsTargetOf } from "./nats-options.ts";
import type { NatsSettings } from "#shared/config/nats-settings.ts";

/** Round trips of up to 8 s, and half as long again: connecting takes two of them, and a ping is answered within three. */
const CONNECT_TIMEOUT_MS = 30_000;
const FIRST_QUESTION_MS = 1_000;
const PING_INTERVAL_MS = 5_000;
const MAX_PINGS_OUT = 3;

/** The oldest server whose JetStream reports a recreated stream instead of clamping a start sequence in silence. */
const MIN_VERSION = [2, 12] as const;

/** After that long without a connection the servers are asked why; a certificate that is missing shows only so. */
const PATIENCE_MS = 3_000;

/**
 * Connects as the settings say, and keeps reconnecting for ever. Replies arrive under `_INBOX.<user>`, which is all this user
 * may subscribe to. A user that only publishes into JetStream may ask it nothing: `asksJetStream` says whether it can be asked.
 * @throws {BootError} when the server refuses the user, is older than 2.12, or has no JetStream for this account; it says why.
 */
export async function connectNats(
  settings: NatsSettings,
  service: string,
  log: Logger,
  { asksJetStream = true }: { readonly asksJetStream?: boolean } = {},
): Promise<NatsConnection> {
  const connection = await openConnection(settings, service);
  try {
    requireVersion(connection);
    if (asksJetStream) await requireJetStream(connection);
  } catch (error) {
    await connection.close();
    throw error;
  }
  void followStatus(connection, log);
  return connection;
}

/** Lets what was sent arrive, then closes. A server that is silent or out of reach holds the process for 1.2 s at most. */
export async function drainNats(connection: NatsConnection): Promise<void> {
  await within(1_000, connection.drain());
  await within(200, connection.close());
}

async function openConnection(settings: NatsSettings, service: string): Promise<NatsConnection> {
  const target = await natsTargetOf(settings, service);
  const connecting = connect({ ...target, ...optionsOf(service) });
  const fail = (reason: string, advice: string): never => {
    const servers = settings.NATS_URL.servers.map(formatAddress).join(", ");
    throw new BootError(`cannot connect to NATS at ${servers} (${reason}); ${advice}`);
  };
  const explained = connecting.catch(async (error: Error) =>
    fail(error.message.trim(), await explainFailure(error, settings)),
  );
  if (await within(PATIENCE_MS, explained)) return explained;
  const missing = await findMissingCertificate(settings);
  return missing === undefined ? explained : fail("no answer", missing);
}

function optionsOf(service: string): ConnectionOptions {
  return {
    name: `sluice-${service}`,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 250,
    reconnectJitter: 250,
    timeout: CONNECT_TIMEOUT_MS,
    pingInterval: PING_INTERVAL_MS,
    maxPingOut: MAX_PINGS_OUT,
    // Stack traces for every request cost half of the client's throughput (11 400 against 22 600 requests a second).
    noAsyncTraces: true,
  };
}

function requireVersion(connection: NatsConnection): void {
  const version = connection.info?.version ?? "0.0.0";
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major < MIN_VERSION[0] || (major === MIN_VERSION[0] && minor < MIN_VERSION[1])) {
    throw new BootError(`NATS ${MIN_VERSION.join(".")} or newer is needed, this server is ${version}`);
  }
}

async function requireJetStream(connection: NatsConnection): Promise<void> {
  try {
    await askJetStream(connection, FIRST_QUESTION_MS);
  } catch (error) {
    throw new BootError(explainJetStream(error as Error));
  }
}

/** Servers that have no leader yet drop what they are asked: it is asked again, with more time, for half a minute in all. */
async function askJetStream(connection: NatsConnection, timeout: number): Promise<void> {
  const manager = await jetstreamManager(connection, { checkAPI: false, timeout });
  try {
    await manager.getAccountInfo();
  } catch (error) {
    if (!(error instanceof errors.TimeoutError) || timeout >= CONNECT_TIMEOUT_MS / 2) throw error;
    await askJetStream(connection, 2 * timeout);
  }
}

function explainJetStream(error: Error): string {
  const { message } = error;
  const denied = [error, error.cause].find((each) => each instanceof errors.PermissionViolationError);
  if (denied instanceof errors.PermissionViolationError) {
    return `NATS does not let this user ${denied.operation} ${denied.subject}; infra/nats/nats.conf says what each service's user needs`;
  }
  return `JetStream does not answer this user (${message}); enable it for the account of the services, see infra/nats/nats.conf`;
}

/** Permission violations are reported nowhere else, so the connection's status is read as long as it lives. */
async function followStatus(connection: NatsConnection, log: Logger): Promise<void> {
  using refusals = limitLines(log);
  let isAway = false;
  for await (const status of connection.status()) {
    if (status.type === "error") {
      refusals.write("error", "refused", { reason: status.error.message }, "NATS refused something");
    } else if (status.type === "disconnect") {
      endBrokenGreeting(connection);
      if (!isAway) log.warn("NATS is out of reach");
      isAway = true;
    } else if (status.type === "reconnect") {
      log.info("NATS is back");
      isAway = false;
    }
  }
}

/** What nats.js keeps of a connection that it is making: its socket, and how it is told that it fails. */
interface Greeting {
  readonly protocol: {
    readonly transport: { readonly isClosed: boolean };
    readonly connectError?: (error: Error) => void;
  };
}

/**
 * A server that stops may close between its INFO and its PONG. nats.js would wait for that PONG as long as connecting may take; told that
 * none comes, it tries again.
 */
function endBrokenGreeting(connection: NatsConnection): void {
  const { protocol } = connection as unknown as Greeting;
  if (protocol.transport.isClosed) protocol.connectError?.(new Error("the server closed before the greeting was over"));
}
