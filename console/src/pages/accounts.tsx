import type { ItemOf } from "../api/call.ts";
import { usePages } from "../api/live.ts";
import { useMe, useOfClient } from "../api/me.tsx";
import { toAccount, toClient } from "../links.ts";
import { type Filter, Filters, useFilters } from "../parts/filters.tsx";
import { Id } from "../parts/id.tsx";
import { Page, Section } from "../parts/page.tsx";
import { Nothing } from "../parts/states.tsx";
import { Status } from "../parts/status.tsx";
import { Pages } from "../parts/table.tsx";
import { Time } from "../parts/time.tsx";

type Account = ItemOf<"GET /v1/operator/accounts">;

const filters = [
  { name: "clientId", label: "Client", kind: "text", placeholder: "cl_…" },
] as const satisfies readonly Filter[];

export function Accounts() {
  const isOperator = useMe().kind === "operator";
  const query = { ...useFilters(isOperator ? filters : []), ...useOfClient() };
  const accounts = usePages<"GET /v1/operator/accounts", Account>("GET /v1/operator/accounts", {
    query,
  });
  return (
    <Page title="Accounts" about="In whose name requests are carried out, one at a time each.">
      <Section title="Accounts">
        {isOperator && <Filters filters={filters} />}
        <Pages
          of={accounts}
          label="Accounts"
          keyOf={({ connectionId, accountId }) => `${connectionId} ${accountId}`}
          columns={[
            {
              title: "Account",
              cell: ({ clientId, accountId, connectionId }) => (
                <Id id={accountId} to={toAccount(clientId, accountId, connectionId)} />
              ),
            },
            { title: "Status", cell: ({ status }) => <Status value={status} /> },
            {
              title: "Paused because",
              cell: ({ pausedBecause, pausedUntil }) => (
                <>
                  {pausedBecause}
                  {pausedUntil !== undefined && (
                    <>
                      {" "}
                      until <Time at={pausedUntil} />
                    </>
                  )}
                </>
              ),
            },
            { title: "Provider", cell: ({ provider }) => provider },
            { title: "Limits", cell: ({ preset }) => preset },
            {
              title: "Client",
              cell: ({ clientId }) => <Id id={clientId} to={toClient(clientId)} isShort />,
            },
          ]}
          empty={
            <Nothing title="There is no account yet">
              An account appears with its first request, or with PUT /v1/accounts/ACCOUNT.
            </Nothing>
          }
        />
      </Section>
    </Page>
  );
}
