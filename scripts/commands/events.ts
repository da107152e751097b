import type { Command } from "commander";
import { z } from "zod";
import { nameSchema } from "#shared/contract/name-schema.ts";
import { findEvent } from "../events/find-event.ts";
import { harmless } from "../events/print-event.ts";
import { createCommand, createGroup, readOptions, type Terminal } from "../shared/command.ts";

const optionsSchema = z.object({ tenant: nameSchema });

/** `sluice events`: reads single events from a tenant's log. */
export function eventsCommand(terminal: Terminal): Command {
  const description = "The events of a tenant's log.";
  return createGroup("events", "read an event from a tenant's log", description, [getCommand(terminal)]);
}

function getCommand({ env, print }: Terminal): Command {
  return createCommand("get", {
    summary: "print an event by its id or its sequence",
    description: `Prints an event with its headers and its data, whoever may see it. NATS_URL says where NATS is, with the user of policy; without it the command reads the demo that npm start runs.`,
    examples: ["npx sluice events get 42 --tenant demo", "npx sluice events get d2f3b106f528.42.152elnb --tenant demo"],
  })
    .argument("<id>", "the event's id, or its sequence: the number in the middle of its id")
    .requiredOption("--tenant <name>", "the tenant whose event it is")
    .action(async (id: string, given: unknown) => {
      const { tenant } = readOptions(optionsSchema, given);
      const event = await findEvent(tenant, id, env);
      const { data, attributes = {}, ...facts } = event;
      const lines = Object.entries({ ...facts, ...attributes }).map(([name, value]) => `${name}: ${value}`);
      const text = typeof data === "string" ? data : JSON.stringify(data, null, 2);
      print(event, harmless([...lines, "", text].join("\n")));
    });
}
