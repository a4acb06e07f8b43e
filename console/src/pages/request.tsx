import { Alert, Select, Stack, TextInput } from "@mantine/core";
import { useState } from "react";
import { useParams } from "react-router";
import type { Answer } from "../api/call.ts";
import { useLook } from "../api/live.ts";
import { useOfClient } from "../api/me.tsx";
import { toAccount, toClient, toConnection } from "../links.ts";
import { Action } from "../parts/action.tsx";
import { Facts, Json, Text } from "../parts/facts.tsx";
import { Id } from "../parts/id.tsx";
import { Page, Section } from "../parts/page.tsx";
import { Loaded } from "../parts/states.tsx";
import { Status } from "../parts/status.tsx";
import { Story } from "../parts/story.tsx";
import { BothTimes } from "../parts/time.tsx";
import { waitWords } from "../words.ts";

type RequestAnswer = Answer<"GET /v1/operator/requests/{requestId}">;

export function Request() {
  const { requestId = "" } = useParams();
  const query = useOfClient();
  const request = useLook("GET /v1/operator/requests/{requestId}", {
    params: { requestId },
    query,
  });
  const found = useLook("GET /v1/operator/find/{id}", { params: { id: requestId }, query });
  const { data } = request;
  return (
    <Page
      title="Request"
      about={<Id id={requestId} />}
      actions={data !== undefined && <Actions request={data} />}
    >
      <Loaded of={request}>
        {(of) => (
          <>
            <Why request={of} />
            <Section title="What it is">
              <Details request={of} />
            </Section>
          </>
        )}
      </Loaded>
      <Section title="Its story">
        <Loaded of={found}>{({ items }) => <Story steps={items[0]?.story ?? []} />}</Loaded>
      </Section>
      {data !== undefined && <Outcome request={data} />}
    </Page>
  );
}

/** Why it is not done, and what to do about it, where there is something to do. */
function Why({ request }: { request: RequestAnswer }) {
  if (request.status === "UNKNOWN") {
    return (
      <Alert color="orange" title="It is not known whether the provider got it">
        The call got no answer. Look at the provider whether it was carried out, and say so with
        “Resolve”. It is never sent twice by itself.
      </Alert>
    );
  }
  if (request.error !== undefined) {
    return (
      <Alert color="red" title={request.error.code}>
        {request.error.message}
      </Alert>
    );
  }
  if (request.waitReason === undefined) return null;
  return (
    <Alert color="blue" title="Why it waits">
      {request.waitReason}
    </Alert>
  );
}

function Details({ request }: { request: RequestAnswer }) {
  const time = (at: string | undefined) => at !== undefined && <BothTimes at={at} />;
  const { waitsFor, clientId, connectionId, accountId } = request;
  return (
    <Facts
      of={{
        Status: <Status value={request.status} />,
        "Waits for": waitsFor && waitWords[waitsFor],
        Place: request.position,
        "Expected at": time(request.expectedAt),
        Action: request.action,
        Provider: request.provider,
        Account: <Id id={accountId} to={toAccount(clientId, accountId, connectionId)} />,
        Connection: <Id id={connectionId} to={toConnection(connectionId)} />,
        Client: <Id id={clientId} to={toClient(clientId)} />,
        Priority: request.priority,
        Group: request.group,
        "Counts as": request.category,
        Accepted: time(request.createdAt),
        Scheduled: time(request.scheduled),
        Submitted: time(request.submittedAt),
        Ended: time(request.finishedAt),
        "Not after": time(request.notAfter),
        "Provider's id": request.providerRequestId && <Id id={request.providerRequestId} />,
        "Provider says": request.pendingReason,
        Attempts: request.attempts,
        "Recurring request": request.recurringId,
      }}
    />
  );
}

function Outcome({ request }: { request: RequestAnswer }) {
  const { result, lateResult, unclearReports = [] } = request;
  return (
    <>
      {result !== undefined && (
        <Section title="Result">
          <Json value={result} label="the result" />
        </Section>
      )}
      {lateResult !== undefined && (
        <Section title="An outcome that came after the end">
          <Json value={lateResult} label="the late outcome" />
        </Section>
      )}
      {unclearReports.map(({ at, kind, body }) => (
        <Section key={at} title={`A report that is ${kind}`}>
          <Stack gap="xs">
            <BothTimes at={at} />
            <Text text={body} label="the report" isExact />
          </Stack>
        </Section>
      ))}
    </>
  );
}

const endedStatuses = ["SUCCEEDED", "FAILED", "CANCELLED"];

function Actions({ request: { requestId, status } }: { request: RequestAnswer }) {
  const [as, setAs] = useState<"submitted" | "not-submitted">("not-submitted");
  const [providerRequestId, setProviderRequestId] = useState("");
  const id = providerRequestId.trim();
  return (
    <>
      {status === "UNKNOWN" && (
        <Action
          route="POST /v1/operator/requests/{requestId}/resolve"
          label="Resolve"
          isPrimary
          about="Say what you found at the provider. If it was not submitted, it goes back to its lane and is sent again."
          params={{ requestId }}
          fields={
            <>
              <Select
                label="What you found"
                allowDeselect={false}
                value={as}
                onChange={(value) => setAs(value === "submitted" ? "submitted" : "not-submitted")}
                data={[
                  { value: "not-submitted", label: "The provider did not get it" },
                  { value: "submitted", label: "The provider has it" },
                ]}
              />
              {as === "submitted" && (
                <TextInput
                  label="The provider's id of it"
                  description="With it, its result can be asked for."
                  value={providerRequestId}
                  onChange={({ currentTarget }) => setProviderRequestId(currentTarget.value)}
                />
              )}
            </>
          }
          body={as === "submitted" && id !== "" ? { as, providerRequestId: id } : { as }}
          done={(of) => `The request is ${of.status} now.`}
        />
      )}
      {!endedStatuses.includes(status) && (
        <Action
          route="POST /v1/operator/requests/{requestId}/cancel"
          label="Cancel the request"
          isDangerous
          about="The request ends as CANCELLED, as if its client had cancelled it. A provider that has it already is asked to stop."
          params={{ requestId }}
          done={() => "The request is cancelled."}
        />
      )}
    </>
  );
}
