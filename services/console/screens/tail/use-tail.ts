import { useEffect, useRef, useState } from "preact/hooks";
import { useConsole } from "../../context/console-context.ts";
import { followStream, type StreamFrame, type StreamState } from "../../http/follow-stream.ts";
import { addFrames, MAX_ROWS, NO_ROWS, type TailRows } from "./tail-rows.ts";

/** The list is drawn anew at most this often: a burst must not keep the page busy. */
const DRAW_EVERY_MS = 250;

/** Frames that are kept while the list stands still. What comes after the newest of these pushes out the oldest. */
const MAX_WAITING = 4 * MAX_ROWS;

/** The tail as it is shown. */
export interface Tail {
  readonly rows: TailRows;
  readonly state: StreamState;
  readonly isPaused: boolean;
  /** Events that have come since the list stands still. */
  readonly waiting: number;
  pause(isPaused: boolean): void;
}

/** Follows the tail at this path. Another path is another tail: nothing of the first stays. */
export function useTail(path: string): Tail {
  const { session } = useConsole();
  const [rows, setRows] = useState<TailRows>(NO_ROWS);
  const [state, setState] = useState<StreamState>({ kind: "opening" });
  const [isPaused, setPaused] = useState(false);
  const [waiting, setWaiting] = useState(0);
  const paused = useRef(false);
  const frames = useRef<StreamFrame[]>([]);

  useEffect(() => {
    const stop = new AbortController();
    setRows(NO_ROWS);
    frames.current = [];
    const onFrame = (frame: StreamFrame): void => {
      frames.current.push(frame);
      if (frames.current.length > MAX_WAITING) frames.current.splice(0, MAX_ROWS);
    };
    const draw = (): void => {
      if (paused.current) {
        setWaiting(frames.current.filter(({ event }) => event === "event").length);
        return;
      }
      if (frames.current.length === 0) return;
      const fresh = frames.current;
      frames.current = [];
      setWaiting(0);
      setRows((before) => addFrames(before, fresh));
    };
    const timer = setInterval(draw, DRAW_EVERY_MS);
    void followStream(session, path, { onFrame, onState: setState }, stop.signal);
    return () => {
      clearInterval(timer);
      stop.abort();
    };
  }, [path, session]);

  return {
    rows,
    state,
    isPaused,
    waiting,
    pause(next) {
      paused.current = next;
      setPaused(next);
    },
  };
}
