import { Badge } from "../../parts/badge.tsx";
import { Facts } from "../../parts/facts.tsx";
import { Link } from "../../parts/link.tsx";
import { type Person, type Step, stepOf, type Visibility } from "./visibility.ts";

const TONES: Readonly<Record<Step, "good" | "bad" | "warn" | "quiet">> = {
  same: "quiet",
  gained: "good",
  lost: "bad",
  changed: "warn",
};

interface PersonDetailsProps {
  readonly person: Person;
  readonly types: Visibility["types"];
}

/** All types that one person sees, or saw, with the rules that let them through. */
export function PersonDetails({ person, types }: PersonDetailsProps) {
  const seen = types.filter(({ pattern }) => person.sees[pattern] !== undefined || stepOf(person, pattern) === "lost");
  return (
    <>
      <Facts
        facts={{
          Roles: person.roles.length === 0 ? <span class="quiet">none</span> : person.roles.join(", "),
          Sees: `${Object.keys(person.sees).length} of ${types.length} event types`,
        }}
      />
      <Link to="why" parameters={{ subject: person.who }}>
        Ask why about an event
      </Link>
      <ul class="seen-types">
        {seen.map(({ pattern, permission }) => {
          const step = stepOf(person, pattern);
          const sight = person.sees[pattern];
          return (
            <li key={pattern}>
              <p>
                <code>{pattern}</code> <span class="quiet">{permission}</span>{" "}
                {step === "same" ? null : <Badge tone={TONES[step]}>{step}</Badge>}
              </p>
              <p class="quiet">
                {sight === undefined ? "nothing any more" : sight.how === "all" ? "all of it" : "by these rules:"}
              </p>
              {sight === undefined || sight.how === "all"
                ? null
                : sight.rules.map((rule) => (
                    <p key={rule}>
                      <code>{rule}</code>
                    </p>
                  ))}
            </li>
          );
        })}
      </ul>
    </>
  );
}
