import { jetstreamManager } from "@nats-io/jetstream";
import { type ConnectionEntry, connectionSubject, tenantConnections } from "#shared/contract/connection-log.ts";
import { readConnectionEntries } from "../../services/policy/bus/person-history.ts";
import { connectBus } from "../shared/connect-bus.ts";

/**
 * Reads what the connection log keeps of a tenant's streams, or of one person's, from the oldest entry on.
 * @throws {ScriptError} where the bus is out of reach.
 */
export async function readConnections(
  tenant: string,
  subject: string | undefined,
  env: NodeJS.ProcessEnv,
): Promise<{ readonly entries: readonly ConnectionEntry[]; readonly isWhole: boolean }> {
  await using stack = new AsyncDisposableStack();
  const nats = stack.adopt(await connectBus("policy", env), (connection) => connection.close());
  const manager = await jetstreamManager(nats, { checkAPI: false });
  const entries: ConnectionEntry[] = [];
  const asked = subject === undefined ? tenantConnections(tenant) : connectionSubject(tenant, subject, "*");
  const read = await readConnectionEntries(manager, asked, (entry) => {
    // An edge may write whatever it likes under a person's subject.
    if (entry.tenant === tenant && (subject === undefined || entry.subject === subject)) entries.push(entry);
  });
  return { entries, isWhole: read === "all" };
}
