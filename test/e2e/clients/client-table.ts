import { markdownTable } from "#test/support/markdown-table.ts";
import type { Client } from "./client.ts";
import { type ClientRun, PROPERTIES, type Property } from "./client-run.ts";

const HEAD = ["Client", "Version", "Asks for", ...Object.values(PROPERTIES), "Comes back"];

/**
 * The page docs/reference/clients.md for these clients: the rows of those that ran, and for the others those that stand in the
 * page as it is.
 */
export function formatClientPage(clients: readonly Client[], runs: readonly ClientRun[], page: string): string {
  const rows = clients.flatMap((client) => {
    const run = runs.find((each) => each.client === client);
    const row = run === undefined ? findRow(page, client.name) : rowOf(run);
    return row === undefined ? [] : [row];
  });
  const sections = clients.map(({ name, notes }) => `- **${name}**: ${notes.join(" ")}`);
  return `${INTRODUCTION}\n${markdownTable([HEAD, ...rows])}\n\n${EXPLANATION}\n${sections.join("\n")}\n`;
}

const INTRODUCTION = `# Clients

The client matrix (\`test/e2e/clients\`) runs these clients against one edge in every test run, and fails where this page says
something else. \`npm test -- test/e2e/clients --update\` writes the page as the run saw it.
`;

const EXPLANATION = `What the columns say:

- **Shows every event at once**: each event was seen before the next one was published; small ones, one of 100 KB, one after a heartbeat.
- **No empty message**: whatever the client hands to its user parses as JSON, except \`cursor\`, which has an id and no data.
- **Back after a cut**: the connection was reset; the client came back with its last id.
- **Back after \`kill -9\`**: the edge was killed and started again on its port; over HTTP/1.1 no client took the torn body for a complete one.
- **Back after \`busy\` and \`bye\`**: the edge ended the stream in order, and the client came again.
- **Nothing lost or repeated**: over the whole run, by the same checker as every other test: lost, repeated, out of order = 0.

"The system's" is the version that the tests find on the machine, or get from Debian.

What you must do with each:
`;

function rowOf({ client, faults }: ClientRun): readonly string[] {
  const holds = (Object.keys(PROPERTIES) as Property[]).map((property) => (faults.has(property) ? "no" : "yes"));
  return [client.name, client.version, client.transport, ...holds, client.comesBack];
}

function findRow(page: string, name: string): readonly string[] | undefined {
  const line = page.split("\n").find((each) => each.startsWith(`| ${name} `));
  return line
    ?.split("|")
    .slice(1, -1)
    .map((cell) => cell.trim());
}
