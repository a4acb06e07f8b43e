import type { ItemOf } from "../api/call.ts";
import { usePages } from "../api/live.ts";
import { useOfClient } from "../api/me.tsx";
import { toAccount, toClient, toRequest } from "../links.ts";
import { Action } from "../parts/action.tsx";
import { Id } from "../parts/id.tsx";
import { Page, Section } from "../parts/page.tsx";
import { Nothing } from "../parts/states.tsx";
import { Status } from "../parts/status.tsx";
import { Pages } from "../parts/table.tsx";
import { Time } from "../parts/time.tsx";

type Recurring = ItemOf<"GET /v1/operator/recurring-requests">;
type Scheduled = ItemOf<"GET /v1/operator/requests">;

export function Schedules() {
  const query = useOfClient();
  const recurring = usePages<"GET /v1/operator/recurring-requests", Recurring>(
    "GET /v1/operator/recurring-requests",
    { query },
  );
  const scheduled = usePages<"GET /v1/operator/requests", Scheduled>("GET /v1/operator/requests", {
    query: { ...query, status: "SCHEDULED" },
  });
  return (
    <Page
      title="Schedules"
      about="Requests that are made again and again, and those that wait for their time."
    >
      <Section title="Recurring requests">
        <Pages
          of={recurring}
          label="Recurring requests"
          keyOf={({ clientId, recurringId }) => `${clientId} ${recurringId}`}
          columns={[
            { title: "Recurring request", cell: ({ recurringId }) => <Id id={recurringId} /> },
            { title: "Status", cell: ({ status }) => <Status value={status} /> },
            {
              title: "Every",
              cell: ({ every }) => (
                <span className="ackwire-id">
                  {every.cron} ({every.timeZone})
                </span>
              ),
            },
            { title: "Action", cell: ({ action }) => action },
            {
              title: "Account",
              cell: ({ clientId, accountId, connectionId }) => (
                <Id id={accountId} to={toAccount(clientId, accountId, connectionId)} isShort />
              ),
            },
            {
              title: "Client",
              cell: ({ clientId }) => <Id id={clientId} to={toClient(clientId)} isShort />,
            },
            { title: "Mend", cell: (of) => <PauseOrResume recurring={of} /> },
          ]}
          empty={
            <Nothing title="There is no recurring request">
              A client makes one with PUT /v1/recurring-requests/ID.
            </Nothing>
          }
        />
      </Section>
      <Section title="Scheduled requests">
        <Pages
          of={scheduled}
          label="Scheduled requests"
          keyOf={({ requestId }) => requestId}
          columns={[
            {
              title: "Request",
              cell: ({ requestId }) => <Id id={requestId} to={toRequest(requestId)} isShort />,
            },
            {
              title: "Scheduled",
              cell: ({ scheduled: at }) => at !== undefined && <Time at={at} />,
            },
            { title: "Action", cell: ({ action }) => action },
            {
              title: "Account",
              cell: ({ clientId, accountId, connectionId }) => (
                <Id id={accountId} to={toAccount(clientId, accountId, connectionId)} isShort />
              ),
            },
            {
              title: "Client",
              cell: ({ clientId }) => <Id id={clientId} to={toClient(clientId)} isShort />,
            },
          ]}
          empty={
            <Nothing title="No request waits for its time">
              A client gives a request a time with “scheduled”.
            </Nothing>
          }
        />
      </Section>
    </Page>
  );
}

function PauseOrResume({ recurring: { clientId, recurringId, status } }: { recurring: Recurring }) {
  const params = { clientId, recurringId };
  return status === "paused" ? (
    <Action
      route="POST /v1/operator/clients/{clientId}/recurring-requests/{recurringId}/resume"
      label="Resume"
      about="It makes requests again from its next time on. What was missed is not made up for."
      params={params}
      done={() => "It is active."}
    />
  ) : (
    <Action
      route="POST /v1/operator/clients/{clientId}/recurring-requests/{recurringId}/pause"
      label="Pause"
      about="It makes no further request until it is resumed."
      params={params}
      done={() => "It is paused."}
    />
  );
}
