import { Alert, Progress, SimpleGrid, Stack, Text } from "@mantine/core";
import { useParams } from "react-router";
import { useLook } from "../api/live.ts";
import { toClient, toDelivery } from "../links.ts";
import { DeliveryTable } from "../parts/delivery-table.tsx";
import { Facts } from "../parts/facts.tsx";
import { type Filter, Filters, useFilters } from "../parts/filters.tsx";
import { Id } from "../parts/id.tsx";
import { Page, Section } from "../parts/page.tsx";
import { Loaded, Nothing } from "../parts/states.tsx";
import { Status } from "../parts/status.tsx";
import { BothTimes } from "../parts/time.tsx";
import { deliveryStatuses } from "../words.ts";
import { WebhookActions } from "./webhook-actions.tsx";
import { Health, type Webhook as WebhookView } from "./webhooks.tsx";

const filters = [
  { name: "status", label: "Status", kind: "choice", choices: deliveryStatuses },
  { name: "since", label: "Within", kind: "since" },
] as const satisfies readonly Filter[];

/** The one webhook of a client. */
export function Webhook() {
  const { clientId = "" } = useParams();
  const webhooks = useLook("GET /v1/operator/webhooks", { query: { clientId } });
  const webhook = webhooks.data?.items[0];
  const query = { ...(useFilters<string>(filters) as object), clientId };
  return (
    <Page
      title="Webhook"
      about={webhook !== undefined && <Id id={webhook.url} />}
      actions={webhook !== undefined && <WebhookActions webhook={webhook} />}
    >
      <Loaded of={webhooks}>
        {({ items: [of] }) =>
          of === undefined ? (
            <Nothing title="This client has no webhook">It sets one with PUT /v1/webhook.</Nothing>
          ) : (
            <>
              <WhatIsWrong webhook={of} />
              <SimpleGrid cols={{ base: 1, md: 2 }}>
                <Section title="What it is">
                  <Details webhook={of} />
                </Section>
                <Section title="Its endpoint">
                  <Endpoint webhook={of} />
                </Section>
              </SimpleGrid>
              {of.recoveryId !== undefined && (
                <Recovery clientId={clientId} recoveryId={of.recoveryId} />
              )}
            </>
          )
        }
      </Loaded>
      <Section title="Its deliveries">
        <Filters filters={filters} />
        <DeliveryTable query={query} />
      </Section>
    </Page>
  );
}

function WhatIsWrong({ webhook }: { webhook: WebhookView }) {
  const { health, last, waiting, failed, status, disabledReason } = webhook;
  if (status === "disabled") {
    return (
      <Alert color="orange" title="This webhook is disabled">
        {disabledReason ?? "A person or its client disabled it."} Enable it, and recover what was
        not delivered meanwhile.
      </Alert>
    );
  }
  if (health.consecutiveFailures > 0) {
    return (
      <Alert
        color="red"
        title={`Its endpoint has failed ${health.consecutiveFailures} times in a row`}
      >
        The last answer was {last?.error ?? `HTTP ${last?.httpStatus ?? "unknown"}`}. Its owner has
        to mend it; or move the webhook to another URL. Deliveries wait and are tried again;
        afterwards recover those that failed.
      </Alert>
    );
  }
  if (failed === 0) return null;
  return (
    <Alert color="orange" title={`${failed} of its newest deliveries failed`}>
      The endpoint answers{waiting > 0 ? `, and ${waiting} wait` : ""}. “Recover” sends again what
      was not delivered in a period.
    </Alert>
  );
}

function Details({ webhook }: { webhook: WebhookView }) {
  return (
    <Facts
      of={{
        Id: <Id id={webhook.id} />,
        Client: <Id id={webhook.clientId} to={toClient(webhook.clientId)} />,
        Status: <Status value={webhook.status} />,
        Disabled: webhook.disabledAt && <BothTimes at={webhook.disabledAt} />,
        Format: `${webhook.format}, ${webhook.payloadMode}`,
        "Event types": webhook.eventTypes?.join(", ") ?? "all",
        "Own headers": webhook.headerNames?.join(", "),
        Description: webhook.description,
        Created: <BothTimes at={webhook.createdAt} />,
      }}
    />
  );
}

function Endpoint({ webhook }: { webhook: WebhookView }) {
  const { health, last, waiting, failed, nextAttemptAt } = webhook;
  return (
    <Facts
      of={{
        Health: <Health webhook={webhook} />,
        Breaker: <Status value={health.circuit} />,
        "At it now": `${health.workers} workers`,
        "Last attempt": last && <BothTimes at={last.at} />,
        "Last answer": last && (
          <>
            {last.error ?? `HTTP ${last.httpStatus}`}{" "}
            <Id id={last.deliveryId} to={toDelivery(last.deliveryId)} isShort />
          </>
        ),
        Waiting: waiting,
        Failed: failed,
        "Next attempt": nextAttemptAt && <BothTimes at={nextAttemptAt} />,
      }}
    />
  );
}

function Recovery({ clientId, recoveryId }: { clientId: string; recoveryId: string }) {
  const recovery = useLook("GET /v1/operator/clients/{clientId}/recoveries/{recoveryId}", {
    params: { clientId, recoveryId },
  });
  return (
    <Section title="The last recovery">
      <Loaded of={recovery}>
        {({ status, since, until, examined, recovered, skipped }) => (
          <Stack gap="xs">
            <Facts
              of={{
                Status: <Status value={status} />,
                From: <BothTimes at={since} />,
                To: <BothTimes at={until} />,
              }}
            />
            <Text size="sm">
              {recovered} of {examined} are sent again, {skipped} are not: they have expired, are
              not taken by the webhook, or were sent to it before.
            </Text>
            {status === "running" && <Progress value={100} animated aria-label="It is running" />}
          </Stack>
        )}
      </Loaded>
    </Section>
  );
}
