import { Anchor } from "@mantine/core";
import { useLook } from "../api/live.ts";
import { Page, Section } from "../parts/page.tsx";
import { Loaded, Nothing } from "../parts/states.tsx";
import { Status } from "../parts/status.tsx";
import { Rows } from "../parts/table.tsx";
import { Time } from "../parts/time.tsx";

export function Alarms() {
  const alarms = useLook("GET /v1/operator/alarms");
  return (
    <Page title="Alarms" about="The stack's alarms, those that are on first.">
      <Section title="Alarms">
        <Loaded of={alarms}>
          {({ isAvailable, reason, items }) =>
            items.length === 0 ? (
              <Nothing
                title={isAvailable ? "The stack has no alarms" : "There are no alarms to show"}
              >
                {reason}
              </Nothing>
            ) : (
              <Rows
                label="Alarms"
                items={items}
                keyOf={({ name }) => name}
                columns={[
                  {
                    title: "Alarm",
                    cell: ({ name }) => <span className="ackwire-id">{name}</span>,
                  },
                  { title: "State", cell: ({ state }) => <Status value={state} /> },
                  { title: "For", cell: ({ severity }) => <Status value={severity} /> },
                  { title: "What it means", cell: ({ description }) => description },
                  {
                    title: "Since",
                    cell: ({ since }) => since !== undefined && <Time at={since} isReal />,
                  },
                  {
                    title: "Runbook",
                    cell: ({ runbook }) => runbook !== undefined && <Runbook at={runbook} />,
                  },
                ]}
              />
            )
          }
        </Loaded>
      </Section>
    </Page>
  );
}

/** A stage that names no base URL has the path in the repository. */
function Runbook({ at }: { at: string }) {
  return /^https?:/.test(at) ? (
    <Anchor href={at} target="_blank" rel="noreferrer" underline="always">
      open
    </Anchor>
  ) : (
    <span className="ackwire-id">{at}</span>
  );
}
