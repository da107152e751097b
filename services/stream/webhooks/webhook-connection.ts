import { setTimeout as delay } from "node:timers/promises";
import { VERSION } from "#shared/lifecycle/version.ts";
import type { Grant } from "../access/grant.ts";
import type { Connection } from "../connections/connection.ts";
import type { Position } from "../event.ts";
import type { TakenCallback } from "../open-webhook.ts";
import { plainBody } from "../sse/body-coding.ts";
import type { PostOutcome, Poster } from "./http/post.ts";
import type { HostNews } from "./host-breaker.ts";
import type { Lanes } from "./lanes.ts";
import { bounded, encodeBatch, encodeNotice, messageIdOf, readFrames, type ReceivedNotice } from "./read-batch.ts";
import type { MessageSigner } from "./sign-message.ts";

/** The most events of a message. */
const MAX_EVENTS = 100;

/** With each delivery that failed, an event shares its message with a fourth as many others, and at its last delivery it is alone. */
const FEWER_EACH_TIME = 4;

/** Notices that wait for events to go with. */
const MAX_NOTICES = 100;

/** A secret that may not be used any more is looked for again after so long. */
const SECRET_REST_MS = 5_000;

/** What webhooks report. */
export interface WebhookObserver {
  /** A message with so many events was answered, or not, after so many seconds. */
  posted(outcome: PostOutcome["is"], events: number, seconds: number): void;
  /** A subscription's callback does not take what it is sent, for that reason; without one it does again. */
  troubled(taken: TakenCallback, reason: string | undefined): void;
}

/** What connections to callbacks are made with. */
export interface WebhookDeps {
  readonly lanes: Lanes;
  readonly poster: Poster;
  /** The signer of a callback right now; undefined where its secret may not be used any more. */
  readonly signerOf: (taken: TakenCallback) => MessageSigner | undefined;
  /** The callback has said that it will never be there again. */
  readonly onGone: (taken: TakenCallback) => void;
  readonly observer: WebhookObserver;
  /** The monotonic time in milliseconds. */
  readonly now: () => number;
  /** Milliseconds since 1970. */
  readonly wall: () => number;
}

/** Events that go together. */
interface Batch {
  readonly notices: readonly ReceivedNotice[];
  readonly events: readonly Buffer[];
  readonly positions: readonly Position[];
  readonly judged: Judgement;
}

/** What a batch was judged by. */
interface Judgement {
  readonly grant: Grant | undefined;
  readonly edition: number | undefined;
  readonly erasures: number;
}

const NOT_SENT: PostOutcome = { is: "withheld" };

/**
 * A callback as a connection: one batch at a time is in hand, posted when it is its turn, and answered for. What the owner may see is
 * looked at again right before its bytes leave.
 */
export class WebhookConnection implements Connection {
  readonly coding = plainBody;
  readonly behind = false;
  readonly progress = 0;
  /** Of the bodies that were posted. */
  bytes = 0;
  readonly closed: Promise<void>;
  readonly #taken: TakenCallback;
  readonly #deps: WebhookDeps;
  readonly #closed = Promise.withResolvers<void>();
  readonly #stop = new AbortController();
  /** Notices that are not delivered yet. */
  #notices: readonly ReceivedNotice[] = [];
  /** Settles once the batch in hand is answered for, or nobody is there any more; undefined while there is none. */
  #inHand: PromiseWithResolvers<void> | undefined;
  #isPosting = false;
  #isOver = false;
  /** The receiver has asked for that much time; monotonic milliseconds. */
  #restsUntil = Number.NEGATIVE_INFINITY;

  constructor(taken: TakenCallback, deps: WebhookDeps) {
    this.#taken = taken;
    this.#deps = deps;
    this.closed = this.#closed.promise;
  }

  get writable(): boolean {
    return this.#inHand === undefined;
  }

  get room(): number {
    const { next, record } = this.#taken.hold;
    const deliveries = next === undefined ? 1 : (record.open.get(next.seq)?.deliveries ?? 1);
    // What shares a message with a bad one must not become a dead letter with it.
    if (deliveries >= record.definition.maxDeliver) return 1;
    return Math.max(1, Math.floor(MAX_EVENTS / FEWER_EACH_TIME ** Math.max(0, deliveries - 1)));
  }

  write(frames: Buffer, positions: readonly Position[] = []): void {
    if (this.#isOver) return;
    const { events, notices } = readFrames(frames);
    this.#notices = bounded([...this.#notices, ...notices], MAX_NOTICES);
    if (positions.length === 0) return;
    const { registration, erasures } = this.#taken;
    const { grant } = registration;
    const judged = { grant, edition: grant?.edition, erasures: erasures.edition };
    const batch = { notices: this.#notices, events, positions, judged };
    this.#notices = [];
    const inHand = Promise.withResolvers<void>();
    this.#inHand = inHand;
    this.#send(batch)
      .finally(() => (this.#inHand = undefined))
      .then(inHand.resolve, inHand.reject);
  }

  /** Only members of audiences are written to together, and a paced one leaves its audience for each event. */
  writeCoded(bytes: Buffer): void {
    this.write(bytes);
  }

  drained(): Promise<void> {
    return this.#inHand?.promise ?? Promise.resolve();
  }

  /** What is under way is waited for; what waits for its turn is not sent. */
  end(): void {
    this.#isOver = true;
    if (this.#isPosting) void this.#inHand?.promise.then(this.#closed.resolve);
    else this.reset();
  }

  reset(): void {
    this.#isOver = true;
    this.#stop.abort();
    // A batch that waits for its lane may wait for long.
    this.#inHand?.resolve();
    this.#closed.resolve();
  }

  fail(): void {
    this.reset();
  }

  async #send(batch: Batch): Promise<void> {
    const { key } = this.#taken.hold;
    const { host } = new URL(this.#taken.callback.url);
    await this.#rest();
    const route = { tenant: key.tenant, host };
    const outcome = this.#isOver
      ? NOT_SENT
      : await this.#deps.lanes.run(
          route,
          () => this.#post(batch),
          (posted) => this.#newsOf(posted),
        );
    this.#settle(batch, outcome);
  }

  async #rest(): Promise<void> {
    const restMs = this.#restsUntil - this.#deps.now();
    if (restMs > 0) await delay(restMs, undefined, { signal: this.#stop.signal }).catch(() => undefined);
  }

  async #post({ notices, events, positions, judged }: Batch): Promise<PostOutcome> {
    const { poster, now, observer } = this.#deps;
    if (this.#isOver || !this.#isStillSo(judged)) return NOT_SENT;
    const signer = this.#deps.signerOf(this.#taken);
    if (signer === undefined) {
      this.#restsUntil = now() + SECRET_REST_MS;
      return NOT_SENT;
    }
    const own = notices.map((notice) => encodeNotice(notice, this.#taken.hold.key.tenant));
    const body = encodeBatch([...own, ...events]);
    const id = messageIdOf(this.#taken.hold.key, positions, notices);
    const headers = this.#headersOf(id, body, signer);
    const { url } = this.#taken.callback;
    this.bytes += body.length;
    const beganAt = now();
    this.#isPosting = true;
    const mayLeave = (): boolean => this.#isStillSo(judged) && this.#deps.signerOf(this.#taken) === signer;
    const outcome = await poster.post({ url, headers, body, mayLeave }, this.#stop.signal);
    this.#isPosting = false;
    observer.posted(outcome.is, positions.length, (now() - beganAt) / 1_000);
    return outcome;
  }

  /** The headers of Standard Webhooks 1.0. */
  #headersOf(id: string, body: Buffer, signer: MessageSigner): Record<string, string> {
    const timestamp = Math.floor(this.#deps.wall() / 1_000);
    return {
      "content-type": "application/cloudevents-batch+json; charset=utf-8",
      "user-agent": `Sluice/${VERSION}`,
      "webhook-id": id,
      "webhook-timestamp": String(timestamp),
      "webhook-signature": signer.sign(id, timestamp, body),
    };
  }

  /** Whether nothing has changed since that the owner's right rests on, and the events are there and wanted still. */
  #isStillSo({ grant, edition, erasures }: Judgement): boolean {
    const { hold, registration } = this.#taken;
    const now = this.#deps.now();
    const { deadline, ended, isGrantValid, grantEndsAt } = registration;
    const isAlive = ended === undefined && deadline !== undefined && now < deadline && now < grantEndsAt;
    const isSame = isGrantValid && registration.grant === grant && grant?.edition === edition;
    const isWanted = erasures === this.#taken.erasures.edition && !hold.isPaused && !hold.ended;
    return isAlive && isSame && isWanted;
  }

  /** What was broken off here says nothing about the host. */
  #newsOf(outcome: PostOutcome): HostNews {
    if (outcome.is === "withheld" || this.#stop.signal.aborted) return "nothing";
    return outcome.is === "failed" && outcome.isAway ? "away" : "takes";
  }

  #settle({ notices, positions }: Batch, outcome: PostOutcome): void {
    const { hold } = this.#taken;
    if (hold.ended) return;
    if (outcome.is !== "delivered") this.#notices = [...notices, ...this.#notices];
    switch (outcome.is) {
      case "delivered":
        if (hold.record.failure !== undefined) this.#deps.observer.troubled(this.#taken, undefined);
        return hold.accepted(positions, this.#notices.length === 0);
      case "withheld":
        return hold.takeBack(positions);
      case "gone":
        // Nothing more is sent; the subscription is about to be deleted.
        this.#isOver = true;
        return this.#deps.onGone(this.#taken);
      case "failed": {
        const { reason, retryAfterMs = 0 } = outcome;
        if (hold.record.failure === undefined) this.#deps.observer.troubled(this.#taken, reason);
        this.#restsUntil = this.#deps.now() + retryAfterMs;
        return hold.failed(positions, reason, retryAfterMs);
      }
    }
  }
}
