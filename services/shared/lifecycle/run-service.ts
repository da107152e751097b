import { BootError } from "#shared/config/read-config.ts";

/** A service that runs. */
export interface RunningService extends AsyncDisposable {
  /** Takes up what has changed on disk, by SIGHUP. Without it that signal ends the process. */
  reload?(): Promise<void>;
}

/**
 * Runs a service until SIGTERM or SIGINT, then disposes it and lets the process end with 0. A service that cannot start
 * says why in one message and ends with 1; so does a process with a fault that nobody handled.
 */
export async function runService(
  name: string,
  start: (env: NodeJS.ProcessEnv) => Promise<RunningService>,
): Promise<void> {
  requireNode24();
  process.on("unhandledRejection", (error) => fail(name, error));
  const stopped = new Promise<void>((resolve) => {
    // Not once: a terminal or a supervisor signals the whole group, and a primary its workers. The second signal of a kind
    // must not end a process that is letting go in good order.
    process.on("SIGTERM", () => resolve());
    process.on("SIGINT", () => resolve());
    // The primary of this worker is gone.
    process.once("disconnect", () => resolve());
  });
  try {
    await using service = await start(process.env);
    if (service.reload !== undefined) process.on("SIGHUP", () => void service.reload?.());
    await stopped;
  } catch (error) {
    fail(name, error);
  }
  // Clients' keep-alive sockets and reconnect timers must not hold a process that has already let go of everything.
  process.exit(0);
}

function fail(name: string, error: unknown): never {
  const text = error instanceof BootError ? error.message : (error as Error).stack;
  process.stderr.write(`${name} cannot go on: ${text}\n`);
  process.exit(1);
}

/** Without this, a machine whose platform has no bundled Node would run on its own, older one and fail in odd places. */
function requireNode24(): void {
  const major = Number(process.versions.node.split(".")[0]);
  if (major < 24)
    throw new BootError(`Node 24 or newer is needed, this is ${process.version}; install it or run npm ci`);
}
