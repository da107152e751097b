import { ScriptError } from "../shared/run-script.ts";

/** The accounts that a home has on the bus, as infra/nats/nats.conf names them. */
const ACCOUNTS = ["SLUICE", "EDGE", "INGEST"];

/** The names of a home's accounts; those of the region's own home without a name. */
export function accountNames(home?: string): string[] {
  return ACCOUNTS.map((account) => (home === undefined ? account : `${account}_${home}`));
}

/** The accounts of the region's own home in nats-server's configuration, as text. */
export function ownAccounts(template: string): string {
  const [first = "", ...others] = ACCOUNTS.map((account) => accountIn(template, account));
  const last = others.at(-1) ?? first;
  return template.slice(template.indexOf(first), template.indexOf(last) + last.length);
}

/**
 * The same accounts for another home: `SLUICE_<home>` and so on, with users `auth-<home>` and so on, whose passwords come from
 * `NATS_AUTH_PASSWORD_<HOME>` and so on. Each user may do what the user of the own home may do.
 */
export function accountsOf(home: string, template: string): string {
  const own = ownAccounts(template);
  const accounts = ACCOUNTS.map((account) => ({
    from: new RegExp(`(?<=^ {2}|account: |accounts: \\[)${account}\\b`, "gm"),
    to: `"${account}_${home}"`,
  }));
  const users = usersIn(own).flatMap((user) => [
    { from: new RegExp(`(?<=user: )${user}$`, "gm"), to: `"${user}-${home}"` },
    { from: new RegExp(`(?<="_INBOX\\.)${user}(?=\\.>")`, "g"), to: `${user}-${home}` },
  ]);
  const passwords = { from: /(?<=password: \$)NATS_\w+$/gm, to: `$&_${variableOf(home)}` };
  return [...accounts, ...users, passwords].reduce((text, { from, to }) => text.replaceAll(from, to), own);
}

/** The variables that hold the passwords of these accounts' users. */
export function passwordVariables(accounts: string): string[] {
  return Array.from(accounts.matchAll(/password: \$(\w+)$/gm), ([, variable = ""]) => variable);
}

/** What a user may publish to, and what it may not, beside what stands in its lists. */
export interface Grant {
  readonly user: string;
  readonly allow: readonly string[];
  readonly deny?: readonly string[];
}

/** Adds to the lists of a user. */
export function addGrant(accounts: string, { user, allow, deny = [] }: Grant): string {
  const begin = accounts.search(new RegExp(`user: "?${user}"?$`, "m"));
  if (begin === -1) throw new ScriptError(`infra/nats/nats.conf has no user ${user}`);
  const allowed = intoList(accounts.slice(begin), "allow", allow);
  return accounts.slice(0, begin) + intoList(allowed, "deny", deny);
}

/** Has the edges of a home call in another region what they may call here: a call that is exported to their account. */
export function addCall(accounts: string, call: string, other: string): string {
  const lines = new RegExp(`^ *\\{ service: .*"${call.replace(/[$.*]/g, "\\$&")}".*\\n`, "gm");
  return accounts.replace(lines, (line) => line + line.replace(call, () => other));
}

/** Adds users to the account in which a home's streams are, as text. */
export function addUsers(accounts: string, users: string): string {
  const text = accountIn(accounts, "SLUICE");
  return accounts.replace(text, () => text.replace(/ {4}\]\n {2}\}\n$/, (end) => users + end));
}

function accountIn(text: string, account: string): string {
  const [found] = new RegExp(`^ {2}"?${account}"? \\{\\n[^]*?^ {2}\\}\\n`, "m").exec(text) ?? [];
  if (found === undefined) throw new ScriptError(`infra/nats/nats.conf has no account ${account}`);
  return found;
}

function usersIn(accounts: string): string[] {
  return Array.from(accounts.matchAll(/^ +user: (\w+)$/gm), ([, user = ""]) => user);
}

function intoList(text: string, list: "allow" | "deny", subjects: readonly string[]): string {
  if (subjects.length === 0) return text;
  return text.replace(`${list}: [\n`, (begin) => begin + subjects.map((each) => `              "${each}"\n`).join(""));
}

function variableOf(home: string): string {
  return home.toUpperCase().replaceAll("-", "_");
}
