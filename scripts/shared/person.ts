import type { Command } from "commander";
import { z } from "zod";
import { nameSchema } from "#shared/contract/name-schema.ts";
import { DEMO_PASSWORD } from "../demo-settings.ts";
import { readText } from "./read-text.ts";
import { ScriptError } from "./run-script.ts";
import { askService, callService, isDemo, urlOfService } from "./service-calls.ts";

/** Who acts in the demo where nobody is named: she may see and publish everything. */
const DEMO_USER = "carol";
const DEMO_TENANT = "demo";

/** The options of every command that acts as a person. */
export const personOptionsSchema = z.object({
  tenant: nameSchema.optional(),
  user: z.string().min(1).optional(),
  passwordFile: z.string().optional(),
  tokenFile: z.string().optional(),
});
export type PersonOptions = z.infer<typeof personOptionsSchema>;

/** A person with an access token. Disposing ends the session that was begun for it. */
export interface Person extends AsyncDisposable {
  readonly token: string;
}

const loginSchema = z.object({ access_token: z.string() });

/** Gives a command the options that say as whom it acts. */
export function withPersonOptions(command: Command): Command {
  return command
    .option("--tenant <name>", `the tenant to log in to; else SLUICE_TENANT; in the demo ${DEMO_TENANT}`)
    .option("--user <name>", `who logs in; else SLUICE_USER; in the demo ${DEMO_USER}`)
    .option("--password-file <file>", "a file with the password; else SLUICE_PASSWORD_FILE, else SLUICE_PASSWORD")
    .option(
      "--token-file <file>",
      "a file with an access token, in place of a login; else SLUICE_TOKEN_FILE, else SLUICE_TOKEN",
    );
}

/**
 * Logs in as the options or the environment say, else as carol of the demo on this machine. An access token that is given goes
 * before a user.
 * @throws {ScriptError} saying what is missing, or why auth refuses.
 */
export async function openPerson(options: PersonOptions, env: NodeJS.ProcessEnv): Promise<Person> {
  const token = await readSecret("token", options.tokenFile, env, "SLUICE_TOKEN");
  if (token !== undefined) return { token, [Symbol.asyncDispose]: async () => undefined };
  const base = urlOfService("auth", env);
  const inDemo = isDemo("auth", env);
  const user = options.user ?? (env["SLUICE_USER"] || (inDemo ? DEMO_USER : undefined));
  const tenant = options.tenant ?? (env["SLUICE_TENANT"] || (inDemo ? DEMO_TENANT : undefined));
  const password =
    (await readSecret("password", options.passwordFile, env, "SLUICE_PASSWORD")) ??
    (inDemo ? DEMO_PASSWORD : undefined);
  if (user === undefined || password === undefined) throw new ScriptError(MISSING);
  const login = {
    method: "POST",
    path: "/v1/auth/login",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ tenant, username: user, password, device: "sluice" }),
  } as const;
  const { access_token } = await askService("auth", base, login, loginSchema);
  return {
    token: access_token,
    async [Symbol.asyncDispose]() {
      const logout = { method: "POST", path: "/v1/auth/logout", token: access_token } as const;
      // It ends by itself where auth is gone meanwhile.
      await callService("auth", base, logout).catch(() => undefined);
    },
  };
}

const MISSING =
  "say who logs in: --user and --password-file, or SLUICE_USER and SLUICE_PASSWORD; or give an access token with --token-file or SLUICE_TOKEN";

async function readSecret(
  what: string,
  given: string | undefined,
  env: NodeJS.ProcessEnv,
  variable: string,
): Promise<string | undefined> {
  const path = given ?? (env[`${variable}_FILE`] || undefined);
  if (path === undefined) return env[variable] || undefined;
  return (await readText(path, `the ${what}`)).replace(/\r?\n$/, "");
}
