import type { Channel } from "../environment/environment.ts";
import type { Sharing } from "./sharing.ts";
import type { SentMessage, TabMessage } from "./tab-messages.ts";
import { TabLock } from "./tab-lock.ts";

/** A leader that said nothing for so long is asked whether it is there. */
const SILENT_MS = 20_000;

/** One that does not answer within that time hangs: its page was stopped without having been told. */
const ANSWER_MS = 10_000;

/** Who is told what happens among the tabs. */
export interface GroupListener {
  onMessage(from: string, message: TabMessage): void;
  /** This tab leads from now on. */
  onLead(): void;
  /** Another tab leads: this one was stopped for so long that the others took it for dead. */
  onLostLead(): void;
}

/** The tabs of an origin that share a stream: at most one leads. A leader that closes, crashes or hangs is followed by another one. */
export class TabGroup {
  readonly id: string;
  readonly #sharing: Sharing;
  readonly #channel: Channel;
  readonly #lock: TabLock;
  #stopWaiting = (): void => {};
  #isOver = false;

  constructor(sharing: Sharing, listener: GroupListener) {
    this.#sharing = sharing;
    this.id = sharing.platform.newTabId();
    this.#channel = sharing.platform.openChannel(sharing.name);
    this.#channel.addEventListener("message", ({ data }) => {
      // Whoever runs scripts at this origin can do all that a tab can: what comes is as good as this tab's own.
      const { from, message } = data as SentMessage;
      if (!this.#isOver) listener.onMessage(from, message);
    });
    this.#lock = new TabLock(sharing.platform.locks, sharing.name, {
      onHeld: () => {
        this.#stopWaiting();
        listener.onLead();
      },
      onLost: () => {
        listener.onLostLead();
        this.#lock.wait();
      },
    });
  }

  /** Stands in the queue for the lead. */
  enter(): void {
    this.#lock.wait();
    this.heardLeader();
  }

  /** Tells the other tabs. */
  post(message: TabMessage): void {
    const sent: SentMessage = { from: this.id, message };
    this.#channel.postMessage(sent);
  }

  /** Says that the leader was heard a moment ago, by a tab that does not lead. */
  heardLeader(): void {
    this.#await(SILENT_MS, () => {
      this.post({ kind: "ask" });
      this.#await(ANSWER_MS, () => this.#lock.steal());
    });
  }

  /** Leaves the group; another tab leads, where this one did. */
  leave(): void {
    this.#isOver = true;
    this.#stopWaiting();
    this.#channel.close();
    this.#lock.release();
  }

  #await(ms: number, run: () => void): void {
    this.#stopWaiting();
    this.#stopWaiting = this.#sharing.platform.after(ms, run);
  }
}
