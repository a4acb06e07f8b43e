import { Badge, Button, Group, Paper, SimpleGrid, Skeleton, Stack, Text } from "@mantine/core";
import { lazy, Suspense } from "react";
import { Link } from "react-router";
import type { Answer } from "../api/call.ts";
import { useLook } from "../api/live.ts";
import { useMe, useOfClient } from "../api/me.tsx";
import { toAccount, toClient, toDeadLetters, toNeed, toRequest } from "../links.ts";
import { Id } from "../parts/id.tsx";
import { Page, Section } from "../parts/page.tsx";
import { Loaded, Nothing } from "../parts/states.tsx";
import { Status } from "../parts/status.tsx";
import { Rows } from "../parts/table.tsx";
import { Time } from "../parts/time.tsx";

// The chart library is larger than all the rest, and the numbers do not wait for it.
const TrafficChart = lazy(() => import("../parts/traffic-chart.tsx"));

type OverviewAnswer = Answer<"GET /v1/operator/overview">;
type Need = OverviewAnswer["needsYou"][number];

export function Overview() {
  const me = useMe();
  const overview = useLook("GET /v1/operator/overview", { query: useOfClient() });
  return (
    <Page
      title="Overview"
      about={me.isLocal ? "A local run. Everything in it is simulated." : undefined}
    >
      <Loaded of={overview}>
        {(of) => (
          <>
            <NeedsYou needs={of.needsYou} isComplete={of.isComplete} />
            <Traffic traffic={of.traffic} />
            <Lanes lanes={of.lanes} hasAll={of.hasAllLanes} />
            {me.kind === "operator" && <Queues queues={of.queues} />}
          </>
        )}
      </Loaded>
    </Page>
  );
}

function NeedsYou({ needs, isComplete }: { needs: readonly Need[]; isComplete: boolean }) {
  return (
    <Section title="Needs you">
      <Stack gap="xs">
        {needs.length === 0 && (
          <Text size="sm">Nothing. No connection, account or webhook is stopped or failing.</Text>
        )}
        {needs.map((need) => (
          <NeedCard key={`${need.kind} ${need.subject.id}`} need={need} />
        ))}
        {!isComplete && (
          <Text size="sm" c="dimmed">
            There are more clients than were looked at: the lists of connections, webhooks and
            accounts have the rest.
          </Text>
        )}
      </Stack>
    </Section>
  );
}

function NeedCard({ need }: { need: Need }) {
  return (
    <Paper withBorder p="sm" component="article" aria-label={need.title}>
      <Group justify="space-between" align="flex-start" gap="sm">
        <div style={{ flex: "1 1 260px", minWidth: 0 }}>
          <Group gap="xs" mb={4}>
            <Status value={need.severity} label={need.severity === "page" ? "now" : "today"} />
            <Text fw={600} style={{ overflowWrap: "anywhere" }}>
              {need.title}
            </Text>
          </Group>
          <Text size="sm">{need.cause}</Text>
          <Text size="sm" c="dimmed">
            {need.toDo}
          </Text>
        </div>
        <Group gap="sm">
          {need.count !== undefined && <Badge variant="default">{need.count}</Badge>}
          {need.since !== undefined && (
            <Text size="sm" c="dimmed">
              since <Time at={need.since} />
            </Text>
          )}
          <Button component={Link} to={toNeed(need)} size="xs" variant="default">
            Show
          </Button>
        </Group>
      </Group>
    </Paper>
  );
}

function Traffic({ traffic }: { traffic: OverviewAnswer["traffic"] }) {
  const figures = [
    ["Requests accepted", traffic.requestsAccepted],
    ["Events stored", traffic.eventsStored],
    ["Deliveries made", traffic.deliveriesCreated],
    ["Delivered", traffic.delivered],
    ["Failed", traffic.deliveriesFailed],
  ] as const;
  return (
    <Section title="The last hour">
      <SimpleGrid cols={{ base: 2, sm: 5 }} mb="md">
        {figures.map(([name, count]) => (
          <div key={name}>
            <Text size="xl" fw={700} lh={1.2}>
              {traffic.isComplete ? "" : "≥ "}
              {count.toLocaleString("en")}
            </Text>
            <Text size="sm" c="dimmed">
              {name}
            </Text>
          </div>
        ))}
      </SimpleGrid>
      <Suspense fallback={<Skeleton height={220} />}>
        <TrafficChart buckets={traffic.buckets} />
      </Suspense>
    </Section>
  );
}

function Lanes({ lanes, hasAll }: { lanes: OverviewAnswer["lanes"]; hasAll: boolean }) {
  const isOperator = useMe().kind === "operator";
  return (
    <Section title="Longest lanes">
      {lanes.length === 0 ? (
        <Nothing title="No request waits in a lane" />
      ) : (
        <Rows
          label="Longest lanes"
          items={lanes}
          keyOf={(lane) => `${lane.clientId} ${lane.connectionId} ${lane.accountId}`}
          columns={[
            {
              title: "Account",
              cell: (lane) => (
                <Id
                  id={lane.accountId}
                  to={toAccount(lane.clientId, lane.accountId, lane.connectionId)}
                />
              ),
            },
            ...(isOperator
              ? [
                  {
                    title: "Client",
                    cell: (lane: OverviewAnswer["lanes"][number]) => (
                      <Id id={lane.clientId} to={toClient(lane.clientId)} isShort />
                    ),
                  },
                ]
              : []),
            { title: "Wait", cell: ({ waiting }) => waiting },
            {
              title: "State",
              cell: (lane) => <Status value={lane.pausedBecause ? "paused" : laneState(lane)} />,
            },
            {
              title: "Oldest",
              cell: ({ oldestSince, oldestRequestId }) => (
                <Group gap="xs" wrap="nowrap">
                  {oldestSince !== undefined && <Time at={oldestSince} />}
                  {oldestRequestId !== undefined && (
                    <Id id={oldestRequestId} to={toRequest(oldestRequestId)} isShort />
                  )}
                </Group>
              ),
            },
            { title: "Next", cell: ({ dueAt }) => dueAt !== undefined && <Time at={dueAt} /> },
          ]}
        />
      )}
      {hasAll === false && (
        <Text size="sm" c="dimmed">
          Lanes may be missing: more is due than was looked at.
        </Text>
      )}
    </Section>
  );
}

function laneState({ isStuck, isHeld }: OverviewAnswer["lanes"][number]): string {
  if (isStuck) return "stuck";
  return isHeld ? "running" : "waiting";
}

function Queues({ queues }: { queues: OverviewAnswer["queues"] }) {
  return (
    <Section title="Queues">
      <Rows
        label="Queues"
        items={queues}
        keyOf={({ name }) => name}
        columns={[
          { title: "Queue", cell: ({ name }) => name },
          { title: "Waiting", cell: ({ waiting }) => waiting },
          { title: "In flight", cell: ({ inFlight }) => inFlight },
          { title: "Delayed", cell: ({ delayed }) => delayed },
          {
            title: "Dead letters",
            cell: ({ deadLetters, deadLetterQueue }) =>
              deadLetterQueue === undefined ? (
                "—"
              ) : (
                <Button
                  component={Link}
                  to={toDeadLetters(deadLetterQueue)}
                  size="compact-xs"
                  variant={deadLetters > 0 ? "filled" : "default"}
                  {...(deadLetters > 0 ? { color: "red" } : {})}
                  aria-label={`${deadLetters} dead letters in ${deadLetterQueue}`}
                >
                  {deadLetters}
                </Button>
              ),
          },
        ]}
      />
    </Section>
  );
}
