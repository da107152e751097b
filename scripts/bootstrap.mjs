// Runs one of the project's TypeScript programs on a machine that has any Node from 18 on: installs the npm packages when
// they are missing or not those of package-lock.json, then hands over to Node 24, which is one of them.
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { constants } from "node:os";
import { dirname, join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"];
const LOOK_AGAIN_MS = 200;
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const [program, ...args] = process.argv.slice(2);

if (program === undefined) fail("usage: node scripts/bootstrap.mjs <program.ts> [arguments]");
if (!areInstalled()) await installOnce();
process.exit(await run(node24(), [resolve(root, program), ...args], process.cwd()));

/** npm writes its own lock file into node_modules last, so an install that was cut off has none. */
function areInstalled() {
  const wanted = readLock("package-lock.json");
  const present = readLock("node_modules/.package-lock.json");
  if (wanted === undefined || present === undefined) return false;
  const isRight = ([path, { version, optional, devOptional }]) =>
    path === "" || (path in present ? present[path].version === version : optional || devOptional);
  return Object.entries(wanted).every(isRight) && Object.keys(present).every((path) => path in wanted);
}

function readLock(path) {
  try {
    return JSON.parse(readFileSync(join(root, path), "utf8")).packages;
  } catch {
    return undefined;
  }
}

/** Installs, or waits for the command that does: two at once would take each other's files away. */
async function installOnce() {
  const holder = join(root, ".sluice/installing");
  mkdirSync(dirname(holder), { recursive: true });
  let isTold = false;
  while (!take(holder)) {
    if (!isTold) console.error("another command installs the npm packages; waiting for it …");
    isTold = true;
    await delay(LOOK_AGAIN_MS);
  }
  process.on("exit", () => rmSync(holder, { force: true }));
  if (!areInstalled()) await install();
  rmSync(holder, { force: true });
}

/** Takes what only one process may have, also from a process that is gone. */
function take(holder) {
  try {
    writeFileSync(holder, String(process.pid), { flag: "wx" });
    return true;
  } catch {
    if (isLeftBehind(holder)) rmSync(holder, { force: true });
    return false;
  }
}

function isLeftBehind(holder) {
  try {
    const pid = Number(readFileSync(holder, "utf8"));
    // Between its two steps a process has made the file and not written it.
    if (pid !== 0) process.kill(pid, 0);
    return false;
  } catch (error) {
    return error.code === "ESRCH";
  }
}

async function install() {
  // Not on stdout: what `npx sluice` prints there may go into a file.
  console.error("installing the npm packages of package-lock.json (npm ci) …");
  const npm = process.env.npm_execpath ?? "";
  const [command, first] = npm.endsWith("npm-cli.js") ? [process.execPath, [npm]] : ["npm", []];
  const code = await run(command, [...first, "ci", "--loglevel=error"], root, "stderr");
  if (code !== 0) process.exit(code);
}

function node24() {
  const bundled = join(root, "node_modules/.bin/node");
  if (existsSync(bundled)) return bundled;
  if (Number(process.versions.node.split(".")[0]) >= 24) return process.execPath;
  return fail(`Node 24 or newer is needed and this is ${process.version}: install it (https://nodejs.org), run again`);
}

/** Runs a program on this terminal and answers its exit code, 128 + n when signal n ended it. */
function run(command, rest, cwd, out = "stdout") {
  const path = `${join(root, "node_modules/.bin")}:${process.env.PATH}`;
  const child = spawn(command, rest, { cwd, stdio: [0, process[out].fd, 2], env: { ...process.env, PATH: path } });
  // A terminal sends Ctrl-C to the child too; the handlers also keep this process alive to pass on the child's exit code.
  const forward = (signal) => child.kill(signal);
  for (const signal of SIGNALS) process.on(signal, forward);
  return new Promise((settle) => {
    child.once("error", (error) => fail(`cannot run ${command}: ${error.message}`));
    child.once("exit", (code, signal) => {
      for (const each of SIGNALS) process.off(each, forward);
      settle(code ?? 128 + constants.signals[signal]);
    });
  });
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
