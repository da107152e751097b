import type { SubscriptionStore } from "./subscription-store.ts";

/** The same store, which refuses whoever begins with it while `requireHere` throws: its records are written in another region. */
export function atHome(store: SubscriptionStore, requireHere: () => void): SubscriptionStore {
  return {
    ...store,
    async read(key) {
      requireHere();
      return store.read(key);
    },
    async names(owner) {
      requireHere();
      return store.names(owner);
    },
  };
}
