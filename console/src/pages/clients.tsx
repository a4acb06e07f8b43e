import type { ItemOf } from "../api/call.ts";
import { usePages } from "../api/live.ts";
import { toClient } from "../links.ts";
import { Id } from "../parts/id.tsx";
import { Page, Section } from "../parts/page.tsx";
import { Nothing } from "../parts/states.tsx";
import { Pages } from "../parts/table.tsx";
import { Time } from "../parts/time.tsx";

type Client = ItemOf<"GET /v1/operator/clients">;

export function Clients() {
  const clients = usePages<"GET /v1/operator/clients", Client>("GET /v1/operator/clients", {});
  return (
    <Page title="Clients" about="Who owns connections, accounts, requests and a webhook.">
      <Section title="Clients">
        <Pages
          of={clients}
          label="Clients"
          keyOf={({ clientId }) => clientId}
          columns={[
            { title: "Name", cell: ({ name }) => name },
            {
              title: "Client",
              cell: ({ clientId }) => <Id id={clientId} to={toClient(clientId)} />,
            },
            { title: "Created", cell: ({ createdAt }) => <Time at={createdAt} /> },
          ]}
          empty={
            <Nothing title="There is no client yet">
              npm run admin -- clients create --name NAME makes one.
            </Nothing>
          }
        />
      </Section>
    </Page>
  );
}
