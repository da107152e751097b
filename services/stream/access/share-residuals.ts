import { hash } from "node:crypto";
import { createResidual, type Residual, type TopicRules } from "./residual.ts";
import { WeakValues } from "./weak-values.ts";

/**
 * Compiles rules once for all decisions that have the same. A rule about `*:read` has the same rest for a thousand permissions,
 * and most people of a role have the same for each.
 */
export function shareResiduals(): (rules: TopicRules) => Residual {
  const shared = new WeakValues<string, Residual>();
  const known = new WeakMap<TopicRules, Residual>();
  return (rules) => {
    const residual = known.get(rules) ?? residualOf(rules);
    known.set(rules, residual);
    return residual;
  };

  function residualOf(rules: TopicRules): Residual {
    const { allow, deny, allowWhen, denyWhen, masked } = rules;
    // Rules of one tenant choose their hash: two that differ must not have the same.
    const key = hash("sha256", JSON.stringify([allow, deny, allowWhen, denyWhen, masked]), "base64");
    const residual = shared.get(key) ?? createResidual(rules);
    shared.set(key, residual);
    return residual;
  }
}
