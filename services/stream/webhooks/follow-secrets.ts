import { readFile } from "node:fs/promises";
import { parse } from "yaml";
import { z } from "zod";
import { BootError } from "#shared/config/read-config.ts";
import { freeNameSchema, nameSchema } from "#shared/contract/name-schema.ts";
import { watchFile } from "#shared/files/watch-file.ts";
import type { Logger } from "#shared/log/create-logger.ts";
import type { AskedCallback } from "../connections/subscriptions.ts";
import { type MessageSigner, readSigner } from "./sign-message.ts";

/** A file of thousands of secrets is smaller. */
const MAX_FILE_BYTES = 4 * 1024 * 1024;

const signerSchema = z.string().transform((text, context): MessageSigner => {
  const signer = readSigner(text);
  if (signer !== undefined) return signer;
  context.addIssue({ code: "custom", message: "must be whsec_… or whsk_…, several with a space between" });
  return z.NEVER;
});

/** A secret, and who may use it: everybody of its tenant where nothing is said. */
const secretSchema = z.union([
  signerSchema.transform((signer): Secret => ({ signer, subjects: undefined, hosts: undefined })),
  z
    .strictObject({
      secret: signerSchema,
      subjects: z.array(freeNameSchema).min(1).optional(),
      hosts: z.array(z.string().toLowerCase()).min(1).optional(),
    })
    .transform(({ secret: signer, subjects, hosts }): Secret => ({ signer, subjects, hosts })),
]);

/** What a message is signed with. */
interface Secret {
  readonly signer: MessageSigner;
  /** Those whose subscriptions may name it. */
  readonly subjects: readonly string[] | undefined;
  /** The hosts that it signs for, without or with a port. */
  readonly hosts: readonly string[] | undefined;
}

/** By tenant and name. */
const fileSchema = z.record(nameSchema, z.record(nameSchema, secretSchema));

type SecretFile = z.infer<typeof fileSchema>;

/** The secrets of all tenants. Disposing it stops following their file. */
export interface WebhookSecrets extends Disposable {
  /** The signer for a callback; else why there is none, in words for its owner. */
  find(callback: AskedCallback): MessageSigner | string;
}

/**
 * Reads the file of secrets, and follows it: a change is in force within 3 s, and a broken file leaves the last good one in force.
 * @throws {BootError} naming its faults and quoting nothing.
 */
export async function followSecrets(
  path: string | undefined,
  log: Pick<Logger, "info" | "error">,
): Promise<WebhookSecrets> {
  let file: SecretFile = {};
  if (path === undefined) return { find: (callback) => findSecret(file, callback), [Symbol.dispose]: () => undefined };
  file = await readSecrets(path).catch((error: Error) => {
    throw new BootError(`STREAM_WEBHOOK_SECRETS_FILE: ${error.message}`);
  });
  const watch = watchFile({
    paths: [path],
    read: () => readSecrets(path),
    onRead: (read) => void (file = read),
    onFault: (fault) => log.error({ fault }, "the secrets of webhooks cannot be read; the last good ones are in force"),
  });
  return { find: (callback) => findSecret(file, callback), [Symbol.dispose]: () => watch[Symbol.dispose]() };
}

function findSecret(file: SecretFile, { tenant, subject, secretRef, url }: AskedCallback): MessageSigner | string {
  const tenantSecrets = Object.hasOwn(file, tenant) ? file[tenant] : undefined;
  const secret = tenantSecrets && Object.hasOwn(tenantSecrets, secretRef) ? tenantSecrets[secretRef] : undefined;
  const { host, hostname } = new URL(url);
  // Another person learns nothing of a secret that is not theirs.
  if (secret === undefined || secret.subjects?.includes(subject) === false) {
    return `the operator has set no secret "${secretRef}" for you`;
  }
  if (secret.hosts !== undefined && !secret.hosts.includes(host) && !secret.hosts.includes(hostname)) {
    return `the secret "${secretRef}" is for other hosts`;
  }
  return secret.signer;
}

async function readSecrets(path: string): Promise<SecretFile> {
  const text = await readFile(path, "utf8");
  if (text.length > MAX_FILE_BYTES) throw new Error(`it may have ${MAX_FILE_BYTES} bytes`);
  const parsed = fileSchema.safeParse(parseYaml(text) ?? {});
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map((issue) => `${issue.path.join(".")}: ${wordsOf(issue)}`);
  throw new Error(faults.join("; "));
}

/** The parser's own words quote the file. */
function parseYaml(text: string): unknown {
  try {
    return parse(text);
  } catch {
    throw new Error("it is no YAML");
  }
}

/** What is wrong with a secret is said by its own schema; a union says only that neither form fits. */
function wordsOf({ code, message }: z.core.$ZodIssue): string {
  return code === "invalid_union" ? "must be a secret, or a list of secret, subjects and hosts" : message;
}
