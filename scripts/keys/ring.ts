import type { KeyRingStore } from "../../services/auth/keys/follow-key-ring.ts";
import { type KeyRing, publishedKeys, withdraw } from "../../services/auth/keys/key-ring.ts";
import { ScriptError } from "../shared/run-script.ts";
import { tableOf } from "../shared/table.ts";

/** What a command about the keys has to say: for programs, and for people. */
export interface RingAnswer {
  readonly result: object;
  readonly text: string;
}

/** The keys as a table. */
export async function listKeys(store: KeyRingStore): Promise<RingAnswer> {
  const { ring } = await readRing(store);
  const rows = publishedKeys(ring).map(({ state, key }) => {
    const since = { published: key.publishedAt, signing: key.signingAt, retired: key.retiredAt }[state];
    return [key.kid, key.alg, state, timeOf(since), timeOf(key.publishedAt)];
  });
  const gone = ring.withdrawn.map(({ kid, withdrawnAt }) => [kid, "", "withdrawn", timeOf(withdrawnAt), ""]);
  const head = ["kid", "alg", "state", "since", "published"];
  const keys = [...rows, ...gone].map((row) => Object.fromEntries(head.map((name, place) => [name, row[place]])));
  const result = { keys, rotationRequested: ring.rotationRequested };
  const lines = tableOf([head, ...rows, ...gone]);
  const text = ring.rotationRequested ? `${lines}\na rotation was asked for and waits for the published key` : lines;
  return { result, text };
}

/** Has the next key sign as soon as it may. */
export async function requestRotation(store: KeyRingStore): Promise<RingAnswer> {
  const { next } = await change(store, (ring) => ({ ...ring, rotationRequested: true }));
  if (next === undefined) {
    return { result: {}, text: "auth rotates once it has published a next key for AUTH_KEY_PUBLISH_SECONDS" };
  }
  const published = timeOf(next.publishedAt);
  const text = `${next.kid} signs once it has been published for AUTH_KEY_PUBLISH_SECONDS; it is since ${published}`;
  return { result: { next: next.kid, published }, text };
}

/** Takes a compromised key out of use for good. */
export async function withdrawKey(store: KeyRingStore, kid: string, now: number): Promise<RingAnswer> {
  const { signing } = await change(store, (ring) => {
    if (ring.withdrawn.some((key) => key.kid === kid)) return ring;
    const without = withdraw(ring, kid, now);
    if (without === undefined) throw new ScriptError(`there is no key ${kid}; sluice keys list shows what there is`);
    return without;
  });
  const successor = signing === undefined ? "auth makes a new key that signs" : `${signing.kid} signs`;
  const text = `${kid} is withdrawn: its tokens are refused and its streams end within seconds; ${successor}`;
  return { result: { withdrawn: kid, signing: signing?.kid ?? null }, text };
}

async function change(store: KeyRingStore, apply: (ring: KeyRing) => KeyRing): Promise<KeyRing> {
  for (;;) {
    const { ring, revision } = await readRing(store);
    const changed = apply(ring);
    if (changed === ring || (await store.replace(changed, revision))) return changed;
  }
}

async function readRing(store: KeyRingStore): Promise<{ ring: KeyRing; revision: number }> {
  const { ring, revision } = await store.read();
  if (ring === undefined) throw new ScriptError("there are no keys yet: auth makes them when it first starts");
  if (ring === "unreadable") throw new ScriptError("what stands in the bucket sluice_keys is not a ring of keys");
  return { ring, revision };
}

function timeOf(ms: number | undefined): string {
  return ms === undefined ? "" : new Date(ms).toISOString();
}
