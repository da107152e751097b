import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";

/** A span as it came over OTLP. */
export interface ReceivedSpan {
  /** `service.name` of its resource. */
  readonly service: string;
  readonly traceId: string;
  readonly spanId: string;
  /** Empty for a root. */
  readonly parentSpanId: string;
  readonly name: string;
  /** 1 internal, 2 server, 3 client, 4 producer, 5 consumer. */
  readonly kind: number;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly events: readonly { readonly name: string; readonly attributes: Readonly<Record<string, unknown>> }[];
  /** The ids of the spans that it is linked to. */
  readonly links: readonly string[];
  /** 2 where it failed. */
  readonly status: number;
  readonly resource: Readonly<Record<string, unknown>>;
}

/** A message of the protocol by the numbers of its fields; each may come several times. */
type Fields = ReadonlyMap<number, readonly (Uint8Array | bigint)[]>;

/**
 * Decodes an ExportTraceServiceRequest (opentelemetry/proto/collector/trace/v1).
 * @throws where it is none.
 */
export function decodeSpans(body: Uint8Array): ReceivedSpan[] {
  return messagesOf(fieldsOf(body), 1).flatMap((resourceSpans) => {
    const resource = attributesOf(messagesOf(resourceSpans, 1)[0] ?? new Map(), 1);
    const spans = messagesOf(resourceSpans, 2).flatMap((scopeSpans) => messagesOf(scopeSpans, 2));
    return spans.map((span) => decodeSpan(span, resource));
  });
}

function decodeSpan(span: Fields, resource: ReceivedSpan["resource"]): ReceivedSpan {
  return {
    service: String(resource["service.name"]),
    traceId: hexOf(span, 1),
    spanId: hexOf(span, 2),
    parentSpanId: hexOf(span, 4),
    name: textOf(span, 5),
    kind: Number(numberOf(span, 6)),
    attributes: attributesOf(span, 9),
    events: messagesOf(span, 11).map((event) => ({ name: textOf(event, 2), attributes: attributesOf(event, 3) })),
    links: messagesOf(span, 13).map((link) => hexOf(link, 2)),
    status: Number(numberOf(messagesOf(span, 15)[0] ?? new Map(), 3)),
    resource,
  };
}

function attributesOf(message: Fields, field: number): Record<string, unknown> {
  return Object.fromEntries(
    messagesOf(message, field).map((pair) => [textOf(pair, 1), valueOf(messagesOf(pair, 2)[0] ?? new Map())]),
  );
}

/** An AnyValue: a text, a boolean, a whole number, another number, or a list. */
function valueOf(value: Fields): unknown {
  if (value.has(1)) return textOf(value, 1);
  if (value.has(2)) return numberOf(value, 2) === 1n;
  if (value.has(3)) return Number(BigInt.asIntN(64, numberOf(value, 3)));
  if (value.has(4)) return new DataView(new BigUint64Array([numberOf(value, 4)]).buffer).getFloat64(0, true);
  return messagesOf(messagesOf(value, 5)[0] ?? new Map(), 1).map(valueOf);
}

function fieldsOf(bytes: Uint8Array): Fields {
  const reader = new BinaryReader(bytes);
  const fields = new Map<number, (Uint8Array | bigint)[]>();
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    fields.set(field, [...(fields.get(field) ?? []), readValue(reader, type)]);
  }
  return fields;
}

function readValue(reader: BinaryReader, type: WireType): Uint8Array | bigint {
  if (type === WireType.LengthDelimited) return reader.bytes();
  if (type === WireType.Varint) return BigInt(reader.uint64());
  if (type === WireType.Bit64) return BigInt(reader.fixed64());
  if (type === WireType.Bit32) return BigInt(reader.fixed32());
  throw new Error(`the protocol has no wire type ${type}`);
}

function bytesOf(message: Fields, field: number): Uint8Array[] {
  return (message.get(field) ?? []).filter((value) => typeof value !== "bigint");
}

function messagesOf(message: Fields, field: number): Fields[] {
  return bytesOf(message, field).map(fieldsOf);
}

function hexOf(message: Fields, field: number): string {
  return Buffer.from(bytesOf(message, field)[0] ?? []).toString("hex");
}

function textOf(message: Fields, field: number): string {
  return Buffer.from(bytesOf(message, field)[0] ?? []).toString("utf8");
}

function numberOf(message: Fields, field: number): bigint {
  return (message.get(field) ?? []).find((value) => typeof value === "bigint") ?? 0n;
}
