import type { Frame } from "../../shared/protocol/frame.ts";
import type { OpenSource, Source, SourceListener } from "../source.ts";
import type { StreamState } from "../stream-state.ts";
import { fitOf, type Place } from "./place.ts";
import { takePlace } from "./own-streams.ts";
import { personOf, SharedStream } from "./shared-stream.ts";
import type { Role } from "./role.ts";
import type { Sharing } from "./sharing.ts";
import { TabGroup } from "./tab-group.ts";
import type { TabMessage, Welcome } from "./tab-messages.ts";
import type { Link } from "./tail.ts";

/** A leader that is there answers within milliseconds. One that does not may be busy: a stream of this tab's own bridges that. */
const PATIENCE_MS = 1_000;

/**
 * Opens sources that share one stream among all tabs of an origin. One tab leads: it has the stream and hands its frames to the
 * others. A tab takes a frame only where it continues what the tab has; for what no leader can give it any more it opens a stream
 * of its own for a while. So it gets each frame once and in order, whoever leads.
 */
export function shareSource(open: OpenSource, sharing: Sharing): OpenSource {
  return (listener, lastEventId) => new SharedSource(open, sharing, listener, lastEventId);
}

class SharedSource implements Source {
  readonly #open: OpenSource;
  readonly #sharing: Sharing;
  readonly #listener: SourceListener;
  readonly #unwatch: () => void;
  readonly #shared = new SharedStream();
  #group: TabGroup;
  #role: Role;
  #place: Place;
  /** Whether the place is one of the log as it is now: the edge has said so, or the tab that leads has it. */
  #isCertain = false;
  #state: StreamState = { name: "connecting", reason: "opening" };
  #wasOpen = false;
  /** Whose stream this tab shows, and whose shared stream it has proved to be its own. */
  #person: string | undefined;
  #proved: string | undefined;

  constructor(open: OpenSource, sharing: Sharing, listener: SourceListener, lastEventId: Place) {
    this.#open = open;
    this.#sharing = sharing;
    this.#listener = listener;
    this.#place = lastEventId;
    this.#group = this.#openGroup();
    this.#role = this.#ask();
    this.#group.enter();
    this.#unwatch = sharing.platform.watch((sign) => {
      if (sign === "suspend") this.#suspend();
      if (sign === "wake") this.#resume();
    });
  }

  get state(): StreamState {
    return this.#state;
  }

  get connectionId(): string | undefined {
    if ("source" in this.#role) return this.#role.source.connectionId;
    return this.#role.name === "following" ? this.#shared.connectionId : undefined;
  }

  close(): void {
    if (this.#role.name === "ended") return;
    this.#become({ name: "ended" });
    this.#group.leave();
    this.#unwatch();
  }

  #suspend(): void {
    if (this.#role.name === "ended" || this.#role.name === "away") return;
    // A page that leads while it is frozen would keep the stream from all others.
    this.#become({ name: "away" });
    this.#group.leave();
    this.#notify({ name: "offline", reason: "suspended" });
  }

  #resume(): void {
    if (this.#role.name !== "away") return;
    this.#shared.leader = undefined;
    this.#group = this.#openGroup();
    this.#become(this.#ask());
    this.#group.enter();
  }

  #openGroup(): TabGroup {
    return new TabGroup(this.#sharing, {
      onMessage: (from, message) => this.#hear(from, message),
      onLead: () => this.#lead(),
      onLostLead: () => {
        this.#shared.leader = undefined;
        this.#become(this.#ask());
      },
    });
  }

  #become(role: Role): void {
    const before = this.#role;
    this.#role = role;
    if (before.name === "joining") before.giveUp();
    if (before.name === "alone") before.giveBack();
    if ("source" in before && !("source" in role && role.source === before.source)) before.source.close();
  }

  #ask(): Role {
    this.#isCertain = false;
    this.#join();
    return { name: "joining", giveUp: this.#sharing.platform.after(PATIENCE_MS, () => void this.#goAlone()) };
  }

  #join(): void {
    this.#group.post({ kind: "join", place: this.#place, isCertain: this.#isCertain });
  }

  /** Reads a stream of its own, as soon as not too many tabs do. */
  async #goAlone(): Promise<void> {
    const role = this.#role;
    if (role.name !== "joining" && role.name !== "following") return;
    const { name, platform } = this.#sharing;
    const giveBack = await takePlace(platform.locks, name);
    if (this.#role !== role) giveBack?.();
    else if (giveBack !== undefined) this.#readOwn(giveBack);
    else this.#become({ name: "joining", giveUp: platform.after(PATIENCE_MS, () => void this.#goAlone()) });
  }

  #readOwn(giveBack = (): void => {}): void {
    this.#become({ name: "alone", source: this.#openOwn(), giveBack });
  }

  #lead(): void {
    this.#shared.leader = this.#group.id;
    this.#become({ name: "leading", source: "source" in this.#role ? this.#role.source : this.#openOwn() });
    if (this.#shared.tail.end !== this.#place) this.#shared.tail.restart(this.#place);
    this.#group.post({ kind: "lead" });
  }

  #openOwn(): Source {
    const source: Source = this.#open(
      {
        onFrame: (frame) => this.#isOurs(source) && this.#hearOwn(frame),
        onState: (state) => this.#isOurs(source) && this.#hearOwnState(state),
      },
      this.#place,
    );
    return source;
  }

  #isOurs(source: Source): boolean {
    return "source" in this.#role && this.#role.source === source;
  }

  #hearOwn(frame: Frame): void {
    // Neither the others nor those who share by the new rights may go on with this one.
    if (!this.#sharing.isStill()) return this.#sharing.onOther();
    if (this.#role.name === "leading") this.#pass(frame);
    this.#deliver(frame);
    if (this.#role.name === "alone") this.#returnToGroup();
  }

  #hearOwnState(state: StreamState): void {
    // Why this tab's stream is over may not concern the others: the next one finds out for itself.
    if (state.name === "ended") this.close();
    else if (this.#role.name === "leading") this.#group.post({ kind: "state", state });
    this.#notify(state);
  }

  /** Hands a frame of the shared stream to the other tabs. */
  #pass(frame: Frame): void {
    const after = this.#place;
    this.#shared.remember(frame, after);
    this.#group.post({ kind: "frame", after, frame });
    if (frame.event === "ready") this.#group.post({ kind: "lead" });
  }

  #hear(from: string, message: TabMessage): void {
    if (this.#role.name === "leading") return this.#answer(from, message);
    if (message.kind === "lead" || message.kind === "alive") return this.#hearLeader(from);
    if (message.kind === "welcome") return message.to === this.#group.id ? this.#enterBy(from, message) : undefined;
    if (from !== this.#shared.leader) return;
    this.#group.heardLeader();
    if (message.kind === "frame") this.#hearShared(message.frame, message.after);
    if (message.kind === "state") this.#hearSharedState(message.state);
  }

  #answer(from: string, message: TabMessage): void {
    if (message.kind === "ask") this.#group.post({ kind: "alive" });
    if (message.kind !== "join") return;
    const missed = this.#shared.tail.since(message.place, message.isCertain);
    const welcome: Welcome = { at: this.#place, state: this.#state, ready: this.#shared.ready, missed };
    this.#group.post({ kind: "welcome", to: from, ...welcome });
  }

  #hearLeader(from: string): void {
    this.#group.heardLeader();
    if (from !== this.#shared.leader || this.#role.name !== "following") this.#join();
  }

  #enterBy(from: string, welcome: Welcome): void {
    this.#group.heardLeader();
    this.#shared.meet(from, welcome);
    if (!this.#isOfOurPerson()) return void this.#prove();
    if (this.#role.name === "alone") return this.#returnToGroup();
    const isAtOurBeginning = welcome.at === undefined || (this.#sharing.beginsNow && welcome.state.name === "live");
    if (this.#place === undefined && isAtOurBeginning) this.#place = welcome.at;
    const missed = this.#place === welcome.at ? [] : welcome.missed;
    if (missed === undefined) void this.#goAlone();
    else this.#follow(missed);
  }

  #follow(missed: readonly Link[]): void {
    this.#become({ name: "following" });
    this.#isCertain = true;
    if (this.#shared.ready !== undefined) this.#deliver({ ...this.#shared.ready, id: undefined });
    this.#notifyOfHold(this.#shared.state);
    for (const { frame, after } of missed) this.#take(frame, after);
    this.#notify(this.#shared.state);
  }

  /** A tab that comes late has not heard the frame that said so. */
  #notifyOfHold(shared: StreamState): void {
    if (shared.name !== "held" || this.#state.name === "held") return;
    this.#deliver({ event: "degraded", data: JSON.stringify({ reason: shared.reason }) });
  }

  /** Goes on with the shared stream as soon as it has all behind what the own one has brought. */
  #returnToGroup(): void {
    if (this.#shared.leader === undefined || !this.#isOfOurPerson()) return;
    const missed = this.#shared.tail.since(this.#place, this.#isCertain);
    if (missed !== undefined) this.#follow(missed);
  }

  #hearSharedState(state: StreamState): void {
    this.#shared.state = state;
    if (this.#role.name === "following") this.#notify(state);
  }

  #hearShared(frame: Frame, after: Place): void {
    this.#shared.remember(frame, after);
    if (this.#role.name === "alone") return this.#returnToGroup();
    if (this.#role.name !== "following") return;
    // Behind another person's `ready` come another person's events. The leader says next that it has the stream anew.
    if (this.#isOfOurPerson()) this.#take(frame, after);
    else this.#become(this.#ask());
  }

  #take(frame: Frame, after: Place): void {
    // Whoever hears a frame may close the stream at once.
    if (this.#role.name !== "following") return;
    const fit = frame.id === undefined ? "continues" : fitOf(this.#place, after, frame.id, frame.event);
    if (fit === "continues") this.#deliver(frame);
    else if (frame.event === "ready") this.#deliver({ ...frame, id: undefined });
    if (fit === "breaks") this.#become(this.#ask());
  }

  /** Whether the shared stream is of the person whom this tab shows. */
  #isOfOurPerson(): boolean {
    const person = this.#shared.person;
    if (this.#sharing.prove !== undefined) return person !== undefined && person === this.#proved;
    return person === undefined || this.#person === undefined || person === this.#person;
  }

  async #prove(): Promise<void> {
    const { prove } = this.#sharing;
    // It will not be this person's.
    if (prove === undefined) return this.#readOwn();
    if (this.#role.name === "joining") {
      this.#become({ name: "joining", giveUp() {} });
      this.#notify(this.#shared.state);
    }
    const [person, connectionId] = [this.#shared.person, this.#shared.connectionId];
    // The leader says so once its stream is open.
    if (connectionId === undefined) return;
    const isOurs = await prove(connectionId).catch(() => false);
    if (!this.#isInGroup()) return;
    if (!isOurs) return this.#role.name === "alone" ? undefined : this.#readOwn();
    this.#proved = person;
    this.#join();
  }

  #isInGroup(): boolean {
    return this.#role.name === "joining" || this.#role.name === "following" || this.#role.name === "alone";
  }

  #deliver(frame: Frame): void {
    if (frame.id !== undefined) [this.#place, this.#isCertain] = [frame.id, true];
    if (frame.event === "ready") this.#person = personOf(frame);
    this.#listener.onFrame(frame);
  }

  #notify(state: StreamState): void {
    // What a tab has shown before is not undone by a new leader that begins.
    const shown = state.name === "connecting" && this.#wasOpen ? ({ ...state, name: "behind" } as const) : state;
    if (JSON.stringify(shown) === JSON.stringify(this.#state)) return;
    if (shown.name === "live") this.#wasOpen = true;
    this.#state = shown;
    this.#listener.onState(shown);
  }
}
