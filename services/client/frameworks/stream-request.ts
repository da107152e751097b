import type { ConnectOptions, Reaction, Schemas } from "../options.ts";

/**
 * A text that is another one where a component asks for another stream. A token may be another person's. Functions are not part of it: they
 * change with each render.
 */
export function requestOf<Given extends Schemas>(options: ConnectOptions<Given>): string {
  const { url, topics, token, credentials, client, subscription, from, presence, share } = options;
  const proof = typeof token === "function" || token;
  return JSON.stringify([url, topics, proof, credentials, client, subscription, from, presence, share]);
}

/** The same options, whose functions are those that the component has when they are called. */
export function followOptions<Given extends Schemas>(current: () => ConnectOptions<Given>): ConnectOptions<Given> {
  const follow =
    <Value>(pick: (options: ConnectOptions<Given>) => Reaction<Value> | undefined) =>
    (value: Value): void => {
      const reaction = pick(current());
      if (typeof reaction === "function") reaction(value);
    };
  const first = current();
  const { token, refresh } = first;
  const fetched = (): Promise<string | undefined> => {
    const { token: latest } = current();
    return typeof latest === "function" ? latest() : Promise.resolve(latest);
  };
  return {
    ...first,
    ...(typeof token === "function" && { token: fetched }),
    ...(refresh && { refresh: async () => current().refresh?.() }),
    onGap: follow(({ onGap }) => onGap),
    onReset: follow(({ onReset }) => onReset),
    onDegraded: follow(({ onDegraded }) => onDegraded),
    ...(first.onInvalid && { onInvalid: follow(({ onInvalid }) => onInvalid) }),
  } as ConnectOptions<Given>;
}

/** The state of a stream that is not opened yet: on a server, and before the first mount. */
export const UNOPENED = { name: "connecting", reason: "opening" } as const;
