import type { Diff, Difference } from "./policy.ts";

const SIGNS = { added: "+", removed: "−", changed: "~" } as const;

/** What two documents say otherwise, comments and spelling aside. */
export function Differences({ diff: { differences, more } }: { readonly diff: Diff }) {
  if (differences.length === 0)
    return <p class="quiet">Nothing that counts: comments or spelling, or the same text.</p>;
  return (
    <ul class="differences">
      {differences.map((each) => (
        <li key={JSON.stringify(each)} class={each.change}>
          <span aria-hidden="true">{SIGNS[each.change]}</span>
          <span class="visually-hidden">{each.change} </span>
          <span>
            {each.kind} <strong>{each.name}</strong> <Values difference={each} />
          </span>
        </li>
      ))}
      {more > 0 ? <li class="quiet">and {more.toLocaleString()} more</li> : null}
    </ul>
  );
}

function Values({ difference: { before = "", after = "" } }: { readonly difference: Difference }) {
  if (before !== "" && after !== "") {
    return (
      <code>
        {before} → {after}
      </code>
    );
  }
  return before + after === "" ? null : <code>{before + after}</code>;
}
