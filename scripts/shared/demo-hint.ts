const THIS_MACHINE: readonly (string | undefined)[] = ["127.0.0.1", "localhost"];

/** What to say first where nobody answers on this machine, which is where the demo runs; else nothing. */
export function hintFor(host: string | undefined): string {
  return THIS_MACHINE.includes(host) ? "npm start starts the demo; " : "";
}
