import type { ControlData } from "../../shared/protocol/control-frames.ts";
import type { Frame } from "../../shared/protocol/frame.ts";
import type { StreamState } from "../stream-state.ts";
import type { Place } from "./place.ts";
import type { Welcome } from "./tab-messages.ts";
import { Tail } from "./tail.ts";

/** What a tab knows of the stream that all share. */
export class SharedStream {
  /** Its latest frames, as this tab has heard them. */
  readonly tail = new Tail();
  /** The tab that leads; undefined where none was heard yet. */
  leader: string | undefined;
  state: StreamState = { name: "connecting", reason: "opening" };
  /** Its last `ready`; undefined before the first one. */
  ready: Frame | undefined;

  /** The connection that it comes over. */
  get connectionId(): string | undefined {
    return readReady(this.ready)?.connectionId;
  }

  /** Whose it is, as `personOf` says it. */
  get person(): string | undefined {
    return personOf(this.ready);
  }

  /** Takes over what a leader says to a tab that joins. */
  meet(leader: string, { at, state, ready }: Welcome): void {
    if (leader !== this.leader || at !== this.tail.end) this.tail.restart(at);
    this.leader = leader;
    this.state = state;
    this.ready = ready;
  }

  /** Remembers a frame, before which the stream stood at `after`. */
  remember(frame: Frame, after: Place): void {
    if (frame.id !== undefined) this.tail.push({ after, frame: { ...frame, id: frame.id } });
    if (frame.event === "ready") this.ready = frame;
  }
}

/** Whose stream a `ready` begins, as a text that no other person has. */
export function personOf(ready: Frame | undefined): string | undefined {
  const told = readReady(ready);
  return told && JSON.stringify([told.tenant, told.subject]);
}

function readReady(ready: Frame | undefined): ControlData["ready"] | undefined {
  return ready?.data === undefined ? undefined : (JSON.parse(ready.data) as ControlData["ready"]);
}
