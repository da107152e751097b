import { decodeName } from "#shared/protocol/encode-name.ts";

/**
 * Fields that an event is delivered without: those that each of several masks names. Equal keys hide the same.
 */
export interface FieldMask {
  readonly key: string;
  /** Where the masks' paths begin. */
  readonly root: MaskNode;
  /** A bit for each of the masks that count. */
  readonly masks: number;
}

/** A place in the paths of masks. */
export interface MaskNode {
  /** The masks that hide what stands here, as bits. */
  hides: number;
  readonly names: Map<string, MaskNode>;
  /** For every name. */
  any: MaskNode | undefined;
}

/** More combinations of masks than that are made anew each time. */
const MAX_KEPT = 64;

/** Compiles up to 32 lists of paths; answers the mask of some of them, by their bits. */
export function compileMasks(masks: ReadonlyArray<readonly string[]>): (counted: number) => FieldMask {
  const root = createNode();
  for (const [index, paths] of masks.entries()) {
    for (const path of paths) nodeAt(root, path).hides |= 1 << index;
  }
  const kept = new Map<number, FieldMask>();
  return (counted) => {
    const known = kept.get(counted);
    if (known !== undefined) return known;
    const texts = masks.filter((_, index) => (counted & (1 << index)) !== 0).map((paths) => paths.join(" "));
    const mask = { key: [...new Set(texts)].toSorted().join("\n"), root, masks: counted };
    if (kept.size < MAX_KEPT) kept.set(counted, mask);
    return mask;
  };
}

function createNode(): MaskNode {
  return { hides: 0, names: new Map(), any: undefined };
}

function nodeAt(root: MaskNode, path: string): MaskNode {
  let node = root;
  for (const token of path.split(".")) {
    if (token === "*") node = node.any ??= createNode();
    else {
      const name = decodeName(token) ?? token;
      const next = node.names.get(name) ?? createNode();
      node.names.set(name, next);
      node = next;
    }
  }
  return node;
}
