import type { ItemOf } from "../api/call.ts";
import { usePages } from "../api/live.ts";
import { useMe, useOfClient } from "../api/me.tsx";
import { toClient, toWebhook } from "../links.ts";
import { type Filter, Filters, useFilters } from "../parts/filters.tsx";
import { Id } from "../parts/id.tsx";
import { Page, Section } from "../parts/page.tsx";
import { Nothing } from "../parts/states.tsx";
import { Status } from "../parts/status.tsx";
import { Pages } from "../parts/table.tsx";
import { Time } from "../parts/time.tsx";

export type Webhook = ItemOf<"GET /v1/operator/webhooks">;

const filters = [
  { name: "clientId", label: "Client", kind: "text", placeholder: "cl_…" },
] as const satisfies readonly Filter[];

export function Webhooks() {
  const isOperator = useMe().kind === "operator";
  const query = { ...useFilters(isOperator ? filters : []), ...useOfClient() };
  const webhooks = usePages<"GET /v1/operator/webhooks", Webhook>("GET /v1/operator/webhooks", {
    query,
  });
  return (
    <Page
      title="Webhooks"
      about="Where each client gets its events, and whether its endpoint answers."
    >
      <Section title="Webhooks">
        {isOperator && <Filters filters={filters} />}
        <Pages
          of={webhooks}
          label="Webhooks"
          keyOf={({ id }) => id}
          columns={[
            { title: "URL", cell: ({ clientId, url }) => <Id id={url} to={toWebhook(clientId)} /> },
            { title: "Status", cell: ({ status }) => <Status value={status} /> },
            { title: "Endpoint", cell: (of) => <Health webhook={of} /> },
            { title: "Waiting", cell: ({ waiting }) => waiting },
            { title: "Failed", cell: ({ failed }) => failed },
            {
              title: "Last attempt",
              cell: ({ last }) => last !== undefined && <Time at={last.at} />,
            },
            {
              title: "Client",
              cell: ({ clientId }) => <Id id={clientId} to={toClient(clientId)} isShort />,
            },
          ]}
          empty={
            <Nothing title="There is no webhook yet">
              A client sets one with PUT /v1/webhook. Until then its events are on the bus only.
            </Nothing>
          }
        />
      </Section>
    </Page>
  );
}

/** The state of the endpoint in one word. */
export function Health({ webhook: { health, last } }: { webhook: Webhook }) {
  if (health.circuit === "open") return <Status value="failed" label="breaker open" />;
  if (health.consecutiveFailures > 0)
    return <Status value="paused" label={`${health.consecutiveFailures} failures in a row`} />;
  if (last === undefined) return <Status value="unused" label="no attempt yet" />;
  return <Status value="active" label={health.isFast ? "answers promptly" : "answers"} />;
}
