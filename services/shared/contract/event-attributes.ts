/** A message's headers, whoever sent it. */
interface Headers {
  keys(): string[];
  get(name: string): string;
}

const NONE: Readonly<Record<string, string>> = Object.freeze({});

/** The headers of an event that count, by lower-case name: `Nats-Msg-Id`, and the `ce-*` of CloudEvents' NATS binding. */
export function attributesOf(headers: Headers | undefined): Readonly<Record<string, string>> {
  const kept = headers?.keys().filter((name) => isAttribute(name.toLowerCase())) ?? [];
  if (headers === undefined || kept.length === 0) return NONE;
  return Object.fromEntries(kept.map((name) => [name.toLowerCase(), headers.get(name)]));
}

function isAttribute(name: string): boolean {
  return name === "nats-msg-id" || name.startsWith("ce-");
}
