/** An audit entry as one line: when, what, who, then the rest. Nothing in it can break or colour the line. */
export function formatEntry(entry: Readonly<Record<string, unknown>>): string {
  const { at, tenant: _tenant, event, subject = "-", ...rest } = entry;
  const fields = Object.entries(rest).map(([name, value]) => `${name}=${quoted(String(value))}`);
  return [at, String(event).padEnd(15), quoted(String(subject)), ...fields].join("  ");
}

function quoted(value: string): string {
  return /^[\w.:/@-]+$/.test(value) ? value : JSON.stringify(value).replaceAll(/[^\P{C}]/gu, "?");
}
