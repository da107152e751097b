import { isMap, isScalar, parseDocument } from "yaml";

/** A longer text is not edited: to read it would hold up everybody whom policy decides for. */
const MAX_CHARACTERS = 64 * 1024;

/**
 * The text of a document with one more rule in `events:`, before all others; all else stays as it is written. Undefined where it is too long, or
 * written so that there is no place for it. Whether the text is a document still is for the caller to find out.
 */
export function addEventRule(text: string, type: string, permission: string): string | undefined {
  if (text.length > MAX_CHARACTERS) return undefined;
  const { contents, errors } = parseDocument(text, { stringKeys: true, uniqueKeys: false });
  if (errors.length > 0 || !isMap(contents)) return undefined;
  const rule = `${JSON.stringify(type)}: ${JSON.stringify(permission)}`;
  const events = contents.items.find(({ key }) => isScalar(key) && key.value === "events")?.value;
  if (events === undefined) {
    if (contents.flow === true) return undefined;
    return `${text}${text.endsWith("\n") ? "" : "\n"}events:\n  ${rule}\n`;
  }
  if (!isMap(events) || events.range === null || events.range === undefined) return undefined;
  const [start] = events.range;
  if (events.flow === true) return insert(text, start + 1, events.items.length === 0 ? ` ${rule} ` : ` ${rule},`);
  const indent = start - (text.lastIndexOf("\n", start - 1) + 1);
  return insert(text, start, `${rule}\n${" ".repeat(indent)}`);
}

function insert(text: string, at: number, part: string): string {
  return text.slice(0, at) + part + text.slice(at);
}
