import { jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { within } from "#shared/async/within.ts";
import type { ReadinessCheck } from "#shared/lifecycle/readiness.ts";

/** A broker that is far away answers late; only one that is silent for so long is out of reach. */
const SILENT_MS = 10_000;

/** A look waits no longer for an answer that is under way. */
const WAIT_MS = 1_000;

/**
 * Checks that NATS is connected, and that its JetStream answers this user, where the user may ask it anything. Each look asks: a question
 * that a broken route has lost must not keep a service from being ready once the route is back.
 */
export function createLogCheck(
  nats: NatsConnection,
  { asksJetStream = true, silentMs = SILENT_MS }: { readonly asksJetStream?: boolean; readonly silentMs?: number } = {},
): ReadinessCheck {
  let isConnected = true;
  let fault: string | undefined;
  let [asked, answered] = [0, 0];
  const follow = async (): Promise<void> => {
    for await (const { type } of nats.status()) {
      if (type === "disconnect") isConnected = false;
      if (type === "reconnect") isConnected = true;
    }
  };
  const ask = async (): Promise<void> => {
    const number = (asked += 1);
    try {
      await (await jetstreamManager(nats, { checkAPI: false, timeout: silentMs })).getAccountInfo();
      answered = Math.max(answered, number);
      fault = undefined;
    } catch (error) {
      if (number < answered) return;
      fault = `JetStream does not answer this user (${(error as Error).message}): see that it is enabled for the account of the services`;
    }
  };
  void follow();
  return async () => {
    if (nats.isClosed()) return "the connection to NATS is closed";
    if (!isConnected) return "NATS is out of reach: see that the server runs, and NATS_URL";
    if (asksJetStream) await within(WAIT_MS, ask());
    return fault;
  };
}
