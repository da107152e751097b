import type { ControlData, ControlEvent } from "../shared/protocol/control-frames.ts";
import type { Frame } from "../shared/protocol/frame.ts";

/** A frame of the edge's own, with its data; those of a newer edge have other names, too. */
export type Control = { readonly [Name in ControlEvent]: { readonly name: Name } & DataOf<Name> }[ControlEvent];

/** The last frame of a stream that the edge ends. */
export type Farewell = Extract<Control, { readonly name: "busy" | "bye" | "auth_error" }>;

type DataOf<Name extends ControlEvent> = ControlData[Name] extends "" ? object : ControlData[Name];

/** Whether a frame is a tenant's event: it has no name, or one with a dot, which the edge's own never have. */
export function isEvent({ event }: Frame): boolean {
  return event === undefined || event.includes(".");
}

/** Reads a frame of the edge's own. One that is no JSON has no fields. */
export function readControl({ event, data = "" }: Frame): Control {
  return { ...parseObject(data), name: event } as Control;
}

/** Whether the stream ends with it. */
export function isFarewell(control: Control): control is Farewell {
  return ["busy", "bye", "auth_error"].includes(control.name);
}

function parseObject(text: string): object {
  try {
    return JSON.parse(text) as object;
  } catch {
    return {};
  }
}
