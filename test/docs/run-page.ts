import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { endWithUs } from "#test/support/end-with-us.ts";
import { type Block, placeOf } from "./read-blocks.ts";
import type { Demo } from "./start-demo.ts";

/** A page takes seconds, and tens of them where the machine is busy with something else. */
const GIVE_UP_MS = 110_000;

/**
 * A page's programs that go on end with its shell. `npx sluice` is done by one process for all pages. Every curl fails where
 * the answer is 400 or more; what a page shows to be refused says so by `-w`.
 */
const PRELUDE = `set -euo pipefail
npx() {
  if [ "$1" = node ]; then "$@"; return; fi
  [ "$1" = sluice ] || { echo "not stood in for: npx $*" >&2; return 2; }
  shift
  { printf '%s\\0' "$#" "$@"; env -0; printf '\\0'; cat; } |
    command curl -sSN --fail-with-body -H "x-live: \${LIVE:-0}" --unix-socket "$SLUICE_SOCKET" --data-binary @- http://sluice/
}
curl() {
  case " $* " in *" -w "* | *" -sf "*) command curl "$@" ;; *) command curl --fail-with-body "$@" ;; esac
}
trap 'code=$?; trap "" TERM; kill 0; exit $code' EXIT
until_seen() {
  (export LIVE=1; source "$1.sh") > "$1.out" 2>&1 &
  local started=$!
  for _ in $(seq 1200); do
    if grep -qF -- "$2" "$1.out"; then return; fi
    if ! kill -0 $started 2> /dev/null; then break; fi
    sleep 0.05
  done
  grep -qF -- "$2" "$1.out" && return
  cat "$1.out"
  echo "the output has no: $2"
  exit 1
}
`;

/**
 * Follows a page as a reader does: its blocks of commands in their order, in one shell, on the demo. A block whose first line is
 * a comment with the name of a file is written to that file first.
 * @throws with the place of the block that failed, and with what was printed.
 */
export async function runPage(demo: Demo, blocks: readonly Block[]): Promise<void> {
  const name = blocks[0]?.page.replaceAll(/\W/g, "-") ?? "";
  const steps: string[] = [];
  for (const [index, block] of blocks.entries()) {
    const commands = demo.withPorts(block.text);
    const [, file] = /^(?:\/\/|#|--|<!--) ([\w.-]+\.\w+)\b.*\n/.exec(commands) ?? [];
    if (file !== undefined) await writeFile(join(demo.folder, file), commands);
    if (block.language !== "sh" || block.mark === undefined || block.mark.kind === "not run") continue;
    const script = `./${name}.${index}`;
    await writeFile(join(demo.folder, `${script}.sh`), commands);
    steps.push(
      `echo '--- ${placeOf(block)}'`,
      block.mark.kind === "run" ? `source ${script}.sh` : `until_seen ${script} '${block.mark.text}'`,
    );
  }
  await writeFile(join(demo.folder, `${name}.sh`), `${PRELUDE}${steps.join("\n")}\n`);
  const shell = spawn("bash", [`${name}.sh`], {
    cwd: demo.folder,
    env: demo.env,
    detached: true,
    signal: AbortSignal.timeout(GIVE_UP_MS),
    stdio: ["ignore", "pipe", "pipe"],
  });
  endWithUs(shell);
  shell.on("error", () => {}); // given up: the exit says so
  const [out, err, [code]] = await Promise.all([text(shell.stdout), text(shell.stderr), once(shell, "exit")]);
  if (code !== 0) throw new Error(`${name} ended with ${String(code)}:\n${out.slice(-4_000)}\n${err.slice(-4_000)}`);
}
