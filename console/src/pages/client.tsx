import { Button, Group, Stack, Text } from "@mantine/core";
import { useState } from "react";
import { Link, useParams } from "react-router";
import type { ItemOf } from "../api/call.ts";
import { useLook, usePages } from "../api/live.ts";
import { useMe } from "../api/me.tsx";
import { toWebhook } from "../links.ts";
import { Action } from "../parts/action.tsx";
import { Facts } from "../parts/facts.tsx";
import { Id } from "../parts/id.tsx";
import { Page, Section } from "../parts/page.tsx";
import { Loaded, Nothing } from "../parts/states.tsx";
import { Status } from "../parts/status.tsx";
import { Pages } from "../parts/table.tsx";
import { BothTimes, Time } from "../parts/time.tsx";
import { PortalLink } from "./portal-link.tsx";

type Key = ItemOf<"GET /v1/operator/clients/{clientId}/keys">;

export function Client() {
  const { clientId = "" } = useParams();
  const isOperator = useMe().kind === "operator";
  const client = useLook("GET /v1/operator/clients/{clientId}", { params: { clientId } });
  const of = `?clientId=${encodeURIComponent(clientId)}`;
  const pages = [
    ["Requests", `/requests${of}`],
    ["Accounts", `/accounts${of}`],
    ["Events", `/events${of}`],
    ["Webhook", toWebhook(clientId)],
    ["Deliveries", `/deliveries${of}`],
    ["Connections", `/connections${of}`],
  ] as const;
  return (
    <Page
      title={client.data === undefined ? "Client" : `Client ${client.data.name}`}
      about={<Id id={clientId} />}
      actions={isOperator && <PortalLink clientId={clientId} />}
    >
      <Section title="What it has">
        <Loaded of={client}>
          {({ createdAt, activeKeys, connections, accounts, webhookStatus }) => (
            <Stack gap="md">
              <Facts
                of={{
                  Created: <BothTimes at={createdAt} />,
                  "Keys that work": activeKeys,
                  Connections: connections,
                  Accounts: accounts,
                  Webhook: webhookStatus === undefined ? "none" : <Status value={webhookStatus} />,
                }}
              />
              <Group gap="xs">
                {pages.map(([label, to]) => (
                  <Button key={label} component={Link} to={to} size="xs" variant="default">
                    {label}
                  </Button>
                ))}
              </Group>
            </Stack>
          )}
        </Loaded>
      </Section>
      {isOperator && <Keys clientId={clientId} />}
    </Page>
  );
}

function Keys({ clientId }: { clientId: string }) {
  const keys = usePages<"GET /v1/operator/clients/{clientId}/keys", Key>(
    "GET /v1/operator/clients/{clientId}/keys",
    { params: { clientId } },
  );
  const [nowMs] = useState(Date.now);
  return (
    <Section title="API keys">
      <Text size="sm" c="dimmed" mb="sm">
        A new key is shown once, and only where it was made: by the client (POST /v1/keys) or by npm
        run admin -- keys create. This console shows none.
      </Text>
      <Pages
        of={keys}
        label="API keys"
        keyOf={({ keyId }) => keyId}
        columns={[
          { title: "Key", cell: ({ keyId }) => <Id id={keyId} isShort /> },
          { title: "May", cell: ({ scopes }) => scopes.join(", ") },
          { title: "Status", cell: (key) => <Status value={statusOf(key, nowMs)} /> },
          { title: "Created", cell: ({ createdAt }) => <Time at={createdAt} /> },
          {
            title: "Ends",
            cell: ({ expiresAt }) => expiresAt !== undefined && <Time at={expiresAt} />,
          },
          {
            title: "Last used",
            cell: ({ lastUsedAt }) => lastUsedAt !== undefined && <Time at={lastUsedAt} />,
          },
          {
            title: "Mend",
            cell: (key) =>
              key.revokedAt === undefined && (
                <Action
                  route="POST /v1/operator/clients/{clientId}/keys/{keyId}/revoke"
                  label="Revoke"
                  scope="admin"
                  isDangerous
                  about="The key is refused from now on; for some seconds it may still be accepted."
                  params={{ clientId, keyId: key.keyId }}
                  done={() => "The key is revoked."}
                />
              ),
          },
        ]}
        empty={<Nothing title="It has no key">It can call nothing until one is made.</Nothing>}
      />
    </Section>
  );
}

function statusOf({ revokedAt, expiresAt }: Key, nowMs: number): string {
  if (revokedAt !== undefined) return "revoked";
  return expiresAt !== undefined && Date.parse(expiresAt) <= nowMs ? "expired" : "active";
}
