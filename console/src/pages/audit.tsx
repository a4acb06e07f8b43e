import type { ItemOf } from "../api/call.ts";
import { usePages } from "../api/live.ts";
import { toClient } from "../links.ts";
import { type Filter, Filters, useFilters } from "../parts/filters.tsx";
import { Id } from "../parts/id.tsx";
import { Page, Section } from "../parts/page.tsx";
import { Nothing } from "../parts/states.tsx";
import { Status } from "../parts/status.tsx";
import { Pages } from "../parts/table.tsx";
import { Time } from "../parts/time.tsx";

type Record_ = ItemOf<"GET /v1/operator/audit">;

const filters = [
  { name: "clientId", label: "Client", kind: "text", placeholder: "cl_…" },
  { name: "who", label: "Who", kind: "text", placeholder: "operator:…" },
  { name: "action", label: "Action", kind: "text", placeholder: "resumeConnection" },
] as const satisfies readonly Filter[];

export function Audit() {
  const query = useFilters(filters);
  const records = usePages<"GET /v1/operator/audit", Record_>("GET /v1/operator/audit", { query });
  return (
    <Page
      title="Audit"
      about="What persons changed in the last year, newest first. Nothing can be removed from it."
    >
      <Section title="Changes">
        <Filters filters={filters} />
        <Pages
          of={records}
          label="Changes"
          keyOf={({ id }) => id}
          columns={[
            { title: "When", cell: ({ at }) => <Time at={at} isReal /> },
            {
              title: "Who",
              cell: ({ who, whoName }) => <Id id={who} isShort={whoName !== undefined} />,
            },
            { title: "Action", cell: ({ action }) => action },
            {
              title: "What",
              cell: ({ target, created }) =>
                Object.entries({ ...target, ...created }).map(([name, id]) => (
                  <div key={name}>
                    {name} <Id id={id} isShort />
                  </div>
                )),
            },
            {
              title: "Details",
              cell: ({ details }) =>
                details !== undefined && (
                  <span className="ackwire-id">{JSON.stringify(details)}</span>
                ),
            },
            { title: "Why", cell: ({ why }) => why },
            {
              title: "Outcome",
              cell: ({ outcome, code }) => (
                <>
                  <Status value={outcome} /> {code}
                </>
              ),
            },
            {
              title: "Client",
              cell: ({ clientId }) =>
                clientId !== undefined && <Id id={clientId} to={toClient(clientId)} isShort />,
            },
          ]}
          empty={<Nothing title="Nobody has changed anything that matches" />}
        />
      </Section>
    </Page>
  );
}
