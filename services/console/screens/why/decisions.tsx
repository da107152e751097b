import { Badge } from "../../parts/badge.tsx";
import { Link } from "../../parts/link.tsx";
import type { Decision, Explanation } from "./explanation.ts";

/** The decisions in full, for whoever wants to read the rules. */
export function Decisions({ explanation: { whenPublished, now } }: { readonly explanation: Explanation }) {
  if (whenPublished === undefined || now === undefined) return null;
  return (
    <details class="decisions">
      <summary>The rules that were looked at</summary>
      <div class="why-facts">
        {"unknown" in whenPublished ? (
          <p class="quiet">When it was published: {whenPublished.unknown}</p>
        ) : (
          <OneDecision title="When it was published" decision={whenPublished} />
        )}
        <OneDecision title="Now" decision={now} />
      </div>
    </details>
  );
}

function OneDecision({ title, decision }: { readonly title: string; readonly decision: Decision }) {
  const { version, allow, permission, because, roles, considered, more } = decision;
  return (
    <div class="decision">
      <h3>
        {title}: <Badge tone={allow ? "good" : "bad"}>{allow ? "allow" : "deny"}</Badge>
      </h3>
      <p>{because}</p>
      <p class="quiet">
        <Link to="policy" parameters={{ version: String(version) }}>
          version {version}
        </Link>
        {permission === null ? "" : `, permission ${permission}`}
      </p>
      <ul>
        {roles.map(({ role, via }) => (
          <li key={role}>
            <strong>{role}</strong> <span class="quiet">{via.join(", ")}</span>
          </li>
        ))}
        {considered.map((rule) => (
          <li key={`${rule.role} ${rule.effect} ${rule.rule}`}>
            <Badge tone={rule.holds ? (rule.effect === "allow" ? "good" : "bad") : "quiet"}>
              {rule.holds ? rule.effect : "does not hold"}
            </Badge>{" "}
            <code>{rule.rule}</code> <span class="quiet">{rule.because}</span>
          </li>
        ))}
        {more > 0 ? <li class="quiet">and {more} more rules</li> : null}
      </ul>
    </div>
  );
}
