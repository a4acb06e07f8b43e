import { Text } from "@mantine/core";
import { useLook } from "../api/live.ts";
import { useMe } from "../api/me.tsx";
import { Facts } from "../parts/facts.tsx";
import { Id } from "../parts/id.tsx";
import { Page, Section } from "../parts/page.tsx";
import { Loaded } from "../parts/states.tsx";
import { Status } from "../parts/status.tsx";
import { Rows } from "../parts/table.tsx";
import { BothTimes } from "../parts/time.tsx";

export function Settings() {
  const me = useMe();
  const settings = useLook("GET /v1/operator/settings", {}, { live: false });
  return (
    <Page title="Settings" about="As the functions read them. They are changed by a deployment.">
      <Section title="Stack">
        <Facts
          of={{
            Stack: <Id id={me.stack} />,
            Version: me.version,
            "You are": `${me.name}${me.scope === undefined ? "" : `, scope ${me.scope}`}`,
            "Your key ends": me.expiresAt && <BothTimes at={me.expiresAt} />,
            "Business time passes": me.speed === 1 ? "as real time" : `${me.speed} times as fast`,
          }}
        />
      </Section>
      <Section title="Settings">
        <Loaded of={settings}>
          {({ items }) => (
            <Rows
              label="Settings"
              items={items}
              keyOf={({ name }) => name}
              columns={[
                {
                  title: "Setting",
                  cell: ({ name }) => <span className="ackwire-id">{name}</span>,
                },
                { title: "Value", cell: ({ value }) => <Text fw={600}>{value}</Text> },
                {
                  title: "Default",
                  cell: ({ isDefault }) =>
                    isDefault ? "yes" : <Status value="waiting" label="changed" />,
                },
              ]}
            />
          )}
        </Loaded>
      </Section>
    </Page>
  );
}
