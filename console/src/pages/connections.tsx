import type { ItemOf } from "../api/call.ts";
import { usePages } from "../api/live.ts";
import { useMe, useOfClient } from "../api/me.tsx";
import { toClient, toConnection } from "../links.ts";
import { type Filter, Filters, useFilters } from "../parts/filters.tsx";
import { Id } from "../parts/id.tsx";
import { Page, Section } from "../parts/page.tsx";
import { Nothing } from "../parts/states.tsx";
import { Status } from "../parts/status.tsx";
import { Pages } from "../parts/table.tsx";
import { Time } from "../parts/time.tsx";

export type Connection = ItemOf<"GET /v1/operator/connections">;

const filters = [
  { name: "clientId", label: "Client", kind: "text", placeholder: "cl_…" },
] as const satisfies readonly Filter[];

export function Connections() {
  const isOperator = useMe().kind === "operator";
  const query = { ...useFilters(isOperator ? filters : []), ...useOfClient() };
  const connections = usePages<"GET /v1/operator/connections", Connection>(
    "GET /v1/operator/connections",
    { query },
  );
  return (
    <Page
      title="Connections"
      about="One inbound URL for one provider each, with its secrets and credentials."
    >
      <Section title="Connections">
        {isOperator && <Filters filters={filters} />}
        <Pages
          of={connections}
          label="Connections"
          keyOf={({ connectionId }) => connectionId}
          columns={[
            {
              title: "Connection",
              cell: ({ connectionId }) => (
                <Id id={connectionId} to={toConnection(connectionId)} isShort />
              ),
            },
            { title: "Provider", cell: ({ provider }) => provider },
            { title: "Status", cell: ({ status }) => <Status value={status} /> },
            { title: "Because", cell: (of) => pauseWords(of) },
            {
              title: "Credentials",
              cell: ({ hasCredentials }) =>
                hasCredentials ? "set" : <Status value="failed" label="missing" />,
            },
            {
              title: "Refused webhooks",
              cell: ({ refused }) =>
                refused !== undefined && (
                  <>
                    {refused.count}, last <Time at={refused.lastAt} />
                  </>
                ),
            },
            {
              title: "Client",
              cell: ({ clientId }) => <Id id={clientId} to={toClient(clientId)} isShort />,
            },
          ]}
          empty={
            <Nothing title="There is no connection yet">
              A client makes one with POST /v1/connections.
            </Nothing>
          }
        />
      </Section>
    </Page>
  );
}

export function pauseWords({ status, pausedBecause }: Connection): string {
  if (status !== "paused") return "";
  return pausedBecause === "CREDENTIALS_REFUSED"
    ? "the provider refused its credentials"
    : "a person paused it";
}
