import { openEventCounter } from "#test/support/event-counter.ts";
import { startTenants } from "#test/support/start-tenants.ts";
import type { Figure } from "../scenario.ts";
import { quantile } from "../quantile.ts";

const TENANT = "propagation";
const ROUNDS = 400;

/**
 * Gives and takes a role over and over. Given: from the acknowledgement until the first event behind it is at the client.
 * Taken: until the client has been told that its topic fell away. Beside it an event to somebody who held the role all along.
 */
export async function measurePropagation(): Promise<readonly Figure[]> {
  await using tenants = await startTenants([{ id: TENANT, document: DOCUMENT, people: ["keeper", "other"] }]);
  const { stack, change, publish, sign } = tenants;
  const url = `${stack.streamUrl}/v1/stream?topic=secret.>&topic=open.>`;
  let onTaken = (): void => {};
  await using keeper = await openEventCounter(url, await sign(TENANT, "keeper"));
  await using other = await openEventCounter(url, await sign(TENANT, "other"), (event, text) => {
    if (event === "subscription" && text.includes('"granted":false')) onTaken();
  });
  const setRoles = (roles: readonly string[]): Promise<void> =>
    change("PUT", `${TENANT}/subjects/other/roles`, JSON.stringify({ roles }));
  const took = { given: new Array<number>(), taken: new Array<number>(), held: new Array<number>() };
  for (let round = 0; round < ROUNDS; round += 1) {
    await setRoles(["reader", "holder"]);
    const text = `round ${round}`;
    const givenAt = performance.now();
    const note = (list: number[]) => (): void => void list.push(performance.now() - givenAt);
    const both = [other.seen(text).then(note(took.given)), keeper.seen(text).then(note(took.held))];
    await publish(TENANT, "secret.told.x", text);
    await Promise.all(both);

    let toldAt = 0;
    const told = Promise.withResolvers<void>();
    onTaken = () => {
      toldAt = performance.now();
      told.resolve();
    };
    await setRoles(["reader"]);
    const takenAt = performance.now();
    await told.promise;
    // Mostly the client is told before the administrator: the log says it to the edge and to policy at the same time.
    took.taken.push(Math.max(0, toldAt - takenAt));
  }
  const rows = (name: string, values: readonly number[], goal?: Figure["goal"]): Figure[] => [
    { name: `${name}, p50`, value: quantile(values, 0.5), unit: "ms" },
    { name: `${name}, p99`, value: quantile(values, 0.99), unit: "ms", ...(goal === undefined ? {} : { goal }) },
  ];
  return [
    ...rows("event to who held the role", took.held),
    ...rows("role given → first event", took.given, { atMost: 50 }),
    ...rows("role taken → told", took.taken, { atMost: 50 }),
  ];
}

const DOCUMENT = JSON.stringify({
  tenant: TENANT,
  roles: { reader: { allow: ["open:read"] }, holder: { allow: ["secret:read"] }, keeper: { allow: ["*:*"] } },
  bindings: [
    { role: "keeper", subjects: ["keeper"] },
    { role: "reader", subjects: ["other"] },
  ],
  events: { "open.*": "open:read", "secret.*": "secret:read" },
});
