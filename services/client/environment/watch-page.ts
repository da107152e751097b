import type { LifeSign } from "./environment.ts";

/** The signs by the events that say them. `visibilitychange` says both directions, and `pageshow` the first showing, too. */
const SIGNS: readonly (readonly [target: "window" | "document", event: string, sign: LifeSign])[] = [
  ["window", "pagehide", "suspend"],
  ["window", "pageshow", "wake"],
  ["window", "offline", "offline"],
  ["window", "online", "online"],
  ["document", "freeze", "suspend"],
  ["document", "resume", "wake"],
  ["document", "visibilitychange", "look"],
];

/** Tells what happens to this page, or worker, until the answer is called. Node has no such events. */
export function watchPage(listener: (sign: LifeSign) => void): () => void {
  const { document } = globalThis as { readonly document?: EventTarget & { readonly visibilityState?: string } };
  const targets = {
    window: globalThis as Partial<EventTarget>,
    document: document as Partial<EventTarget> | undefined,
  };
  const stops = SIGNS.map(([name, event, sign]) => {
    const hear = (): void => {
      if (sign !== "look" || document?.visibilityState === "visible") listener(sign);
    };
    targets[name]?.addEventListener?.(event, hear);
    return () => targets[name]?.removeEventListener?.(event, hear);
  });
  return () => {
    for (const stop of stops) stop();
  };
}
