import { hash } from "node:crypto";
import { createResidual, type Residual, type TopicRules } from "./residual.ts";
import { WeakValues } from "./weak-values.ts";

/**
 * Compiles rules once for all decisions that have the same. A rule about `*:read` has the same rest for a thousand permissions,
 * and most people of a role have the same for each.
 */
export function shareResiduals(): (rules: TopicRules) => Residual {
  const shared = new WeakValues<string, Residual>();
  return ({ allow, deny, allowWhen, denyWhen }) => {
    // Rules of one tenant choose their hash: two that differ must not have the same.
    const key = hash("sha256", JSON.stringify([allow, deny, allowWhen, denyWhen]), "base64");
    const known = shared.get(key);
    if (known !== undefined) return known;
    const residual = createResidual({ allow, deny, allowWhen, denyWhen });
    shared.set(key, residual);
    return residual;
  };
}
