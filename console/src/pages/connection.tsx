import { Alert, List, SimpleGrid, Text } from "@mantine/core";
import { useParams } from "react-router";
import { useLook } from "../api/live.ts";
import { useMe, useOfClient } from "../api/me.tsx";
import { toClient } from "../links.ts";
import { Action } from "../parts/action.tsx";
import { Facts } from "../parts/facts.tsx";
import { Id } from "../parts/id.tsx";
import { Page, Section } from "../parts/page.tsx";
import { Loaded, Nothing } from "../parts/states.tsx";
import { Status } from "../parts/status.tsx";
import { Rows } from "../parts/table.tsx";
import { BothTimes, Time } from "../parts/time.tsx";
import { ConnectionActions } from "./connection-actions.tsx";
import { type Connection as ConnectionView, pauseWords } from "./connections.tsx";

export function Connection() {
  const { connectionId = "" } = useParams();
  const isOperator = useMe().kind === "operator";
  const connection = useLook("GET /v1/operator/connections/{connectionId}", {
    params: { connectionId },
    query: useOfClient(),
  });
  const { data } = connection;
  return (
    <Page
      title="Connection"
      about={<Id id={connectionId} />}
      actions={data !== undefined && <ConnectionActions connection={data} />}
    >
      <Loaded of={connection}>
        {(of) => (
          <>
            <WhatIsWrong connection={of} />
            <SimpleGrid cols={{ base: 1, md: 2 }}>
              <Section title="What it is">
                <Facts
                  of={{
                    Provider: of.provider,
                    Client: <Id id={of.clientId} to={toClient(of.clientId)} />,
                    Status: <Status value={of.status} />,
                    Because: pauseWords(of),
                    Credentials: of.hasCredentials ? "set" : "missing: nothing can be submitted",
                    Created: <BothTimes at={of.createdAt} />,
                  }}
                />
              </Section>
              <Section title="How it verifies webhooks">
                <Facts
                  of={{
                    "Wrong signature":
                      of.signature === "enforce" ? "refused" : "put into quarantine",
                    "Forms of the hash": of.hashForms.join(", "),
                    "Unbound JWT": of.allowUnboundJwt ? "accepted" : "refused",
                    "Asks the provider": of.verifyByFetch ? "yes" : "no",
                    "Old secret until": of.previousSecretValidUntil && (
                      <BothTimes at={of.previousSecretValidUntil} />
                    ),
                  }}
                />
              </Section>
            </SimpleGrid>
          </>
        )}
      </Loaded>
      {isOperator && <Quarantine connectionId={connectionId} />}
    </Page>
  );
}

function WhatIsWrong({ connection: of }: { connection: ConnectionView }) {
  return (
    <>
      {of.pausedBecause === "CREDENTIALS_REFUSED" && (
        <Alert color="red" title="Paused: the provider refused its credentials">
          Its requests wait. Set credentials that the provider takes; that resumes it.
        </Alert>
      )}
      {of.status === "paused" && of.pausedBecause === undefined && (
        <Alert color="orange" title="A person paused it">
          Its requests wait until it is resumed. Webhooks are accepted.
        </Alert>
      )}
      {!of.hasCredentials && (
        <Alert color="orange" title="It has no credentials">
          Nothing can be submitted to the provider until they are set.
        </Alert>
      )}
      {of.refused !== undefined && <Refused refused={of.refused} />}
    </>
  );
}

function Refused({ refused }: { refused: NonNullable<ConnectionView["refused"]> }) {
  return (
    <Alert color="red" title={`${refused.count} webhooks to its URL were refused`}>
      <Text size="sm" mb="xs">
        {refused.reason}. Since <Time at={refused.since} />, last <Time at={refused.lastAt} />, from{" "}
        {refused.addresses.length === 0 ? "an unknown address" : refused.addresses.join(", ")}.
      </Text>
      <List size="sm">
        <List.Item>
          The provider has a new secret: “Rotate the secret” to it. What came meanwhile, the
          provider sends again; with “wrong signature: quarantine” nothing more is refused.
        </List.Item>
        <List.Item>
          Somebody else sends them: they have done nothing. If they know the URL, the client rotates
          it.
        </List.Item>
      </List>
    </Alert>
  );
}

function Quarantine({ connectionId }: { connectionId: string }) {
  const params = { connectionId };
  const quarantine = useLook("GET /v1/operator/connections/{connectionId}/quarantine", { params });
  const isEmpty = quarantine.data?.items.length === 0;
  return (
    <Section
      title="Quarantine"
      actions={
        !isEmpty && (
          <Action
            route="POST /v1/operator/connections/{connectionId}/quarantine/release"
            label="Release"
            about="Each is verified again with the secrets that the connection has now. Those that pass are processed; the others stay."
            params={params}
            done={({ released, kept, isComplete }) =>
              `${released} released, ${kept} kept.${isComplete ? "" : " Release again for the rest."}`
            }
          />
        )
      }
    >
      <Loaded of={quarantine}>
        {({ items, hasMore }) =>
          isEmpty ? (
            <Nothing title="Nothing is in quarantine" />
          ) : (
            <>
              <Rows
                label="Webhooks in quarantine"
                items={items}
                keyOf={({ key }) => key}
                columns={[
                  { title: "Webhook", cell: ({ key }) => <Id id={key} /> },
                  { title: "Received", cell: ({ at }) => at !== undefined && <Time at={at} /> },
                ]}
              />
              {hasMore && <Text size="sm">There are more.</Text>}
            </>
          )
        }
      </Loaded>
    </Section>
  );
}
