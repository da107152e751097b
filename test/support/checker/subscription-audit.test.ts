import { expect, test } from "vitest";
import {
  auditSubscription,
  concludeSubscription,
  type SubscriptionAccount,
  type SubscriptionMoment,
} from "./subscription-audit.ts";

const idOf = (seq: number): string => `epoch.${seq}.tag`;
const published = (text: string, at = 0): SubscriptionMoment => ({ of: "published", text, at });
const received = (seq: number, openedAt = 0): SubscriptionMoment => {
  return { of: "received", id: idOf(seq), text: `${seq}`, openedAt };
};
const acknowledged = (seq: number, at = seq): SubscriptionMoment => ({ of: "acknowledged", id: idOf(seq), at });
const dead = (seq: number, deliveries = 3): SubscriptionMoment => ({ of: "dead", id: idOf(seq), deliveries });

const BEGINNING = [published("1"), published("2"), received(1), received(2)];

test("a run in which all is acknowledged or dead is sound, also where events came again that may have been on their way", () => {
  const moments = [...BEGINNING, received(1), acknowledged(1, 6), received(1), received(1, 5), dead(2)];
  const account = auditSubscription(moments, { maxDeliver: 3 });
  expect(concludeSubscription(account)).toMatch(/^sound: published 2, received 5, acknowledged 1, dead 1, lost 0/);
});

test.each<[string, Partial<SubscriptionAccount>, readonly SubscriptionMoment[]]>([
  ["an event never comes", { lost: 1 }, [published("3"), acknowledged(1), acknowledged(2)]],
  ["an event is neither acknowledged nor dead", { forgotten: 1 }, [acknowledged(1)]],
  [
    "what was acknowledged comes again by a new connection",
    { acknowledgedAgain: 1 },
    [acknowledged(1, 10), acknowledged(2, 10), received(1, 11)],
  ],
  [
    "what was acknowledged comes again behind a later event",
    { acknowledgedAgain: 1 },
    [acknowledged(1, 10), acknowledged(2, 10), published("3", 11), received(3), received(1), acknowledged(3, 12)],
  ],
  [
    "a first delivery is late",
    { outOfOrder: 1, lost: 0 },
    [received(4), received(3), ...[1, 2, 3, 4].map((seq) => acknowledged(seq, 9))],
  ],
  ["what was acknowledged is dead", { deadAgain: 1 }, [acknowledged(1), acknowledged(2), dead(2)]],
  ["a letter is dead too early", { deadEarly: 1 }, [acknowledged(1), dead(2, 2)]],
])("a run in which %s is not", (_, counts, moments) => {
  const account = auditSubscription([...BEGINNING, ...moments], { maxDeliver: 3 });
  expect(account).toMatchObject(counts);
  expect(() => concludeSubscription(account)).toThrow(/^UNSOUND/);
});

test("nor is one without deliveries", () => {
  expect(() => concludeSubscription(auditSubscription([], { maxDeliver: 3 }))).toThrow(/^UNSOUND/);
});
