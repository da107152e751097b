/** The value of a JSON text; undefined where it is none. Unlike the error of JSON.parse, that quotes nothing of the text. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
