import { useConsole, useTenant } from "../../context/console-context.ts";
import { readProblem, toApiError } from "../../http/api-error.ts";
import { useQuery } from "../../http/use-query.ts";
import { Badge } from "../../parts/badge.tsx";
import { Identifier, Command } from "../../parts/command.tsx";
import { EmptyState } from "../../parts/empty-state.tsx";
import { Loaded } from "../../parts/loaded.tsx";
import { Page, Section } from "../../parts/page.tsx";
import { type Column, Table } from "../../parts/table.tsx";
import { ProducerKeys } from "../../producers/producer-keys.tsx";

/** A public key of auth (RFC 7517). */
interface Key {
  readonly kid: string;
  readonly alg?: string;
  readonly crv?: string;
  readonly place: number;
}

const REFRESH_MS = 30_000;

const COLUMNS: readonly Column<Key>[] = [
  { title: "Key id", track: "minmax(10rem, 2fr)", cell: ({ kid }) => <Identifier id={kid} what="the key id" /> },
  { title: "Algorithm", track: "8rem", rank: 2, cell: ({ alg, crv }) => [alg, crv].filter(Boolean).join(" · ") },
  {
    title: "Use",
    track: "6rem",
    cell: ({ place }) => (place === 0 ? <Badge tone="good">signs</Badge> : <span class="quiet">verifies</span>),
  },
];

/** The keys that access tokens are signed with, as auth publishes them to everybody, and those of the tenant's producers. */
export function KeysScreen() {
  const { settings } = useConsole();
  const tenant = useTenant();
  return (
    <Page title="Keys" lead="What auth signs access tokens with. Every service reads these keys from auth.">
      {settings.authUrl === undefined ? (
        <EmptyState title="The address of auth is not known">
          AUTH_ISSUER is a name here and no URL, so this page does not know where auth publishes its keys.
        </EmptyState>
      ) : (
        <KeyList authUrl={settings.authUrl} />
      )}
      <Section title="Rotate the keys">
        <p class="lead">
          Keys are rotated at a terminal: private keys never come near a browser. The next key signs once everybody has
          it; nobody is logged out.
        </p>
        <Command line="npx sluice keys rotate" />
      </Section>
      {tenant === undefined ? null : <ProducerKeys tenant={tenant} />}
    </Page>
  );
}

function KeyList({ authUrl }: { readonly authUrl: string }) {
  const keys = useQuery("keys", (signal) => readKeys(authUrl, signal), { everyMs: REFRESH_MS });
  return (
    <Loaded query={keys} what="the keys">
      {(list) => (
        <Table
          label="Keys"
          columns={COLUMNS}
          rows={list}
          keyOf={({ kid }) => kid}
          empty={<EmptyState title="Auth publishes no key">It signs nothing; look at its log.</EmptyState>}
        />
      )}
    </Loaded>
  );
}

async function readKeys(authUrl: string, signal: AbortSignal): Promise<readonly Key[]> {
  const response = await fetch(new URL("/.well-known/jwks.json", authUrl), { signal, credentials: "omit" }).catch(
    (thrown: unknown) => {
      throw toApiError(thrown, "auth");
    },
  );
  if (!response.ok) throw await readProblem(response);
  const { keys } = (await response.json()) as { readonly keys: readonly Omit<Key, "place">[] };
  return keys.map((key, place) => ({ ...key, place }));
}
