import { MAX_ERASED_IDS } from "#shared/contract/control-entry.ts";
import { type InputsWorld, whileListening } from "./inputs-world.ts";
import { answers, type OutsideInput } from "./outside-input.ts";

/** A name may be this long. */
const LONGEST_NAME = "n".repeat(256);

/** Names that one change of policy may affect before it affects everybody. */
const MAX_AFFECTED = 1_000;

/** What one command of an administrator makes auth and policy write into a tenant's log, as an edge reads it. */
export function controlInputs(world: InputsWorld): readonly OutsideInput[] {
  const control = (kind: string, name: string, smallest: object, largest: object): OutsideInput => ({
    name: `edge, ${name}`,
    through: [`control ${kind}`],
    service: world.stack.edge,
    answers: answers(200),
    send: (size) =>
      whileListening(world, async () => {
        const entry = JSON.stringify(size === "largest" ? largest : smallest);
        const sender = kind === "session" ? world.authBus : world.policyBus;
        await sender.publish(`control.demo.${kind}`, entry);
        await world.bus.publish("events.demo.issues.opened.behind", "1");
      }),
  });
  const ids = (count: number, length: number): string[] =>
    Array.from({ length: count }, (_, index) => `${"e".repeat(8)}.${index}.t`.padEnd(length, "t"));
  const names = Array.from({ length: MAX_AFFECTED }, (_, index) => `${index}-${LONGEST_NAME}`.slice(0, 256));
  const version = { version: 1, build: "inputs" };
  return [
    control(
      "erased",
      "an erasure by ids",
      { ids: ids(1, 1), through: 1 },
      { ids: ids(MAX_ERASED_IDS, 128), through: 1 },
    ),
    control("erased", "an erasure that is none", { ids: [], through: 1 }, { ids: ids(40_000, 16), through: 1 }),
    control(
      "erased",
      "an erasure by topic",
      { subject: "a", through: 1 },
      { subject: `${"*.".repeat(200)}>`, through: 1 },
    ),
    control(
      "policy",
      "a change of policy",
      { ...version, subjects: [] },
      { ...version, roles: names, subjects: names },
    ),
    control("session", "changed claims", { sub: "x", action: "changed" }, { sub: LONGEST_NAME, action: "changed" }),
    control("tenant", "a tenant's state", { state: "active" }, { state: "active", version: Number.MAX_SAFE_INTEGER }),
  ];
}
