import { expect, test } from "vitest";
import { createRouteRig } from "#test/rigs/route-rig.ts";
import { addSubscriptionRoutes, type SubscriptionRoutes } from "./subscription-routes.ts";

test.each(["acks", "nacks"])(
  "%s count by their ids, too: no more of them are read than honest clients have",
  async (path) => {
    const { api, reading, ask } = createRouteRig({ acksPerSubjectPerMinute: 25 });
    addSubscriptionRoutes(api, {
      ...reading,
      edge: {
        sessions: { check: async () => ({ state: "live", remainingMs: 1_000, isFinal: false }) },
        subscriptions: { holds: { find: () => undefined }, store: { read: async () => undefined } },
      },
    } as unknown as SubscriptionRoutes);
    const send = async (count: number): Promise<unknown> => {
      const ids = Array.from({ length: count }, (_, seq) => `e.${seq}.t`);
      return (await ask("POST", `/v1/subscriptions/orders/${path}`, { ids }))?.["code"];
    };
    // What is let on finds that there is no such subscription.
    const codes = [];
    for (const ids of [10_000, 1_000, 10_000, 1_001, 1_000, 1_001, 1_000]) codes.push(await send(ids));
    const [on, refused] = ["not_found", "too_many_requests"];
    expect(codes).toEqual([on, on, on, on, on, refused, refused]);
  },
);
