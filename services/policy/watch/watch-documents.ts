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

/** A rejected document file, and why; the version before it stays. */
export interface Rejection extends Refusal {
  readonly at: string;
  readonly file: string;
}

/** A watched directory of document files. Disposing it ends the watch after the look that is under way. */
export interface DocumentWatch extends AsyncDisposable {
  /** The rejected files, by tenant. */
  readonly rejections: ReadonlyMap<string, Rejection>;
}

export interface WatchOptions {
  readonly directory: string;
  readonly everyMs: number;
  readonly clock: Clock;
  readonly log: Logger;
  /** Puts a file in force, or says why not; throws when that cannot be done right now, and is called again. */
  readonly apply: (file: FileContent, occasion: FileOccasion) => Promise<Refusal | undefined>;
  readonly onRejected: () => void;
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
    [Symbol.asyncDispose]: () => looking[Symbol.asyncDispose](),
  };
}

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
  readonly #seen = new Map<string, SeenFile>();
  readonly #options: WatchOptions;

  constructor(options: WatchOptions) {
    this.#options = options;
  }

  async look(occasion: FileOccasion): Promise<void> {
    const files = await listDocumentFiles(this.#options.directory);
    if (files === undefined) return;
    this.#forgetAbsent(new Set(files.map(({ name }) => name)));
    await Promise.all(files.map((file) => this.#lookAt(file, occasion)));
  }

  #forgetAbsent(present: ReadonlySet<string>): void {
    for (const name of this.#seen.keys()) if (!present.has(name)) this.#seen.delete(name);
    for (const [tenant, { file }] of this.rejections) if (!present.has(file)) this.rejections.delete(tenant);
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
    const bytes = await readFile(path);
    const hash = createHash("sha256").update(bytes).digest("hex");
    if (hash === last.hash) return hash;
    const refusal = await this.#options.apply({ name, tenant, bytes, hash }, last.occasion);
    if (refusal !== undefined) return this.#reject(tenant, name, refusal, hash);
    this.rejections.delete(tenant);
    this.#options.log.info({ tenant, file: name, hash }, "the policy document of a file is in force");
    return hash;
  }

  #reject(tenant: string, file: string, refusal: Refusal, hash?: string): string | undefined {
    const { clock, log, onRejected } = this.#options;
    this.rejections.set(tenant, { at: new Date(clock.wall()).toISOString(), file, ...refusal });
    const faults = refusal.faults.map(faultText);
    log.warn({ tenant, file, reason: refusal.reason, faults }, "a policy document was rejected; the last one stays");
    onRejected();
    return hash;
  }
}

const TOO_LARGE: Refusal = {
  reason: "invalid",
  faults: [{ path: "", message: `the document may have ${MAX_DOCUMENT_BYTES} bytes` }],
};
