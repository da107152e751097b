import { Badge, type Tone } from "../../parts/badge.tsx";
import { Moment } from "../../parts/moment.tsx";
import type { ChainLink, LinkAnswer } from "./explanation.ts";

const SIGNS = { yes: "✓", no: "✕", unknown: "?" } as const;
const TONES: Readonly<Record<LinkAnswer["answer"], Tone>> = { yes: "good", no: "bad", unknown: "warn" };

/** The links from the event to the person. Up to the first no they hold; behind it nothing came through. */
export function Chain({ links, firstNo }: { readonly links: readonly ChainLink[]; readonly firstNo: string | null }) {
  const broken = links.findIndex(({ link }) => link === firstNo);
  return (
    <ol class="chain">
      {links.map((link, place) => (
        <li key={link.link} class={`chain-link ${link.answer}`} data-behind={broken !== -1 && place > broken}>
          <span class="chain-sign" aria-hidden="true">
            {SIGNS[link.answer]}
          </span>
          <h3 class="chain-title">{link.title}</h3>
          <Evidence title="When it was published" answer={link} />
          <Evidence title="Now" answer={link.now} />
        </li>
      ))}
    </ol>
  );
}

function Evidence({ title, answer }: { readonly title: string; readonly answer: LinkAnswer }) {
  const { at, connectionId, evidence } = answer;
  const isTold = at === undefined || evidence.some((sentence) => sentence.includes(at));
  return (
    <div class="evidence">
      <p class="evidence-head">
        <span class="quiet">{title}</span> <Badge tone={TONES[answer.answer]}>{answer.answer}</Badge>
      </p>
      <ul>
        {evidence.map((sentence) => (
          <li key={sentence}>{sentence}</li>
        ))}
      </ul>
      {isTold && connectionId === undefined ? null : (
        <p class="quiet">
          {isTold ? null : <Moment at={at} />}
          {connectionId === undefined ? null : (
            <>
              {" "}
              stream <code>{connectionId}</code>
            </>
          )}
        </p>
      )}
    </div>
  );
}
