import type { InputsWorld } from "./inputs-world.ts";
import { answers, type InputSize, type OutsideInput } from "./outside-input.ts";
import { jsonRequest, statusOf } from "./send-request.ts";

const ALL = "/v1/subscriptions";
const ONE = `${ALL}/:name`;

/** The most ids that one call takes, and as many as fit into a call that takes no more than others. */
const MOST_IDS = { acknowledged: 10_000, dead: 2_000 } as const;

/** What people may ask of their durable subscriptions. Each call is one of a life, which is walked with the shortest name and the longest. */
export function subscriptionInputs(world: InputsWorld): readonly OutsideInput[] {
  const call = (
    name: string,
    route: string,
    right: OutsideInput["answers"],
    bodyOf: (size: InputSize) => object | undefined = () => undefined,
  ): OutsideInput => ({
    name: `edge, ${name}`,
    through: [route],
    service: world.stack.edge,
    answers: right,
    async send(size) {
      const [method = "", template = ""] = route.split(" ");
      const path = template.replace(":name", "s".repeat(size === "largest" ? 64 : 1));
      const headers = { authorization: `Bearer ${await world.sign()}` };
      const body = bodyOf(size);
      const request = body === undefined ? { method, headers } : jsonRequest(method, body, headers);
      return statusOf(fetch(`${world.stack.streamUrl}${path}`, request));
    },
  });
  return [
    call("a durable subscription", `PUT ${ONE}`, answers(201), definitionOf),
    call("durable subscriptions to list", `GET ${ALL}`, answers(200)),
    call("a durable subscription to look at", `GET ${ONE}`, answers(200)),
    call("ids to acknowledge", `POST ${ONE}/acks`, answers(204), (size) => ({ ids: ids(size, MOST_IDS.acknowledged) })),
    call("ids to refuse", `POST ${ONE}/nacks`, answers(204), (size) => ({ ids: ids(size, MOST_IDS.acknowledged) })),
    call("dead letters to list", `GET ${ONE}/dead`, answers(200)),
    call("dead letters to have again", `POST ${ONE}/dead/redeliver`, answers(200), (size) => ({
      ids: ids(size, MOST_IDS.dead),
    })),
    call("dead letters to drop", `POST ${ONE}/dead/drop`, answers(200), (size) => ({ ids: ids(size, MOST_IDS.dead) })),
    call("a durable subscription to pause", `POST ${ONE}/pause`, answers(200), () => ({})),
    call("a durable subscription to resume", `POST ${ONE}/resume`, answers(200)),
    call("a durable subscription to delete", `DELETE ${ONE}`, answers(204)),
  ];
}

function definitionOf(size: InputSize): object {
  if (size === "smallest") return { topics: ["issues.>"] };
  const topics = Array.from({ length: 100 }, (_, index) => `issues.*.k${index}.*.${"t".repeat(300)}.>`);
  return { topics, window: 1_000, backoffMs: Array.from({ length: 20 }, () => 60_000), maxDeliver: 100 };
}

/** Ids of events that the subscription never had. */
function ids(size: InputSize, most: number): readonly string[] {
  const count = size === "largest" ? most : 1;
  return Array.from({ length: count }, (_, index) => `eeeeeeeeeeee.${index}.tttttt`);
}
