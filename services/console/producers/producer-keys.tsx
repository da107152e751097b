import { useState } from "preact/hooks";
import { useConsole } from "../context/console-context.ts";
import { useQuery } from "../http/use-query.ts";
import { ConfirmDialog } from "../parts/dialog.tsx";
import { EmptyState } from "../parts/empty-state.tsx";
import { Loaded } from "../parts/loaded.tsx";
import { Section } from "../parts/page.tsx";
import "./producers.css";
import { BindRole } from "./bind-role.tsx";
import { ClientItem } from "./client-item.tsx";
import { MakeKey } from "./make-key.tsx";
import { type ProducerClients, producerClientsOf, type ShownSecret } from "./producer-clients.ts";
import { ShownSecretNote } from "./shown-secret.tsx";

/** What is taken away once that is confirmed: a whole key, or one of its secrets. */
interface Withdrawal {
  readonly id: string;
  readonly number?: number;
}

/** What a line to try a key with publishes. */
const EVENT = { type: "order.created", key: "1", data: {} };

/** The keys by which a tenant's producers publish over HTTP: made, replaced without an outage, and withdrawn. */
export function ProducerKeys({ tenant }: { readonly tenant: string }) {
  const { settings, session } = useConsole();
  const { authUrl } = settings;
  return (
    <Section title="Producers over HTTP">
      <p class="hint">
        A key gets tokens that publish what policy lets it. To replace one, give it a second secret, hand that to the
        producer, and withdraw the first once it is used no more: both are good until then.
      </p>
      {authUrl === undefined ? (
        <EmptyState title="The address of auth is not known">AUTH_ISSUER is a name here and no URL.</EmptyState>
      ) : (
        <Keys key={tenant} tenant={tenant} authUrl={authUrl} clients={producerClientsOf(authUrl, session, tenant)} />
      )}
    </Section>
  );
}

interface KeysProps {
  readonly tenant: string;
  readonly authUrl: string;
  readonly clients: ProducerClients;
}

function Keys({ tenant, authUrl, clients }: KeysProps) {
  const { session, announce } = useConsole();
  const list = useQuery(`clients ${tenant}`, (signal) => clients.list(signal));
  const [shown, setShown] = useState<ShownSecret>();
  const [withdrawing, setWithdrawing] = useState<Withdrawal>();
  const show = (made: ShownSecret): void => {
    setShown(made);
    list.reload();
  };
  const withdraw = async ({ id, number }: Withdrawal): Promise<void> => {
    await (number === undefined ? clients.withdraw(id) : clients.withdrawSecret(id, number));
    announce(number === undefined ? `${id} is withdrawn.` : `Secret ${number} of ${id} is withdrawn.`);
    list.reload();
  };
  const isUnknown = list.state === "failed" && list.error.status === 401 && session.who.value?.kind === "operator";
  if (isUnknown) return <NoOperators tenant={tenant} />;
  return (
    <>
      {shown === undefined ? null : <ShownSecretNote authUrl={authUrl} made={shown} event={EVENT} />}
      {shown?.secret_number === 1 ? <BindRole key={shown.client_id} tenant={tenant} id={shown.client_id} /> : null}
      <Loaded query={list} what="the keys of producers">
        {({ clients: all }) => (
          <ul class="producer-keys">
            {all.map((client) => (
              <ClientItem
                key={client.client_id}
                client={client}
                onAddSecret={async () => show(await clients.addSecret(client.client_id))}
                onWithdraw={(number) => setWithdrawing({ id: client.client_id, ...(number && { number }) })}
              />
            ))}
          </ul>
        )}
      </Loaded>
      <MakeKey onMake={async (name) => show(await clients.make(name))} />
      {withdrawing === undefined ? null : (
        <ConfirmWithdrawal
          {...withdrawing}
          onConfirm={() => withdraw(withdrawing)}
          onClose={() => setWithdrawing(undefined)}
        />
      )}
    </>
  );
}

function NoOperators({ tenant }: { readonly tenant: string }) {
  return (
    <EmptyState title="Auth knows no operators here">
      Give it POLICY_OPERATOR_TOKEN_FILE too, or log in as somebody with client:admin in {tenant}.
    </EmptyState>
  );
}

type ConfirmWithdrawalProps = Withdrawal & { readonly onConfirm: () => Promise<void>; readonly onClose: () => void };

function ConfirmWithdrawal({ id, number, onConfirm, onClose }: ConfirmWithdrawalProps) {
  const what = number === undefined ? id : `secret ${number} of ${id}`;
  return (
    <ConfirmDialog
      title={`Withdraw ${what}?`}
      action="Withdraw it"
      kind="danger"
      onConfirm={onConfirm}
      onClose={onClose}
    >
      <p>
        It gets no more tokens, and the tokens it has got are refused. A producer that still uses it cannot publish
        until it has another one.
      </p>
    </ConfirmDialog>
  );
}
