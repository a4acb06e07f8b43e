import type { Input, ItemOf } from "../api/call.ts";
import { usePages } from "../api/live.ts";
import { toDelivery, toEvent } from "../links.ts";
import { Id } from "./id.tsx";
import { Nothing } from "./states.tsx";
import { Status } from "./status.tsx";
import { Pages } from "./table.tsx";
import { Time } from "./time.tsx";

const route = "GET /v1/operator/deliveries";
type Delivery = ItemOf<typeof route>;

/** Deliveries that match, with what became of their last attempt. */
export function DeliveryTable({ query }: { query: NonNullable<Input<typeof route>["query"]> }) {
  const deliveries = usePages<typeof route, Delivery>(route, { query });
  return (
    <Pages
      of={deliveries}
      label="Deliveries"
      keyOf={({ id }) => id}
      columns={[
        { title: "Delivery", cell: ({ id }) => <Id id={id} to={toDelivery(id)} isShort /> },
        { title: "Status", cell: ({ status }) => <Status value={status} /> },
        { title: "Because", cell: becauseOf },
        {
          title: "Event",
          cell: ({ eventId }) => <Id id={eventId} to={toEvent(eventId)} isShort />,
        },
        { title: "Type", cell: ({ eventType }) => eventType },
        { title: "Attempts", cell: ({ attempts }) => attempts.length },
        { title: "Created", cell: ({ createdAt }) => <Time at={createdAt} /> },
        {
          title: "Next attempt",
          cell: ({ nextAttemptAt }) => nextAttemptAt !== undefined && <Time at={nextAttemptAt} />,
        },
      ]}
      empty={
        <Nothing title="No delivery matches">
          Every event makes one for the client's webhook, if the webhook takes its type.
        </Nothing>
      }
    />
  );
}

function becauseOf({ reason, attempts }: Delivery): string {
  const last = attempts.at(-1);
  const answer =
    last?.error ?? (last?.httpStatus === undefined ? undefined : `HTTP ${last.httpStatus}`);
  return [reason, answer].filter((one) => one !== undefined).join(", ");
}
