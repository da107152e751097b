import { readFile } from "node:fs/promises";
import type { Publication } from "../shared/connect-producer.ts";
import { encodeName } from "#shared/protocol/encode-name.ts";

/** A webhook delivery as GitHub sent it. */
export interface Delivery {
  /** The event's name, as in the header `X-GitHub-Event`: `issues`. */
  readonly name: string;
  readonly payload: {
    readonly action?: string | undefined;
    readonly repository?: { readonly name: string } | null | undefined;
  };
}

/** Reads the deliveries of `@octokit/webhooks-examples`, each name's spread evenly over all: nobody waits long for theirs. */
export async function readDeliveries(): Promise<Delivery[]> {
  const text = await readFile(new URL(import.meta.resolve("@octokit/webhooks-examples")), "utf8");
  const definitions = JSON.parse(text) as { name: string; examples: Delivery["payload"][] }[];
  const placed = definitions.flatMap(({ name, examples }) =>
    examples.map((payload, index) => ({ at: (index + 0.5) / examples.length, delivery: { name, payload } })),
  );
  return placed.toSorted((a, b) => a.at - b.at).map(({ delivery }) => delivery);
}

/**
 * Puts a delivery under its topic: the event's name, its action (`event` where it has none), and the repository where it
 * is about one, each as a token: GitHub allows dots in the names of repositories.
 */
export function toPublication({ name, payload }: Delivery): Publication {
  const { action = "event", repository } = payload;
  const tokens = repository ? [name, action, repository.name] : [name, action];
  return { topic: tokens.map(encodeName).join("."), payload: JSON.stringify(payload) };
}
