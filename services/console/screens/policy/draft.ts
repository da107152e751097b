import { useEffect, useState } from "preact/hooks";
import { useConsole } from "../../context/console-context.ts";
import type { Policy } from "./policy.ts";

/** A text that is edited, and the version that the edit began with. */
export interface Draft {
  readonly text: string;
  readonly version: number;
}

/** An edited document. It is kept in the tab until it is applied or thrown away, whatever happens to the page or the login. */
export interface EditedDraft extends Draft {
  readonly isEdited: boolean;
  /** Whether it was found in the tab, and not typed just now. */
  readonly isFound: boolean;
  /** Counts the texts that came from elsewhere than the editor, which has to take them. */
  readonly revision: number;
  /** The editor has this text now. */
  readonly edit: (text: string) => void;
  /** Puts another text into the editor. */
  readonly replace: (text: string) => void;
  /** Goes on from the version in force, with this text or with the document itself. */
  readonly beginAgain: (policy: Pick<Policy, "document" | "version">, text?: string) => void;
}

/** The draft of a tenant's document. */
export function useDraft(tenant: string, policy: Policy): EditedDraft {
  const { router } = useConsole();
  const key = `sluice-draft ${tenant}`;
  const [found] = useState(() => readDraft(key));
  const [base, setBase] = useState(policy.document);
  const [draft, setDraft] = useState<Draft>(found ?? { text: policy.document, version: policy.version });
  const [revision, setRevision] = useState(0);
  const isEdited = draft.text !== base;
  const replace = (next: Draft): void => {
    setDraft(next);
    setRevision((before) => before + 1);
  };
  useEffect(() => {
    if (isEdited) sessionStorage.setItem(key, JSON.stringify(draft));
    else sessionStorage.removeItem(key);
    return isEdited ? router.guard(() => true) : undefined;
  }, [key, draft, isEdited]);
  useEffect(() => {
    // Somebody else's change comes into an editor where nothing is edited, and never over edits.
    if (isEdited || policy.version === draft.version) return;
    setBase(policy.document);
    replace({ text: policy.document, version: policy.version });
  }, [policy.version]);
  return {
    ...draft,
    isEdited,
    isFound: found !== undefined && found.text === draft.text,
    revision,
    replace: (text) => replace({ ...draft, text }),
    edit: (text) => setDraft((before) => ({ ...before, text })),
    beginAgain(current, text = current.document) {
      setBase(current.document);
      replace({ text, version: current.version });
    },
  };
}

function readDraft(key: string): Draft | undefined {
  const text = sessionStorage.getItem(key);
  return text === null ? undefined : (JSON.parse(text) as Draft);
}
