import { Accordion, Alert, Group, List, Stack, Text as Words } from "@mantine/core";
import { useParams } from "react-router";
import type { Answer } from "../api/call.ts";
import { useLook } from "../api/live.ts";
import { useOfClient } from "../api/me.tsx";
import { toEvent, toRequest, toWebhook } from "../links.ts";
import { Action } from "../parts/action.tsx";
import { Facts, Text } from "../parts/facts.tsx";
import { Id } from "../parts/id.tsx";
import { Page, Section } from "../parts/page.tsx";
import { Loaded, Nothing } from "../parts/states.tsx";
import { Status } from "../parts/status.tsx";
import { BothTimes, Time } from "../parts/time.tsx";

type DeliveryAnswer = Answer<"GET /v1/operator/deliveries/{id}">;
type Attempt = DeliveryAnswer["attempts"][number];

export function Delivery() {
  const { id = "" } = useParams();
  const query = useOfClient();
  const delivery = useLook("GET /v1/operator/deliveries/{id}", { params: { id }, query });
  return (
    <Page
      title="Delivery"
      about={<Id id={id} />}
      actions={
        <Action
          route="POST /v1/operator/deliveries/{id}/resend"
          label="Resend"
          isPrimary
          isInPortal
          about="It is sent again with the same id and bytes, in up to eight attempts. One that waits is attempted at once."
          {...{ params: { id }, query }}
          done={() => "It is queued; its attempts appear below."}
        />
      }
    >
      <Loaded of={delivery}>
        {(of) => (
          <>
            {of.status === "failed" && (
              <Alert color="red" title="It failed for good">
                {of.reason === undefined ? "" : `Because: ${of.reason}. `}When the receiver is
                mended, resend it here, or recover a whole period on the webhook's page.
              </Alert>
            )}
            <Section title="What it is">
              <Facts
                of={{
                  Status: <Status value={of.status} />,
                  Because: of.reason,
                  Webhook: <Id id={of.webhookId} to={toWebhook(of.clientId)} />,
                  Event: <Id id={of.eventId} to={toEvent(of.eventId)} />,
                  "Event type": of.eventType,
                  Request: of.requestId && <Id id={of.requestId} to={toRequest(of.requestId)} />,
                  Created: <BothTimes at={of.createdAt} />,
                  "Next attempt": of.nextAttemptAt && <BothTimes at={of.nextAttemptAt} />,
                }}
              />
            </Section>
            <Attempts attempts={of.attempts} />
            <Sent sent={of.sent} />
          </>
        )}
      </Loaded>
    </Page>
  );
}

function Attempts({ attempts }: { attempts: readonly Attempt[] }) {
  return (
    <Section title="Attempts">
      {attempts.length === 0 ? (
        <Nothing title="There was none yet" />
      ) : (
        <Accordion multiple defaultValue={[keyOf(attempts.at(-1))]} variant="separated">
          {attempts.toReversed().map((attempt) => (
            <Accordion.Item key={keyOf(attempt)} value={keyOf(attempt)}>
              <Accordion.Control>
                <Group gap="sm">
                  <Status
                    value={isSuccess(attempt) ? "delivered" : "failed"}
                    label={attempt.error ?? `HTTP ${attempt.httpStatus}`}
                  />
                  <Words span size="sm">
                    Attempt {attempt.n}
                    {attempt.cycle > 1 && ` of resend ${attempt.cycle - 1}`}
                  </Words>
                  <Words span size="sm" c="dimmed">
                    <Time at={attempt.at} />, {attempt.durationMs} ms
                  </Words>
                </Group>
              </Accordion.Control>
              <Accordion.Panel>
                <AnswerOf attempt={attempt} />
              </Accordion.Panel>
            </Accordion.Item>
          ))}
        </Accordion>
      )}
    </Section>
  );
}

const keyOf = (attempt: Attempt | undefined) => `${attempt?.cycle}/${attempt?.n}`;

const isSuccess = ({ httpStatus = 0 }: Attempt) => httpStatus >= 200 && httpStatus < 300;

function AnswerOf({ attempt }: { attempt: Attempt }) {
  return (
    <Stack gap="xs">
      <Facts
        of={{
          At: <BothTimes at={attempt.at} />,
          Answer: attempt.httpStatus === undefined ? "none" : `HTTP ${attempt.httpStatus}`,
          Error: attempt.error,
          "Redirects to": attempt.location && `${attempt.location} (it is not followed)`,
        }}
      />
      {attempt.bodyStart !== undefined && attempt.bodyStart !== "" && (
        <>
          <Words size="sm" fw={500}>
            The beginning of the answer's body
          </Words>
          <Text text={attempt.bodyStart} label="the beginning of the answer's body" isExact />
        </>
      )}
    </Stack>
  );
}

function Sent({ sent }: { sent: DeliveryAnswer["sent"] }) {
  return (
    <Section title="What is sent">
      <Stack gap="sm">
        <Facts of={{ URL: <Id id={sent.url} /> }} />
        <div>
          <Words size="sm" fw={500}>
            Headers
          </Words>
          <Words size="sm" c="dimmed" mb={4}>
            Their values are signatures and secrets of the client, and are not shown.
          </Words>
          <List size="sm" className="ackwire-id">
            {sent.headerNames.map((name) => (
              <List.Item key={name}>{name}</List.Item>
            ))}
          </List>
        </div>
        <Words size="sm" fw={500}>
          Body
        </Words>
        <Text text={sent.body} label="the body that is sent" isExact />
      </Stack>
    </Section>
  );
}
