import { createServer, type IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { runSluice } from "../../scripts/commands/run-sluice.ts";

// Runs commands of `sluice` one after another in one process, in the folder of whoever follows a page: to start a
// process for each of a page's commands takes half a second of a core. Its arguments are the folder and the socket.

/** A command as the stand-in of `npx` sends it: its arguments, the environment, and what it reads. */
interface Asked {
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly stdin: string;
}

const [folder = "", socket] = process.argv.slice(2);
process.chdir(folder);

createServer(async (request, response) => {
  const { args, env, stdin } = await readAsked(request);
  const lines: string[] = [];
  const warnings: string[] = [];
  const code = await runSluice(args, {
    env,
    origins: new Map(),
    stdin: Object.assign(Readable.from(stdin === "" ? [] : [stdin]), { isTTY: false }),
    columns: 100,
    say: (line) => void lines.push(line),
    warn: (line) => void warnings.push(line),
  });
  const [status, said] = code === 0 ? [200, lines] : [500, [...lines, ...warnings]];
  response.writeHead(status).end(said.map((line) => `${line}\n`).join(""));
}).listen(socket, () => console.log("listening"));

/** `<count>NUL(<argument>NUL)*(<NAME=value>NUL)*NUL<stdin>`. */
async function readAsked(request: IncomingMessage): Promise<Asked> {
  const [count = "0", ...rest] = (await buffer(request)).toString().split("\0");
  const args = rest.slice(0, Number(count));
  const variables = rest.slice(args.length, rest.indexOf("", args.length));
  const pairs = variables.map((each) => [each.slice(0, each.indexOf("=")), each.slice(each.indexOf("=") + 1)]);
  const stdin = rest.slice(args.length + variables.length + 1).join("\0");
  return { args, env: Object.fromEntries(pairs) as NodeJS.ProcessEnv, stdin };
}
