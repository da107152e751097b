/** A signal that aborts when somebody asks the process to stop. From then on Ctrl-C does nothing else. */
export function untilInterrupted(): AbortSignal {
  const stop = new AbortController();
  // The handlers stay: npm and the terminal may each pass on the same Ctrl-C.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => stop.abort());
  return stop.signal;
}
