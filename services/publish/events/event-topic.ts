import { AppError } from "#shared/errors/app-error.ts";
import { encodeName } from "#shared/protocol/encode-name.ts";
import { isTopic } from "#shared/protocol/topics.ts";

/** How the fields of a format are called, for what is said of them. */
export interface TopicFields {
  readonly type: "type";
  readonly key: "key" | "subject";
}

/**
 * The topic of an event: its type, two tokens, and its key, the tokens behind them. A list of names is a key whose names are
 * encoded here, a token each.
 * @throws {AppError} `malformed_topic`, with the spelling that would be a token where there is one.
 */
export function topicOf(fields: TopicFields, type: string, key: string | readonly string[] | undefined): string {
  if (type.split(".").length !== 2 || !isTopic(type)) {
    throw malformed(`"${fields.type}" must be an event type of two tokens, such as order.created`);
  }
  if (key === undefined) return type;
  const topic = `${type}.${typeof key === "string" ? key : key.map(encode).join(".")}`;
  if (isTopic(topic)) return topic;
  throw malformed(`"${fields.key}" must be what stands behind the type in the topic, 1 to 6 tokens${adviceFor(key)}`);
}

function encode(name: string): string {
  if (name.isWellFormed()) return encodeName(name.normalize("NFC"));
  throw malformed('"key" holds half of a character');
}

/** What the key would be as one name. */
function adviceFor(key: string | readonly string[]): string {
  if (typeof key !== "string" || key === "" || key.length > 128 || !key.isWellFormed()) return "";
  return `; as one name it is ${encodeName(key.normalize("NFC"))}`;
}

function malformed(message: string): AppError {
  return new AppError("malformed_topic", message);
}
