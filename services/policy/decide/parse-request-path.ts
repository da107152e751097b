/**
 * The characters of a segment (RFC 3986, section 3.3) without `;`, behind which some servers see parameters, and what else
 * stands in names: letters and digits of any script, spaces and bars.
 */
const SEGMENT = /^[\p{L}\p{M}\p{Nd} |._~!$&'()*+,=:@-]{1,256}$/u;

const MAX_CHARACTERS = 8_192;

/**
 * The segments of a request's path, without its query, with percent-encoding undone once (RFC 3986, section 6.2.2.2).
 * Undefined where the server behind a gateway might read it as another path than we do: `.` and `..`, empty segments,
 * slashes and percent signs that are encoded, backslashes, `;`, letters that a compatible form of Unicode replaces by
 * others (a full-width `ａ`), and whatever else is not plain.
 */
export function parseRequestPath(path: string): readonly string[] | undefined {
  if (path.length > MAX_CHARACTERS) return undefined;
  const [target = ""] = path.split("?", 1);
  if (target === "/") return [];
  const [root, ...encoded] = target.split("/");
  if (root !== "" || encoded.length === 0) return undefined;
  const segments = encoded.map(decodeSegment);
  return segments.every((segment) => segment !== undefined) ? segments : undefined;
}

function decodeSegment(encoded: string): string | undefined {
  try {
    const segment = decodeURIComponent(encoded);
    const isPlain = SEGMENT.test(segment) && segment.normalize("NFKC") === segment;
    return isPlain && segment !== "." && segment !== ".." ? segment : undefined;
  } catch {
    return undefined;
  }
}
