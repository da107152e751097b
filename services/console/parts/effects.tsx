import { formatCount } from "./format.ts";

/** Who gains and loses what. */
interface Effect {
  readonly who: readonly string[];
  /** How many more people it is. */
  readonly others?: number;
  readonly gains: readonly string[];
  readonly loses: readonly string[];
  /** How many more rules they gain and lose. */
  readonly moreRules?: number;
}

interface EffectsProps {
  readonly effects: readonly Effect[];
  /** How many more groups of people there are. */
  readonly more: number;
}

const MAX_NAMES = 12;

/** Lists the people that a change of policy concerns, with the rules that they gain and lose by it. */
export function Effects({ effects, more }: EffectsProps) {
  if (effects.length === 0) return <p class="quiet">Nobody gains or loses anything.</p>;
  return (
    <ul class="effects">
      {effects.map((effect) => (
        <li key={effect.who.join()}>
          <p class="effects-who">{whoOf(effect)}</p>
          <ul>
            {effect.gains.map((rule) => (
              <li key={rule} class="gains">
                <span>gains</span> <code>{rule}</code>
              </li>
            ))}
            {effect.loses.map((rule) => (
              <li key={rule} class="loses">
                <span>loses</span> <code>{rule}</code>
              </li>
            ))}
            {effect.moreRules ? <li class="quiet">and {formatCount(effect.moreRules, "more rule")}</li> : null}
          </ul>
        </li>
      ))}
      {more > 0 ? <li class="quiet">and {more.toLocaleString()} more</li> : null}
    </ul>
  );
}

function whoOf({ who, others = 0 }: Effect): string {
  const named = who.slice(0, MAX_NAMES).map((name) => name.replace(/^role:(.*)/, "who brings the role $1 in a token"));
  const left = who.length - named.length + others;
  return named.join(", ") + (left > 0 ? ` and ${left.toLocaleString()} more` : "");
}
