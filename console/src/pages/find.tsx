import { Button, Group } from "@mantine/core";
import { Link, useParams } from "react-router";
import type { ItemOf } from "../api/call.ts";
import { useLook } from "../api/live.ts";
import { useOfClient } from "../api/me.tsx";
import { toAccount, toClient, toConnection, toRequest, toThing, toWebhook } from "../links.ts";
import { Facts } from "../parts/facts.tsx";
import { Id } from "../parts/id.tsx";
import { Page, Section } from "../parts/page.tsx";
import { Loaded, Nothing } from "../parts/states.tsx";
import { Status } from "../parts/status.tsx";
import { Story } from "../parts/story.tsx";

type Found = ItemOf<"GET /v1/operator/find/{id}">;

/** Whose an id is, what it is, and its whole story. */
export function Find() {
  const { id = "" } = useParams();
  const found = useLook("GET /v1/operator/find/{id}", { params: { id }, query: useOfClient() });
  return (
    <Page title="Found" about={<Id id={id} />}>
      <Loaded of={found}>
        {({ items }) =>
          items.length === 0 ? (
            <Nothing title="Nothing has this id">
              Check that all of it was copied. What is older than its retention is gone.
            </Nothing>
          ) : (
            items.map((one) => <Thing key={`${one.kind} ${one.id}`} found={one} />)
          )
        }
      </Loaded>
    </Page>
  );
}

function Thing({ found }: { found: Found }) {
  const { clientId, connectionId, accountId, requestId } = found;
  const page = pageOf(found);
  return (
    <Section
      title={`${found.kind.charAt(0).toUpperCase()}${found.kind.slice(1)}`}
      actions={
        page !== undefined && (
          <Button component={Link} to={page} size="xs" variant="default">
            Open
          </Button>
        )
      }
    >
      <Group mb="sm">{found.title}</Group>
      <Facts
        of={{
          Id: <Id id={found.id} to={page} />,
          Status: found.status && <Status value={found.status} />,
          Client: (
            <>
              {found.clientName} <Id id={clientId} to={toClient(clientId)} />
            </>
          ),
          Request: requestId && <Id id={requestId} to={toRequest(requestId)} />,
          Connection: connectionId && <Id id={connectionId} to={toConnection(connectionId)} />,
          Account: accountId && (
            <Id id={accountId} to={toAccount(clientId, accountId, connectionId)} />
          ),
        }}
      />
      <div style={{ marginTop: 16 }}>
        <Story steps={found.story} />
      </div>
    </Section>
  );
}

function pageOf({ kind, id, clientId, accountId, connectionId }: Found): string | undefined {
  if (kind === "webhook" || kind === "recovery") return toWebhook(clientId);
  if (kind === "account") return toAccount(clientId, accountId ?? id, connectionId);
  if (kind === "recurring") return "/schedules";
  return toThing(kind, id);
}
