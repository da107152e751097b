/** Where in a YAML text a cursor stands: the keys above it, with `-` for an item of a list, and what is typed of the next. */
export interface YamlPlace {
  readonly path: readonly string[];
  /** Whether a value of the last key of the path is typed, and not a key or an item below it. */
  readonly isValue: boolean;
  readonly typed: string;
}

interface Level {
  readonly indent: number;
  readonly keys: readonly string[];
}

/** Reads the place by indentation, and the brackets of its own line: the text need not be whole. */
export function pathAt(text: string, offset: number): YamlPlace {
  const lines = text.slice(0, offset).split("\n");
  const last = lines.pop() ?? "";
  const levels: Level[] = [];
  for (const line of lines) if (line.trim() !== "" && !line.trim().startsWith("#")) step(levels, line);
  const indent = indentOf(last);
  while (levels.length > 0 && (levels.at(-1)?.indent ?? 0) >= indent) levels.pop();
  const above = levels.flatMap(({ keys }) => keys);
  const inLine = readLine(last.slice(indent));
  return { ...inLine, path: [...above, ...inLine.path] };
}

/** Takes a line that is finished into account for those below it. */
function step(levels: Level[], line: string): void {
  let indent = indentOf(line);
  while (levels.length > 0 && (levels.at(-1)?.indent ?? 0) >= indent) levels.pop();
  let rest = line.slice(indent);
  for (let item = /^-\s+/.exec(rest); item !== null; item = /^-\s+/.exec(rest)) {
    levels.push({ indent, keys: ["-"] });
    indent += item[0].length;
    rest = rest.slice(item[0].length);
  }
  const key = keyOf(rest);
  if (key !== undefined) levels.push({ indent, keys: [key] });
}

/** What stands in front of the cursor in its own line: `- { role: viewer, subjects: [al` */
function readLine(line: string): YamlPlace {
  const path: string[] = [];
  const open: { readonly isList: boolean; readonly depth: number }[] = [];
  let rest = line;
  for (let item = /^-\s+/.exec(rest); item !== null; item = /^-\s+/.exec(rest)) {
    path.push("-");
    rest = rest.slice(item[0].length);
  }
  let typed = "";
  let isValue = false;
  const begin = (value: boolean): void => {
    typed = "";
    isValue = value;
  };
  for (let place = 0; place < rest.length; place += 1) {
    const char = rest.charAt(place);
    const top = open.at(-1);
    if (char === ":" && rest[place + 1] === " ") {
      path.push(withoutQuotes(typed.trim()));
      begin(true);
    } else if (char === "{" || char === "[") {
      open.push({ isList: char === "[", depth: path.length });
      if (char === "[") path.push("-");
      begin(false);
    } else if (char === "," && top !== undefined) {
      path.length = top.depth;
      if (top.isList) path.push("-");
      begin(false);
    } else if ((char === "}" || char === "]") && top !== undefined) {
      path.length = top.depth;
      open.pop();
      begin(true);
    } else typed += char;
  }
  return { path, isValue, typed: typed.trimStart().replace(/^["']/, "") };
}

function keyOf(text: string): string | undefined {
  return /^("[^"]*"|'[^']*'|[^\s:#{[][^:#]*):(\s|$)/.exec(text)?.[1]?.replaceAll(/^["']|["']$/g, "");
}

function withoutQuotes(text: string): string {
  return text.replaceAll(/^["']|["']$/g, "");
}

function indentOf(line: string): number {
  return line.length - line.trimStart().length;
}
