import { JetStreamApiError } from "@nats-io/jetstream";
import { expect, test } from "vitest";
import { untilAnswered } from "./until-answered.ts";

/** Asks a bus that fails by these errors first; answers how often it was asked, and what came of it. */
async function ask(...failures: readonly Error[]): Promise<[number, unknown]> {
  let asked = 0;
  const answer = await untilAnswered(async () => {
    const failure = failures[(asked += 1) - 1];
    if (failure !== undefined) throw failure;
    return "answered";
  }, [1, 1]).catch((error: unknown) => error);
  return [asked, answer];
}

const away = new Error("jetstream is not enabled");
const unavailable = new JetStreamApiError({ code: 503, err_code: 10_008, description: "temporarily unavailable" });
const missing = new JetStreamApiError({ code: 404, err_code: 10_059, description: "stream not found" });

test("a bus that is away for a moment is asked again, as often as there are waits", async () => {
  expect(await ask()).toEqual([1, "answered"]);
  expect(await ask(away, unavailable)).toEqual([3, "answered"]);
  expect(await ask(away, away, unavailable)).toEqual([3, unavailable]);
});

test("a bus that refuses is not asked again", async () => expect(await ask(missing)).toEqual([1, missing]));
