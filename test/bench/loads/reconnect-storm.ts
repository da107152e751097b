import { setTimeout as delay } from "node:timers/promises";
import { payloadOf } from "../load.ts";
import { openAll, startClients } from "../peers/clients.ts";
import type { Contender } from "../peers/contender.ts";
import type { Load } from "./load.ts";

const CLIENTS = 2_000;
const TOPICS = 20;
const RATE_PER_SECOND = 200;
const PAYLOAD_BYTES = 200;
const GIVE_UP_MS = 30_000;

/** All clients are cut at once while events flow, and come back after their last event: until each has what it missed. */
export const reconnectStormLoad: Load = {
  name: "reconnect-storm",
  about: "2 000 clients cut at once, all resume while 200 events a second flow",
  async run(entrant, programs) {
    await using contender = await entrant.start();
    await using clients = await startClients(programs, contender, { requests: CLIENTS, topics: TOPICS });
    await openAll(clients, CLIENTS);
    const publishing = publishSteadily(contender);
    await delay(4_000);
    const { caughtUp, backMs, caughtUpMs, cutAgain } = await clients.storm(GIVE_UP_MS);
    await delay(1_000);
    const published = publishing.stop();
    await delay(2_000);
    const { lost, repeated } = await clients.losses(published, TOPICS);
    return [
      { name: "until the last stream was in force", value: backMs / 1_000, unit: "s" },
      { name: "until the last had all it missed", value: caughtUpMs / 1_000, unit: "s" },
      { name: "never caught up", value: CLIENTS - caughtUp, unit: "" },
      { name: "cut again meanwhile", value: cutAgain, unit: "" },
      { name: "lost", value: lost, unit: "" },
      { name: "repeated", value: repeated, unit: "" },
    ];
  },
};

/** Publishes to each topic in turn; `stop` answers how many events that were. */
function publishSteadily(contender: Contender): { stop(): number } {
  const begin = performance.now();
  let published = 0;
  const timer = setInterval(() => {
    for (; published < ((performance.now() - begin) * RATE_PER_SECOND) / 1_000; published += 1) {
      contender.publish(published % TOPICS, payloadOf(PAYLOAD_BYTES, Math.floor(published / TOPICS)));
    }
  }, 5);
  return {
    stop() {
      clearInterval(timer);
      return published;
    },
  };
}
