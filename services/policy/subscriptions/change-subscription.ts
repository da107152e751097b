import type { OperatorCommand } from "#shared/contract/edge-questions.ts";
import { AppError } from "#shared/errors/app-error.ts";
import type { Edges } from "../edges/edges.ts";
import type { SubscriptionName } from "./list-subscriptions.ts";
import type { SubscriptionChange } from "./audit-subscription.ts";
import type { SubscriptionBook } from "./subscription-book.ts";

/** What changing a durable subscription takes. */
export interface ChangeSubscriptionDeps {
  readonly book: Pick<SubscriptionBook, "find">;
  readonly edges: Edges;
  /** Told of each change that was made. */
  readonly onChanged: (change: SubscriptionChange) => Promise<void>;
}

/** What is to be done to which subscription, and who asks for it. */
export interface SubscriptionOrder {
  readonly of: SubscriptionName;
  readonly command: OperatorCommand;
  readonly by: string;
  readonly address: string;
}

const CHANGES = {
  pause: "paused",
  resume: "resumed",
  delete: "deleted",
  redeliver: "redelivered",
  drop: "dropped",
} as const satisfies Record<OperatorCommand["do"], SubscriptionChange["change"]>;

/**
 * Has an edge change a durable subscription, as its owner would: its holder carries it out, or whoever is asked where it has none. Policy
 * never writes a record: it would race the holder.
 * @throws {AppError} `not_found`; `unavailable` where no edge is there, and where it does not answer: then it may be done all the same;
 * `subscription_unreadable`.
 */
export async function changeSubscription(deps: ChangeSubscriptionDeps, order: SubscriptionOrder): Promise<void> {
  const { of, command, by, address } = order;
  const { tenant, subject, name } = of;
  const found = await deps.book.find(tenant, subject, name);
  if (found === undefined) throw new AppError("not_found", `${subject} has no such subscription`);
  const worker = await chooseWorker(deps.edges, tenant, found.record?.holder?.connectionId);
  const { answers } = await deps.edges.ask({ ask: "subscription", worker, tenant, subject, name, command });
  const [carriedOut] = answers.map((answer) => answer.carriedOut);
  if (carriedOut === undefined) {
    throw new AppError("unavailable", "the edge did not answer: it may be done all the same; look again");
  }
  if ("refused" in carriedOut) throw new AppError(carriedOut.refused, carriedOut.message);
  const dead = "dead" in command ? { dead: command.dead === "all" ? ("all" as const) : command.dead.length } : {};
  await deps.onChanged({ tenant, subject, subscription: name, change: CHANGES[command.do], ...dead, by, address });
}

/** The worker that holds the subscription, where it is there; any other asks the holder. */
async function chooseWorker(edges: Edges, tenant: string, connectionId: string | undefined): Promise<string> {
  const { answers } = await edges.ask({ ask: "subscriptions", tenant });
  const workers = answers.map(({ from }) => from);
  const chosen = workers.find((worker) => connectionId?.startsWith(`${worker}-`) === true) ?? workers[0];
  if (chosen === undefined) throw new AppError("unavailable", "no edge is there that could do it; try again");
  return chosen;
}
