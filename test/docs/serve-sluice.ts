import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";
import { sluice } from "#test/support/run-sluice.ts";

// Runs the commands of `sluice` in one process, in the folder of whoever follows a page: to start a process for each of a
// page's commands takes half a second of a core. Its arguments are the folder and the socket to listen on.

/** A command as the stand-in of `npx` sends it: its arguments, the environment, and what it reads. */
interface Asked {
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly stdin: string;
}

const [folder = "", socket] = process.argv.slice(2);
process.chdir(folder);
createServer((request, response) => void answer(request, response)).listen(
  socket,
  () => void process.stdout.write("listening\n"),
);

/**
 * What a command prints: line by line for a command that goes on, which nothing ends before this process; else as a whole,
 * where it fails with what it says of that, and 500.
 */
async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { args, env, stdin } = await readAsked(request);
  const isLive = request.headers["x-live"] === "1";
  if (isLive) response.flushHeaders();
  const print = (line: string): void => void (isLive && response.write(`${line}\n`));
  const { code, out, err } = await sluice(args, { env, stdin, print });
  if (isLive) return void response.end();
  const [status, said] = code === 0 ? [200, out] : [500, [...out, ...err]];
  response.writeHead(status).end(said.map((line) => `${line}\n`).join(""));
}

/** `<count>NUL(<argument>NUL)*(<NAME=value>NUL)*NUL<stdin>`. */
async function readAsked(request: IncomingMessage): Promise<Asked> {
  const [count = "0", ...rest] = (await buffer(request)).toString().split("\0");
  const args = rest.slice(0, Number(count));
  const variables = rest.slice(args.length, rest.indexOf("", args.length));
  const pairs = variables.map((each) => [each.slice(0, each.indexOf("=")), each.slice(each.indexOf("=") + 1)]);
  const stdin = rest.slice(args.length + variables.length + 1).join("\0");
  return { args, env: Object.fromEntries(pairs) as NodeJS.ProcessEnv, stdin };
}
