import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { poll } from "#shared/async/poll.ts";
import type { Logger } from "#shared/log/create-logger.ts";
import type { Clock } from "#shared/time/clock.ts";
import { faultText } from "../document/fault.ts";
import { MAX_DOCUMENT_BYTES } from "../document/parse-document.ts";
import type { FileContent, FileOccasion, Refusal } from "./apply-file.ts";
import { type DocumentFile, listDocumentFiles } from "./document-files.ts";
import type { FileOrigins } from "./file-origins.ts";

/** A rejected document file, and why; the version before it stays. */
export interface Rejection extends Refusal {
  readonly at: string;
  readonly file: string;
}

/** What is known of document files. */
export interface DocumentFiles {
  /** The rejected files, by tenant. */
  readonly rejections: ReadonlyMap<string, Rejection>;
  /** Whether the file is there. While the directory cannot be read, every file counts as there. */
  isThere(name: string): boolean;
}

/** A watched directory of document files. Disposing it ends the watch after the look that is under way. */
export interface DocumentWatch extends DocumentFiles, AsyncDisposable {
  /** Why the directory cannot be read, in words for its operator; undefined where it can. */
  readonly fault: string | undefined;
}

export interface WatchOptions {
  readonly directory: string;
  readonly everyMs: number;
  readonly clock: Clock;
  readonly log: Logger;
  readonly origins: Pick<FileOrigins, "missingFrom">;
  /** Puts a file in force, or says why not; throws when that cannot be done right now, and is called again. */
  readonly apply: (file: FileContent, occasion: FileOccasion) => Promise<Refusal | undefined>;
  readonly onRejected: () => void;
  /** How many documents in force come from a file that is not there. */
  readonly onMissing: (count: number) => void;
}

/**
 * Watches a directory by looking at it: notifications differ between file systems, and get lost where editors, git or
 * Kubernetes replace files and links. A file is read once two looks in a row found it the same, so that a half-written
 * one is left alone. The files that are there at the start have been applied when this returns.
 */
export async function watchDocuments(options: WatchOptions): Promise<DocumentWatch> {
  const watcher = new DocumentWatcher(options);
  await watcher.look("boot");
  await delay(options.everyMs);
  await watcher.look("change");
  const looking = poll(options.everyMs, () => watcher.look("change"));
  return {
    rejections: watcher.rejections,
    get fault() {
      return watcher.fault;
    },
    isThere: (name) => watcher.fault !== undefined || watcher.isThere(name),
    [Symbol.asyncDispose]: () => looking[Symbol.asyncDispose](),
  };
}

/** The watch of no directory: no file is there. */
export const NO_FILES: DocumentWatch = {
  rejections: new Map(),
  fault: undefined,
  isThere: () => false,
  [Symbol.asyncDispose]: async () => undefined,
};

/** A file as the last look found it. */
interface SeenFile {
  readonly stamp: string;
  readonly occasion: FileOccasion;
  /** Whether this content still has to be applied, failed to be, or needs nothing more. */
  readonly state: "new" | "failed" | "done";
  /** The content that was applied or rejected last. */
  readonly hash: string | undefined;
}

class DocumentWatcher {
  readonly rejections = new Map<string, Rejection>();
  fault: string | undefined;
  readonly #seen = new Map<string, SeenFile>();
  /** Of tenants with more than one file: their names, as they were told. */
  readonly #rivals = new Map<string, string>();
  /** Files that are gone and were told. */
  #missing: ReadonlySet<string> = new Set();
  readonly #options: WatchOptions;

  constructor(options: WatchOptions) {
    this.#options = options;
  }

  isThere(name: string): boolean {
    return this.#seen.has(name);
  }

  async look(occasion: FileOccasion): Promise<void> {
    const { files, fault } = await listDocumentFiles(this.#options.directory);
    this.fault = fault;
    if (files === undefined) return;
    const present = new Set(files.map(({ name }) => name));
    const ofTenant = Map.groupBy(files, ({ tenant }) => tenant);
    this.#forgetAbsent(present, ofTenant);
    await Promise.all([...ofTenant.values()].map((all) => this.#lookAtTenant(all, occasion)));
    this.#reportMissing(present);
  }

  #forgetAbsent(present: ReadonlySet<string>, ofTenant: ReadonlyMap<string, readonly DocumentFile[]>): void {
    for (const name of this.#seen.keys()) if (!present.has(name)) this.#seen.delete(name);
    for (const tenant of this.#rivals.keys()) {
      const files = ofTenant.get(tenant) ?? [];
      if (files.length > 1) continue;
      this.#rivals.delete(tenant);
      this.rejections.delete(tenant);
      // The one that is left is read again, whatever was read of it before.
      for (const { name } of files) this.#seen.delete(name);
    }
    for (const [tenant, { file }] of this.rejections) {
      if (!present.has(file) && !this.#rivals.has(tenant)) this.rejections.delete(tenant);
    }
  }

  async #lookAtTenant(files: readonly DocumentFile[], occasion: FileOccasion): Promise<void> {
    const [file, ...others] = files;
    if (file === undefined) return;
    if (others.length === 0) return this.#lookAt(file, occasion);
    const names = files.map(({ name }) => name).toSorted();
    for (const { name, stamp } of files) this.#seen.set(name, { stamp, occasion, state: "done", hash: undefined });
    if (this.#rivals.get(file.tenant) === names.join()) return;
    this.#rivals.set(file.tenant, names.join());
    const text = names.join(" and ");
    const message = `${text} are both of tenant "${file.tenant}", and neither is read: keep one of them`;
    this.#reject(file.tenant, text, { reason: "invalid", faults: [{ path: "", message }] });
  }

  async #lookAt(file: DocumentFile, occasion: FileOccasion): Promise<void> {
    const last = this.#seen.get(file.name);
    if (last?.stamp !== file.stamp) {
      this.#seen.set(file.name, { stamp: file.stamp, occasion, state: "new", hash: last?.hash });
      return;
    }
    if (last.state === "done") return;
    try {
      const hash = await this.#apply(file, last);
      this.#seen.set(file.name, { ...last, state: "done", hash });
    } catch (error) {
      this.#seen.set(file.name, { ...last, state: "failed" });
      if (last.state === "failed") return;
      this.#options.log.warn({ err: error, file: file.name }, "a policy document cannot be applied yet");
    }
  }

  async #apply({ tenant, name, path, bytes: size }: DocumentFile, last: SeenFile): Promise<string | undefined> {
    if (size > MAX_DOCUMENT_BYTES) return this.#reject(tenant, name, TOO_LARGE);
    const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => error);
    if (bytes instanceof Error) return this.#rejectUnreadable(tenant, name, bytes);
    const hash = createHash("sha256").update(bytes).digest("hex");
    if (hash === last.hash) return hash;
    const refusal = await this.#options.apply({ name, tenant, bytes, hash }, last.occasion);
    if (refusal !== undefined) return this.#reject(tenant, name, refusal, hash);
    this.rejections.delete(tenant);
    this.#options.log.info({ tenant, file: name, hash }, "the policy document of a file is in force");
    return hash;
  }

  /** Whoever mends its mode changes the stamp, and it is read again. */
  #rejectUnreadable(tenant: string, name: string, error: NodeJS.ErrnoException): undefined {
    if (error.code !== "EACCES" && error.code !== "EPERM") throw error;
    const message = `the file may not be read by the user that policy runs as (${error.code})`;
    this.#reject(tenant, name, { reason: "invalid", faults: [{ path: "", message }] });
  }

  #reject(tenant: string, file: string, refusal: Refusal, hash?: string): string | undefined {
    const { clock, log, onRejected } = this.#options;
    this.rejections.set(tenant, { at: new Date(clock.wall()).toISOString(), file, ...refusal });
    const faults = refusal.faults.map(faultText);
    log.warn({ tenant, file, reason: refusal.reason, faults }, "a policy document was rejected; the last one stays");
    onRejected();
    return hash;
  }

  /** Each file once, until it is back or its document is replaced. */
  #reportMissing(present: ReadonlySet<string>): void {
    const { origins, log, onMissing } = this.#options;
    const missing = origins.missingFrom(present);
    for (const { tenant, file } of missing) {
      if (this.#missing.has(file)) continue;
      log.warn({ tenant, file }, "the file of a policy document is gone; the document stays, and may be put over HTTP");
    }
    this.#missing = new Set(missing.map(({ file }) => file));
    onMissing(missing.length);
  }
}

const TOO_LARGE: Refusal = {
  reason: "invalid",
  faults: [{ path: "", message: `the document may have ${MAX_DOCUMENT_BYTES} bytes` }],
};
