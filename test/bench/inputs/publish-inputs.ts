import { publisherAt } from "#test/support/publisher.ts";
import type { InputsWorld } from "./inputs-world.ts";
import { answers, type InputSize, type OutsideInput } from "./outside-input.ts";

const THROUGH = ["POST /v1/events"];

const MAX_BYTES = 1_000_000;

/** What programs may send to a publisher, and to an edge that hands it on. */
export function publishInputs({ stack, publisher, token, sign }: InputsWorld): readonly OutsideInput[] {
  const publish = (
    name: string,
    right: OutsideInput["answers"],
    bodyOf: (size: InputSize) => unknown,
  ): OutsideInput => ({
    name: `publisher, ${name}`,
    through: THROUGH,
    service: publisher,
    answers: right,
    send: async (size) => (await publisherAt(publisher)(token, bodyOf(size))).status,
  });
  const times = (size: InputSize, count: number): number => (size === "largest" ? count : 1);
  return [
    publish("an event", answers(200), (size) => event(JSON.stringify("x".repeat(times(size, MAX_BYTES))))),
    publish("an event of brackets", answers(200), (size) => {
      const depth = times(size, MAX_BYTES / 2);
      return event("[".repeat(depth) + "]".repeat(depth));
    }),
    publish("an event of small objects", answers(200), (size) => event(`[{}${",{}".repeat(times(size, 300_000))}]`)),
    publish(
      "a batch",
      answers(200),
      (size) => `[${Array.from({ length: times(size, 100) }, () => event("1")).join()}]`,
    ),
    publish("attributes", answers(200), (size) => {
      const attributes = Object.fromEntries(Array.from({ length: times(size, 58) }, (_, place) => [`a${place}`, "x"]));
      return { type: "issues.opened", data: 1, attributes };
    }),
    publish("what is no event", answers(400), (size) => "[".repeat(times(size, MAX_BYTES))),
    publish("data that is checked", answers(422), (size) => ({
      type: "label.created",
      data: `${"a".repeat(times(size, 5_000))}!`,
    })),
    {
      name: "edge, an event for a publisher that does not believe it",
      through: THROUGH,
      service: stack.edge,
      answers: answers(401),
      send: async (size) =>
        (await publisherAt(stack.edge)(await sign(), event(JSON.stringify("x".repeat(times(size, 900_000)))))).status,
    },
  ];
}

function event(data: string): string {
  return `{"type":"issues.opened","key":"inputs","data":${data}}`;
}
