import type { ItemOf } from "../api/call.ts";
import { usePages } from "../api/live.ts";
import { useMe, useOfClient } from "../api/me.tsx";
import { toAccount, toClient, toRequest } from "../links.ts";
import { type Filter, Filters, useFilters } from "../parts/filters.tsx";
import { Id } from "../parts/id.tsx";
import { Page, Section } from "../parts/page.tsx";
import { Nothing } from "../parts/states.tsx";
import { Status } from "../parts/status.tsx";
import { type Column, Pages } from "../parts/table.tsx";
import { Time } from "../parts/time.tsx";
import { statuses, waits, waitWords } from "../words.ts";

type Request = ItemOf<"GET /v1/operator/requests">;

const clientFilter = {
  name: "clientId",
  label: "Client",
  kind: "text",
  placeholder: "cl_…",
} as const;

const filters = [
  { name: "accountId", label: "Account", kind: "text", placeholder: "its id" },
  { name: "status", label: "Status", kind: "choice", choices: statuses },
  {
    name: "waitsFor",
    label: "Waits for",
    kind: "choice",
    choices: waits.map((value) => ({ value, label: waitWords[value] })),
  },
  { name: "group", label: "Group", kind: "text" },
  { name: "since", label: "Within", kind: "since" },
] as const satisfies readonly Filter[];

export function Requests() {
  const me = useMe();
  const shown = me.kind === "operator" ? [clientFilter, ...filters] : filters;
  // The address may hold any word; the API refuses what is no status, and says so.
  const query = useFilters<string>(shown) as object;
  const requests = usePages<"GET /v1/operator/requests", Request>("GET /v1/operator/requests", {
    query: { ...query, ...useOfClient() },
  });
  return (
    <Page
      title="Requests"
      about="Operations that a provider carries out for an account, newest first."
    >
      <Section title="Requests">
        <Filters filters={shown} />
        <Pages
          of={requests}
          label="Requests"
          keyOf={({ requestId }) => requestId}
          columns={requestColumns(me.kind === "operator")}
          empty={
            <Nothing title="No request matches">
              Clear a filter, or let the client send one with POST /v1/requests.
            </Nothing>
          }
        />
      </Section>
    </Page>
  );
}

export function requestColumns(withClient: boolean): Column<Request>[] {
  return [
    {
      title: "Request",
      cell: ({ requestId }) => <Id id={requestId} to={toRequest(requestId)} isShort />,
    },
    { title: "Status", cell: ({ status }) => <Status value={status} /> },
    {
      title: "Waits for",
      cell: ({ waitsFor, position }) =>
        waitsFor === undefined ? (
          ""
        ) : (
          <>
            {waitWords[waitsFor]}
            {position !== undefined && `, place ${position}`}
          </>
        ),
    },
    { title: "Action", cell: ({ action }) => action },
    {
      title: "Account",
      cell: ({ clientId, accountId, connectionId }) => (
        <Id id={accountId} to={toAccount(clientId, accountId, connectionId)} isShort />
      ),
    },
    ...(withClient
      ? [
          {
            title: "Client",
            cell: ({ clientId }: Request) => <Id id={clientId} to={toClient(clientId)} isShort />,
          },
        ]
      : []),
    { title: "Accepted", cell: ({ createdAt }) => <Time at={createdAt} /> },
  ];
}
