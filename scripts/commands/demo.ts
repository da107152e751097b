import type { Command } from "commander";
import { publishDeliveries } from "../demo/publish-deliveries.ts";
import { readPublishOptions } from "../demo/publish-options.ts";
import { createCommand, createGroup, type Terminal } from "../shared/command.ts";

/** `sluice demo publish`: what fills the demo with events. */
export function demoCommand(terminal: Terminal): Command {
  return createGroup("demo", "publish real events to the demo", "Commands for the demo.", [publishCommand(terminal)]);
}

function publishCommand(terminal: Terminal): Command {
  return createCommand("publish", {
    summary: "replay real GitHub webhook deliveries to NATS",
    description: `Replays 329 real GitHub webhook deliveries to NATS, over and over, until Ctrl-C.

DEMO_NATS_URL, else NATS_URL, says where NATS is and who publishes. A URL without a user means the tenant's producer of the demo; without a URL the command publishes to the demo that npm start runs.`,
    examples: ["npx sluice demo publish --rate 20", "npx sluice demo publish --tenant rival --once"],
  })
    .option("--tenant <name>", "the tenant whose events these are: demo or rival", "demo")
    .option("--rate <n>", "events per second, up to 10000", "20")
    .option("--count <n>", "stop after n events")
    .option("--once", "stop after each delivery was published once")
    .action((options: unknown) => publishDeliveries(readPublishOptions(options, terminal.env), terminal));
}
