import type { ControlData } from "../shared/protocol/control-frames.ts";
import type { Frame } from "../shared/protocol/frame.ts";
import type { BackOff } from "./back-off.ts";
import { Connection } from "./connection.ts";
import { type Control, isEvent, readControl } from "./control.ts";
import type { Credentials } from "./credentials/credentials.ts";
import { Renewal } from "./credentials/renewal.ts";
import { Cursor } from "./cursor.ts";
import { Absence } from "./environment/absence.ts";
import type { Environment } from "./environment/environment.ts";
import type { ClientRoad, StreamOptions } from "./options.ts";
import type { Reporter } from "./reports/reporter.ts";
import type { askCapabilities } from "./roads/ask-capabilities.ts";
import { bearer } from "./roads/ask-edge.ts";
import type { Choice, RoadChoice } from "./roads/road-choice.ts";
import type { FollowRoad, RoadRequest } from "./roads/road.ts";
import type { OpenSource, Source, SourceListener } from "./source.ts";
import { type ConnectionEnd, type Ended, type Waiting, whatNext } from "./state-machine.ts";
import { StreamLife } from "./stream-life.ts";
import type { StreamState } from "./stream-state.ts";

/** What a source is made with. */
export interface SourceParts {
  readonly options: Pick<StreamOptions, "url" | "from" | "subscription">;
  /** What the stream is of. */
  readonly parameters: URLSearchParams;
  readonly environment: Environment;
  readonly credentials: Credentials;
  readonly choice: RoadChoice;
  readonly backOff: BackOff;
  readonly roads: Readonly<Partial<Record<ClientRoad, FollowRoad>>>;
  readonly ask: typeof askCapabilities;
  readonly reporter: Pick<Reporter, "left" | "lost" | "opened">;
}

/** An edge's heartbeats are not further apart, unless it says so. */
const HEARTBEAT_MS = 15_000;

/** A connection that has lived so long was opened by a token that counts. */
const GOOD_LIFE_MS = 10_000;

/** A token that is refused within this was refused as soon as it was fetched; one that is refused later may have expired. */
const FRESH_MS = 60_000;

/** Silences of connections that have lived longer are not in a row. */
const SILENCE_LIFE_MS = 120_000;

/** Opens sources that follow the edge itself. */
export function createSourceOpener(parts: SourceParts): OpenSource {
  return (listener, lastEventId) => {
    const source = new EdgeSource(parts, listener, lastEventId);
    queueMicrotask(() => void source.run());
    return source;
  };
}

/** One stream of the edge, over as many connections and roads as it takes. */
class EdgeSource implements Source {
  readonly #parts: SourceParts;
  readonly #listener: SourceListener;
  readonly #life: StreamLife;
  readonly #cursor: Cursor;
  readonly #absence: Absence;
  readonly #renewal: Renewal;
  readonly #proven = new Set<ClientRoad>();
  #connection: Connection | undefined;
  #connectionId: string | undefined;
  #retryMs = 0;
  #heartbeatMs = HEARTBEAT_MS;
  /** Until then a refusal is of a token that was fetched after the one before, and that no stream has lived by yet. */
  #freshUntil = 0;
  /** Whether the last connection was a stream. */
  #wasOpen = false;
  #failuresToReach = 0;
  #silences = 0;

  constructor(parts: SourceParts, listener: SourceListener, lastEventId: string | undefined) {
    const { environment, credentials, options } = parts;
    this.#parts = parts;
    this.#listener = listener;
    this.#life = new StreamLife(environment, (state) => listener.onState(state));
    this.#cursor = new Cursor(lastEventId, options.subscription !== undefined);
    this.#renewal = new Renewal(environment, credentials, (token) => this.#rebind(token));
    this.#absence = new Absence(environment, {
      onLeave: (reason) => {
        this.#life.happen({ kind: "away", reason });
        this.#connection?.end({ kind: "interrupted" });
      },
      onLook: () => this.#connection?.look(),
    });
  }

  get state(): StreamState {
    return this.#life.state;
  }

  get connectionId(): string | undefined {
    return this.#connectionId;
  }

  close(): void {
    this.#end({ name: "ended", reason: "closed" });
  }

  /** Connects again and again until the stream is closed or cannot go on. */
  async run(): Promise<void> {
    const { environment, choice: choices, backOff } = this.#parts;
    while (!this.#life.isEnded) {
      await this.#absence.whileAway();
      await this.#absence.wait(backOff.owedMs);
      if (this.#life.isEnded || this.#absence.reason === "suspended" || backOff.owedMs > 0) continue;
      backOff.ask();
      const choice = choices.choose();
      const since = environment.now();
      const request = this.#request(choice);
      // A clock that was set has gone on meanwhile, too: such a connection counts as one that has lived.
      const end = await this.#explain(await this.#connect(choice, request), choice, request);
      if (!this.#life.isEnded) await this.#goOn(end, choice, Math.abs(environment.now() - since));
    }
  }

  /** Has the open stream go on by this token, or by the cookie where there is none. */
  async #rebind(token: string | undefined): Promise<void> {
    const { options, environment, credentials } = this.#parts;
    const connectionId = this.#connectionId;
    if (connectionId === undefined) return;
    const response = await environment.fetch(`${options.url}/v1/streams/${connectionId}/token`, {
      method: "POST",
      headers: bearer(token),
      credentials: credentials.mode,
      signal: AbortSignal.timeout(HEARTBEAT_MS),
    });
    if (!response.ok) return;
    const { expiresAt } = (await response.json()) as ControlData["session"];
    if (connectionId === this.#connectionId) this.#renewal.plan(expiresAt);
  }

  #request({ pad }: Choice): RoadRequest {
    const { options, parameters, credentials } = this.#parts;
    return {
      url: options.url,
      parameters,
      // A durable subscription knows by itself how far its holder is.
      lastEventId: () => (options.subscription === undefined ? this.#cursor.last : undefined),
      token: () => credentials.token,
      credentials: credentials.mode,
      pad,
    };
  }

  async #connect(choice: Choice, request: RoadRequest): Promise<ConnectionEnd> {
    const { environment, credentials, roads, choice: choices, backOff } = this.#parts;
    this.#wasOpen = false;
    try {
      if ((await credentials.prepare()) === "signed_out") return { kind: "no_token", why: "signed_out" };
    } catch {
      return { kind: "no_token", why: "failed" };
    }
    if (this.#life.isEnded || this.#absence.reason === "suspended") return { kind: "interrupted" };
    if (this.#life.state.name === "offline") this.#life.happen({ kind: "waits", reason: "lost" });
    const since = environment.now();
    backOff.ask();
    this.#connection = new Connection({
      environment,
      // Only roads that are here are chosen.
      follow: roads[choice.road] as FollowRoad,
      request,
      heartbeatMs: this.#heartbeatMs,
      onTransports: (transports) => void choices.offer(transports, choice.road),
      onFrame: (frame) => this.#hear(frame, choice, environment.now() - since),
    });
    const end = await this.#connection.ended;
    this.#wasOpen = this.#connectionId !== undefined;
    if (this.#wasOpen) this.#parts.reporter.lost({ isStall: end.kind === "stalled" });
    this.#connection = undefined;
    this.#connectionId = undefined;
    this.#renewal.cancel();
    return end;
  }

  /** `sinceMs`: since the connection was asked for. */
  #hear(frame: Frame, choice: Choice, sinceMs: number): void {
    this.#retryMs = frame.retry ?? this.#retryMs;
    if (frame.data === undefined) return;
    if (!this.#proven.has(choice.road)) this.#prove(choice);
    if (isEvent(frame)) this.#life.event();
    else this.#heed(readControl(frame), choice.road, sinceMs);
    if (this.#cursor.take(frame)) this.#listener.onFrame(frame);
  }

  #prove(choice: Choice): void {
    this.#proven.add(choice.road);
    this.#parts.choice.worked(choice);
  }

  /** Does what a frame of the edge's own asks for, except for those that end the stream. */
  #heed(control: Control, road: ClientRoad, sinceMs: number): void {
    if (control.name === "ready") this.#begin(control, road, sinceMs);
    else if (control.name === "session") this.#renewal.plan(control.expiresAt);
    else if (control.name === "degraded") this.#life.happen({ kind: "degraded", reason: control.reason });
    else if (control.name === "recovered") this.#life.happen({ kind: "recovered" });
  }

  #begin({ connectionId, expiresAt }: ControlData["ready"], road: ClientRoad, sinceMs: number): void {
    const { from = "now", subscription } = this.#parts.options;
    this.#connectionId = connectionId;
    this.#failuresToReach = 0;
    this.#absence.reach();
    this.#renewal.plan(expiresAt);
    this.#parts.reporter.opened(road, sinceMs);
    const catchesUp = this.#cursor.last !== undefined || from !== "now" || subscription !== undefined;
    this.#life.happen({ kind: "ready", catchesUp });
  }

  /** Finds out why nothing answered: a network that blocks one road or is away, an origin that is not let in, a socket that was refused. */
  async #explain(end: ConnectionEnd, choice: Choice, request: RoadRequest): Promise<ConnectionEnd> {
    const isTimeout = end.kind === "timeout";
    if (end.kind !== "unreachable" && !isTimeout) return end;
    const isProven = this.#proven.has(choice.road);
    this.#failuresToReach += 1;
    // A socket never says why. Of a road that works otherwise, one failure is an edge that restarts.
    if (!isTimeout && this.#failuresToReach < (isProven ? 3 : choice.road === "websocket" ? 1 : 2)) return end;
    const answer = await this.#parts.ask(this.#parts.environment, request);
    // Where nothing answers on any road, another one is no better.
    if (isTimeout) return answer.kind === "unreachable" ? answer : end;
    if (answer.kind === "capable") this.#heartbeatMs = answer.heartbeatMs ?? this.#heartbeatMs;
    if (answer.kind === "capable" || (answer.kind === "refused" && answer.status === 404)) return { kind: "unusable" };
    // A proxy's own error page cannot be read either, and it goes away together with the error.
    return answer.kind === "cors_blocked" && isProven ? end : answer;
  }

  async #goOn(end: ConnectionEnd, choice: Choice, livedMs: number): Promise<void> {
    const { choice: choices, credentials, environment, reporter } = this.#parts;
    const isSilence = end.kind === "stalled" || end.kind === "timeout" || end.kind === "buffered";
    this.#silences = isSilence ? 1 + (livedMs < SILENCE_LIFE_MS ? this.#silences : 0) : 0;
    if (livedMs >= GOOD_LIFE_MS && this.#wasOpen) this.#freshUntil = 0;
    const next = whatNext(end, {
      isProven: this.#proven.has(choice.road),
      silences: this.#silences,
      isFreshTokenRefused: environment.now() < this.#freshUntil,
      canRefresh: credentials.canRefresh,
      isOffered: choices.offer(end.kind === "refused" ? end.transports : undefined, choice.road),
    });
    switch (next.name) {
      case "ended":
        return this.#end(next);
      case "refresh":
        return this.#refresh(end, livedMs);
      case "wait":
        return this.#wait(next, livedMs);
      case "leave": {
        reporter.left(choice.road, next.reason);
        this.#proven.delete(choice.road);
        this.#failuresToReach = 0;
        const isLeft = choices.fail(choice, { isFirstFrameMissing: end.kind === "buffered" });
        return this.#wait({ reason: "fallback", isFailure: !isLeft }, livedMs);
      }
    }
  }

  async #wait({ reason, retryMs, isFailure }: Omit<Waiting, "name">, livedMs: number): Promise<void> {
    const waitMs = this.#parts.backOff.next({
      livedMs,
      isFailure,
      // What is no number asks for nothing.
      retryMs: Number(retryMs ?? (isFailure && this.#retryMs)) || 0,
    });
    // Whoever hears the state may close the stream, which ends a wait that has begun.
    const waited = this.#absence.wait(waitMs);
    const away = this.#absence.reason;
    this.#life.happen(away === undefined ? { kind: "waits", reason } : { kind: "away", reason: away });
    await waited;
  }

  async #refresh(end: ConnectionEnd, livedMs: number): Promise<void> {
    this.#life.happen({ kind: "waits", reason: "token" });
    const result = await this.#parts.credentials.refresh().catch(() => "failed" as const);
    if (this.#life.isEnded) return;
    if (result === "signed_out") return this.#end({ name: "ended", reason: "signed_out" });
    if (result === "stale") return this.#end(refusedAgain(end));
    if (result === "fresh") this.#freshUntil = this.#parts.environment.now() + FRESH_MS;
    await this.#wait({ reason: "token", retryMs: 0, isFailure: result === "failed" }, livedMs);
  }

  #end(state: Ended): void {
    this.#life.end(state);
    this.#absence.close();
    this.#renewal.cancel();
    this.#connection?.end({ kind: "interrupted" });
  }
}

/** The function that fetches tokens gave the very one that was refused. */
function refusedAgain(end: ConnectionEnd): Ended {
  const code = end.kind === "refused" ? end.code : undefined;
  return { name: "ended", reason: "unauthorized", code, detail: "only the refused token could be fetched" };
}
