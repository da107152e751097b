import { type ControlData, type ControlEvent, retryOf } from "../../shared/protocol/control-frames.ts";

/** What stands beside a frame's data. */
interface Fields {
  readonly id?: string | undefined;
  readonly retryMs?: number | undefined;
}

/** A frame of the edge's own, as the edge writes it. */
export function writeControl<Name extends ControlEvent>(
  name: Name,
  data: ControlData[Name],
  fields: Fields = {},
): string {
  const { id, retryMs = retryOf(data) } = fields;
  const lines = [
    ...(retryMs === undefined ? [] : [`retry: ${retryMs}`]),
    `event: ${name}`,
    ...(id === undefined ? [] : [`id: ${id}`]),
    `data: ${data === "" ? "" : JSON.stringify(data)}`,
  ];
  return `${lines.join("\n")}\n\n`;
}

/** An event that was stored. */
export interface StoredEvent {
  readonly id: string;
  readonly tenant: string;
  readonly topic: string;
  readonly type: string;
  readonly data: unknown;
  readonly storedAt: number;
}

/** An event in the envelope that this client asks for, as the edge writes it. */
export function writeEvent({ id, tenant, topic, type, data, storedAt }: StoredEvent): string {
  const envelope = {
    specversion: "1.0",
    id,
    source: `/tenants/${tenant}`,
    type,
    subject: topic,
    time: new Date(storedAt).toISOString(),
    datacontenttype: "application/json",
    data,
  };
  return `id: ${id}\ndata: ${JSON.stringify(envelope)}\n\n`;
}
