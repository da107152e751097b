import type { Command } from "commander";
import { z } from "zod";
import { isFreeName, isName } from "#shared/protocol/names.ts";
import { harmless } from "../events/print-event.ts";
import { createCommand, createGroup, readOptions, type Terminal } from "../shared/command.ts";
import { openPerson, personOptionsSchema, withPersonOptions } from "../shared/person.ts";
import { UsageError } from "../shared/run-script.ts";
import { askService, callService, urlOfService } from "../shared/service-calls.ts";

const listOptionsSchema = personOptionsSchema.extend({
  subject: z.string().refine(isFreeName, "takes the name of a person").optional(),
});
const sessionsSchema = z.object({
  sessions: z.array(
    z.looseObject({
      session_id: z.string(),
      device: z.string().optional(),
      created_at: z.string(),
      last_seen_at: z.string(),
      ends_at: z.string(),
      current: z.boolean(),
    }),
  ),
});

/** `sluice session`: who is logged in, and the end of a session. */
export function sessionCommand(terminal: Terminal): Command {
  const description = `The sessions that auth keeps. One's own need nothing; those of somebody else the permission session:admin in the tenant.`;
  return createGroup("session", "list a person's sessions, and end one", description, [
    listCommand(terminal),
    revokeCommand(terminal),
  ]);
}

function listCommand({ env, print }: Terminal): Command {
  const command = createCommand("list", {
    summary: "list a person's sessions, the youngest first",
    description: `Lists a person's sessions, the youngest first: its id, when it began, when it was last seen, when it ends, and its device. The session of the command itself is marked with a star.`,
    examples: ["npx sluice session list --subject alice", "npx sluice session list --user alice --json"],
  }).option("--subject <name>", "whose sessions; else those of the person who asks");
  return withPersonOptions(command).action(async (given: unknown) => {
    const { subject, ...asked } = readOptions(listOptionsSchema, given);
    await using person = await openPerson(asked, env);
    const query = subject === undefined ? "" : `?${new URLSearchParams({ subject }).toString()}`;
    const call = { method: "GET", path: `/v1/auth/sessions${query}`, token: person.token } as const;
    const { sessions } = await askService("auth", urlOfService("auth", env), call, sessionsSchema);
    for (const session of sessions) {
      const { session_id: id, created_at, last_seen_at, ends_at, device = "-", current } = session;
      print(session, harmless(`${current ? "*" : " "} ${id}  ${created_at}  ${last_seen_at}  ${ends_at}  ${device}`));
    }
  });
}

function revokeCommand({ env, print }: Terminal): Command {
  const command = createCommand("revoke", {
    summary: "end a session and its streams",
    description: `Ends a session: its tokens are refused and its streams end. A session that is nobody's, or that the person who asks may not end, is not found.`,
    examples: [`npx sluice session revoke "$SID"   # SID: an id that list prints`],
  })
    .argument("<session>", "the session's id")
    // An id may begin with a dash.
    .allowUnknownOption();
  return withPersonOptions(command).action(async (id: string, given: unknown) => {
    if (!isName(id)) throw new UsageError("name the session by the id that list prints");
    await using person = await openPerson(readOptions(personOptionsSchema, given), env);
    const call = { method: "DELETE", path: `/v1/auth/sessions/${id}`, token: person.token } as const;
    await callService("auth", urlOfService("auth", env), call);
    print({ revoked: id }, `${id} is over`);
  });
}
