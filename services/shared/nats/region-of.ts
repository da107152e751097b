import type { NatsConnection } from "@nats-io/transport-node";

/** The region of a bus, which is the name of its JetStream domain; undefined for a bus that is in none. */
export function regionOf({ info }: Pick<NatsConnection, "info">): string | undefined {
  const domain = (info as { readonly domain?: unknown } | undefined)?.domain;
  return typeof domain === "string" && domain !== "" ? domain : undefined;
}
