import { useMe, useOfClient } from "../api/me.tsx";
import { DeliveryTable } from "../parts/delivery-table.tsx";
import { type Filter, Filters, useFilters } from "../parts/filters.tsx";
import { Page, Section } from "../parts/page.tsx";
import { deliveryStatuses, eventTypes } from "../words.ts";

const clientFilter = {
  name: "clientId",
  label: "Client",
  kind: "text",
  placeholder: "cl_…",
} as const;

const filters = [
  { name: "status", label: "Status", kind: "choice", choices: deliveryStatuses },
  { name: "eventType", label: "Event type", kind: "choice", choices: eventTypes },
  { name: "eventId", label: "Event", kind: "text", placeholder: "its id" },
  { name: "since", label: "Within", kind: "since" },
] as const satisfies readonly Filter[];

export function Deliveries() {
  const isOperator = useMe().kind === "operator";
  const shown = isOperator ? [clientFilter, ...filters] : filters;
  const query = { ...(useFilters<string>(shown) as object), ...useOfClient() };
  return (
    <Page title="Deliveries" about="One event to one webhook each, newest first.">
      <Section title="Deliveries">
        <Filters filters={shown} />
        <DeliveryTable query={query} />
      </Section>
    </Page>
  );
}
