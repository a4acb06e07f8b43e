import { useParams } from "react-router";
import type { ItemOf } from "../api/call.ts";
import { useLook, usePages } from "../api/live.ts";
import { useMe, useOfClient } from "../api/me.tsx";
import { toClient, toEvent } from "../links.ts";
import { DeliveryTable } from "../parts/delivery-table.tsx";
import { Facts, Json } from "../parts/facts.tsx";
import { type Filter, Filters, useFilters } from "../parts/filters.tsx";
import { Id } from "../parts/id.tsx";
import { Page, Section } from "../parts/page.tsx";
import { Loaded, Nothing } from "../parts/states.tsx";
import { Story } from "../parts/story.tsx";
import { Pages } from "../parts/table.tsx";
import { BothTimes, Time } from "../parts/time.tsx";
import { eventTypes } from "../words.ts";

type Event = ItemOf<"GET /v1/operator/events">;

const clientFilter = {
  name: "clientId",
  label: "Client",
  kind: "text",
  placeholder: "cl_…",
} as const;

const filters = [
  { name: "type", label: "Type", kind: "choice", choices: eventTypes },
  { name: "since", label: "Within", kind: "since" },
] as const satisfies readonly Filter[];

export function Events() {
  const isOperator = useMe().kind === "operator";
  const shown = isOperator ? [clientFilter, ...filters] : filters;
  const query = { ...(useFilters<string>(shown) as object), ...useOfClient() };
  const events = usePages<"GET /v1/operator/events", Event>("GET /v1/operator/events", { query });
  return (
    <Page
      title="Events"
      about="What was published on the bus, newest first; new ones appear by themselves."
    >
      <Section title="Events">
        <Filters filters={shown} />
        <Pages
          of={events}
          label="Events"
          keyOf={({ id }) => id}
          columns={[
            { title: "Event", cell: ({ id }) => <Id id={id} to={toEvent(id)} isShort /> },
            { title: "Type", cell: ({ type }) => type },
            { title: "About", cell: aboutOf },
            {
              title: "Client",
              cell: ({ clientId }) => <Id id={clientId} to={toClient(clientId)} isShort />,
            },
            { title: "Received", cell: ({ listedAt }) => <Time at={listedAt} /> },
            {
              title: "Published",
              cell: ({ publishedAt }) =>
                publishedAt === undefined ? "not yet" : <Time at={publishedAt} />,
            },
          ]}
          empty={
            <Nothing title="No event matches">
              An event appears when a provider's webhook is accepted, or a request changes.
            </Nothing>
          }
        />
      </Section>
    </Page>
  );
}

/** The ids that most types of events have in their data. */
function aboutOf({ data }: Event) {
  const { requestId, workflowId, accountId } = data as Record<string, unknown>;
  const id = [requestId, workflowId, accountId].find((one) => typeof one === "string");
  return typeof id === "string" ? <Id id={id} isShort /> : "";
}

export function Event() {
  const { id = "" } = useParams();
  const query = useOfClient();
  const event = useLook("GET /v1/operator/events/{id}", { params: { id }, query });
  const found = useLook("GET /v1/operator/find/{id}", { params: { id }, query });
  return (
    <Page title="Event" about={<Id id={id} />}>
      <Loaded of={event}>
        {(of) => (
          <>
            <Section title="What it is">
              <Facts
                of={{
                  Type: of.type,
                  Client: <Id id={of.clientId} to={toClient(of.clientId)} />,
                  Created: <BothTimes at={of.createdAt} />,
                  Received: <BothTimes at={of.listedAt} />,
                  Published: of.publishedAt && <BothTimes at={of.publishedAt} />,
                }}
              />
            </Section>
            <Section title="Its deliveries">
              <DeliveryTable query={{ clientId: of.clientId, eventId: id }} />
            </Section>
            <Section title="Data">
              <Json value={of.data} label="the event's data" />
            </Section>
          </>
        )}
      </Loaded>
      <Section title="Its story">
        <Loaded of={found}>{({ items }) => <Story steps={items[0]?.story ?? []} />}</Loaded>
      </Section>
    </Page>
  );
}
