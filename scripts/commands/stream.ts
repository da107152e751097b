import type { Command } from "commander";
import { z } from "zod";
import { collect, createCommand, createGroup, readOptions, type Terminal } from "../shared/command.ts";
import { printFinding } from "../shared/finding.ts";
import { openPerson, personOptionsSchema, withPersonOptions } from "../shared/person.ts";
import { UsageError } from "../shared/run-script.ts";
import { checkStream } from "../stream-check/check-stream.ts";

const SECONDS_FAULT = "takes a number of seconds from 1 to 300";

const optionsSchema = personOptionsSchema.extend({
  header: z.array(z.string().regex(/^[\w-]+:\s*\S/, "takes <name>: <value>")).default([]),
  login: z.boolean().default(false),
  seconds: z.coerce.number(SECONDS_FAULT).min(1, SECONDS_FAULT).max(300, SECONDS_FAULT).default(5),
});

/** `sluice stream`: looks at event streams. */
export function streamCommand(terminal: Terminal): Command {
  const description = "Event streams, ours or another's.";
  return createGroup("stream", "check whether an event stream is what clients and proxies need", description, [
    checkCommand(terminal),
  ]);
}

function checkCommand(terminal: Terminal): Command {
  const command = createCommand("check", {
    summary: "say whether an event stream is what clients and proxies need",
    description: `Opens a URL as a browser does and listens. It says what it found about status, headers, time to the first byte, buffering on the way, silences, framing, ids and retry, about compression, and about coming back behind the last id; and what to do where something is wrong (✗) or could be better (!). It says what reaches this machine: run it where your clients are, in front of your proxies.

Ends with 1 where something is wrong.`,
    examples: [
      "npx sluice stream check 'http://localhost:8080/v1/stream?topic=issues.>' --login",
      "npx sluice stream check https://example.com/events --header 'Authorization: Bearer …' --seconds 25",
    ],
  })
    .argument("<url>", "where the stream is")
    .option("--header <name: value>", "a header to send; repeatable", collect)
    .option("--login", "log in at auth, and send the access token")
    .option("--seconds <n>", "how long to listen (default: 5); heartbeats take 25 to be seen");
  return withPersonOptions(command).action(async (url: string, given: unknown) => {
    const { header, login, seconds, ...asked } = readOptions(optionsSchema, given);
    if (!/^https?:$/.test(URL.parse(url)?.protocol ?? "")) throw new UsageError(`${url} is not an http or https URL`);
    await using person = login ? await openPerson(asked, terminal.env) : undefined;
    const named = header.map((each) => [each.slice(0, each.indexOf(":")), each.slice(each.indexOf(":") + 1).trim()]);
    const headers: Record<string, string> = Object.fromEntries(named);
    if (person !== undefined) headers["authorization"] = `Bearer ${person.token}`;
    const asking = { url, headers, listenMs: seconds * 1_000 };
    for await (const finding of checkStream(asking)) printFinding(finding, terminal);
  });
}
